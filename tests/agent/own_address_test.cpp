// Which of our addresses others are told.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include "agent/own_address.hpp"

namespace spreadit::test {

using media::Address;

// An address that means less to others never takes the place of one that means
// more: a player on our own host says "localhost".
TEST (OwnAddress, ReachesHereOrElsewhere)
{
  const auto reach = [] (const char *ip) {
    return agent::reach_of (Address::from_ip (ip, 1));
  };
  EXPECT_EQ (reach ("0.0.0.0"), 0u);
  EXPECT_EQ (reach ("::"), 0u);
  EXPECT_EQ (reach ("fe80::1"), 0u);
  EXPECT_EQ (reach ("169.254.1.1"), 0u);
  EXPECT_EQ (reach ("127.0.0.1"), 1u);
  EXPECT_EQ (reach ("::1"), 1u);
  EXPECT_EQ (reach ("10.0.0.1"), 2u);
  EXPECT_EQ (reach ("2001:db8::1"), 2u);
  EXPECT_EQ (agent::reach_of (Address ()), 0u);
}

TEST (OwnAddress, IsMeantFromSoFar)
{
  using agent::Scope;
  const auto scope = [] (const char *ip) {
    return agent::scope_of (Address::from_ip (ip, 1));
  };
  for (const char *ip : {"0.0.0.0", "::", "224.0.0.1", "ff02::1", "word"})
    EXPECT_EQ (scope (ip), Scope::none) << ip;
  for (const char *ip : {"127.0.0.1", "127.9.9.9", "::1"})
    EXPECT_EQ (scope (ip), Scope::host) << ip;
  for (const char *ip : {"169.254.1.1", "fe80::1"})
    EXPECT_EQ (scope (ip), Scope::link) << ip;
  for (const char *ip : {"10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1",
           "100.127.255.255", "fc00::1", "fdff::1"})
    EXPECT_EQ (scope (ip), Scope::site) << ip;
  for (const char *ip :
      {"192.0.2.1", "100.63.0.1", "100.128.0.1", "2001:db8::1", "fe00::1"})
    EXPECT_EQ (scope (ip), Scope::world) << ip;
  EXPECT_EQ (agent::scope_of (Address ()), Scope::none);
  EXPECT_LT (Scope::site, Scope::world);
}

TEST (OwnAddress, TowardsOurselvesIsOurselves)
{
  EXPECT_EQ (agent::address_towards (Address::from_ip ("127.0.0.1", 9)).ip (),
      "127.0.0.1");
  EXPECT_EQ (agent::address_towards (Address::from_ip ("::1", 9)).ip (), "::1");
  EXPECT_TRUE (agent::address_towards (Address ()).is_unspecified ());
}

TEST (OwnAddress, ASourceSendsFromWhereItListens)
{
  const auto source = [] (const char *host) {
    return agent::data_address (rtsp::HostPort{host, 8554}, true).ip ();
  };
  EXPECT_EQ (source ("127.0.0.2"), "127.0.0.2");
  EXPECT_EQ (source ("localhost"), "127.0.0.1");
  EXPECT_EQ (source ("::1"), "::1");
  for (const char *everywhere : {"", "0.0.0.0", "::"})
    EXPECT_EQ (source (everywhere), "") << everywhere;
  // A peer from everywhere.
  EXPECT_EQ (
      agent::data_address (rtsp::HostPort{"127.0.0.2", 8554}, false).ip (), "");
  EXPECT_EQ (agent::data_address (std::nullopt, true).ip (), "");
}

} // namespace spreadit::test
