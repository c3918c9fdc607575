// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/address.hpp"

#include <gtest/gtest.h>

namespace spreadit::media {
namespace {

Address
through_sockaddr (const Address &address, int family)
{
  sockaddr_storage storage;
  const socklen_t length = address.to_sockaddr (family, &storage);
  return Address::from_sockaddr (
      reinterpret_cast<sockaddr *> (&storage), length);
}

TEST (Address, SurvivesASocket)
{
  for (const char *ip : {"10.0.0.1", "255.255.255.255"}) {
    const Address address = Address::from_ip (ip, 5004);
    EXPECT_EQ (address.ip (), ip);
    EXPECT_TRUE (address.is_ipv4 ());
    EXPECT_EQ (through_sockaddr (address, AF_INET), address);
    EXPECT_EQ (through_sockaddr (address, AF_INET6), address) << "mapped";
  }
  for (const char *ip : {"::1", "2001:db8::5", "fe80::1%7"}) {
    const Address address = Address::from_ip (ip, 5004);
    EXPECT_EQ (address.ip (), ip);
    EXPECT_EQ (address.port (), 5004);
    EXPECT_FALSE (address.is_ipv4 ());
    EXPECT_EQ (through_sockaddr (address, AF_INET6), address);
  }
}

TEST (Address, MappedIsIpv4)
{
  const Address mapped = Address::from_ip ("::ffff:10.0.0.1", 1);
  EXPECT_EQ (mapped, Address::from_ip ("10.0.0.1", 1));
  EXPECT_EQ (mapped.hash (), Address::from_ip ("10.0.0.1", 1).hash ());
  EXPECT_TRUE (mapped.is_ipv4 ());
}

TEST (Address, KnowsWhatItIsNot)
{
  for (const char *ip : {"", "localhost", "10.0.0", "10.0.0.1:5004",
           "1.2.3.4.5", "::g", "[::1]", "example.com", "127.1", "0x7f000001"}) {
    EXPECT_TRUE (Address::from_ip (ip, 9).is_unspecified ()) << ip;
    EXPECT_EQ (Address::from_ip (ip, 9).port (), 0) << ip;
  }
  EXPECT_TRUE (Address ().is_unspecified ());
  EXPECT_TRUE (Address::from_ip ("0.0.0.0", 9).is_unspecified ());
  EXPECT_TRUE (Address::from_ip ("::", 9).is_unspecified ());
  EXPECT_FALSE (Address::from_ip ("::1", 0).is_unspecified ());
}

TEST (Address, DiffersInEveryPart)
{
  const Address address = Address::from_ip ("fe80::1%7", 1);
  EXPECT_NE (address, Address::from_ip ("fe80::1%7", 2));
  EXPECT_NE (address, Address::from_ip ("fe80::1%8", 1));
  EXPECT_NE (address, Address::from_ip ("fe80::2%7", 1));
  EXPECT_EQ (address.with_port (2), Address::from_ip ("fe80::1%7", 2));
}

TEST (Address, HasNoWayToIpv6OnIpv4)
{
  sockaddr_storage storage;
  EXPECT_EQ (Address::from_ip ("::1", 1).to_sockaddr (AF_INET, &storage), 0u);
}

TEST (Address, IgnoresOtherFamiliesAndShortOnes)
{
  sockaddr_storage storage{};
  storage.ss_family = AF_UNIX;
  auto *sa = reinterpret_cast<sockaddr *> (&storage);
  EXPECT_EQ (Address::from_sockaddr (sa, sizeof storage), Address ());
  storage.ss_family = AF_INET6;
  EXPECT_EQ (Address::from_sockaddr (sa, sizeof (sockaddr_in)), Address ());
}

} // namespace
} // namespace spreadit::media
