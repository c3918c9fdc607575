// What a node says of its own reception, out of counters.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/reception_window.hpp"

#include <gtest/gtest.h>

#include "agent/limits.hpp"

namespace spreadit::agent {

namespace {

using namespace std::chrono_literals;

struct Counted {
  ReceptionWindow window;
  core::Instant now{};
  media::DataStats stats;

  void second (std::uint64_t received, std::uint64_t lost = 0)
  {
    now += 1s;
    stats.packets_received += received;
    stats.packets_lost += lost;
    window.add (now, stats);
  }
  std::optional<std::uint32_t> lost () const
  {
    const auto recent = window.recent ();
    if (!recent)
      return std::nullopt;
    return recent->lost_ppm;
  }
};

TEST (ReceptionWindow, KnowsNothingWithoutAStream)
{
  Counted node;
  EXPECT_EQ (node.lost (), std::nullopt);
  for (int i = 0; i < 20; ++i)
    node.second (0);
  EXPECT_EQ (node.lost (), std::nullopt);
  node.second (100);
  EXPECT_EQ (node.lost (), 0u);
  for (int i = 0; i < 9; ++i)
    node.second (0);
  EXPECT_EQ (node.lost (), 0u);
  node.second (0);
  EXPECT_EQ (node.lost (), std::nullopt);
}

TEST (ReceptionWindow, CountsWhatIsMissingOfAll)
{
  Counted node;
  node.second (0);
  node.second (90, 10);
  EXPECT_EQ (node.lost (), 100'000u);
  node.second (100);
  EXPECT_EQ (node.lost (), 50'000u);
  // A part of a part of a million is not none.
  node.second (30'000'000);
  EXPECT_EQ (node.lost (), 1u);
}

TEST (ReceptionWindow, AllOfItMayBeMissing)
{
  Counted node;
  node.second (1000);
  node.second (0, 7);
  EXPECT_EQ (node.lost (), 1'000'000u);
}

TEST (ReceptionWindow, ForgetsWhatIsOver)
{
  Counted node;
  node.second (1000);
  node.second (999, 1);
  const auto seconds = limits::reception_window / 1s;
  for (int i = 1; i < seconds; ++i) {
    node.second (1000);
    EXPECT_GT (node.lost (), 0u) << i;
  }
  node.second (1000);
  EXPECT_EQ (node.lost (), 0u);
}

TEST (ReceptionWindow, HasTheDelayOfNow)
{
  Counted node;
  node.second (1000);
  node.second (1000);
  EXPECT_EQ (node.window.recent ()->delay, std::nullopt);
  node.stats.delay_p50_ms = 12.5;
  node.second (1000);
  EXPECT_EQ (node.window.recent ()->delay, core::Duration (12'500us));
  node.stats.delay_p50_ms = -3; // clocks that disagree
  node.second (1000);
  EXPECT_LT (node.window.recent ()->delay, core::Duration (0));
}

} // namespace

} // namespace spreadit::agent
