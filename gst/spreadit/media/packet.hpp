// What we need to know of a datagram, and whether it is one of ours.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>

#include "media/bytes.hpp"

namespace spreadit::media {

// RFC 3550 5.1.
struct RtpHeader {
  std::uint8_t payload_type = 0;
  bool marker = false;
  std::uint16_t seq = 0;
  std::uint32_t rtp_time = 0;
  std::uint32_t ssrc = 0;
};

// The first packet of a compound (RFC 3550 6.1): SR or RR, or feedback that is
// all there is (RFC 5506).
struct RtcpHeader {
  std::uint8_t type = 0;
  std::uint32_t ssrc = 0; // of the sender
};
inline constexpr std::uint8_t rtcp_sr = 200;
inline constexpr std::uint8_t rtcp_rr = 201;
inline constexpr std::uint8_t rtcp_bye = 203;
inline constexpr std::uint8_t rtcp_rtpfb = 205; // RFC 4585 6.1
inline constexpr std::uint8_t rtcp_xr = 207;    // RFC 3611 2

using Header = std::variant<RtpHeader, RtcpHeader>;

// RTP or RTCP by RFC 5761 4. Nothing if it is neither: wrong version, a length
// that does not add up, an RTCP compound that begins with anything else.
// Padding of RTP is not looked at: with SRTP it is encrypted.
std::optional<Header> parse_packet (Bytes datagram);

// The element `id` of an RTP packet's header extension (RFC 8285 4.2, 4.3);
// empty if there is none. `packet` must be one that parse_packet() takes.
Bytes header_extension (Bytes packet, unsigned id);

// Length in bytes of the RTCP packet that begins at `at`; 0 if it does not fit.
std::size_t rtcp_size (Bytes compound, std::size_t at);

[[nodiscard]] inline std::uint32_t
ssrc_of (const Header &header)
{
  return std::visit ([] (const auto &h) { return h.ssrc; }, header);
}

} // namespace spreadit::media
