// What a plain RTSP player gets to see (RFC 2326; docs/protocol.md, "Plain
// players").
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include "player.hpp"
#include "raw_server.hpp"

namespace spreadit::test {

namespace {

NodeOptions
with_room_for (unsigned children_max)
{
  NodeOptions options;
  options.children_max = children_max;
  return options;
}

std::string
header (const rtsp::Response &response, std::string_view name)
{
  const auto *value = rtsp::find (response.headers, name);
  return value ? *value : "";
}

std::size_t
children_of (const Node &node)
{
  return node.stats ().children.size ();
}

} // namespace

TEST (Player, OptionsNameTheMethods)
{
  const auto source = Node::source ();
  RawClient client (source->port ());
  for (const auto &url : {std::string ("*"), source->url ()}) {
    const auto response = client.ask ("OPTIONS", url);
    EXPECT_EQ (response.status, 200u) << url;
    EXPECT_EQ (header (response, "Public"),
        "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN, GET_PARAMETER, "
        "SET_PARAMETER");
  }
  EXPECT_EQ (children_of (*source), 0u);
}

TEST (Player, DescribeGivesTheSdpAsPublished)
{
  const auto source = Node::source ();
  Player player (*source);
  const auto response = player.describe ();
  EXPECT_EQ (response.status, 200u);
  EXPECT_EQ (response.body, stream_sdp);
  EXPECT_EQ (header (response, "Content-Type"), "application/sdp");
  EXPECT_EQ (header (response, "Content-Base"), source->url () + "/");
  // Nothing of ours that a player need not know.
  EXPECT_EQ (header (response, "SpreadIt-Peer"), "");
}

TEST (Player, AWrongPathIsNotFound)
{
  const auto source = Node::source ();
  Player player (*source);
  for (const char *path : {"/nothing", "/live2", "/liv"})
    EXPECT_EQ (
        player.rtsp
            .ask ("DESCRIBE",
                "rtsp://127.0.0.1:" + std::to_string (source->port ()) + path)
            .status,
        404u)
        << path;
  ASSERT_EQ (player.describe ().status, 200u);
  // And neither is a medium that the stream does not have.
  EXPECT_EQ (player.setup_tcp (7).status, 404u);
}

TEST (Player, BeforeTheStreamIsThereItIsToldToComeAgain)
{
  const auto nobody = free_port ();
  const auto peer = Node::peer (uri_of ("127.0.0.1", nobody));
  Player player (*peer);
  const auto response = player.describe ();
  EXPECT_EQ (response.status, 503u);
  EXPECT_EQ (header (response, "Retry-After"), "1");
}

TEST (Player, UdpPairsGetWhatRtpInfoPromised)
{
  const auto source = Node::source (with_room_for (50));
  source->publish_burst ();         // there has to be something to tell
  source->start_publishing (100us); // and little time between two
  for (unsigned round = 0; round < 40; ++round) {
    SCOPED_TRACE ("round " + std::to_string (round));
    Player player (*source);
    UdpPair video = UdpPair::open (), audio = UdpPair::open ();
    ASSERT_EQ (player.describe ().status, 200u);
    const auto response = player.setup_udp (0, video);
    ASSERT_EQ (response.status, 200u);
    const auto transport = header (response, "Transport");
    EXPECT_NE (transport.find (video.client_port ()), std::string::npos);
    EXPECT_NE (transport.find ("server_port="), std::string::npos);
    EXPECT_NE (transport.find ("ssrc=11111111"), std::string::npos);
    ASSERT_EQ (player.setup_udp (1, audio).status, 200u);
    ASSERT_EQ (player.play ().status, 200u);
    EXPECT_EQ (player.promised_seq (0), seq_of (video.rtp.receive ()));
    EXPECT_EQ (player.promised_seq (1), seq_of (audio.rtp.receive ()));
  }
}

TEST (Player, InterleavedChannelsGetWhatRtpInfoPromised)
{
  const auto source = Node::source (with_room_for (50));
  source->publish_burst ();         // there has to be something to tell
  source->start_publishing (100us); // and little time between two
  for (unsigned round = 0; round < 40; ++round) {
    SCOPED_TRACE ("round " + std::to_string (round));
    Player player (*source);
    ASSERT_TRUE (player.plays_over_tcp ());
    // Not a frame before the answer to PLAY: ffmpeg would drop it.
    EXPECT_TRUE (player.rtsp.frames.empty ());
    for (const unsigned medium : {0u, 1u}) {
      Player again (*source);
      ASSERT_EQ (again.describe ().status, 200u);
      ASSERT_EQ (again.setup_tcp (medium).status, 200u);
      ASSERT_EQ (again.play ().status, 200u);
      const auto frame =
          again.rtsp.receive_frame (static_cast<std::uint8_t> (2 * medium));
      ASSERT_TRUE (frame);
      EXPECT_EQ (again.promised_seq (medium), seq_of (frame->payload));
    }
  }
}

// Frame by frame what the source sent, reports on the channel for RTCP.
TEST (Player, InterleavedPacketsAreTheSources)
{
  const auto source = Node::source ();
  source->publish_burst (); // it is told what comes next, so nothing is missed
  const auto before = source->record ().size ();
  Player player (*source);
  ASSERT_TRUE (player.plays_over_tcp ());
  source->publish_bursts (30);
  const auto sent = source->record ();
  Record got;
  ASSERT_TRUE (eventually ([&] {
    (void)player.rtsp.receive (1ms);
    return player.rtsp.frames.size () == sent.size () - before;
  }));
  for (const auto &frame : player.rtsp.frames) {
    const auto header = media::parse_packet (frame.payload);
    ASSERT_TRUE (header);
    const bool is_rtcp = std::holds_alternative<media::RtcpHeader> (*header);
    const bool is_audio = media::ssrc_of (*header) == audio_ssrc;
    EXPECT_EQ (frame.channel, 2 * is_audio + is_rtcp);
    got.add (frame.payload);
  }
  EXPECT_EQ (sent.faults (got), "");
}

TEST (Player, KeepAlivesAreAnswered)
{
  const auto source = Node::source ();
  Player player (*source);
  ASSERT_TRUE (player.plays_over_tcp ());
  for (const char *method : {"GET_PARAMETER", "SET_PARAMETER", "OPTIONS"})
    EXPECT_EQ (player.ask (method).status, 200u) << method;
  EXPECT_EQ (player.rtsp
                 .ask ("GET_PARAMETER", player.url,
                     {{"Content-Type", "text/parameters"}}, "jitter\r\n")
                 .status,
      451u);
  EXPECT_EQ (player.ask ("ANNOUNCE").status, 501u);
  EXPECT_EQ (children_of (*source), 1u);
}

TEST (Player, PauseAndPlay)
{
  const auto source = Node::source ();
  source->publish_burst ();
  Player player (*source);
  ASSERT_TRUE (player.plays_over_tcp ());
  source->publish_bursts (2);
  ASSERT_TRUE (player.rtsp.receive_frame (0));
  EXPECT_EQ (player.ask ("PAUSE").status, 200u);
  EXPECT_EQ (player.ask ("PAUSE").status, 455u);
  while (player.rtsp.receive_frame (0, 1ms)) {
  }
  // The place is kept, what comes meanwhile is missed.
  EXPECT_EQ (children_of (*source), 1u);
  source->publish_bursts (5);
  ASSERT_EQ (player.play ().status, 200u);
  EXPECT_TRUE (player.rtsp.frames.empty ());
  source->publish_burst ();
  const auto frame = player.rtsp.receive_frame (0);
  ASSERT_TRUE (frame);
  EXPECT_EQ (player.promised_seq (0), seq_of (frame->payload));
}

// Some players ask for each medium, or once more: no packet comes twice.
TEST (Player, ASecondPlayChangesNothing)
{
  const auto source = Node::source ();
  source->publish_bursts (5);
  Player player (*source);
  ASSERT_TRUE (player.plays_over_tcp ());
  source->publish_bursts (5);
  EXPECT_EQ (player.play ().status, 200u);
  source->publish_bursts (5);
  Record got;
  for (unsigned i = 0; i < 3 * 10; ++i) {
    const auto frame = player.rtsp.receive_frame (0);
    ASSERT_TRUE (frame);
    got.add (frame->payload);
  }
  EXPECT_EQ (source->record ().faults (got), "");
  EXPECT_FALSE (player.rtsp.receive_frame (0, 50ms));
  // Of a running session neither transport nor media can be changed.
  EXPECT_EQ (player.setup_tcp (0).status, 455u);
}

TEST (Player, TeardownFreesThePlace)
{
  const auto source = Node::source (with_room_for (1));
  for (unsigned round = 0; round < 5; ++round) {
    Player player (*source);
    ASSERT_TRUE (player.plays_over_tcp ());
    EXPECT_EQ (children_of (*source), 1u);
    EXPECT_EQ (player.ask ("TEARDOWN").status, 200u);
    EXPECT_EQ (player.rtsp.wait_closed (), RawClient::End::fin);
    EXPECT_EQ (children_of (*source), 0u);
  }
  EXPECT_EQ (source->count ("child added"), 5u);
  EXPECT_EQ (source->count ("child removed"), 5u);
}

// Over UDP a player that ends by itself needs no time to end.
TEST (Player, TeardownOverUdpIsTheEnd)
{
  const auto source = Node::source (with_room_for (1));
  UdpPair ports = UdpPair::open ();
  Player player (*source);
  ASSERT_EQ (player.describe ().status, 200u);
  ASSERT_EQ (player.setup_udp (0, ports).status, 200u);
  ASSERT_EQ (player.play ().status, 200u);
  EXPECT_EQ (player.ask ("TEARDOWN").status, 200u);
  EXPECT_EQ (player.rtsp.wait_closed (2s), RawClient::End::fin);
}

// rtspsrc 1.22 does that at times, and takes a connection that has been closed
// for a fault.
TEST (Player, MayPauseAfterItsTeardown)
{
  const auto source = Node::source (with_room_for (1));
  Player player (*source);
  ASSERT_TRUE (player.plays_over_tcp ());
  EXPECT_EQ (player.ask ("TEARDOWN").status, 200u);
  EXPECT_EQ (children_of (*source), 0u) << "the place is free at once";
  EXPECT_EQ (player.ask ("PAUSE").status, 200u);
  EXPECT_EQ (player.ask ("PLAY").status, 454u);
  EXPECT_EQ (player.rtsp.wait_closed (2s), RawClient::End::fin);
}

TEST (Player, AClosedConnectionFreesThePlace)
{
  const auto source = Node::source (with_room_for (1));
  const auto is_free = [&] { return children_of (*source) == 0; };
  {
    Player player (*source);
    ASSERT_TRUE (player.plays_over_tcp ());
  }
  EXPECT_TRUE (eventually (is_free));
  Player player (*source);
  ASSERT_TRUE (player.plays_over_tcp ());
  player.rtsp.reset ();
  EXPECT_TRUE (eventually (is_free));
}

TEST (Player, ASaturatedNodeSendsItOnAtDescribe)
{
  const auto source = Node::source (with_room_for (1));
  const auto peer = Node::peer (*source);
  ASSERT_TRUE (eventually ([&] { return peer->is_child_of (*source); }));
  Player player (*source);
  const auto response = player.describe ();
  EXPECT_EQ (response.status, 302u);
  EXPECT_EQ (header (response, "Location"), peer->url () + "?spreadit-hops=1");
  EXPECT_EQ (header (response, "SpreadIt-Target"), "");

  // Where it is sent to it is served; the hop count is no part of the path.
  RawClient next (peer->port ());
  const auto there = next.ask ("DESCRIBE", header (response, "Location"));
  EXPECT_EQ (there.status, 200u);
  EXPECT_EQ (header (there, "Content-Base"), peer->url () + "/");
}

TEST (Player, IsNotSentRoundForEver)
{
  const auto source = Node::source (with_room_for (1));
  const auto peer = Node::peer (*source);
  ASSERT_TRUE (eventually ([&] { return peer->is_child_of (*source); }));
  RawClient client (source->port ());
  const auto at = [&] (unsigned hops) {
    return client.ask (
        "DESCRIBE", source->url () + "?spreadit-hops=" + std::to_string (hops));
  };
  const auto last = at (15);
  EXPECT_EQ (last.status, 302u);
  EXPECT_EQ (header (last, "Location"), peer->url () + "?spreadit-hops=16");
  EXPECT_EQ (at (16).status, 453u);
  EXPECT_EQ (at (4'000'000'000).status, 453u);
}

// A redirect of a SETUP is an error to most players.
TEST (Player, SetupWithoutDescribe)
{
  const auto source = Node::source (with_room_for (1));
  Player player (*source);
  EXPECT_EQ (player.setup_tcp (0).status, 200u);
  EXPECT_EQ (player.play ().status, 200u);
  Player late (*source);
  EXPECT_EQ (late.setup_tcp (0).status, 453u);
  EXPECT_EQ (late.play ().status, 455u);
}

TEST (Player, TransportsWeDoNotHaveAreRefused)
{
  const auto source = Node::source ();
  Player player (*source);
  ASSERT_EQ (player.describe ().status, 200u);
  for (const char *transport : {"RTP/AVP;multicast;port=5000-5001",
           "RTP/SAVP;unicast;client_port=5000-5001",
           "RAW/RAW/UDP;unicast;client_port=5000", "RTP/AVP;unicast"})
    EXPECT_EQ (player.setup (0, transport).status, 461u) << transport;
  EXPECT_EQ (player.setup (0, "RTP/AVP;unicast;client_port=x").status, 400u);
  // The first that fits is taken.
  const auto response = player.setup (
      0, "RTP/SAVP;unicast;client_port=5000-5001,RTP/AVP/TCP;interleaved=4-5");
  EXPECT_EQ (response.status, 200u);
  EXPECT_NE (header (response, "Transport").find ("interleaved=4-5"),
      std::string::npos);
  // One way for all media, and no channel twice.
  EXPECT_EQ (
      player.setup (1, "RTP/AVP;unicast;client_port=5000-5001").status, 461u);
  EXPECT_EQ (player.setup (1, "RTP/AVP/TCP;interleaved=5-6").status, 461u);
  EXPECT_EQ (player.setup (1, "RTP/AVP/TCP;interleaved=6-7").status, 200u);
}

TEST (Player, SessionsAreTakenSeriously)
{
  const auto source = Node::source ();
  Player player (*source);
  ASSERT_EQ (player.describe ().status, 200u);
  const auto setup = player.setup_tcp (0);
  ASSERT_EQ (setup.status, 200u);
  EXPECT_NE (header (setup, "Session").find (";timeout=60"), std::string::npos);
  const std::string mine = std::exchange (player.session, "12345678");
  for (const char *method : {"PLAY", "PAUSE", "GET_PARAMETER", "TEARDOWN"})
    EXPECT_EQ (player.ask (method).status, 454u) << method;
  EXPECT_EQ (player.setup_tcp (1).status, 454u);
  player.session = "no session at all";
  EXPECT_EQ (player.play ().status, 454u);
  EXPECT_EQ (children_of (*source), 1u);
  player.session = mine;
  const auto play = player.play ();
  EXPECT_EQ (play.status, 200u);
  EXPECT_EQ (header (play, "Session").find (mine), 0u);

  // The session of one connection is none of another's.
  Player thief (*source);
  thief.session = mine;
  EXPECT_EQ (thief.ask ("TEARDOWN").status, 454u);
  EXPECT_EQ (children_of (*source), 1u);
}

// ffmpeg's answer to a request it does not know breaks the link: it gets none,
// not even while the tree around it changes and comes to an end.
TEST (Player, NoRequestIsEverSentToIt)
{
  const auto source = Node::source (with_room_for (1));
  const auto peer = Node::peer (*source, with_room_for (3));
  ASSERT_TRUE (eventually ([&] { return peer->is_child_of (*source); }));
  Player player (*peer);
  ASSERT_TRUE (player.plays_over_tcp ());
  const auto sibling = Node::peer (*source);
  ASSERT_TRUE (eventually ([&] { return sibling->is_child_of (*peer); }));
  // Two heart-beats.
  EXPECT_FALSE (player.rtsp.receive (2200ms));
  EXPECT_TRUE (peer->leave_and_wait ());
  EXPECT_EQ (player.rtsp.wait_closed (), RawClient::End::fin);
  while (player.rtsp.receive (0ms)) {
  }
  EXPECT_TRUE (player.rtsp.passed_over.empty ());
}

TEST (Player, OverUdpItHearsGoodbyeForEachMedium)
{
  for (const bool graceful : {true, false}) {
    const auto source = Node::source ();
    source->publish_burst ();
    Player player (*source);
    UdpPair video = UdpPair::open (), audio = UdpPair::open ();
    ASSERT_EQ (player.describe ().status, 200u);
    ASSERT_EQ (player.setup_udp (0, video).status, 200u);
    ASSERT_EQ (player.setup_udp (1, audio).status, 200u);
    ASSERT_EQ (player.play ().status, 200u);
    source->publish_burst ();
    ASSERT_FALSE (video.rtp.receive ().empty ());
    if (graceful)
      source->leave ();
    else
      source->crash (); // as a closed node does: players are told
    const auto says_goodbye = [] (RawUdp &rtcp, std::uint32_t ssrc) {
      for (auto packet = rtcp.receive (); !packet.empty ();
           packet = rtcp.receive ())
        if (is_goodbye (packet, ssrc))
          return true;
      return false;
    };
    EXPECT_TRUE (says_goodbye (video.rtcp, video_ssrc));
    EXPECT_TRUE (says_goodbye (audio.rtcp, audio_ssrc));
    if (graceful) { // the first one may have been lost
      EXPECT_TRUE (says_goodbye (video.rtcp, video_ssrc));
      EXPECT_TRUE (says_goodbye (audio.rtcp, audio_ssrc));
    }
    EXPECT_EQ (player.rtsp.wait_closed (), RawClient::End::fin);
  }
}

// It may play what it has: its connection stays a while. Who leaves waits for
// it, and who leaves a second time does not.
TEST (Player, OverUdpItMayEndInPeace)
{
  for (const bool in_haste : {false, true}) {
    const auto source = Node::source ();
    UdpPair ports = UdpPair::open ();
    Player player (*source);
    ASSERT_EQ (player.describe ().status, 200u);
    ASSERT_EQ (player.setup_udp (0, ports).status, 200u);
    ASSERT_EQ (player.play ().status, 200u);
    source->leave ();
    EXPECT_EQ (source->count ("left"), 0u);
    EXPECT_EQ (player.ask ("PAUSE").status, 200u);
    EXPECT_EQ (player.ask ("PLAY").status, 454u);
    if (in_haste)
      source->leave ();
    else
      (void)player.ask ("TEARDOWN");
    EXPECT_TRUE (eventually ([&] { return source->count ("left") == 1; }, 2s));
  }
}

TEST (Player, OverTcpItHearsGoodbyeForEachMedium)
{
  for (const bool graceful : {true, false}) {
    const auto source = Node::source ();
    Player player (*source);
    ASSERT_TRUE (player.plays_over_tcp ());
    source->publish_burst ();
    if (graceful)
      source->leave ();
    else
      source->crash ();
    EXPECT_EQ (player.rtsp.wait_closed (), RawClient::End::fin);
    while (player.rtsp.receive (0ms)) {
    }
    unsigned of_video = 0, of_audio = 0;
    for (const auto &frame : player.rtsp.frames) {
      of_video += frame.channel == 1 && is_goodbye (frame.payload, video_ssrc);
      of_audio += frame.channel == 3 && is_goodbye (frame.payload, audio_ssrc);
    }
    EXPECT_EQ (of_video, 1u);
    EXPECT_EQ (of_audio, 1u);
  }
}

} // namespace spreadit::test
