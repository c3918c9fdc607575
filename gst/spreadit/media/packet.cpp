// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/packet.hpp"

namespace spreadit::media {

namespace {

constexpr std::size_t rtp_header_size = 12;
constexpr std::size_t rtcp_header_size = 8; // with the sender's SSRC

bool
is_version_2 (std::uint8_t first)
{
  return first >> 6 == 2;
}

//  0                   1                   2                   3
// |V=2|P|X|  CC   |M|     PT      |       sequence number         |
// |                           timestamp                           |
// |                             SSRC                              |
// |                       CSRC, CC times                          |
// |  defined by profile (if X)    |  length in words, then those  |
std::optional<Header>
parse_rtp (Bytes d)
{
  RtpHeader header;
  header.payload_type = d[1] & 0x7f;
  // RFC 5761 4: with RTCP on the same port these are not to be used.
  if (header.payload_type >= 64 && header.payload_type <= 95)
    return std::nullopt;
  std::size_t size = rtp_header_size + (d[0] & 0x0f) * std::size_t{4};
  const bool has_extension = d[0] & 0x10;
  if (d.size () < size + (has_extension ? 4 : 0))
    return std::nullopt;
  if (has_extension) {
    size += 4 + read16 (d, size + 2) * std::size_t{4};
    if (d.size () < size)
      return std::nullopt;
  }
  header.marker = d[1] & 0x80;
  header.seq = read16 (d, 2);
  header.rtp_time = read32 (d, 4);
  header.ssrc = read32 (d, 8);
  return header;
}

// The checks of RFC 3550 A.2.
std::optional<Header>
parse_rtcp (Bytes d)
{
  const std::uint8_t type = d[1];
  const bool has_padding = d[0] & 0x20;
  if ((type != rtcp_sr && type != rtcp_rr && type != rtcp_rtpfb) || has_padding)
    return std::nullopt;
  for (std::size_t at = 0; at < d.size ();) {
    const std::size_t size = rtcp_size (d, at);
    if (!size || !is_version_2 (d[at]))
      return std::nullopt;
    at += size;
  }
  if (rtcp_size (d, 0) < rtcp_header_size)
    return std::nullopt;
  return RtcpHeader{type, read32 (d, 4)};
}

} // namespace

Bytes
header_extension (Bytes packet, unsigned id)
{
  if (!id || !(packet[0] & 0x10))
    return {};
  const std::size_t at = rtp_header_size + (packet[0] & 0x0f) * std::size_t{4};
  const unsigned kind = read16 (packet, at);
  const bool is_one_byte = kind == 0xbede, is_two_bytes = kind >> 4 == 0x100;
  if (!is_one_byte && !is_two_bytes)
    return {};
  Bytes rest =
      packet.subspan (at + 4, read16 (packet, at + 2) * std::size_t{4});
  const std::size_t head = is_one_byte ? 1 : 2;
  while (rest.size () > head) {
    if (!rest[0]) { // padding
      rest = rest.subspan (1);
      continue;
    }
    const unsigned found = is_one_byte ? rest[0] >> 4 : rest[0];
    const std::size_t size = is_one_byte ? (rest[0] & 0x0f) + 1u : rest[1];
    if (size > rest.size () - head || (is_one_byte && found == 15))
      return {};
    if (found == id)
      return rest.subspan (head, size);
    rest = rest.subspan (head + size);
  }
  return {};
}

std::size_t
rtcp_size (Bytes compound, std::size_t at)
{
  if (compound.size () - at < 4)
    return 0;
  const std::size_t size = (read16 (compound, at + 2) + std::size_t{1}) * 4;
  return size <= compound.size () - at ? size : 0;
}

std::optional<Header>
parse_packet (Bytes datagram)
{
  if (datagram.size () < rtcp_header_size || !is_version_2 (datagram[0]))
    return std::nullopt;
  // RFC 5761 4: RTCP packet types 192 to 223 are never an RTP marker bit and
  // payload type.
  if (datagram[1] >= 192 && datagram[1] <= 223)
    return parse_rtcp (datagram);
  if (datagram.size () < rtp_header_size)
    return std::nullopt;
  return parse_rtp (datagram);
}

} // namespace spreadit::media
