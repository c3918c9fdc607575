// Packets that come all at once, as a jitter buffer is to see them.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "start_schedule.hpp"

#include <gtest/gtest.h>

namespace {

using spreadit::StartSchedule;

constexpr guint32 rate = 90'000, ssrc = 7;
constexpr GstClockTime ms = GST_MSECOND;
constexpr GstClockTime began = 300 * ms; // running time of the first packet

class StartScheduleTest : public testing::Test {
protected:
  // A packet of the stream's time `media` that came at `now`; where it is put.
  GstClockTime at (GstClockTime media, GstClockTime now)
  {
    const auto rtp_time = static_cast<guint32> (
        0xffffff00u + gst_util_uint64_scale (media, rate, GST_SECOND));
    return schedule_.arrival_of (ssrc, rtp_time, rate, now);
  }

  StartSchedule schedule_;
};

TEST_F (StartScheduleTest, HistoryIsSpreadOutAndWhatFollowsKeepsItsDistance)
{
  // 2 s at five times their pace, then live.
  for (GstClockTime media = 0; media < 2500 * ms; media += 20 * ms)
    EXPECT_NEAR (double (at (media, began + media / 5)), double (began + media),
        double (ms));
  const GstClockTime distance = 2000 * ms;
  for (GstClockTime media = 2500 * ms; media < 60'000 * ms; media += 20 * ms)
    EXPECT_NEAR (double (at (media, began + media - distance)),
        double (began + media), double (ms));
}

TEST_F (StartScheduleTest, AfterThatJitterAndDriftAreSeenAsTheyAre)
{
  for (GstClockTime media = 0; media < 2000 * ms; media += 20 * ms)
    at (media, began + media / 5);
  for (GstClockTime media = 2000 * ms; media < 5000 * ms; media += 20 * ms)
    at (media, began + media - 1600 * ms);
  EXPECT_EQ (
      at (6000 * ms, began + 4400 * ms + 70 * ms), began + 6000 * ms + 70 * ms);
  EXPECT_EQ (
      at (6020 * ms, began + 4420 * ms - 5 * ms), began + 6020 * ms - 5 * ms);
}

TEST_F (StartScheduleTest, ALiveStartStaysLive)
{
  for (GstClockTime media = 0; media < 10'000 * ms; media += 20 * ms) {
    const GstClockTime jitter = media / (20 * ms) % 3 * 10 * ms;
    const GstClockTime now = began + media + jitter;
    const GstClockTime put = at (media, now);
    EXPECT_GE (put, now);
    if (media > 4000 * ms) {
      EXPECT_EQ (put, now);
    }
  }
}

TEST_F (StartScheduleTest, ASourceThatJumpsIsNotFollowed)
{
  at (0, began);
  EXPECT_EQ (at (3600 * GST_SECOND, began + 20 * ms), began + 20 * ms);
}

TEST_F (StartScheduleTest, WithoutAClockRateNothingIsSaid)
{
  EXPECT_EQ (schedule_.arrival_of (1, 5, 0, 77), 77u);
  EXPECT_EQ (schedule_.arrival_of (1, 5, rate, GST_CLOCK_TIME_NONE),
      GST_CLOCK_TIME_NONE);
}

TEST_F (StartScheduleTest, SsrcsAreBounded)
{
  for (guint32 one = 0; one < 10'000; ++one)
    EXPECT_EQ (schedule_.arrival_of (one, 0, rate, began), began);
}

} // namespace
