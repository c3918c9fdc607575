// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/delete_policy.hpp"

namespace spreadit::core {

DeletePolicy
make_delete_policy (DeletePolicyKind kind)
{
  using Target = DeletePolicy::Target;
  switch (kind) {
  case DeletePolicyKind::grandfather:
    break;
  case DeletePolicyKind::root:
    return {Target::root, RedirectScope::self};
  case DeletePolicyKind::grandfather_all:
    return {Target::grandfather, RedirectScope::subtree};
  case DeletePolicyKind::root_all:
    return {Target::root, RedirectScope::subtree};
  }
  return {Target::grandfather, RedirectScope::self};
}

} // namespace spreadit::core
