// Scenarios that more than one test runs.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "sim/world.hpp"

namespace spreadit::sim {

// Nothing goes wrong, nobody goes.
inline Scenario
calm (std::uint64_t seed, std::uint32_t peers)
{
  Scenario scenario;
  scenario.seed = seed;
  scenario.peers = peers;
  scenario.duration = 3min;
  scenario.geography =
      std::make_shared<const Geography> (Geography::constant (20ms));
  return scenario;
}

// Everything: stays, crashes, losses, jitter, distances, bandwidths.
inline Scenario
churn (std::uint64_t seed, std::uint32_t peers)
{
  Scenario scenario = calm (seed, peers);
  scenario.stay = Law{Law::Kind::weibull, {0.509, 300}, {}};
  scenario.crash_share = 0.4;
  scenario.geography =
      std::make_shared<const Geography> (Geography::generated (seed, 40));
  scenario.access = Law{Law::Kind::uniform, {2, 15}, {}};
  scenario.children = Law{Law::Kind::table, {0, 1, 3, 6}, {2, 2, 4, 2}};
  scenario.uplink = Law{Law::Kind::lognormal, {15, 0.8}, {}};
  scenario.jitter = 2ms;
  scenario.loss = 0.01;
  return scenario;
}

} // namespace spreadit::sim
