// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/packet.hpp"

#include <algorithm>
#include <cassert>

#include "media/limits.hpp"

namespace spreadit::media {

namespace {

constexpr std::size_t rtp_header_size = 12;
constexpr std::size_t rtcp_header_size = 8; // with the sender's SSRC
constexpr std::size_t sender_info_size = 20;
constexpr std::size_t report_block_size = 24;

std::uint16_t
read16 (Bytes bytes, std::size_t at)
{
  return static_cast<std::uint16_t> (bytes[at] << 8 | bytes[at + 1]);
}

std::uint32_t
read32 (Bytes bytes, std::size_t at)
{
  return std::uint32_t{read16 (bytes, at)} << 16 | read16 (bytes, at + 2);
}

void
append32 (std::vector<std::uint8_t> &out, std::uint32_t value)
{
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back (static_cast<std::uint8_t> (value >> shift));
}

// First word of an RTCP packet that is `words` words long.
void
append_rtcp_word (std::vector<std::uint8_t> &out, std::size_t count,
    std::uint8_t type, std::size_t words)
{
  append32 (out, static_cast<std::uint32_t> (
                     2u << 30 | count << 24 | type << 16 | (words - 1)));
}

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
  header.seq = read16 (d, 2);
  header.rtp_time = read32 (d, 4);
  header.ssrc = read32 (d, 8);
  return header;
}

// Length in bytes of the RTCP packet at `at`; 0 if it does not fit.
std::size_t
rtcp_size (Bytes d, std::size_t at)
{
  if (d.size () - at < 4)
    return 0;
  const std::size_t size = (read16 (d, at + 2) + std::size_t{1}) * 4;
  return size <= d.size () - at ? size : 0;
}

// The checks of RFC 3550 A.2.
std::optional<Header>
parse_rtcp (Bytes d)
{
  const std::uint8_t type = d[1];
  const bool has_padding = d[0] & 0x20;
  if ((type != rtcp_sr && type != rtcp_rr) || has_padding)
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

template <class Visit>
void
for_each_rtcp (Bytes compound, Visit visit)
{
  for (std::size_t at = 0; at < compound.size ();) {
    const std::size_t size = rtcp_size (compound, at);
    if (!size)
      return;
    visit (compound.subspan (at, size));
    at += size;
  }
}

} // namespace

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

std::vector<SenderReport>
sender_reports (Bytes compound)
{
  std::vector<SenderReport> reports;
  for_each_rtcp (compound, [&] (Bytes rtcp) {
    if (rtcp[1] != rtcp_sr ||
        rtcp.size () < rtcp_header_size + sender_info_size)
      return;
    const std::uint64_t seconds = read32 (rtcp, 8);
    reports.push_back ({.ssrc = read32 (rtcp, 4),
        .ntp = seconds << 32 | read32 (rtcp, 12),
        .rtp_time = read32 (rtcp, 16)});
  });
  return reports;
}

std::vector<ReportBlock>
report_blocks (Bytes compound)
{
  std::vector<ReportBlock> blocks;
  for_each_rtcp (compound, [&] (Bytes rtcp) {
    std::size_t at = rtcp_header_size;
    if (rtcp[1] == rtcp_sr)
      at += sender_info_size;
    else if (rtcp[1] != rtcp_rr)
      return;
    for (unsigned left = rtcp[0] & 0x1f; left; --left) {
      if (at + report_block_size > rtcp.size ())
        return;
      const std::uint32_t lost = read32 (rtcp, at + 4);
      blocks.push_back ({.ssrc = read32 (rtcp, at),
          .fraction_lost = static_cast<std::uint8_t> (lost >> 24),
          .cumulative_lost = static_cast<std::int32_t> (lost << 8) >> 8,
          .highest_seq = read32 (rtcp, at + 8),
          .jitter = read32 (rtcp, at + 12),
          .last_sr = read32 (rtcp, at + 16),
          .delay_since_sr = read32 (rtcp, at + 20)});
      at += report_block_size;
    }
  });
  return blocks;
}

std::vector<std::uint8_t>
write_receiver_report (
    std::uint32_t sender, std::span<const ReportBlock> blocks)
{
  blocks = blocks.first (std::min (blocks.size (), limits::report_blocks_max));
  std::vector<std::uint8_t> out;
  out.reserve (rtcp_header_size + blocks.size () * report_block_size);
  append_rtcp_word (out, blocks.size (), rtcp_rr, 2 + 6 * blocks.size ());
  append32 (out, sender);
  for (const ReportBlock &block : blocks) {
    append32 (out, block.ssrc);
    append32 (out,
        std::uint32_t{block.fraction_lost} << 24 |
            (static_cast<std::uint32_t> (block.cumulative_lost) & 0xff'ffff));
    append32 (out, block.highest_seq);
    append32 (out, block.jitter);
    append32 (out, block.last_sr);
    append32 (out, block.delay_since_sr);
  }
  assert (parse_packet (out));
  return out;
}

std::vector<std::uint8_t>
write_goodbye (std::uint32_t ssrc)
{
  std::vector<std::uint8_t> out = write_receiver_report (ssrc);
  append_rtcp_word (out, 1, rtcp_bye, 2);
  append32 (out, ssrc);
  assert (parse_packet (out));
  return out;
}

} // namespace spreadit::media
