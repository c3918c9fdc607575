// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "core/add_policies.hpp"

namespace spreadit::core {

namespace {

// Round-Robin (V-A.2): the child after the one chosen last, in the order they
// came. The paper rotates a list; a place in an order that stands still is the
// same and costs 24 bytes, and children may be left out of a single choice.
class AddRoundRobin final : public AddPolicy {
public:
  AddDecision choose (const LocalTopology &topology,
      const message::Subscribe & /* requester */) override
  {
    const auto &children = topology.children;
    if (children.empty ())
      return decision::Refuse{};
    const auto last = std::find_if (children.begin (), children.end (),
        [this] (const Candidate &child) { return child.id == last_; });
    // Whoever was chosen last may be gone: then its place is the successor's.
    if (last != children.end ())
      place_ = static_cast<std::size_t> (last - children.begin ()) + 1;
    if (place_ >= children.size ())
      place_ = 0;
    last_ = children[place_].id;
    return decision::RedirectRequester{last_};
  }

private:
  PeerId last_;           // all zero: nobody yet
  std::size_t place_ = 0; // where it stood, then where to go on
};

} // namespace

std::unique_ptr<AddPolicy>
make_add_round_robin ()
{
  return std::make_unique<AddRoundRobin> ();
}

} // namespace spreadit::core
