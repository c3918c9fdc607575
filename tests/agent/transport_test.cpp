// Where UDP does not get through, packets come over TCP.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <atomic>

#include <gtest/gtest.h>

#include "agent/limits.hpp"
#include "player.hpp"
#include "raw_server.hpp"
#include "rtsp/writer.hpp"
#include "tunnel.hpp"

namespace spreadit::test {

namespace {

NodeOptions
at (const Tunnel &tunnel, unsigned children_max)
{
  NodeOptions options;
  options.children_max = children_max;
  options.advertise = tunnel.address ();
  return options;
}

bool
joins (const Node &peer, const Tunnel &parent)
{
  // In this order: what is received later is from that parent.
  return eventually ([&] {
    return peer.parent_address () == parent.address () && peer.is_receiving ();
  });
}

// A source that can be reached by TCP only.
class BehindATunnel : public testing::Test {
protected:
  explicit BehindATunnel (unsigned children_max = 1)
      : source_ (Node::source (at (way_, children_max)))
  {
    way_.lead_to (*source_);
  }

  Tunnel way_;
  const std::unique_ptr<Node> source_;
};

// The flight's offers, as text.
std::string
offers_of (const rtsp::Request &setup)
{
  const auto *value = rtsp::find (setup.headers, rtsp::header::transport);
  return value ? *value : "";
}

std::string
session_of (const rtsp::Response &response)
{
  const auto *value = rtsp::find (response.headers, rtsp::header::session);
  const auto session = rtsp::parse_session (value ? *value : "");
  return session ? session->id : "";
}

} // namespace

TEST_F (BehindATunnel, ThePacketsComeOverTcpAndGoOnOverUdp)
{
  source_->start_publishing ();
  const auto peer = Node::peer (way_.uri ());
  ASSERT_TRUE (joins (*peer, way_));
  EXPECT_TRUE (peer->stats ().is_parent_over_tcp);
  ASSERT_EQ (source_->stats ().children.size (), 1u);
  EXPECT_TRUE (source_->stats ().children[0].is_over_tcp);

  const auto child = Node::peer (uri_of ("127.0.0.1", peer->port ()));
  ASSERT_TRUE (eventually ([&] { return child->is_receiving (); }));
  EXPECT_FALSE (child->stats ().is_parent_over_tcp);

  ASSERT_TRUE (eventually ([&] { return child->packets () > 500; }));
  source_->stop_publishing ();
  for (const auto *node : {peer.get (), child.get ()}) {
    EXPECT_TRUE (source_->reaches (*node));
    EXPECT_EQ (source_->faults_of (*node), "");
    EXPECT_EQ (node->stats ().data.packets_lost, 0u);
    EXPECT_EQ (node->count ("parent changed"), 1u);
  }
  // The reports go the way the packets come.
  EXPECT_TRUE (eventually ([&] {
    const auto stats = source_->stats ();
    return !stats.children.empty () && stats.children[0].data.last_report;
  }));
}

// Nothing but signs of life: they are enough to know that UDP gets through.
TEST (Transport, UdpThatGetsThroughIsKept)
{
  const auto source = Node::source ();
  const auto peer = Node::peer (*source);
  ASSERT_TRUE (eventually ([&] { return peer->is_child_of (*source); }));
  EXPECT_TRUE (steadily (
      [&] {
        return peer->is_child_of (*source) &&
               !peer->stats ().is_parent_over_tcp;
      },
      agent::limits::udp_wait_max + 500ms));
  EXPECT_EQ (peer->count ("parent changed"), 1u);
}

// Signs of life come over TCP, too.
TEST_F (BehindATunnel, AQuietParentIsAParent)
{
  const auto peer = Node::peer (way_.uri ());
  ASSERT_TRUE (joins (*peer, way_));
  EXPECT_TRUE (steadily ([&] { return peer->is_receiving (); }, 2s));
  EXPECT_EQ (peer->count ("parent changed"), 1u);
}

// A source, a first peer and a child of that; to both parents there is no UDP.
class BelowTwoTunnels : public BehindATunnel {
protected:
  void grow ()
  {
    parent_ = Node::peer (*source_, at (way_to_parent_, 1));
    way_to_parent_.lead_to (*parent_);
    ASSERT_TRUE (eventually ([&] { return parent_->is_receiving (); }));
    source_->set_children_max (1);
    child_ = Node::peer (way_.uri ());
    ASSERT_TRUE (joins (*child_, way_to_parent_));
    ASSERT_TRUE (child_->stats ().is_parent_over_tcp);
    ASSERT_TRUE (source_->reaches (*child_));
    source_->set_children_max (2);
  }
  void expect_moved_without_a_gap ()
  {
    ASSERT_TRUE (joins (*child_, way_));
    EXPECT_TRUE (child_->stats ().is_parent_over_tcp);
    source_->stop_publishing ();
    EXPECT_TRUE (source_->reaches (*child_));
    EXPECT_EQ (source_->faults_of (*child_), "");
    EXPECT_EQ (child_->stats ().data.packets_lost, 0u);
  }

  Tunnel way_to_parent_;
  std::unique_ptr<Node> parent_, child_;
};

TEST_F (BelowTwoTunnels, ACrashLosesNothingThatTheRingHas)
{
  source_->start_publishing ();
  ASSERT_NO_FATAL_FAILURE (grow ());
  parent_->crash ();
  expect_moved_without_a_gap ();
}

// Its connection stands, its heart-beats come, but no packet.
TEST_F (BelowTwoTunnels, AFrozenParentIsFoundByItsSilence)
{
  source_->start_publishing ();
  ASSERT_NO_FATAL_FAILURE (grow ());
  const auto before = Clock::now ();
  parent_->freeze ();
  expect_moved_without_a_gap ();
  RecordProperty (
      "ms-to-new-parent", static_cast<int> ((Clock::now () - before) / 1ms));
}

TEST_F (BelowTwoTunnels, AGracefulLeaveLosesNothing)
{
  source_->start_publishing ();
  ASSERT_NO_FATAL_FAILURE (grow ());
  ASSERT_TRUE (parent_->leave_and_wait ());
  expect_moved_without_a_gap ();
  EXPECT_EQ (child_->stats ().transience_total.count (), 0);
}

// What a child says that UDP does not reach, and from when on it says so at
// once.
TEST (Transport, WhoIsOftenUnreachableAsksForTcpAtOnce)
{
  const core::message::Accept accept{{{0x5bc, 1}, "127.0.0.1:9"}, {}, {}};
  const rtsp::Session session{"1234567890", 60s};
  auto udp = rtsp::peer_transport_udp (9);
  udp.server_port = rtsp::PortRange{9, 9};
  const auto tcp = rtsp::peer_transport_tcp (7);
  Generator stream;
  std::mutex lock;
  std::vector<std::string> offers; // of all flights
  // Never sends a datagram; once asked for TCP, a packet, and goes.
  RawServer source ([&] (RawClient &asker) {
    const auto describe = asker.receive_request ();
    const auto setup = asker.receive_request ();
    const auto play = asker.receive_request ();
    const bool is_tcp = offers_of (setup).starts_with ("RTP/AVPF/TCP");
    {
      const std::lock_guard guard (lock);
      offers.push_back (offers_of (setup));
    }
    asker.send (
        rtsp::encode_accept (accept, stream_sdp, "rtsp://127.0.0.1/live/"),
        describe);
    asker.send (rtsp::encode_setup_answer (session, is_tcp ? tcp : udp), setup);
    asker.send (rtsp::encode_play_answer (session), play);
    if (!is_tcp) {
      const auto again = asker.receive_request ();
      EXPECT_EQ (again.method, "SETUP");
      EXPECT_EQ (offers_of (again),
          "RTP/AVPF/TCP;unicast;RTCP-mux;bundle;interleaved=0");
      asker.send (rtsp::encode_setup_answer (session, tcp), again);
      const auto on = asker.receive_request ();
      EXPECT_EQ (on.method, "PLAY");
      asker.send (rtsp::encode_play_answer (session), on);
    }
    Datagram packet;
    {
      const std::lock_guard guard (lock);
      packet = stream.next_burst ().at (0);
    }
    std::string frame = {'$', 7, static_cast<char> (packet.size () >> 8),
        static_cast<char> (packet.size () & 0xff)};
    frame.append (packet.begin (), packet.end ());
    asker.send (frame);
    // It says so when it has seen it.
    std::string beat = "-";
    while (!beat.empty () && beat.find ("receiving: yes") == std::string::npos)
      beat = asker.receive_request ().body;
    ring_bell ();
  });
  // The script knows no message that says where in the network somebody is.
  NodeOptions options;
  options.proximity = agent::Proximity::none;
  const auto peer = Node::peer (uri_of ("127.0.0.1", source.port ()), options);
  ASSERT_TRUE (eventually ([&] {
    const std::lock_guard guard (lock);
    return offers.size () > agent::limits::udp_failures_max;
  }));
  EXPECT_GE (peer->packets (), agent::limits::udp_failures_max);
  const std::lock_guard guard (lock);
  for (std::size_t i = 0; i < offers.size (); ++i) {
    const bool is_tcp_first = offers[i].starts_with ("RTP/AVPF/TCP");
    EXPECT_EQ (is_tcp_first, i >= agent::limits::udp_failures_max) << i;
    EXPECT_NE (offers[i].find ("client_port="), std::string::npos) << i;
  }
}

// The parent's side, word by word.
class Changing : public testing::Test {
protected:
  Changing () : link_ (source_->port ())
  {
    link_.send (to_text (
        flight (source_->url (), subscribe_of (1), datagrams_.port ())));
    for (unsigned i = 0; i < 3; ++i)
      if (const auto id = session_of (link_.receive_response ()); !id.empty ())
        session_ = id;
    EXPECT_NE (session_, "");
  }
  rtsp::Response setup (
      const std::string &transport, std::optional<std::string> session = {})
  {
    return link_.ask ("SETUP", source_->url (),
        {{"Transport", transport}, {"Session", session.value_or (session_)}});
  }
  rtsp::Response play (rtsp::Headers headers = {})
  {
    headers.push_back ({"Session", session_});
    return link_.ask ("PLAY", source_->url (), std::move (headers));
  }

  static constexpr auto tcp =
      "RTP/AVPF/TCP;unicast;RTCP-mux;bundle;interleaved=5";
  const std::unique_ptr<Node> source_ = Node::source ();
  const RawUdp datagrams_;
  RawClient link_;
  std::string session_;
};

TEST_F (Changing, ResumesWhereUdpBegan)
{
  source_->publish_bursts (3);
  EXPECT_FALSE (const_cast<RawUdp &> (datagrams_).receive ().empty ());
  const auto answer = setup (tcp);
  EXPECT_EQ (answer.status, 200u);
  EXPECT_EQ (offers_of ({{}, {}, answer.headers, {}}), tcp);
  EXPECT_TRUE (link_.frames.empty ()) << "not before PLAY";
  const auto published = source_->record ().packets ();
  const auto first = published.front ();
  ASSERT_EQ (play ({{"SpreadIt-Resume", "ssrc=11111111; seq=" +
                                            std::to_string (seq_of (first))}})
                 .status,
      200u);
  Record got;
  got.add (first);
  const auto newest = source_->record ().newest ();
  while (!got.has (newest.front ())) {
    const auto frame = link_.receive_frame (5);
    ASSERT_TRUE (frame);
    got.add (frame->payload);
  }
  EXPECT_EQ (source_->record ().faults (got), "");
  EXPECT_TRUE (source_->stats ().children.at (0).is_over_tcp);

  // Its reports on the same channel.
  const auto report = receiver_report ();
  std::string frame = {'$', 5, 0, static_cast<char> (report.size ())};
  frame.append (report.begin (), report.end ());
  link_.send (frame);
  EXPECT_TRUE (eventually ([&] {
    const auto children = source_->stats ().children;
    return !children.empty () && children[0].data.last_report;
  }));
}

TEST_F (Changing, IsForOnceAndToTcpOnly)
{
  EXPECT_EQ (play ().status, 455u) << "nothing was set up";
  EXPECT_EQ (setup (tcp, "4711").status, 454u);
  EXPECT_EQ (setup (tcp, "").status, 454u);
  EXPECT_EQ (
      setup ("RTP/AVPF;unicast;RTCP-mux;bundle;client_port=9").status, 461u);
  EXPECT_EQ (setup ("RTP/AVPF/TCP;unicast;interleaved=0-1").status, 461u);
  EXPECT_EQ (setup ("nonsense;;=").status, 461u);
  EXPECT_EQ (play ().status, 455u);
  EXPECT_FALSE (source_->stats ().children.at (0).is_over_tcp);
  EXPECT_EQ (setup (tcp).status, 200u);
  EXPECT_EQ (play ().status, 200u);
  EXPECT_EQ (setup (tcp).status, 455u) << "it is TCP already";
  EXPECT_EQ (play ().status, 455u);
  EXPECT_TRUE (source_->stats ().children.at (0).is_over_tcp);
}

TEST_F (Changing, ARefusedPlayIsNoNewBeginning)
{
  // The answer is written before its sender is fed.
  ASSERT_TRUE (
      eventually ([&] { return !source_->stats ().data.children.empty (); }));
  source_->publish_bursts (3);
  const auto published = source_->record ().packets ().size ();
  const auto sent = [&] { return source_->stats ().data.packets_sent; };
  ASSERT_TRUE (eventually ([&] { return sent () == published; }))
      << sent () << " of " << published;
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ (play ().status, 455u);
  EXPECT_EQ (sent (), published) << "nothing twice";
}

// A parent that chooses what was not offered.
TEST (Transport, TcpThatNobodyOfferedIsRefused)
{
  std::atomic<unsigned> accepted = 0;
  const core::message::Accept accept{{{0x5bc, 1}, "127.0.0.1:9"}, {}, {}};
  const rtsp::Session session{"1234567890", 60s};
  RawServer liar ([&] (RawClient &asker) {
    const auto describe = asker.receive_request ();
    const auto setup = asker.receive_request ();
    const auto play = asker.receive_request ();
    asker.send (
        rtsp::encode_accept (accept, stream_sdp, "rtsp://127.0.0.1/live/"),
        describe);
    asker.send (
        rtsp::encode_setup_answer (session, rtsp::peer_transport_tcp (0)),
        setup);
    asker.send (rtsp::encode_play_answer (session), play);
    ++accepted;
    (void)asker.wait_closed ();
  });
  const auto peer = Node::peer (uri_of ("127.0.0.1", liar.port ()));
  EXPECT_TRUE (eventually ([&] { return !peer->fails ().empty (); }));
  EXPECT_GT (accepted, 0u);
  EXPECT_EQ (peer->count ("parent changed"), 0u);
}

// One that has stopped reading and one whose port is closed, beside three that
// are well.
TEST (Isolation, AChildThatIsInTroubleCostsTheOthersNothing)
{
  NodeOptions options;
  options.children_max = 6;
  const auto source = Node::source (options);
  const auto peer = Node::peer (*source);
  ASSERT_TRUE (eventually ([&] { return peer->is_child_of (*source); }));
  Player good (*source), stuck (*source);
  ASSERT_TRUE (good.plays_over_tcp ());
  ASSERT_TRUE (stuck.plays_over_tcp ());
  std::uint16_t closed_port = 0;
  {
    const RawUdp gone;
    closed_port = gone.port ();
  }
  RawClient closed (source->port ());
  closed.send (
      to_text (flight (source->url (), subscribe_of (1), closed_port)));
  EXPECT_EQ (closed.receive_response ().status, 200u);

  source->start_publishing ();
  Record got;
  const auto read = [&] {
    (void)good.rtsp.receive (1ms);
    for (; !good.rtsp.frames.empty (); good.rtsp.frames.pop_front ())
      got.add (good.rtsp.frames.front ().payload);
  };
  const auto drops = [&] {
    std::vector<std::uint64_t> frames;
    for (const auto &child : source->stats ().children)
      if (child.is_over_tcp)
        frames.push_back (child.data.frames_dropped);
    return frames;
  };
  ASSERT_TRUE (eventually ([&] {
    read ();
    const auto frames = drops ();
    return std::ranges::any_of (frames, [] (auto n) { return n > 100; });
  }));
  source->stop_publishing ();
  ASSERT_TRUE (source->reaches (*peer));
  EXPECT_EQ (source->faults_of (*peer), "");
  EXPECT_EQ (peer->stats ().data.packets_lost, 0u);
  const auto newest = source->record ().newest ();
  ASSERT_TRUE (eventually ([&] {
    read ();
    return std::ranges::all_of (
        newest, [&] (const auto &packet) { return got.has (packet); });
  }));
  EXPECT_EQ (source->record ().faults (got), "");
  EXPECT_EQ (std::ranges::count (drops (), 0u), 1) << "the good one's";
}

} // namespace spreadit::test
