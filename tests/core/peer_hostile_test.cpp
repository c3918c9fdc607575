// What strangers say is only input.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <limits>

#include "bench.hpp"
#include "core/rng.hpp"

using namespace spreadit::core;

namespace {

constexpr auto huge = std::numeric_limits<std::uint32_t>::max ();

TEST (Hostile, StrangersAreIgnored)
{
  Bench bench;
  bench.settle_deep ();
  const Message messages[] = {message::Accept{contact (9), {}, {}},
      message::Refuse{}, message::Redirect{contact (9), {}},
      message::Unsubscribe{}, message::Leaving{}, bench.alive (9),
      message::Verify{id_of (9), 1}, message::Verified{1, true},
      message::Ended{}};
  for (const LinkId link : {incoming (50), LinkId{50}})
    for (const Message &message : messages) {
      bench.hear (link, message);
      EXPECT_TRUE (bench.actions.empty ()) << message.index ();
    }
  EXPECT_EQ (bench.peer.parent (), contact (4));
}

TEST (Hostile, ChildrenCannotSpeakLikeAParent)
{
  Bench bench;
  bench.settle_deep ();
  const LinkId child = bench.join (10);
  bench.pass (1s);
  for (const Message &message : {Message{message::Accept{contact (9), {}, {}}},
           Message{message::Redirect{contact (9), RedirectScope::subtree}},
           Message{message::Verified{1, true}}, Message{message::Ended{}},
           Message{message::Refuse{}}}) {
    bench.hear (child, message);
    EXPECT_TRUE (bench.actions.empty ()) << message.index ();
  }
}

TEST (Hostile, AParentCannotSubscribeOnOurLink)
{
  Bench bench;
  const LinkId parent = bench.settle_deep ();
  bench.hear (parent, bench.ask (9));
  EXPECT_TRUE (bench.actions.empty ());
}

TEST (Hostile, NumbersAreCutToReason)
{
  Bench bench (3);
  bench.settle ();
  auto ask = bench.ask (10);
  ask.children_max = huge;
  ask.subtree = {0, huge, huge};
  bench.hear (incoming (10), ask);
  auto alive = bench.alive (10);
  ask = bench.ask (11);
  bench.hear (incoming (11), ask);
  alive = bench.alive (11);
  alive.children_max = huge;
  alive.subtree = {huge, huge, huge};
  bench.hear (incoming (11), alive);

  const auto children = bench.peer.children ();
  EXPECT_EQ (children[0].children_max, limits::children_max_max);
  EXPECT_EQ (children[0].subtree.peers, 1u);
  EXPECT_EQ (children[1].subtree.peers, limits::subtree_peers_max);
  const Subtree sum = bench.peer.subtree ();
  EXPECT_EQ (sum.peers, limits::subtree_peers_max);
  EXPECT_EQ (sum.free, limits::subtree_peers_max);
  EXPECT_EQ (sum.levels, limits::levels_max + 1);
}

TEST (Hostile, ANamelessPeerIsMalformed)
{
  Bench bench;
  bench.settle ();
  bench.hear (incoming (10), message::Subscribe{});
  EXPECT_TRUE (bench.refused (incoming (10), RefuseReason::malformed));
}

TEST (Hostile, AskingTwiceOnOneLinkIsMalformed)
{
  Bench bench;
  const LinkId parent = bench.settle_deep ();
  bench.join (10);
  bench.join (10);
  EXPECT_TRUE (bench.refused (incoming (10), RefuseReason::malformed));
  EXPECT_EQ (bench.peer.children ().size (), 1u);

  bench.join (11, 5);
  const std::uint64_t token = bench.said<message::Verify> ()->token;
  bench.join (11, 1);
  EXPECT_TRUE (bench.refused (incoming (11), RefuseReason::malformed));
  bench.hear (parent, message::Verified{token, true});
  EXPECT_TRUE (bench.actions.empty ());
}

TEST (Hostile, APlayerMayAskTwice)
{
  Bench bench (1);
  bench.settle ();
  message::Subscribe player;
  player.plain_player = true;
  bench.hear (incoming (10), player);
  bench.hear (incoming (10), player);
  EXPECT_TRUE (bench.said<message::Accept> (incoming (10)));
  EXPECT_FALSE (bench.did<action::StartFeeding> (incoming (10)));
  EXPECT_EQ (bench.peer.children ().size (), 1u);
}

TEST (Hostile, AliveUnderAnotherNameChangesNothing)
{
  Bench bench;
  const LinkId parent = bench.settle_deep ();
  const LinkId child = bench.join (10);
  auto alive = bench.alive (66, {contact (67)});
  alive.receiving = false;
  bench.hear (parent, alive);
  EXPECT_EQ (bench.peer.state (), PeerState::receiving);
  EXPECT_EQ (bench.peer.level (), 3u);
  alive.subtree.peers = 99;
  bench.hear (child, alive);
  EXPECT_EQ (bench.peer.children ()[0].contact, contact (10));
  EXPECT_EQ (bench.peer.subtree ().peers, 2u);
}

TEST (Hostile, ATooDeepTreeIsLeftAndNotOffered)
{
  Bench bench;
  const LinkId parent = bench.settle_deep ();
  std::vector<Contact> path;
  for (std::uint64_t i = 0; i + 1 < limits::levels_max; ++i)
    path.push_back (contact (100 + i));
  bench.hear (parent, bench.alive (4, RootPath (path)));
  EXPECT_EQ (bench.peer.level (), limits::levels_max);
  EXPECT_TRUE ((
      bench.join (10), bench.refused (incoming (10), RefuseReason::saturated)));
  path.push_back (contact (200));
  bench.hear (parent, bench.alive (4, RootPath (path)));
  EXPECT_TRUE (bench.did<action::Close> (parent));
}

TEST (Hostile, LongAddressesAreNotPassedOn)
{
  Bench bench (1);
  bench.settle ();
  auto ask = bench.ask (10);
  ask.self.address.assign (100'000, 'x');
  bench.hear (incoming (10), ask);
  bench.join (11);
  EXPECT_FALSE (bench.said<message::Redirect> ());
  ASSERT_EQ (bench.peer.children ().size (), 1u);
  EXPECT_LE (
      bench.peer.children ()[0].contact.address.size (), limits::address_max);
}

// Anything on any link in any order: nothing asserts, nothing grows for ever.
TEST (Hostile, NoiseIsSurvived)
{
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE (seed);
    Rng rng (seed);
    Config config = Bench::config_of (static_cast<unsigned> (rng.below (4)));
    config.add_policy = static_cast<AddPolicyKind> (rng.below (6));
    config.second_add_policy = static_cast<AddPolicyKind> (rng.below (4));
    config.uplink_bps = rng.below (3);
    config.path = NetworkPath{{1}, {}};
    Bench bench (config);
    if (rng.below (3) == 0)
      bench.become_source ();
    else
      bench.subscribe ();
    const auto somebody = [&] { return contact (rng.below (8)); };
    const auto list = [&] {
      std::vector<Contact> contacts;
      for (auto i = rng.below (4); i > 0; --i)
        contacts.push_back (somebody ());
      return contacts;
    };
    const auto noise = [&] () -> Message {
      switch (rng.below (12)) {
      case 0: {
        message::Subscribe ask;
        ask.self = somebody ();
        ask.subtree.peers = static_cast<std::uint32_t> (rng.below (3));
        ask.subtree.free = static_cast<std::uint32_t> (rng.below (3));
        ask.plain_player = rng.below (4) == 0;
        ask.children_max = ask.subtree.free;
        ask.uplink_bps = rng.below (4);
        if (rng.below (2) == 0)
          ask.path = NetworkPath{{rng.below (3)}, {}};
        if (rng.below (2) == 0) {
          ask.reason = JoinReason::parent_lost;
          ask.lost = id_of (rng.below (8));
        }
        return ask;
      }
      case 1:
        return message::Accept{somebody (), RootPath (list ()), list ()};
      case 2:
        return message::Refuse{static_cast<RefuseReason> (rng.below (2)), {}};
      case 3:
        return message::Redirect{
            somebody (), static_cast<RedirectScope> (rng.below (2))};
      case 4:
        return message::Unsubscribe{};
      case 5:
        return message::Leaving{};
      case 6: {
        auto alive = bench.alive (rng.below (8), RootPath (list ()));
        alive.receiving = rng.below (3) != 0;
        return alive;
      }
      case 7:
        return message::Verify{id_of (rng.below (8)), rng.next ()};
      case 8:
        return message::Verified{rng.next (), true};
      case 9:
        return message::Yield{id_of (rng.below (8))};
      case 10:
        return message::Located{{{rng.below (3), rng.below (3)}, {}}};
      default:
        if (rng.below (10) == 0)
          return message::Ended{};
        return message::Probe{};
      }
    };
    std::uint64_t last_link = 1;
    for (int step = 0; step < 2000; ++step) {
      if (const auto *connect = bench.find<action::Connect> ())
        last_link = static_cast<std::uint64_t> (connect->link);
      const LinkId link = rng.below (2) == 0
                              ? incoming (rng.below (12))
                              : LinkId{last_link - rng.below (2)};
      switch (rng.below (8)) {
      case 0:
        bench.open (link);
        break;
      case 1:
        bench.pass (Duration (rng.below (1'000'000'000)), false);
        break;
      case 2:
        bench.packet (link);
        break;
      default:
        bench.hear (link, noise ());
      }
      ASSERT_LE (bench.peer.children ().size (), 8u);
      if (bench.peer.state () == PeerState::failed ||
          bench.peer.state () == PeerState::idle)
        bench.subscribe ();
    }
  }
}

} // namespace
