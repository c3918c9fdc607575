// Discovering an unsaturated server (paper, IV-B).
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench.hpp"
#include "world.hpp"

using namespace spreadit::core;
using spreadit::simulation::Place;
using spreadit::simulation::World;

namespace {

constexpr Place source = 0;

// IV-B and Fig. 5: a newcomer is bumped one level down.
TEST (Discovery, SaturatedSourceSendsNewcomerToItsChild)
{
  World world (1);
  world.add_source (1);
  const Place a = world.add_peer (1);
  world.run_for (1s);
  const Place b = world.add_peer (1);
  world.run_for (1s);

  EXPECT_EQ (world.parent_of (a), source);
  EXPECT_EQ (world.parent_of (b), a);
  EXPECT_EQ (world.at (b).level (), 2u);
  EXPECT_EQ (world.at (b).tries (), 2u);
  EXPECT_TRUE (world.is_served (b));
  EXPECT_TRUE (world.violations ().empty ());
}

TEST (Discovery, RedirectsAreFollowedDownALongChain)
{
  World world (2);
  world.add_source (1);
  for (unsigned level = 1; level <= 12; ++level) {
    const Place last = world.add_peer (1);
    world.run_for (3s);
    EXPECT_EQ (world.at (last).level (), level);
    EXPECT_EQ (world.at (last).tries (), level);
  }
  // The news has gone up: there is one slot, and it is at the end.
  EXPECT_EQ (world.at (source).subtree (), (Subtree{13, 12, 1}));
}

TEST (Discovery, OutOfTriesIsToldOnce)
{
  Config config = Bench::config_of (3);
  config.tries_max = 4;
  Bench bench (config);
  bench.subscribe ();
  unsigned fails = 0;
  for (int i = 0; i < 10 && !fails; ++i) {
    bench.hear (bench.asked (), message::Refuse{});
    bench.pass (2s, false);
    fails += bench.find<action::Fail> () ? 1 : 0;
  }
  ASSERT_EQ (fails, 1u);
  EXPECT_EQ (bench.find<action::Fail> ()->reason, FailReason::no_room);
  EXPECT_EQ (bench.find<action::Fail> ()->tries, 4u);
  EXPECT_EQ (bench.peer.state (), PeerState::failed);
  EXPECT_EQ (bench.peer.next_timeout (), Instant::max ());
}

TEST (Discovery, EveryAskAfterARedirectIsATry)
{
  Config config = Bench::config_of (3);
  config.tries_max = 5;
  Bench bench (config);
  bench.subscribe ();
  for (std::uint64_t next = 10; next < 15; ++next) {
    const LinkId link = bench.asked ();
    EXPECT_EQ (bench.said<message::Subscribe> ()->tries, next - 10);
    bench.hear (link, message::Redirect{contact (next), RedirectScope::self});
    EXPECT_TRUE (bench.did<action::Close> (link));
  }
  ASSERT_TRUE (bench.find<action::Fail> ());
  EXPECT_EQ (bench.find<action::Fail> ()->reason, FailReason::no_room);
}

// Who refused is named to the next, newest first, and not asked again.
TEST (Discovery, WhoRefusedIsAvoided)
{
  Bench bench;
  bench.subscribe ();
  bench.hear (bench.asked (), message::Redirect{contact (10), {}});
  bench.hear (bench.asked (), message::Redirect{contact (11), {}});
  bench.hear (bench.asked (), message::Refuse{});
  EXPECT_FALSE (bench.find<action::Connect> ()) << "not without a pause";
  bench.pass (200ms);
  // Who sent us to the full one knows others.
  ASSERT_TRUE (bench.find<action::Connect> ());
  EXPECT_EQ (bench.find<action::Connect> ()->target, contact (10));
  const LinkId link = bench.asked ();
  EXPECT_EQ (bench.said<message::Subscribe> ()->avoid,
      std::vector<PeerId>{id_of (11)});
  bench.hear (link, message::Refuse{});
  bench.pass (200ms);
  EXPECT_EQ (bench.find<action::Connect> ()->target.address, "host2");
  const LinkId again = bench.asked ();
  EXPECT_EQ (bench.said<message::Subscribe> ()->avoid,
      (std::vector<PeerId>{id_of (10), id_of (11)}));
  // Redirected to one of them all the same: back to the source.
  bench.hear (again, message::Redirect{contact (11), {}});
  EXPECT_FALSE (bench.find<action::Connect> ());
  bench.pass (1s);
  EXPECT_EQ (bench.find<action::Connect> ()->target.address, "host2");
}

TEST (Discovery, WhoRefusedIsAskedAgainWhenNobodyElseIsLeft)
{
  Bench bench;
  bench.subscribe ();
  bench.hear (bench.asked (), message::Redirect{contact (10), {}});
  bench.hear (bench.asked (), message::Refuse{});
  bench.pass (200ms);
  for (unsigned i = 0; i < limits::saturated_max; ++i) {
    const LinkId link = bench.asked ();
    EXPECT_EQ (bench.said<message::Subscribe> ()->avoid.size (), 1u);
    bench.hear (link, message::Refuse{});
    bench.pass (1s);
  }
  const LinkId link = bench.asked ();
  EXPECT_TRUE (bench.said<message::Subscribe> ()->avoid.empty ());
  bench.hear (link, message::Redirect{contact (10), {}});
  EXPECT_EQ (bench.find<action::Connect> ()->target, contact (10));
}

TEST (Discovery, ADeadTargetLeadsBackToTheSource)
{
  Bench bench;
  bench.subscribe ();
  bench.hear (bench.asked (), message::Redirect{contact (10), {}});
  bench.close (bench.find<action::Connect> ()->link);
  ASSERT_TRUE (bench.find<action::Connect> ());
  EXPECT_EQ (bench.find<action::Connect> ()->target.address, "host2");
  bench.asked ();
  EXPECT_EQ (bench.said<message::Subscribe> ()->avoid,
      std::vector<PeerId>{id_of (10)});
}

TEST (Discovery, ASilentTargetIsLeftAfterReplyMax)
{
  Bench bench;
  bench.subscribe ();
  bench.hear (bench.asked (), message::Redirect{contact (10), {}});
  const LinkId link = bench.asked ();
  bench.pass (limits::reply_max - 1ms);
  EXPECT_FALSE (bench.find<action::Connect> ());
  bench.pass (1ms);
  // Its answer may be on the way: the slot is given back.
  EXPECT_TRUE (bench.said<message::Unsubscribe> (link));
  EXPECT_TRUE (bench.did<action::Close> (link));
  EXPECT_EQ (bench.find<action::Connect> ()->target.address, "host2");
}

TEST (Discovery, ABlackHoleIsLeftAfterConnectMax)
{
  Bench bench;
  bench.subscribe ();
  bench.hear (bench.asked (), message::Redirect{contact (10), {}});
  const LinkId link = bench.find<action::Connect> ()->link;
  bench.pass (limits::connect_max);
  EXPECT_TRUE (bench.did<action::Close> (link));
  EXPECT_FALSE (bench.said<message::Unsubscribe> (link));
  EXPECT_EQ (bench.find<action::Connect> ()->target.address, "host2");
}

TEST (Discovery, UnreachableSourceFailsTheFirstSearchSoon)
{
  Bench bench;
  bench.subscribe ();
  for (unsigned i = 1; i <= limits::source_failures_max; ++i) {
    ASSERT_TRUE (bench.find<action::Connect> ());
    bench.close (bench.find<action::Connect> ()->link);
    if (i < limits::source_failures_max)
      bench.pass (1s);
  }
  ASSERT_TRUE (bench.find<action::Fail> ());
  EXPECT_EQ (bench.find<action::Fail> ()->reason, FailReason::unreachable);
  EXPECT_EQ (bench.find<action::Fail> ()->address, "host2");
}

// It takes us in, and then nothing comes: UDP does not get through.
TEST (Discovery, ASourceWithoutPacketsFailsTheFirstSearchSoon)
{
  Bench bench;
  bench.subscribe ();
  const Instant began = bench.now;
  for (unsigned i = 1; i <= limits::source_failures_max; ++i) {
    bench.hear (
        bench.asked (), message::Accept{contact (Bench::source), {}, {}});
    bench.pass (limits::first_data_max, false);
    if (i < limits::source_failures_max)
      bench.pass (limits::retry_cap, false);
  }
  ASSERT_TRUE (bench.find<action::Fail> ());
  EXPECT_EQ (bench.find<action::Fail> ()->reason, FailReason::no_packets);
  EXPECT_EQ (bench.find<action::Fail> ()->address, "host2");
  EXPECT_LT (bench.now - began, 10s);
}

// It restarts again and again; that is no reason to give up early.
TEST (Discovery, ASourceThatClosesAfterAcceptingIsTriedOn)
{
  Bench bench;
  bench.subscribe ();
  for (unsigned i = 0; i < 2 * limits::source_failures_max; ++i) {
    const LinkId link = bench.asked ();
    bench.hear (link, message::Accept{contact (Bench::source), {}, {}});
    bench.close (link);
    ASSERT_FALSE (bench.find<action::Fail> ());
  }
}

TEST (Discovery, TheStateIsToldBeforeTheFailure)
{
  Bench bench;
  bench.subscribe ();
  bench.hear (bench.asked (), message::Refuse{RefuseReason::no_stream, {}});
  ASSERT_FALSE (bench.actions.empty ());
  EXPECT_TRUE (std::holds_alternative<action::Fail> (bench.actions.back ()));
  ASSERT_TRUE (bench.reported<action::Report::State> ());
  EXPECT_EQ (
      bench.reported<action::Report::State> ()->state, PeerState::failed);
}

TEST (Discovery, WhatTheSourceSaysForGoodEndsTheSearch)
{
  const std::pair<RefuseReason, FailReason> words[] = {
      {RefuseReason::no_stream, FailReason::no_stream},
      {RefuseReason::not_allowed, FailReason::not_allowed},
      {RefuseReason::not_spreadit, FailReason::not_spreadit},
      {RefuseReason::malformed, FailReason::not_spreadit}};
  for (const auto &[word, reason] : words) {
    Bench bench;
    bench.subscribe ();
    bench.hear (bench.asked (), message::Refuse{word, {}});
    ASSERT_TRUE (bench.find<action::Fail> ());
    EXPECT_EQ (bench.find<action::Fail> ()->reason, reason);
    EXPECT_EQ (bench.find<action::Fail> ()->address, "host2");
    EXPECT_TRUE (bench.reported<action::Report::State> ());
  }
}

TEST (Discovery, TheSameWordsFromOthersDoNot)
{
  for (const RefuseReason word : {RefuseReason::no_stream,
           RefuseReason::not_allowed, RefuseReason::not_spreadit,
           RefuseReason::malformed, RefuseReason::loop}) {
    Bench bench;
    bench.subscribe ();
    bench.hear (bench.asked (), message::Redirect{contact (10), {}});
    bench.hear (bench.asked (), message::Refuse{word, {}});
    EXPECT_FALSE (bench.find<action::Fail> ());
    ASSERT_TRUE (bench.find<action::Connect> ());
    EXPECT_EQ (bench.find<action::Connect> ()->target.address, "host2");
  }
}

// A source without a stream yet: waiting costs time, not tries.
TEST (Discovery, WaitsForAStreamThatIsNotThereYet)
{
  World world (3);
  world.add_source (2);
  world.set_stream_ready (source, false);
  const Place a = world.add_peer (2);
  world.run_for (40s);
  EXPECT_EQ (world.at (a).state (), PeerState::discovering);
  EXPECT_LE (world.at (a).tries (), 1u);
  world.set_stream_ready (source, true);
  world.run_for (3s);
  EXPECT_TRUE (world.is_served (a));
}

TEST (Discovery, WaitsNoLongerThanSearchMax)
{
  World world (4);
  world.add_source (2);
  world.set_stream_ready (source, false);
  const Place a = world.add_peer (2);
  world.run_for (limits::search_max + 5s);
  ASSERT_EQ (world.fails (a), 1u);
  EXPECT_EQ (world.fail (a)->reason, FailReason::no_room);
}

TEST (Discovery, RetryAfterIsHonouredWithinReason)
{
  Bench bench;
  bench.subscribe ();
  bench.hear (bench.asked (),
      message::Refuse{RefuseReason::not_receiving, Duration (2s)});
  bench.pass (1999ms);
  EXPECT_FALSE (bench.find<action::Connect> ());
  bench.pass (1ms);
  bench.hear (bench.asked (),
      message::Refuse{RefuseReason::not_receiving, Duration (1000h)});
  bench.pass (limits::retry_after_max);
  EXPECT_TRUE (bench.find<action::Connect> ());
}

TEST (Discovery, NeverAsksItself)
{
  Bench bench;
  bench.subscribe ();
  bench.hear (bench.asked (), message::Redirect{contact (Bench::self), {}});
  EXPECT_EQ (bench.find<action::Connect> ()->target.address, "host2");
  bench.hear (bench.asked (), message::Redirect{{id_of (77), "host1"}, {}});
  EXPECT_EQ (bench.find<action::Connect> ()->target.address, "host2");
}

TEST (Discovery, AnAcceptThatWouldBeALoopIsGivenBack)
{
  const message::Accept loops[] = {
      {contact (Bench::self), {contact (Bench::source)}, {}},
      {contact (10), {contact (Bench::self), contact (Bench::source)}, {}},
      {contact (10),
          RootPath (std::vector<Contact> (limits::levels_max, contact (11))),
          {}},
      {{}, {}, {}}};
  for (const message::Accept &loop : loops) {
    Bench bench;
    bench.subscribe ();
    bench.hear (bench.asked (), message::Redirect{contact (10), {}});
    const LinkId link = bench.asked ();
    bench.hear (link, loop);
    EXPECT_TRUE (bench.said<message::Unsubscribe> (link));
    EXPECT_TRUE (bench.did<action::Close> (link));
    EXPECT_FALSE (bench.did<action::ReceiveFrom> (link));
    EXPECT_FALSE (bench.peer.parent ());
  }
}

TEST (Discovery, AParentWithoutPacketsIsLeft)
{
  Bench bench;
  bench.subscribe ();
  bench.hear (bench.asked (), message::Redirect{contact (10), {}});
  const LinkId link = bench.asked ();
  bench.hear (link, message::Accept{contact (10), {contact (2)}, {}});
  EXPECT_TRUE (bench.did<action::ReceiveFrom> (link));
  EXPECT_EQ (bench.peer.state (), PeerState::discovering);
  bench.pass (limits::first_data_max, false);
  EXPECT_TRUE (bench.said<message::Unsubscribe> (link));
  EXPECT_EQ (bench.find<action::Connect> ()->target.address, "host2");
  EXPECT_EQ (bench.peer.tries (), 3u) << "the same search goes on";
  bench.asked ();
  EXPECT_EQ (bench.said<message::Subscribe> ()->avoid,
      std::vector<PeerId>{id_of (10)});
}

TEST (Discovery, ReportsParentLevelAndTime)
{
  Bench bench;
  bench.subscribe ();
  EXPECT_EQ (bench.peer.state (), PeerState::discovering);
  bench.pass (30ms);
  bench.peer.link_opened (bench.now, LinkId{1});
  bench.drain ();
  bench.hear (
      LinkId{1}, message::Accept{contact (4), {contact (3), contact (2)}, {}});
  const auto *report = bench.reported<action::Report::ParentChanged> ();
  ASSERT_TRUE (report);
  EXPECT_EQ (report->parent, contact (4));
  EXPECT_EQ (report->level, 3u);
  EXPECT_EQ (report->discover, 30ms);
  bench.packet (LinkId{1});
  EXPECT_EQ (bench.peer.state (), PeerState::receiving);
}

} // namespace
