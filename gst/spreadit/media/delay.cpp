// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/delay.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>

#include "media/limits.hpp"

namespace spreadit::media {

namespace {
constexpr double ms_per_s = 1000;
constexpr double ntp_per_s = 4294967296.0;
constexpr std::uint64_t seconds_1900_to_1970 = 2'208'988'800;
} // namespace

std::uint64_t
ntp_now ()
{
  timespec now;
  clock_gettime (CLOCK_REALTIME, &now);
  const auto seconds =
      static_cast<std::uint64_t> (now.tv_sec) + seconds_1900_to_1970;
  const auto nanoseconds = static_cast<std::uint64_t> (now.tv_nsec);
  return seconds << 32 | (nanoseconds << 32) / 1'000'000'000;
}

void
Delay::add (std::uint64_t now, const SenderReport &report,
    std::uint32_t rtp_time, std::uint32_t clock_rate)
{
  if (!clock_rate || !report.ntp)
    return;
  // Both differences modulo their width: right across 2036 and RTP wraps.
  const double since_report =
      static_cast<double> (static_cast<std::int64_t> (now - report.ntp)) /
      ntp_per_s;
  const double sent_after_report =
      static_cast<double> (
          static_cast<std::int32_t> (rtp_time - report.rtp_time)) /
      clock_rate;
  const double delay = since_report - sent_after_report;
  if (std::abs (delay) >
      std::chrono::duration<double> (limits::delay_max).count ())
    return;
  const auto sample = static_cast<float> (delay * ms_per_s);
  if (samples_ms_.size () < limits::delay_samples) {
    samples_ms_.push_back (sample);
    return;
  }
  samples_ms_[next_] = sample;
  next_ = (next_ + 1) % limits::delay_samples;
}

std::optional<double>
Delay::quantile_ms (double q) const
{
  if (samples_ms_.empty ())
    return std::nullopt;
  std::vector<float> sorted = samples_ms_;
  const auto nth = sorted.begin () +
                   std::lround (q * static_cast<double> (sorted.size () - 1));
  std::nth_element (sorted.begin (), nth, sorted.end ());
  return *nth;
}

} // namespace spreadit::media
