// What one search for a parent remembers (IV-B): whom it asks, who refused,
// how often it asked and how long it waits. It knows no links but its own.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "core/limits.hpp"
#include "core/rng.hpp"
#include "core/vocabulary.hpp"

namespace spreadit::core {

struct Search {
  struct Waiting {
    Instant until; // then ask `target`
  };
  struct Connecting {
    LinkId link;
    Instant until;
  };
  struct Asking {
    LinkId link;
    Instant until;
  };

  Search (Instant now, JoinReason why) : reason (why), started (now) {}

  JoinReason reason;
  std::optional<PeerId> lost; // the parent that fell silent
  // Not for long yet: its next packet ends the search.
  bool is_doubt = false;
  Instant started;
  Contact target;
  // Who sent us to the target; its other children are the next best guess.
  std::optional<Contact> via;
  std::variant<Waiting, Connecting, Asking> step = Waiting{Instant::min ()};
  // Asks, without those that only met transient peers.
  unsigned tries = 0;
  // `tries` when the source was asked last: a round that ends at a transient
  // peer does not count.
  unsigned tries_before_round = 0;
  unsigned source_failures = 0;                      // in a row
  FailReason source_fault = FailReason::unreachable; // the last one's
  unsigned source_saturated = 0;                     // in a row
  unsigned early = 0; // a target had no packet yet and was asked again
  // Asked with our path (V-A.3), if anybody was asked yet.
  bool told_path = true;
  // The first who sent us on without knowing it, but would have gone by it.
  std::optional<Contact> provisional;

  // Refused or failed: asked again only when nobody else is left.
  void exclude (PeerId id);
  [[nodiscard]] bool excludes (PeerId id) const;
  void forgive_all () { excluded_.clear (); }
  // For Subscribe: newest first, at most avoid_max.
  [[nodiscard]] std::vector<PeerId> avoid () const;

  // A short wait, never twice the same, so that orphans do not march in step.
  static Duration pause (Rng &rng);
  // The same, doubled with every call up to retry_cap.
  Duration back_off (Rng &rng);

  [[nodiscard]] std::optional<LinkId> link () const;
  [[nodiscard]] Instant deadline () const;

private:
  std::vector<PeerId> excluded_; // oldest first, at most excluded_max
  unsigned doublings_ = 0;
};

} // namespace spreadit::core
