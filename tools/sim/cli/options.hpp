// The command line.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/scenario.hpp"

namespace spreadit::sim {

// Wrong usage: one line for people.
struct UsageError {
  std::string text;
};

struct Options {
  Scenario scenario; // of the first run
  std::vector<core::AddPolicyKind> add_policies;
  std::vector<core::DeletePolicyKind> delete_policies;
  unsigned seeds = 1;
  std::string json;   // file or "-"; empty: none
  std::string csv;    // one row a run
  std::string report; // folder
  bool quiet = false;
  bool version = false;
};

// Throws UsageError. Prints help and exits if asked to.
Options parse_options (int argc, char **argv);

std::string_view name_of (core::AddPolicyKind kind);
std::string_view name_of (core::DeletePolicyKind kind);

} // namespace spreadit::sim
