// Seeded storms over add policy x delete policy. SWEEP_SEEDS sets how many
// seeds each pair gets; a failure says how to replay it.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "storm.hpp"

using namespace spreadit::core;
using namespace spreadit::simulation;

namespace {

std::uint64_t
seeds ()
{
  const char *wish = std::getenv ("SWEEP_SEEDS");
  return wish ? std::strtoull (wish, nullptr, 10) : 2000;
}

class Sweep : public testing::TestWithParam<
                  std::tuple<AddPolicyKind, DeletePolicyKind>> {
protected:
  Weather weather_of (std::uint64_t seed) const
  {
    Weather weather;
    weather.seed = seed;
    std::tie (weather.add_policy, weather.delete_policy) = GetParam ();
    return weather;
  }
};

// Nobody is ever in a cycle, over capacity, on its own root path or told twice
// that it failed; and once the storm is over everyone is served, or has failed
// because nobody has room.
TEST_P (Sweep, EveryoneIsServedOnceTheStormIsOver)
{
  std::size_t up = 0, failed = 0, in_vain = 0, by_standby = 0;
  std::uint64_t events = 0;
  for (std::uint64_t seed = 1; seed <= seeds (); ++seed) {
    const Weather weather = weather_of (seed);
    SCOPED_TRACE (replay_line (weather));
    const Outcome outcome = run (weather);
    for (const std::string &violation : outcome.violations)
      ADD_FAILURE () << violation;
    EXPECT_EQ (outcome.not_served, 0u);
    if (HasFailure ())
      return;
    up += outcome.up;
    failed += outcome.failed;
    in_vain += outcome.failed_with_room;
    by_standby += outcome.by_standby;
    events += outcome.events;
  }
  std::cout << up << " served, " << failed << " failed, " << in_vain
            << " of them with room somewhere, " << by_standby
            << " standby links used, " << events << " events\n";
  EXPECT_GT (by_standby, seeds () / 10);
  // Whoever meets 32 dead or full peers in a row gives up; that is rare.
  EXPECT_LE (in_vain * 200, up + failed);
}

// The same seed is the same run, to the last message.
TEST_P (Sweep, ASeedReplays)
{
  for (std::uint64_t seed = 1; seed <= 5; ++seed)
    EXPECT_EQ (run (weather_of (seed)).digest, run (weather_of (seed)).digest);
}

std::string
name_of (const testing::TestParamInfo<Sweep::ParamType> &info)
{
  static constexpr const char *adds[] = {"Random", "RoundRobin",
      "SmartPlacement", "KnockDowns", "SmartBandwidth", "Auto"};
  static constexpr const char *deletes[] = {
      "Grandfather", "Root", "GrandfatherAll", "RootAll"};
  const auto [add, leave] = info.param;
  return std::string (adds[static_cast<int> (add)]) + "_" +
         deletes[static_cast<int> (leave)];
}

INSTANTIATE_TEST_SUITE_P (Policies, Sweep,
    testing::Combine (
        testing::Values (AddPolicyKind::random, AddPolicyKind::round_robin,
            AddPolicyKind::smart_placement, AddPolicyKind::knock_downs,
            AddPolicyKind::smart_bandwidth, AddPolicyKind::automatic),
        testing::Values (DeletePolicyKind::grandfather, DeletePolicyKind::root,
            DeletePolicyKind::grandfather_all, DeletePolicyKind::root_all)),
    name_of);

} // namespace
