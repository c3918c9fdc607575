// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/random_access_points.hpp"

#include <algorithm>

#include "media/limits.hpp"

namespace spreadit::media {

RandomAccessPoints::Source *
RandomAccessPoints::find (std::uint32_t ssrc)
{
  const auto it = std::ranges::find (sources_, ssrc, &Source::ssrc);
  if (it != sources_.end ())
    return &*it;
  if (sources_.size () == limits::sources_max)
    sources_.erase (std::ranges::min_element (sources_, {}, &Source::newest));
  sources_.emplace_back ().ssrc = ssrc;
  return &sources_.back ();
}

bool
RandomAccessPoints::take (
    const RtpHeader &header, std::uint64_t index, bool is_independent)
{
  Source &source = *find (header.ssrc);
  // Packets of an older frame come late; they say nothing of where we are.
  if (source.newest &&
      static_cast<std::int32_t> (header.rtp_time - source.rtp_time) < 0)
    return false;
  const bool is_known =
      source.is_independent && source.rtp_time == header.rtp_time;
  source.rtp_time = header.rtp_time;
  source.is_independent = is_independent || is_known;
  source.newest = index + 1;
  if (!is_independent || is_known)
    return false;
  source.begins = index;
  return true;
}

std::optional<std::uint64_t>
RandomAccessPoints::last (std::uint64_t first) const
{
  std::optional<std::uint64_t> last;
  for (const Source &source : sources_)
    if (source.begins && source.newest > first)
      last = std::min (last.value_or (*source.begins), *source.begins);
  return last;
}

} // namespace spreadit::media
