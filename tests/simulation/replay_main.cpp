// One storm again, with everything that was said in it:
//
//   storm-replay --seed N [--add 0..5] [--delete 0..3] [--kind 0..255]
//   [--quiet]
//
// Prints the digest of the run last: the same for every compiler.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "storm.hpp"

using namespace spreadit::core;
using namespace spreadit::simulation;

int
main (int argc, char **argv)
{
  Weather weather;
  weather.trace = &std::cout;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "--quiet") {
      weather.trace = nullptr;
      continue;
    }
    if (i + 1 == argc) {
      std::cerr << option << " needs a value\n";
      return 2;
    }
    const std::uint64_t value = std::strtoull (argv[++i], nullptr, 10);
    if (option == "--seed")
      weather.seed = value;
    else if (option == "--add" && value < 6)
      weather.add_policy = static_cast<AddPolicyKind> (value);
    else if (option == "--delete" && value < 4)
      weather.delete_policy = static_cast<DeletePolicyKind> (value);
    else if (option == "--kind" && value <= kind::all)
      weather.kind = static_cast<unsigned> (value);
    else {
      std::cerr << "not understood: " << option << ' ' << value << '\n';
      return 2;
    }
  }

  const Outcome outcome = run (weather);
  for (const std::string &violation : outcome.violations)
    std::cout << "VIOLATION " << violation << '\n';
  std::cout << replay_line (weather) << ": " << outcome.up << " up, "
            << outcome.failed << " failed, " << outcome.not_served
            << " not served, " << outcome.starving << " without room, after "
            << outcome.served_after / 1ms << " ms, digest " << std::hex
            << outcome.digest << '\n';
  return outcome.violations.empty () && outcome.not_served == 0 ? 0 : 1;
}
