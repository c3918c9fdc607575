// Linked with a core that is wrong in one place (mutate.py): the checker says so.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <iostream>

#include "storm.hpp"

using namespace spreadit::core;
using namespace spreadit::simulation;

namespace {

TEST (Mutant, IsCaught)
{
  Weather weather;
  weather.kind = kind::shuffled;
  weather.add_policy = AddPolicyKind::MUTANT_POLICY;
  for (weather.seed = 1; weather.seed <= 3000; ++weather.seed) {
    const Outcome outcome = run (weather);
    if (!outcome.violations.empty ()) {
      std::cout << outcome.violations.front () << "; "
                << replay_line (weather) << "\n";
      return;
    }
  }
  FAIL () << "nothing was found to be wrong";
}

} // namespace
