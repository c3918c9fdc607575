// The options that are properties of the elements.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <gst/gst.h>

namespace spreadit::relay {

// Wrong usage: `what` is for the user. Thrown and caught within the parsing of
// options.
struct UsageError {
  std::string what;
};

enum class SettingKind {
  address,      // HOST:PORT
  count,        // 0 .. 2^32 - 1
  milliseconds, // the same
  rate,         // bit/s, with k, M or G
  add_policy,
  delete_policy,
  proximity,
  file,
};

// An option that is a property of the element: one row says all about it.
struct Setting {
  const char *name;     // on the command line and in the config file
  const char *property; // of spreaditrelay and spreaditsink
  SettingKind kind;
  bool live;            // takes effect in a running stream (SIGHUP)
  const char *argument; // in --help
  const char *help;
};
std::span<const Setting> settings ();
const Setting *find_setting (std::string_view name);

// The value as gst_util_set_object_arg() takes it. Throws UsageError.
std::string checked_value (const Setting &row, const std::string &text);

// A checked value; an empty one is the default.
void set_or_reset (
    GstElement *element, const char *property, const std::string &value);

// "500k" -> 500000; decimal, as rates are. Nothing for what is no rate, and
// for more than 64 bits.
std::optional<std::uint64_t> parse_rate (std::string_view text);

} // namespace spreadit::relay
