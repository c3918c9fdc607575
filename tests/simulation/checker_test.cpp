// The checker bites: break the protocol on the wire, and it finds the cycle.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include "storm.hpp"

using namespace spreadit::core;
using namespace spreadit::simulation;

namespace {

// How many of `seeds` storms close a cycle.
std::size_t
cycles (std::uint64_t seeds, const Weather &weather)
{
  std::size_t found = 0;
  Weather today = weather;
  for (today.seed = 1; today.seed <= seeds; ++today.seed)
    for (const std::string &violation : run (today).violations)
      if (violation.find ("a cycle") != std::string::npos) {
        ++found;
        break;
      }
  return found;
}

Weather
shuffled ()
{
  Weather weather;
  weather.kind = kind::shuffled;
  return weather;
}

TEST (Checker, FindsNoCycleInTheProtocolAsItIs)
{
  EXPECT_EQ (cycles (300, shuffled ()), 0u);
}

// Movers that hide their descendants are not verified.
TEST (Checker, FindsCyclesWithoutLoopChecks)
{
  Weather weather = shuffled ();
  weather.tamper = [] (Place, Place, Message &message) {
    if (auto *ask = std::get_if<message::Subscribe> (&message))
      ask->subtree.peers = 1;
    return true;
  };
  EXPECT_GT (cycles (1000, weather), 0u);
}

// The source's no becomes a yes.
TEST (Checker, FindsCyclesWhenEveryoneVouches)
{
  Weather weather = shuffled ();
  weather.tamper = [] (Place, Place, Message &message) {
    if (auto *word = std::get_if<message::Verified> (&message))
      word->ok = true;
    return true;
  };
  EXPECT_GT (cycles (1000, weather), 0u);
}

// And nobody knows who is above.
TEST (Checker, FindsManyCyclesWithoutChecksAndRootPaths)
{
  Weather weather = shuffled ();
  weather.tamper = [] (Place, Place, Message &message) {
    if (auto *ask = std::get_if<message::Subscribe> (&message))
      ask->subtree.peers = 1;
    if (auto *accept = std::get_if<message::Accept> (&message))
      accept->root_path.clear ();
    if (auto *alive = std::get_if<message::Alive> (&message))
      alive->root_path.clear ();
    return true;
  };
  EXPECT_GT (cycles (300, weather), 15u);
}

} // namespace
