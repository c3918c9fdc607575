// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/reception.hpp"

#include <algorithm>
#include <cmath>

#include "media/limits.hpp"

namespace spreadit::media {

namespace {
// Numbers further apart are a restart of the source, not loss.
constexpr std::uint64_t restart_distance = 32768;

using Seconds = std::chrono::duration<double>;
} // namespace

Reception::Source *
Reception::find (std::uint32_t ssrc)
{
  const auto it = std::ranges::find (sources_, ssrc, &Source::ssrc);
  return it == sources_.end () ? nullptr : &*it;
}

void
Reception::packet (const RtpHeader &header, std::uint64_t extended,
    std::uint32_t clock_rate, MonotonicTime now)
{
  Source *source = find (header.ssrc);
  if (!source) {
    if (sources_.size () == limits::sources_max)
      return;
    source = &sources_.emplace_back ();
    source->ssrc = header.ssrc;
  }
  const bool is_restart = extended > source->highest + restart_distance;
  if (is_restart) { // also the first, since numbers start at 65536
    *source = Source{.ssrc = header.ssrc,
        .base = extended,
        .highest = extended,
        .last_sr = source->last_sr,
        .last_sr_time = source->last_sr_time};
  } else if (clock_rate) {
    const double transit_change =
        Seconds (now - source->last_packet).count () * clock_rate -
        static_cast<std::int32_t> (header.rtp_time - source->last_rtp_time);
    source->jitter += (std::abs (transit_change) - source->jitter) / 16;
  }
  source->base = std::min (source->base, extended);
  source->highest = std::max (source->highest, extended);
  ++source->received;
  source->last_rtp_time = header.rtp_time;
  source->last_packet = now;
}

void
Reception::sender_report (const SenderReport &report, MonotonicTime now)
{
  if (Source *source = find (report.ssrc)) {
    source->last_sr = static_cast<std::uint32_t> (report.ntp >> 16);
    source->last_sr_time = now;
  }
}

ReportBlock
Reception::block_of (Source &source, MonotonicTime now) const
{
  constexpr std::int64_t cumulative_max = 0x7f'ffff,
                         cumulative_min = -0x80'0000;
  const std::uint64_t expected = source.highest - source.base + 1;
  const auto expected_now =
      static_cast<std::int64_t> (expected - source.expected_reported);
  const auto received_now =
      static_cast<std::int64_t> (source.received - source.received_reported);
  source.expected_reported = expected;
  source.received_reported = source.received;

  ReportBlock block;
  block.ssrc = source.ssrc;
  if (const auto lost_now = expected_now - received_now; lost_now > 0)
    block.fraction_lost = static_cast<std::uint8_t> (
        std::min<std::int64_t> (lost_now * 256 / expected_now, 255));
  block.cumulative_lost = static_cast<std::int32_t> (
      std::clamp (static_cast<std::int64_t> (expected - source.received),
          cumulative_min, cumulative_max));
  block.highest_seq = static_cast<std::uint32_t> (source.highest);
  block.jitter = static_cast<std::uint32_t> (source.jitter);
  if (source.last_sr) {
    block.last_sr = source.last_sr;
    block.delay_since_sr = static_cast<std::uint32_t> (
        Seconds (now - source.last_sr_time).count () * 65536);
  }
  return block;
}

std::vector<ReportBlock>
Reception::take_report (MonotonicTime now)
{
  std::erase_if (sources_, [=] (const Source &source) {
    return now - source.last_packet >= limits::source_idle;
  });
  std::vector<ReportBlock> blocks;
  for (Source &source : sources_)
    if (source.received != source.received_reported &&
        blocks.size () < limits::report_blocks_max)
      blocks.push_back (block_of (source, now));
  return blocks;
}

} // namespace spreadit::media
