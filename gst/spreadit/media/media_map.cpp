// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/media_map.hpp"

#include <algorithm>

#include "media/limits.hpp"

namespace spreadit::media {

void
MediaMap::set (std::vector<MediaDescription> media)
{
  media_ = std::move (media);
  learnt_.clear ();
}

std::optional<std::size_t>
MediaMap::by_ssrc (std::uint32_t ssrc) const
{
  for (std::size_t i = 0; i < media_.size (); ++i)
    if (media_[i].ssrc == ssrc)
      return i;
  for (const Learnt &learnt : learnt_)
    if (learnt.ssrc == ssrc)
      return learnt.media;
  return std::nullopt;
}

std::optional<std::size_t>
MediaMap::find (const Header &header) const
{
  if (const auto media = by_ssrc (spreadit::media::ssrc_of (header)))
    return media;
  if (const auto *rtp = std::get_if<RtpHeader> (&header))
    for (std::size_t i = 0; i < media_.size (); ++i)
      if (media_[i].payload_type == rtp->payload_type)
        return i;
  return std::nullopt;
}

std::optional<std::size_t>
MediaMap::learn (const Header &header)
{
  const auto media = find (header);
  const auto *rtp = std::get_if<RtpHeader> (&header);
  if (media && rtp && !by_ssrc (rtp->ssrc)) {
    if (learnt_.size () == limits::sources_max)
      learnt_.erase (learnt_.begin ());
    learnt_.push_back ({rtp->ssrc, *media});
  }
  return media;
}

bool
MediaMap::is_declared (std::uint32_t ssrc) const
{
  return std::ranges::any_of (
      media_, [=] (const auto &media) { return media.ssrc == ssrc; });
}

bool
MediaMap::is_known (std::uint32_t ssrc) const
{
  return by_ssrc (ssrc).has_value ();
}

std::optional<std::uint32_t>
MediaMap::ssrc_of (std::size_t media) const
{
  if (media < media_.size () && media_[media].ssrc)
    return media_[media].ssrc;
  for (auto it = learnt_.rbegin (); it != learnt_.rend (); ++it)
    if (it->media == media)
      return it->ssrc;
  return std::nullopt;
}

unsigned
MediaMap::frame_marking (const Header &header) const
{
  const auto media = find (header);
  return media ? media_[*media].frame_marking : 0;
}

BeginsRandomAccess
MediaMap::random_access (std::size_t media) const
{
  return media < media_.size () ? random_access_of (media_[media].encoding)
                                : nullptr;
}

std::uint32_t
MediaMap::clock_rate (const Header &header) const
{
  const auto media = find (header);
  return media ? media_[*media].clock_rate : 0;
}

} // namespace spreadit::media
