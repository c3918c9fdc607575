// Loop checks on their way through this peer: who asked, so that the answer
// finds its way down again. See docs/decisions/0001-no-cycle-ever.md.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <vector>

#include "core/limits.hpp"
#include "core/vocabulary.hpp"

namespace spreadit::core {

class LoopGuard {
public:
  // Where the answer to a check goes, and under which name it is known there.
  struct Route {
    LinkId link;
    std::uint64_t token;
  };

  explicit LoopGuard (std::uint64_t first_token) : next_token_ (first_token) {}

  std::uint64_t new_token () { return next_token_++; }
  // Remembers a check that came from `route`; its name further up, or nothing
  // if there are verifies_max already.
  std::optional<std::uint64_t> remember (Instant now, Route route);
  // Forgets the check again; nothing if it is unknown or was open too long.
  std::optional<Route> take (Instant now, std::uint64_t token);
  // Forgets all; for a peer that starts to move.
  std::vector<Route> take_all ();

  [[nodiscard]] std::size_t size () const { return checks_.size (); }

private:
  struct Check {
    std::uint64_t token;
    Route route;
    Instant until;
  };

  std::uint64_t next_token_;
  std::vector<Check> checks_; // oldest first
};

} // namespace spreadit::core
