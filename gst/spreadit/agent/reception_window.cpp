// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/reception_window.hpp"

#include <algorithm>

#include "agent/limits.hpp"
#include "core/limits.hpp"

namespace spreadit::agent {

void
ReceptionWindow::add (core::Instant now, const media::DataStats &stats)
{
  samples_.push_back ({now, stats.packets_received, stats.packets_lost});
  // One from before the window, or from its very begin, stays.
  while (
      samples_.size () > 1 && now - samples_[1].at >= limits::reception_window)
    samples_.pop_front ();
  delay_ms_ = stats.delay_p50_ms;
}

std::optional<core::Reception>
ReceptionWindow::recent () const
{
  if (samples_.empty ())
    return std::nullopt;
  const Sample &first = samples_.front (), &last = samples_.back ();
  const std::uint64_t lost = last.lost - first.lost;
  const std::uint64_t all = last.received - first.received + lost;
  if (all == 0)
    return std::nullopt;
  core::Reception reception;
  // Upwards: one packet of ever so many is not none.
  reception.lost_ppm = static_cast<std::uint32_t> (
      (lost * core::limits::lost_ppm_max + all - 1) / all);
  if (delay_ms_)
    reception.delay = std::chrono::duration_cast<core::Duration> (
        std::chrono::duration<double, std::milli> (*delay_ms_));
  return reception;
}

} // namespace spreadit::agent
