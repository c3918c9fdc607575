// Why an application session ended, for people.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "core/vocabulary.hpp"
#include "rtsp/uri.hpp"
#include "util/owned.hpp"

namespace spreadit::manager {

// One line that says what happened and what to do. Never null. `detail` may be
// empty.
Owned<GError> to_error (const core::action::Fail &fail, const rtsp::Uri &uri,
    const std::string &detail);

} // namespace spreadit::manager
