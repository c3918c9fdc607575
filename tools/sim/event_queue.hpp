// What happens next, in virtual time: ordered by time, and at one time in the
// order in which it was scheduled, so that a run can be repeated.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/vocabulary.hpp"

namespace spreadit::sim {

// A heap of four children a node in one flat array: half as deep as a binary
// one, and the four are neighbours in memory.
template <class Payload> class EventQueue {
public:
  struct Entry {
    core::Instant at;
    std::uint64_t sequence;
    Payload payload;
  };

  void push (core::Instant at, Payload payload)
  {
    entries_.push_back ({at, sequence_++, std::move (payload)});
    std::size_t hole = entries_.size () - 1;
    Entry entry = std::move (entries_[hole]);
    while (hole > 0 && comes_before (entry, entries_[(hole - 1) / 4])) {
      entries_[hole] = std::move (entries_[(hole - 1) / 4]);
      hole = (hole - 1) / 4;
    }
    entries_[hole] = std::move (entry);
  }

  Entry pop ()
  {
    assert (!entries_.empty ());
    Entry first = std::move (entries_.front ());
    Entry last = std::move (entries_.back ());
    entries_.pop_back ();
    if (!entries_.empty ())
      sift_down (std::move (last));
    return first;
  }

  [[nodiscard]] bool empty () const { return entries_.empty (); }
  [[nodiscard]] core::Instant next_at () const { return entries_.front ().at; }

private:
  static bool comes_before (const Entry &a, const Entry &b)
  {
    return a.at != b.at ? a.at < b.at : a.sequence < b.sequence;
  }

  void sift_down (Entry entry)
  {
    const std::size_t count = entries_.size ();
    std::size_t hole = 0;
    for (;;) {
      const std::size_t begin = 4 * hole + 1;
      if (begin >= count)
        break;
      std::size_t least = begin;
      for (std::size_t i = begin + 1; i < std::min (begin + 4, count); ++i)
        if (comes_before (entries_[i], entries_[least]))
          least = i;
      if (!comes_before (entries_[least], entry))
        break;
      entries_[hole] = std::move (entries_[least]);
      hole = least;
    }
    entries_[hole] = std::move (entry);
  }

  std::vector<Entry> entries_;
  std::uint64_t sequence_ = 0;
};

} // namespace spreadit::sim
