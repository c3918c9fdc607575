// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/sequence.hpp"

#include <algorithm>
#include <iterator>

#include "media/limits.hpp"

namespace spreadit::media {

namespace {
constexpr std::uint64_t cycle = 65536;
} // namespace

// One cycle up, so that late packets from before the first have a number too.
Sequence::Sequence (std::uint16_t first, MonotonicTime now)
    : first_ (cycle + first), highest_ (cycle + first)
{
  mark (highest_, now);
}

bool
Sequence::is_seen (std::uint64_t extended) const
{
  return (*seen_)[extended % cycle];
}

void
Sequence::mark (std::uint64_t extended, MonotonicTime now)
{
  seen_->set (extended % cycle);
  last_fresh_ = now;
  after_suspect_.reset ();
}

std::uint64_t
Sequence::nearest (std::uint16_t seq) const
{
  return highest_ + static_cast<std::int16_t> (
                        static_cast<std::uint16_t> (seq - highest_ % cycle));
}

Sequence::Answer
Sequence::insert (std::uint16_t seq, MonotonicTime now)
{
  settle (now);
  // The nearest number that ends in `seq`: at most 32 Ki behind the highest.
  // So half of the window is all there is to remember.
  const std::uint64_t extended = nearest (seq);
  const auto delta = static_cast<std::int64_t> (extended - highest_);
  const auto silence = now - last_fresh_;
  if (delta > 0) {
    if (delta > limits::dropout_max && silence < limits::dropout_silence)
      return restart_or_suspect (seq, now);
    advance (extended, now);
    return {Verdict::fresh, extended};
  }
  if (silence >= limits::restart_silence)
    return restart_or_suspect (seq, now);
  if (is_seen (extended))
    return {Verdict::duplicate, extended};
  const bool is_late = is_given_up (extended);
  mark (extended, now);
  return {is_late ? Verdict::late : Verdict::fresh, extended};
}

// Of one that was not seen and is not above the highest.
bool
Sequence::is_given_up (std::uint64_t extended) const
{
  if (extended < first_)
    return false;
  const auto after =
      std::ranges::upper_bound (gaps_, extended, {}, &Gap::first);
  return after == gaps_.begin () || extended > std::prev (after)->last;
}

void
Sequence::advance (std::uint64_t extended, MonotonicTime now)
{
  for (std::uint64_t missing = highest_ + 1; missing < extended; ++missing)
    seen_->reset (missing % cycle);
  if (extended > highest_ + 1)
    gaps_.push_back ({highest_ + 1, extended - 1, now});
  highest_ = extended;
  mark (extended, now);
  settle (now);
}

// RFC 3550 A.1: "Two sequential packets -- assume that the other side
// restarted without telling us so just re-sync".
Sequence::Answer
Sequence::restart_or_suspect (std::uint16_t seq, MonotonicTime now)
{
  if (after_suspect_ != seq) {
    after_suspect_ = static_cast<std::uint16_t> (seq + 1);
    return {Verdict::suspect, 0};
  }
  while (!gaps_.empty ())
    give_up_oldest_gap ();
  seen_->reset ();
  // Always upwards, so that nobody takes the new start for something old.
  first_ = highest_ = (highest_ / cycle + 1) * cycle + seq;
  mark (highest_, now);
  return {Verdict::fresh, highest_};
}

void
Sequence::settle (MonotonicTime now)
{
  while (!gaps_.empty ()) {
    const Gap &oldest = gaps_.front ();
    if (now - oldest.since < limits::lost_after &&
        highest_ - oldest.first < limits::lost_behind &&
        gaps_.size () <= limits::gaps_max)
      return;
    give_up_oldest_gap ();
  }
}

void
Sequence::give_up_oldest_gap ()
{
  const Gap &gap = gaps_.front ();
  for (std::uint64_t n = gap.first; n <= gap.last; ++n)
    lost_ += !is_seen (n);
  gaps_.pop_front ();
}

std::uint64_t
Sequence::held () const
{
  for (const Gap &gap : gaps_)
    for (std::uint64_t n = gap.first; n <= gap.last; ++n)
      if (!is_seen (n))
        return n - 1;
  return highest_;
}

} // namespace spreadit::media
