// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/add_policies.hpp"

namespace spreadit::core {

std::unique_ptr<AddPolicy>
make_add_policy (AddPolicyKind kind, Rng rng)
{
  switch (kind) {
  case AddPolicyKind::random:
    return make_add_random (rng);
  case AddPolicyKind::round_robin:
    break;
  }
  return make_add_round_robin ();
}

} // namespace spreadit::core
