// One maker for each add policy; make_add_policy() is the only caller.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "core/add_policy.hpp"

namespace spreadit::core {

std::unique_ptr<AddPolicy> make_add_random (Rng rng);
std::unique_ptr<AddPolicy> make_add_round_robin ();
std::unique_ptr<AddPolicy> make_add_smart_placement ();
std::unique_ptr<AddPolicy> make_add_knock_downs ();
std::unique_ptr<AddPolicy> make_add_smart_bandwidth (
    std::unique_ptr<AddPolicy> second);
std::unique_ptr<AddPolicy> make_add_auto ();

} // namespace spreadit::core
