// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <span>
#include <string>

#include <gst/gst.h>

namespace spreadit::http {

// What is to be counted of the server itself.
struct Load {
  std::size_t connections = 0;
  std::size_t listeners = 0; // WebSockets
  std::size_t viewers = 0;   // of the stream, in a page
};

// The stats of each stream (GstSpreaditPeeringManager:stats) as Prometheus has
// it (text format 0.0.4): base units, one HELP and TYPE a name, the stream's
// URI as a label.
std::string metrics (
    std::span<const GstStructure *const> streams, const Load &load);

} // namespace spreadit::http
