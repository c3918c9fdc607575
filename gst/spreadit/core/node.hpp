// What the two sides of a peer share.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "core/outbox.hpp"
#include "core/peer.hpp"
#include "core/rng.hpp"

namespace spreadit::core {

struct Node {
  Config config;
  Rng rng;
  Outbox outbox;
  Instant since{}; // of the application session
  // Whether others can connect to us, as the last parent that tried found out.
  Reach reachable = Reach::unknown;
  // As others are told it: see message::Alive.
  std::uint32_t tree_delay_ms = 0;

  [[nodiscard]] Contact self () const { return {config.id, config.address}; }
  // No message from a link for so long: dead (IV-D).
  [[nodiscard]] Duration misses_max () const
  {
    return config.alive_misses * config.alive_interval;
  }
};

} // namespace spreadit::core
