// The command line and the config file of gst-spreadit-relay, as values.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "gateway_options.hpp"
#include "http/address.hpp"
#include "log.hpp"
#include "relay_settings.hpp"

namespace spreadit::relay {

// Exit statuses. Wrong usage is found before anything is started.
inline constexpr int exit_left = 0;   // after a clean leave
inline constexpr int exit_failed = 1; // a stream failed
inline constexpr int exit_usage = 2;

struct StreamOptions {
  std::string uri;
  std::string publish;    // be the source, of this input; empty: relay
  bool loop = false;      // play a published file again and again
  bool always_on = false; // a slate stands in for a camera that is away
  // Checked values by option name, as gst_util_set_object_arg() takes them.
  // What was not asked for is not there: the element's default holds.
  std::map<std::string, std::string, std::less<>> settings;

  bool operator== (const StreamOptions &) const = default;
};

struct Options {
  std::vector<StreamOptions> streams; // empty only with a gateway
  GatewayOptions gateway;
  std::string stats;  // file name, "-" for standard output; empty: none
  std::string config; // file name; empty: none
  std::optional<http::Address> http; // where to serve HTTP; nothing: nowhere
  bool quiet = false;
  Log::Format log = Log::Format::text;
  bool check = false; // join for some seconds, say how it is, and end
};

// Nothing to run: print `text` and end. On standard output for status 0, on
// standard error otherwise, where it is what is wrong, in one line.
struct Exit {
  int status;
  std::string text;
};

// `arguments` without the program's name. Reads the file of --config. What is
// on the command line holds for every stream and wins over the file.
std::variant<Options, Exit> parse_options (
    const std::vector<std::string> &arguments);

// What a re-read of the options changes in the running streams.
struct Reload {
  // By stream, as in the running options: settings to apply, by option name;
  // an empty value means the element's default.
  std::vector<std::map<std::string, std::string, std::less<>>> changes;
  // The same for the nodes of the gateway.
  std::map<std::string, std::string, std::less<>> gateway;
  // For the user's eyes, a line each.
  std::vector<std::string> needs_restart;
};
Reload compare (const Options &running, const Options &wanted);

} // namespace spreadit::relay
