// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/rate.hpp"

#include <algorithm>

#include "media/limits.hpp"

namespace spreadit::media {

bool
Rate::is_due (MonotonicTime now) const
{
  return !last_ || now - *last_ >= limits::rate_span;
}

void
Rate::update (std::uint64_t bytes, MonotonicTime now)
{
  if (last_ && now > *last_) {
    const std::chrono::duration<double> span = now - *last_;
    peak_ =
        std::max (peak_, static_cast<double> (bytes - bytes_) / span.count ());
  }
  last_ = now;
  bytes_ = bytes;
}

std::size_t
buffer_bytes_for (double bytes_per_second)
{
  const double bytes = bytes_per_second * limits::buffer_seconds;
  if (!(bytes < static_cast<double> (limits::buffer_bytes_max)))
    return limits::buffer_bytes_max;
  return std::max (limits::buffer_bytes_min, static_cast<std::size_t> (bytes));
}

} // namespace spreadit::media
