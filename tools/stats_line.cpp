// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stats_line.hpp"

#include "http/json.hpp"
#include "owned.hpp"

namespace spreadit::relay {

std::string
stats_line (const GstStructure *stats)
{
  const Owned<JsonBuilder> builder (json_builder_new ());
  http::add_structure (builder.get (), stats);
  return http::to_text (builder.get ());
}

} // namespace spreadit::relay
