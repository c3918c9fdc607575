// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/add_policies.hpp"
#include "core/limits.hpp"

namespace spreadit::core {

namespace {

// Auto, beyond the paper: straight to a peer that has room, out of what is
// reported from below, instead of hop by hop. High in the tree, and rather with
// somebody who has been there for a while: who has stayed long stays long (stay
// times are heavy-tailed). Where the newcomer can take clearly more children
// than a child of ours it gets that one's slot and takes it in, so that the
// wide ones are above and the tree stays low: a leaf loses nothing by a level
// more.
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
    if (const Candidate *child = narrowest (topology))
      if (child->children_max + limits::width_step <= width)
        return decision::TakeInstead{child->id, requester.self.id};
    const DistantOpening *best = nullptr;
    std::uint64_t least = 0;
    for (const DistantOpening &opening : topology.openings) {
      if (opening.free == 0 &&
          (opening.width_min == 0 || opening.width_min > width))
        continue;
      const std::uint64_t cost = cost_of (opening);
      if (!best || cost < least) {
        best = &opening;
        least = cost;
      }
    }
    if (best)
      return decision::RedirectRequester{best->contact->id};
    // Nobody has told yet, or all of it is given away: down the tree, then.
    return turns_->choose (topology, requester);
  }

private:
  // What it is worth high in the tree: who cannot take a child in is worth a
  // leaf.
  static std::uint32_t width_of (const message::Subscribe &requester)
  {
    if (requester.plain_player || requester.self.address.empty ())
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

  // In thousandths of a level.
  static std::uint64_t cost_of (const DistantOpening &opening)
  {
    using namespace std::chrono_literals;
    std::uint64_t youth = 0;
    if (opening.age < 8s)
      youth = 800;
    else if (opening.age < 64s)
      youth = 400;
    else if (opening.age < 512s)
      youth = 200;
    return std::uint64_t{1000} * opening.depth + youth;
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
