// No cycle, ever: docs/decisions/0001-no-cycle-ever.md.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench.hpp"
#include "world.hpp"

using namespace spreadit::core;
using spreadit::simulation::Cut;
using spreadit::simulation::Place;
using spreadit::simulation::World;

namespace {

// A mover with descendants is accepted on the word of the source only.
TEST (LoopGuard, AMoverWithDescendantsWaitsForTheWordOfTheSource)
{
  Bench bench (1);
  const LinkId parent = bench.settle_deep ();
  const LinkId mover = bench.join (10, 5);
  EXPECT_FALSE (bench.said<message::Accept> ());
  const auto *verify = bench.said<message::Verify> (parent);
  ASSERT_TRUE (verify);
  EXPECT_EQ (verify->mover, id_of (10));
  const std::uint64_t token = verify->token;

  // Its slot is kept meanwhile.
  EXPECT_EQ (bench.peer.subtree ().free, 0u);
  EXPECT_TRUE ((
      bench.join (11), bench.refused (incoming (11), RefuseReason::saturated)));

  bench.hear (parent, message::Verified{token + 1, true}); // not ours
  EXPECT_FALSE (bench.said<message::Accept> ());
  bench.hear (parent, message::Verified{token, true});
  EXPECT_TRUE (bench.said<message::Accept> (mover));
  EXPECT_TRUE (bench.did<action::StartFeeding> (mover));
}

TEST (LoopGuard, ANoOrNoWordRefusesTheMover)
{
  Bench bench;
  const LinkId parent = bench.settle_deep ();
  LinkId mover = bench.join (10, 5);
  bench.hear (
      parent, message::Verified{bench.said<message::Verify> ()->token, false});
  EXPECT_TRUE (bench.refused (mover, RefuseReason::not_receiving));

  mover = bench.join (11, 5);
  bench.pass (limits::verify_max);
  EXPECT_TRUE (bench.refused (mover, RefuseReason::not_receiving));
  EXPECT_EQ (bench.peer.subtree ().free, 3u);
}

TEST (LoopGuard, TheSourceAndAMoverAloneNeedNoCheck)
{
  Bench source;
  source.become_source ();
  EXPECT_TRUE ((source.join (10, 5), source.said<message::Accept> ()));

  Bench peer;
  peer.settle ();
  EXPECT_TRUE ((peer.join (10, 1), peer.said<message::Accept> ()));
}

TEST (LoopGuard, ChecksPassUpUnderAnotherNameAndTheWordComesDown)
{
  Bench bench;
  const LinkId parent = bench.settle_deep ();
  const LinkId child = bench.join (10);
  bench.hear (child, message::Verify{id_of (20), 7});
  const auto *passed = bench.said<message::Verify> (parent);
  ASSERT_TRUE (passed);
  EXPECT_EQ (passed->mover, id_of (20));
  bench.hear (parent, message::Verified{passed->token, true});
  const auto *word = bench.said<message::Verified> (child);
  ASSERT_TRUE (word);
  EXPECT_EQ (word->token, 7u);
  EXPECT_TRUE (word->ok);
  // Once: the way is forgotten.
  bench.hear (parent, message::Verified{passed ? 7u : 0u, true});
  EXPECT_FALSE (bench.said<message::Verified> ());
}

TEST (LoopGuard, TheSourceVouchesForAllButItself)
{
  Bench bench;
  bench.become_source ();
  const LinkId child = bench.join (10);
  bench.hear (child, message::Verify{id_of (20), 7});
  EXPECT_TRUE (bench.said<message::Verified> (child)->ok);
  bench.hear (child, message::Verify{id_of (Bench::self), 8});
  EXPECT_FALSE (bench.said<message::Verified> (child)->ok);
}

TEST (LoopGuard, TheMoverItselfAndEveryOtherMoverSaysNo)
{
  Bench bench;
  const LinkId parent = bench.settle_deep ();
  const LinkId child = bench.join (10);
  bench.hear (child, message::Verify{id_of (Bench::self), 1});
  EXPECT_FALSE (bench.said<message::Verified> (child)->ok);

  // On the way up when we start to move: no, at once.
  bench.hear (child, message::Verify{id_of (20), 2});
  bench.close (parent);
  ASSERT_TRUE (bench.said<message::Verified> (child));
  EXPECT_FALSE (bench.said<message::Verified> (child)->ok);
  // And while we move.
  bench.hear (child, message::Verify{id_of (20), 3});
  EXPECT_FALSE (bench.said<message::Verified> (child)->ok);
}

TEST (LoopGuard, WhoStartsToMoveRefusesThoseWhoWait)
{
  Bench bench;
  const LinkId parent = bench.settle_deep ();
  const LinkId mover = bench.join (10, 5);
  const std::uint64_t token = bench.said<message::Verify> ()->token;
  bench.hear (parent, message::Redirect{contact (20), {}});
  EXPECT_TRUE (bench.refused (mover, RefuseReason::not_receiving));
  bench.hear (parent, message::Verified{token, true});
  EXPECT_FALSE (bench.said<message::Accept> ());
}

// During a handover we may have to go back: locked until the first packet.
TEST (LoopGuard, AHandoverIsAMove)
{
  Bench bench;
  bench.settle_deep ();
  const LinkId child = bench.join (10);
  bench.hear (LinkId{1}, message::Redirect{contact (20), {}});
  const LinkId link = bench.asked ();
  bench.hear (link, message::Accept{contact (20), {contact (2)}, {}});
  EXPECT_EQ (bench.peer.data_links ().size (), 2u);
  bench.hear (child, message::Verify{id_of (30), 1});
  EXPECT_FALSE (bench.said<message::Verified> (child)->ok);
  bench.packet (link);
  bench.hear (child, message::Verify{id_of (30), 2});
  EXPECT_TRUE (bench.said<message::Verify> (link));
}

TEST (LoopGuard, ChecksAreBounded)
{
  Bench bench;
  const LinkId parent = bench.settle_deep ();
  const LinkId child = bench.join (10);
  for (std::uint64_t token = 0; token < limits::verifies_max; ++token) {
    bench.hear (child, message::Verify{id_of (20), token});
    EXPECT_TRUE (bench.said<message::Verify> (parent));
  }
  bench.hear (child, message::Verify{id_of (20), 1000});
  EXPECT_FALSE (bench.said<message::Verify> (parent));
  EXPECT_FALSE (bench.said<message::Verified> (child)->ok);
  bench.pass (limits::verify_max);
  bench.hear (child, message::Verify{id_of (20), 1001});
  EXPECT_TRUE (bench.said<message::Verify> (parent));
}

TEST (LoopGuard, StrangersAndPlayersCheckNothing)
{
  Bench bench;
  bench.settle_deep ();
  bench.hear (incoming (50), message::Verify{id_of (20), 1});
  EXPECT_TRUE (bench.actions.empty ());
  auto player = bench.ask (11);
  player.plain_player = true;
  bench.hear (incoming (11), player);
  bench.hear (incoming (11), message::Verify{id_of (20), 1});
  EXPECT_TRUE (bench.actions.empty ());
}

// The hole in "a mover without children needs no check": a child that we have
// given up may still believe in us, with others below it.
TEST (LoopGuard, AForgottenChildStillCounts)
{
  Bench bench;
  const LinkId parent = bench.settle_deep ();
  const LinkId child = bench.join (10);
  bench.close (child);
  EXPECT_EQ (bench.peer.subtree ().peers, 1u);
  bench.close (parent);
  bench.asked ();
  EXPECT_EQ (bench.said<message::Subscribe> ()->subtree.peers, 2u);
}

TEST (LoopGuard, ForgottenChildrenDoNotCountForEver)
{
  Bench bench;
  const LinkId parent = bench.settle_deep ();
  bench.close (bench.join (10));
  bench.pass (limits::forgotten_max);
  bench.close (parent);
  bench.asked ();
  EXPECT_EQ (bench.said<message::Subscribe> ()->subtree.peers, 1u);
}

TEST (LoopGuard, AChildThatSaidGoodByeDoesNotCount)
{
  Bench bench;
  const LinkId parent = bench.settle_deep ();
  bench.hear (bench.join (10), message::Unsubscribe{});
  bench.close (parent);
  bench.asked ();
  EXPECT_EQ (bench.said<message::Subscribe> ()->subtree.peers, 1u);
}

TEST (LoopGuard, OwnIdInTheParentsRootPathIsAParentLost)
{
  Bench bench;
  const LinkId parent = bench.settle_deep ();
  bench.hear (parent,
      bench.alive (4, {contact (3), contact (Bench::self), contact (2)}));
  EXPECT_TRUE (bench.said<message::Unsubscribe> (parent));
  EXPECT_EQ (bench.find<action::Connect> ()->target.address, "host2");
  EXPECT_FALSE (bench.peer.parent ());
}

// A child of ours is no parent for us, whoever says so.
TEST (LoopGuard, OwnChildrenAreNotAsked)
{
  Bench bench;
  const LinkId parent = bench.settle_deep ();
  bench.join (10);
  bench.hear (parent, message::Redirect{contact (10), {}});
  ASSERT_TRUE (bench.find<action::Connect> ());
  EXPECT_EQ (bench.find<action::Connect> ()->target.address, "host2");
}

class TwoChains : public testing::Test {
protected:
  // source - a - a_below, source - b - b_below.
  void SetUp () override
  {
    world.add_source (2);
    a = world.add_peer (2);
    world.run_for (1s);
    b = world.add_peer (2);
    world.run_for (1s);
    a_below = world.add_peer (2);
    world.run_for (1s);
    b_below = world.add_peer (2);
    world.run_for (1s);
    ASSERT_EQ (world.parent_of (a_below), a);
    ASSERT_EQ (world.parent_of (b_below), b);
  }

  World world{1, {20ms, 20ms, 0ms}};
  Place a, b, a_below, b_below;
};

// Each is sent below the other at the same moment: at most one may go.
TEST_F (TwoChains, MutualMovesDoNotCloseACycle)
{
  world.redirect (a, b_below, RedirectScope::self);
  world.redirect (b, a_below, RedirectScope::self);
  for (int i = 0; i < 1000; ++i) {
    world.run_for (10ms);
    ASSERT_TRUE (world.violations ().empty ()) << world.violations ()[0];
  }
  for (const Place place : {a, b, a_below, b_below})
    EXPECT_TRUE (world.is_served (place));
}

TEST_F (TwoChains, MutualMovesWouldCloseACycleUnchecked)
{
  world.tamper = [] (Place, Place, Message &message) {
    if (auto *ask = std::get_if<message::Subscribe> (&message))
      ask->subtree.peers = 1;
    return true;
  };
  world.redirect (a, b_below, RedirectScope::self);
  world.redirect (b, a_below, RedirectScope::self);
  world.run_for (2s);
  ASSERT_FALSE (world.violations ().empty ());
  EXPECT_NE (world.violations ()[0].find ("cycle"), std::string::npos);
  // Even then the root paths tell, and everyone finds out.
  world.tamper = nullptr;
  world.run_for (20s);
  for (const Place place : {a, b, a_below, b_below})
    EXPECT_TRUE (world.is_served (place));
}

TEST_F (TwoChains, AMoveBelowTheOtherChainIsFine)
{
  world.redirect (a, b_below, RedirectScope::self);
  world.run_for (1s);
  EXPECT_EQ (world.parent_of (a), b_below);
  EXPECT_EQ (world.at (a_below).level (), 4u);
  EXPECT_TRUE (world.is_served (a_below));
  EXPECT_TRUE (world.violations ().empty ());
}

TEST_F (TwoChains, AMoveBelowOneselfEndsWhereItBegan)
{
  world.redirect (a, a_below, RedirectScope::self);
  world.run_for (1s);
  EXPECT_EQ (world.parent_of (a), Place{0});
  EXPECT_EQ (world.parent_of (a_below), a);
  EXPECT_TRUE (world.is_served (a_below));
  EXPECT_TRUE (world.violations ().empty ());
}

// The cycle of the prototype: the entry of b_below at b is stale, b_below is
// below a now, and a is sent to it.
TEST_F (TwoChains, AStaleEntryDoesNotCloseACycle)
{
  world.cut (b, b_below);
  ASSERT_TRUE (
      world.run_until ([&] { return world.parent_of (b_below) != b; }, 5s));
  world.run_for (1s);
  world.redirect (a, b_below, RedirectScope::self);
  world.run_for (20s);
  EXPECT_TRUE (world.violations ().empty ());
  for (const Place place : {a, b, a_below, b_below})
    EXPECT_TRUE (world.is_served (place));
}

} // namespace
