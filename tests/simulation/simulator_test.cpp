// The simulator against what can be reckoned by hand.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <cmath>

#include "sim/wire_size.hpp"
#include "sim_scenarios.hpp"

using namespace spreadit::core;
using namespace spreadit::sim;

namespace {

TEST (Simulator, TheSameSeedIsTheSameRun)
{
  for (int add = 0; add < 6; ++add) {
    Scenario scenario = churn (3, 400);
    scenario.add_policy = static_cast<AddPolicyKind> (add);
    const Measures first = World (scenario).run ();
    const Measures second = World (scenario).run ();
    EXPECT_EQ (first.digest, second.digest);
    EXPECT_EQ (first.control_bytes, second.control_bytes);
    scenario.seed = 4;
    EXPECT_NE (World (scenario).run ().digest, first.digest);
  }
}

// What compilers and standard libraries may not change.
TEST (Simulator, TheRunOfASeedIsKnown)
{
  EXPECT_EQ (World (churn (1, 200)).run ().digest, 9872936150316245534u);
}

// 3 + 9 + 27 + 81 peers below a source of 3 fill four levels, and round-robin
// fills one before the next when they come one by one.
TEST (Simulator, RoundRobinBuildsTheCompleteTree)
{
  Scenario scenario = calm (1, 3 + 9 + 27 + 81);
  scenario.source_children = 3;
  scenario.arrivals_per_s = 2;
  const Measures measures = World (scenario).run ();
  EXPECT_EQ (measures.accepted, 120u);
  EXPECT_EQ (measures.points.back ().height, 4u);
  EXPECT_EQ (measures.points.back ().balance, 1);
  EXPECT_DOUBLE_EQ (
      measures.level.mean (), (3 * 1 + 9 * 2 + 27 * 3 + 81 * 4) / 120.0);
  // A try a level.
  EXPECT_DOUBLE_EQ (measures.tries.mean (), measures.level.mean ());
  // A connection and a question, there and back, each.
  EXPECT_NEAR (measures.discover_ms.max (), 4 * 2 * 20.0, 0.001);
  EXPECT_EQ (measures.source_requests, 120u);
}

TEST (Simulator, DelayIsTheSumOfTheHops)
{
  Scenario scenario = calm (1, 30);
  scenario.source_children = 1;
  scenario.children = Law{Law::Kind::fixed, {1}, {}};
  const Measures chain = World (scenario).run ();
  ASSERT_EQ (chain.points.back ().height, 30u);
  EXPECT_NEAR (chain.delay_ms.max (), 30 * (10 + 0.1), 0.01);
}

TEST (Simulator, NobodyMissesAnythingWhenNothingGoesWrong)
{
  const Measures measures = World (calm (1, 500)).run ();
  EXPECT_EQ (measures.seconds_missed, 0);
  EXPECT_EQ (measures.transience_ms.count (), 0u);
  EXPECT_EQ (measures.loss_from_links, 0);
  EXPECT_EQ (measures.on_time, 1);
}

TEST (Simulator, WhoLeavesTellsAndNobodyIsTransient)
{
  Scenario scenario = calm (2, 300);
  scenario.stay = Law{Law::Kind::exponential, {60}, {}};
  scenario.crash_share = 0;
  const Measures measures = World (scenario).run ();
  EXPECT_GT (measures.moves, 50u);
  EXPECT_EQ (measures.transience_ms.count (), 0u);
}

// IV-D: a reset is noticed at once, a power cut by half a second without a
// packet; then a search of some round trips.
TEST (Simulator, CrashesCostWhatItTakesToNoticeAndToFindAnother)
{
  Scenario scenario = calm (2, 300);
  scenario.stay = Law{Law::Kind::exponential, {120}, {}};
  scenario.crash_share = 1;
  scenario.silent_share = 0;
  const Measures killed = World (scenario).run ();
  ASSERT_GT (killed.transience_ms.count (), 50u);
  EXPECT_LT (killed.transience_ms.quantile (0.5), 500);
  scenario.silent_share = 1;
  const Measures silent = World (scenario).run ();
  EXPECT_GT (silent.transience_ms.quantile (0.5),
      killed.transience_ms.quantile (0.5) + 100);

  EXPECT_LT (silent.seconds_missed, silent.seconds_wanted / 1000);
  scenario.resume = false;
  const Measures without = World (scenario).run ();
  EXPECT_GT (without.seconds_missed, silent.seconds_missed + 10);
  EXPECT_EQ (without.digest, silent.digest) << "the tree is the same";
}

// A chain: source, a, b, c. a, or b and a, are killed when c has been there for
// a minute.
Scenario
chain (double a_goes, double b_goes = 1e6)
{
  Scenario scenario = calm (1, 0);
  scenario.source_children = 1;
  scenario.trace = {
      {1, a_goes, 1, {}, true}, {2, b_goes, 1, {}, true}, {3, 1e6, 1, {}, {}}};
  return scenario;
}

// From the last packet on, half a frame of 25 a second before on average.
constexpr double unseen_ms = 20;

// A question on it and the answer with the first packet: one round trip.
TEST (Standby, SavesTheHandshake)
{
  Scenario scenario = chain (60);
  const Measures with = World (scenario).run ();
  ASSERT_EQ (with.transience_ms.count (), 2u) << "b, and c below it";
  EXPECT_EQ (with.transience_ms.mean (), unseen_ms + 20);
  EXPECT_EQ (with.transience_ms.max (), unseen_ms + 20);
  EXPECT_EQ (with.moves, 1u);
  scenario.standby = false;
  const Measures without = World (scenario).run ();
  ASSERT_EQ (without.transience_ms.count (), 2u);
  EXPECT_EQ (without.transience_ms.mean (), unseen_ms + 40);
}

// a is gone before it can answer c, whose connection to it breaks: c asks anew,
// is refused there, and goes to the source.
TEST (Standby, ThatIsGoneItselfIsFoundOut)
{
  Scenario scenario = chain (60.005, 60);
  const Measures with = World (scenario).run ();
  ASSERT_EQ (with.transience_ms.count (), 1u);
  EXPECT_EQ (with.transience_ms.max (), unseen_ms + 5 + 20 + 40);
  // Its reset has come, too: nothing is lost by it.
  scenario.trace.front ().leave_s = 60;
  EXPECT_EQ (World (scenario).run ().transience_ms.max (), unseen_ms + 20 + 40);
}

// Nobody says so: the connection is of no use, and does no harm.
TEST (Standby, ThatHasVanishedIsWaitedForAsAnybody)
{
  Scenario scenario = chain (60, 60);
  for (TraceRow &row : scenario.trace)
    row.crashes.reset ();
  scenario.crash_share = scenario.silent_share = 1;
  const Measures with = World (scenario).run ();
  scenario.standby = false;
  const Measures without = World (scenario).run ();
  ASSERT_EQ (with.transience_ms.count (), 1u);
  EXPECT_GT (with.transience_ms.max (), 3000) << "limits::reply_max";
  EXPECT_EQ (with.transience_ms.max (), without.transience_ms.max ());
}

// In the 180 s b and c keep one each, to the source and to a.
TEST (Standby, IsAConnectionEverySevenSeconds)
{
  Scenario scenario = chain (1e6);
  const Measures with = World (scenario).run ();
  scenario.standby = false;
  const Measures without = World (scenario).run ();
  const auto more = with.control_messages - without.control_messages;
  EXPECT_EQ (more, 2 * (1 + 177 / 7));
  EXPECT_EQ (with.control_bytes - without.control_bytes, more * options_size);
}

// Two children of the source, each takes one. b is accepted at 60.03 and is
// there for others two round trips later. c and d ask the source, whose turns
// are a and b: d at 60.05, or later.
TEST (DialBack, ComesBeforeAnybodyIsSentThere)
{
  Scenario scenario = calm (1, 0);
  scenario.source_children = 2;
  const auto levels = [&scenario] (double d_comes) {
    scenario.trace = {{1, 1e6, 1, {}, {}}, {60, 1e6, 1, {}, {}},
        {60.001, 1e6, 1, {}, {}}, {d_comes, 1e6, 1, {}, {}}};
    return World (scenario).run ().peers_at_level;
  };
  using Levels = std::vector<std::uint64_t>;
  EXPECT_EQ (levels (60.02), (Levels{2, 1, 1})) << "below c, which is below a";
  EXPECT_EQ (levels (60.039), (Levels{2, 1, 1}));
  EXPECT_EQ (levels (60.041), (Levels{2, 2}));
}

// a is killed, e and f were below it. The source takes e, dials it, and would
// send f there, whose turn it is; until it knows, f goes below y, which is
// below x.
TEST (DialBack, IsDoneAnewByANewParent)
{
  Scenario scenario = calm (1, 0);
  scenario.source_children = 2;
  const auto levels = [&scenario] (double f_access_ms) {
    const TraceRow a{1, 60, 2, {}, true}, x{2, 1e6, 1, {}, {}};
    const TraceRow e{3, 1e6, 1, {}, {}}, y{4, 1e6, 2, {}, {}};
    const TraceRow f{5, 1e6, 1, {}, {}, f_access_ms}, g{6, 1e6, 1, {}, {}};
    scenario.trace = {a, x, e, y, f, g};
    return World (scenario).run ().peers_at_level;
  };
  using Levels = std::vector<std::uint64_t>;
  EXPECT_EQ (levels (5), (Levels{2, 1, 2}));
  EXPECT_EQ (levels (25), (Levels{2, 2, 1}));
}

// A hop takes 10 ms and a hop's worth of work; what is lost is asked for after
// 1 ms, or 6 if it ends the picture, and comes in 20 ms, or is asked for again
// 5 ms later. One in 10 is lost, each way.
TEST (Simulator, RepairsCostTime)
{
  Scenario scenario = calm (1, 20);
  scenario.source_children = 20; // all at level 1
  scenario.loss = 0.1;
  scenario.repairs = 2;
  scenario.packet_bytes = 1250; // four to a picture
  const auto on_time = [&scenario] (Duration deadline) {
    scenario.deadline = deadline;
    return World (scenario).run ().on_time;
  };
  const double whole = 1e-3;
  const double tail = (1 - 1e-3 + 0.1 * (1 - 1e-2) + 1e-2 * (1 - 1e-1)) / 4;
  EXPECT_NEAR (on_time (9ms), 0, 1e-9);
  EXPECT_NEAR (on_time (30ms), 0.9, 1e-9);
  EXPECT_NEAR (on_time (33ms), 0.9 + 0.081 * (1 - whole - tail), 1e-9);
  EXPECT_NEAR (on_time (40ms), 0.9 + 0.081 * (1 - whole), 1e-9);
  EXPECT_NEAR (on_time (59ms),
      0.9 + 0.081 * (1 - whole) + 0.1 * 0.19 * 0.81 * (1 - whole - tail), 1e-9);
  EXPECT_NEAR (on_time (10s), 1 - 0.1 * 0.19 * 0.19, 1e-9);
  // Two hops: one repair on either, or none.
  scenario.source_children = 1;
  scenario.children = Law{Law::Kind::fixed, {1}, {}};
  scenario.peers = 2;
  scenario.flash_crowd = 1s; // both are there at every point
  scenario.repairs = 1;
  const double late = 0.9 * 0.081 * (1 - whole);
  EXPECT_NEAR (on_time (55ms),
      (0.9 + 0.081 * (1 - whole) + (0.81 + 2 * late)) / 2, 1e-9);
  // On both: the second is left to the first for a while.
  const double late_twice = 0.081 * 0.081;
  EXPECT_NEAR (on_time (200ms),
      (0.981 + (0.81 + 2 * 0.9 * 0.081 + late_twice)) / 2, 1e-9);
  EXPECT_NEAR (on_time (70ms), (0.981 + (0.81 + 2 * 0.9 * 0.081)) / 2, 2e-4)
      << "20.2 ms, 21, three tenths of that and 5, and 20";
}

TEST (Simulator, LossAddsUpAndIsRepaired)
{
  Scenario scenario = calm (1, 20);
  scenario.source_children = 1;
  scenario.children = Law{Law::Kind::fixed, {1}, {}};
  scenario.loss = 0.02;
  scenario.repairs = 0;
  const Measures lossy = World (scenario).run ();
  // At the last point: mean over levels 1 to 20 of 1 - 0.98^level.
  double expected = 0;
  for (int level = 1; level <= 20; ++level)
    expected += (1 - std::pow (0.98, level)) / 20;
  EXPECT_NEAR (lossy.points.back ().loss_links, expected, 1e-9);
  EXPECT_EQ (lossy.repair_overhead, 0);
  scenario.repairs = 1;
  const Measures repaired = World (scenario).run ();
  EXPECT_LT (repaired.points.back ().loss_links, expected / 20);
  EXPECT_NEAR (repaired.repair_overhead, 0.02 * 0.98, 1e-9);
}

TEST (Simulator, AnOverloadedUplinkDelaysAndLoses)
{
  Scenario scenario = calm (1, 40);
  scenario.source_children = 4;
  scenario.source_uplink_bps = 2'000'000; // for four children of 1 Mbit/s
  const Measures measures = World (scenario).run ();
  EXPECT_GE (measures.points.back ().loss_links, 0.5);
  EXPECT_GE (measures.delay_ms.quantile (0), 200);
  scenario.source_uplink_bps = 4'000'000;
  EXPECT_EQ (World (scenario).run ().points.back ().loss_links, 0);
}

TEST (Simulator, WithoutRoomSessionsAreRefused)
{
  Scenario scenario = calm (1, 50);
  scenario.duration = 5min;
  scenario.source_children = 10;
  scenario.children = Law{Law::Kind::fixed, {0}, {}};
  const Measures measures = World (scenario).run ();
  EXPECT_EQ (measures.accepted, 10u);
  EXPECT_EQ (measures.refused, 40u);
  EXPECT_EQ (measures.failures.at ("no-room"), 40u);
}

// Heart-beats that say nothing new need not be events.
TEST (Simulator, IdleHeartBeatsChangeNothing)
{
  // When something is reported counts only where it is gone by.
  const auto seeds = [] (int add) {
    return static_cast<AddPolicyKind> (add) == AddPolicyKind::automatic ? 20u
                                                                        : 10u;
  };
  for (int add = 0; add < 6; ++add)
    for (std::uint64_t seed = 1; seed <= seeds (add); ++seed) {
      Scenario scenario = churn (seed, 150);
      scenario.add_policy = static_cast<AddPolicyKind> (add);
      scenario.delete_policy = static_cast<DeletePolicyKind> (seed % 4);
      // A late beat would hold up what comes behind it: no queues either.
      scenario.jitter = {};
      scenario.loss = 0;
      scenario.uplink = Law{Law::Kind::uniform, {1e15, 2e15}, {}};
      const Measures without = World (scenario).run ();
      scenario.idle_beats = true;
      const Measures with = World (scenario).run ();
      SCOPED_TRACE (std::to_string (add) + ", seed " + std::to_string (seed));
      EXPECT_GT (with.events, 3 * without.events);
      EXPECT_EQ (with.accepted, without.accepted);
      EXPECT_EQ (with.refused, without.refused);
      EXPECT_EQ (with.moves, without.moves);
      EXPECT_EQ (with.source_requests, without.source_requests);
      EXPECT_EQ (with.transience_ms.count (), without.transience_ms.count ());
      EXPECT_EQ (with.transience_ms.mean (), without.transience_ms.mean ());
      EXPECT_EQ (with.first_packet_ms.mean (), without.first_packet_ms.mean ());
      EXPECT_EQ (with.seconds_missed, without.seconds_missed);
      EXPECT_EQ (with.level.mean (), without.level.mean ());
      EXPECT_EQ (with.delay_ms.mean (), without.delay_ms.mean ());
      // Reckoned, not sent.
      EXPECT_NEAR (static_cast<double> (without.control_bytes) /
                       static_cast<double> (with.control_bytes),
          1, 0.2);
    }
}

// V-A.3: what the policy is for.
TEST (Simulator, SmartPlacementIsNearer)
{
  Scenario scenario = churn (5, 800);
  scenario.stay = Law{Law::Kind::forever, {}, {}};
  scenario.loss = 0;
  scenario.children = Law{Law::Kind::fixed, {4}, {}};
  scenario.uplink.reset ();
  const Measures blind = World (scenario).run ();
  scenario.add_policy = AddPolicyKind::smart_placement;
  const Measures smart = World (scenario).run ();
  EXPECT_LT (
      smart.delay_ms.quantile (0.95), blind.delay_ms.quantile (0.95) / 1.3);
}

// V-A.5: and what this one is for.
TEST (Simulator, SmartBandwidthLiftsTheWide)
{
  Scenario scenario = calm (6, 600);
  scenario.source_children = 4;
  scenario.uplink = Law{Law::Kind::table, {2.3e6, 12e6}, {9, 1}};
  scenario.capacity_from_uplink = true;
  const Measures blind = World (scenario).run ();
  scenario.add_policy = AddPolicyKind::smart_bandwidth;
  const Measures wide = World (scenario).run ();
  EXPECT_GT (wide.moves, 0u);
  EXPECT_LT (wide.level.mean (), blind.level.mean ());
}

} // namespace
