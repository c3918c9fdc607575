// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/repair.hpp"

#include <algorithm>

#include "media/limits.hpp"

namespace spreadit::media {

namespace {

// To take a packet for late rather than lost.
Estimate::Duration
reorder_wait (const GapTimes &times)
{
  return std::clamp<Estimate::Duration> (
      times.reordered.bound_or (limits::reorder_wait_min),
      limits::reorder_wait_min, limits::reorder_wait_max);
}

// To leave the packet to the parent, that asks for it.
Estimate::Duration
third_party_wait (const GapTimes &times)
{
  return std::clamp<Estimate::Duration> (
      times.third_party.bound_or (limits::third_party_wait),
      limits::third_party_wait_min, limits::third_party_wait_max);
}

} // namespace

std::deque<Repair::Missing>::iterator
Repair::find (std::uint64_t extended)
{
  const auto it =
      std::ranges::lower_bound (missing_, extended, {}, &Missing::extended);
  return it != missing_.end () && it->extended == extended ? it
                                                           : missing_.end ();
}

void
Repair::wait_until (MonotonicTime at)
{
  next_ = std::min (next_, at);
}

void
Repair::open (std::uint64_t first, std::uint64_t last, MonotonicTime now,
    const GapTimes &times)
{
  // More is an outage. The newest are those that come in time.
  if (last - first >= limits::repair_missing_max)
    first = last + 1 - limits::repair_missing_max;
  const MonotonicTime ask_at = now + reorder_wait (times);
  std::erase_if (announced_, [&] (const Announced &announced) {
    return now - announced.at > limits::lost_after;
  });
  // So that each of many that were jumped over is looked for in a few.
  std::ranges::sort (announced_, {}, &Announced::extended);
  for (std::uint64_t n = first; n <= last; ++n) {
    Missing &missing = missing_.emplace_back (
        Missing{.extended = n, .since = now, .ask_at = ask_at});
    const auto it =
        std::ranges::lower_bound (announced_, n, {}, &Announced::extended);
    if (it == announced_.end () || it->extended != n)
      continue;
    missing.parent_asked = it->at;
    missing.ask_at = std::max (ask_at, it->at + third_party_wait (times));
    announced_.erase (it);
  }
  while (missing_.size () > limits::repair_missing_max)
    missing_.pop_front ();
  wait_until (ask_at);
}

void
Repair::open_next (
    std::uint64_t extended, MonotonicTime now, const GapTimes &times)
{
  open (extended, extended, now, times);
  missing_.back ().is_guess = true;
}

Repair::Came
Repair::close (std::uint64_t extended, MonotonicTime now,
    Estimate::Duration round_trip, GapTimes &times)
{
  const auto it = find (extended);
  if (it == missing_.end ())
    return Came::unexpected;
  if (now - it->since >= limits::lost_after) { // given up, if not by us yet
    missing_.erase (it);
    return Came::unexpected;
  }
  const bool is_asked = it->tries > 0;
  const bool is_announced = it->parent_asked != MonotonicTime{};
  // Sooner than an answer can be here: it was on its way when we asked.
  const bool is_by_itself = !is_asked || now - it->asked < round_trip / 2;
  if (is_announced)
    times.third_party.add (now - it->parent_asked);
  else if (!it->is_guess)
    times.reordered.add (
        is_by_itself ? now - it->since : Estimate::Duration::zero ());
  missing_.erase (it);
  return is_asked && !is_by_itself ? Came::repaired : Came::by_itself;
}

void
Repair::parent_asks (
    std::uint64_t extended, MonotonicTime now, const GapTimes &times)
{
  const auto it = find (extended);
  if (it != missing_.end ()) {
    it->parent_asked = now;
    it->ask_at = std::max (it->ask_at, now + third_party_wait (times));
    return;
  }
  announced_.push_back ({extended, now});
  if (announced_.size () > limits::repair_missing_max)
    announced_.pop_front ();
}

void
Repair::clear ()
{
  missing_.clear ();
  announced_.clear ();
  next_ = MonotonicTime::max ();
}

std::vector<std::uint16_t>
Repair::take_due (
    MonotonicTime now, Estimate::Duration patience, std::size_t most)
{
  std::vector<std::uint16_t> due;
  std::erase_if (missing_, [&] (const Missing &missing) {
    return now - missing.since >= limits::lost_after;
  });
  next_ = MonotonicTime::max ();
  for (Missing &missing : missing_) {
    if (missing.ask_at <= now && due.size () < most) {
      // The parent may still be without it, and comes first in asking.
      const bool is_left_to_parent = missing.parent_asked != MonotonicTime{};
      due.push_back (static_cast<std::uint16_t> (missing.extended));
      ++missing.tries;
      missing.asked = now;
      missing.ask_at = missing.tries < limits::repair_tries_max
                           ? now + (is_left_to_parent ? 2 : 1) * patience
                           : MonotonicTime::max ();
    }
    wait_until (std::min (missing.ask_at, missing.since + limits::lost_after));
  }
  return due;
}

} // namespace spreadit::media
