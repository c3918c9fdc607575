// A message as the other side of a link reads it: through the wire code that
// ships, as bytes.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <stdexcept>
#include <string>

#include "core/vocabulary.hpp"

namespace spreadit::simulation {

// The bytes of `message`, with what goes with it: a Subscribe is a flight of
// three requests, an answer to one three answers.
std::string encoded (const core::Message &message);

// Throws std::runtime_error if it cannot be written or read.
core::Message recoded (const core::Message &message);

} // namespace spreadit::simulation
