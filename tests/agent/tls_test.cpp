// spreadits://: nobody reads it on the way, and nobody is taken for another.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <atomic>

#include <gtest/gtest.h>

#include "authority.hpp"
#include "node.hpp"
#include "player.hpp"
#include "raw_server.hpp"
#include "rtsp/headers.hpp"
#include "rtsp/writer.hpp"

namespace spreadit::test {

namespace {

using agent::Identity;
using agent::Trust;
using core::FailReason;

template <class T>
std::shared_ptr<const T>
good (std::variant<std::shared_ptr<const T>, std::string> made)
{
  const auto *why = std::get_if<std::string> (&made);
  EXPECT_EQ (why ? *why : "", "");
  return why ? nullptr : std::get<std::shared_ptr<const T>> (made);
}

std::shared_ptr<const Identity>
anyone ()
{
  return good (Identity::make ());
}

NodeOptions
secure (unsigned children_max = 3)
{
  NodeOptions options;
  options.children_max = children_max;
  options.identity = anyone ();
  return options;
}

bool
joins (const Node &peer, const Node &parent)
{
  return eventually ([&] { return peer.is_child_of (parent); });
}

// Why a peer that asks at `uri` is not served.
struct Outcome {
  std::optional<FailReason> reason;
  std::string detail;
};
Outcome
outcome_of (const rtsp::Uri &uri, NodeOptions options)
{
  const auto peer = Node::peer (uri, std::move (options));
  if (!eventually ([&] { return !peer->fails ().empty (); }, 60s))
    return {};
  return {peer->fails ()[0].reason, peer->fail_detail ()};
}

rtsp::Uri
secure_uri (std::uint16_t port, const std::string &host = "127.0.0.1")
{
  return uri_of (host, port, "/live", rtsp::Scheme::spreadits);
}

std::string
secure_url (const Node &node)
{
  return "rtsps://127.0.0.1:" + std::to_string (node.port ()) + "/live";
}

} // namespace

TEST (Tls, AnIdIsThatOfItsCertificate)
{
  const auto one = anyone (), other = anyone ();
  EXPECT_NE (one->id (), other->id ());
  EXPECT_NE (one->id (), core::PeerId{});
  // SHA-256 of "abc", FIPS 180-2 B.1: how an id is written down.
  const std::uint8_t abc[] = {'a', 'b', 'c'};
  EXPECT_EQ (rtsp::to_string (agent::id_of_certificate (abc)),
      "ba7816bf8f01cfea414140de5dae2223");
}

TEST (Tls, FilesThatCannotBeUsedSayWhy)
{
  const ScratchDirectory scratch;
  const Authority authority;
  const auto text = [] (const auto &made) {
    const auto *why = std::get_if<std::string> (&made);
    return why ? *why : std::string ("it was taken");
  };
  const auto missing = scratch.file ("missing.pem");
  EXPECT_EQ (text (Identity::load (missing)),
      "cannot read '" + missing + "': No such file or directory");
  EXPECT_EQ (text (Trust::load (missing)),
      "cannot read '" + missing + "': No such file or directory");
  const auto prose = scratch.write ("prose.pem", "no certificate at all\n");
  EXPECT_NE (text (Identity::load (prose)), "it was taken");
  EXPECT_NE (text (Trust::load (prose)), "it was taken");
  const auto no_key = scratch.write ("no-key.pem", authority.pem ());
  EXPECT_NE (text (Identity::load (no_key)), "it was taken");
  const auto whole = scratch.write ("whole.pem", authority.sign ("localhost"));
  EXPECT_EQ (good (Identity::load (whole))->id (),
      good (Identity::load (whole))->id ());
}

// All that peers do, and not a datagram.
TEST (Tls, AStreamGoesDownAChain)
{
  const auto source = Node::source (secure (1));
  const auto first = Node::peer (*source, secure (1));
  ASSERT_TRUE (joins (*first, *source));
  const auto second = Node::peer (*source, secure ());
  ASSERT_TRUE (joins (*second, *first));
  source->publish_bursts (100);
  for (const auto *peer : {first.get (), second.get ()}) {
    ASSERT_TRUE (source->reaches (*peer));
    EXPECT_EQ (source->faults_of (*peer), "");
    EXPECT_TRUE (peer->stats ().is_parent_over_tcp);
  }
  EXPECT_EQ (second->stats ().root_path.back ().id, source->id ());
}

// The grandfather is asked over TLS, by the link that was kept ready.
TEST (Tls, ACrashCostsNoPacket)
{
  const auto source = Node::source (secure (2));
  auto first = Node::peer (*source, secure (1));
  ASSERT_TRUE (joins (*first, *source));
  source->set_children_max (1);
  const auto second = Node::peer (*source, secure ());
  ASSERT_TRUE (joins (*second, *first));
  source->set_children_max (2);
  source->start_publishing ();
  ASSERT_TRUE (eventually ([&] {
    return second->packets () > 100 && !second->stats ().standby.empty ();
  }));
  first->crash ();
  ASSERT_TRUE (joins (*second, *source));
  source->stop_publishing ();
  EXPECT_TRUE (source->reaches (*second));
  EXPECT_EQ (source->faults_of (*second), "");
}

// More than a socket and a record take at once, to one that reads slowly.
TEST (Tls, WhatDoesNotFitWaits)
{
  const auto source = Node::source (secure ());
  RawClient child (source->port ());
  const auto identity = anyone ();
  ASSERT_TRUE (child.secure (identity));
  core::message::Subscribe ask = subscribe_of (1);
  ask.self.id = identity->id ();
  auto requests = flight (secure_url (*source), ask);
  rtsp::set (requests[1].headers, "Transport",
      rtsp::to_string (rtsp::peer_transport_tcp (0)));
  ASSERT_TRUE (child.send (to_text (requests)));
  for (int i = 0; i < 3; ++i)
    ASSERT_EQ (child.receive_response ().status, 200u);
  ASSERT_TRUE (eventually ([&] { return source->count ("child added") == 1; }));
  source->publish_bursts (1500);
  std::size_t bytes = 0;
  while (const auto frame = child.receive_frame (0, 2s))
    bytes += frame->payload.size ();
  EXPECT_GT (bytes, 500'000u);
}

TEST (Tls, ASourceIsKnownByItsName)
{
  const ScratchDirectory scratch;
  const Authority authority, stranger ("Strangers");
  auto options = secure ();
  options.identity = good (
      Identity::load (scratch.write ("a.pem", authority.sign ("127.0.0.1"))));
  const auto source = Node::source (options);
  const auto trusting = [&] (const Authority &who, const std::string &name) {
    auto peer = secure ();
    peer.trust = good (Trust::load (scratch.write (name, who.pem ())));
    return peer;
  };
  const auto peer = Node::peer (*source, trusting (authority, "ca.pem"));
  ASSERT_TRUE (joins (*peer, *source));
  EXPECT_TRUE (source->reaches (*peer));

  const auto untrusted =
      outcome_of (source->uri (), trusting (stranger, "other.pem"));
  EXPECT_EQ (untrusted.reason, FailReason::not_trusted);
  EXPECT_NE (untrusted.detail.find ("issuer is unknown"), std::string::npos)
      << untrusted.detail;

  const auto misnamed = outcome_of (secure_uri (source->port (), "localhost"),
      trusting (authority, "ca.pem"));
  EXPECT_EQ (misnamed.reason, FailReason::not_trusted);
  EXPECT_NE (misnamed.detail.find ("name"), std::string::npos)
      << misnamed.detail;
}

TEST (Tls, ASourceIsKnownByItsId)
{
  const auto source = Node::source (secure ());
  auto options = secure ();
  options.source_id = source->id ();
  const auto peer = Node::peer (source->uri (), options);
  ASSERT_TRUE (joins (*peer, *source));

  auto mistaken = secure ();
  mistaken.source_id = core::PeerId{1, 2};
  const auto outcome = outcome_of (source->uri (), mistaken);
  EXPECT_EQ (outcome.reason, FailReason::not_trusted);
  EXPECT_NE (
      outcome.detail.find (rtsp::to_string (source->id ())), std::string::npos)
      << outcome.detail;
}

// Who is sent to a peer knows its id by who sends: another at that address is
// told nothing.
TEST (Tls, AnotherAtAPeersAddressIsNotAsked)
{
  std::atomic<bool> was_asked = false;
  const RawServer impostor ([&] (RawClient &asker) {
    if (asker.secure_as_server (anyone ()))
      was_asked = !asker.receive_request ().method.empty ();
  });
  const auto source = Node::source (secure (1));
  RawClient child (source->port ());
  const auto identity = anyone ();
  ASSERT_TRUE (child.secure (identity));
  core::message::Subscribe ask = subscribe_of (1);
  ask.self = {identity->id (), impostor.address ()};
  ask.children_max = ask.subtree.free = 3;
  auto requests = flight (secure_url (*source), ask);
  rtsp::set (requests[1].headers, "Transport",
      rtsp::to_string (rtsp::peer_transport_tcp (0)));
  ASSERT_TRUE (child.send (to_text (requests)));
  ASSERT_EQ (child.receive_response ().status, 200u);
  ASSERT_TRUE (eventually ([&] { return source->count ("child added") == 1; }));

  auto options = secure ();
  options.tries_max = 4;
  const auto peer = Node::peer (*source, options);
  EXPECT_TRUE (eventually ([&] { return impostor.connections () > 0; }));
  EXPECT_TRUE (eventually ([&] { return !peer->fails ().empty (); }, 60s));
  EXPECT_FALSE (was_asked);
}

// The id of an asker is that of its certificate, or it is refused.
TEST (Tls, NobodyTakesTheIdOfAnother)
{
  const auto source = Node::source (secure ());
  RawClient thief (source->port ());
  ASSERT_TRUE (thief.secure (anyone ()));
  core::message::Subscribe ask = subscribe_of (1);
  ask.self.id = anyone ()->id ();
  auto requests = flight (secure_url (*source), ask);
  rtsp::set (requests[1].headers, "Transport",
      rtsp::to_string (rtsp::peer_transport_tcp (0)));
  ASSERT_TRUE (thief.send (to_text (requests)));
  EXPECT_EQ (thief.receive_response ().status, 403u);
  EXPECT_EQ (source->count ("child added"), 0u);
}

// And what a parent calls itself is what it has proved to be.
TEST (Tls, AParentThatCallsItselfAnotherIsNone)
{
  const auto own = anyone ();
  const RawServer liar ([&] (RawClient &asker) {
    if (!asker.secure_as_server (own))
      return;
    const core::message::Accept accept{{{0xbad, 1}, "127.0.0.1:9"}, {}, {}};
    auto transport = rtsp::peer_transport_tcp (0);
    const rtsp::Session session{"1234567890", 60s};
    for (const auto &answer :
        {rtsp::encode_accept (accept, stream_sdp, "rtsps://127.0.0.1/live/"),
            rtsp::encode_setup_answer (session, transport),
            rtsp::encode_play_answer (session)}) {
      const auto request = asker.receive_request ();
      if (request.method.empty ())
        return;
      asker.send (answer, request);
    }
    asker.wait_closed ();
  });
  auto options = secure ();
  options.source_id = own->id ();
  const auto outcome = outcome_of (secure_uri (liar.port ()), options);
  EXPECT_EQ (outcome.reason, FailReason::not_spreadit);
}

// Packets over UDP could be read by anybody.
TEST (Tls, NobodyIsSentDatagrams)
{
  const auto source = Node::source (secure ());
  const auto identity = anyone ();
  RawClient child (source->port ());
  ASSERT_TRUE (child.secure (identity));
  core::message::Subscribe ask = subscribe_of (1);
  ask.self.id = identity->id ();
  ASSERT_TRUE (child.send (to_text (flight (secure_url (*source), ask))));
  EXPECT_EQ (child.receive_response ().status, 461u);

  RawClient player (source->port ());
  ASSERT_TRUE (player.secure (identity));
  ASSERT_EQ (player.ask ("DESCRIBE", secure_url (*source)).status, 200u);
  const auto udp = player.ask ("SETUP", secure_url (*source) + "/stream=0",
      {{"Transport", "RTP/AVP;unicast;client_port=5000-5001"}});
  EXPECT_EQ (udp.status, 461u);
  const auto tcp = player.ask ("SETUP", secure_url (*source) + "/stream=0",
      {{"Transport", "RTP/AVP/TCP;unicast;interleaved=0-1"}});
  EXPECT_EQ (tcp.status, 200u);
}

TEST (Tls, WithAndWithoutDoNotMix)
{
  const auto source = Node::source (secure ());
  RawClient plain (source->port ());
  plain.send ("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n");
  EXPECT_NE (plain.wait_closed (), RawClient::End::none);

  const auto open = Node::source ();
  const auto outcome = outcome_of (secure_uri (open->port ()), secure ());
  EXPECT_EQ (outcome.reason, FailReason::not_spreadit);
  EXPECT_EQ (outcome.detail, "not TLS; a stream there is spreadit://");
  const auto other =
      outcome_of (uri_of ("127.0.0.1", source->port ()), NodeOptions{});
  EXPECT_EQ (other.reason, FailReason::not_spreadit);
  EXPECT_EQ (other.detail, "not RTSP but TLS; a stream there is spreadits://");
}

// It is told by an alert, which a reset would overtake: its flight is read to
// the end, although nobody can understand it.
TEST (Tls, WhoSpeaksWithoutHearsTheAlert)
{
  const auto source = Node::source (secure ());
  RawClient plain (source->port ());
  ASSERT_TRUE (plain.send (std::string (60'000, 'x') + "\r\n"));
  EXPECT_EQ (plain.wait_closed (), RawClient::End::fin);
}

// Of a thousand who begin and go no further, nobody else notices.
TEST (Tls, HalfAHandshakeHoldsNobodyUp)
{
  const auto source = Node::source (secure ());
  std::vector<RawClient> stalled;
  for (int i = 0; i < 500; ++i) {
    stalled.emplace_back (source->port ());
    ASSERT_TRUE (stalled.back ().send ("\x16\x03\x01\x02"));
  }
  const auto before = Clock::now ();
  const auto peer = Node::peer (*source, secure ());
  ASSERT_TRUE (joins (*peer, *source));
  EXPECT_TRUE (source->reaches (*peer));
  // The listener's own patience has not been needed for it.
  EXPECT_LT (Clock::now () - before, agent::limits::unused_connection_max);
  EXPECT_EQ (stalled[0].wait_closed (60s), RawClient::End::fin);
}

TEST (Tls, AListenerHasOneCertificate)
{
  auto options = secure ();
  const auto source = Node::source (options);
  options.port = source->port ();
  options.path = "/other";
  EXPECT_TRUE (Node::source (options));
  std::string why_not;
  options.path = "/third";
  options.identity = anyone ();
  EXPECT_FALSE (Node::source (options, &why_not));
  EXPECT_NE (why_not.find ("with another certificate"), std::string::npos);
  options.identity = nullptr;
  EXPECT_FALSE (Node::source (options, &why_not));
  EXPECT_NE (why_not.find ("with TLS; choose another port"), std::string::npos);
}

} // namespace spreadit::test
