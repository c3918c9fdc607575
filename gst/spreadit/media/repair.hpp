// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "media/estimate.hpp"
#include "media/vocabulary.hpp"

namespace spreadit::media {

// How long gaps stay open, each reason for itself. Of all SSRCs of one node.
struct GapTimes {
  Estimate reordered;   // until the packet came by itself; 0 if it was lost
  Estimate third_party; // until it came, when the parent had said it is at it
};

// What is missing of one SSRC, and when to ask the parent for it (RFC 4585).
//
// A packet that is jumped over may only be late, so asking waits as long as
// reordering takes here; RFC 3550's jitter is no measure of that, packets of
// one picture share a timestamp. A parent that is itself without the packet
// says so (RFC 6642), then asking waits until it should have it.
class Repair {
public:
  // [first, last] were jumped over. Numbers are extended and ascend.
  void open (std::uint64_t first, std::uint64_t last, MonotonicTime now,
      const GapTimes &times);
  // The next one is overdue, though nothing has come after it.
  void open_next (
      std::uint64_t extended, MonotonicTime now, const GapTimes &times);
  // One past the newest that is open; 0 if none is.
  [[nodiscard]] std::uint64_t end () const
  {
    return missing_.empty () ? 0 : missing_.back ().extended + 1;
  }
  // One of them came.
  enum class Came { unexpected, by_itself, repaired };
  Came close (std::uint64_t extended, MonotonicTime now,
      Estimate::Duration round_trip, GapTimes &times);
  // The parent has not got it either. May come before open().
  void parent_asks (
      std::uint64_t extended, MonotonicTime now, const GapTimes &times);
  // The source has started over.
  void clear ();

  // Those to ask for now, at most `most`; to be asked for again after
  // `patience`.
  std::vector<std::uint16_t> take_due (
      MonotonicTime now, Estimate::Duration patience, std::size_t most);
  // When take_due() has something, or something to forget.
  [[nodiscard]] MonotonicTime next () const { return next_; }

private:
  struct Missing {
    std::uint64_t extended;
    MonotonicTime since;
    MonotonicTime ask_at;
    MonotonicTime parent_asked{}; // when it said so
    MonotonicTime asked{};        // last time
    unsigned tries = 0;
    bool is_guess = false; // it may not even have been sent
  };
  struct Announced {
    std::uint64_t extended;
    MonotonicTime at;
  };

  std::deque<Missing>::iterator find (std::uint64_t extended);
  void wait_until (MonotonicTime at);

  std::deque<Missing> missing_;     // ascending
  std::deque<Announced> announced_; // not yet missed
  MonotonicTime next_ = MonotonicTime::max ();
};

} // namespace spreadit::media
