// Failures of nodes: heart-beats, silence, half-open links (paper, IV-D).
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench.hpp"
#include "world.hpp"

using namespace spreadit::core;
using spreadit::simulation::Cut;
using spreadit::simulation::Place;
using spreadit::simulation::World;

namespace {

TEST (HeartBeat, GoesBothWaysEveryInterval)
{
  Bench bench;
  const LinkId parent = bench.settle_deep ();
  const LinkId child = bench.join (10);
  bench.pass (1s);
  const auto *up = bench.said<message::Alive> (parent);
  ASSERT_TRUE (up);
  EXPECT_TRUE (up->root_path.empty ());
  EXPECT_TRUE (up->standby.empty ());
  EXPECT_EQ (up->children_max, 3u);
  EXPECT_EQ (up->subtree.peers, 2u);
  const auto *down = bench.said<message::Alive> (child);
  ASSERT_TRUE (down);
  EXPECT_EQ (
      down->root_path, (RootPath{contact (4), contact (3), contact (2)}));
  EXPECT_EQ (down->standby, std::vector<Contact>{contact (4)});

  unsigned beats = 0;
  for (int second = 0; second < 10; ++second) {
    bench.pass (1s);
    beats += bench.said<message::Alive> (parent) ? 1 : 0;
  }
  EXPECT_EQ (beats, 10u);
}

TEST (Standby, IsWhomAnOrphanAsksFirst)
{
  Bench bench;
  EXPECT_FALSE (bench.peer.standby ());
  bench.settle_deep ();
  const auto standby = bench.peer.standby ();
  ASSERT_TRUE (standby);
  bench.peer.link_closed (bench.now, bench.peer.data_links ().front ());
  bench.drain ();
  const auto *asked = bench.find<action::Connect> ();
  ASSERT_TRUE (asked);
  EXPECT_EQ (asked->target, *standby);
}

TEST (HeartBeat, ASilentChildIsDeadAfterThree)
{
  Bench bench;
  bench.settle ();
  const LinkId child = bench.join (10);
  const Instant joined = bench.now;
  const auto live_without_child = [&] (Duration duration) {
    const Instant end = bench.now + duration;
    while (bench.now < end) {
      bench.now += 100ms;
      bench.peer.data_seen (bench.now, LinkId{1}, bench.now);
      bench.peer.handle_message (bench.now, LinkId{1}, bench.alive (2));
      bench.peer.handle_timeout (bench.now);
      bench.drain ();
    }
  };
  live_without_child (2900ms);
  EXPECT_EQ (bench.peer.children ().size (), 1u);
  live_without_child (100ms);
  EXPECT_EQ (bench.now, joined + 3s);
  EXPECT_TRUE (bench.did<action::StopFeeding> (child));
  EXPECT_TRUE (bench.did<action::Close> (child));
  ASSERT_TRUE (bench.reported<action::Report::ChildRemoved> ());
  EXPECT_TRUE (bench.reported<action::Report::ChildRemoved> ()->failed);
}

TEST (HeartBeat, ASilentParentIsDeadAfterThreeThoughPacketsCome)
{
  Bench bench;
  const LinkId parent = bench.settle_deep ();
  for (int tick = 0; tick < 29; ++tick) {
    bench.now += 100ms;
    bench.peer.data_seen (bench.now, parent, bench.now);
    bench.peer.handle_timeout (bench.now);
    bench.drain ();
  }
  EXPECT_TRUE (bench.peer.parent ());
  bench.now += 100ms;
  bench.peer.data_seen (bench.now, parent, bench.now);
  bench.peer.handle_timeout (bench.now);
  bench.drain ();
  EXPECT_FALSE (bench.peer.parent ());
  EXPECT_TRUE (bench.did<action::Close> (parent));
}

// Packets come every 50 ms even without a stream; three missing: perhaps dead;
// ten: dead.
TEST (Silence, OfTheDataChannelIsDoubtThenDeath)
{
  Bench bench;
  const LinkId parent = bench.settle_deep ();
  bench.pass (limits::data_doubt - 1ns, false);
  EXPECT_FALSE (bench.find<action::Connect> ());
  bench.pass (1ns, false);
  ASSERT_TRUE (bench.find<action::Connect> ());
  EXPECT_EQ (bench.find<action::Connect> ()->target, contact (3));
  const LinkId link = bench.asked ();
  EXPECT_EQ (bench.said<message::Subscribe> ()->lost, id_of (4));
  EXPECT_EQ (bench.peer.state (), PeerState::transient) << "nothing comes";
  EXPECT_EQ (bench.peer.parent_link (), parent);
  EXPECT_EQ (bench.peer.data_links (), std::vector<LinkId>{parent});

  bench.pass (limits::data_silence_max - limits::data_doubt - 1ns, false);
  EXPECT_FALSE (bench.did<action::Close> (parent));
  bench.pass (1ns, false);
  EXPECT_TRUE (bench.did<action::Close> (parent));
  EXPECT_FALSE (bench.find<action::Connect> ()) << "asked already";
  bench.hear (link, message::Accept{contact (3), {contact (2)}, {}});
  bench.packet (link);
  EXPECT_EQ (bench.peer.state (), PeerState::receiving);
}

// One retransmission of TCP is no doubt, two are no death.
TEST (Silence, MayBeLongerOverTcp)
{
  Bench bench;
  bench.subscribe ();
  const LinkId parent = bench.asked ();
  bench.hear (parent, message::Accept{contact (4), {contact (3)}, {}});
  bench.peer.data_over_tcp (parent);
  bench.packet (parent);
  bench.pass (limits::data_doubt_tcp - 1ns, false);
  EXPECT_FALSE (bench.find<action::Connect> ());
  bench.pass (1ns, false);
  ASSERT_TRUE (bench.find<action::Connect> ());
  const LinkId link = bench.asked ();
  bench.hear (link, message::Accept{contact (3), {contact (2)}, {}});
  bench.pass (
      limits::data_silence_max_tcp - limits::data_doubt_tcp - 1ns, false);
  EXPECT_FALSE (bench.did<action::Close> (parent)) << "could still come back";
  bench.pass (1ns, false);
  EXPECT_TRUE (bench.did<action::Close> (parent));
}

TEST (Silence, IsNoDoubtOverTcpEitherWhereThereIsToBeNone)
{
  Config config = Bench::config_of (3);
  config.data_doubt = config.data_silence_max;
  Bench bench (config);
  bench.subscribe ();
  const LinkId parent = bench.asked ();
  bench.hear (parent, message::Accept{contact (4), {contact (3)}, {}});
  bench.peer.data_over_tcp (parent);
  bench.packet (parent);
  bench.pass (limits::data_silence_max_tcp - 1ns, false);
  EXPECT_FALSE (bench.find<action::Connect> ());
  EXPECT_EQ (bench.peer.parent_link (), parent);
}

// Late, not dead: the slot elsewhere is given back, and the next hiccup of the
// same parent has to be longer.
TEST (Silence, ThatEndsInTimeChangesNothing)
{
  Bench bench;
  const LinkId parent = bench.settle_deep ();
  bench.pass (limits::data_doubt, false);
  const LinkId link = bench.asked ();
  bench.packet (parent);
  EXPECT_EQ (bench.peer.state (), PeerState::receiving);
  EXPECT_TRUE (bench.said<message::Unsubscribe> (link));
  EXPECT_TRUE (bench.did<action::Close> (link));
  EXPECT_EQ (bench.peer.parent_link (), parent);
  EXPECT_TRUE ((bench.join (10), bench.said<message::Accept> ()))
      << "no mover any more";

  bench.pass (2 * limits::data_doubt - 1ns, false);
  EXPECT_FALSE (bench.find<action::Connect> ());
  bench.pass (1ns, false);
  EXPECT_TRUE (bench.find<action::Connect> ());
}

// The other one was quicker than the late packet.
TEST (Silence, WhoeverSendsFirstIsTheParent)
{
  Bench bench;
  const LinkId late = bench.settle_deep ();
  bench.pass (limits::data_doubt, false);
  const LinkId link = bench.asked ();
  bench.hear (link, message::Accept{contact (3), {contact (2)}, {}});
  bench.packet (late);
  EXPECT_FALSE (bench.said<message::Unsubscribe> (late));
  bench.packet (link);
  EXPECT_TRUE (bench.said<message::Unsubscribe> (late));
  EXPECT_EQ (bench.peer.parent_link (), link);
}

// A packet came while nobody looked.
TEST (Silence, CountsFromThePacketNotFromTheLook)
{
  Bench bench;
  const LinkId parent = bench.settle_deep ();
  const Instant came = bench.now + 10ms;
  bench.now += 60ms;
  bench.peer.data_seen (bench.now, parent, came);
  bench.drain ();
  EXPECT_EQ (bench.peer.next_timeout (), came + limits::data_doubt);
}

TEST (Silence, OfTheSourceIsNotDoubtedNorByThoseWhoWouldMoveEveryone)
{
  Bench below_source;
  below_source.settle ();
  below_source.pass (limits::data_silence_max - 1ns, false);
  EXPECT_FALSE (below_source.find<action::Connect> ());

  Config config = Bench::config_of (3);
  config.delete_policy = DeletePolicyKind::root_all;
  Bench all (config);
  all.settle_deep ();
  all.pass (limits::data_silence_max - 1ns, false);
  EXPECT_FALSE (all.find<action::Connect> ());
}

// Nobody else takes us: its end is waited for, without asking in a circle.
TEST (Silence, WithoutAnotherParentIsWaitedOut)
{
  Config config = Bench::config_of (3);
  config.tries_max = 2;
  Bench bench (config);
  bench.settle_deep ();
  bench.pass (limits::data_doubt, false);
  bench.hear (bench.asked (), message::Refuse{});
  bench.pass (limits::retry_max, false);
  bench.hear (bench.asked (), message::Refuse{});
  unsigned asks = 0;
  while (bench.peer.parent ()) {
    asks += bench.find<action::Connect> () ? 1 : 0;
    bench.pass (10ms, false);
  }
  EXPECT_EQ (asks, 0u);
  EXPECT_FALSE (bench.find<action::Fail> ());
  EXPECT_TRUE (bench.find<action::Connect> ());
}

TEST (Failure, TheGrandfatherIsAskedFirstThenTheSource)
{
  Bench bench;
  const LinkId parent = bench.settle_deep ();
  bench.close (parent);
  ASSERT_TRUE (bench.find<action::Connect> ());
  EXPECT_EQ (bench.find<action::Connect> ()->target, contact (3));
  bench.asked ();
  const auto *ask = bench.said<message::Subscribe> ();
  EXPECT_EQ (ask->reason, JoinReason::parent_lost);
  EXPECT_EQ (ask->avoid, std::vector<PeerId>{id_of (4)});
  bench.close (LinkId{2});
  EXPECT_EQ (bench.find<action::Connect> ()->target.address, "host2");
}

TEST (Failure, ChildrenHearOfItAtOnce)
{
  Bench bench;
  const LinkId parent = bench.settle_deep ();
  const LinkId child = bench.join (10);
  bench.close (parent);
  const auto *alive = bench.said<message::Alive> (child);
  ASSERT_TRUE (alive);
  EXPECT_FALSE (alive->receiving);

  const LinkId next = bench.asked ();
  bench.hear (next, message::Accept{contact (3), {contact (2)}, {}});
  bench.packet (next);
  alive = bench.said<message::Alive> (child);
  ASSERT_TRUE (alive);
  EXPECT_TRUE (alive->receiving);
  EXPECT_EQ (alive->root_path, (RootPath{contact (3), contact (2)}));
}

TEST (Failure, ForAllPoliciesSendTheDescendantsToo)
{
  Config config = Bench::config_of (3);
  config.delete_policy = DeletePolicyKind::grandfather_all;
  Bench bench (config);
  const LinkId parent = bench.settle_deep ();
  const LinkId child = bench.join (10);
  bench.close (parent);
  const auto *redirect = bench.said<message::Redirect> (child);
  ASSERT_TRUE (redirect);
  EXPECT_EQ (redirect->target, contact (3));
  EXPECT_EQ (redirect->scope, RedirectScope::subtree);
}

// No end of the first search after three: the source may only be restarting.
TEST (Failure, AnUnreachableSourceIsTriedOn)
{
  Bench bench;
  const LinkId parent = bench.settle ();
  bench.close (parent);
  unsigned failures = 0;
  while (!bench.find<action::Fail> ()) {
    ASSERT_TRUE (bench.find<action::Connect> ());
    bench.close (bench.find<action::Connect> ()->link);
    ++failures;
    if (!bench.find<action::Fail> ())
      bench.pass (limits::retry_cap);
  }
  EXPECT_EQ (failures, bench.peer.config ().tries_max);
  EXPECT_EQ (bench.find<action::Fail> ()->reason, FailReason::unreachable);
}

TEST (Failure, ChildrenOfAFailedPeerAreSetFree)
{
  World world (1);
  world.add_source (2);
  const Place a = world.add_peer (2);
  world.run_for (1s);
  const Place b = world.add_peer (2);
  world.run_for (1s);
  EXPECT_EQ (world.parent_of (b), Place{0});
  const Place c = world.add_peer (2);
  world.run_for (1s);
  ASSERT_EQ (world.parent_of (c), a);
  world.at (c).set_children_max (world.now (), 0);
  // Nobody reaches anyone: a fails in the end, c goes its own way.
  world.set_island (a, 2);
  world.run_for (90s);
  EXPECT_EQ (world.at (a).state (), PeerState::failed);
  EXPECT_EQ (world.fails (a), 1u);
  EXPECT_EQ (world.fail (a)->reason, FailReason::unreachable);
  EXPECT_TRUE (world.is_served (c));
  EXPECT_TRUE (world.violations ().empty ());
}

TEST (Transient, AParentWithoutStreamIsWaitedForThenLeft)
{
  Bench bench;
  const LinkId parent = bench.settle_deep ();
  const LinkId child = bench.join (10);
  auto alive = bench.alive (4, {contact (3), contact (2)});
  alive.receiving = false;
  bench.hear (parent, alive);
  EXPECT_EQ (bench.peer.state (), PeerState::transient);
  EXPECT_FALSE (bench.said<message::Alive> (child)->receiving);
  EXPECT_FALSE (bench.find<action::Connect> ());

  alive.receiving = true;
  bench.hear (parent, alive);
  EXPECT_EQ (bench.peer.state (), PeerState::receiving);
  EXPECT_TRUE (bench.said<message::Alive> (child)->receiving);

  alive.receiving = false;
  bench.hear (parent, alive);
  const Instant since = bench.now;
  while (bench.peer.parent () && bench.now < since + 20s) {
    bench.now += 100ms;
    bench.peer.data_seen (bench.now, parent, bench.now);
    bench.peer.handle_message (bench.now, parent, alive);
    bench.peer.handle_message (bench.now, child, bench.alive (10));
    bench.peer.handle_timeout (bench.now);
    bench.drain ();
  }
  EXPECT_GE (bench.now, since + limits::transient_max);
  EXPECT_LE (bench.now, since + limits::transient_max * 3 / 2 + 100ms);
  EXPECT_TRUE (bench.said<message::Unsubscribe> (parent));
  EXPECT_EQ (bench.find<action::Connect> ()->target.address, "host2");
}

// Make before break (IV-A).
TEST (Redirect, TheOldParentFeedsUntilTheNewOneDoes)
{
  Bench bench;
  const LinkId old = bench.settle_deep ();
  bench.hear (old, message::Redirect{contact (20), {}});
  EXPECT_EQ (bench.peer.state (), PeerState::receiving);
  EXPECT_FALSE (bench.did<action::Close> (old));
  const LinkId link = bench.asked ();
  EXPECT_EQ (bench.said<message::Subscribe> ()->reason, JoinReason::redirected);
  bench.hear (link, message::Accept{contact (20), {contact (2)}, {}});
  EXPECT_TRUE (bench.did<action::ReceiveFrom> (link));
  EXPECT_FALSE (bench.did<action::Close> (old));
  EXPECT_EQ (bench.peer.data_links (), (std::vector<LinkId>{link, old}));
  EXPECT_EQ (bench.peer.state (), PeerState::receiving);
  bench.packet (link);
  EXPECT_TRUE (bench.said<message::Unsubscribe> (old));
  EXPECT_TRUE (bench.did<action::Close> (old));
  EXPECT_EQ (bench.peer.data_links (), std::vector<LinkId>{link});
}

TEST (Redirect, BothParentsHearHeartBeatsMeanwhile)
{
  Bench bench;
  const LinkId old = bench.settle_deep ();
  bench.hear (old, message::Redirect{contact (20), {}});
  bench.pass (1s);
  EXPECT_TRUE (bench.said<message::Alive> (old));
}

TEST (Redirect, ANewParentWithoutPacketsIsLeftWhileTheOldFeedsOn)
{
  Bench bench;
  const LinkId old = bench.settle_deep ();
  bench.hear (old, message::Redirect{contact (20), {}});
  const LinkId link = bench.asked ();
  bench.hear (link, message::Accept{contact (20), {contact (2)}, {}});
  const Instant end = bench.now + limits::first_data_max;
  while (bench.now < end) {
    bench.now += 100ms;
    bench.peer.data_seen (bench.now, old, bench.now);
    bench.peer.handle_timeout (bench.now);
    bench.drain ();
  }
  EXPECT_TRUE (bench.said<message::Unsubscribe> (link));
  EXPECT_EQ (bench.peer.parent_link (), old);
  EXPECT_EQ (bench.peer.state (), PeerState::receiving);
  ASSERT_TRUE (bench.find<action::Connect> ());
  EXPECT_EQ (bench.peer.root_path (),
      (RootPath{contact (4), contact (3), contact (2)}));
}

// Nobody takes us, the old parent stays: so do we, and never fail.
TEST (Redirect, WithoutABetterPlaceTheOldOneIsKept)
{
  Bench bench;
  const LinkId old = bench.settle_deep ();
  bench.hear (old, message::Redirect{contact (20), {}});
  const Instant since = bench.now;
  while (bench.now < since + 30s) {
    if (bench.find<action::Connect> ())
      bench.hear (bench.asked (), message::Refuse{});
    ASSERT_FALSE (bench.find<action::Fail> ());
    bench.pass (100ms);
  }
  EXPECT_EQ (bench.peer.state (), PeerState::receiving);
  EXPECT_EQ (bench.peer.parent_link (), old);
  EXPECT_TRUE ((bench.join (11), bench.said<message::Accept> ()))
      << "no mover any more";
}

TEST (Redirect, TheEndOfTheOldParentBeginsTheSearchAnew)
{
  Bench bench;
  const LinkId old = bench.settle_deep ();
  bench.hear (old, message::Redirect{contact (20), {}});
  bench.hear (bench.asked (), message::Refuse{});
  bench.close (old);
  EXPECT_EQ (bench.peer.state (), PeerState::transient);
  bench.pass (1ms, false);
  bench.asked ();
  EXPECT_EQ (
      bench.said<message::Subscribe> ()->reason, JoinReason::parent_lost);
}

TEST (Redirect, ForTheSubtreeIsPassedOn)
{
  Bench bench;
  const LinkId old = bench.settle_deep ();
  const LinkId child = bench.join (10);
  bench.hear (old, message::Redirect{contact (20), RedirectScope::subtree});
  const auto *redirect = bench.said<message::Redirect> (child);
  ASSERT_TRUE (redirect);
  EXPECT_EQ (
      *redirect, (message::Redirect{contact (20), RedirectScope::subtree}));
  EXPECT_EQ (bench.find<action::Connect> ()->target, contact (20));
}

TEST (Redirect, ToOneselfMeansTheSource)
{
  Bench bench;
  const LinkId old = bench.settle_deep ();
  bench.hear (old, message::Redirect{contact (Bench::self), {}});
  ASSERT_TRUE (bench.find<action::Connect> ());
  EXPECT_EQ (bench.find<action::Connect> ()->target.address, "host2");
}

TEST (RootPath, ChangesAreToldDownAtOnce)
{
  Bench bench;
  const LinkId parent = bench.settle_deep ();
  const LinkId child = bench.join (10);
  bench.hear (parent, bench.alive (4, {contact (2)}));
  const auto *alive = bench.said<message::Alive> (child);
  ASSERT_TRUE (alive);
  EXPECT_EQ (alive->root_path, (RootPath{contact (4), contact (2)}));
  bench.hear (parent, bench.alive (4, {contact (2)}));
  EXPECT_FALSE (bench.said<message::Alive> (child)) << "nothing new";
}

TEST (Report, SubtreeChangesGoUpAtOnceButNotTooOften)
{
  Bench bench;
  const LinkId parent = bench.settle_deep ();
  bench.join (10);
  ASSERT_TRUE (bench.said<message::Alive> (parent));
  EXPECT_EQ (bench.said<message::Alive> (parent)->subtree.peers, 2u);
  bench.join (11);
  EXPECT_FALSE (bench.said<message::Alive> (parent));
  bench.pass (limits::report_interval_min);
  ASSERT_TRUE (bench.said<message::Alive> (parent));
  EXPECT_EQ (bench.said<message::Alive> (parent)->subtree.peers, 3u);
}

// Half-open links, each way.
class HalfOpen : public testing::TestWithParam<Cut> {};

TEST_P (HalfOpen, IsNoticedAndRepaired)
{
  World world (7);
  world.add_source (1);
  const Place a = world.add_peer (2);
  world.run_for (2s);
  const Place b = world.add_peer (2);
  world.run_for (2s);
  const Place c = world.add_peer (2);
  world.run_for (2s);
  world.cut (a, 0, GetParam ());
  world.run_for (10s);
  for (const Place place : {a, b, c})
    EXPECT_TRUE (world.is_served (place));
  EXPECT_EQ (world.at (0).children ().size (), 1u);
  EXPECT_TRUE (world.violations ().empty ());
}

INSTANTIATE_TEST_SUITE_P (Ways, HalfOpen,
    testing::Values (Cut::to_acceptor, Cut::to_opener, Cut::both));

TEST (Freeze, AThawedPeerFindsItsWayBack)
{
  World world (8);
  world.add_source (2);
  const Place a = world.add_peer (2);
  const Place b = world.add_peer (2);
  world.run_for (2s);
  const Place c = world.add_peer (2);
  world.run_for (2s);
  const Place frozen = world.parent_of (c);
  world.freeze (frozen);
  world.run_for (6s);
  EXPECT_TRUE (world.is_served (c));
  world.thaw (frozen);
  world.run_for (6s);
  for (const Place place : {a, b, c})
    EXPECT_TRUE (world.is_served (place));
  EXPECT_TRUE (world.violations ().empty ());
}

// How long the orphans of a killed parent are without the stream: the reset,
// three one-way trips, a packet.
TEST (Failure, AKilledParentCostsAFewTrips)
{
  World world (9, {10ms, 10ms, 0ms});
  world.add_source (2);
  const Place a = world.add_peer (4);
  world.run_for (1s);
  const Place b = world.add_peer (4);
  world.run_for (1s);
  const Place c = world.add_peer (0);
  world.run_for (1s);
  ASSERT_EQ (world.parent_of (c), a);
  ASSERT_EQ (world.parent_of (b), Place{0});
  world.kill (a);
  world.run_for (250ms);
  EXPECT_TRUE (world.is_served (c));
}

// The search begins anew, and the ask that is under way is its first.
TEST (Failure, AParentThatGoesWhileWeConnectLeavesNoTries)
{
  Bench bench;
  const LinkId parent = bench.settle_deep ();
  bench.hear (parent, message::Redirect{contact (7), RedirectScope::self});
  const auto *connect = bench.find<action::Connect> ();
  ASSERT_TRUE (connect);
  const LinkId link = connect->link;
  bench.close (parent);
  bench.open (link);
  const auto *ask = bench.said<message::Subscribe> (link);
  ASSERT_TRUE (ask);
  EXPECT_EQ (ask->tries, 0u);
}

} // namespace
