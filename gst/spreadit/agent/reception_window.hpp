// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <deque>
#include <optional>

#include "core/vocabulary.hpp"
#include "media/vocabulary.hpp"

namespace spreadit::agent {

// How the stream has come to a node in the last seconds
// (limits::reception_window), out of counters that only grow.
class ReceptionWindow {
public:
  // The counters as they are, about once a second.
  void add (core::Instant now, const media::DataStats &stats);
  // Nothing: no packet has come lately, and none was missed.
  [[nodiscard]] std::optional<core::Reception> recent () const;

private:
  struct Sample {
    core::Instant at;
    std::uint64_t received, lost;
  };
  std::deque<Sample> samples_; // the first is where the window begins
  std::optional<double> delay_ms_;
};

} // namespace spreadit::agent
