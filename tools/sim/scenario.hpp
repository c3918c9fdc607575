// Everything one run depends on.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/peer.hpp"
#include "sim/geography.hpp"
#include "sim/law.hpp"

namespace spreadit::sim {

using namespace std::chrono_literals;

// How a session ends.
enum class End : std::uint8_t {
  leaves, // IV-C
  killed, // the kernel closes its connections
  silent, // power cut: nobody is told
};

struct TraceRow {
  double join_s;
  double leave_s;
  std::optional<std::uint32_t> children_max;
  std::optional<std::uint64_t> uplink_bps;
  std::optional<bool> crashes; // killed, or leaves
  std::optional<double> access_ms = {};
};

struct Scenario {
  std::uint64_t seed = 1;
  core::Duration duration = 20min;

  // The audience. A trace says when they come and go, and wins.
  std::uint32_t peers = 1000; // who come, at most
  double arrivals_per_s = 0;  // Poisson; 0: all within flash_crowd
  core::Duration flash_crowd = 60s;
  Law stay{Law::Kind::forever, {}, {}}; // s
  std::vector<TraceRow> trace;
  double crash_share = 0.1;  // of those who go, unannounced
  double silent_share = 0.5; // of these, without a word of the kernel
  // Without an uplink law bandwidth is unknown and never short.
  Law children{Law::Kind::fixed, {3}, {}};
  std::optional<Law> uplink; // bit/s
  bool capacity_from_uplink = false;
  unsigned source_children = 10;
  std::uint64_t source_uplink_bps = 0; // 0: never short

  // The network.
  std::shared_ptr<const Geography> geography;
  Law access{Law::Kind::fixed, {0}, {}}; // ms, one way, of each access link
  core::Duration jitter{}; // at most, on top of each one-way delay
  double loss = 0;         // of packets, on each way between two peers
  std::uint64_t stream_bps = 1'000'000;
  double frames_per_s = 25;
  unsigned packet_bytes = 1200;
  core::Duration queue = 200ms; // what an access link holds before it drops
  core::Duration hop{100us};    // what a relay adds
  bool resume = true;           // what was missed is sent, up to `ring`
  bool standby = true;          // a connection to whom an orphan asks first
  core::Duration ring = 3s;
  unsigned repairs = 1; // times that a lost packet is asked for; 0: off
  core::Duration deadline = 600ms; // later is no use

  // The peers.
  core::AddPolicyKind add_policy = core::AddPolicyKind::round_robin;
  core::AddPolicyKind second_add_policy = core::AddPolicyKind::round_robin;
  core::DeletePolicyKind delete_policy = core::DeletePolicyKind::grandfather;
  unsigned tries_max = core::limits::tries_max_default;
  core::Duration alive_interval = core::limits::alive_interval_default;
  unsigned alive_misses = core::limits::alive_misses_default;
  bool offer_dead_ends = false;
  // From the begin of a search until a peer knows its way to the source.
  core::Duration locate_after{};
  // Heart-beats that change nothing are messages too; for comparison.
  bool idle_beats = false;

  unsigned points = 60; // of each curve over time
};

} // namespace spreadit::sim
