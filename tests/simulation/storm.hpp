// A world in trouble: joins, leaves, crashes, losses, partitions, all drawn
// from one seed; then quiet.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "world.hpp"

namespace spreadit::simulation {

// What may go wrong besides joins, leaves and crashes; any sum of them.
namespace kind {
inline constexpr unsigned lossy = 1;         // single messages vanish
inline constexpr unsigned silent = 2;        // power cuts, frozen processes
inline constexpr unsigned cut_off = 4;       // half-open links, partitions
inline constexpr unsigned short_of_room = 8; // and capacities are lowered
inline constexpr unsigned forgetful = 16;    // farewells are lost
inline constexpr unsigned shuffled = 32;     // children are sent anywhere
inline constexpr unsigned walled = 64;       // some nobody can connect to
inline constexpr unsigned standing = 128;    // orphans have a connection ready
inline constexpr unsigned all = 255;
} // namespace kind

struct Weather {
  std::uint64_t seed = 1;
  core::AddPolicyKind add_policy = core::AddPolicyKind::round_robin;
  core::DeletePolicyKind delete_policy = core::DeletePolicyKind::grandfather;
  // The seed picks if not given.
  std::optional<unsigned> kind;
  std::ostream *trace = nullptr;
  std::function<bool (Place from, Place to, Message &)> tamper;
};

struct Outcome {
  std::vector<std::string> violations;
  std::size_t up = 0;
  std::size_t failed = 0; // out of tries, the source has no room...
  std::size_t failed_with_room = 0;
  std::size_t by_standby = 0; // connections that were there when wanted
  std::size_t starving = 0;   // the same, but nobody has room
  std::size_t not_served = 0; // up, subscribed, not failed, no stream
  Duration served_after{};    // the storm was over
  std::uint64_t digest = 0;
  std::uint64_t events = 0;
};

// The storm, then at most `quiet_max` until everyone is served.
Outcome run (const Weather &weather);

std::string replay_line (const Weather &weather);

} // namespace spreadit::simulation
