// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support.hpp"

#include "media/delay.hpp"
#include "media/limits.hpp"

namespace spreadit::media {
namespace {

constexpr std::uint64_t second = std::uint64_t{1} << 32;
constexpr std::uint64_t noon = 3'900'000'000 * second;

TEST (Delay, IsUnknownWithoutSamples)
{
  Delay delay;
  EXPECT_FALSE (delay.quantile_ms (0.5));
  delay.add (noon, {1, noon, 0}, 0, 0);   // no clock rate
  delay.add (noon, {1, 0, 0}, 0, 90'000); // a source that knows no time
  delay.add (noon + 7200 * second, {1, noon, 0}, 0, 90'000); // not our time
  EXPECT_FALSE (delay.quantile_ms (0.5));
}

TEST (Delay, IsFromTheSendersClockToOurs)
{
  Delay delay;
  // Sampled 1 s after the report, here half a second later. The RTP time
  // wraps in between.
  const SenderReport report{1, noon, 0xffff'ffff - 45'000};
  delay.add (noon + second + second / 2, report, 45'000 - 1, 90'000);
  ASSERT_TRUE (delay.quantile_ms (0.5));
  EXPECT_NEAR (*delay.quantile_ms (0.5), 500, 0.1);
}

TEST (Delay, CrossesTheNtpEraOf2036)
{
  Delay delay;
  delay.add (second, {1, ~std::uint64_t{0} - second + 1, 0}, 90'000, 90'000);
  ASSERT_TRUE (delay.quantile_ms (0.5));
  EXPECT_NEAR (*delay.quantile_ms (0.5), 1000, 0.1);
}

TEST (Delay, GivesQuantilesOfTheLatest)
{
  Delay delay;
  const SenderReport report{1, noon, 0};
  for (unsigned i = 0; i < limits::delay_samples; ++i)
    delay.add (noon + 60 * second, report, 0, 1000);
  for (unsigned i = 0; i < limits::delay_samples; ++i)
    delay.add (noon + i * second / 1000, report, 0, 1000);
  EXPECT_NEAR (*delay.quantile_ms (0), 0, 0.01);
  EXPECT_NEAR (*delay.quantile_ms (0.50), 512, 1);
  EXPECT_NEAR (*delay.quantile_ms (0.99), 1013, 1);
  EXPECT_NEAR (*delay.quantile_ms (1), 1023, 0.1);
}

TEST (Delay, NowIsNtp)
{
  const auto unix_time = static_cast<std::uint64_t> (time (nullptr));
  EXPECT_NEAR (static_cast<double> (ntp_now () >> 32),
      static_cast<double> (unix_time + 2'208'988'800), 5);
}

} // namespace
} // namespace spreadit::media
