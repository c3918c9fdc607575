// Where the descendants of a leaver or of a failed peer go (paper, V-B): two
// independent choices, the target and who moves.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "core/vocabulary.hpp"

namespace spreadit::core {

struct DeletePolicy {
  enum class Target { grandfather, root };
  Target target = Target::grandfather;
  RedirectScope who = RedirectScope::self; // self: the children only
};

DeletePolicy make_delete_policy (DeletePolicyKind kind);

} // namespace spreadit::core
