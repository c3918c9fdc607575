// Who comes when, for how long, with what.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string_view>

#include "sim/law.hpp"
#include "sim/scenario.hpp"

namespace spreadit::sim {

struct Visitor {
  core::Instant comes;
  core::Instant goes; // Instant::max(): stays to the end
  std::uint64_t uplink_bps;
  std::uint32_t children_max;
  std::uint32_t access_us; // one way, of its access link
  Site site;
  End end;
};

// In the order they come. Everybody's fate is drawn here, before anything
// happens, so that policies meet the same audience.
std::vector<Visitor> make_audience (
    const Scenario &scenario, const Geography &geography);

// CSV with a head line; columns join_s and leave_s, children_max, uplink_bps,
// access_ms and crash if there are. Nothing if it cannot be read.
std::optional<std::vector<TraceRow>> parse_trace (std::string_view csv);

} // namespace spreadit::sim
