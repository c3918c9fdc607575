// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/add_policies.hpp"

namespace spreadit::core {

namespace {

// Smart-Bandwidth (V-A.5): wide peers rise. A newcomer with more uplink than we
// have takes our place, and we and our children go below it; with others, and
// where a bandwidth is not known, as the second policy says. It must be able
// to take us at least, or nobody gains.
class AddSmartBandwidth final : public AddPolicy {
public:
  explicit AddSmartBandwidth (std::unique_ptr<AddPolicy> second)
      : second_ (std::move (second))
  {
  }

  AddDecision choose (const LocalTopology &topology,
      const message::Subscribe &requester) override
  {
    if (topology.may_step_down && topology.uplink_bps > 0 &&
        requester.uplink_bps > topology.uplink_bps &&
        requester.children_max > 0 && requester.subtree.free > 0)
      return decision::StepDown{};
    return second_->choose (topology, requester);
  }

private:
  std::unique_ptr<AddPolicy> second_;
};

} // namespace

std::unique_ptr<AddPolicy>
make_add_smart_bandwidth (std::unique_ptr<AddPolicy> second)
{
  return std::make_unique<AddSmartBandwidth> (std::move (second));
}

} // namespace spreadit::core
