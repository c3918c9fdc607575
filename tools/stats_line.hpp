// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include <gst/gst.h>

namespace spreadit::relay {

// The structure as a JSON object on one line (json.hpp), without the line's
// end.
std::string stats_line (const GstStructure *stats);

} // namespace spreadit::relay
