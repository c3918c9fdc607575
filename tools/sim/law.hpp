// Random quantities, the same on every compiler: <random> leaves its
// distributions to the implementation.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/rng.hpp"

namespace spreadit::sim {

// Uniform in (0, 1): never 0, for logarithms.
double uniform (core::Rng &rng);

// As text:
//
//   fixed:VALUE          uniform:LOW,HIGH      exponential:MEAN
//   weibull:SHAPE,SCALE  lognormal:MU,SIGMA    pareto:SHAPE,SMALLEST
//   table:VALUE=WEIGHT,VALUE=WEIGHT...         forever
struct Law {
  enum class Kind {
    fixed,
    uniform,
    exponential,
    weibull,
    lognormal,
    pareto,
    table,
    forever,
  };
  Kind kind = Kind::fixed;
  std::vector<double> parameters{0};
  std::vector<double> weights{}; // table: of the parameters

  // Infinity for forever.
  [[nodiscard]] double draw (core::Rng &rng) const;
  [[nodiscard]] double mean () const;
};

std::optional<Law> parse_law (std::string_view text);
std::string to_string (const Law &law);

} // namespace spreadit::sim
