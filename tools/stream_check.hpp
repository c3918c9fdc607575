// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>

#include "relay_options.hpp"

namespace spreadit::relay {

// gst-spreadit-relay --check: joins a stream for some seconds and says, in
// plain words, whether it can be reached, what it is, how it comes, and how
// others reach this node. The exit status: exit_left if packets came.
struct CheckResult {
  int status = exit_failed;
  std::string report;  // for standard output, several lines; may be empty
  std::string problem; // for standard error; empty if there is none
};
CheckResult check_stream (const StreamOptions &options);

// What is said of the way others have to this node, for an address as
// GstSpreaditPeeringManager's stats have it, and for what the parent found out
// who tried; nothing: it has not said. Pure.
std::string describe_reach (const std::string &address,
    std::optional<bool> reachable, const std::string &parent);
// That they have none, and what to do.
std::string describe_unreachable (
    const std::string &address, const std::string &parent);
// The same of packets that seem to be so old, over a way of that round trip.
std::string describe_clocks (double delay_ms, double round_trip_ms);

} // namespace spreadit::relay
