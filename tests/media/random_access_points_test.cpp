// Where newcomers begin.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support.hpp"

#include "media/fan_out.hpp"
#include "media/limits.hpp"

namespace spreadit::media {
namespace {

constexpr auto ring_duration = 3s;
constexpr auto frame_time = 40ms;

class RandomAccessTest : public testing::Test {
protected:
  RandomAccessTest ()
  {
    auto media = video_and_audio;
    media[0].frame_marking = marking_id;
    fan_out_.set_media (media);
  }

  void put (const Datagram &packet)
  {
    ASSERT_TRUE (fan_out_.put (packet, now_));
  }
  // A frame of three packets, and one of audio.
  void put_frame (bool is_independent, std::uint32_t ssrc = video_ssrc)
  {
    for (int i = 0; i < 3; ++i)
      put (marked (video_seq_++, rtp_time_,
          static_cast<std::uint8_t> (
              (i ? 0 : mark_start) | (is_independent ? mark_independent : 0)),
          ssrc));
    put (rtp (audio_seq_++, audio_ssrc, audio_pt));
    rtp_time_ += 3600;
    now_ += frame_time;
  }
  std::uint16_t begins (std::uint32_t ssrc = video_ssrc)
  {
    for (const NextPacket &next : fan_out_.next_packets (now_))
      if (next.ssrc == ssrc)
        return next.seq;
    ADD_FAILURE () << "nothing of " << ssrc;
    return 0;
  }

  Sockets sockets_;
  FanOut fan_out_{
      {.ring_duration = ring_duration, .ring_bytes_max = 1 << 20}, sockets_};
  MonotonicTime now_ = t0;
  std::uint16_t video_seq_ = 100, audio_seq_ = 500;
  std::uint32_t rtp_time_ = 90'000;
};

TEST_F (RandomAccessTest, AtTheLastFrameThatNeedsNoOther)
{
  for (const bool is_independent : {true, false, false, true, false})
    put_frame (is_independent);
  EXPECT_EQ (begins (), 100 + 3 * 3);
  EXPECT_EQ (begins (audio_ssrc), 500 + 3) << "what came after that";
}

TEST_F (RandomAccessTest, LiveAsLongAsThereIsNone)
{
  put_frame (false);
  put_frame (false);
  EXPECT_EQ (begins (), video_seq_);
  EXPECT_EQ (begins (audio_ssrc), audio_seq_);
}

TEST_F (RandomAccessTest, TheRingKeepsItHoweverLongTheGroupOfPictures)
{
  put_frame (true);
  for (auto passed = 0ms; passed < limits::gop_max - 1s; passed += frame_time)
    put_frame (false);
  EXPECT_EQ (begins (), 100);
  // But not for ever.
  for (auto passed = 0ms; passed < 2s; passed += frame_time)
    put_frame (false);
  EXPECT_EQ (begins (), video_seq_);
  EXPECT_LT (fan_out_.ring ().head () - fan_out_.ring ().first (),
      4u * (limits::gop_max / frame_time + 2));
}

TEST_F (RandomAccessTest, WhatIsBeforeItGoesAsEver)
{
  put_frame (false);
  for (int group = 0; group < 20; ++group) {
    put_frame (true);
    for (int i = 0; i < 24; ++i)
      put_frame (false);
  }
  // 3 s, and the frame that is a second old is in them.
  EXPECT_LE (fan_out_.ring ().head () - fan_out_.ring ().first (),
      4u * (ring_duration / frame_time + 2));
}

TEST_F (RandomAccessTest, APacketOfTheFrameThatComesLateChangesNothing)
{
  put_frame (true);
  const std::uint16_t missing = video_seq_++;
  put_frame (false);
  put (marked (missing, rtp_time_ - 3600, 0));
  put (marked (99, rtp_time_ - 2 * 3600 - 1, mark_independent));
  EXPECT_EQ (begins (), 100);
}

TEST_F (RandomAccessTest, TheFirstPacketOfTheFrameMayHaveBeenSentAgain)
{
  put_frame (false);
  const std::uint16_t first = video_seq_++;
  put (marked (video_seq_++, rtp_time_, mark_independent));
  put (marked (video_seq_++, rtp_time_, mark_independent));
  put (marked (first, rtp_time_, mark_start | mark_independent));
  rtp_time_ += 3600;
  put_frame (false);
  EXPECT_EQ (begins (), first);
}

TEST_F (RandomAccessTest, ADelimiterBeforeTheFrameDoesNotHideIt)
{
  put_frame (true);
  put (marked (video_seq_++, rtp_time_, mark_start));
  put (marked (video_seq_++, rtp_time_, mark_independent));
  put (marked (video_seq_++, rtp_time_, mark_independent));
  EXPECT_EQ (begins (), 104);
}

TEST_F (RandomAccessTest, UnmarkedByThePayloadIfTheCodecIsKnown)
{
  auto media = video_and_audio;
  media[0].encoding = "H264";
  fan_out_.set_media (media);
  const auto put_unit = [this] (std::uint8_t type, std::uint8_t after) {
    Datagram packet = marked (video_seq_++, rtp_time_, 0);
    packet[0] &= static_cast<std::uint8_t> (~0x10); // without its extension
    packet.erase (packet.begin () + 12, packet.begin () + 20);
    packet[12] = type;
    packet[13] = after;
    put (packet);
  };
  constexpr std::uint8_t sps = 0x67, pps = 0x68, idr = 0x65, other = 0x41;
  put_unit (other, 0x9a);
  rtp_time_ += 3600;
  for (const std::uint8_t type : {sps, pps, idr})
    put_unit (type, 0x88);
  rtp_time_ += 3600;
  put_unit (other, 0x9a);
  EXPECT_EQ (begins (), 101) << "at the parameter sets";
}

TEST_F (RandomAccessTest, OfTwoPicturesTheOlderOneCounts)
{
  constexpr std::uint32_t other = 0x33333333;
  put_frame (true);
  const std::uint16_t of_other = video_seq_;
  put_frame (true, other);
  put_frame (false);
  EXPECT_EQ (begins (), 100);
  EXPECT_EQ (begins (other), of_other);
}

TEST_F (RandomAccessTest, AFloodOfSsrcsIsBounded)
{
  put_frame (true);
  for (std::uint32_t ssrc = 1; ssrc < 5000; ++ssrc)
    put (marked (1, 1, mark_independent, 0x80000000 | ssrc));
  put_frame (true);
  EXPECT_EQ (fan_out_.next_packets (now_).size (), limits::sources_max);
}

} // namespace
} // namespace spreadit::media
