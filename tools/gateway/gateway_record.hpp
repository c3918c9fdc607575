// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include "gatewayrecord.h"
#include "publication.hpp"

namespace spreadit::relay {

// Transfer full.
GstRTSPMediaFactory *make_record_factory (
    std::shared_ptr<Publication> publication);

} // namespace spreadit::relay
