// What the gateway of gst-spreadit-relay is asked to do, as values.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <string>
#include <vector>

namespace spreadit::relay {

inline constexpr const char *gateway_host_default = "127.0.0.1";
inline constexpr unsigned gateway_port_default = 8555;
inline constexpr unsigned gateway_idle_timeout_default_s = 10;
inline constexpr unsigned gateway_streams_default = 8;

struct GatewayOptions {
  std::string host; // empty: no gateway
  unsigned port = gateway_port_default;
  unsigned idle_timeout_s = gateway_idle_timeout_default_s;
  // Joined at once because players named them; named mounts do not count.
  unsigned streams_max = gateway_streams_default;
  std::map<std::string, std::string> mounts; // path -> spreadit:// URI
  std::vector<std::string> publish;          // paths that may be published
  // Of the nodes, by option name, as StreamOptions has them.
  std::map<std::string, std::string, std::less<>> settings;

  bool operator== (const GatewayOptions &) const = default;
};

} // namespace spreadit::relay
