// What every target shares. A target is one function, LLVMFuzzerTestOneInput;
// it is linked with libFuzzer to search, and with replay_main.cpp to run what
// was found, for ever after, as an ordinary test.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size);

namespace spreadit::fuzz {

inline std::string_view
as_text (const std::uint8_t *data, std::size_t size)
{
  return {reinterpret_cast<const char *> (data), size};
}

// Not assert(): also in release builds.
inline void
require (bool condition, const char *what)
{
  if (condition)
    return;
  std::fprintf (stderr, "does not hold: %s\n", what);
  std::abort ();
}

} // namespace spreadit::fuzz
