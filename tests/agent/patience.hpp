// Waiting in tests: on a condition, with a deadline, never for luck.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <functional>

namespace spreadit::test {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// For what happens in milliseconds. The bound is for broken code only: neither
// a loaded machine nor a sanitizer must make a test fail.
inline constexpr auto patience = 30s;

// Whatever a condition may depend on has changed.
void ring_bell ();

// Until `condition` holds, looked at whenever the bell rings and now and then.
bool eventually (
    const std::function<bool ()> &condition, Clock::duration limit = patience);

// That `condition` goes on to hold for so long.
bool steadily (
    const std::function<bool ()> &condition, Clock::duration duration);

} // namespace spreadit::test
