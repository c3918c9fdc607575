// SPDX-License-Identifier: LGPL-2.1-or-later
#include "start_schedule.hpp"

#include <algorithm>

namespace spreadit {

namespace {

// What a parent sends ahead comes at four times its pace or more: a group of
// pictures of 10 s, the longest that is kept, is here after 3.3 s.
constexpr GstClockTime settle_time = 3500 * GST_MSECOND;
// Less is jitter, or pictures that refer to later ones.
constexpr GstClockTime lead_min = 150 * GST_MSECOND;
// Of no concern to a stream with more; and no room for more.
constexpr GstClockTime lead_max = 20 * GST_SECOND;
constexpr std::size_t sources_max = 64;

} // namespace

GstClockTime
StartSchedule::arrival_of (std::uint32_t ssrc, std::uint32_t rtp_time,
    std::uint32_t clock_rate, GstClockTime now)
{
  if (!clock_rate || !GST_CLOCK_TIME_IS_VALID (now))
    return now;
  auto it = sources_.find (ssrc);
  if (it == sources_.end ()) {
    if (sources_.size () == sources_max)
      return now;
    it = sources_.emplace (ssrc, Source{now, rtp_time}).first;
  }
  Source &source = it->second;
  if (now > source.first + settle_time)
    return now + (source.lead >= lead_min ? source.lead : 0);

  const auto passed =
      static_cast<std::int32_t> (rtp_time - source.first_rtp_time);
  if (passed < 0)
    return now + source.lead;
  const GstClockTime paced =
      source.first + gst_util_uint64_scale (
                         static_cast<guint64> (passed), GST_SECOND, clock_rate);
  if (paced > now && paced - now <= lead_max)
    source.lead = std::max (source.lead, paced - now);
  return std::max (paced > now + lead_max ? now : paced, now);
}

} // namespace spreadit
