// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "core/add_policies.hpp"
#include "core/proximity.hpp"

namespace spreadit::core {

namespace {

// Smart-Placement (V-A.3): the child that is closest to the newcomer. Those
// that are equally close take turns, and so do all while nothing is known:
// otherwise whoever came first would have to take everyone.
class AddSmartPlacement final : public AddPolicy {
public:
  AddDecision choose (const LocalTopology &topology,
      const message::Subscribe &requester) override
  {
    const NetworkPath *path = requester.path ? &*requester.path : nullptr;
    std::vector<Candidate> closest;
    std::optional<Distance> least;
    for (const Candidate &child : topology.children) {
      const auto way = distance (path, child.path);
      const bool nearer = way && (!least || *way < *least);
      if (nearer) {
        closest.clear ();
        least = way;
      }
      if (way == least)
        closest.push_back (child);
    }
    LocalTopology alike = topology;
    alike.children = closest;
    AddDecision decision = turns_->choose (alike, requester);
    if (auto *on = std::get_if<decision::RedirectRequester> (&decision))
      on->provisional = !path && can_compare (topology);
    return decision;
  }

private:
  // More than one place is known.
  static bool can_compare (const LocalTopology &topology)
  {
    const auto known =
        std::count_if (topology.children.begin (), topology.children.end (),
            [] (const Candidate &child) { return child.path != nullptr; });
    return known > 1;
  }

  std::unique_ptr<AddPolicy> turns_ = make_add_round_robin ();
};

} // namespace

std::unique_ptr<AddPolicy>
make_add_smart_placement ()
{
  return std::make_unique<AddSmartPlacement> ();
}

} // namespace spreadit::core
