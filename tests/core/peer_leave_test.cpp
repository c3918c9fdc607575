// Leaving: the children move first (paper, IV-C, V-B).
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench.hpp"
#include "world.hpp"

using namespace spreadit::core;
using spreadit::simulation::Place;
using spreadit::simulation::World;

namespace {

TEST (Leave, WithoutChildrenIsAtOnce)
{
  Bench bench;
  const LinkId parent = bench.settle ();
  bench.unsubscribe ();
  EXPECT_TRUE (bench.said<message::Unsubscribe> (parent));
  EXPECT_TRUE (bench.did<action::Close> (parent));
  EXPECT_TRUE (bench.reported<action::Report::Left> ());
  EXPECT_EQ (bench.peer.state (), PeerState::idle);
  EXPECT_EQ (bench.peer.next_timeout (), Instant::max ());
}

TEST (Leave, FromAnyStateEndsWithLeftOnce)
{
  Bench idle;
  idle.unsubscribe ();
  EXPECT_TRUE (idle.reported<action::Report::Left> ());

  Bench connecting;
  connecting.subscribe ();
  connecting.unsubscribe ();
  EXPECT_TRUE (connecting.did<action::Close> (LinkId{1}));
  EXPECT_FALSE (connecting.said<message::Unsubscribe> ());
  EXPECT_TRUE (connecting.reported<action::Report::Left> ());

  Bench asking;
  asking.subscribe ();
  asking.asked ();
  asking.unsubscribe (); // the accept may be on its way
  EXPECT_TRUE (asking.said<message::Unsubscribe> (LinkId{1}));
  EXPECT_TRUE (asking.reported<action::Report::Left> ());

  Bench failed;
  failed.subscribe ();
  failed.hear (failed.asked (), message::Refuse{RefuseReason::no_stream, {}});
  failed.unsubscribe ();
  EXPECT_TRUE (failed.reported<action::Report::Left> ());
  EXPECT_EQ (failed.peer.state (), PeerState::idle);
}

// The parent first: it must not send our children back to us.
TEST (Leave, TellsTheParentThenTheChildrenAndFeedsOn)
{
  Bench bench;
  const LinkId parent = bench.settle_deep ();
  const LinkId child = bench.join (10);
  bench.unsubscribe ();
  ASSERT_GE (bench.actions.size (), 2u);
  const auto *first = std::get_if<action::Send> (&bench.actions[0]);
  ASSERT_TRUE (first);
  EXPECT_TRUE (std::holds_alternative<message::Leaving> (first->message));
  EXPECT_EQ (first->link, parent);
  const auto *redirect = bench.said<message::Redirect> (child);
  ASSERT_TRUE (redirect);
  EXPECT_EQ (redirect->target, contact (4));
  EXPECT_EQ (redirect->scope, RedirectScope::self);
  EXPECT_FALSE (bench.did<action::StopFeeding> (child));
  EXPECT_FALSE (bench.reported<action::Report::Left> ());

  // Nobody joins meanwhile, and no loop check passes.
  EXPECT_TRUE ((
      bench.join (11), bench.refused (incoming (11), RefuseReason::saturated)));
  bench.hear (child, message::Verify{id_of (30), 1});
  EXPECT_FALSE (bench.said<message::Verified> (child)->ok);

  bench.hear (child, message::Unsubscribe{});
  EXPECT_TRUE (bench.said<message::Unsubscribe> (parent));
  EXPECT_TRUE (bench.did<action::Close> (parent));
  EXPECT_TRUE (bench.reported<action::Report::Left> ());
}

TEST (Leave, LingersNoLongerThanLinger)
{
  Bench bench;
  const LinkId parent = bench.settle_deep ();
  const LinkId child = bench.join (10);
  bench.unsubscribe ();
  bench.pass (bench.peer.config ().linger - 1ns);
  EXPECT_FALSE (bench.reported<action::Report::Left> ());
  bench.pass (1ns);
  EXPECT_TRUE (bench.did<action::StopFeeding> (child));
  EXPECT_TRUE (bench.did<action::Close> (child));
  EXPECT_TRUE (bench.said<message::Unsubscribe> (parent));
  EXPECT_TRUE (bench.reported<action::Report::Left> ());
}

TEST (Leave, ASecondCallLeavesAtOnce)
{
  Bench bench;
  bench.settle ();
  bench.join (10);
  bench.unsubscribe ();
  EXPECT_FALSE (bench.reported<action::Report::Left> ());
  bench.unsubscribe ();
  EXPECT_TRUE (bench.did<action::Close> (incoming (10)));
  EXPECT_TRUE (bench.reported<action::Report::Left> ());
}

TEST (Leave, PlayersAreNotWaitedFor)
{
  Bench bench;
  bench.settle ();
  message::Subscribe player;
  player.plain_player = true;
  bench.hear (incoming (10), player);
  bench.unsubscribe ();
  EXPECT_TRUE (bench.did<action::StopFeeding> (incoming (10)));
  EXPECT_FALSE (bench.said<message::Redirect> ());
  EXPECT_TRUE (bench.reported<action::Report::Left> ());
}

TEST (Leave, RedirectsInAFarewellAreIgnored)
{
  Bench bench;
  const LinkId parent = bench.settle_deep ();
  bench.join (10);
  bench.unsubscribe ();
  bench.hear (parent, message::Redirect{contact (20), {}});
  EXPECT_FALSE (bench.find<action::Connect> ());
  bench.close (parent);
  EXPECT_FALSE (bench.find<action::Connect> ());
  bench.pass (2s);
  EXPECT_TRUE (bench.reported<action::Report::Left> ());
}

// The four policies: target {grandfather, root} x who {children, all}.
class Farewell : public testing::TestWithParam<DeletePolicyKind> {
protected:
  // source - a - b - c - d, and room for more everywhere.
  void SetUp () override
  {
    Config config = world.config ();
    config.delete_policy = GetParam ();
    config.children_max = 1;
    source = world.add (config);
    world.at (source).become_source (world.now ());
    world.set_stream_ready (source, true);
    for (Place *place : {&a, &b, &c, &d}) {
      *place = world.add (config);
      world.subscribe (*place);
      world.run_for (2s);
    }
    ASSERT_EQ (world.at (d).level (), 4u);
    for (const Place place : {source, a, b, c, d}) {
      world.at (place).set_children_max (world.now (), 3);
      world.settle (place);
    }
    world.run_for (2s);
    world.tamper = [this] (Place from, Place, Message &message) {
      if (const auto *redirect = std::get_if<message::Redirect> (&message))
        redirects.emplace_back (from, redirect->target.id.low - 1);
      return true;
    };
  }
  bool all () const
  {
    return GetParam () == DeletePolicyKind::grandfather_all ||
           GetParam () == DeletePolicyKind::root_all;
  }
  bool root () const
  {
    return GetParam () == DeletePolicyKind::root ||
           GetParam () == DeletePolicyKind::root_all;
  }
  bool served () const { return world.is_served (c) && world.is_served (d); }

  World world{1};
  Place source, a, b, c, d;
  std::vector<std::pair<Place, Place>> redirects; // from whom, to where
};

TEST_P (Farewell, GracefulLeaveMovesThoseItShould)
{
  world.unsubscribe (b);
  for (int i = 0; i < 400; ++i) {
    world.run_for (10ms);
    // Make before break: not even for a moment without the stream.
    EXPECT_NE (world.at (c).state (), PeerState::transient) << i;
    EXPECT_NE (world.at (d).state (), PeerState::transient) << i;
  }
  EXPECT_TRUE (world.has_left (b));
  EXPECT_TRUE (served ());
  const Place target = root () ? source : a;
  EXPECT_EQ (world.parent_of (c), target);
  EXPECT_EQ (world.parent_of (d), all () ? target : c);
  ASSERT_FALSE (redirects.empty ());
  EXPECT_EQ (redirects[0], std::make_pair (b, target));
  if (all ())
    EXPECT_EQ (redirects[1], std::make_pair (c, target));
  else
    EXPECT_EQ (redirects.size (), 1u);
  EXPECT_TRUE (world.violations ().empty ());
}

// A departure from the paper (IV-D, V-B): the root path names the grandfather.
TEST_P (Farewell, CrashMovesTheSame)
{
  world.kill (b);
  world.run_for (1s);
  EXPECT_TRUE (served ());
  const Place target = root () ? source : a;
  EXPECT_EQ (world.parent_of (c), target);
  EXPECT_EQ (world.parent_of (d), all () ? target : c);
  EXPECT_TRUE (world.violations ().empty ());
}

TEST_P (Farewell, CrashOfTwoInARowIsSurvived)
{
  world.power_off (a);
  world.power_off (b);
  ASSERT_TRUE (world.run_until ([this] { return served (); }, 15s));
  EXPECT_TRUE (world.violations ().empty ());
}

TEST_P (Farewell, ChildOfTheSourceLeaves)
{
  world.unsubscribe (a);
  world.run_for (3s);
  EXPECT_TRUE (served ());
  EXPECT_EQ (world.parent_of (b), source);
}

INSTANTIATE_TEST_SUITE_P (Policies, Farewell,
    testing::Values (DeletePolicyKind::grandfather, DeletePolicyKind::root,
        DeletePolicyKind::grandfather_all, DeletePolicyKind::root_all));

// A full tree: the leaver's slot is for its child.
TEST (Leave, TheOnlyChildTakesTheSlotOfTheLeaver)
{
  World world (5);
  world.add_source (1);
  const Place a = world.add_peer (1);
  world.run_for (1s);
  const Place b = world.add_peer (1);
  world.run_for (1s);
  world.unsubscribe (a);
  for (int i = 0; i < 300; ++i) {
    world.run_for (10ms);
    EXPECT_NE (world.at (b).state (), PeerState::transient);
  }
  EXPECT_EQ (world.parent_of (b), Place{0});
  EXPECT_TRUE (world.has_left (a));
  EXPECT_TRUE (world.violations ().empty ());
}

TEST (End, TheSourceTellsEveryoneAndNobodySearches)
{
  World world (6);
  world.add_source (1);
  for (int i = 0; i < 4; ++i) {
    world.add_peer (1);
    world.run_for (1s);
  }
  std::vector<unsigned> asks;
  for (Place place = 1; place <= 4; ++place)
    asks.push_back (world.asks (place));
  world.end_stream (0);
  EXPECT_TRUE (world.has_left (0));
  world.run_for (10s);
  for (Place place = 1; place <= 4; ++place) {
    EXPECT_TRUE (world.has_ended (place));
    EXPECT_FALSE (world.has_left (place)) << "nobody asked for that";
    EXPECT_EQ (world.at (place).state (), PeerState::idle);
    EXPECT_EQ (world.asks (place), asks[place - 1]);
    EXPECT_EQ (world.fails (place), 0u);
  }
  EXPECT_TRUE (world.violations ().empty ());
  // A latecomer is told so.
  const Place late = world.add_peer (1);
  world.run_for (1s);
  ASSERT_EQ (world.fails (late), 1u);
  EXPECT_EQ (world.fail (late)->reason, FailReason::no_stream);
}

TEST (End, WhileLeavingStillEndsWithLeft)
{
  Bench bench;
  const LinkId parent = bench.settle ();
  bench.join (10);
  bench.unsubscribe ();
  bench.hear (parent, message::Ended{});
  EXPECT_TRUE (bench.said<message::Ended> (incoming (10)));
  EXPECT_TRUE (bench.reported<action::Report::Ended> ());
  EXPECT_TRUE (bench.reported<action::Report::Left> ());
}

TEST (End, ANewSessionMayFollow)
{
  Bench bench;
  const LinkId parent = bench.settle ();
  bench.hear (parent, message::Ended{});
  EXPECT_EQ (bench.peer.state (), PeerState::idle);
  bench.subscribe ();
  EXPECT_TRUE (bench.find<action::Connect> ());
  EXPECT_EQ (bench.peer.state (), PeerState::discovering);
}

} // namespace
