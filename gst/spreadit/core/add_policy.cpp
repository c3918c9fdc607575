// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/add_policies.hpp"
#include "core/limits.hpp"

namespace spreadit::core {

Duration
AddPolicy::rest_after_move (const Subtree & /* moved */) const
{
  return limits::take_instead_rest;
}

std::unique_ptr<AddPolicy>
make_add_policy (AddPolicyKind kind, Rng rng, AddPolicyKind second)
{
  switch (kind) {
  case AddPolicyKind::random:
    return make_add_random (rng);
  case AddPolicyKind::round_robin:
    break;
  case AddPolicyKind::smart_placement:
    return make_add_smart_placement ();
  case AddPolicyKind::knock_downs:
    return make_add_knock_downs ();
  case AddPolicyKind::smart_bandwidth:
    if (second == AddPolicyKind::smart_bandwidth)
      second = AddPolicyKind::round_robin;
    return make_add_smart_bandwidth (make_add_policy (second, rng));
  case AddPolicyKind::automatic:
    return make_add_auto ();
  }
  return make_add_round_robin ();
}

} // namespace spreadit::core
