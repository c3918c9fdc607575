// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/add_policies.hpp"
#include "core/proximity.hpp"

namespace spreadit::core {

namespace {

// Knock-Downs (V-A.4): a newcomer that is closer to us than all our children
// takes the place of the farthest. That one is sent where Smart-Placement
// would send it, the newcomer included: the paper does not say where to, and
// its rule for who cannot stay is "a child that is closest". Children whose
// place is not known are neither compared nor moved.
class AddKnockDowns final : public AddPolicy {
public:
  AddDecision choose (const LocalTopology &topology,
      const message::Subscribe &requester) override
  {
    if (const Candidate *farthest = outdone (topology, requester))
      if (const auto target = way_out (topology, requester, *farthest))
        return decision::TakeInstead{farthest->id, *target};
    return closest_->choose (topology, requester);
  }

private:
  // The farthest child, if the newcomer is closer than all of them.
  static const Candidate *outdone (
      const LocalTopology &topology, const message::Subscribe &requester)
  {
    const NetworkPath *path = requester.path ? &*requester.path : nullptr;
    const auto way = distance (topology.path, path);
    if (!way)
      return nullptr;
    const Candidate *farthest = nullptr;
    std::optional<Distance> most;
    for (const Candidate &child : topology.movable) {
      const auto its = distance (topology.path, child.path);
      if (!its)
        continue;
      if (*its <= *way)
        return nullptr;
      if (!most || *most < *its) {
        most = its;
        farthest = &child;
      }
    }
    return farthest;
  }

  // The closest peer with room for it.
  std::optional<PeerId> way_out (const LocalTopology &topology,
      const message::Subscribe &requester, const Candidate &child) const
  {
    std::vector<Candidate> hosts;
    for (const Candidate &other : topology.children)
      if (other.id != child.id)
        hosts.push_back (other);
    if (!requester.self.address.empty () && !requester.unreachable &&
        requester.subtree.free > 0)
      hosts.push_back ({requester.self.id, requester.subtree,
          requester.path ? &*requester.path : nullptr});
    message::Subscribe ask;
    ask.self.id = child.id;
    ask.path = *child.path;
    LocalTopology below;
    below.children = hosts;
    const auto chosen = way_out_->choose (below, ask);
    if (const auto *on = std::get_if<decision::RedirectRequester> (&chosen))
      return on->target;
    return std::nullopt;
  }

  std::unique_ptr<AddPolicy> closest_ = make_add_smart_placement ();
  std::unique_ptr<AddPolicy> way_out_ = make_add_smart_placement ();
};

} // namespace

std::unique_ptr<AddPolicy>
make_add_knock_downs ()
{
  return std::make_unique<AddKnockDowns> ();
}

} // namespace spreadit::core
