// Whether others can connect to a child: the parent dials back, and says so.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include "agent/dial_back.hpp"
#include "agent/own_address.hpp"
#include "node.hpp"
#include "raw_server.hpp"
#include "rtsp/writer.hpp"

namespace spreadit::test {

namespace {

using agent::DialBack;
using core::Reach;
using media::Address;

NodeOptions
with_room_for (unsigned children_max)
{
  NodeOptions options;
  options.children_max = children_max;
  return options;
}

// Says that it is there, wherever it listens.
NodeOptions
advertising (const std::string &address)
{
  NodeOptions options = with_room_for (3);
  options.advertise = address;
  return options;
}

Reach
reach_of_first_child (const Node &parent)
{
  const auto children = parent.stats ().children;
  return children.empty () ? Reach::unknown : children[0].info.reach;
}

// Answers each request with `how`, to the end.
RawServer::Script
answering (std::function<rtsp::Response (const rtsp::Request &)> how)
{
  return [how = std::move (how)] (RawClient &asker) {
    for (;;) {
      const auto request = asker.receive_request ();
      if (request.method.empty ())
        return;
      asker.send (how (request), request);
    }
  };
}

rtsp::Response
identified_as (const std::string &id)
{
  auto answer = rtsp::make_response (200);
  rtsp::set (answer.headers, rtsp::header::peer,
      "id=" + id + "; address=\"127.0.0.1:9\"; version=1");
  return answer;
}

} // namespace

TEST (DialBack, WhoListensCanBeReachedAndIsToldSo)
{
  const auto source = Node::source ();
  const auto peer = Node::peer (*source, with_room_for (3));
  ASSERT_TRUE (eventually ([&] { return peer->count ("reachable") == 1; }));
  EXPECT_EQ (peer->stats ().reachable, Reach::yes);
  EXPECT_EQ (reach_of_first_child (*source), Reach::yes);
  EXPECT_EQ (peer->count ("unreachable"), 0u);
}

TEST (DialBack, WhoFeedsNobodyIsNotTried)
{
  const RawServer door (answering (
      [] (const auto &) { return identified_as (std::string (32, '1')); }));
  const auto source = Node::source ();
  auto options = advertising (door.address ());
  options.children_max = 0;
  const auto leaf = Node::peer (*source, options);
  options.children_max = 3;
  const auto other = Node::peer (*source, options);
  ASSERT_TRUE (eventually ([&] { return other->count ("unreachable") == 1; }));
  ASSERT_TRUE (eventually ([&] { return leaf->is_receiving (); }));
  EXPECT_EQ (door.connections (), 1u);
  EXPECT_EQ (leaf->stats ().reachable, Reach::unknown);
}

// Nobody listens at the address it gives.
TEST (DialBack, WhoRefusesIsOfferedToNobody)
{
  const auto source = Node::source (with_room_for (2));
  const auto walled = Node::peer (
      *source, advertising ("127.0.0.1:" + std::to_string (free_port ())));
  ASSERT_TRUE (eventually ([&] { return walled->count ("unreachable") == 1; }));
  const auto good = Node::peer (*source, with_room_for (3));
  ASSERT_TRUE (eventually ([&] { return good->count ("reachable") == 1; }));
  // By turns, as this policy would have it, every other one went to the first.
  for (int i = 0; i < 3; ++i) {
    const auto newcomer = Node::peer (*source, with_room_for (0));
    ASSERT_TRUE (eventually ([&] { return newcomer->is_receiving (); }));
    EXPECT_TRUE (newcomer->is_child_of (*good));
    EXPECT_LT (*newcomer->stats ().discover, 2s) << "lost no connect timeout";
  }
  EXPECT_TRUE (walled->is_child_of (*source)) << "it watches all the same";
}

// Somebody is there, and says nothing: found out in bounded time.
TEST (DialBack, WhoSwallowsCannotBeReached)
{
  const RawServer silent ([] (RawClient &asker) { asker.wait_closed (); });
  const auto source = Node::source ();
  const auto before = Clock::now ();
  const auto peer = Node::peer (*source, advertising (silent.address ()));
  ASSERT_TRUE (eventually ([&] { return peer->is_receiving (); }));
  EXPECT_EQ (peer->stats ().reachable, Reach::unknown)
      << "the join has not waited for it";
  ASSERT_TRUE (eventually ([&] { return peer->count ("unreachable") == 1; }));
  EXPECT_GE (Clock::now () - before, agent::limits::dial_back_max);
  EXPECT_EQ (silent.connections (), 1u);
}

// A lie, or a mistake: it gives the address of another one.
TEST (DialBack, WhoAnswersAsSomebodyElseIsNotIt)
{
  const auto source = Node::source ();
  const auto good = Node::peer (*source, with_room_for (3));
  ASSERT_TRUE (eventually ([&] { return good->count ("reachable") == 1; }));
  const auto liar = Node::peer (
      *source, advertising ("127.0.0.1:" + std::to_string (good->port ())));
  EXPECT_TRUE (eventually ([&] { return liar->count ("unreachable") == 1; }));
  EXPECT_EQ (good->stats ().reachable, Reach::yes);
}

TEST (DialBack, AnythingButAPeersAnswerIsNone)
{
  const auto plain = [] (unsigned status) {
    return [status] (
               const rtsp::Request &) { return rtsp::make_response (status); };
  };
  const std::function<rtsp::Response (const rtsp::Request &)> answers[] = {
      plain (200), plain (404), plain (551),
      [] (const auto &) { return identified_as ("0"); },
      [] (const auto &) { return identified_as (std::string (32, '2')); },
      [] (const auto &) {
        auto twice = identified_as (std::string (32, '2'));
        twice.headers.push_back (twice.headers.front ());
        return twice;
      }};
  const auto source = Node::source (with_room_for (20));
  for (const auto &answer : answers) {
    const RawServer host (answering (answer));
    const auto peer = Node::peer (*source, advertising (host.address ()));
    EXPECT_TRUE (eventually ([&] { return peer->count ("unreachable") == 1; }));
  }
  for (const auto *text : {"HTTP/1.1 400 Bad Request\r\n\r\n", "", "RTSP/1.0",
           "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"}) {
    SCOPED_TRACE (text);
    const RawServer host ([text] (RawClient &asker) {
      (void)asker.receive_request ();
      asker.send (text);
    });
    const auto peer = Node::peer (*source, advertising (host.address ()));
    EXPECT_TRUE (eventually ([&] { return peer->count ("unreachable") == 1; }));
  }
}

TEST (DialBack, TakesNames)
{
  const auto source = Node::source ();
  auto options = with_room_for (3);
  options.port = free_port ();
  options.advertise = "localhost:" + std::to_string (options.port);
  const auto peer = Node::peer (*source, options);
  EXPECT_TRUE (eventually ([&] { return peer->count ("reachable") == 1; }));
  const auto nowhere =
      Node::peer (*source, advertising ("nosuchhost.invalid:8554"));
  EXPECT_TRUE (
      eventually ([&] { return nowhere->count ("unreachable") == 1; }));
}

// OPTIONS of a peer is answered with who it is, that of a player without.
TEST (DialBack, APeerSaysWhoItIsToPeersOnly)
{
  const auto source = Node::source ();
  RawClient client (source->port ());
  const auto answer = client.ask ("OPTIONS", source->url (),
      {{std::string (rtsp::header::require), std::string (rtsp::option_tag)}});
  EXPECT_EQ (rtsp::decode_options_answer (answer), source->id ());
  const auto plain = client.ask ("OPTIONS", source->url ());
  EXPECT_EQ (plain.status, 200u);
  EXPECT_EQ (rtsp::decode_options_answer (plain), std::nullopt);
  const auto other = client.ask ("OPTIONS", source->url () + "-other",
      {{std::string (rtsp::header::require), std::string (rtsp::option_tag)}});
  EXPECT_EQ (rtsp::decode_options_answer (other), std::nullopt)
      << "another stream's";
}

// Who names other people's addresses has us knock there a few times, no more.
TEST (DialBack, IsNoToolAgainstOthers)
{
  const RawServer victim (
      [] (RawClient &asker) { asker.wait_closed (); }, "127.0.0.2");
  const auto source = Node::source (with_room_for (100));
  std::vector<RawClient> liars;
  const auto before = Clock::now ();
  for (std::uint64_t i = 1; i <= 60; ++i) {
    auto ask = subscribe_of (i);
    ask.self.address = victim.address ();
    ask.children_max = ask.subtree.free = 3;
    liars.emplace_back (source->port ());
    liars.back ().send (to_text (flight (source->url (), ask)));
    ASSERT_EQ (liars.back ().receive_response ().status, 200u);
  }
  // A heart-beat later all of them are gone.
  EXPECT_TRUE (eventually ([&] { return source->stats ().children.empty (); }));
  const auto seconds =
      std::chrono::ceil<std::chrono::seconds> (Clock::now () - before).count ();
  EXPECT_GE (victim.connections (), 1u);
  EXPECT_LE (victim.connections (),
      agent::limits::foreign_dial_burst + 1 + static_cast<unsigned> (seconds));
}

TEST (DialBack, EndsWithItsNode)
{
  const RawServer silent ([] (RawClient &asker) { asker.wait_closed (); });
  const auto source = Node::source ();
  const auto peer = Node::peer (*source, advertising (silent.address ()));
  ASSERT_TRUE (eventually ([&] { return silent.connections () == 1; }));
  source->crash ();
  EXPECT_EQ (peer->count ("unreachable"), 0u);
}

// Where a stranger could not look itself we do not look for it.
TEST (DialBack, StaysOutsideOfWhereTheChildIsOutside)
{
  const auto at = [] (const char *ip) { return Address::from_ip (ip, 8554); };
  const auto chosen = [&] (std::vector<const char *> ips, const char *from) {
    std::vector<Address> addresses;
    for (const char *ip : ips)
      addresses.push_back (at (ip));
    return DialBack::choose (addresses, at (from)).ip ();
  };
  EXPECT_EQ (chosen ({"192.0.2.1"}, "192.0.2.9"), "192.0.2.1");
  EXPECT_EQ (chosen ({"192.168.1.5"}, "192.0.2.9"), "") << "our network";
  EXPECT_EQ (chosen ({"127.0.0.1"}, "192.0.2.9"), "") << "our host";
  EXPECT_EQ (chosen ({"169.254.169.254"}, "192.168.1.9"), "") << "our link";
  EXPECT_EQ (chosen ({"127.0.0.1"}, "127.0.0.1"), "127.0.0.1");
  EXPECT_EQ (chosen ({"192.168.1.5"}, "10.0.0.9"), "192.168.1.5");
  EXPECT_EQ (chosen ({"0.0.0.0"}, "127.0.0.1"), "");
  EXPECT_EQ (chosen ({"224.0.0.1"}, "127.0.0.1"), "");
  // Of several one, of the child's own family.
  EXPECT_EQ (chosen ({"127.0.0.1", "2001:db8::1", "192.0.2.1"}, "192.0.2.9"),
      "192.0.2.1");
  EXPECT_EQ (chosen ({"fd00::1", "2001:db8::1"}, "192.0.2.9"), "2001:db8::1");
  EXPECT_EQ (chosen ({}, "192.0.2.9"), "");

  // From inside, the way to the outer address is often closed.
  EXPECT_EQ (
      DialBack::silence_of (at ("192.0.2.1"), at ("10.0.0.9")), Reach::unknown);
  EXPECT_EQ (
      DialBack::silence_of (at ("192.0.2.1"), at ("192.0.2.1")), Reach::no);
  EXPECT_EQ (DialBack::silence_of ({}, at ("192.0.2.1")), Reach::no);
  EXPECT_EQ (DialBack::silence_of ({}, at ("10.0.0.9")), Reach::no);

  const auto is_own = [&] (const char *host, const char *from) {
    return DialBack::is_own_address (
        {uri_of (host, 8554), {}, Address::from_ip (from, 40'000)});
  };
  EXPECT_TRUE (is_own ("192.0.2.1", "192.0.2.1"));
  EXPECT_TRUE (is_own ("2001:db8:0::1", "2001:db8::1"));
  EXPECT_FALSE (is_own ("192.0.2.2", "192.0.2.1"));
  EXPECT_FALSE (is_own ("relay.example", "192.0.2.1"));
}

} // namespace spreadit::test
