// What the simulator is made of, each by itself.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "sim/audience.hpp"
#include "core/proximity.hpp"
#include "sim/event_queue.hpp"
#include "sim/measures.hpp"
#include "sim_scenarios.hpp"

using namespace spreadit::core;
using namespace spreadit::sim;

namespace {

TEST (EventQueue, GivesThemByTimeThenByOrder)
{
  EventQueue<int> queue;
  Rng rng (1);
  std::vector<std::pair<Instant, int>> wanted;
  for (int i = 0; i < 2000; ++i) {
    const Instant at = Instant{} + 1ms * rng.below (100);
    wanted.push_back ({at, i});
    queue.push (at, i);
    if (i % 3 == 0) { // never the same size for long
      const auto least = std::min_element (wanted.begin (), wanted.end ());
      const auto entry = queue.pop ();
      EXPECT_EQ (entry.at, least->first);
      EXPECT_EQ (entry.payload, least->second);
      wanted.erase (least);
    }
  }
  std::sort (wanted.begin (), wanted.end ());
  for (const auto &[at, payload] : wanted) {
    EXPECT_EQ (queue.next_at (), at);
    EXPECT_EQ (queue.pop ().payload, payload);
  }
  EXPECT_TRUE (queue.empty ());
}

TEST (Law, IsReadAndWritten)
{
  for (const char *text : {"fixed:3", "uniform:2,15", "exponential:600",
           "weibull:0.509,1161", "lognormal:5.99,2.324", "pareto:1.5,60",
           "table:0=42,1=26.2,2=9.7", "forever"}) {
    const auto law = parse_law (text);
    ASSERT_TRUE (law) << text;
    EXPECT_EQ (to_string (*law), text);
  }
  for (const char *bad : {"", "fixed", "fixed:", "fixed:x", "fixed:1,2",
           "fixed:-1", "uniform:3,2", "uniform:3", "exponential:0",
           "weibull:0,1", "table:", "table:1", "table:1=0", "table:1=-1",
           "gauss:1", "forever:1", "fixed:nan", "fixed:inf", "fixed:1 "})
    EXPECT_FALSE (parse_law (bad)) << bad;
}

TEST (Law, HasItsMean)
{
  for (const char *text :
      {"fixed:3", "uniform:2,15", "exponential:600", "weibull:0.8,1161",
          "lognormal:2,0.5", "pareto:3.5,60", "table:0=42,1=26.2,2=9.7"}) {
    const Law law = *parse_law (text);
    Rng rng (9);
    double sum = 0;
    constexpr int count = 200'000;
    for (int i = 0; i < count; ++i)
      sum += law.draw (rng);
    EXPECT_NEAR (sum / count, law.mean (), law.mean () * 0.015) << text;
  }
  Rng rng (1);
  EXPECT_TRUE (std::isinf (parse_law ("forever")->draw (rng)));
}

TEST (Law, HasItsMedian)
{
  const auto median_of = [] (const char *text) {
    const Law law = *parse_law (text);
    Rng rng (3);
    Sample sample;
    for (int i = 0; i < 100'000; ++i)
      sample.add (law.draw (rng));
    return sample.quantile (0.5);
  };
  // The audience of testbed-and-simulation: Weibull, scale (ln 2)^(1/shape).
  EXPECT_NEAR (median_of ("weibull:0.509,1161"),
      1161 * std::pow (std::log (2), 1 / 0.509), 12);
  EXPECT_NEAR (median_of ("lognormal:5.99,2.324"), std::exp (5.99), 12);
  EXPECT_NEAR (median_of ("pareto:1.5,60"), 60 * std::pow (2, 1 / 1.5), 1);
}

TEST (Sample, HasQuantilesByNearestRank)
{
  Sample sample;
  EXPECT_EQ (sample.quantile (0.5), 0);
  for (const double value : {4.0, 1.0, 3.0, 2.0})
    sample.add (value);
  EXPECT_EQ (sample.quantile (0), 1);
  EXPECT_EQ (sample.quantile (0.5), 2);
  EXPECT_EQ (sample.quantile (0.51), 3);
  EXPECT_EQ (sample.quantile (1), 4);
  EXPECT_EQ (sample.mean (), 2.5);
  sample.add (9);
  EXPECT_EQ (sample.max (), 9) << "more may come after a question";
}

// Poisson: the mean time between two is 1/rate, its deviation the same.
TEST (Audience, ComesAsPoisson)
{
  Scenario scenario = calm (1, 100'000);
  scenario.arrivals_per_s = 50;
  scenario.duration = 1h;
  const auto audience = make_audience (scenario, *scenario.geography);
  ASSERT_EQ (audience.size (), 100'000u);
  double sum = 0, squares = 0;
  for (std::size_t i = 1; i < audience.size (); ++i) {
    const double gap = std::chrono::duration<double> (
        audience[i].comes - audience[i - 1].comes)
                           .count ();
    EXPECT_GE (gap, 0);
    sum += gap;
    squares += gap * gap;
  }
  const double mean = sum / 99'999;
  EXPECT_NEAR (mean, 0.02, 0.0003);
  EXPECT_NEAR (std::sqrt (squares / 99'999 - mean * mean), 0.02, 0.0005);
}

TEST (Audience, OfAFlashCrowdIsThereInTime)
{
  Scenario scenario = calm (1, 1000);
  scenario.flash_crowd = 10s;
  const auto audience = make_audience (scenario, *scenario.geography);
  ASSERT_EQ (audience.size (), 1000u);
  EXPECT_LT (audience.back ().comes, Instant{} + 10s);
  EXPECT_GT (audience.back ().comes, Instant{} + 9s);
}

TEST (Audience, IsTheSameForEveryPolicy)
{
  Scenario scenario = churn (1, 100);
  const auto first = make_audience (scenario, *scenario.geography);
  scenario.add_policy = AddPolicyKind::knock_downs;
  const auto second = make_audience (scenario, *scenario.geography);
  ASSERT_EQ (first.size (), second.size ());
  for (std::size_t i = 0; i < first.size (); ++i) {
    EXPECT_EQ (first[i].comes, second[i].comes);
    EXPECT_EQ (first[i].goes, second[i].goes);
    EXPECT_EQ (first[i].uplink_bps, second[i].uplink_bps);
  }
}

TEST (Audience, MayBeATrace)
{
  const auto rows =
      parse_trace ("day,join_s,leave_s,children_max,uplink_bps,access_ms,"
                   "crash\r\nx,5,65.5,2,800000,7.25,1\r\nx,1,2,0,0,0,0\r\n");
  ASSERT_TRUE (rows);
  Scenario scenario = calm (1, 1);
  scenario.trace = *rows;
  const auto audience = make_audience (scenario, *scenario.geography);
  ASSERT_EQ (audience.size (), 2u);
  EXPECT_EQ (audience[0].comes, Instant{} + 1s);
  EXPECT_EQ (audience[1].goes, Instant{} + 65500ms);
  EXPECT_EQ (audience[1].children_max, 2u);
  EXPECT_EQ (audience[1].uplink_bps, 800'000u);
  EXPECT_EQ (audience[1].access_us, 7250u);
  EXPECT_EQ (audience[0].end, End::leaves);
  EXPECT_EQ (audience[1].end, End::killed);
  for (const char *bad : {"", "join_s,leave_s\n", "join_s\n1\n",
           "join_s,leave_s\n1\n", "join_s,leave_s\n1,x\n",
           "join_s,leave_s\n-1,2\n", "join_s,leave_s,access_ms\n1,2,-1\n"})
    EXPECT_FALSE (parse_trace (bad)) << bad;
}

TEST (Geography, IsSymmetricAndItsRoutersTellWhatIsNear)
{
  const Geography geography = Geography::generated (1, 60);
  double near = 0, far = 0;
  int near_count = 0, far_count = 0;
  for (Site a = 0; a < geography.sites (); ++a)
    for (Site b = 0; b < a; ++b) {
      EXPECT_EQ (geography.one_way (a, b), geography.one_way (b, a));
      const NetworkPath from{geography.routers (a), {}};
      const NetworkPath to{geography.routers (b), {}};
      const double way =
          std::chrono::duration<double> (geography.one_way (a, b)).count ();
      const bool is_near = distance (&from, &to)->routers <= 2;
      (is_near ? near : far) += way;
      ++(is_near ? near_count : far_count);
    }
  ASSERT_GT (near_count, 10);
  EXPECT_LT (near / near_count, far / far_count / 3);
}

TEST (Geography, MayBeAMatrix)
{
  const auto geography = Geography::matrix ("0 10 100\n10 0 90\r\n100 90 0\n");
  ASSERT_TRUE (geography);
  EXPECT_EQ (geography->sites (), 3u);
  EXPECT_EQ (geography->one_way (0, 2), 50ms);
  EXPECT_EQ (geography->one_way (2, 1), 45ms);
  EXPECT_GT (geography->one_way (1, 1), 0ms);
  for (const char *bad :
      {"", "\n", "0 1\n", "0 1 2\n3 4 5\n", "0 x\n1 0\n", "0 -1\n1 0\n"})
    EXPECT_FALSE (Geography::matrix (bad)) << bad;
}

} // namespace
