// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/address.hpp"

#include <algorithm>
#include <string_view>

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>

namespace spreadit::media {

namespace {
constexpr std::uint8_t mapped_prefix[12] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
} // namespace

Address
Address::from_sockaddr (const sockaddr *sa, socklen_t length)
{
  Address address;
  if (sa->sa_family == AF_INET && length >= sizeof (sockaddr_in)) {
    sockaddr_in in;
    std::memcpy (&in, sa, sizeof in);
    address.family_ = AF_INET;
    address.port_ = ntohs (in.sin_port);
    std::memcpy (address.ip_, &in.sin_addr, 4);
  } else if (sa->sa_family == AF_INET6 && length >= sizeof (sockaddr_in6)) {
    sockaddr_in6 in6;
    std::memcpy (&in6, sa, sizeof in6);
    address.port_ = ntohs (in6.sin6_port);
    const std::uint8_t *ip = in6.sin6_addr.s6_addr;
    if (!std::memcmp (ip, mapped_prefix, sizeof mapped_prefix)) {
      address.family_ = AF_INET;
      std::memcpy (address.ip_, ip + sizeof mapped_prefix, 4);
    } else {
      address.family_ = AF_INET6;
      address.scope_ = in6.sin6_scope_id;
      std::memcpy (address.ip_, ip, 16);
    }
  }
  return address;
}

Address
Address::from_ip (const std::string &ip, std::uint16_t port)
{
  Address address;
  if (in_addr in; inet_pton (AF_INET, ip.c_str (), &in) == 1) {
    address.family_ = AF_INET;
    std::memcpy (address.ip_, &in, 4);
  } else if (ip.find (':') != std::string::npos) {
    // Not inet_pton(): it does not know scopes ("fe80::1%eth0").
    addrinfo hints{};
    hints.ai_family = AF_INET6;
    hints.ai_socktype = SOCK_DGRAM;
    hints.ai_flags = AI_NUMERICHOST;
    addrinfo *found = nullptr;
    if (getaddrinfo (ip.c_str (), nullptr, &hints, &found) == 0) {
      address = from_sockaddr (found->ai_addr, found->ai_addrlen);
      freeaddrinfo (found);
    }
  }
  if (address.family_ != AF_UNSPEC)
    address.port_ = port;
  return address;
}

bool
Address::is_unspecified () const
{
  return std::all_of (ip_, ip_ + sizeof ip_, [] (auto b) { return b == 0; });
}

std::string
Address::ip () const
{
  char text[INET6_ADDRSTRLEN];
  if (family_ == AF_UNSPEC || !inet_ntop (family_, ip_, text, sizeof text))
    return {};
  std::string out = text;
  if (scope_)
    out += "%" + std::to_string (scope_);
  return out;
}

socklen_t
Address::to_sockaddr (int family, sockaddr_storage *out) const
{
  std::memset (out, 0, sizeof *out);
  if (family == AF_INET && family_ != AF_INET6) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons (port_);
    std::memcpy (&in.sin_addr, ip_, 4);
    std::memcpy (out, &in, sizeof in);
    return sizeof in;
  }
  if (family != AF_INET6)
    return 0;
  sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  in6.sin6_port = htons (port_);
  if (family_ == AF_INET) {
    std::memcpy (in6.sin6_addr.s6_addr, mapped_prefix, sizeof mapped_prefix);
    std::memcpy (in6.sin6_addr.s6_addr + sizeof mapped_prefix, ip_, 4);
  } else {
    in6.sin6_scope_id = scope_;
    std::memcpy (in6.sin6_addr.s6_addr, ip_, 16);
  }
  std::memcpy (out, &in6, sizeof in6);
  return sizeof in6;
}

std::size_t
Address::hash () const
{
  // The whole of it, so that ports of one host behind a NAT spread.
  const std::string_view bytes (
      reinterpret_cast<const char *> (ip_), sizeof ip_);
  return std::hash<std::string_view>{}(bytes)*31 + port_ * 65599u + scope_;
}

} // namespace spreadit::media
