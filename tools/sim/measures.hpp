// What one run measured.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/vocabulary.hpp"

namespace spreadit::sim {

// Values of one kind, all kept: a quantile is one of them, not a guess.
class Sample {
public:
  void add (double value) { values_.push_back (static_cast<float> (value)); }
  [[nodiscard]] std::size_t count () const { return values_.size (); }
  [[nodiscard]] double mean () const;
  // 0 for none.
  [[nodiscard]] double quantile (double share) const;
  [[nodiscard]] double max () const { return quantile (1); }

private:
  mutable std::vector<float> values_;
  mutable std::size_t sorted_count_ = 0;
};

// One moment, or the time since the one before.
struct Point {
  double second = 0;
  std::uint64_t joins = 0, goes = 0; // since
  std::uint64_t present = 0, fed = 0;
  std::uint64_t source_requests = 0; // since
  std::uint64_t refused = 0;         // since: application sessions
  double first_packet_p95_ms = 0;    // of those who came since
  double transience_p95_ms = 0;      // of those that ended since
  double level_mean = 0;
  unsigned height = 0;
  double balance = 0; // least height possible / height
  double delay_p50_ms = 0, delay_p95_ms = 0;
  double loss_links = 0; // share of packets, mean over peers
};

struct Measures {
  bool interrupted = false;
  std::uint64_t visitors = 0;
  std::uint64_t accepted = 0;  // had a parent at least once
  std::uint64_t refused = 0;   // application sessions that failed
  std::uint64_t too_short = 0; // went before they had a parent
  std::map<std::string, std::uint64_t> failures;
  Sample discover_ms, first_packet_ms, tries, transience_ms;
  // Of the whole audience's stream time.
  double seconds_wanted = 0, seconds_missed = 0;
  double loss_from_links = 0, on_time = 0; // shares, over peers and points
  double repair_overhead = 0;              // retransmitted / sent
  double feedback = 0; // bytes said about losses / bytes of the stream
  std::uint64_t source_requests = 0;
  Sample source_requests_per_s;
  std::uint64_t control_bytes = 0, control_messages = 0;
  Sample level, delay_ms;                    // at the last point
  std::vector<std::uint64_t> peers_at_level; // then, too; from level 1 on
  std::uint64_t moves = 0;                   // parents changed after the first
  std::vector<Point> points;

  std::uint64_t events = 0;
  std::uint64_t digest = 0; // of everything that happened
};

} // namespace spreadit::sim
