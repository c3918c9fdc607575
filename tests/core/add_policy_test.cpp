// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench.hpp"
#include "core/add_policy.hpp"
#include "core/proximity.hpp"

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
  LocalTopology topology;
  topology.children = candidates;
  const AddDecision decision = policy.choose (topology, {});
  return std::get<decision::RedirectRequester> (decision).target.low;
}

// Routers from the source on, one digit each.
NetworkPath
path (const std::string &routers, Duration rtt = {})
{
  NetworkPath path;
  for (const char router : routers)
    path.routers.push_back (static_cast<std::uint64_t> (router - '0'));
  path.rtt = rtt;
  return path;
}

// Children 10, 11, ... at these places; "?" is not known.
class Neighbourhood {
public:
  explicit Neighbourhood (std::initializer_list<std::string> places)
  {
    for (const std::string &place : places)
      paths_.push_back (path (place));
    std::uint64_t id = 10;
    for (std::size_t i = 0; i < paths_.size (); ++i)
      children_.push_back ({id_of (id++), {},
          std::data (places)[i] == "?" ? nullptr : &paths_[i]});
  }

  LocalTopology topology ()
  {
    LocalTopology topology;
    topology.children = topology.movable = children_;
    topology.path = &home;
    return topology;
  }
  NetworkPath home = path ("1");

private:
  std::vector<NetworkPath> paths_;
  std::vector<Candidate> children_;
};

message::Subscribe
newcomer (std::optional<NetworkPath> place)
{
  message::Subscribe ask;
  ask.self = contact (20);
  ask.children_max = 3;
  ask.subtree.free = 3;
  ask.path = std::move (place);
  return ask;
}

std::uint64_t
target_of (const AddDecision &decision)
{
  const auto *on = std::get_if<decision::RedirectRequester> (&decision);
  return on ? on->target.low : 0;
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

TEST (EveryPolicy, RefusesWhenThereIsNobodyToName)
{
  for (int kind = 0; kind < 5; ++kind) {
    const auto policy =
        make_add_policy (static_cast<AddPolicyKind> (kind), Rng (1));
    EXPECT_TRUE (std::holds_alternative<decision::Refuse> (
        policy->choose ({}, newcomer (path ("12")))));
  }
}

TEST (Proximity, CountsRoutersBeyondTheLastSharedOne)
{
  const auto routers = [] (const std::string &a, const std::string &b) {
    const NetworkPath from = path (a), to = path (b);
    EXPECT_EQ (distance (&from, &to), distance (&to, &from));
    return distance (&from, &to)->routers;
  };
  EXPECT_EQ (routers ("123", "123"), 0u);
  EXPECT_EQ (routers ("123", "1245"), 3u);
  EXPECT_EQ (routers ("123", "45"), 5u);
  EXPECT_EQ (routers ("1034", "1234"), 0u) << "one was silent to one of them";
  EXPECT_EQ (routers ("100", "100"), 4u) << "silence is nothing to share";
  EXPECT_EQ (routers ("", ""), 0u);
}

TEST (Proximity, ThenComparesRoundTripTimes)
{
  const NetworkPath here = path ("12", 30ms), near = path ("12", 25ms),
                    far = path ("12", 50ms), fork = path ("13", 30ms);
  EXPECT_EQ (distance (&here, &near), (Distance{0, 5ms}));
  EXPECT_EQ (distance (&far, &here), (Distance{0, 20ms}));
  EXPECT_LT (distance (&here, &far), distance (&here, &fork));
  EXPECT_EQ (distance (&here, nullptr), std::nullopt);
}

// V-A.3.
TEST (SmartPlacement, TakesTheClosestChild)
{
  const auto policy = make_add_policy (AddPolicyKind::smart_placement, Rng (1));
  Neighbourhood town{"124", "125", "136", "?"};
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ (
        target_of (policy->choose (town.topology (), newcomer (path ("1257")))),
        11u);
}

TEST (SmartPlacement, EquallyCloseChildrenTakeTurns)
{
  const auto policy = make_add_policy (AddPolicyKind::smart_placement, Rng (1));
  Neighbourhood town{"124", "136", "124"};
  std::vector<std::uint64_t> chosen;
  for (int i = 0; i < 3; ++i)
    chosen.push_back (
        target_of (policy->choose (town.topology (), newcomer (path ("124")))));
  EXPECT_EQ (chosen, (std::vector<std::uint64_t>{10, 12, 10}));
  chosen.clear ();
  for (int i = 0; i < 3; ++i)
    chosen.push_back (
        target_of (policy->choose (town.topology (), newcomer ({}))));
  EXPECT_EQ (chosen, (std::vector<std::uint64_t>{11, 12, 10}))
      << "nothing known of the newcomer";
}

// V-A.4.
TEST (KnockDowns, ANewcomerCloserThanAllReplacesTheFarthest)
{
  const auto policy = make_add_policy (AddPolicyKind::knock_downs, Rng (1));
  Neighbourhood town{"1234", "1256", "19"};
  const auto decision =
      policy->choose (town.topology (), newcomer (path ("1")));
  const auto *take = std::get_if<decision::TakeInstead> (&decision);
  ASSERT_TRUE (take);
  EXPECT_EQ (take->child, id_of (10));
  EXPECT_EQ (take->target, id_of (20)) << "the newcomer is closest to it";
}

TEST (KnockDowns, TheFarthestIsSentToTheClosestWithRoom)
{
  const auto policy = make_add_policy (AddPolicyKind::knock_downs, Rng (1));
  Neighbourhood town{"12345", "1236", "178"};
  const auto decision =
      policy->choose (town.topology (), newcomer (path ("1")));
  const auto *take = std::get_if<decision::TakeInstead> (&decision);
  ASSERT_TRUE (take);
  EXPECT_EQ (take->child, id_of (10));
  EXPECT_EQ (take->target, id_of (11)) << "behind the same router";
}

TEST (KnockDowns, OthersGoToTheClosestChild)
{
  const auto policy = make_add_policy (AddPolicyKind::knock_downs, Rng (1));
  Neighbourhood town{"12", "13", "?"};
  EXPECT_EQ (
      target_of (policy->choose (town.topology (), newcomer (path ("1345")))),
      11u);
  EXPECT_EQ (
      target_of (policy->choose (town.topology (), newcomer (path ("14")))),
      10u)
      << "as close as the others is not closer";
  EXPECT_NE (target_of (policy->choose (town.topology (), newcomer ({}))), 0u);
  Neighbourhood unknown{"?", "?"};
  EXPECT_NE (
      target_of (policy->choose (unknown.topology (), newcomer (path ("1")))),
      0u)
      << "nobody to compare with";
}

TEST (KnockDowns, NobodyMovesWithoutAWayOut)
{
  const auto policy = make_add_policy (AddPolicyKind::knock_downs, Rng (1));
  Neighbourhood town{"1234"};
  auto dead_end = newcomer (path ("1"));
  dead_end.subtree.free = 0;
  EXPECT_EQ (target_of (policy->choose (town.topology (), dead_end)), 10u);
}

// V-A.5.
TEST (SmartBandwidth, AWiderNewcomerGetsOurPlace)
{
  const auto policy = make_add_policy (
      AddPolicyKind::smart_bandwidth, Rng (1), AddPolicyKind::smart_placement);
  Neighbourhood town{"12", "13"};
  LocalTopology topology = town.topology ();
  topology.uplink_bps = 1'000'000;
  topology.may_step_down = true;
  const auto is_ours = [&] (std::uint64_t uplink_bps, std::uint32_t free) {
    auto ask = newcomer (path ("134"));
    ask.uplink_bps = uplink_bps;
    ask.subtree.free = free;
    const auto decision = policy->choose (topology, ask);
    if (std::holds_alternative<decision::StepDown> (decision))
      return true;
    EXPECT_EQ (target_of (decision), 11u) << "as the second policy says";
    return false;
  };
  EXPECT_TRUE (is_ours (1'000'001, 3));
  EXPECT_FALSE (is_ours (1'000'000, 3)) << "equal is not more";
  EXPECT_FALSE (is_ours (0, 3)) << "not known";
  EXPECT_FALSE (is_ours (2'000'000, 0)) << "it could not take us";
  topology.may_step_down = false;
  EXPECT_FALSE (is_ours (2'000'000, 3)) << "the source stays";
  topology.may_step_down = true;
  topology.uplink_bps = 0;
  EXPECT_FALSE (is_ours (2'000'000, 3)) << "ours is not known";
}

} // namespace
