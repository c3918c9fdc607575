// Linked with a core that is wrong in one place (mutate.py): the checker says
// so, whatever policy moves peers about.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <iostream>

#include "storm.hpp"

using namespace spreadit::core;
using namespace spreadit::simulation;

namespace {

class Mutant : public testing::TestWithParam<AddPolicyKind> {};

TEST_P (Mutant, IsCaught)
{
  Weather weather;
  weather.kind = MUTANT_KIND; // in which it shows
  weather.add_policy = GetParam ();
  for (weather.seed = 1; weather.seed <= 3000; ++weather.seed) {
    const Outcome outcome = run (weather);
    if (!outcome.violations.empty ()) {
      std::cout << "seed " << weather.seed << ": "
                << outcome.violations.front () << "\n";
      return;
    }
  }
  FAIL () << "nothing was found to be wrong";
}

INSTANTIATE_TEST_SUITE_P (Policies, Mutant,
    testing::Values (AddPolicyKind::knock_downs, AddPolicyKind::smart_bandwidth,
        AddPolicyKind::automatic));

} // namespace
