// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include <gst/gst.h>

namespace spreadit::relay {

// The structure as a JSON object on one line, without the line's end: fields in
// their order and under their names, lists as arrays, structures as objects,
// enums by nick. A number JSON has no word for (NaN) becomes null.
std::string stats_line (const GstStructure *stats);

} // namespace spreadit::relay
