// Whoever holds a connection and does nothing with it loses it
// (agent/limits.hpp has the times; here they are shorter where they can be).
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include "player.hpp"

namespace spreadit::test {

namespace {

using End = RawClient::End;

NodeOptions
impatient ()
{
  NodeOptions options;
  options.children_max = 1;
  options.patience = {500ms, 500ms, 1s};
  return options;
}

bool
is_empty (const Node &node)
{
  return node.stats ().children.empty ();
}

} // namespace

// All at once, for these ten seconds are the real ones.
TEST (Idlers, WhoNamesNoStreamIsSentAway)
{
  const auto source = Node::source ();
  const auto before = Clock::now ();
  RawClient silent (source->port ());
  RawClient asks_for_nothing (source->port ());
  EXPECT_EQ (asks_for_nothing.ask ("OPTIONS", "*").status, 200u);
  RawClient slow (source->port ()); // "slow loris"
  const std::string request = "DESCRIBE " + source->url () + " RTSP/1.0\r\n";
  std::size_t sent = 0;
  RawClient speaks_with_another (source->port ());
  EXPECT_EQ (speaks_with_another
                 .ask ("DESCRIBE", "rtsp://127.0.0.1:" +
                                       std::to_string (source->port ()) + "/x")
                 .status,
      404u);
  while (slow.wait_closed (500ms) == End::none && sent < request.size ())
    slow.send (std::string_view (request).substr (sent++, 1));
  EXPECT_NE (slow.wait_closed (), End::none);
  const auto lasted = Clock::now () - before;
  EXPECT_GE (lasted, agent::limits::unused_connection_max);
  EXPECT_LT (lasted, agent::limits::unused_connection_max + 5s);
  for (RawClient *other : {&silent, &asks_for_nothing, &speaks_with_another})
    EXPECT_NE (other->wait_closed (), End::none);
}

TEST (Idlers, AJoinThatIsNeverCompleted)
{
  const auto source = Node::source (impatient ());
  const auto requests = flight (source->url (), subscribe_of (1));
  RawClient one (source->port ()), two (source->port ());
  one.send (to_text ({requests[0]}));
  two.send (to_text ({requests[0], requests[1]}));
  EXPECT_EQ (one.wait_closed (), End::fin);
  EXPECT_EQ (two.wait_closed (), End::fin);
  EXPECT_EQ (source->count ("child added"), 0u);
}

// It was sent on and stays; more questions do not help.
TEST (Idlers, WhoWasSentOnHasToGo)
{
  const auto source = Node::source (impatient ());
  const auto child = Node::peer (*source);
  ASSERT_TRUE (eventually ([&] { return child->is_child_of (*source); }));
  Player player (*source);
  EXPECT_EQ (player.describe ().status, 302u);
  RawClient peer (source->port ());
  peer.send (to_text (flight (source->url (), subscribe_of (1))));
  EXPECT_EQ (peer.receive_response ().status, 302u);
  const auto deadline = Clock::now () + patience;
  while (
      player.rtsp.wait_closed (50ms) == End::none && Clock::now () < deadline)
    player.rtsp.send (rtsp::Request{"DESCRIBE", player.url, {}, {}});
  EXPECT_NE (player.rtsp.wait_closed (0ms), End::none);
  EXPECT_EQ (peer.wait_closed (), End::fin);
  EXPECT_TRUE (child->is_child_of (*source));
}

// A peer looks after its guests as a source does.
TEST (Idlers, APeerSendsThemAwayToo)
{
  const auto source = Node::source ();
  const auto peer = Node::peer (*source, impatient ());
  ASSERT_TRUE (eventually ([&] { return peer->is_child_of (*source); }));
  RawClient join (peer->port ());
  join.send (to_text ({flight (peer->url (), subscribe_of (1))[0]}));
  EXPECT_EQ (join.wait_closed (), End::fin);
  // And again, when nobody was there for a while.
  Player player (*peer);
  ASSERT_EQ (player.describe ().status, 200u);
  EXPECT_EQ (player.rtsp.wait_closed (), End::fin);
  EXPECT_TRUE (peer->is_child_of (*source));
}

// A place is kept for a while for whoever has described.
TEST (Idlers, APlayerThatNeverPlays)
{
  const auto source = Node::source (impatient ());
  Player described (*source);
  ASSERT_EQ (described.describe ().status, 200u);
  EXPECT_FALSE (is_empty (*source));
  EXPECT_EQ (described.rtsp.wait_closed (), End::fin);
  EXPECT_TRUE (is_empty (*source));

  Player set_up (*source);
  ASSERT_EQ (set_up.describe ().status, 200u);
  ASSERT_EQ (set_up.setup_tcp (0).status, 200u);
  EXPECT_EQ (set_up.rtsp.wait_closed (), End::fin);
  EXPECT_TRUE (is_empty (*source));
}

TEST (Idlers, APlayerOverUdpThatIsSilent)
{
  const auto source = Node::source (impatient ());
  source->start_publishing ();
  UdpPair ports = UdpPair::open ();
  Player player (*source);
  ASSERT_EQ (player.describe ().status, 200u);
  const auto setup = player.setup_udp (0, ports);
  ASSERT_EQ (setup.status, 200u);
  EXPECT_NE (rtsp::find (setup.headers, "Session")->find (";timeout=1"),
      std::string::npos);
  ASSERT_EQ (player.play ().status, 200u);
  const auto before = Clock::now ();
  EXPECT_EQ (player.rtsp.wait_closed (), End::fin);
  EXPECT_GE (Clock::now () - before, 1500ms);
  EXPECT_TRUE (is_empty (*source));
}

// RFC 2326 leaves open what counts as a sign of life: requests do, and RTCP.
TEST (Idlers, APlayerOverUdpThatSaysSomething)
{
  for (const bool by_rtcp : {false, true}) {
    const auto source = Node::source (impatient ());
    source->start_publishing ();
    UdpPair ports = UdpPair::open ();
    Player player (*source);
    ASSERT_EQ (player.describe ().status, 200u);
    const auto setup = player.setup_udp (0, ports);
    const auto transport = *rtsp::find (setup.headers, "Transport");
    const auto at = transport.find ("server_port=");
    ASSERT_NE (at, std::string::npos);
    const auto rtcp_port =
        static_cast<std::uint16_t> (std::stoi (transport.substr (at + 12)) + 1);
    ASSERT_EQ (player.play ().status, 200u);
    for (const auto until = Clock::now () + 4s; Clock::now () < until;) {
      if (by_rtcp)
        ports.rtcp.send (receiver_report (), rtcp_port);
      else
        EXPECT_EQ (player.ask ("GET_PARAMETER").status, 200u);
      ASSERT_EQ (player.rtsp.wait_closed (300ms), End::none);
    }
    EXPECT_FALSE (is_empty (*source));
  }
}

// The connection itself tells that somebody is there.
TEST (Idlers, APlayerOverTcpMayBeSilent)
{
  const auto source = Node::source (impatient ());
  source->start_publishing ();
  Player player (*source);
  ASSERT_TRUE (player.plays_over_tcp ());
  EXPECT_EQ (player.rtsp.wait_closed (4s), End::none);
  EXPECT_FALSE (is_empty (*source));
}

} // namespace spreadit::test
