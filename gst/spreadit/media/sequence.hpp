// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <bitset>
#include <cstdint>
#include <deque>
#include <memory>

#include "media/vocabulary.hpp"

namespace spreadit::media {

// The sequence numbers of one SSRC: extends them beyond 16 bits, finds
// duplicates, counts what never came. After RFC 3550 A.1, but with a window
// that remembers every number of the last 32 Ki.
class Sequence {
public:
  enum class Verdict {
    fresh,     // never seen; forward it
    late,      // the same, but it has been counted as lost
    duplicate, // seen, or too old to know
    suspect,   // far from all others; dropped until the next one follows it
  };
  struct Answer {
    Verdict verdict;
    std::uint64_t extended; // meaningless when suspect
  };

  // `first` counts as seen.
  Sequence (std::uint16_t first, MonotonicTime now);

  Answer insert (std::uint16_t seq, MonotonicTime now);
  // Gives up gaps that are too old. insert() does it, too.
  void settle (MonotonicTime now);

  // The number nearest to the highest that ends in `seq`.
  [[nodiscard]] std::uint64_t nearest (std::uint16_t seq) const;
  [[nodiscard]] std::uint64_t highest () const { return highest_; }
  // All up to this one is here or given up.
  [[nodiscard]] std::uint64_t held () const;
  [[nodiscard]] std::uint64_t lost () const { return lost_; }
  // When the last fresh one came.
  [[nodiscard]] MonotonicTime last_fresh () const { return last_fresh_; }

private:
  // Numbers that were jumped over, some of which may have come since.
  struct Gap {
    std::uint64_t first, last;
    MonotonicTime since;
  };
  using Window = std::bitset<65536>;

  [[nodiscard]] bool is_seen (std::uint64_t extended) const;
  [[nodiscard]] bool is_given_up (std::uint64_t extended) const;
  void mark (std::uint64_t extended, MonotonicTime now);
  void advance (std::uint64_t extended, MonotonicTime now);
  Answer restart_or_suspect (std::uint16_t seq, MonotonicTime now);
  void give_up_oldest_gap ();

  std::unique_ptr<Window> seen_ = std::make_unique<Window> ();
  std::uint64_t first_; // since the source has started over, if it has
  std::uint64_t highest_;
  std::deque<Gap> gaps_; // oldest first
  std::uint64_t lost_ = 0;
  MonotonicTime last_fresh_;
  // The number after the last suspect one (RFC 3550 A.1, bad_seq).
  std::optional<std::uint16_t> after_suspect_;
};

} // namespace spreadit::media
