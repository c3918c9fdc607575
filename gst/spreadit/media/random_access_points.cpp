// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/random_access_points.hpp"

#include <algorithm>

#include "media/limits.hpp"

namespace spreadit::media {

namespace {

constexpr std::uint8_t independent = 0x20; // RFC 9626 3.1, the I bit

} // namespace

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
RandomAccessPoints::take (const RtpHeader &header, Bytes packet, unsigned marking,
    std::uint64_t index)
{
  const auto mark = header_extension (packet, marking);
  if (mark.empty ())
    return false;
  Source &source = *find (header.ssrc);
  const bool is_independent = mark[0] & independent;
  // A delimiter before the frame proper has the frame's time and no such mark.
  const bool begins =
      is_independent &&
      (!source.is_independent || source.rtp_time != header.rtp_time);
  // Packets of an older frame come late; they say nothing of where we are.
  if (source.newest &&
      static_cast<std::int32_t> (header.rtp_time - source.rtp_time) < 0)
    return false;
  source.rtp_time = header.rtp_time;
  source.is_independent = is_independent;
  source.newest = index + 1;
  if (begins)
    source.begins = index;
  return begins;
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
