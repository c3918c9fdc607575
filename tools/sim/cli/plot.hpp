// Plots as SVG, to stand in a page: colours, dashes and text are its style
// sheet's.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace spreadit::sim {

// For people: 12,345 or 0.0123, never 1.2e+04. With so many digits, or all of
// those before the point.
std::string readable (double value, int digits = 3);
std::string escaped (const std::string &text);

struct Bar {
  std::string name;
  std::string style; // classes
  double value;
  double half_width; // of the interval around it; 0: none
};
// Lying, a name to each and its value in words.
std::string bar_plot (std::span<const Bar> bars);

struct Curve {
  std::string name;
  std::string style;
  std::vector<std::pair<double, double>> points; // x from 0 on
};
std::string curve_plot (
    std::span<const Curve> curves, double x_end, const std::string &x_title);
// A piece of such a curve, for a legend.
std::string curve_sample (const std::string &style);

} // namespace spreadit::sim
