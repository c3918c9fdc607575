// How far peers are from each other, and what routers lie between.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/rng.hpp"
#include "core/vocabulary.hpp"

namespace spreadit::sim {

using Site = std::uint32_t;

// Sites with a round-trip time for each pair; a peer lives at a site, behind
// an access link of its own. The source is at site 0.
class Geography {
public:
  // One site; every pair is that far from each other.
  static Geography constant (core::Duration rtt);
  // Continents, regions, towns, drawn from the seed: distances on a plane,
  // and a router for each of the three on the way.
  static Geography generated (std::uint64_t seed, std::size_t sites);
  // A square of round-trip times in ms, blanks between; nothing if it is not.
  // Nobody knows its routers, so a town sits behind the one of some far-apart
  // towns that is nearest to it.
  static std::optional<Geography> matrix (std::string_view text);

  [[nodiscard]] Site sites () const { return sites_; }
  // Without access links.
  [[nodiscard]] core::Duration one_way (Site a, Site b) const
  {
    return core::Duration (one_way_ns_[std::size_t{a} * sites_ + b]);
  }
  // From the source's end.
  [[nodiscard]] const std::vector<std::uint64_t> &routers (Site site) const
  {
    return routers_[site];
  }

private:
  explicit Geography (Site sites);
  void set (Site a, Site b, core::Duration one_way);

  Site sites_;
  std::vector<std::int64_t> one_way_ns_;
  std::vector<std::vector<std::uint64_t>> routers_;
};

} // namespace spreadit::sim
