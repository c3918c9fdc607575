// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>

#include <netinet/in.h>
#include <sys/socket.h>

namespace spreadit::media {

// An IPv4 or IPv6 socket address as a value. IPv4-mapped IPv6 addresses are
// kept as IPv4, so that one way of writing an address compares equal to the
// other.
class Address {
public:
  Address () = default; // unspecified, port 0
  static Address from_sockaddr (const sockaddr *sa, socklen_t length);
  // Numeric only: "10.0.0.1", "::1"; unspecified when it is not one.
  static Address from_ip (const std::string &ip, std::uint16_t port);

  [[nodiscard]] std::uint16_t port () const { return port_; }
  [[nodiscard]] Address with_port (std::uint16_t port) const
  {
    Address copy = *this;
    copy.port_ = port;
    return copy;
  }
  [[nodiscard]] bool is_unspecified () const; // no family, or the any address
  [[nodiscard]] bool is_ipv4 () const { return family_ == AF_INET; }
  [[nodiscard]] std::string ip () const; // "10.0.0.1", "fe80::1%2"
  [[nodiscard]] int family () const { return family_; }
  [[nodiscard]] std::size_t hash () const;
  // For a socket of `family`; an IPv4 address becomes a mapped one for
  // AF_INET6. 0 for an IPv6 address on AF_INET: there is no way.
  socklen_t to_sockaddr (int family, sockaddr_storage *out) const;

  bool operator== (const Address &other) const
  {
    return family_ == other.family_ && port_ == other.port_ &&
           scope_ == other.scope_ && !std::memcmp (ip_, other.ip_, sizeof ip_);
  }

private:
  int family_ = AF_UNSPEC;
  std::uint16_t port_ = 0;
  std::uint32_t scope_ = 0;
  std::uint8_t ip_[16] = {}; // network order; the first 4 for IPv4
};

} // namespace spreadit::media

template <> struct std::hash<spreadit::media::Address> {
  std::size_t operator() (const spreadit::media::Address &address) const
  {
    return address.hash ();
  }
};
