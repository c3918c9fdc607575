// What --check says of addresses and clocks.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include "stream_check.hpp"

namespace spreadit::relay {

namespace {

bool
says (const std::string &text, const std::string &part)
{
  return text.find (part) != std::string::npos;
}

} // namespace

TEST (Reach, KnowsWhoIsInFrontOfWhat)
{
  const auto reach = [] (const char *address) {
    return describe_reach (address, std::nullopt, "192.0.2.1:8554");
  };
  EXPECT_TRUE (says (reach (""), "feeds nobody"));
  for (const char *address : {"127.0.0.1:8554", "[::1]:8554"})
    EXPECT_TRUE (says (reach (address), "nobody else can")) << address;
  for (const char *address : {"10.1.2.3:8554", "172.16.0.1:8554",
           "192.168.1.2:8554", "100.64.0.1:8554", "169.254.1.1:8554",
           "[fd00::1]:8554", "[fe80::1]:8554"})
    EXPECT_TRUE (says (reach (address), "--advertise")) << address;
  for (const char *address :
      {"192.0.2.7:8554", "100.128.0.1:8554", "[2001:db8::1]:8554"}) {
    EXPECT_FALSE (says (reach (address), "--advertise")) << address;
    EXPECT_TRUE (says (reach (address), address));
  }
  EXPECT_TRUE (says (reach ("relay.example:8554"), "open that port"));
}

// The parent has tried.
TEST (Reach, IsWhatTheParentFoundOut)
{
  const auto reach = [] (const char *address, bool reachable) {
    return describe_reach (address, reachable, "192.0.2.1:8554");
  };
  for (const char *address :
      {"192.0.2.7:8554", "10.1.2.3:8554", "relay.example:8554"}) {
    const auto bad = reach (address, false);
    for (const char *part : {"cannot connect", address, "192.0.2.1:8554",
             "feeds nobody", "open that port", "--advertise"})
      EXPECT_TRUE (says (bad, part)) << bad;
    const auto good = reach (address, true);
    EXPECT_TRUE (says (good, "192.0.2.1:8554 has connected")) << good;
    EXPECT_FALSE (says (good, "open that port")) << good;
  }
  EXPECT_TRUE (says (reach ("10.1.2.3:8554", true), "outside this network"));
  EXPECT_TRUE (says (reach ("127.0.0.1:8554", true), "nobody else can"));
  EXPECT_FALSE (says (reach ("192.0.2.7:8554", true), "private"));
}

TEST (Clocks, AreWrongWhenPacketsComeBeforeTheyAreSent)
{
  EXPECT_TRUE (says (describe_clocks (35, 10), "about the source's"));
  EXPECT_TRUE (says (describe_clocks (-5, 10), "about the source's"))
      << "the estimate is no better than the round trip";
  EXPECT_TRUE (says (describe_clocks (-3200, 10), "behind"));
  EXPECT_TRUE (says (describe_clocks (-3200, 10), "3200 ms"));
  EXPECT_TRUE (says (describe_clocks (9000, 10), "ahead"));
}

} // namespace spreadit::relay

int
main (int argc, char **argv)
{
  testing::InitGoogleTest (&argc, argv);
  return RUN_ALL_TESTS ();
}
