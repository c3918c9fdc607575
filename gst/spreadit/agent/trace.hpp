// What the answers to a traceroute add up to. No sockets.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/limits.hpp"
#include "media/address.hpp"

namespace spreadit::agent {

// What `router` is called in core::NetworkPath, seen on the way to
// `destination`; core::NetworkPath::silent if it has no name there: a name must
// mean the same router to everybody. 192.168.1.1 is at everybody's home, so a
// private address counts only on the way to a private one, where it is of the
// same network.
std::uint64_t router_name (
    const media::Address &router, const media::Address &destination);

// Hops are counted as traceroute does: 1 is the first router. Answers may come
// in any order, twice, or be lies; the first one for a hop counts.
class Trace {
public:
  static constexpr unsigned hops_max = core::limits::routers_max;

  explicit Trace (const media::Address &destination)
      : destination_ (destination)
  {
  }

  // A packet for so many hops died at `router`.
  void expired (unsigned hop, const media::Address &router);
  // It got where it was going, or no further than `from`.
  void ended (unsigned hop, const media::Address &from);

  // Beyond the routers we know of: the end, or the last one that answered.
  [[nodiscard]] unsigned reach () const;
  [[nodiscard]] bool is_answered (unsigned hop) const;
  // Every hop from `first` to before `last`, from the end on aside.
  [[nodiscard]] bool are_answered (unsigned first, unsigned last) const;

  // As core::NetworkPath has them: from the destination's end to ours.
  [[nodiscard]] std::vector<std::uint64_t> routers () const;

private:
  struct Hop {
    bool answered = false;
    std::uint64_t router = 0;
  };
  void record (unsigned hop, const media::Address &router);

  media::Address destination_;
  std::array<Hop, hops_max + 1> hops_{}; // by hop; none at 0
  unsigned end_ = hops_max + 1; // the first that is no router; not seen yet
};

} // namespace spreadit::agent
