// Who somebody is and where.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace spreadit::core {

// A random 128-bit name, made anew for every application session. Ours, not an
// address: behind a NAT the paper's "IP address" (II) is not unique.
struct PeerId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  auto operator<=> (const PeerId &) const = default;
};

// Whom to ask and where. The address is opaque here ("host:port" when live):
// the core compares and passes it on, it never reads it. The source of a
// stream is first known by address alone; its id is then all zero.
struct Contact {
  PeerId id;
  std::string address;
  bool operator== (const Contact &) const = default;
};

} // namespace spreadit::core
