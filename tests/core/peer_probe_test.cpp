// A child that its own children say is silent: asked, and let go of if it does
// not answer (docs/protocol.md, "A lost parent").
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench.hpp"
#include "world.hpp"

using namespace spreadit::core;
using spreadit::simulation::Place;
using spreadit::simulation::World;

namespace {

// A full source: children 10 and 11, of whom 10 is the one in doubt.
class LostChild : public testing::Test {
protected:
  LostChild () : bench (2)
  {
    bench.become_source ();
    lost = bench.join (10);
    sibling = bench.join (11);
    bench.now += 100ms;
  }

  message::Subscribe orphan (std::uint64_t who) const
  {
    message::Subscribe ask = bench.ask (who);
    ask.reason = JoinReason::parent_lost;
    ask.avoid = {id_of (10)};
    ask.lost = id_of (10);
    return ask;
  }

  void answer (LinkId link, std::uint64_t who, std::uint32_t free = 3)
  {
    message::Alive alive = bench.alive (who);
    alive.subtree.free = free;
    bench.hear (link, alive);
  }

  Bench bench;
  LinkId lost, sibling;
};

TEST_F (LostChild, IsAskedAndItsSlotLentMeanwhile)
{
  bench.hear (incoming (20), orphan (20));
  EXPECT_TRUE (bench.said<message::Probe> (lost));
  EXPECT_FALSE (bench.said<message::Probe> (sibling));
  EXPECT_TRUE (bench.said<message::Accept> (incoming (20)));
  EXPECT_FALSE (bench.did<action::StopFeeding> (lost));
  EXPECT_EQ (bench.peer.children ().size (), 3u);
}

TEST_F (LostChild, WithoutAnAnswerIsDead)
{
  bench.hear (incoming (20), orphan (20));
  bench.pass (limits::probe_max - 1ns, false);
  EXPECT_EQ (bench.peer.children ().size (), 3u);
  bench.pass (1ns, false);
  EXPECT_TRUE (bench.did<action::StopFeeding> (lost));
  EXPECT_TRUE (bench.did<action::Close> (lost));
  ASSERT_TRUE (bench.reported<action::Report::ChildRemoved> ());
  EXPECT_TRUE (bench.reported<action::Report::ChildRemoved> ()->failed);
  EXPECT_EQ (bench.peer.children ().size (), 2u);
}

TEST_F (LostChild, ThatAnswersStays)
{
  bench.hear (incoming (20), orphan (20));
  answer (lost, 10);
  bench.pass (10s);
  EXPECT_EQ (bench.peer.children ().size (), 3u);
}

// One orphan has the slot; more than one would be more than we have.
TEST_F (LostChild, MakesRoomForOne)
{
  bench.hear (incoming (20), orphan (20));
  bench.hear (incoming (21), orphan (21));
  EXPECT_FALSE (bench.said<message::Probe> ()) << "asked already";
  const auto *redirect = bench.said<message::Redirect> (incoming (21));
  ASSERT_TRUE (redirect);
  EXPECT_NE (redirect->target, contact (10));
}

TEST_F (LostChild, IsOfferedToNobodyUntilItAnswers)
{
  const auto targets = [this] {
    std::vector<Contact> seen;
    for (std::uint64_t who = 30; who < 36; ++who) {
      bench.join (who);
      if (const auto *redirect = bench.said<message::Redirect> ())
        seen.push_back (redirect->target);
    }
    return seen;
  };
  bench.hear (incoming (20), orphan (20));
  for (const Contact &target : targets ())
    EXPECT_NE (target, contact (10));
  answer (lost, 10);
  const auto seen = targets ();
  EXPECT_NE (std::find (seen.begin (), seen.end (), contact (10)), seen.end ());
}

// The orphan holds a slot too many: it goes where there is room, but not to
// whom it lost, and not before it is fed.
TEST_F (LostChild, ThatAnswersGetsItsSlotBack)
{
  bench.hear (incoming (20), orphan (20));
  answer (lost, 10);
  auto fresh = bench.alive (20);
  fresh.receiving = false;
  bench.hear (incoming (20), fresh);
  EXPECT_FALSE (bench.said<message::Redirect> ()) << "not fed yet";
  answer (sibling, 11, 0);
  answer (incoming (20), 20);
  EXPECT_FALSE (bench.said<message::Redirect> ()) << "nowhere to go";
  answer (sibling, 11, 1);
  EXPECT_FALSE (bench.said<message::Redirect> ()) << "the newest goes";
  answer (incoming (20), 20);
  const auto *redirect = bench.said<message::Redirect> (incoming (20));
  ASSERT_TRUE (redirect);
  EXPECT_EQ (redirect->target, contact (11));
  EXPECT_EQ (redirect->scope, RedirectScope::self);
  bench.hear (incoming (20), message::Unsubscribe{});
  answer (sibling, 11);
  EXPECT_FALSE (bench.said<message::Redirect> ()) << "nobody else has to go";
}

TEST_F (LostChild, ThatComesBackOnANewLinkFindsItsPlaceLent)
{
  bench.hear (incoming (20), orphan (20));
  bench.hear (incoming (40), bench.ask (10));
  EXPECT_TRUE (bench.said<message::Redirect> (incoming (40)));
  EXPECT_EQ (bench.peer.children ().size (), 3u);
}

// Whoever is not an orphan, or not of a child of ours, starts nothing.
TEST_F (LostChild, IsDoubtedByItsOrphansOnly)
{
  message::Subscribe ask = orphan (20);
  ask.reason = JoinReason::first;
  bench.hear (incoming (20), ask);
  EXPECT_FALSE (bench.said<message::Probe> ());
  EXPECT_TRUE (bench.said<message::Redirect> (incoming (20)));

  ask = orphan (21);
  ask.lost.reset (); // it was refused there, that is all
  bench.hear (incoming (21), ask);
  EXPECT_FALSE (bench.said<message::Probe> ());

  ask = orphan (22);
  ask.lost = id_of (99);
  bench.hear (incoming (22), ask);
  EXPECT_FALSE (bench.said<message::Probe> ());

  ask = orphan (23);
  ask.plain_player = true;
  bench.hear (incoming (23), ask);
  EXPECT_FALSE (bench.said<message::Probe> ());
  EXPECT_EQ (bench.peer.children ().size (), 2u);
}

// Whatever is said about our children, we never feed more than twice our
// capacity.
TEST_F (LostChild, LiesHaveABound)
{
  for (std::uint64_t who = 20; who < 40; ++who) {
    message::Subscribe ask = orphan (who);
    ask.lost = bench.peer.children ()[who % 3 % 2].contact.id;
    bench.hear (incoming (who), ask);
    for (const ChildInfo &child : bench.peer.children ())
      answer (child.link, child.contact.id.low, 0);
    EXPECT_LE (bench.peer.children ().size (), 4u);
  }
}

TEST (Probe, OfTheParentIsAnsweredAtOnce)
{
  Bench bench;
  const LinkId parent = bench.settle_deep ();
  bench.hear (parent, message::Probe{});
  EXPECT_TRUE (bench.said<message::Alive> (parent));
  bench.hear (parent, message::Probe{});
  EXPECT_TRUE (bench.said<message::Alive> (parent));
}

TEST (Probe, OfAnybodyElseIsNot)
{
  Bench bench;
  bench.settle_deep ();
  const LinkId child = bench.join (10);
  bench.hear (child, message::Probe{});
  EXPECT_FALSE (bench.said<message::Alive> ());
  bench.hear (incoming (50), message::Probe{});
  EXPECT_FALSE (bench.said<message::Alive> ());
}

TEST (Probe, TheOrphanSaysWhomItLost)
{
  Bench bench;
  const LinkId parent = bench.settle_deep ();
  bench.close (parent);
  bench.asked ();
  EXPECT_EQ (bench.said<message::Subscribe> ()->lost, id_of (4));
  // Refused there, the search goes on; the loss is the same.
  bench.hear (LinkId{2}, message::Refuse{});
  bench.pass (limits::retry_max);
  bench.asked ();
  EXPECT_EQ (bench.said<message::Subscribe> ()->lost, id_of (4));
}

// The whole of it: nobody has room but in the frozen peer's own slot.
TEST (Probe, TheOrphansOfAFrozenChildOfAFullSourceAreServedInASecond)
{
  World world (11, {10ms, 10ms, 0ms});
  world.add_source (1);
  const Place middle = world.add_peer (2);
  world.run_for (1s);
  const Place a = world.add_peer (1);
  world.run_for (1s);
  const Place b = world.add_peer (1);
  world.run_for (1500ms);
  ASSERT_EQ (world.parent_of (a), middle);
  world.freeze (middle);
  const Instant frozen = world.now ();
  ASSERT_TRUE (world.run_until (
      [&] { return world.is_served (a) && world.is_served (b); }, 2s));
  EXPECT_LT (
      world.now () - frozen, limits::data_doubt + limits::data_idle + 300ms);
  world.run_for (5s);
  world.thaw (middle);
  world.run_for (10s);
  for (const Place place : {middle, a, b})
    EXPECT_TRUE (world.is_served (place));
  EXPECT_TRUE (world.violations ().empty ());
}

} // namespace
