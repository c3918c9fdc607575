// Whoever may knock at an open port: nobody crashes a node, holds its memory or
// keeps peers from joining.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "agent/control_loop.hpp"
#include "player.hpp"
#include "raw_server.hpp"
#include "rtsp/writer.hpp"

namespace spreadit::test {

namespace {

using End = RawClient::End;

bool
can_join (const Node &source)
{
  const auto peer = Node::peer (source);
  return eventually ([&] { return peer->is_child_of (source); });
}

// As many descriptors as the system lets us have; how many.
std::size_t
raise_descriptors ()
{
  rlimit limit{};
  getrlimit (RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit (RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

// Keeps the control thread busy: what comes meanwhile waits in the kernel.
class HeldLoop {
public:
  HeldLoop ()
  {
    agent::ControlLoop::get ().post ([state = state_] {
      std::unique_lock guard (state->lock);
      state->signal.wait_for (
          guard, patience, [&] { return state->is_released; });
    });
  }
  ~HeldLoop ()
  {
    const std::lock_guard guard (state_->lock);
    state_->is_released = true;
    state_->signal.notify_all ();
  }

private:
  struct State {
    std::mutex lock;
    std::condition_variable signal;
    bool is_released = false;
  };
  const std::shared_ptr<State> state_ = std::make_shared<State> ();
};

} // namespace

// Joins.

TEST (Strangers, AFlightIsAnsweredInOneGo)
{
  const auto source = Node::source ();
  RawClient client (source->port ());
  client.send (to_text (flight (source->url (), subscribe_of (1))));
  for (unsigned cseq = 1; cseq <= 3; ++cseq) {
    const auto answer = client.receive_response ();
    EXPECT_EQ (answer.status, 200u);
    EXPECT_EQ (rtsp::cseq (answer.headers), cseq);
  }
  EXPECT_EQ (source->stats ().children.size (), 1u);
  // It has no heart: out it goes.
  EXPECT_EQ (client.wait_closed (), End::fin);
  EXPECT_TRUE (eventually ([&] { return source->stats ().children.empty (); }));
  EXPECT_EQ (source->count ("child failed"), 1u);
}

TEST (Strangers, AFlightMayComeByteByByte)
{
  const auto source = Node::source ();
  RawClient client (source->port ());
  for (const char c : to_text (flight (source->url (), subscribe_of (1))))
    ASSERT_TRUE (client.send (std::string_view (&c, 1)));
  for (unsigned i = 0; i < 3; ++i)
    EXPECT_EQ (client.receive_response ().status, 200u);
}

TEST (Strangers, AFlightInTheWrongOrder)
{
  const auto source = Node::source ();
  const auto good = flight (source->url (), subscribe_of (1));
  for (const auto &order : {std::vector{1, 0, 2}, {0, 2, 1}, {0, 0, 0}, {2}}) {
    RawClient client (source->port ());
    std::vector<rtsp::Request> requests;
    for (const int i : order)
      requests.push_back (good[static_cast<std::size_t> (i)]);
    client.send (to_text (requests));
    EXPECT_EQ (client.receive_response ().status, 455u);
    EXPECT_EQ (client.wait_closed (), End::fin);
  }
  EXPECT_TRUE (source->stats ().children.empty ());
}

TEST (Strangers, AFlightThatCannotBeRead)
{
  const auto source = Node::source ();
  const auto spoil = [&] (std::size_t which, const char *name,
                         const std::string &value) {
    auto requests = flight (source->url (), subscribe_of (1));
    rtsp::set (requests[which].headers, name, value);
    RawClient client (source->port ());
    client.send (to_text (requests));
    const auto status = client.receive_response ().status;
    EXPECT_EQ (client.wait_closed (), End::fin) << value;
    return status;
  };
  EXPECT_EQ (spoil (0, "SpreadIt-Peer", "id=7"), 400u);
  EXPECT_EQ (spoil (0, "SpreadIt-Join", "reason=hunger"), 400u);
  EXPECT_EQ (spoil (1, "Transport", "RTP/AVP/TCP;interleaved=0-1"), 461u);
  EXPECT_EQ (spoil (1, "Transport", "RTP/AVP;unicast;client_port=5000"), 461u);
  EXPECT_EQ (spoil (2, "SpreadIt-Resume", "ssrc=1;seq=x"), 400u);
  EXPECT_TRUE (source->stats ().children.empty ());
}

// What it says while its loop check is under way belongs to the session.
TEST (Strangers, WhatIsSaidBeforeTheAnswerIsKept)
{
  // A parent that never answers a loop check.
  std::atomic<bool> has_been_asked = false;
  RawUdp data;
  const RawServer parent ([&] (RawClient &asker) {
    const core::message::Accept accept{{{0xbad, 1}, "127.0.0.1:9"}, {}, {}};
    auto transport = rtsp::peer_transport_udp (9);
    transport.server_port = rtsp::PortRange{data.port (), data.port ()};
    std::uint16_t child_port = 0;
    asker.send (
        rtsp::encode_accept (accept, stream_sdp, "rtsp://127.0.0.1/live/"),
        asker.receive_request ());
    const auto setup = asker.receive_request ();
    child_port = std::get<rtsp::SetupRequest> (rtsp::decode_setup (setup))
                     .alternatives[0]
                     .client_port->first;
    asker.send (
        rtsp::encode_setup_answer ({"12345678", 60s}, transport), setup);
    asker.send (
        rtsp::encode_play_answer ({"12345678", 60s}), asker.receive_request ());
    for (;;) {
      data.send (media::write_receiver_report (1), child_port);
      if (const auto unit = asker.receive (50ms)) {
        const auto *request = std::get_if<rtsp::Request> (&*unit);
        has_been_asked =
            has_been_asked ||
            (request && request->body.find ("verify") != std::string::npos);
        if (request)
          asker.send (rtsp::make_response (200), *request);
      } else if (asker.wait_closed (0ms) != End::none) {
        return;
      }
      ring_bell ();
    }
  });
  const auto peer = Node::peer (uri_of ("127.0.0.1", parent.port ()));
  ASSERT_TRUE (eventually ([&] { return peer->is_receiving (); }));

  auto mover = subscribe_of (1);
  mover.subtree.peers = 5;
  const auto text = to_text (flight (peer->url (), mover));
  const auto ping = [&] (std::uint32_t cseq) {
    rtsp::Request request{"GET_PARAMETER", peer->url (), {}, {}};
    rtsp::set_cseq (request.headers, cseq);
    return rtsp::write (request).value ();
  };
  RawClient patient (peer->port ());
  patient.send (text + ping (4));
  for (unsigned i = 0; i < 3; ++i)
    EXPECT_EQ (patient.receive_response ().status, 503u);
  EXPECT_EQ (patient.receive_response ().status, 200u);
  EXPECT_TRUE (has_been_asked);

  // Not any number of them.
  RawClient hasty (peer->port ());
  std::string many;
  for (std::uint32_t cseq = 4; cseq < 40; ++cseq)
    many += ping (cseq);
  hasty.send (text + many);
  EXPECT_NE (hasty.wait_closed (1400ms), End::none);
  EXPECT_TRUE (peer->stats ().children.empty ());
}

// Garbage.

TEST (Strangers, WhatIsNoRtspIsAnsweredAndClosed)
{
  const auto source = Node::source ();
  const std::string start = "DESCRIBE " + source->url () + " RTSP/1.0\r\n";
  const std::pair<std::string, unsigned> texts[] = {
      {start + "\r\n", 400},            // no CSeq
      {start + "CSeq: x\r\n\r\n", 400}, //
      {start + "CSeq: 1\n\n", 400},     // lines end with CR LF
      {start + "CSeq: 1\r\nX: " + std::string (9000, 'x') + "\r\n\r\n", 413},
      {"DESCRIBE rtsp://h/" + std::string (9000, 'x') + " RTSP/1.0\r\n", 414},
      {start + "CSeq: 1\r\nContent-Length: 1000000\r\n\r\n", 413},
      {"DESCRIBE rtsp://h/x RTSP/2.0\r\nCSeq: 1\r\n\r\n", 505},
      {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", 505},
      {std::string ("\x16\x03\x01\x02\x00\x01", 6) + "\r\n", 400}, // TLS
  };
  for (const auto &[text, status] : texts) {
    RawClient client (source->port ());
    client.send (text);
    const auto answer = client.receive_response ();
    EXPECT_EQ (answer.status, status) << text.substr (0, 60);
    EXPECT_EQ (client.wait_closed (), End::fin) << text.substr (0, 60);
  }
  EXPECT_TRUE (can_join (*source));
}

TEST (Strangers, RequestsWithoutEnd)
{
  const auto source = Node::source ();
  std::string many;
  for (unsigned cseq = 1; cseq <= 5000; ++cseq)
    many += "OPTIONS * RTSP/1.0\r\nCSeq: " + std::to_string (cseq) + "\r\n\r\n";
  // Read, all are answered in order.
  RawClient reader (source->port ());
  std::thread writer ([&] { reader.send (many); });
  for (unsigned cseq = 1; cseq <= 5000; ++cseq)
    ASSERT_EQ (rtsp::cseq (reader.receive_response ().headers), cseq);
  writer.join ();
  // Not read, they end: what waits for the other side is bounded.
  RawClient deaf (source->port ());
  bool is_taken = true;
  for (unsigned i = 0; i < 1000 && is_taken; ++i)
    is_taken = deaf.send (many, 5s);
  EXPECT_FALSE (is_taken);
  EXPECT_TRUE (can_join (*source));
}

// It joins, has a heart, and does not read what we say.
TEST (Strangers, AChildThatDoesNotListen)
{
  const auto source = Node::source ();
  RawClient child (source->port ());
  child.send (to_text (flight (source->url (), subscribe_of (1))));
  core::message::Alive alive;
  alive.self = subscribe_of (1).self;
  const auto request = rtsp::encode_request (
      alive, std::get<rtsp::Uri> (rtsp::parse_uri (source->url ())), "");
  std::uint32_t cseq = 3;
  std::string beats;
  for (unsigned i = 0; i < 1000; ++i) {
    auto beat = *request;
    rtsp::set_cseq (beat.headers, ++cseq);
    beats += rtsp::write (beat).value ();
  }
  bool is_taken = true;
  for (unsigned i = 0; i < 1000 && is_taken; ++i)
    is_taken = child.send (beats, 5s);
  EXPECT_FALSE (is_taken);
  EXPECT_TRUE (eventually ([&] { return source->stats ().children.empty (); }));
}

// Both ways: what is said once needs no repeating, but that one lives does.
TEST (Strangers, AHeartBeatThatSaysNothingNewHasNoBody)
{
  const auto source = Node::source ();
  RawClient child (source->port ());
  child.send (to_text (flight (source->url (), subscribe_of (1))));
  core::message::Alive alive;
  alive.self = subscribe_of (1).self;
  const auto url = std::get<rtsp::Uri> (rtsp::parse_uri (source->url ()));
  std::uint32_t cseq = 10;
  const auto say = [&] (rtsp::Request request) {
    rtsp::set_cseq (request.headers, ++cseq);
    child.send (std::move (request));
  };
  // Before there is anything to repeat it is a keep-alive, and no heart-beat.
  say (rtsp::encode_alive_again (url, ""));
  say (*rtsp::encode_request (alive, url, ""));
  unsigned full = 0, again = 0;
  while (again < 6) { // twice as many as may be missing
    const auto request = child.receive_request ();
    ASSERT_EQ (request.method, "SET_PARAMETER") << full << ", " << again;
    child.send (rtsp::make_response (200), request);
    ++(rtsp::is_alive_again (request) ? again : full);
    say (rtsp::encode_alive_again (url, ""));
  }
  EXPECT_GE (full, 1u);
  EXPECT_LE (full, 3u);
  EXPECT_EQ (source->stats ().children.size (), 1u);
}

TEST (Strangers, FramesThatNobodyAskedFor)
{
  const auto source = Node::source ();
  const std::string frame ("$\x00\x00\x04gulp", 8);
  RawClient first_words (source->port ());
  first_words.send (frame);
  EXPECT_NE (first_words.wait_closed (), End::none);
  // In a session they are passed over.
  Player player (*source);
  ASSERT_TRUE (player.plays_over_tcp ());
  player.rtsp.send (frame);
  EXPECT_EQ (player.ask ("GET_PARAMETER").status, 200u);
}

TEST (Strangers, AnswersThatNobodyWaitsFor)
{
  const auto source = Node::source ();
  Player player (*source);
  ASSERT_TRUE (player.plays_over_tcp ());
  player.rtsp.send ("RTSP/1.0 200 OK\r\nCSeq: 77\r\n\r\n"
                    "RTSP/1.0 501 Not Implemented\r\n\r\n");
  EXPECT_EQ (player.ask ("GET_PARAMETER").status, 200u);
}

// Connections.

TEST (Strangers, WhoSaysAllAndClosesItsHalfIsAnswered)
{
  const auto source = Node::source ();
  RawClient client (source->port ());
  rtsp::Request request{"DESCRIBE", source->url (), {{"CSeq", "7"}}, {}};
  client.send (request);
  client.half_close ();
  const auto answer = client.receive_response ();
  EXPECT_EQ (answer.status, 200u);
  EXPECT_EQ (answer.body, stream_sdp);
  EXPECT_EQ (client.wait_closed (), End::fin);
  EXPECT_TRUE (eventually ([&] { return source->stats ().children.empty (); }));
}

TEST (Strangers, WhoClosesInTheMiddleIsForgotten)
{
  const auto source = Node::source ();
  const auto text = to_text (flight (source->url (), subscribe_of (1)));
  for (std::size_t length = 0; length < text.size (); length += 7) {
    RawClient fin (source->port ());
    fin.send (text.substr (0, length));
    RawClient rst (source->port ());
    rst.send (text.substr (0, length));
    rst.reset ();
  }
  EXPECT_TRUE (eventually ([&] { return source->stats ().children.empty (); }));
  EXPECT_TRUE (can_join (*source));
}

TEST (Strangers, AFloodOfConnectionsThatEndAtOnce)
{
  const auto source = Node::source ();
  for (unsigned i = 0; i < 3000; ++i) {
    RawClient client (source->port ());
    ASSERT_TRUE (client.is_open ()) << i;
    if (i % 3 == 0)
      client.send (
          "OPTIONS " + source->url () + " RTSP/1.0\r\nCSeq: 1\r\n\r\n");
    if (i % 2)
      client.reset ();
  }
  EXPECT_TRUE (can_join (*source));
}

TEST (Strangers, ThousandsOfIdleConnectionsAreNoHindrance)
{
  if (raise_descriptors () < 5000)
    GTEST_SKIP () << "needs 5000 descriptors (ulimit -n)";
  const auto source = Node::source ();
  std::vector<RawClient> idle;
  for (unsigned i = 0; i < 2000; ++i) {
    idle.emplace_back (source->port ());
    ASSERT_TRUE (idle.back ().is_open ()) << i;
  }
  EXPECT_TRUE (can_join (*source));
  // The oldest had to give way, the newest are still welcome.
  EXPECT_NE (idle.front ().wait_closed (), End::none);
  EXPECT_EQ (idle.back ().ask ("OPTIONS", "*").status, 200u);
}

// Out of descriptors, whoever waits for nothing makes room; nobody spins.
TEST (Strangers, ShortOfDescriptors)
{
  for (const bool have_spoken : {false, true}) {
    SCOPED_TRACE (have_spoken);
    const auto source = Node::source ();
    std::vector<RawClient> idle;
    std::optional<RawClient> joins;
    rlimit before{};
    getrlimit (RLIMIT_NOFILE, &before);
    {
      const HeldLoop held;
      for (unsigned i = 0; i < 100; ++i) {
        idle.emplace_back (source->port ());
        if (have_spoken)
          idle.back ().send (
              "OPTIONS " + source->url () + " RTSP/1.0\r\nCSeq: 1\r\n\r\n");
      }
      joins.emplace (source->port ());
      joins->send (to_text (flight (source->url (), subscribe_of (1))));
      // Room for ten more.
      rlimit few = before;
      few.rlim_cur = static_cast<rlim_t> (joins->fd ()) + 11;
      setrlimit (RLIMIT_NOFILE, &few);
    }
    for (unsigned i = 0; i < 3; ++i)
      EXPECT_EQ (joins->receive_response ().status, 200u);
    EXPECT_EQ (source->stats ().children.size (), 1u);
    setrlimit (RLIMIT_NOFILE, &before);
    EXPECT_NE (idle.front ().wait_closed (), End::none);
  }
}

// Nobody to make room: the listener looks away for a while, and comes back.
TEST (Strangers, NotOneDescriptorLeft)
{
  const auto source = Node::source ();
  RawClient client (source->port ()); // has a place
  ASSERT_EQ (client.ask ("DESCRIBE", source->url ()).status, 200u);
  rlimit before{};
  getrlimit (RLIMIT_NOFILE, &before);
  rlimit none = before;
  std::optional<RawClient> late;
  {
    const HeldLoop held;
    late.emplace (source->port ());
    none.rlim_cur = static_cast<rlim_t> (late->fd ()) + 1;
    setrlimit (RLIMIT_NOFILE, &none);
  }
  EXPECT_EQ (client.ask ("OPTIONS", "*").status, 200u);
  rusage used{};
  getrusage (RUSAGE_SELF, &used);
  EXPECT_FALSE (late->receive (500ms));
  rusage after{};
  getrusage (RUSAGE_SELF, &after);
  // It would have been all of the time.
  const auto cpu_ms = [] (const rusage &u) {
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 +
           (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
  };
  EXPECT_LT (cpu_ms (after) - cpu_ms (used), 250);
  setrlimit (RLIMIT_NOFILE, &before);
  EXPECT_EQ (late->ask ("OPTIONS", "*").status, 200u);
}

} // namespace spreadit::test
