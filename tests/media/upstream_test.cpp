// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support.hpp"

#include "media/limits.hpp"
#include "media/upstream.hpp"

namespace spreadit::media {
namespace {

constexpr LinkKey old_link{1}, new_link{2};
constexpr std::uint32_t own_ssrc = 0xabcdef01;

class UpstreamTest : public testing::Test {
protected:
  UpstreamTest ()
  {
    media_.set (video_and_audio);
    upstream_.add (old_link, old_parent_, t0);
    upstream_.add (new_link, new_parent_, t0);
  }

  Taken take (const Datagram &packet, MonotonicTime at = t0)
  {
    return take_from (old_parent_, packet, at);
  }
  Taken take_from (
      const Address &from, const Datagram &packet, MonotonicTime at = t0)
  {
    return upstream_.take (from, packet, media_, {at, ntp_now ()});
  }

  // Packets 1 to 40, two a picture. When the next one is to come.
  MonotonicTime take_twenty_pictures ()
  {
    MonotonicTime now = t0;
    std::uint16_t seq = 0;
    for (std::uint32_t picture = 1; picture <= 20; ++picture, now += 40ms) {
      take (of_picture (++seq, picture * 3600, false), now);
      take (of_picture (++seq, picture * 3600, true), now);
    }
    return now;
  }

  const Address old_parent_ = Address::from_ip ("10.0.0.1", 1);
  const Address new_parent_ = Address::from_ip ("10.0.0.2", 1);
  MediaMap media_;
  Upstream upstream_{own_ssrc};
};

TEST_F (UpstreamTest, TakesRtpOfTwoParentsOnce)
{
  EXPECT_EQ (take_from (old_parent_, rtp (1)), Taken::fresh_rtp);
  EXPECT_EQ (take_from (new_parent_, rtp (1)), Taken::duplicate);
  EXPECT_EQ (take_from (new_parent_, rtp (2)), Taken::fresh_rtp);
  EXPECT_EQ (take_from (old_parent_, rtp (2)), Taken::duplicate);
  EXPECT_EQ (take_from (old_parent_, rtp (2, 99)), Taken::fresh_rtp)
      << "another SSRC";
}

TEST_F (UpstreamTest, TakesRtcpOfTheSourceOnce)
{
  const Datagram sr = sender_report (video_ssrc, 5, 6);
  EXPECT_EQ (take_from (old_parent_, sr), Taken::fresh_rtcp);
  EXPECT_EQ (take_from (new_parent_, sr), Taken::duplicate);
  EXPECT_EQ (take (sender_report (video_ssrc, 6, 6)), Taken::fresh_rtcp);
  EXPECT_EQ (take (sender_report (99, 6, 6)), Taken::fresh_rtcp)
      << "an SR before any RTP of its SSRC";
}

TEST_F (UpstreamTest, RemembersALimitedNumberOfRtcp)
{
  for (std::uint64_t ntp = 1; ntp <= limits::rtcp_remembered; ++ntp)
    EXPECT_EQ (take (sender_report (video_ssrc, ntp, 0)), Taken::fresh_rtcp);
  EXPECT_EQ (take (sender_report (video_ssrc, 1, 0)), Taken::duplicate);
  EXPECT_EQ (take (sender_report (video_ssrc, 1000, 0)), Taken::fresh_rtcp);
  EXPECT_EQ (take (sender_report (video_ssrc, 2, 0)), Taken::duplicate);
  EXPECT_EQ (take (sender_report (video_ssrc, 1, 0)), Taken::fresh_rtcp)
      << "the oldest is forgotten";
}

TEST_F (UpstreamTest, KnowsTheSourcesGoodbyeFromTheParentsIdleReport)
{
  EXPECT_EQ (take (write_receiver_report (4711)), Taken::own_rtcp);
  EXPECT_EQ (take (write_goodbye (4711)), Taken::own_rtcp);
  EXPECT_EQ (take (write_goodbye (video_ssrc)), Taken::fresh_rtcp)
      << "declared in the SDP";
  EXPECT_EQ (take (write_goodbye (audio_ssrc)), Taken::own_rtcp);
  take (rtp (1, audio_ssrc, audio_pt));
  EXPECT_EQ (take (write_goodbye (audio_ssrc)), Taken::fresh_rtcp)
      << "seen in RTP";
}

TEST_F (UpstreamTest, EveryPacketIsASignOfLifeOfItsSender)
{
  EXPECT_FALSE (upstream_.find (old_link)->last_seen);
  const Datagram packets[] = {
      rtp (1), rtp (1), write_receiver_report (4711), {1, 2, 3}};
  auto at = t0;
  for (const Datagram &packet : packets) {
    take (packet, at += 1ms);
    EXPECT_EQ (upstream_.find (old_link)->last_seen, at);
  }
  EXPECT_FALSE (upstream_.find (new_link)->last_seen);
  EXPECT_EQ (upstream_.last_fresh_rtp (), t0 + 1ms);
}

TEST_F (UpstreamTest, RefusesWhatIsNoPacket)
{
  EXPECT_EQ (take ({}), Taken::invalid);
  EXPECT_EQ (take ({0x80, 96, 0, 1}), Taken::invalid);
}

TEST_F (UpstreamTest, AFloodOfSsrcsDoesNotPushTheStreamOut)
{
  MonotonicTime at = t0;
  std::uint16_t seq = 0;
  unsigned taken = 0;
  take (rtp (seq, 77));
  for (std::uint32_t ssrc = 1; ssrc <= 20'000; ++ssrc) {
    at += 500us;
    taken += take (rtp (1, 0x80000000 | ssrc), at) == Taken::fresh_rtp;
    if (ssrc % 20 == 0) {
      ASSERT_EQ (take (rtp (++seq, 77), at), Taken::fresh_rtp) << ssrc;
      ASSERT_EQ (take (rtp (seq, 77), at), Taken::duplicate) << ssrc;
    }
  }
  // 10 s: those of the beginning have become idle once.
  EXPECT_LE (taken, 3 * limits::sources_max);
  EXPECT_EQ (take (rtp (1), at), Taken::fresh_rtp)
      << "what the SDP declares always finds room";
  EXPECT_EQ (take (rtp (1), at), Taken::duplicate);
}

TEST_F (UpstreamTest, HoldsWhatIsRecent)
{
  take (rtp (5), t0);
  take (rtp (9, 77), t0 + 1s);
  auto held = upstream_.held (t0);
  ASSERT_EQ (held.size (), 2u);
  EXPECT_EQ (held[0].ssrc, video_ssrc);
  EXPECT_EQ (held[0].extended_seq & 0xffff, 5u);
  held = upstream_.held (t0 + 1s);
  ASSERT_EQ (held.size (), 1u);
  EXPECT_EQ (held[0].ssrc, 77u);
}

TEST_F (UpstreamTest, EachParentIsToldOfItsOwnLoss)
{
  for (std::uint16_t seq = 0; seq < 100; ++seq) {
    take_from (new_parent_, rtp (seq));
    if (seq % 2 == 0)
      take_from (old_parent_, rtp (seq));
  }
  EXPECT_EQ (upstream_.lost (t0 + 5s), 0u);
  const auto of_old = upstream_.parents ()[0].reception.take_report (t0);
  const auto of_new = upstream_.parents ()[1].reception.take_report (t0);
  ASSERT_EQ (of_old.size (), 1u);
  ASSERT_EQ (of_new.size (), 1u);
  EXPECT_NEAR (of_old[0].fraction_lost, 128, 2);
  EXPECT_EQ (of_new[0].fraction_lost, 0);
}

TEST_F (UpstreamTest, AsksForTheEndOfAPictureBeforeTheNextOneComes)
{
  upstream_.remove (new_link);
  MonotonicTime now = take_twenty_pictures ();
  EXPECT_EQ (upstream_.next_repair (), MonotonicTime::max ());
  take (of_picture (41, 21 * 3600, false), now);

  now = upstream_.next_repair ();
  EXPECT_FALSE (upstream_.take_due_repairs (now)) << "perhaps it is only late";
  const auto losses = upstream_.take_new_losses ();
  ASSERT_EQ (losses.size (), 1u);
  EXPECT_EQ (losses[0].seqs, (std::vector<std::uint16_t>{42}))
      << "those below are told that it is asked for";
  now = upstream_.next_repair ();
  const auto ask = upstream_.take_due_repairs (now);
  ASSERT_TRUE (ask);
  EXPECT_EQ (ask->losses[0].seqs, (std::vector<std::uint16_t>{42}));
  EXPECT_LT (now, t0 + 20 * 40ms + 10ms);

  take (of_picture (42, 21 * 3600, true), now + 20ms);
  DataStats stats;
  upstream_.add_to (stats, now + 20ms);
  EXPECT_EQ (stats.packets_repaired, 1u);
  EXPECT_FALSE (upstream_.take_due_repairs (now + 1s));
}

TEST_F (UpstreamTest, TellsOnceThatTheEndOfAPictureIsMissing)
{
  upstream_.remove (new_link);
  MonotonicTime now = take_twenty_pictures ();
  take (of_picture (41, 21 * 3600, false), now);
  now += 10ms;
  upstream_.take_due_repairs (now);
  upstream_.take_new_losses ();
  now += 30ms; // the next picture: 42 was lost, and 43 as well
  take (of_picture (44, 22 * 3600, true), now);
  const auto losses = upstream_.take_new_losses ();
  ASSERT_EQ (losses.size (), 1u);
  EXPECT_EQ (losses[0].seqs, (std::vector<std::uint16_t>{43}));
}

TEST_F (UpstreamTest, MeasuresDelayOnceItHasASenderReport)
{
  take (rtp (1));
  EXPECT_FALSE (upstream_.delay ().quantile_ms (0.5));
  take (sender_report (video_ssrc, ntp_now (), 3000));
  take (rtp (2)); // RTP time 6000: 33 ms after the report
  ASSERT_TRUE (upstream_.delay ().quantile_ms (0.5));
  EXPECT_LT (*upstream_.delay ().quantile_ms (0.5), 20'000);
  EXPECT_GT (*upstream_.delay ().quantile_ms (0.5), -34);
}

TEST_F (UpstreamTest, ForgetsAParent)
{
  upstream_.remove (old_link);
  EXPECT_EQ (upstream_.find (old_link), nullptr);
  EXPECT_FALSE (upstream_.is_parent (old_parent_));
  EXPECT_TRUE (upstream_.is_parent (new_parent_));
}

} // namespace
} // namespace spreadit::media
