// Results as JSON, CSV and a page.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "sim/measures.hpp"
#include "sim/scenario.hpp"

namespace spreadit::sim {

struct Run {
  Scenario scenario;
  Measures measures;
};

// One number of a run; the same in all three forms.
struct Figure {
  const char *name;
  double value;
};
std::vector<Figure> figures (const Measures &measures);
// One option of a scenario, given or not.
struct Setting {
  std::string name;
  std::variant<double, std::string> value;
};
std::vector<Setting> settings (const Scenario &scenario);
// "round-robin, grandfather"
std::string policies_of (const Scenario &scenario);

std::string to_json (const std::vector<Run> &runs);
std::string runs_csv (const std::vector<Run> &runs);
std::string points_csv (const std::vector<Run> &runs);
// Self-contained; `command` is what made it.
std::string to_html (const std::vector<Run> &runs, const std::string &command);

} // namespace spreadit::sim
