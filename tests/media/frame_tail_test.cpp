// When the end of a picture is missed.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support.hpp"

#include "media/frame_tail.hpp"
#include "media/limits.hpp"

namespace spreadit::media {
namespace {

class FrameTailTest : public testing::Test {
protected:
  void packet (std::uint32_t rtp_time, bool marker)
  {
    tail_.newest (
        ++extended_, {.marker = marker, .rtp_time = rtp_time}, now_, true);
  }
  // Pictures of `packets` each, one after the other.
  void pictures (
      unsigned count, unsigned packets, Estimate::Duration apart = {})
  {
    for (unsigned i = 0; i < count; ++i) {
      time_ += 3600;
      for (unsigned k = 1; k <= packets; ++k) {
        packet (time_, k == packets);
        now_ += apart;
      }
      now_ += 40ms;
    }
  }
  [[nodiscard]] bool is_waiting () const
  {
    return tail_.overdue_at () < MonotonicTime::max ();
  }

  FrameTail tail_;
  std::uint64_t extended_ = 1000;
  std::uint32_t time_ = 7;
  MonotonicTime now_ = t0;
};

TEST_F (FrameTailTest, MissesWhatShouldFollowAPacketThatIsNotTheLast)
{
  pictures (10, 4);
  EXPECT_FALSE (is_waiting ()) << "the picture is whole";
  packet (time_ + 3600, false);
  packet (time_ + 3600, false);
  EXPECT_EQ (tail_.overdue_at (), now_ + limits::tail_wait_min);
  EXPECT_EQ (tail_.take_overdue (now_), std::nullopt);
  now_ += limits::tail_wait_min;
  EXPECT_EQ (tail_.take_overdue (now_), extended_ + 1);
  EXPECT_EQ (tail_.take_overdue (now_), std::nullopt) << "once";
  EXPECT_FALSE (is_waiting ());
}

TEST_F (FrameTailTest, GoesOnWithTheOneAfterIt)
{
  pictures (10, 4);
  packet (time_ + 3600, false);
  now_ += 30ms;
  ASSERT_EQ (tail_.take_overdue (now_), extended_ + 1);
  packet (time_ + 3600, false); // it was asked for
  now_ += limits::tail_wait_max;
  EXPECT_EQ (tail_.take_overdue (now_), extended_ + 1);
}

TEST_F (FrameTailTest, WaitsAsLongAsPacketsOfAPictureAreApart)
{
  pictures (30, 4, 8ms);
  packet (time_ + 3600, false);
  EXPECT_GE (tail_.overdue_at (), now_ + 8ms);
  EXPECT_LE (tail_.overdue_at (), now_ + 12ms);
}

TEST_F (FrameTailTest, WhatWasAskedForSaysNothingOfHowFarTheyAreApart)
{
  pictures (30, 4);
  for (int i = 0; i < 20; ++i) {
    time_ += 3600;
    packet (time_, false);
    now_ += 60ms;
    tail_.newest (
        ++extended_, {.marker = true, .rtp_time = time_}, now_, false);
  }
  packet (time_ + 3600, false);
  EXPECT_EQ (tail_.overdue_at (), now_ + limits::tail_wait_min);
}

TEST_F (FrameTailTest, IsNotSureBeforeTheStreamHasShownIt)
{
  packet (7, false);
  EXPECT_FALSE (is_waiting ());
  pictures (3, 4);
  packet (time_ + 3600, false);
  EXPECT_FALSE (is_waiting ());
}

// Opus has it on the first packet of a talk spurt; MPEG-TS (RFC 2250) where the
// clock jumps.
TEST_F (FrameTailTest, NeverWaitsWhereThePacketsHaveATimeEach)
{
  for (int i = 0; i < 200; ++i) {
    packet (time_ += 960, i % 50 == 0);
    EXPECT_FALSE (is_waiting ());
    now_ += 20ms;
  }
}

// As an encoder does that sets it on each slice.
TEST_F (FrameTailTest, NeverWaitsWhereThePictureGoesOnAfterIt)
{
  for (int i = 0; i < 100; ++i) {
    time_ += 3600;
    for (const bool marker : {false, true, false, true}) {
      packet (time_, marker);
      EXPECT_FALSE (is_waiting ());
    }
  }
}

TEST_F (FrameTailTest, LearnsNothingFromWhatIsNotBesideIt)
{
  pictures (10, 4);
  packet (time_ + 3600, false);
  extended_ += 3; // the end, and the begin of the next one
  packet (time_ + 7200, false);
  EXPECT_TRUE (is_waiting ()) << "nothing speaks against it";
}

} // namespace
} // namespace spreadit::media
