// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cassert>
#include <cstdint>

namespace spreadit::core {

// SplitMix64 (Steele, Lea, Flood 2014). Not <random>: its distributions give
// other numbers with another standard library, and a seed has to replay.
class Rng {
public:
  explicit Rng (std::uint64_t seed) : state_ (seed) {}

  std::uint64_t next ()
  {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  // Uniform in [0, n), n > 0. The bias of the modulo, n / 2^64, is below
  // anything we could measure.
  std::uint64_t below (std::uint64_t n)
  {
    assert (n > 0);
    return next () % n;
  }

private:
  std::uint64_t state_;
};

} // namespace spreadit::core
