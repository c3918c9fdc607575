// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "core/search.hpp"

namespace spreadit::core {

void
Search::exclude (PeerId id)
{
  std::erase (excluded_, id);
  if (excluded_.size () >= limits::excluded_max)
    excluded_.erase (excluded_.begin ());
  excluded_.push_back (id);
}

bool
Search::excludes (PeerId id) const
{
  return std::find (excluded_.begin (), excluded_.end (), id) !=
         excluded_.end ();
}

std::vector<PeerId>
Search::avoid () const
{
  const auto count = std::min (excluded_.size (), limits::avoid_max);
  return {excluded_.rbegin (),
      excluded_.rbegin () + static_cast<std::ptrdiff_t> (count)};
}

Duration
Search::pause (Rng &rng)
{
  constexpr Duration spread = limits::retry_max - limits::retry_min;
  return limits::retry_min +
         Duration (rng.below (static_cast<std::uint64_t> (spread.count ())));
}

Duration
Search::back_off (Rng &rng)
{
  Duration wait = pause (rng);
  for (unsigned i = 0; i < doublings_ && wait < limits::retry_cap; ++i)
    wait *= 2;
  ++doublings_;
  // Capped, but not to the same for everyone.
  return std::min<Duration> (wait, limits::retry_cap - pause (rng));
}

std::optional<LinkId>
Search::link () const
{
  if (const auto *connecting = std::get_if<Connecting> (&step))
    return connecting->link;
  if (const auto *asking = std::get_if<Asking> (&step))
    return asking->link;
  return std::nullopt;
}

Instant
Search::deadline () const
{
  return std::visit ([] (const auto &now) { return now.until; }, step);
}

} // namespace spreadit::core
