// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/survey.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/limits.hpp"
#include "rtsp/limits.hpp"

namespace spreadit::agent {

bool
SurveyQuestion::is_over () const
{
  return std::all_of (parts.begin (), parts.end (),
      [] (const auto &one) { return one.second.over; });
}

SurveyedPeers
SurveyQuestion::take_passed_on ()
{
  if (parts.empty ())
    return {};
  Part &part = parts.begin ()->second;
  if (part.over && !part.told.empty ())
    return std::move (part.told);
  if (part.known.self.id == core::PeerId{})
    return {};
  part.known.depth = 0;
  return {part.known};
}

SurveyedPeers
SurveyQuestion::take ()
{
  if (is_passed_on)
    return take_passed_on ();
  SurveyedPeers all{self};
  for (const auto link : order) {
    Part &part = parts.at (link);
    // Half an answer is as good as none: nobody could tell what is missing.
    if (!part.over || part.told.empty ()) {
      all.push_back (part.known);
      continue;
    }
    for (auto &peer : part.told) {
      ++peer.depth;
      all.push_back (std::move (peer));
    }
  }
  return all;
}

void
add_to_part (
    SurveyQuestion::Part &part, rtsp::Surveyed message, std::uint32_t depth_max)
{
  if (part.over)
    return;
  part.over =
      !message.more || ++part.messages >= rtsp::limits::survey_parts_max;
  for (auto &peer : message.peers) {
    const bool first = part.told.empty ();
    const std::uint32_t deepest = first ? 0 : part.told.back ().depth + 1;
    // The first one is who was asked: another one is not believed a word.
    const bool fits = part.told.size () < part.peers_max &&
                      peer.depth <= deepest && peer.depth <= depth_max &&
                      (first || peer.depth > 0) &&
                      (!first || part.known.self.id == core::PeerId{} ||
                          peer.self.id == part.known.self.id);
    if (!fits) {
      part.over = true;
      return;
    }
    part.told.push_back (std::move (peer));
  }
}

std::vector<std::uint32_t>
share_out (std::uint32_t peers_max, const std::vector<std::uint32_t> &subtrees)
{
  std::vector<std::uint32_t> shares (subtrees.size (), 0);
  const auto told = std::min<std::size_t> (peers_max, subtrees.size ());
  std::fill_n (shares.begin (), told, 1);
  std::uint32_t left = peers_max - static_cast<std::uint32_t> (told);
  // The smallest first: what they do not need is for the others.
  std::vector<std::size_t> order (told);
  std::iota (order.begin (), order.end (), std::size_t{0});
  std::sort (order.begin (), order.end (),
      [&] (auto a, auto b) { return subtrees[a] < subtrees[b]; });
  for (std::size_t i = 0; i < told; ++i) {
    const auto even = left / static_cast<std::uint32_t> (told - i);
    const auto given = std::min (even, std::max (subtrees[order[i]], 1u) - 1);
    shares[order[i]] += given;
    left -= given;
  }
  // Newcomers below them that we have not heard of yet.
  for (std::size_t i = 0; i < told; ++i) {
    const auto even = left / static_cast<std::uint32_t> (told - i);
    shares[i] += even;
    left -= even;
  }
  return shares;
}

} // namespace spreadit::agent
