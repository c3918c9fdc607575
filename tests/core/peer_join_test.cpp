// Who is accepted, redirected or refused (paper, III-3, IV-B, V-A).
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <set>

#include "bench.hpp"

using namespace spreadit::core;

namespace {

TEST (Join, IsAcceptedFedAndReported)
{
  Bench bench;
  bench.settle_deep ();
  const LinkId link = bench.join (10);
  const auto *accept = bench.said<message::Accept> (link);
  ASSERT_TRUE (accept);
  EXPECT_EQ (accept->self, contact (Bench::self));
  EXPECT_EQ (
      accept->root_path, (RootPath{contact (4), contact (3), contact (2)}));
  EXPECT_TRUE (bench.did<action::StartFeeding> (link));
  const auto *added = bench.reported<action::Report::ChildAdded> ();
  ASSERT_TRUE (added);
  EXPECT_EQ (added->child, contact (10));
  EXPECT_EQ (bench.peer.children ().size (), 1u);
}

TEST (Join, TheAcceptNamesParentAndSiblingsAsStandby)
{
  Bench bench;
  bench.settle_deep ();
  bench.join (10);
  auto full = bench.ask (11);
  full.subtree.free = 0;
  bench.hear (incoming (11), full);
  bench.join (12);
  EXPECT_EQ (bench.said<message::Accept> ()->standby,
      (std::vector<Contact>{contact (4), contact (10)}));
}

TEST (Join, NobodyJoinsWhoHasNoStream)
{
  Bench idle;
  EXPECT_TRUE (
      (idle.join (10), idle.refused (incoming (10), RefuseReason::no_stream)));

  Bench searching;
  searching.subscribe ();
  EXPECT_TRUE ((searching.join (10),
      searching.refused (incoming (10), RefuseReason::not_receiving)));

  Bench unfed;
  unfed.subscribe ();
  unfed.hear (unfed.asked (), message::Accept{contact (2), {}, {}});
  EXPECT_TRUE ((unfed.join (10),
      unfed.refused (incoming (10), RefuseReason::not_receiving)));

  Bench transient;
  const LinkId parent = transient.settle_deep ();
  auto alive = transient.alive (4, {contact (3), contact (2)});
  alive.receiving = false;
  transient.hear (parent, alive);
  EXPECT_EQ (transient.peer.state (), PeerState::transient);
  EXPECT_TRUE ((transient.join (10),
      transient.refused (incoming (10), RefuseReason::not_receiving)));

  Bench source;
  source.become_source ();
  source.peer.set_stream_ready (source.now, false);
  source.drain ();
  EXPECT_TRUE ((source.join (10),
      source.refused (incoming (10), RefuseReason::not_receiving)));
}

TEST (Join, WhoIsAboveIsALoop)
{
  Bench bench;
  bench.settle_deep ();
  for (const std::uint64_t above : {2, 3, 4, 1})
    EXPECT_TRUE ((bench.join (above),
        bench.refused (incoming (above), RefuseReason::loop)));
}

TEST (Join, WithoutAnAddressNobodyCanBeSentHere)
{
  Config config = Bench::config_of (3);
  config.address.clear ();
  Bench bench (config);
  bench.settle ();
  EXPECT_EQ (bench.peer.subtree ().free, 0u);
  EXPECT_TRUE ((
      bench.join (10), bench.refused (incoming (10), RefuseReason::saturated)));
}

TEST (Join, WithoutCapacityEveryoneIsRefused)
{
  Bench bench (0);
  bench.settle ();
  EXPECT_TRUE ((
      bench.join (10), bench.refused (incoming (10), RefuseReason::saturated)));
}

// V-A.2.
TEST (Join, RoundRobinSendsToOneChildAfterTheOther)
{
  Bench bench (3);
  bench.settle ();
  for (std::uint64_t child = 10; child < 13; ++child)
    bench.join (child);
  std::vector<std::uint64_t> targets;
  for (std::uint64_t newcomer = 20; newcomer < 26; ++newcomer) {
    bench.join (newcomer);
    targets.push_back (bench.said<message::Redirect> ()->target.id.low);
  }
  EXPECT_EQ (targets, (std::vector<std::uint64_t>{10, 11, 12, 10, 11, 12}));
}

// V-A.1.
TEST (Join, RandomSendsToAnyChildAndIsTheSameForTheSameSeed)
{
  std::vector<std::vector<std::uint64_t>> runs;
  for (int run = 0; run < 2; ++run) {
    Config config = Bench::config_of (3);
    config.add_policy = AddPolicyKind::random;
    config.seed = 7;
    Bench bench (config);
    bench.settle ();
    for (std::uint64_t child = 10; child < 13; ++child)
      bench.join (child);
    auto &targets = runs.emplace_back (3);
    for (std::uint64_t newcomer = 20; newcomer < 320; ++newcomer) {
      bench.join (newcomer);
      ++targets[bench.said<message::Redirect> ()->target.id.low - 10];
    }
  }
  EXPECT_EQ (runs[0], runs[1]);
  for (const std::uint64_t count : runs[0])
    EXPECT_NEAR (static_cast<double> (count), 100, 30);
}

TEST (Join, SomeAreNeverOffered)
{
  Bench bench (6);
  const LinkId parent = bench.settle ();
  auto dead_end = bench.ask (10);
  dead_end.subtree.free = 0;
  bench.hear (incoming (10), dead_end);
  auto player = bench.ask (11);
  player.plain_player = true;
  bench.hear (incoming (11), player);
  auto hidden = bench.ask (12);
  hidden.self.address.clear ();
  bench.hear (incoming (12), hidden);
  bench.join (13); // will leave
  bench.join (14); // is avoided
  bench.join (15);
  bench.hear (incoming (13), message::Leaving{});
  bench.join (16); // takes the leaver's slot

  auto newcomer = bench.ask (20);
  newcomer.avoid = {id_of (14), id_of (16)};
  for (std::uint64_t i = 0; i < 6; ++i) {
    bench.hear (incoming (20 + i), newcomer);
    ASSERT_TRUE (bench.said<message::Redirect> ());
    EXPECT_EQ (bench.said<message::Redirect> ()->target, contact (15));
  }
  newcomer.avoid.push_back (id_of (15));
  bench.hear (incoming (30), newcomer);
  EXPECT_TRUE (bench.refused (incoming (30), RefuseReason::saturated));
  EXPECT_TRUE (bench.peer.parent_link () == parent);
}

// What the paper assumes: everyone has room. So in turn with those who have it.
TEST (Join, DeadEndsAreOfferedIfAskedFor)
{
  Config config = Bench::config_of (2);
  config.offer_dead_ends = true;
  config.add_policy = AddPolicyKind::round_robin;
  Bench bench (config);
  bench.settle ();
  auto dead_end = bench.ask (10);
  dead_end.children_max = dead_end.subtree.free = 0;
  bench.hear (incoming (10), dead_end);
  bench.join (11);
  std::set<std::uint64_t> offered;
  for (std::uint64_t newcomer : {12, 13}) {
    bench.join (newcomer);
    ASSERT_TRUE (bench.said<message::Redirect> ());
    offered.insert (bench.said<message::Redirect> ()->target.id.low);
  }
  EXPECT_EQ (offered, (std::set{id_of (10).low, id_of (11).low}));
}

TEST (Join, ADeadEndWithRoomAgainIsOffered)
{
  Bench bench (1);
  bench.settle ();
  auto dead_end = bench.ask (10);
  dead_end.subtree.free = 0;
  bench.hear (incoming (10), dead_end);
  EXPECT_TRUE ((
      bench.join (11), bench.refused (incoming (11), RefuseReason::saturated)));
  bench.hear (incoming (10), bench.alive (10));
  bench.join (12);
  EXPECT_TRUE (bench.said<message::Redirect> ());
}

TEST (Join, ALeaverLendsItsSlotOnce)
{
  Bench bench (1);
  bench.settle ();
  bench.join (10);
  bench.hear (incoming (10), message::Leaving{});
  EXPECT_TRUE ((bench.join (11), bench.said<message::Accept> ()));
  EXPECT_EQ (bench.peer.children ().size (), 2u);
  EXPECT_FALSE ((bench.join (12), bench.said<message::Accept> ()));
  // All of them say so, but nobody goes: not more than twice the capacity.
  bench.hear (incoming (11), message::Leaving{});
  EXPECT_FALSE ((bench.join (13), bench.said<message::Accept> ()));
  bench.pass (limits::leaving_max);
  EXPECT_TRUE (bench.peer.children ().empty ());
}

TEST (Join, TheSamePeerOnANewLinkTakesItsOwnPlace)
{
  Bench bench (1);
  bench.settle ();
  bench.join (10);
  bench.hear (incoming (99), bench.ask (10));
  EXPECT_TRUE (bench.did<action::StopFeeding> (incoming (10)));
  EXPECT_TRUE (bench.did<action::Close> (incoming (10)));
  EXPECT_TRUE (bench.did<action::StartFeeding> (incoming (99)));
  ASSERT_EQ (bench.peer.children ().size (), 1u);
  EXPECT_EQ (bench.peer.children ()[0].link, incoming (99));
}

TEST (Join, PlainPlayersAreServedWithoutHeartBeats)
{
  Bench bench (1);
  bench.settle ();
  message::Subscribe player;
  player.plain_player = true;
  player.subtree.peers = 7; // nonsense: it has nobody below
  bench.hear (incoming (10), player);
  EXPECT_TRUE (bench.said<message::Accept> (incoming (10)));
  EXPECT_TRUE (bench.did<action::StartFeeding> (incoming (10)));
  EXPECT_TRUE (bench.reported<action::Report::ChildAdded> ()->plain_player);
  EXPECT_EQ (bench.peer.subtree (), (Subtree{2, 1, 0}));

  bench.pass (60s);
  EXPECT_FALSE (bench.said<message::Alive> (incoming (10)));
  ASSERT_EQ (bench.peer.children ().size (), 1u);

  bench.hear (incoming (11), player);
  EXPECT_TRUE (bench.refused (incoming (11), RefuseReason::saturated));
  bench.close (incoming (10));
  EXPECT_TRUE (bench.did<action::StopFeeding> (incoming (10)));
  EXPECT_FALSE (bench.reported<action::Report::ChildRemoved> ()->failed);
  EXPECT_TRUE (bench.peer.children ().empty ());
}

TEST (Join, PlainPlayersAreRedirectedLikeOthers)
{
  Bench bench (1);
  bench.settle ();
  bench.join (10);
  message::Subscribe player;
  player.plain_player = true;
  bench.hear (incoming (11), player);
  ASSERT_TRUE (bench.said<message::Redirect> (incoming (11)));
  EXPECT_EQ (bench.said<message::Redirect> ()->target, contact (10));
}

TEST (Join, CapacityLoweredKeepsThoseWhoAreThere)
{
  Bench bench (3);
  bench.settle ();
  for (std::uint64_t child = 10; child < 13; ++child)
    bench.join (child);
  bench.peer.set_children_max (bench.now, 1);
  bench.drain ();
  EXPECT_EQ (bench.peer.children ().size (), 3u);
  EXPECT_EQ (bench.peer.subtree ().free, 9u);
  bench.hear (incoming (10), message::Unsubscribe{});
  bench.hear (incoming (11), message::Unsubscribe{});
  EXPECT_FALSE ((bench.join (20), bench.said<message::Accept> ()));
  bench.hear (incoming (12), message::Unsubscribe{});
  EXPECT_TRUE ((bench.join (21), bench.said<message::Accept> ()));
}

TEST (Join, UnsubscribeGivesTheSlotBack)
{
  Bench bench (1);
  bench.settle ();
  bench.join (10);
  bench.hear (incoming (10), message::Unsubscribe{});
  EXPECT_TRUE (bench.did<action::StopFeeding> (incoming (10)));
  EXPECT_TRUE (bench.did<action::Close> (incoming (10)));
  EXPECT_FALSE (bench.reported<action::Report::ChildRemoved> ()->failed);
  EXPECT_TRUE ((bench.join (11), bench.said<message::Accept> ()));
}

// It takes nobody in, but its children do.
TEST (Join, WhoLooksForAnotherParentStillSendsOn)
{
  Bench bench (1);
  bench.settle_deep ();
  const LinkId parent = *bench.peer.parent_link ();
  EXPECT_TRUE ((bench.join (10), bench.said<message::Accept> ()));
  bench.hear (parent, message::Redirect{contact (7)});
  ASSERT_EQ (bench.peer.state (), PeerState::receiving) << "by the old one";
  bench.join (20);
  ASSERT_TRUE (bench.said<message::Redirect> (incoming (20)));
  EXPECT_EQ (bench.said<message::Redirect> ()->target, contact (10));
  // With a free slot it is worth asking again soon.
  bench.peer.set_children_max (bench.now, 2);
  bench.drain ();
  bench.join (21);
  EXPECT_TRUE (bench.refused (incoming (21), RefuseReason::not_receiving));
}

} // namespace
