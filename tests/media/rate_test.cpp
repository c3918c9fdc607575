// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support.hpp"

#include <limits>

#include "media/limits.hpp"
#include "media/rate.hpp"

namespace spreadit::media {
namespace {

TEST (Rate, IsOfTheLastSpan)
{
  Rate rate;
  EXPECT_TRUE (rate.is_due (t0));
  rate.update (5'000'000, t0);
  EXPECT_EQ (rate.peak (), 0) << "of what came before, no time is known";
  EXPECT_FALSE (rate.is_due (t0 + 999ms));
  EXPECT_TRUE (rate.is_due (t0 + 1s));
  rate.update (6'000'000, t0 + 2s);
  EXPECT_EQ (rate.peak (), 500'000);
}

TEST (Rate, RemembersTheMost)
{
  Rate rate;
  rate.update (0, t0);
  rate.update (900, t0 + 1s);
  rate.update (1000, t0 + 2s);
  EXPECT_EQ (rate.peak (), 900);
  rate.update (2000, t0 + 3s);
  EXPECT_EQ (rate.peak (), 1000);
  rate.update (3000, t0 + 3s); // no time has passed
  EXPECT_EQ (rate.peak (), 1000);
}

TEST (Rate, BuffersFollowItWithinBounds)
{
  EXPECT_EQ (buffer_bytes_for (0), limits::buffer_bytes_min);
  EXPECT_EQ (buffer_bytes_for (1e6), limits::buffer_bytes_min);
  EXPECT_EQ (buffer_bytes_for (10e6), 20'000'000u) << "two seconds";
  EXPECT_EQ (buffer_bytes_for (1e12), limits::buffer_bytes_max);
  EXPECT_EQ (buffer_bytes_for (std::numeric_limits<double>::infinity ()),
      limits::buffer_bytes_max);
}

} // namespace
} // namespace spreadit::media
