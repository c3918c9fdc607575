// Which peer a saturated peer sends a newcomer to (paper, V-A).
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <span>
#include <variant>

#include "core/rng.hpp"
#include "core/vocabulary.hpp"

namespace spreadit::core {

// What a policy may know: the paper's "local topology".
struct Candidate {
  PeerId id;
  Subtree subtree;
};
struct LocalTopology {
  // Children a newcomer may be sent to: in the order they came, none of them
  // leaving, a plain player, a dead end, the asker or on its avoid list.
  std::span<const Candidate> children;
};

namespace decision {
// Send the newcomer to this child.
struct RedirectRequester {
  PeerId target;
};
} // namespace decision

// A value and not a PeerId: Knock-Downs and Smart-Bandwidth (V-A.4, V-A.5)
// move other peers than the newcomer.
using AddDecision = std::variant<decision::RedirectRequester>;

class AddPolicy {
public:
  virtual ~AddPolicy () = default;
  // Asked only of a saturated peer that has someone to offer:
  // topology.children is never empty.
  virtual AddDecision choose (
      const LocalTopology &topology, const message::Subscribe &requester) = 0;
};

std::unique_ptr<AddPolicy> make_add_policy (AddPolicyKind kind, Rng rng);

} // namespace spreadit::core
