// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/frame_tail.hpp"

#include <algorithm>
#include <utility>

#include "media/limits.hpp"

namespace spreadit::media {

void
FrameTail::newest (std::uint64_t extended, const RtpHeader &header,
    MonotonicTime now, bool is_on_time)
{
  if (newest_ && extended == newest_->extended + 1) {
    const bool is_same_picture = header.rtp_time == newest_->rtp_time;
    if (is_same_picture == newest_->marker)
      confirmed_ = 0;
    else if (is_same_picture)
      confirmed_ = std::min (confirmed_ + 1, limits::marker_confirmed);
    if (is_same_picture && is_on_time)
      follows_after_.add (now - newest_->at);
  }
  newest_ = Newest{extended, header.rtp_time, header.marker, now};
  is_taken_ = false;
}

MonotonicTime
FrameTail::overdue_at () const
{
  if (!newest_ || newest_->marker || is_taken_ ||
      confirmed_ < limits::marker_confirmed)
    return MonotonicTime::max ();
  return newest_->at + std::clamp<Estimate::Duration> (
                           follows_after_.bound_or (limits::tail_wait_max),
                           limits::tail_wait_min, limits::tail_wait_max);
}

std::optional<std::uint64_t>
FrameTail::take_overdue (MonotonicTime now)
{
  if (now < overdue_at ())
    return std::nullopt;
  is_taken_ = true;
  return newest_->extended + 1;
}

} // namespace spreadit::media
