// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "core/limits.hpp"
#include "core/proximity.hpp"

namespace spreadit::core {

namespace {

// Routers of both that lie beyond the last one they share. Not simply the
// common prefix: a router that was silent for one of them is no fork.
std::uint32_t
routers_between (const NetworkPath &a, const NetworkPath &b)
{
  const auto &ours = a.routers;
  const auto &theirs = b.routers;
  for (std::size_t i = ours.size (); i > 0; --i) {
    const std::uint64_t router = ours[i - 1];
    if (router == NetworkPath::silent)
      continue;
    const auto shared = std::find (theirs.rbegin (), theirs.rend (), router);
    if (shared != theirs.rend ())
      return static_cast<std::uint32_t> (
          (ours.size () - i) +
          static_cast<std::size_t> (shared - theirs.rbegin ()));
  }
  return static_cast<std::uint32_t> (ours.size () + theirs.size ());
}

} // namespace

std::optional<Distance>
distance (const NetworkPath *a, const NetworkPath *b)
{
  if (!a || !b)
    return std::nullopt;
  const Duration apart = a->rtt > b->rtt ? a->rtt - b->rtt : b->rtt - a->rtt;
  return Distance{routers_between (*a, *b), apart};
}

Vicinity
vicinity_of (const std::optional<NetworkPath> &path)
{
  Vicinity vicinity{};
  if (!path)
    return vicinity;
  auto next = vicinity.routers.begin ();
  for (std::size_t i = path->routers.size ();
       i > 0 && next != vicinity.routers.end (); --i)
    if (path->routers[i - 1] != NetworkPath::silent)
      *next++ = path->routers[i - 1];
  return vicinity;
}

std::optional<std::uint32_t>
routers_apart (const NetworkPath *a, const Vicinity &b)
{
  const auto known = b.known ();
  if (!a || a->routers.empty () || known.empty ())
    return std::nullopt;
  for (std::size_t i = a->routers.size (); i > 0; --i) {
    const std::uint64_t router = a->routers[i - 1];
    if (router != NetworkPath::silent &&
        std::ranges::find (known, router) != known.end ())
      return static_cast<std::uint32_t> (a->routers.size () - i);
  }
  return static_cast<std::uint32_t> (limits::routers_max);
}

} // namespace spreadit::core
