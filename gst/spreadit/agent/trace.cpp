// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/trace.hpp"

#include <algorithm>

#include <arpa/inet.h>

namespace spreadit::agent {

namespace {

using core::NetworkPath;

enum class Realm { nowhere, shared, world };

// RFC 1918, RFC 6598 (carriers' NAT), RFC 3927.
Realm
realm_of (std::uint32_t ipv4)
{
  const auto is_in = [ipv4] (std::uint32_t net, unsigned bits) {
    return ipv4 >> (32 - bits) == net >> (32 - bits);
  };
  if (is_in (0x00000000, 8) || is_in (0x7f000000, 8) ||
      is_in (0xa9fe0000, 16) || ipv4 >= 0xe0000000) // multicast and reserved
    return Realm::nowhere;
  if (is_in (0x0a000000, 8) || is_in (0xac100000, 12) ||
      is_in (0xc0a80000, 16) || is_in (0x64400000, 10))
    return Realm::shared;
  return Realm::world;
}

// RFC 4291, RFC 4193 (unique local).
Realm
realm_of (const in6_addr &ipv6)
{
  if (IN6_IS_ADDR_UNSPECIFIED (&ipv6) || IN6_IS_ADDR_LOOPBACK (&ipv6) ||
      IN6_IS_ADDR_MULTICAST (&ipv6) || IN6_IS_ADDR_LINKLOCAL (&ipv6))
    return Realm::nowhere;
  return (ipv6.s6_addr[0] & 0xfe) == 0xfc ? Realm::shared : Realm::world;
}

struct Named {
  std::uint64_t name = NetworkPath::silent;
  Realm realm = Realm::nowhere;
};

Named
named (const media::Address &address)
{
  sockaddr_storage storage{};
  if (address.to_sockaddr (address.family (), &storage) == 0)
    return {};
  if (address.is_ipv4 ()) {
    const auto &in = reinterpret_cast<const sockaddr_in &> (storage);
    const std::uint32_t host = ntohl (in.sin_addr.s_addr);
    return {host, realm_of (host)};
  }
  const auto &in6 = reinterpret_cast<const sockaddr_in6 &> (storage);
  Named result{0, realm_of (in6.sin6_addr)};
  for (unsigned i = 0; i < 8; ++i)
    result.name = result.name << 8 | in6.sin6_addr.s6_addr[i];
  return result;
}

} // namespace

std::uint64_t
router_name (const media::Address &router, const media::Address &destination)
{
  if (router.family () != destination.family ())
    return NetworkPath::silent;
  const Named its = named (router);
  if (its.realm == Realm::nowhere ||
      (its.realm == Realm::shared && named (destination).realm == Realm::world))
    return NetworkPath::silent;
  return its.name;
}

void
Trace::expired (unsigned hop, const media::Address &router)
{
  if (router.with_port (0) == destination_.with_port (0))
    return ended (hop, router); // some hosts count themselves as a router
  record (hop, router);
}

void
Trace::ended (unsigned hop, const media::Address &from)
{
  if (hop < 1 || hop > hops_max || hops_[hop].answered)
    return;
  // A router that lets nothing through is on the way, and the last we see.
  const bool is_router = from.with_port (0) != destination_.with_port (0);
  record (hop, from);
  end_ = std::min (end_, is_router ? hop + 1 : hop);
}

void
Trace::record (unsigned hop, const media::Address &router)
{
  if (hop < 1 || hop > hops_max || hops_[hop].answered)
    return;
  hops_[hop] = {true, router_name (router, destination_)};
}

bool
Trace::is_answered (unsigned hop) const
{
  return hop >= 1 && hop <= hops_max && hops_[hop].answered;
}

unsigned
Trace::reach () const
{
  if (end_ <= hops_max)
    return end_;
  unsigned hop = hops_max;
  while (hop > 0 && !hops_[hop].answered)
    --hop;
  return hop + 1;
}

bool
Trace::are_answered (unsigned first, unsigned last) const
{
  for (unsigned hop = first; hop < std::min (last, end_); ++hop)
    if (!is_answered (hop))
      return false;
  return true;
}

std::vector<std::uint64_t>
Trace::routers () const
{
  std::vector<std::uint64_t> names;
  for (unsigned hop = 1; hop < end_ && hop <= hops_max; ++hop) {
    const std::uint64_t name = hops_[hop].router;
    // Seen before: a loop, a router that answers for others, or a lie.
    const bool is_known =
        std::find (names.begin (), names.end (), name) != names.end ();
    names.push_back (is_known ? NetworkPath::silent : name);
  }
  // Beyond the last answer nobody knows how far it is: the destination answers
  // so many a second only (RFC 1812, 4.3.2.8), or not at all.
  while (!names.empty () && names.back () == NetworkPath::silent)
    names.pop_back ();
  std::reverse (names.begin (), names.end ());
  return names;
}

} // namespace spreadit::agent
