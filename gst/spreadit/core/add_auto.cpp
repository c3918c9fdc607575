// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/add_policies.hpp"
#include "core/limits.hpp"
#include "core/proximity.hpp"

namespace spreadit::core {

namespace {

// Auto, beyond the paper: straight to a peer that has room, out of what is
// reported from below, instead of hop by hop. Near, high in the tree, and
// rather with somebody who has been there for a while: who has stayed long
// stays long (stay times are heavy-tailed). Where the newcomer can take clearly
// more children than a child of ours it gets that one's slot and takes it in,
// so that the wide ones are above and the tree stays low: a leaf loses nothing
// by a level more. Whoever has stayed for long asks again, for a place that is
// higher.
class AddAuto final : public AddPolicy {
public:
  [[nodiscard]] bool wants_openings () const override { return true; }
  [[nodiscard]] bool moves_for_movers () const override { return true; }
  // Who moves takes nobody in meanwhile. A leaf has nobody to take in.
  [[nodiscard]] Duration rest_after_move (const Subtree &moved) const override
  {
    return moved.peers > 1 ? limits::auto_rest : Duration::zero ();
  }

  AddDecision choose (const LocalTopology &topology,
      const message::Subscribe &requester) override
  {
    const std::uint32_t width = width_of (requester);
    // Whoever rises has a place: another one is to be worth the move.
    const bool rises = requester.reason == JoinReason::rising;
    const auto is_high = [&] (std::uint32_t depth) {
      return !rises || topology.level + depth + 1 + limits::rise_levels_min <=
                           requester.level;
    };
    if (!is_high (0))
      return decision::Refuse{};
    if (const Candidate *child = narrowest (topology))
      if (child->children_max + limits::width_step <= width)
        return decision::TakeInstead{child->id, requester.self.id};
    const NetworkPath *path = requester.path ? &*requester.path : nullptr;
    const DistantOpening *best = nullptr;
    std::uint64_t least = 0;
    bool is_known_where = false;
    for (const DistantOpening &opening : topology.openings) {
      const bool has_room = opening.free > 0 || (opening.width_min > 0 &&
                                                    opening.width_min <= width);
      if (!has_room || !is_high (opening.depth))
        continue;
      is_known_where = is_known_where || !opening.vicinity->known ().empty ();
      const std::uint64_t cost = cost_of (opening, path);
      if (!best || cost < least) {
        best = &opening;
        least = cost;
      }
    }
    if (best)
      return decision::RedirectRequester{best->contact->id,
          !path && !requester.plain_player && !rises && is_known_where};
    if (rises)
      return decision::Refuse{};
    // Nobody has told yet, or all of it is given away: down the tree, then.
    return turns_->choose (topology, requester);
  }

private:
  // What it is worth high in the tree: who cannot take a child in is worth a
  // leaf.
  static std::uint32_t width_of (const message::Subscribe &requester)
  {
    if (requester.plain_player || requester.unreachable ||
        requester.self.address.empty ())
      return 0;
    return requester.subtree.free > 0 ? requester.children_max : 0;
  }

  // Of those, with the least below it and then here for the shortest time: the
  // list is by age.
  static const Candidate *narrowest (const LocalTopology &topology)
  {
    const Candidate *found = nullptr;
    for (const Candidate &child : topology.movable)
      if (!found || child.children_max < found->children_max ||
          (child.children_max == found->children_max &&
              child.subtree.peers <= found->subtree.peers))
        found = &child;
    return found;
  }

  // In tenths of a millisecond, what is not delay weighed as if it were
  // (decisions/0012).
  static std::uint64_t cost_of (
      const DistantOpening &opening, const NetworkPath *path)
  {
    using namespace std::chrono_literals;
    std::uint64_t youth = 0;
    if (opening.age < 8s)
      youth = 800;
    else if (opening.age < 64s)
      youth = 400;
    else if (opening.age < 512s)
      youth = 200;
    // More than it takes: the next newcomer from here finds the near one, too.
    // Where nothing is known, between near and far.
    std::uint64_t apart = 4000;
    if (const auto routers = routers_apart (path, *opening.vicinity))
      apart = std::min<std::uint64_t> (1000 * *routers, 8000);
    return cost_from_source (opening.depth, opening.tree_delay_ms) + youth +
           apart;
  }

  std::unique_ptr<AddPolicy> turns_ = make_add_round_robin ();
};

} // namespace

std::unique_ptr<AddPolicy>
make_add_auto ()
{
  return std::make_unique<AddAuto> ();
}

} // namespace spreadit::core
