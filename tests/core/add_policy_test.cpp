// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench.hpp"
#include "core/add_policy.hpp"

using namespace spreadit::core;

namespace {

std::vector<Candidate>
children (std::initializer_list<std::uint64_t> ids)
{
  std::vector<Candidate> candidates;
  for (const std::uint64_t id : ids)
    candidates.push_back ({id_of (id), {}});
  return candidates;
}

std::uint64_t
choice (AddPolicy &policy, const std::vector<Candidate> &candidates)
{
  const AddDecision decision = policy.choose ({candidates}, {});
  return std::get<decision::RedirectRequester> (decision).target.low;
}

// V-A.2.
TEST (RoundRobin, TakesTheChildAfterTheLast)
{
  const auto policy = make_add_policy (AddPolicyKind::round_robin, Rng (1));
  const auto all = children ({10, 11, 12});
  for (const std::uint64_t expected : {10, 11, 12, 10})
    EXPECT_EQ (choice (*policy, all), expected);
}

TEST (RoundRobin, GoesOnWhereItWasWhenThatChildHasGone)
{
  const auto policy = make_add_policy (AddPolicyKind::round_robin, Rng (1));
  EXPECT_EQ (choice (*policy, children ({10, 11, 12, 13})), 10u);
  EXPECT_EQ (choice (*policy, children ({10, 11, 12, 13})), 11u);
  EXPECT_EQ (choice (*policy, children ({10, 12, 13})), 12u);
  EXPECT_EQ (choice (*policy, children ({10, 12, 13})), 13u);
  EXPECT_EQ (choice (*policy, children ({12})), 12u);
  EXPECT_EQ (choice (*policy, children ({12, 14})), 14u);
}

// V-A.1.
TEST (Random, TakesAnyAndReplays)
{
  const auto all = children ({0, 1, 2, 3});
  const auto first = make_add_policy (AddPolicyKind::random, Rng (5));
  const auto second = make_add_policy (AddPolicyKind::random, Rng (5));
  std::vector<int> count (4);
  for (int i = 0; i < 4000; ++i) {
    const std::uint64_t chosen = choice (*first, all);
    EXPECT_EQ (chosen, choice (*second, all));
    ++count[chosen];
  }
  for (const int times : count)
    EXPECT_NEAR (times, 1000, 120);
}

} // namespace
