// The gateway's part of the command line and of the config file.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "gateway_options.hpp"

namespace spreadit::relay {

// A long option; of the process, not of a stream.
struct GatewaySetting {
  const char *name;
  const char *argument;
  bool argument_is_optional;
  const char *help;
};
std::span<const GatewaySetting> gateway_settings ();
bool is_gateway_setting (std::string_view name);

// Of what a user wrote, by long option name, without what is not the gateway's;
// and the mounts by name. Throws UsageError.
GatewayOptions checked_gateway (
    const std::map<std::string, std::string, std::less<>> &raw,
    const std::map<std::string, std::string> &mounts);

} // namespace spreadit::relay
