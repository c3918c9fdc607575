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

// RTPFB: FMT (RFC 4585 6.2, RFC 6642 8).
constexpr unsigned fmt_nack = 1;
constexpr unsigned fmt_third_party_loss = 7;
constexpr std::size_t feedback_header_size = 12; // and the SSRC it is about

// XR: BT (RFC 3611 4).
constexpr std::uint8_t xr_time_request = 4;
constexpr std::uint8_t xr_time_echo = 5;
constexpr std::size_t echo_size = 12;

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

// FCI: a packet, and a bit mask of the 16 after it.
void
read_losses (Bytes rtcp, std::size_t &entries_left, LossReport &report)
{
  for (std::size_t at = feedback_header_size;
       at + 4 <= rtcp.size () && entries_left; at += 4, --entries_left) {
    const std::uint16_t first = read16 (rtcp, at);
    const std::uint16_t following = read16 (rtcp, at + 2);
    report.seqs.push_back (first);
    for (unsigned i = 0; i < 16; ++i)
      if (following >> i & 1)
        report.seqs.push_back (static_cast<std::uint16_t> (first + i + 1));
  }
}

std::vector<LossReport>
loss_reports (Bytes compound, unsigned fmt)
{
  std::vector<LossReport> reports;
  std::size_t entries_left = limits::feedback_entries_max;
  for_each_rtcp (compound, [&] (Bytes rtcp) {
    if (rtcp[1] != rtcp_rtpfb || (rtcp[0] & 0x1f) != fmt ||
        rtcp.size () < feedback_header_size)
      return;
    read_losses (rtcp, entries_left,
        reports.emplace_back (
            LossReport{read32 (rtcp, 8), {}, read32 (rtcp, 4)}));
  });
  return reports;
}

// At most `most` entries; how many have been written.
std::size_t
append_losses (std::vector<std::uint8_t> &out, std::uint32_t sender,
    unsigned fmt, const LossReport &losses, std::size_t most)
{
  struct Entry {
    std::uint16_t first, following;
  };
  std::vector<Entry> entries;
  for (const std::uint16_t seq : losses.seqs) {
    const auto distance = static_cast<std::uint16_t> (
        entries.empty () ? 0 : seq - entries.back ().first);
    if (distance >= 1 && distance <= 16)
      entries.back ().following |=
          static_cast<std::uint16_t> (1u << (distance - 1));
    else if (entries.size () < most)
      entries.push_back ({seq, 0});
    else
      break;
  }
  if (entries.empty ())
    return 0;
  append_rtcp_word (out, fmt, rtcp_rtpfb, 3 + entries.size ());
  append32 (out, sender);
  append32 (out, losses.ssrc);
  for (const Entry &entry : entries) {
    append16 (out, entry.first);
    append16 (out, entry.following);
  }
  return entries.size ();
}

std::vector<std::uint8_t>
write_losses (
    std::uint32_t sender, unsigned fmt, std::span<const LossReport> losses)
{
  std::vector<std::uint8_t> out;
  std::size_t left = limits::feedback_entries_max;
  for (const LossReport &report : losses)
    left -= append_losses (
        out, report.asker ? report.asker : sender, fmt, report, left);
  assert (out.empty () || parse_packet (out));
  return out;
}

// `visit` gets the type and the contents of each block.
template <class Visit>
void
for_each_extended_block (Bytes compound, Visit visit)
{
  for_each_rtcp (compound, [&] (Bytes rtcp) {
    if (rtcp[1] != rtcp_xr)
      return;
    for (std::size_t at = rtcp_header_size; at + 4 <= rtcp.size ();) {
      const std::size_t size = read16 (rtcp, at + 2) * std::size_t{4};
      if (at + 4 + size > rtcp.size ())
        return;
      visit (rtcp, rtcp[at], rtcp.subspan (at + 4, size));
      at += 4 + size;
    }
  });
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

std::vector<LossReport>
nacks (Bytes compound)
{
  return loss_reports (compound, fmt_nack);
}

std::vector<LossReport>
third_party_losses (Bytes compound)
{
  return loss_reports (compound, fmt_third_party_loss);
}

std::vector<std::uint8_t>
write_nack (std::uint32_t sender, std::span<const LossReport> losses)
{
  return write_losses (sender, fmt_nack, losses);
}

std::vector<std::uint8_t>
write_third_party_loss (
    std::uint32_t sender, std::span<const LossReport> losses)
{
  return write_losses (sender, fmt_third_party_loss, losses);
}

void
append_time_request (
    std::vector<std::uint8_t> &report, std::uint32_t sender, std::uint64_t ntp)
{
  append_rtcp_word (report, 0, rtcp_xr, 5);
  append32 (report, sender);
  append32 (report, std::uint32_t{xr_time_request} << 24 | 2);
  append32 (report, static_cast<std::uint32_t> (ntp >> 32));
  append32 (report, static_cast<std::uint32_t> (ntp));
  assert (parse_packet (report));
}

std::vector<std::uint8_t>
write_time_echo (std::uint32_t sender, const TimeEcho &echo)
{
  std::vector<std::uint8_t> out = write_receiver_report (sender);
  append_rtcp_word (out, 0, rtcp_xr, 6);
  append32 (out, sender);
  append32 (out, std::uint32_t{xr_time_echo} << 24 | 3);
  append32 (out, echo.asker);
  append32 (out, echo.asked);
  append32 (out, echo.held);
  assert (parse_packet (out));
  return out;
}

std::optional<TimeEcho>
time_request (Bytes compound)
{
  std::optional<TimeEcho> request;
  for_each_extended_block (
      compound, [&] (Bytes rtcp, std::uint8_t type, Bytes block) {
        if (type == xr_time_request && block.size () == 8)
          request = TimeEcho{read32 (rtcp, 4), read32 (block, 2), 0};
      });
  return request;
}

std::vector<TimeEcho>
time_echoes (Bytes compound)
{
  std::vector<TimeEcho> echoes;
  for_each_extended_block (compound, [&] (Bytes, std::uint8_t type,
                                         Bytes block) {
    if (type != xr_time_echo)
      return;
    for (std::size_t at = 0; at + echo_size <= block.size (); at += echo_size)
      echoes.push_back (
          {read32 (block, at), read32 (block, at + 4), read32 (block, at + 8)});
  });
  return echoes;
}

} // namespace spreadit::media
