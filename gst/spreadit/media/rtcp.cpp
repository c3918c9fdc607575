// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/rtcp.hpp"

#include <algorithm>
#include <cassert>

#include "media/limits.hpp"

namespace spreadit::media {

namespace {

constexpr std::size_t rtcp_header_size = 8; // with the sender's SSRC
constexpr std::size_t sender_info_size = 20;
constexpr std::size_t report_block_size = 24;

// First word of an RTCP packet that is `words` words long.
void
append_rtcp_word (std::vector<std::uint8_t> &out, std::size_t count,
    std::uint8_t type, std::size_t words)
{
  append32 (out, static_cast<std::uint32_t> (
                     2u << 30 | count << 24 | type << 16 | (words - 1)));
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
