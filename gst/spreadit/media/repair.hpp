// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "media/estimate.hpp"
#include "media/vocabulary.hpp"

namespace spreadit::media {

// How long it takes until a packet comes that somebody above asks for, since it
// was said. Each asker has its own way to who answers, so each is learned for
// itself; anybody may be named, so only the last few are known.
class ThirdPartyTimes {
public:
  void add (std::uint32_t asker, Estimate::Duration time);
  [[nodiscard]] Estimate::Duration wait (std::uint32_t asker) const;

private:
  struct Of {
    std::uint32_t asker;
    Estimate time;
  };
  std::vector<Of> askers_; // the last to come is last
  Estimate any_;
};

// How long gaps stay open, each reason for itself. Of all SSRCs of one node.
struct GapTimes {
  Estimate reordered; // until the packet came by itself; 0 if it was lost
  ThirdPartyTimes third_party;
};

// What is missing of one SSRC, and when to ask the parent for it (RFC 4585).
//
// A packet that is jumped over may only be late, so asking waits as long as
// reordering takes here; RFC 3550's jitter is no measure of that, packets of
// one picture share a timestamp. What is missing further up is told (RFC 6642),
// then asking waits until it should be here.
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
  // Somebody above asks for it already. May come before open().
  void asked_above (std::uint64_t extended, std::uint32_t asker,
      MonotonicTime now, const GapTimes &times);
  // Who; 0 if nobody is known to, or it is not open.
  [[nodiscard]] std::uint32_t asker (std::uint64_t extended) const;
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
    MonotonicTime told{};    // that somebody above asks for it
    std::uint32_t asker = 0; // who
    MonotonicTime asked{};   // by us, last time
    unsigned tries = 0;
    bool is_half_asked = false; // the question's second half is due
    bool is_guess = false;      // it may not even have been sent
  };
  struct Announced {
    std::uint64_t extended;
    MonotonicTime at;
    std::uint32_t asker;
  };

  std::deque<Missing>::iterator find (std::uint64_t extended);
  static void ask (
      Missing &missing, MonotonicTime now, Estimate::Duration patience);
  void wait_until (MonotonicTime at);

  std::deque<Missing> missing_;     // ascending
  std::deque<Announced> announced_; // not yet missed
  MonotonicTime next_ = MonotonicTime::max ();
};

} // namespace spreadit::media
