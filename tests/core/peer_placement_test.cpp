// Newcomers for whom others are moved (paper, V-A.3 to V-A.5).
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench.hpp"

using namespace spreadit::core;

namespace {

NetworkPath
behind (std::initializer_list<std::uint64_t> routers)
{
  return {std::vector<std::uint64_t> (routers), {}};
}

Config
placing (AddPolicyKind policy, unsigned children_max)
{
  Config config = Bench::config_of (children_max);
  config.add_policy = policy;
  config.path = behind ({1});
  config.uplink_bps = 1'000'000;
  return config;
}

LinkId
join_from (Bench &bench, std::uint64_t who, NetworkPath place)
{
  auto ask = bench.ask (who);
  ask.path = std::move (place);
  bench.hear (incoming (who), ask);
  return incoming (who);
}

// Children 10 and 11, the first the farthest; settled.
struct Knocking : Bench {
  Knocking () : Bench (placing (AddPolicyKind::knock_downs, 2))
  {
    settle ();
    join_from (*this, 10, behind ({1, 2, 3}));
    join_from (*this, 11, behind ({1, 4}));
    pass (limits::settling_max);
  }
};

TEST (Placement, TheAskSaysWhereAndHowWide)
{
  Bench bench (placing (AddPolicyKind::round_robin, 2));
  bench.subscribe ();
  bench.asked ();
  const auto *ask = bench.said<message::Subscribe> ();
  ASSERT_TRUE (ask);
  EXPECT_EQ (ask->path, behind ({1}));
  EXPECT_EQ (ask->uplink_bps, 1'000'000u);
}

TEST (Placement, TheParentIsToldAsSoonAsThePathIsKnown)
{
  Bench bench;
  const LinkId parent = bench.settle ();
  bench.peer.set_path (bench.now, behind ({1, 2}));
  bench.drain ();
  const auto *located = bench.said<message::Located> (parent);
  ASSERT_TRUE (located);
  EXPECT_EQ (located->path, behind ({1, 2}));
}

// It became known while the answer was on its way.
TEST (Placement, TheParentIsToldWhatTheAskCouldNotSay)
{
  Bench bench;
  bench.subscribe ();
  const LinkId link = bench.asked ();
  EXPECT_FALSE (bench.said<message::Subscribe> ()->path);
  bench.peer.set_path (bench.now, behind ({1, 2}));
  bench.drain ();
  EXPECT_FALSE (bench.said<message::Located> ()) << "nobody to tell";
  bench.hear (link, message::Accept{contact (Bench::source), {}, {}});
  ASSERT_TRUE (bench.said<message::Located> (link));
  bench.packet (link);
  EXPECT_FALSE (bench.find<action::Connect> ()) << "the place is good";
}

// A join never waits for a measurement; where one would have counted, the
// newcomer asks again, fed meanwhile.
struct TooEarly : Bench {
  TooEarly ()
  {
    subscribe ();
    send_on (asked (), 5);
    EXPECT_EQ (find<action::Connect> ()->target, contact (5));
    // Who comes second chose among fewer.
    send_on (asked (), 6);
    parent = asked ();
  }
  void send_on (LinkId link, std::uint64_t target)
  {
    hear (link, message::Redirect{contact (target), RedirectScope::self, true});
  }
  void accept ()
  {
    hear (parent, message::Accept{contact (6),
                      RootPath (contact (5), RootPath{contact (source)}), {}});
  }
  void locate ()
  {
    peer.set_path (now, behind ({1, 2}));
    drain ();
  }
  // Of the first who sent us on.
  bool asks_again () const
  {
    const auto *connect = find<action::Connect> ();
    return connect && connect->target.address == "host2";
  }
  LinkId parent;
};

TEST (PlacedBlindly, AsksAgainOnceItKnowsWhereItIs)
{
  TooEarly bench;
  bench.accept ();
  bench.packet (bench.parent);
  EXPECT_FALSE (bench.asks_again ());
  bench.locate ();
  EXPECT_TRUE (bench.said<message::Located> (bench.parent));
  ASSERT_TRUE (bench.asks_again ());
  EXPECT_EQ (bench.peer.state (), PeerState::receiving);
  const LinkId link = bench.asked ();
  const auto *ask = bench.said<message::Subscribe> (link);
  ASSERT_TRUE (ask);
  EXPECT_EQ (ask->reason, JoinReason::redirected);
  EXPECT_EQ (ask->path, behind ({1, 2}));
  bench.hear (link, message::Redirect{contact (7)});
  const LinkId near = bench.asked ();
  bench.hear (
      near, message::Accept{contact (7), {contact (Bench::source)}, {}});
  bench.packet (near);
  EXPECT_TRUE (bench.said<message::Unsubscribe> (bench.parent));
  EXPECT_EQ (bench.peer.parent ()->id, id_of (7));
  // Once, whatever is measured later.
  bench.peer.set_path (bench.now, behind ({1, 3}));
  bench.drain ();
  EXPECT_FALSE (bench.find<action::Connect> ());
}

TEST (PlacedBlindly, NotBeforeItIsFed)
{
  TooEarly bench;
  bench.locate ();
  EXPECT_FALSE (bench.asks_again ());
  bench.accept ();
  EXPECT_FALSE (bench.asks_again ());
  bench.packet (bench.parent);
  EXPECT_TRUE (bench.asks_again ());
}

TEST (PlacedBlindly, StaysIfNobodyNearerHasRoom)
{
  TooEarly bench;
  bench.accept ();
  bench.packet (bench.parent);
  bench.locate ();
  bench.hear (bench.asked (), message::Redirect{contact (6)});
  bench.hear (bench.asked (), message::Refuse{RefuseReason::saturated, {}});
  bench.pass (limits::move_max + limits::reply_max);
  EXPECT_EQ (bench.peer.parent_link (), bench.parent);
  EXPECT_EQ (bench.peer.state (), PeerState::receiving);
}

TEST (Placement, ARedirectSaysWhetherThePathWasMissed)
{
  Bench bench (placing (AddPolicyKind::smart_placement, 2));
  bench.settle ();
  join_from (bench, 10, behind ({1, 2}));
  bench.join (11);
  bench.join (20);
  EXPECT_FALSE (bench.said<message::Redirect> ()->provisional)
      << "there is nothing to choose by yet";
  bench.hear (incoming (11), message::Located{behind ({1, 4})});
  bench.join (20);
  EXPECT_TRUE (bench.said<message::Redirect> ()->provisional);
  join_from (bench, 20, behind ({1}));
  EXPECT_FALSE (bench.said<message::Redirect> ()->provisional);
  bench.peer.set_add_policy (AddPolicyKind::random);
  bench.join (20);
  EXPECT_FALSE (bench.said<message::Redirect> ()->provisional);
}

TEST (Placement, AChildMayBeLocatedLater)
{
  Bench bench (placing (AddPolicyKind::smart_placement, 2));
  bench.settle ();
  bench.join (10);
  join_from (bench, 11, behind ({1, 4}));
  bench.hear (incoming (10), message::Located{behind ({1, 2})});
  join_from (bench, 20, behind ({1, 2, 5}));
  EXPECT_EQ (bench.said<message::Redirect> ()->target, contact (10));
}

TEST (Placement, APathThatIsTooLongIsNotKept)
{
  Bench bench (placing (AddPolicyKind::smart_placement, 2));
  bench.settle ();
  NetworkPath endless;
  endless.routers.assign (limits::routers_max + 1, 7);
  join_from (bench, 10, endless);
  join_from (bench, 11, behind ({8}));
  join_from (bench, 20, behind ({7}));
  EXPECT_EQ (bench.said<message::Redirect> ()->target, contact (11));
}

TEST (Placement, PoliciesChangeAtRunTime)
{
  Bench bench (placing (AddPolicyKind::round_robin, 2));
  bench.settle ();
  join_from (bench, 10, behind ({1, 2}));
  join_from (bench, 11, behind ({1, 4}));
  bench.peer.set_add_policy (AddPolicyKind::smart_placement);
  for (std::uint64_t who = 20; who < 23; ++who) {
    join_from (bench, who, behind ({1, 4, 5}));
    EXPECT_EQ (bench.said<message::Redirect> ()->target, contact (11));
  }
  bench.peer.set_add_policy (AddPolicyKind::smart_bandwidth);
  bench.peer.set_second_add_policy (AddPolicyKind::smart_placement);
  for (std::uint64_t who = 20; who < 23; ++who) {
    join_from (bench, who, behind ({1, 2, 5}));
    EXPECT_EQ (bench.said<message::Redirect> ()->target, contact (10));
  }
}

// V-A.4.
TEST (KnockDown, TakesTheCloserAndSendsTheFarthestOn)
{
  Knocking bench;
  const LinkId link = join_from (bench, 20, behind ({1}));
  EXPECT_TRUE (bench.said<message::Accept> (link));
  EXPECT_TRUE (bench.did<action::StartFeeding> (link));
  const auto *redirect = bench.said<message::Redirect> (incoming (10));
  ASSERT_TRUE (redirect);
  EXPECT_EQ (redirect->target, contact (20));
  EXPECT_FALSE (bench.did<action::StopFeeding> (incoming (10)))
      << "fed until it has moved";
  EXPECT_TRUE (bench.peer.children ()[0].sent_on);
  // It is offered to nobody meanwhile, and its slot is given once.
  join_from (bench, 21, behind ({1, 2, 3}));
  ASSERT_TRUE (bench.said<message::Redirect> (incoming (21)));
  EXPECT_NE (
      bench.said<message::Redirect> (incoming (21))->target, contact (10));
  bench.hear (incoming (10), message::Unsubscribe{});
  EXPECT_EQ (bench.peer.children ().size (), 2u);
}

TEST (KnockDown, WhoHasJustComeIsNotMoved)
{
  Bench bench (placing (AddPolicyKind::knock_downs, 1));
  bench.settle ();
  join_from (bench, 10, behind ({1, 2, 3}));
  const LinkId link = join_from (bench, 20, behind ({1}));
  ASSERT_TRUE (bench.said<message::Redirect> (link));
  EXPECT_EQ (bench.said<message::Redirect> (link)->target, contact (10));
}

TEST (KnockDown, WhoBringsOthersReplacesNobody)
{
  Knocking bench;
  auto ask = bench.ask (20, /* peers */ 4);
  ask.path = behind ({1});
  bench.hear (incoming (20), ask);
  EXPECT_FALSE (bench.said<message::Verify> ());
  EXPECT_TRUE (bench.said<message::Redirect> (incoming (20)));
}

TEST (KnockDown, WhoFindsNobodyStaysAndTheNewestMakesWay)
{
  Knocking bench;
  join_from (bench, 20, behind ({1}));
  ASSERT_EQ (bench.peer.children ().size (), 3u);
  bench.pass (limits::sent_on_max);
  ASSERT_EQ (bench.peer.children ().size (), 3u);
  EXPECT_FALSE (bench.peer.children ()[0].sent_on);
  bench.hear (incoming (20), bench.alive (20));
  EXPECT_TRUE (bench.said<message::Redirect> (incoming (20)));
}

// V-A.5.
struct Stepping : Bench {
  Stepping () : Bench (placing (AddPolicyKind::smart_bandwidth, 2))
  {
    settle_deep (); // below 4
    join (10);
    join (11);
  }
};

TEST (StepDown, TheWiderOneGetsOurPlaceAndAllOfUsGoBelowIt)
{
  Stepping bench;
  const LinkId parent = *bench.peer.parent_link ();
  auto wide = bench.ask (20);
  wide.uplink_bps = 9'000'000;
  bench.hear (incoming (20), wide);
  const auto *yield = bench.said<message::Yield> (parent);
  ASSERT_TRUE (yield);
  EXPECT_EQ (yield->to, id_of (20));
  EXPECT_EQ (
      bench.said<message::Redirect> (incoming (20))->target, contact (4));
  for (const std::uint64_t child : {10, 11}) {
    const auto *redirect = bench.said<message::Redirect> (incoming (child));
    ASSERT_TRUE (redirect);
    EXPECT_EQ (redirect->target, contact (20));
    EXPECT_EQ (redirect->scope, RedirectScope::self);
  }
  ASSERT_TRUE (bench.find<action::Connect> ());
  EXPECT_EQ (bench.find<action::Connect> ()->target, contact (20));
  EXPECT_EQ (bench.peer.parent_link (), parent) << "fed by it until then";
  EXPECT_EQ (bench.peer.state (), PeerState::receiving);
}

// Nobody took the wider one in, so nothing came of it.
TEST (StepDown, NotAgainAtOnce)
{
  Stepping bench;
  auto wide = bench.ask (20);
  wide.uplink_bps = 9'000'000;
  bench.hear (incoming (20), wide);
  ASSERT_TRUE (bench.said<message::Yield> ());
  bench.pass (limits::move_max + limits::connect_max);
  ASSERT_EQ (bench.peer.parent ()->id, id_of (4));
  bench.hear (incoming (21), wide);
  EXPECT_FALSE (bench.said<message::Yield> ());
  EXPECT_TRUE (bench.said<message::Redirect> (incoming (21)));
  bench.pass (limits::step_down_rest);
  bench.hear (incoming (22), wide);
  EXPECT_TRUE (bench.said<message::Yield> ());
}

TEST (StepDown, WhoHasNoMoreGoesWhereTheSecondPolicySays)
{
  Stepping bench;
  auto equal = bench.ask (20);
  equal.uplink_bps = 1'000'000;
  bench.hear (incoming (20), equal);
  EXPECT_FALSE (bench.said<message::Yield> ());
  EXPECT_EQ (
      bench.said<message::Redirect> (incoming (20))->target, contact (10));
}

TEST (StepDown, NotForWhoDoesNotWantToGoToOurParent)
{
  Stepping bench;
  auto wide = bench.ask (20);
  wide.uplink_bps = 9'000'000;
  wide.avoid = {id_of (4)};
  bench.hear (incoming (20), wide);
  EXPECT_FALSE (bench.said<message::Yield> ());
}

TEST (StepDown, TheSourceStays)
{
  Bench bench (placing (AddPolicyKind::smart_bandwidth, 1));
  bench.become_source ();
  bench.join (10);
  auto wide = bench.ask (20);
  wide.uplink_bps = 9'000'000;
  bench.hear (incoming (20), wide);
  EXPECT_EQ (bench.said<message::Redirect> ()->target, contact (10));
}

TEST (Yield, KeepsTheSlotForOnePeer)
{
  Bench bench (1);
  bench.become_source ();
  bench.join (10);
  bench.hear (incoming (10), message::Yield{id_of (20)});
  EXPECT_TRUE ((bench.join (21), bench.said<message::Redirect> ()));
  EXPECT_TRUE ((bench.join (20), bench.said<message::Accept> ()));
  EXPECT_EQ (bench.peer.children ().size (), 2u);
  EXPECT_TRUE (bench.peer.children ()[0].sent_on);
  EXPECT_FALSE (bench.said<message::Redirect> (incoming (10)))
      << "it goes by itself";
  EXPECT_FALSE ((bench.join (22), bench.said<message::Accept> ()));
}

TEST (Yield, IsOverAfterAWhile)
{
  Bench bench (1);
  bench.become_source ();
  bench.join (10);
  bench.hear (incoming (10), message::Yield{id_of (20)});
  bench.pass (limits::yield_max);
  EXPECT_FALSE ((bench.join (20), bench.said<message::Accept> ()));
  EXPECT_EQ (bench.peer.children ().size (), 1u);
}

TEST (Yield, OfAStrangerIsNothing)
{
  Bench bench (1);
  bench.become_source ();
  bench.join (10);
  bench.hear (incoming (99), message::Yield{id_of (20)});
  EXPECT_FALSE ((bench.join (20), bench.said<message::Accept> ()));
}

} // namespace
