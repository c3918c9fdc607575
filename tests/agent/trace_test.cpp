// What the answers to a traceroute add up to, true or not.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <string>

#include <gtest/gtest.h>

#include "agent/trace.hpp"

using namespace spreadit::agent;
using spreadit::media::Address;

namespace {

Address
ip (const char *text)
{
  return Address::from_ip (text, 0);
}

std::uint64_t
name (const char *router, const char *destination = "10.0.0.1")
{
  return router_name (ip (router), ip (destination));
}

constexpr std::uint64_t silent = 0;
using Routers = std::vector<std::uint64_t>;

TEST (RouterName, IsTheAddress)
{
  EXPECT_EQ (name ("198.51.100.7"), 0xc6336407u);
  EXPECT_EQ (name ("::ffff:198.51.100.7"), 0xc6336407u);
  EXPECT_EQ (name ("2001:db8:0:7::1", "2001:db8::1"), 0x20010db800000007u);
}

// 192.168.1.1 is at everybody's home.
TEST (RouterName, APrivateOneCountsOnAPrivateWayOnly)
{
  for (const char *home :
      {"10.1.2.3", "172.31.0.1", "192.168.1.1", "100.64.0.1"}) {
    EXPECT_EQ (name (home, "198.51.100.1"), silent) << home;
    EXPECT_NE (name (home, "192.168.7.7"), silent) << home;
  }
  EXPECT_NE (name ("172.32.0.1", "198.51.100.1"), silent);
  EXPECT_EQ (name ("fd00:1::1", "2001:db8::1"), silent);
  EXPECT_NE (name ("fd00:1::1", "fd00:2::1"), silent);
}

TEST (RouterName, WhatIsNoRouterHasNone)
{
  for (const char *absurd : {"0.0.0.0", "127.0.0.1", "224.0.0.1",
           "255.255.255.255", "169.254.1.1", "2001:db8::1"})
    EXPECT_EQ (name (absurd), silent) << absurd;
  for (const char *absurd : {"::", "::1", "ff02::1", "fe80::1", "10.0.0.1"})
    EXPECT_EQ (name (absurd, "2001:db8::1"), silent) << absurd;
}

// To 10.0.0.1 by way of 10.0.3.1, 10.0.2.1 and 10.0.1.1.
struct Way : Trace {
  Way () : Trace (ip ("10.0.0.1")) {}
  void by (unsigned hop, const char *router) { expired (hop, ip (router)); }
};

TEST (Trace, IsReadFromTheDestination)
{
  Way way;
  way.ended (4, ip ("10.0.0.1"));
  way.by (2, "10.0.2.1");
  way.by (1, "10.0.3.1");
  way.ended (5, ip ("10.0.0.1"));
  EXPECT_FALSE (way.are_answered (1, 6));
  way.by (3, "10.0.1.1");
  EXPECT_TRUE (way.are_answered (1, 6));
  EXPECT_EQ (way.reach (), 4u);
  EXPECT_EQ (way.routers (),
      (Routers{name ("10.0.1.1"), name ("10.0.2.1"), name ("10.0.3.1")}));
}

TEST (Trace, ARouterThatDoesNotAnswerIsStillThere)
{
  Way way;
  way.by (1, "10.0.3.1");
  way.by (3, "10.0.1.1");
  way.ended (4, ip ("10.0.0.1"));
  EXPECT_EQ (
      way.routers (), (Routers{name ("10.0.1.1"), silent, name ("10.0.3.1")}));
}

// It answers so many a second only, so this may be any of its answers.
TEST (Trace, WhatIsBeforeTheDestinationIsNotGuessed)
{
  Way way;
  way.by (1, "10.0.3.1");
  way.ended (4, ip ("10.0.0.1"));
  EXPECT_EQ (way.routers (), Routers{name ("10.0.3.1")});
}

TEST (Trace, ADestinationThatDoesNotAnswer)
{
  Way way;
  way.by (1, "10.0.3.1");
  way.by (2, "10.0.2.1");
  EXPECT_EQ (way.reach (), 3u);
  EXPECT_EQ (way.routers (), (Routers{name ("10.0.2.1"), name ("10.0.3.1")}));
}

TEST (Trace, NothingAnswers)
{
  Way way;
  EXPECT_EQ (way.reach (), 1u);
  EXPECT_TRUE (way.routers ().empty ());
}

TEST (Trace, OnTheSameNetworkThereIsNone)
{
  Way way;
  way.ended (1, ip ("10.0.0.1"));
  EXPECT_TRUE (way.are_answered (1, 7));
  EXPECT_TRUE (way.routers ().empty ());
}

TEST (Trace, ARouterThatForbidsIsTheLastWeSee)
{
  Way way;
  way.by (1, "10.0.3.1");
  way.ended (2, ip ("10.0.2.1"));
  way.ended (3, ip ("10.0.2.1"));
  EXPECT_EQ (way.reach (), 3u);
  EXPECT_EQ (way.routers (), (Routers{name ("10.0.2.1"), name ("10.0.3.1")}));
}

TEST (Trace, TheFirstAnswerCounts)
{
  Way way;
  way.by (1, "10.0.3.1");
  way.by (1, "10.9.9.9");
  way.ended (1, ip ("10.0.0.1"));
  EXPECT_EQ (way.routers (), Routers{name ("10.0.3.1")});
}

TEST (Trace, NoLieMakesItLong)
{
  Way way;
  for (unsigned hop = 0; hop < 1000; ++hop)
    way.by (hop, "10.0.3.1"); // one answers for all
  way.by (~0u, "10.0.3.1");
  EXPECT_EQ (way.routers (), Routers{name ("10.0.3.1")});

  Way many;
  for (unsigned hop = 0; hop < 1000; ++hop)
    many.by (hop, ("10.1.0." + std::to_string (hop % 250)).c_str ());
  EXPECT_EQ (many.routers ().size (), Trace::hops_max);
}

} // namespace
