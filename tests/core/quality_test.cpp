// How the stream fares below: steps, sums, and how a peer passes them on.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <limits>

#include "bench.hpp"
#include "core/quality.hpp"

using namespace spreadit::core;

namespace {

constexpr auto huge = std::numeric_limits<std::uint32_t>::max ();

std::uint32_t
lost_after (std::uint32_t told_before, std::uint32_t measured)
{
  Quality before;
  before.lost_worst_ppm = told_before;
  return in_steps ({measured, {}}, before).lost_worst_ppm;
}

std::uint32_t
delay_after (std::uint32_t told_before, Duration measured)
{
  Quality before;
  before.delay_worst_ms = told_before;
  return in_steps ({0, measured}, before).delay_worst_ms;
}

TEST (Steps, GrowWithTheFigure)
{
  const std::pair<std::uint32_t, std::uint32_t> steps[] = {{0, 0}, {1, 100},
      {100, 100}, {101, 200}, {700, 700}, {701, 800}, {801, 1000}, {1001, 1200},
      {1500, 1600}, {1601, 2000}, {50'000, 51'200}, {900'000, 1'000'000},
      {1'000'000, 1'000'000}, {huge, 1'000'000}};
  for (const auto &[measured, told] : steps)
    EXPECT_EQ (lost_after (0, measured), told) << measured;
  EXPECT_EQ (delay_after (0, 300us), 5u);
  EXPECT_EQ (delay_after (0, -40ms), 5u); // clocks that disagree
  EXPECT_EQ (delay_after (0, 36ms), 40u);
  EXPECT_EQ (delay_after (0, 41ms), 50u);
  EXPECT_EQ (delay_after (0, 10h), 3'600'000u);
  EXPECT_EQ (in_steps ({0, {}}, {}).delay_worst_ms, 0u);
}

TEST (Steps, AreNeverBelowTheFigureAndAtMostAQuarterAbove)
{
  for (std::uint32_t measured = 1; measured < 1'000'000;
       measured += 1 + measured / 97) {
    const std::uint32_t told = lost_after (0, measured);
    EXPECT_GE (told, measured);
    EXPECT_LE (told, std::max (100u, measured + measured / 4 + 100));
    // What was told is a step itself.
    EXPECT_EQ (lost_after (0, told), told);
  }
}

TEST (Steps, AreKeptUntilItIsMoreOrTwoStepsLess)
{
  EXPECT_EQ (lost_after (1000, 1000), 1000u);
  EXPECT_EQ (lost_after (1000, 701), 1000u); // 800
  EXPECT_EQ (lost_after (1000, 700), 700u);
  EXPECT_EQ (lost_after (1000, 1001), 1200u);
  EXPECT_EQ (lost_after (100, 1), 100u);
  EXPECT_EQ (lost_after (100, 0), 0u);
  EXPECT_EQ (lost_after (1'000'000, 900'000), 1'000'000u);
  EXPECT_EQ (delay_after (50, 31ms), 35u);
  EXPECT_EQ (delay_after (50, 36ms), 50u);
}

TEST (Sum, IsTheWorstAndTheMean)
{
  QualitySum sum;
  EXPECT_EQ (sum.total (), Quality{});
  sum.add ({3, 2000, 1000, 50, 30});
  sum.add ({}); // tells nothing
  sum.add ({1, 0, 0, 100, 90});
  EXPECT_EQ (sum.total (), (Quality{4, 2000, 750, 100, 45}));
}

TEST (Sum, KnowsTheDelayOfThoseThatDo)
{
  QualitySum sum;
  sum.add ({9, 0, 0, 0, 0});
  sum.add ({1, 0, 0, 40, 36});
  EXPECT_EQ (sum.total (), (Quality{10, 0, 0, 40, 36}));
}

TEST (Sum, DoesNotOverflow)
{
  const Quality most{
      limits::subtree_peers_max, 1'000'000, 1'000'000, 3'600'000, 3'600'000};
  QualitySum sum;
  for (unsigned i = 0; i < limits::children_max_max; ++i)
    sum.add (most);
  EXPECT_EQ (sum.total (), most);
}

TEST (Believable, IsWhatIsWithinReason)
{
  EXPECT_EQ (believable ({huge, huge, huge, huge, huge}, 7),
      (Quality{7, 1'000'000, 1'000'000, 3'600'000, 3'600'000}));
  EXPECT_EQ (
      believable ({2, 100, 5000, 5, 80}, 7), (Quality{2, 100, 100, 5, 5}));
  EXPECT_EQ (believable ({0, 100, 100, 5, 5}, 7), Quality{});
}

struct Watched : Bench {
  Watched ()
  {
    parent = settle ();
    child = join (10);
    pass (1500ms); // whatever the join has to tell
  }
  void measure (std::uint32_t lost_ppm, Duration delay)
  {
    peer.set_reception (now, Reception{lost_ppm, delay});
    drain ();
  }
  void child_tells (const Quality &quality, std::uint32_t peers = 1)
  {
    auto told = alive (10);
    told.subtree = {peers, peers > 1 ? 1u : 0u, 3};
    told.quality = quality;
    hear (child, told);
  }
  // What the parent is told with the next heart-beat.
  Quality beat ()
  {
    peer.beat (now);
    drain ();
    const auto *told = said<message::Alive> (parent);
    EXPECT_TRUE (told);
    return told ? told->quality : Quality{};
  }
  LinkId parent, child;
};

TEST (Watched, GoesUpWithTheNextHeartBeatAndNoSooner)
{
  Watched bench;
  bench.measure (5000, 20ms);
  EXPECT_FALSE (bench.said<message::Alive> ());
  EXPECT_EQ (bench.beat (), (Quality{1, 5600, 5000, 20, 20}));
  bench.child_tells ({1, 16'000, 15'000, 10, 8});
  EXPECT_FALSE (bench.said<message::Alive> (bench.parent));
  EXPECT_EQ (bench.beat (), (Quality{2, 16'000, 10'000, 20, 14}));
}

TEST (Watched, IsNotTalkedOfDownwards)
{
  Watched bench;
  bench.measure (5000, 20ms);
  bench.peer.beat (bench.now);
  bench.drain ();
  const auto *down = bench.said<message::Alive> (bench.child);
  ASSERT_TRUE (down);
  EXPECT_EQ (down->quality, Quality{});
}

TEST (Watched, FiguresThatWaverAreNoNews)
{
  Watched bench;
  bench.measure (5000, 20ms);
  const Quality told = bench.beat ();
  for (const std::uint32_t lost : {5200u, 4900u, 4500u, 5600u})
    for (const Duration delay : {17ms, 20ms, 15ms}) {
      bench.measure (lost, delay);
      EXPECT_EQ (bench.beat (), told) << lost;
    }
  bench.measure (5700, 20ms);
  EXPECT_EQ (bench.beat ().lost_worst_ppm, 6400u);
}

// Else a mean that creeps would stay as it was for hours.
TEST (Watched, MeansGoAlongWithOtherNews)
{
  Watched bench;
  bench.measure (5000, 20ms);
  EXPECT_EQ (bench.beat ().lost_mean_ppm, 5000u);
  bench.measure (5500, 20ms);
  EXPECT_EQ (bench.beat ().lost_mean_ppm, 5000u);
  bench.measure (5500, 80ms);
  EXPECT_EQ (bench.beat ().lost_mean_ppm, 5500u);
}

TEST (Watched, ANewParentIsToldAllOfIt)
{
  Watched bench;
  bench.measure (5000, 20ms);
  bench.beat ();
  bench.hear (
      bench.parent, message::Redirect{contact (20), RedirectScope::self});
  bench.parent = bench.settle (contact (20), {contact (Bench::source)});
  EXPECT_EQ (bench.beat (), (Quality{1, 5600, 5000, 20, 20}));
}

TEST (Watched, WhoGetsNoStreamDoesNotCount)
{
  Watched bench;
  bench.measure (5000, 20ms);
  bench.beat ();
  bench.peer.set_reception (bench.now, std::nullopt);
  bench.drain ();
  EXPECT_EQ (bench.beat (), Quality{});
}

TEST (Watched, PlayersDoNotCountAndWhoIsGoneDoesNotEither)
{
  Watched bench;
  auto player = bench.ask (30);
  player.plain_player = true;
  bench.hear (incoming (30), player);
  bench.measure (0, 20ms);
  auto tale = bench.alive (30);
  tale.quality = {1, 900'000, 900'000, 5, 5};
  bench.hear (incoming (30), tale);
  EXPECT_EQ (bench.beat (), (Quality{1, 0, 0, 20, 20}));
  bench.child_tells ({1, 16'000, 15'000, 10, 8});
  EXPECT_EQ (bench.beat ().peers, 2u);
  bench.close (bench.child);
  EXPECT_EQ (bench.beat (), (Quality{1, 0, 0, 20, 20}));
}

TEST (Watched, LiesAreCutToReason)
{
  Watched bench;
  bench.child_tells ({huge, huge, huge, huge, huge}, 4);
  EXPECT_EQ (bench.peer.quality (),
      (Quality{4, 1'000'000, 1'000'000, 3'600'000, 3'600'000}));
  bench.child_tells ({});
  EXPECT_EQ (bench.peer.quality (), Quality{});
}

TEST (Watched, TheSourceHasThatOfAll)
{
  Bench bench;
  bench.become_source ();
  const LinkId child = bench.join (10);
  auto told = bench.alive (10);
  told.subtree = {5, 2, 3};
  told.quality = {5, 20'000, 400, 80, 33};
  bench.hear (child, told);
  EXPECT_EQ (bench.peer.quality (), told.quality);
}

// Config::idle_beats off: still told, with the beat that would have been.
TEST (Watched, IsNewsForWhoLeavesIdleBeatsOut)
{
  Config config = Bench::config_of (3);
  config.idle_beats = false;
  Bench bench (config);
  const LinkId parent = bench.settle ();
  bench.peer.message_seen (bench.now, parent, bench.now + 1h);
  bench.drain ();
  bench.peer.data_seen (bench.now, parent, bench.now + 1h);
  bench.drain ();
  bench.pass (3s, false);
  bench.actions.clear ();
  bench.pass (3s, false);
  EXPECT_FALSE (bench.said<message::Alive> (parent));
  bench.peer.set_reception (bench.now, Reception{5000, 20ms});
  bench.drain ();
  bench.pass (1s, false);
  const auto *alive = bench.said<message::Alive> (parent);
  ASSERT_TRUE (alive);
  EXPECT_EQ (alive->quality, (Quality{1, 5600, 5000, 20, 20}));
  bench.pass (10s, false);
  EXPECT_FALSE (bench.said<message::Alive> (parent));
}

} // namespace
