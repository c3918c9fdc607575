// How near two peers are, by their ways to the source (paper, V-A.3, V-A.4).
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <compare>

#include "core/vocabulary.hpp"

namespace spreadit::core {

// Routers between two peers first, round-trip time second: two ways from one
// source part at a router, and what lies beyond it is the way between them.
// Their round-trip times to the source only bound the one between them
// (from below, by their difference), so they break ties.
struct Distance {
  std::uint32_t routers = 0;
  Duration rtt{};
  auto operator<=> (const Distance &) const = default;
};

// Nothing if either is not known.
std::optional<Distance> distance (const NetworkPath *a, const NetworkPath *b);

Vicinity vicinity_of (const std::optional<NetworkPath> &path);
// Routers of `a` that lie beyond the nearest one that it shares with `b`. More
// than any path has if it shares none that is known, nothing if nothing is
// known of one of them.
std::optional<std::uint32_t> routers_apart (
    const NetworkPath *a, const Vicinity &b);

// How far somebody at that depth is from the source, whose packets took so
// long: in tenths of a millisecond, and 50 ms for each level, which is one more
// that can fail (decisions/0012).
constexpr std::uint64_t
cost_from_source (std::uint32_t depth, std::uint32_t tree_delay_ms)
{
  return std::uint64_t{500} * depth + std::uint64_t{10} * tree_delay_ms;
}

} // namespace spreadit::core
