// Plain players over loopback: port pairs and interleaved.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "node.hpp"

#include <map>

namespace spreadit::media {
namespace {

TEST (Players, HavePairsOfPorts)
{
  Node source;
  const auto ports = source->plain_ports ();
  ASSERT_TRUE (ports);
  EXPECT_EQ (ports->first % 2, 0);
  EXPECT_EQ (ports->second, ports->first + 1);
  EXPECT_EQ (source->plain_ports (), ports) << "once for all";
  EXPECT_NE (ports->first, source->port ());
}

TEST (Players, GetEachMediumOnItsPorts)
{
  Node source;
  const auto ports = *source->plain_ports ();
  const Address rtp_from = Address::from_ip ("127.0.0.1", ports.first);
  const Address rtcp_from = Address::from_ip ("127.0.0.1", ports.second);
  Foreign video, video_rtcp, audio, audio_rtcp;
  source->start_feeding (LinkKey{1},
      route::PortPairs{{{0, video.address (), video_rtcp.address ()},
          {1, audio.address (), audio_rtcp.address ()}}},
      {});
  const Datagram video_sr = sender_report (video_ssrc, 1, 2);
  const Datagram audio_sr = sender_report (audio_ssrc, 1, 2);
  GstBufferList *list = gst_buffer_list_new ();
  for (const Datagram &packet : {rtp (1), rtp (2),
           rtp (1, audio_ssrc, audio_pt), video_sr, audio_sr, rtp (3)})
    gst_buffer_list_add (list, new_buffer (packet));
  source->fan_out (list);
  gst_buffer_list_unref (list);

  for (std::uint16_t seq = 1; seq <= 3; ++seq) {
    EXPECT_EQ (video.receive (), rtp (seq));
    EXPECT_EQ (video.last_from (), rtp_from);
  }
  EXPECT_EQ (audio.receive (), rtp (1, audio_ssrc, audio_pt));
  EXPECT_EQ (video_rtcp.receive (), video_sr);
  EXPECT_EQ (video_rtcp.last_from (), rtcp_from);
  EXPECT_EQ (audio_rtcp.receive (), audio_sr);
  EXPECT_EQ (source->stats ().packets_sent, 6u);

  source->stop_feeding (LinkKey{1}, true);
  EXPECT_EQ (video_rtcp.receive (), write_goodbye (video_ssrc));
  EXPECT_EQ (audio_rtcp.receive (), write_goodbye (audio_ssrc));
}

TEST (Players, AreHeard)
{
  Node source;
  Foreign player, player_rtcp, stranger;
  const auto ports = *source->plain_ports ();
  source->start_feeding (LinkKey{1},
      route::PortPairs{{{0, player.address (), player_rtcp.address ()}}}, {});
  const Address rtp_port = Address::from_ip ("127.0.0.1", ports.first);
  const Address rtcp_port = Address::from_ip ("127.0.0.1", ports.second);
  player.send (rtp_port, {0xce, 0xfa, 0xed, 0xfe}); // rtspsrc opens its NAT
  stranger.send (rtcp_port, write_receiver_report (1));
  const ReportBlock block{.ssrc = video_ssrc, .fraction_lost = 128};
  player_rtcp.send (rtcp_port, write_receiver_report (1, {&block, 1}));
  EXPECT_TRUE (eventually ([&] {
    const DataStats stats = source->stats ();
    return stats.packets_stranger == 1 && stats.children.size () == 1 &&
           stats.children[0].lost_fraction == 0.5;
  }));
  EXPECT_EQ (source->stats ().packets_invalid, 0u);
}

TEST (Players, GetNoSignOfLife)
{
  Node source;
  Foreign player, player_rtcp, peer;
  source->plain_ports ();
  source->start_feeding (LinkKey{1},
      route::PortPairs{{{0, player.address (), player_rtcp.address ()}}}, {});
  source->start_feeding (LinkKey{2}, route::Bundled{peer.address ()}, {});
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ (peer.receive ().size (), 8u);
  source.send (rtp (1));
  source.send (sender_report (video_ssrc, 1, 2));
  EXPECT_EQ (player.receive (), rtp (1)) << "the first thing it gets";
  EXPECT_EQ (player_rtcp.receive (), sender_report (video_ssrc, 1, 2));
}

// A connection whose other end reads when it is told to.
class Connection : public InterleavedSink {
public:
  bool write_frame (
      std::uint8_t channel, const std::uint8_t *data, std::size_t size) override
  {
    const std::lock_guard guard (lock_);
    if (is_full_)
      return false;
    frames_[channel].emplace_back (data, data + size);
    return true;
  }
  void set_full (bool full)
  {
    const std::lock_guard guard (lock_);
    is_full_ = full;
  }
  std::vector<Datagram> frames (std::uint8_t channel)
  {
    const std::lock_guard guard (lock_);
    return frames_[channel];
  }

private:
  std::mutex lock_;
  bool is_full_ = false;
  std::map<std::uint8_t, std::vector<Datagram>> frames_;
};

TEST (Players, AStalledConnectionCatchesUpWithoutHarmToOthers)
{
  Node source, peer;
  auto stalled = std::make_shared<Connection> ();
  peer.hear (source, 1);
  source.feed (peer, 1);
  source->start_feeding (
      LinkKey{2}, route::Interleaved{stalled, {{0, 4, 5}}}, {});
  stalled->set_full (true);
  std::vector<Datagram> sent;
  for (std::uint16_t seq = 0; seq < 500; ++seq) {
    source.send (sent.emplace_back (rtp (seq)));
    ASSERT_TRUE (peer.waits_for (seq + 1u));
  }
  EXPECT_TRUE (stalled->frames (4).empty ());
  stalled->set_full (false);
  // Nothing more is sent: the service loop does it.
  EXPECT_TRUE (eventually ([&] { return stalled->frames (4).size () == 500; }));
  EXPECT_TRUE (are_same (stalled->frames (4), sent));

  source->stop_feeding (LinkKey{2}, true);
  EXPECT_EQ (
      stalled->frames (5), std::vector<Datagram>{write_goodbye (video_ssrc)});
  EXPECT_EQ (stalled.use_count (), 1) << "let go of";
}

TEST (Players, ReportOnTheirConnection)
{
  Node source;
  auto connection = std::make_shared<Connection> ();
  source->start_feeding (
      LinkKey{2}, route::Interleaved{connection, {{0, 0, 1}}}, {});
  const ReportBlock block{.ssrc = video_ssrc, .fraction_lost = 64};
  const Datagram report = write_receiver_report (1, {&block, 1});
  source->rtcp_from_child (LinkKey{3}, report.data (), report.size ());
  source->rtcp_from_child (LinkKey{2}, report.data (), report.size () - 1);
  EXPECT_FALSE (source->stats ().children[0].last_report);
  source->rtcp_from_child (LinkKey{2}, report.data (), report.size ());
  EXPECT_EQ (source->stats ().children[0].lost_fraction, 0.25);
}

} // namespace
} // namespace spreadit::media
