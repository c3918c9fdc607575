// GstStructure -> JSON, for the stats lines and for HTTP alike.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "http/owned.hpp"

namespace spreadit::http {

// An object: fields in their order and under their names, lists as arrays,
// structures as objects, enums by nick. A number JSON has no word for (NaN)
// becomes null.
void add_structure (JsonBuilder *builder, const GstStructure *structure);

// What was built, on one line, without the line's end.
std::string to_text (JsonBuilder *builder);

} // namespace spreadit::http
