// What lost packets cost: who asks for them when (media/repair,
// media/frame_tail), reckoned instead of drawn.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>

#include "core/vocabulary.hpp"
#include "sim/scenario.hpp"

namespace spreadit::sim {

class RepairModel {
public:
  explicit RepairModel (const Scenario &scenario);

  // Shares of packets by how late repairs have made them, in steps of that part
  // of the deadline, rounded up; later is no use, and left out.
  static constexpr std::size_t steps = 300;
  using Lateness = std::array<double, steps + 1>;
  static Lateness in_time ();
  // After one more hop of that one-way delay, whose sender lets this share
  // through at all.
  [[nodiscard]] Lateness further (
      const Lateness &until, core::Duration way, double through) const;
  // The share that is not later than that.
  [[nodiscard]] double within (
      const Lateness &late, core::Duration spare) const;

  // Of the packets that a hop of that one-way delay is sent: lost for good, and
  // sent again.
  [[nodiscard]] double lost (core::Duration way) const;
  [[nodiscard]] double sent_again (core::Duration way) const;
  // What is said of those packets on that hop, of the stream's bytes: questions
  // for what it has lost, and news of what was missing above.
  [[nodiscard]] double feedback (
      const Lateness &until, core::Duration way) const;

private:
  // How long until a lost packet is missed, and the share of those.
  struct Missed {
    double share;
    core::Duration after;
  };
  [[nodiscard]] std::size_t to_steps (core::Duration time) const;
  [[nodiscard]] static bool asks_twice (core::Duration way);
  // Of what is asked for: the question or the answer is lost.
  [[nodiscard]] double fails (core::Duration way) const;

  const double loss_;
  const unsigned repairs_;
  const core::Duration step_;
  const double packet_bytes_;
  std::array<Missed, 3> missed_{};
};

} // namespace spreadit::sim
