// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support.hpp"

#include "media/limits.hpp"
#include "media/reception.hpp"

namespace spreadit::media {
namespace {

// Any beginning above the first cycle.
constexpr std::uint64_t base = 65'536 + 100;

void
receive (Reception &reception, std::uint64_t extended, MonotonicTime now,
    std::uint32_t ssrc = video_ssrc)
{
  reception.packet (
      {.seq = static_cast<std::uint16_t> (extended),
          .rtp_time = static_cast<std::uint32_t> (extended * 900), // 10 ms
          .ssrc = ssrc},
      extended, 90'000, now);
}

TEST (Reception, ReportsNothingOfNobody)
{
  Reception reception;
  EXPECT_TRUE (reception.take_report (t0).empty ());
}

TEST (Reception, ReportsLossOfTheInterval)
{
  Reception reception;
  for (unsigned i = 0; i < 100; ++i)
    if (i % 4 != 1)
      receive (reception, base + i, t0 + i * 10ms);
  auto blocks = reception.take_report (t0 + 1s);
  ASSERT_EQ (blocks.size (), 1u);
  EXPECT_EQ (blocks[0].ssrc, video_ssrc);
  EXPECT_EQ (blocks[0].fraction_lost, 64);
  EXPECT_EQ (blocks[0].cumulative_lost, 25);
  EXPECT_EQ (blocks[0].highest_seq, base + 99);
  EXPECT_EQ (blocks[0].jitter, 0u) << "each came when it was due";
  EXPECT_EQ (blocks[0].last_sr, 0u);

  for (unsigned i = 100; i < 200; ++i)
    receive (reception, base + i, t0 + i * 10ms);
  blocks = reception.take_report (t0 + 2s);
  ASSERT_EQ (blocks.size (), 1u);
  EXPECT_EQ (blocks[0].fraction_lost, 0) << "this interval was clean";
  EXPECT_EQ (blocks[0].cumulative_lost, 25);
  EXPECT_TRUE (reception.take_report (t0 + 3s).empty ()) << "nothing since";
}

TEST (Reception, MoreThanExpectedIsNoLoss)
{
  Reception reception;
  for (int i = 0; i < 3; ++i)
    receive (reception, base, t0);
  const auto blocks = reception.take_report (t0);
  ASSERT_EQ (blocks.size (), 1u);
  EXPECT_EQ (blocks[0].fraction_lost, 0);
  EXPECT_EQ (blocks[0].cumulative_lost, -2);
}

TEST (Reception, ARestartOfTheSourceIsNoLoss)
{
  Reception reception;
  receive (reception, base, t0);
  receive (reception, base + 65'536, t0);
  const auto blocks = reception.take_report (t0);
  ASSERT_EQ (blocks.size (), 1u);
  EXPECT_EQ (blocks[0].cumulative_lost, 0);
  EXPECT_EQ (blocks[0].fraction_lost, 0);
}

TEST (Reception, MeasuresJitter)
{
  Reception reception;
  for (unsigned i = 0; i < 1000; ++i) // 5 ms early and late, in turns
    receive (reception, base + i, t0 + i * 10ms + (i % 2) * 10ms);
  const auto blocks = reception.take_report (t0 + 10s);
  ASSERT_EQ (blocks.size (), 1u);
  EXPECT_NEAR (blocks[0].jitter, 900, 10) << "10 ms at 90 kHz";
}

TEST (Reception, SaysWhenTheLastSenderReportCame)
{
  Reception reception;
  reception.sender_report ({video_ssrc, 1, 0}, t0); // of nobody yet
  receive (reception, base, t0);
  reception.sender_report ({video_ssrc, 0x0123456789abcdef, 0}, t0);
  const auto blocks = reception.take_report (t0 + 500ms);
  ASSERT_EQ (blocks.size (), 1u);
  EXPECT_EQ (blocks[0].last_sr, 0x456789abu);
  EXPECT_EQ (blocks[0].delay_since_sr, 32'768u);
}

TEST (Reception, IsBounded)
{
  Reception reception;
  for (std::uint32_t ssrc = 1; ssrc <= 1000; ++ssrc)
    receive (reception, base, t0, ssrc);
  EXPECT_EQ (reception.take_report (t0).size (), limits::report_blocks_max);
  EXPECT_TRUE (reception.take_report (t0 + limits::source_idle).empty ());
  receive (reception, base, t0 + 10s, 5000);
  EXPECT_EQ (reception.take_report (t0 + 10s).size (), 1u) << "room again";
}

} // namespace
} // namespace spreadit::media
