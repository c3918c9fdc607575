// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/add_policies.hpp"

namespace spreadit::core {

namespace {

// Random (V-A.1): keeps no state; balanced on average.
class AddRandom final : public AddPolicy {
public:
  explicit AddRandom (Rng rng) : rng_ (rng) {}

  AddDecision choose (const LocalTopology &topology,
      const message::Subscribe & /* requester */) override
  {
    const auto &children = topology.children;
    if (children.empty ())
      return decision::Refuse{};
    return decision::RedirectRequester{
        children[rng_.below (children.size ())].id};
  }

private:
  Rng rng_;
};

} // namespace

std::unique_ptr<AddPolicy>
make_add_random (Rng rng)
{
  return std::make_unique<AddRandom> (rng);
}

} // namespace spreadit::core
