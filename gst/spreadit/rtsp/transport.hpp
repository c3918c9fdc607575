// The Transport header (RFC 2326, 12.39), as far as we use it.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rtsp/result.hpp"

namespace spreadit::rtsp {

enum class Profile { avp, avpf }; // RTP/AVP, RTP/AVPF (RFC 4585)
enum class Lower { udp, tcp };

// first == last: one number was given.
struct PortRange {
  std::uint16_t first = 0; // not 0
  std::uint16_t last = 0;  // not below first
  bool operator== (const PortRange &) const = default;
};
struct ChannelRange {
  std::uint8_t first = 0;
  std::uint8_t last = 0;
  bool operator== (const ChannelRange &) const = default;
};

struct Transport {
  enum class Mode { unset, play, other };

  Profile profile = Profile::avp;
  Lower lower = Lower::udp;
  bool unicast = false; // RFC 2326: without the word, multicast is meant
  std::optional<PortRange> client_port;
  std::optional<PortRange> server_port;
  std::optional<ChannelRange> interleaved;
  std::string source; // host the packets come from; empty: the RTSP server's
  std::optional<std::uint32_t> ssrc;
  bool rtcp_mux = false; // RTCP on the RTP port (RFC 5761)
  bool bundle = false;   // ours: all media on one port (as RFC 8843)
  Mode mode = Mode::unset;
  bool operator== (const Transport &) const = default;
};

// The alternatives we could use, in the order of preference they came in;
// those with another transport (RTP/SAVP, multicast-only RAW ...) are left out,
// so the list may be empty (answer 461). Parameters we do not know are ignored,
// ones we know must be right. `destination` is ignored on purpose: packets go
// where the connection came from.
Result<std::vector<Transport>> parse_transports (std::string_view value);

std::string to_string (const Transport &transport);
std::string to_string (std::span<const Transport> alternatives);

// What one peer asks another for: RTP/AVPF;unicast;RTCP-mux;bundle and the port
// it has, or bundled on one interleaved channel.
Transport peer_transport_udp (std::uint16_t client_port);
Transport peer_transport_tcp (std::uint8_t channel);

} // namespace spreadit::rtsp
