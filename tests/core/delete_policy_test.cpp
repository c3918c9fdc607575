// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include "core/delete_policy.hpp"

using namespace spreadit::core;

namespace {

// V-B: {grandfather, root} x {children, all}.
TEST (DeletePolicy, IsTwoIndependentChoices)
{
  using Target = DeletePolicy::Target;
  struct {
    DeletePolicyKind kind;
    Target target;
    RedirectScope who;
  } const expected[] = {
      {DeletePolicyKind::grandfather, Target::grandfather, RedirectScope::self},
      {DeletePolicyKind::root, Target::root, RedirectScope::self},
      {DeletePolicyKind::grandfather_all, Target::grandfather,
          RedirectScope::subtree},
      {DeletePolicyKind::root_all, Target::root, RedirectScope::subtree}};
  for (const auto &[kind, target, who] : expected) {
    const DeletePolicy policy = make_delete_policy (kind);
    EXPECT_EQ (policy.target, target);
    EXPECT_EQ (policy.who, who);
  }
}

} // namespace
