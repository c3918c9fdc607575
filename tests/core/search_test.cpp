// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench.hpp"
#include "core/search.hpp"

using namespace spreadit::core;

namespace {

TEST (Search, AvoidsTheNewestFirstAndNotTooMany)
{
  Search search ({}, JoinReason::first);
  for (std::uint64_t id = 1; id <= limits::avoid_max + 2; ++id)
    search.exclude (id_of (id));
  const auto avoid = search.avoid ();
  ASSERT_EQ (avoid.size (), limits::avoid_max);
  EXPECT_EQ (avoid.front (), id_of (limits::avoid_max + 2));
  EXPECT_TRUE (search.excludes (id_of (1))) << "known, if not sent along";
}

TEST (Search, WhoFailsAgainIsTheNewest)
{
  Search search ({}, JoinReason::first);
  for (const std::uint64_t id : {1, 2, 1})
    search.exclude (id_of (id));
  EXPECT_EQ (search.avoid (), (std::vector<PeerId>{id_of (1), id_of (2)}));
  search.forgive_all ();
  EXPECT_TRUE (search.avoid ().empty ());
}

TEST (Search, RemembersOnlySoMany)
{
  Search search ({}, JoinReason::first);
  for (std::uint64_t id = 1; id <= 2 * limits::excluded_max; ++id)
    search.exclude (id_of (id));
  EXPECT_FALSE (search.excludes (id_of (limits::excluded_max)));
  EXPECT_TRUE (search.excludes (id_of (limits::excluded_max + 1)));
}

TEST (Search, BacksOffToTheCap)
{
  Rng rng (1);
  Search search ({}, JoinReason::first);
  const Duration first = search.back_off (rng);
  EXPECT_GE (first, limits::retry_min);
  EXPECT_LE (first, limits::retry_max);
  Duration last{};
  for (int i = 0; i < 100; ++i) {
    last = search.back_off (rng);
    EXPECT_LE (last, limits::retry_cap);
  }
  EXPECT_GE (last, limits::retry_cap - limits::retry_max);
}

} // namespace
