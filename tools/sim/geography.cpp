// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sim/geography.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "sim/law.hpp"

namespace spreadit::sim {

namespace {

using core::Duration;

Duration
from_ms (double ms)
{
  return Duration (std::llround (ms * 1e6));
}

struct Point {
  double x;
  double y;
};

Point
near (core::Rng &rng, Point centre, double radius)
{
  // One draw a statement: compilers differ in the order of operands.
  const double x = uniform (rng);
  const double y = uniform (rng);
  return {centre.x + radius * (2 * x - 1), centre.y + radius * (2 * y - 1)};
}

// Names of routers by what they serve.
enum class Tier : std::uint64_t { continent = 1, region, town };

std::uint64_t
router (Tier tier, std::uint64_t number)
{
  return (static_cast<std::uint64_t> (tier) << 32) | (number + 1);
}

// Up from the source to what both share, and down again.
std::vector<std::uint64_t>
way (const std::vector<std::uint64_t> &from,
    const std::vector<std::uint64_t> &to)
{
  std::size_t shared = 0;
  while (shared < from.size () && shared < to.size () &&
         from[shared] == to[shared])
    ++shared;
  std::vector<std::uint64_t> routers;
  for (std::size_t i = from.size (); i > shared; --i)
    routers.push_back (from[i - 1]);
  if (shared > 0)
    routers.push_back (from[shared - 1]);
  routers.insert (routers.end (),
      to.begin () + static_cast<std::ptrdiff_t> (shared), to.end ());
  return routers;
}

} // namespace

Geography::Geography (Site sites)
    : sites_ (sites), one_way_ns_ (std::size_t{sites} * sites), routers_ (sites)
{
}

void
Geography::set (Site a, Site b, Duration one_way)
{
  one_way_ns_[std::size_t{a} * sites_ + b] = one_way.count ();
}

Geography
Geography::constant (Duration rtt)
{
  Geography geography (1);
  geography.set (0, 0, rtt / 2);
  geography.routers_[0] = {router (Tier::town, 0)};
  return geography;
}

Geography
Geography::generated (std::uint64_t seed, std::size_t sites)
{
  // In ms one way: the earth is some 100 ms of fibre across, a continent 30.
  constexpr std::size_t continents = 5, regions = 6;
  core::Rng rng (seed);
  std::vector<Point> regional;
  for (std::size_t i = 0; i < continents; ++i) {
    const Point continent = near (rng, {0, 0}, 60);
    for (std::size_t j = 0; j < regions; ++j)
      regional.push_back (near (rng, continent, 12));
  }
  Geography geography (static_cast<Site> (sites));
  std::vector<Point> towns;
  std::vector<std::vector<std::uint64_t>> up;
  for (std::size_t i = 0; i < sites; ++i) {
    const std::size_t region = rng.below (regional.size ());
    towns.push_back (near (rng, regional[region], 3));
    up.push_back ({router (Tier::continent, region / regions),
        router (Tier::region, region), router (Tier::town, i)});
  }
  for (Site a = 0; a < sites; ++a) {
    geography.routers_[a] = way (up[0], up[a]);
    for (Site b = 0; b < sites; ++b) {
      const double x = towns[a].x - towns[b].x;
      const double y = towns[a].y - towns[b].y;
      // Half a ms within a town.
      geography.set (a, b, from_ms (0.5 + std::sqrt (x * x + y * y)));
    }
  }
  return geography;
}

std::optional<Geography>
Geography::matrix (std::string_view text)
{
  std::vector<double> values;
  std::size_t columns = 0;
  while (!text.empty ()) {
    const char *begin = text.data ();
    const char *end = begin + text.size ();
    if (*begin == '\n' && columns == 0 && !values.empty ())
      columns = values.size ();
    if (*begin == ' ' || *begin == '\t' || *begin == '\n' || *begin == '\r') {
      text.remove_prefix (1);
      continue;
    }
    double value = 0;
    const auto [stop, error] = std::from_chars (begin, end, value);
    if (error != std::errc () || !(value >= 0) || value > 60'000)
      return std::nullopt;
    values.push_back (value);
    text.remove_prefix (static_cast<std::size_t> (stop - begin));
  }
  if (columns == 0)
    columns = values.size ();
  if (columns == 0 || columns > 10'000 || values.size () != columns * columns)
    return std::nullopt;

  const auto sites = static_cast<Site> (columns);
  Geography geography (sites);
  for (Site a = 0; a < sites; ++a)
    for (Site b = 0; b < sites; ++b)
      geography.set (a, b,
          from_ms (a == b ? 0.25 : values[std::size_t{a} * sites + b] / 2));

  // Farthest-point hubs (Gonzalez 1985), as many as towns behind each.
  const auto hubs = static_cast<Site> (std::max (1.0, std::sqrt (columns)));
  std::vector<Site> hub_of (sites, 0);
  std::vector<Site> chosen{0};
  while (chosen.size () < hubs) {
    const auto off = [&] (Site site) {
      return geography.one_way (site, hub_of[site]);
    };
    Site farthest = 0;
    for (Site site = 0; site < sites; ++site)
      if (off (site) > off (farthest))
        farthest = site;
    chosen.push_back (farthest);
    for (Site site = 0; site < sites; ++site)
      if (geography.one_way (site, farthest) < off (site))
        hub_of[site] = farthest;
  }
  const auto up = [&] (Site site) {
    return std::vector<std::uint64_t>{
        router (Tier::region, hub_of[site]), router (Tier::town, site)};
  };
  for (Site site = 0; site < sites; ++site)
    geography.routers_[site] = way (up (0), up (site));
  return geography;
}

} // namespace spreadit::sim
