// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench.hpp"
#include "core/loop_guard.hpp"

using namespace spreadit::core;

namespace {

TEST (LoopGuard, FindsTheWayBackOnce)
{
  LoopGuard guard (100);
  const auto token = guard.remember ({}, {incoming (1), 7});
  ASSERT_TRUE (token);
  const auto route = guard.take ({}, *token);
  ASSERT_TRUE (route);
  EXPECT_EQ (route->link, incoming (1));
  EXPECT_EQ (route->token, 7u);
  EXPECT_FALSE (guard.take ({}, *token));
}

// Two children may use the same token.
TEST (LoopGuard, TokensAreItsOwn)
{
  LoopGuard guard (100);
  const auto one = guard.remember ({}, {incoming (1), 7});
  const auto two = guard.remember ({}, {incoming (2), 7});
  EXPECT_NE (*one, *two);
  EXPECT_NE (guard.new_token (), *two);
  EXPECT_EQ (guard.take ({}, *two)->link, incoming (2));
  EXPECT_EQ (guard.take ({}, *one)->link, incoming (1));
}

TEST (LoopGuard, ForgetsAfterVerifyMax)
{
  LoopGuard guard (100);
  const Instant start{};
  const auto token = guard.remember (start, {incoming (1), 7});
  EXPECT_FALSE (guard.take (start + limits::verify_max, *token));
}

TEST (LoopGuard, IsBoundedAndMakesRoomAgain)
{
  LoopGuard guard (100);
  const Instant start{};
  for (std::size_t i = 0; i < limits::verifies_max; ++i)
    EXPECT_TRUE (guard.remember (start, {incoming (1), i}));
  EXPECT_FALSE (guard.remember (start, {incoming (1), 99}));
  EXPECT_TRUE (guard.remember (start + limits::verify_max, {incoming (1), 99}));
  EXPECT_EQ (guard.size (), 1u);
}

TEST (LoopGuard, GivesUpAllAtOnce)
{
  LoopGuard guard (100);
  guard.remember ({}, {incoming (1), 7});
  guard.remember ({}, {incoming (2), 8});
  EXPECT_EQ (guard.take_all ().size (), 2u);
  EXPECT_EQ (guard.size (), 0u);
}

} // namespace
