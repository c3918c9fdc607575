// What a saturated peer does with a newcomer (paper, V-A).
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
  const NetworkPath *path = nullptr; // nothing: not known
  std::uint32_t children_max = 0;
};
// Straight below us or deeper.
struct DistantOpening {
  const Contact *contact;
  std::uint32_t depth; // levels below us
  std::uint32_t free;
  std::uint32_t width_min; // see Opening
  std::uint32_t tree_delay_ms;
  Duration age;
  const Vicinity *vicinity;
};
struct LocalTopology {
  // Children a newcomer may be sent to: in the order they came, none of them
  // leaving, a plain player, a dead end, the asker or on its avoid list.
  std::span<const Candidate> children;
  // Children that may be moved in favour of this newcomer, dead ends too.
  std::span<const Candidate> movable;
  // Whoever below us would take this newcomer, as far as we were told; for
  // policies that want_openings().
  std::span<const DistantOpening> openings;
  const NetworkPath *path = nullptr; // our own
  std::uint32_t level = 0;           // our own; the source's is 0
  std::uint64_t uplink_bps = 0;      // our own; 0: not known
  // This newcomer may have our place: we have a parent, and it can ask there.
  bool may_step_down = false;
};

namespace decision {
// There is nobody to name.
struct Refuse {};
// Send the newcomer to this child, or to the peer of one of the openings.
struct RedirectRequester {
  PeerId target;
  bool provisional = false; // the requester's path would have counted
};
// Take the newcomer and send a movable child to `target`: another child, or
// the newcomer itself.
struct TakeInstead {
  PeerId child;
  PeerId target;
};
// Give the newcomer our place and go below it, with all our children.
struct StepDown {};
} // namespace decision

using AddDecision = std::variant<decision::Refuse, decision::RedirectRequester,
    decision::TakeInstead, decision::StepDown>;

class AddPolicy {
public:
  virtual ~AddPolicy () = default;
  // Whether openings are to be reported to the parent and offered to choose().
  [[nodiscard]] virtual bool wants_openings () const { return false; }
  // Whether children may be moved for who brings descendants, too.
  [[nodiscard]] virtual bool moves_for_movers () const { return false; }
  // After a child was moved for a newcomer, with so much below it, no other one
  // is for this long.
  [[nodiscard]] virtual Duration rest_after_move (const Subtree &moved) const;
  // Asked only of a saturated peer.
  virtual AddDecision choose (
      const LocalTopology &topology, const message::Subscribe &requester) = 0;
};

// `second`: for smart_bandwidth.
std::unique_ptr<AddPolicy> make_add_policy (AddPolicyKind kind, Rng rng,
    AddPolicyKind second = AddPolicyKind::round_robin);

} // namespace spreadit::core
