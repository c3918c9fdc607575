// Whom a peer may meet when it looks for a parent, and what it tells its
// application then: once, in bounded time, with the right reason.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <atomic>
#include <tuple>

#include <gtest/gtest.h>

#include "node.hpp"
#include "raw_server.hpp"
#include "rtsp/writer.hpp"

namespace spreadit::test {

namespace {

using core::FailReason;

NodeOptions
with_tries (unsigned tries_max)
{
  NodeOptions options;
  options.tries_max = tries_max;
  return options;
}

// What becomes of a peer that looks for its stream at `port`.
struct Outcome {
  std::optional<FailReason> reason;
  unsigned tries = 0;
  Clock::duration took{};
};
Outcome
ask_at (std::uint16_t port, NodeOptions options = {})
{
  const auto before = Clock::now ();
  const auto peer = Node::peer (uri_of ("127.0.0.1", port), options);
  Outcome outcome;
  if (!eventually ([&] { return !peer->fails ().empty (); }, 60s))
    return outcome;
  outcome.took = Clock::now () - before;
  EXPECT_TRUE (
      eventually ([&] { return peer->state () == core::PeerState::failed; }));
  EXPECT_EQ (peer->fails ().size (), 1u);
  EXPECT_EQ (peer->count ("left"), 0u);
  outcome.reason = peer->fails ()[0].reason;
  outcome.tries = peer->fails ()[0].tries;
  return outcome;
}

// Answers every request with the same text; "CSEQ" in it stands for the number.
RawServer::Script
always (std::string text)
{
  return [text] (RawClient &asker) {
    for (;;) {
      const auto request = asker.receive_request ();
      const auto cseq = rtsp::cseq (request.headers);
      if (!cseq)
        return;
      auto answer = text;
      if (const auto at = answer.find ("CSEQ"); at != std::string::npos)
        answer.replace (at, 4, std::to_string (*cseq));
      asker.send (answer);
    }
  };
}

RawServer::Script
always_status (unsigned status)
{
  return always (
      "RTSP/1.0 " + std::to_string (status) + " No\r\nCSeq: CSEQ\r\n\r\n");
}

// A peer by its words; may be overwritten word by word.
struct Host {
  core::message::Accept accept{{{0xbad, 1}, "127.0.0.1:9"}, {}, {}};
  std::string sdp = stream_sdp;
  rtsp::Session session{"1234567890", 60s};
  rtsp::Transport transport = rtsp::peer_transport_udp (9);

  Host () { transport.server_port = rtsp::PortRange{9, 9}; }

  [[nodiscard]] std::vector<rtsp::Response> answers () const
  {
    return {rtsp::encode_accept (accept, sdp, "rtsp://127.0.0.1/live/"),
        rtsp::encode_setup_answer (session, transport),
        rtsp::encode_play_answer (session)};
  }
  // Takes the flight and answers it; how many of the three.
  bool welcome (RawClient &asker, std::size_t count = 3) const
  {
    const auto texts = answers ();
    for (std::size_t i = 0; i < 3; ++i) {
      const auto request = asker.receive_request ();
      if (request.method.empty ())
        return false;
      if (i < count)
        asker.send (texts[i], request);
    }
    return true;
  }
  // Answers the flight, then every request with 200, to the end.
  void serve (RawClient &asker) const
  {
    if (!welcome (asker))
      return;
    for (;;) {
      const auto request = asker.receive_request ();
      if (request.method.empty ())
        return;
      asker.send (rtsp::make_response (200), request);
    }
  }
};

} // namespace

TEST (Liars, NobodyThere)
{
  const auto outcome = ask_at (free_port ());
  EXPECT_EQ (outcome.reason, FailReason::unreachable);
  EXPECT_EQ (outcome.tries, core::limits::source_failures_max);
  EXPECT_LT (outcome.took, 5s);
}

TEST (Liars, AHostThatDoesNotExist)
{
  const auto peer = Node::peer (uri_of ("nosuchhost.invalid", 8554));
  ASSERT_TRUE (eventually ([&] { return !peer->fails ().empty (); }));
  EXPECT_EQ (peer->fails ()[0].reason, FailReason::unreachable);
  EXPECT_EQ (peer->fails ()[0].address, "nosuchhost.invalid:8554");
}

TEST (Liars, AHostThatNeverAnswers)
{
  const RawServer silent ([] (RawClient &asker) { asker.wait_closed (); });
  const auto outcome = ask_at (silent.port ());
  EXPECT_EQ (outcome.reason, FailReason::unreachable);
  EXPECT_EQ (silent.connections (), core::limits::source_failures_max);
  EXPECT_GE (outcome.took, 3 * core::limits::reply_max);
}

// It takes the first question and says nothing more.
TEST (Liars, AHostThatStallsAfterDescribe)
{
  const RawServer slow ([] (RawClient &asker) {
    Host ().welcome (asker, 1);
    asker.wait_closed ();
  });
  EXPECT_EQ (ask_at (slow.port ()).reason, FailReason::unreachable);
  EXPECT_EQ (slow.connections (), core::limits::source_failures_max);
}

TEST (Liars, WhoIsNotSpreadItIsToldFromWhoIsNotThere)
{
  const std::string ok = "RTSP/1.0 200 OK\r\nCSeq: CSEQ\r\n";
  for (const auto &text : {
           std::string ("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"
                        "Content-Length: 0\r\n\r\n"),
           std::string ("220 mail.example ESMTP\r\n"),
           std::string ("RTSP/1.0 551 Option not supported\r\nCSeq: CSEQ\r\n"
                        "Unsupported: org.spreadit.1\r\n\r\n"),
           std::string ("RTSP/1.0 501 Not Implemented\r\nCSeq: CSEQ\r\n\r\n"),
           ok + "\r\n",
           ok + "Content-Type: application/sdp\r\nContent-Length: " +
               std::to_string (std::string (stream_sdp).size ()) + "\r\n\r\n" +
               stream_sdp,
           std::string (100, '\0'),
           std::string (200'000, 'x'),
       }) {
    SCOPED_TRACE (text.substr (0, 60));
    const RawServer other (always (text));
    const auto outcome = ask_at (other.port ());
    EXPECT_EQ (outcome.reason, FailReason::not_spreadit);
    EXPECT_EQ (other.connections (), 1u);
    EXPECT_LT (outcome.took, 5s);
  }
}

TEST (Liars, RefusalsSayWhy)
{
  const std::pair<unsigned, FailReason> refusals[] = {
      {404, FailReason::no_stream},
      {401, FailReason::not_allowed},
      {403, FailReason::not_allowed},
      {453, FailReason::no_room},
  };
  for (const auto &[status, reason] : refusals) {
    SCOPED_TRACE (status);
    const RawServer host (always_status (status));
    EXPECT_EQ (ask_at (host.port (), with_tries (2)).reason, reason);
  }
}

TEST (Liars, AnswersThatAreCutShort)
{
  std::string whole;
  std::uint32_t cseq = 0;
  for (auto response : Host ().answers ()) {
    rtsp::set_cseq (response.headers, ++cseq);
    whole += rtsp::write (response).value ();
  }
  // Within the first head, the SDP, the second and the last answer.
  for (const std::size_t length : {std::size_t{1}, std::size_t{20},
           std::size_t{300}, whole.size () - 100, whole.size () - 1}) {
    SCOPED_TRACE (length);
    const RawServer host ([&] (RawClient &asker) {
      for (unsigned i = 0; i < 3; ++i)
        (void)asker.receive_request ();
      asker.send (whole.substr (0, length));
    });
    const auto outcome = ask_at (host.port ());
    EXPECT_EQ (outcome.reason, FailReason::unreachable);
    EXPECT_LT (outcome.took, 5s);
  }
}

TEST (Liars, AnswersThatMakeNoSense)
{
  std::vector<std::pair<std::string, Host>> hosts (6);
  hosts[0].first = "the SDP is none";
  hosts[0].second.sdp = "hello";
  hosts[1].first = "the SDP has no media";
  hosts[1].second.sdp = "v=0\r\no=- 1 1 IN IP4 1.1.1.1\r\ns=x\r\nt=0 0\r\n";
  hosts[2].first = "no port to get packets from";
  hosts[2].second.transport.server_port.reset ();
  hosts[3].first = "no session";
  hosts[3].second.session.id = "";
  hosts[4].first = "two media of one payload type";
  hosts[4].second.sdp += "m=audio 0 RTP/AVP 97\r\na=control:stream=2\r\n";
  hosts[5].first = "a payload type that is none";
  hosts[5].second.sdp += "m=audio 0 RTP/AVP 300\r\na=control:stream=2\r\n";
  for (const auto &[what, host] : hosts) {
    SCOPED_TRACE (what);
    const RawServer server (
        [&host = host] (RawClient &asker) { host.serve (asker); });
    const auto outcome = ask_at (server.port ());
    EXPECT_EQ (outcome.reason, FailReason::not_spreadit);
    EXPECT_LT (outcome.took, 5s);
  }
}

// A description that comes with an offer we do not take is none of ours.
TEST (Liars, AnAcceptFromBelowIsNoAccept)
{
  Host host;
  core::PeerId asker_id;
  host.sdp += "a=x-liar\r\n";
  const RawServer server ([&] (RawClient &asker) {
    const auto describe = asker.receive_request ();
    const auto decoded = rtsp::decode_request (describe);
    if (const auto *message = std::get_if<core::Message> (&decoded))
      asker_id = std::get<core::message::Subscribe> (*message).self.id;
    // The asker is said to be above us.
    Host mine = host;
    mine.accept.root_path = {
        {asker_id, "127.0.0.1:9"}, {{0x50, 1}, "127.0.0.1:9"}};
    const auto answers = mine.answers ();
    asker.send (answers[0], describe);
    asker.send (answers[1], asker.receive_request ());
    asker.send (answers[2], asker.receive_request ());
    asker.wait_closed ();
  });
  const auto peer = Node::peer (uri_of ("127.0.0.1", server.port ()));
  ASSERT_TRUE (eventually ([&] { return !peer->fails ().empty (); }));
  EXPECT_EQ (peer->fails ()[0].reason, FailReason::unreachable);
  EXPECT_EQ (peer->count ("parent changed"), 0u);
  EXPECT_EQ (peer->count ("description"), 0u);
}

// It says yes, and no packet ever comes: a firewall, for instance.
TEST (Liars, AParentThatNeverSendsData)
{
  const RawServer host ([] (RawClient &asker) { Host ().serve (asker); });
  const auto outcome = ask_at (host.port (), with_tries (2));
  ASSERT_TRUE (outcome.reason);
  EXPECT_EQ (host.connections (), 2u);
  EXPECT_GE (outcome.took, 2 * core::limits::first_data_max);
}

// Each sends the asker to the other.
TEST (Liars, TwoThatSendUsToEachOther)
{
  std::uint16_t ports[2] = {0, 0};
  const auto send_to = [&ports] (int other) {
    return [&ports, other] (RawClient &asker) {
      for (;;) {
        const auto request = asker.receive_request ();
        if (request.method.empty ())
          return;
        const core::message::Redirect redirect{
            {{0xbad, static_cast<std::uint64_t> (other + 1)},
                "127.0.0.1:" + std::to_string (ports[other])},
            core::RedirectScope::self};
        asker.send (
            rtsp::encode_redirect (redirect, uri_of ("127.0.0.1", 9, "/live")),
            request);
      }
    };
  };
  const RawServer first (send_to (1)), second (send_to (0));
  ports[0] = first.port ();
  ports[1] = second.port ();
  const auto outcome = ask_at (first.port (), with_tries (12));
  EXPECT_EQ (outcome.reason, FailReason::no_room);
  EXPECT_EQ (outcome.tries, 12u);
  EXPECT_EQ (first.connections () + second.connections (), 12u);
}

// A Location that leaves the scheme or the path is nonsense.
TEST (Liars, ARedirectElsewhere)
{
  for (const char *location : {"rtsps://127.0.0.1:9/live",
           "rtsp://127.0.0.1:9/other", "http://127.0.0.1/", "", "rtsp://"}) {
    SCOPED_TRACE (location);
    const RawServer host (always ("RTSP/1.0 302 Moved\r\nCSeq: CSEQ\r\n"
                                  "Location: " +
                                  std::string (location) + "\r\n\r\n"));
    EXPECT_EQ (ask_at (host.port ()).reason, FailReason::not_spreadit);
    EXPECT_EQ (host.connections (), 1u);
  }
}

namespace {

// Welcomes a peer and sends it packets; then `script` goes on.
class Parent {
public:
  using Script = std::function<void (RawClient &, const Parent &)>;

  explicit Parent (Script script)
      : script_ (std::move (script)),
        server_ ([this] (RawClient &asker) { serve (asker); })
  {
  }
  void send_packet () const
  {
    data_.send (media::write_receiver_report (1), child_port_);
  }
  [[nodiscard]] std::uint16_t port () const { return server_.port (); }

private:
  void serve (RawClient &asker)
  {
    Host host;
    host.transport.server_port = rtsp::PortRange{data_.port (), data_.port ()};
    for (const auto &text : host.answers ()) {
      const auto request = asker.receive_request ();
      const auto setup = rtsp::decode_setup (request);
      if (const auto *good = std::get_if<rtsp::SetupRequest> (&setup))
        for (const auto &transport : good->alternatives)
          child_port_ = transport.client_port->first;
      asker.send (text, request);
    }
    send_packet ();
    script_ (asker, *this);
  }

  const Script script_;
  const RawUdp data_;
  std::uint16_t child_port_ = 0;
  const RawServer server_;
};

} // namespace

// In session. The link cannot be read on, so it is given up.
TEST (Liars, AParentThatTalksGarbage)
{
  for (const auto &garbage :
      {std::string ("HTTP/1.1 200 OK\r\n\r\n"), std::string (1000, '\n'),
          std::string ("RTSP/1.0 200 OK\n\n"), std::string (100'000, 'x')}) {
    SCOPED_TRACE (garbage.substr (0, 30));
    std::atomic<bool> is_given_up = false;
    const Parent parent ([&] (RawClient &asker, const Parent &) {
      asker.send (garbage);
      if (asker.wait_closed () != RawClient::End::none)
        is_given_up = true;
      ring_bell ();
    });
    const auto peer = Node::peer (uri_of ("127.0.0.1", parent.port ()));
    EXPECT_TRUE (eventually ([&] { return is_given_up.load (); }));
    EXPECT_TRUE (peer->fails ().empty ()); // it is looking again
  }
}

// In session. What can be read and makes no sense is answered so.
TEST (Liars, AParentThatAsksOddThings)
{
  const std::tuple<const char *, const char *, rtsp::Headers, unsigned> odd[] =
      {{"DESCRIBE", "", {{"Require", "org.spreadit.1"}}, 400},
          {"DESCRIBE", "", {}, 455},
          {"SETUP", "", {{"Transport", "RTP/AVP;unicast"}}, 455},
          {"DANCE", "", {}, 455}, {"GET_PARAMETER", "", {}, 200},
          {"SET_PARAMETER", "message: dance\r\n",
              {{"Content-Type", "text/parameters"}}, 451},
          {"REDIRECT", "", {}, 400},
          {"REDIRECT", "", {{"Location", "rtsp://127.0.0.1:1/other"}}, 400},
          {"PLAY", "", {{"Require", "com.example.dance"}}, 551}};
  std::atomic<unsigned> answered = 0;
  const Parent parent ([&] (RawClient &asker, const Parent &self) {
    for (const auto &[method, body, headers, status] : odd) {
      self.send_packet ();
      const auto answer =
          asker.ask (method, "rtsp://127.0.0.1/live", headers, body);
      EXPECT_EQ (answer.status, status) << method;
    }
    // None of ours, so 404.
    EXPECT_EQ (
        asker.ask ("GET_PARAMETER", "rtsp://127.0.0.1/other").status, 404u);
    answered = 1;
    ring_bell ();
    (void)asker.wait_closed ();
  });
  const auto peer = Node::peer (uri_of ("127.0.0.1", parent.port ()));
  EXPECT_TRUE (eventually ([&] { return answered > 0; }));
  EXPECT_EQ (peer->count ("parent changed"), 1u);
}

// Tells a peer that it is its own ancestor: no way to the source.
TEST (Liars, AParentThatTurnsOutToBeBelow)
{
  std::atomic<bool> is_given_up = false;
  core::PeerId below{};
  const Parent parent ([&] (RawClient &asker, const Parent &) {
    core::message::Alive alive;
    alive.self = Host ().accept.self;
    alive.root_path = {{below, "127.0.0.1:9"}, {{0x50, 1}, "127.0.0.1:9"}};
    auto request =
        rtsp::encode_request (alive, uri_of ("127.0.0.1", 9), "1234567890");
    asker.send (*request);
    (void)asker.wait_closed ();
    is_given_up = true;
    ring_bell ();
  });
  std::unique_ptr<Node> peer;
  {
    NodeOptions options;
    peer = Node::idle_peer (uri_of ("127.0.0.1", parent.port ()), options);
    below = peer->id ();
    peer->subscribe ();
  }
  EXPECT_TRUE (eventually ([&] { return is_given_up.load (); }));
}

} // namespace spreadit::test
