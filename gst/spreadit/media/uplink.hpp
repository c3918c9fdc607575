// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "media/ring.hpp"

namespace spreadit::media {

// What the way to the children carries, where that is known, and what of it is
// left for those who lag: a newcomer's first picture and what was missed in a
// move must not cost the others packets.
class Uplink {
public:
  // 0: not known.
  void set_bps (std::uint64_t bps) { bps_ = bps; }
  [[nodiscard]] bool is_known () const { return bps_ > 0; }
  // Packets a second for each of `lagging` children, beside `fed` that keep up.
  // Nothing: as many as it likes.
  [[nodiscard]] std::optional<double> spare (
      const Ring &ring, std::size_t fed, std::size_t lagging) const;

private:
  std::uint64_t bps_ = 0;
};

} // namespace spreadit::media
