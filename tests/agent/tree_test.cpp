// Peers find their place, and the stream comes through.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include "node.hpp"

namespace spreadit::test {

namespace {

NodeOptions
with_room_for (unsigned children_max)
{
  NodeOptions options;
  options.children_max = children_max;
  return options;
}

bool
joins (const Node &peer, const Node &parent)
{
  return eventually ([&] { return peer.is_child_of (parent); });
}

} // namespace

TEST (Tree, APeerJoinsTheSourceAndGetsTheStream)
{
  const auto source = Node::source ();
  const auto peer = Node::peer (*source);
  ASSERT_TRUE (joins (*peer, *source));
  EXPECT_EQ (peer->sdp (), stream_sdp);
  source->publish_bursts (50);
  EXPECT_TRUE (source->reaches (*peer));
  EXPECT_EQ (source->faults_of (*peer), "");
}

// The paper's Fig. 5: a newcomer is bumped one level down.
TEST (Tree, ASaturatedSourceSendsANewcomerToItsChild)
{
  const auto source = Node::source (with_room_for (1));
  const auto first = Node::peer (*source);
  ASSERT_TRUE (joins (*first, *source));
  const auto second = Node::peer (*source);
  ASSERT_TRUE (joins (*second, *first));
  const auto stats = second->stats ();
  EXPECT_EQ (stats.level, 2u);
  ASSERT_EQ (stats.root_path.size (), 2u);
  EXPECT_EQ (stats.root_path[0].id, first->id ());
  EXPECT_EQ (stats.root_path[1].id, source->id ());
  // Nobody counts the search as a change of parents.
  EXPECT_EQ (second->count ("parent changed"), 1u);
  EXPECT_EQ (stats.switches, 0u);
}

// RFC 3550 translator: not a byte differs at any level, reports included.
TEST (Tree, EveryLevelGetsTheSamePackets)
{
  const auto source = Node::source (with_room_for (1));
  const auto levels = chain (*source, 3);
  source->publish_bursts (100);
  for (const auto &node : levels)
    ASSERT_TRUE (source->reaches (*node));
  for (const auto &node : levels) {
    EXPECT_TRUE (
        eventually ([&] { return node->packets () == source->packets (); }));
    EXPECT_EQ (source->faults_of (*node), "");
  }
}

TEST (Tree, TheEndOfTheStreamReachesEverybody)
{
  const auto source = Node::source (with_room_for (1));
  const auto levels = chain (*source, 3);
  source->publish_bursts (10);
  for (const auto &node : levels)
    ASSERT_TRUE (source->reaches (*node));
  EXPECT_TRUE (source->leave_and_wait ());
  for (const auto &node : levels) {
    EXPECT_TRUE (eventually ([&] { return node->count ("ended") == 1; }));
    EXPECT_EQ (node->count ("failed"), 0u);
    EXPECT_TRUE (
        eventually ([&] { return node->state () == core::PeerState::idle; }));
  }
}

TEST (Tree, AnIpv6ChainWorksLikeAnyOther)
{
  auto options = with_room_for (1);
  options.host = "::1";
  const auto source = Node::source (options);
  const auto levels = chain (*source, 2, options);
  EXPECT_EQ (levels[1]->parent_address (),
      "[::1]:" + std::to_string (levels[0]->port ()));
  source->publish_bursts (50);
  for (const auto &node : levels) {
    ASSERT_TRUE (source->reaches (*node));
    EXPECT_EQ (source->faults_of (*node), "");
  }
}

// Bound to every interface, both families are served; who asks by IPv4 gets
// the packets by IPv4.
TEST (Tree, AWildcardSourceServesBothFamilies)
{
  NodeOptions everywhere;
  everywhere.host = "0.0.0.0";
  const auto source = Node::source (everywhere);
  const auto four = Node::peer (uri_of ("127.0.0.1", source->port ()));
  NodeOptions on_ipv6;
  on_ipv6.host = "::1";
  const auto six = Node::peer (uri_of ("::1", source->port ()), on_ipv6);
  for (const auto *peer : {four.get (), six.get ()}) {
    ASSERT_TRUE (eventually ([&] { return peer->is_receiving (); }));
    source->publish_bursts (10);
    EXPECT_TRUE (source->reaches (*peer));
    EXPECT_EQ (source->faults_of (*peer), "");
  }
}

// What a peer listens on for its children has nothing to do with the way to its
// parent: here not even the family.
TEST (Tree, AParentMayBeReachedAnotherWayThanTheChildren)
{
  NodeOptions on_ipv6;
  on_ipv6.host = "::1";
  const auto source = Node::source (on_ipv6);
  const auto peer = Node::peer (*source); // on 127.0.0.1
  ASSERT_TRUE (joins (*peer, *source));
  source->publish_bursts (10);
  EXPECT_TRUE (source->reaches (*peer));
}

// A host with several addresses sends from the one that is next to the child,
// and says so.
TEST (Tree, AnAddressThatNoPacketComesFromIsNoHindrance)
{
  const auto source = Node::source (with_room_for (1));
  NodeOptions beside;
  beside.host = "127.0.0.2";
  const auto levels = chain (*source, 2, beside);
  source->publish_bursts (10);
  EXPECT_TRUE (source->reaches (*levels[1]));
  EXPECT_EQ (source->faults_of (*levels[1]), "");
}

// Bound everywhere, a peer is where its parent sees it.
TEST (Tree, APeerFindsOutItsAddress)
{
  NodeOptions everywhere;
  everywhere.host = "0.0.0.0";
  const auto source = Node::source (with_room_for (1));
  const auto first = Node::peer (*source, everywhere);
  ASSERT_TRUE (eventually ([&] { return first->is_receiving (); }));
  EXPECT_EQ (first->stats ().self.address,
      "127.0.0.1:" + std::to_string (first->port ()));
  const auto second = Node::peer (*source);
  EXPECT_TRUE (eventually ([&] {
    return second->is_receiving () &&
           second->parent_address () == first->stats ().self.address;
  }));
}

TEST (Tree, TwoStreamsShareOnePort)
{
  const auto first = Node::source ();
  NodeOptions beside;
  beside.port = first->port ();
  beside.path = "/other";
  const auto second = Node::source (beside);
  ASSERT_TRUE (second);
  EXPECT_EQ (second->port (), first->port ());
  const auto of_first = Node::peer (*first);
  const auto of_second = Node::peer (*second);
  ASSERT_TRUE (joins (*of_first, *first));
  ASSERT_TRUE (joins (*of_second, *second));
  first->publish_bursts (20);
  second->publish_bursts (20);
  EXPECT_TRUE (first->reaches (*of_first));
  EXPECT_TRUE (second->reaches (*of_second));
  EXPECT_EQ (first->faults_of (*of_first), "");
  EXPECT_EQ (second->faults_of (*of_second), "");
}

// "/live" is a folder of "/live/hd", and not of "/livestream".
TEST (Tree, TheLongestPathWins)
{
  const auto outer = Node::source ();
  NodeOptions nested;
  nested.port = outer->port ();
  nested.path = "/live/hd";
  const auto inner = Node::source (nested);
  const auto of_inner = Node::peer (*inner);
  const auto of_outer = Node::peer (*outer);
  const auto of_neither =
      Node::peer (uri_of ("127.0.0.1", outer->port (), "/livestream"));
  EXPECT_TRUE (joins (*of_inner, *inner));
  EXPECT_TRUE (joins (*of_outer, *outer));
  EXPECT_EQ (inner->stats ().children.size (), 1u);
  EXPECT_EQ (outer->stats ().children.size (), 1u);
  ASSERT_TRUE (eventually ([&] { return !of_neither->fails ().empty (); }));
  EXPECT_EQ (of_neither->fails ()[0].reason, core::FailReason::no_stream);
}

TEST (Tree, TheSamePathTwiceOnOnePortIsRefusedInClearWords)
{
  const auto first = Node::source ();
  NodeOptions same;
  same.port = first->port ();
  std::string why;
  EXPECT_FALSE (Node::source (same, &why));
  EXPECT_EQ (why, "this program already has a stream at 127.0.0.1:" +
                      std::to_string (first->port ()) + "/live");
  // Once it is gone there is room again.
  first->crash ();
  EXPECT_TRUE (Node::source (same, &why)) << why;
}

TEST (Tree, APortInUseIsToldInClearWords)
{
  GError *error = nullptr;
  const Owned<GSocket> other (g_socket_new (G_SOCKET_FAMILY_IPV4,
      G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, &error));
  const Owned<GSocketAddress> any (
      g_inet_socket_address_new_from_string ("127.0.0.1", 0));
  ASSERT_TRUE (g_socket_bind (other.get (), any.get (), FALSE, &error));
  ASSERT_TRUE (g_socket_listen (other.get (), &error));
  const Owned<GSocketAddress> bound (
      g_socket_get_local_address (other.get (), nullptr));
  NodeOptions taken;
  taken.port =
      g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound.get ()));
  std::string why;
  EXPECT_FALSE (Node::source (taken, &why));
  EXPECT_EQ (why, "port in use: something else listens on 127.0.0.1:" +
                      std::to_string (taken.port) +
                      "; stop it or choose another port");
}

TEST (Tree, AHostNameIsNoAddressToListenOn)
{
  NodeOptions named;
  named.host = "nosuchhost.invalid";
  std::string why;
  EXPECT_FALSE (Node::source (named, &why));
  EXPECT_EQ (why, "cannot listen on 'nosuchhost.invalid': give a numeric "
                  "address of this host, such as 0.0.0.0:8554");
}

TEST (Tree, WhoLeftMayComeBack)
{
  const auto source = Node::source ();
  const auto peer = Node::peer (*source);
  ASSERT_TRUE (joins (*peer, *source));
  for (unsigned round = 1; round <= 3; ++round) {
    peer->leave ();
    ASSERT_TRUE (eventually ([&] { return peer->count ("left") == round; }));
    ASSERT_TRUE (
        eventually ([&] { return source->count ("child removed") == round; }));
    peer->subscribe ();
    ASSERT_TRUE (joins (*peer, *source));
  }
  EXPECT_EQ (source->count ("child failed"), 0u);
  source->publish_bursts (5);
  EXPECT_TRUE (source->reaches (*peer));
}

TEST (Tree, WhoHasNoRoomIsNeverOffered)
{
  const auto source = Node::source (with_room_for (1));
  const auto leaf = Node::peer (*source, with_room_for (0));
  ASSERT_TRUE (joins (*leaf, *source));
  auto hasty = with_room_for (3);
  hasty.tries_max = 2;
  const auto late = Node::peer (*source, hasty);
  ASSERT_TRUE (eventually ([&] { return !late->fails ().empty (); }));
  EXPECT_EQ (late->fails ()[0].reason, core::FailReason::no_room);
  EXPECT_EQ (late->fails ()[0].tries, 2u);
  EXPECT_TRUE (leaf->stats ().children.empty ());
}

TEST (Tree, ASourceWithoutRoomAcceptsNobody)
{
  const auto source = Node::source (with_room_for (0));
  auto hasty = with_room_for (3);
  hasty.tries_max = 2;
  const auto peer = Node::peer (*source, hasty);
  ASSERT_TRUE (eventually ([&] { return !peer->fails ().empty (); }));
  EXPECT_EQ (peer->fails ()[0].reason, core::FailReason::no_room);
  // At run time it may change its mind.
  source->set_children_max (1);
  const auto next = Node::peer (*source, hasty);
  EXPECT_TRUE (joins (*next, *source));
}

// The capacity: floor (upload x 0.9 / stream rate).
TEST (Tree, UploadBandwidthDecidesHowManyChildren)
{
  constexpr double stream_bps = 8 * 100 * 3100; // about: see Generator
  const auto fit_for = [] (double children) {
    return static_cast<std::uint64_t> (children * stream_bps / 0.9);
  };
  const auto source = Node::source (with_room_for (1));
  source->start_publishing ();
  const auto room = [&] { return source->stats ().subtree.free; };
  EXPECT_EQ (room (), 1u);
  source->set_upload_bps (fit_for (4.5));
  EXPECT_TRUE (eventually ([&] { return room () == 4; })) << room ();
  source->set_upload_bps (fit_for (2.5));
  EXPECT_TRUE (eventually ([&] { return room () == 2; })) << room ();
  // Who wants no children gets none, whatever the bandwidth.
  source->set_children_max (0);
  EXPECT_EQ (room (), 0u);
  source->set_upload_bps (0);
  source->set_children_max (3);
  EXPECT_EQ (room (), 3u);
}

// A source that pauses will need its rate again: its capacity stays.
TEST (Tree, APauseOfTheStreamDoesNotMakeRoom)
{
  auto options = with_room_for (1);
  options.upload_bps = 6'200'000; // 2.25 times the stream
  const auto source = Node::source (options);
  source->start_publishing ();
  const auto room = [&] { return source->stats ().subtree.free; };
  ASSERT_TRUE (eventually ([&] { return room () == 2; })) << room ();
  source->stop_publishing ();
  EXPECT_TRUE (steadily ([&] { return room () == 2; }, 3s)) << room ();
}

} // namespace spreadit::test
