// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/repair.hpp"

#include <algorithm>
#include <utility>

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

} // namespace

void
ThirdPartyTimes::add (std::uint32_t asker, Estimate::Duration time)
{
  any_.add (time);
  auto it = std::ranges::find (askers_, asker, &Of::asker);
  if (it == askers_.end ()) {
    if (askers_.size () == limits::askers_max)
      askers_.erase (askers_.begin ());
    it = askers_.insert (askers_.end (), {asker, {}});
  }
  it->time.add (time);
}

// Too early costs a question in vain, one of 44 bytes; too late may be too
// late.
Estimate::Duration
ThirdPartyTimes::wait (std::uint32_t asker) const
{
  const auto it = std::ranges::find (askers_, asker, &Of::asker);
  const Estimate::Duration time =
      it != askers_.end () ? *it->time.usual () + limits::answer_slack
                           : any_.bound_or (limits::third_party_wait);
  return std::clamp<Estimate::Duration> (
      time, limits::third_party_wait_min, limits::third_party_wait_max);
}

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
    missing.told = it->at;
    missing.asker = it->asker;
    missing.ask_at =
        std::max (ask_at, it->at + times.third_party.wait (it->asker));
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
  const bool is_announced = it->told != MonotonicTime{};
  // Sooner than an answer can be here: it was on its way when we asked.
  const bool is_by_itself = !is_asked || now - it->asked < round_trip / 2;
  if (is_announced)
    times.third_party.add (it->asker, now - it->told);
  else if (!it->is_guess)
    times.reordered.add (
        is_by_itself ? now - it->since : Estimate::Duration::zero ());
  missing_.erase (it);
  return is_asked && !is_by_itself ? Came::repaired : Came::by_itself;
}

void
Repair::asked_above (std::uint64_t extended, std::uint32_t asker,
    MonotonicTime now, const GapTimes &times)
{
  const auto it = find (extended);
  if (it != missing_.end ()) {
    it->told = now;
    it->asker = asker;
    it->ask_at = std::max (it->ask_at, now + times.third_party.wait (asker));
    return;
  }
  announced_.push_back ({extended, now, asker});
  if (announced_.size () > limits::repair_missing_max)
    announced_.pop_front ();
}

std::uint32_t
Repair::asker (std::uint64_t extended) const
{
  const auto it =
      std::ranges::lower_bound (missing_, extended, {}, &Missing::extended);
  return it != missing_.end () && it->extended == extended ? it->asker : 0;
}

void
Repair::clear ()
{
  missing_.clear ();
  announced_.clear ();
  next_ = MonotonicTime::max ();
}

void
Repair::ask (Missing &missing, MonotonicTime now, Estimate::Duration patience)
{
  if (std::exchange (missing.is_half_asked, false)) {
    missing.ask_at = missing.asked + patience;
    return;
  }
  ++missing.tries;
  missing.asked = now;
  // Those above may be without it yet: then this was in vain, and is not done
  // twice, nor again so soon.
  const bool may_be_in_vain = missing.told != MonotonicTime{};
  if (missing.tries >= limits::repair_tries_max) {
    missing.ask_at = MonotonicTime::max ();
    return;
  }
  missing.is_half_asked =
      patience >= limits::asked_twice_from && !may_be_in_vain;
  if (missing.is_half_asked)
    missing.ask_at = now + limits::asked_twice_after;
  else
    missing.ask_at = now + (may_be_in_vain ? 2 : 1) * patience;
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
      due.push_back (static_cast<std::uint16_t> (missing.extended));
      ask (missing, now, patience);
    }
    wait_until (std::min (missing.ask_at, missing.since + limits::lost_after));
  }
  return due;
}

} // namespace spreadit::media
