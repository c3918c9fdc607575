// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay_settings.hpp"

#include <array>
#include <charconv>

#include "owned.hpp"

namespace spreadit::relay {

namespace {

// Help texts fit beside the names in 80 columns.
constexpr std::array table{
    Setting{"listen", "listen-address", SettingKind::address, false,
        "HOST:PORT", "Where to listen; port 0 is any free one"},
    Setting{"advertise", "advertise-address", SettingKind::address, false,
        "HOST:PORT", "Where others are told to reach this node"},
    Setting{"max-children", "max-children", SettingKind::count, true, "N",
        "Peers and players to feed at most (3)"},
    Setting{"upload-bandwidth", "upload-bandwidth", SettingKind::rate, true,
        "RATE", "Upload to give, bit/s: 500k, 2M (no limit)"},
    Setting{"add-policy", "add-policy", SettingKind::add_policy, true, "POLICY",
        "Whom a newcomer is sent to; see below"},
    Setting{"second-add-policy", "second-add-policy", SettingKind::add_policy,
        true, "POLICY", "With smart-bandwidth: for the others"},
    Setting{"delete-policy", "delete-policy", SettingKind::delete_policy, true,
        "POLICY", "Where children of a leaver go; see below"},
    Setting{"proximity", "proximity", SettingKind::proximity, true, "HOW",
        "To know who is near: none, rtt, traceroute"},
    Setting{"max-tries", "max-tries", SettingKind::count, false, "N",
        "Peers to ask before giving up (32)"},
    Setting{"alive-interval", "alive-interval", SettingKind::milliseconds,
        false, "MS", "Time between heart-beats (1000)"},
    Setting{"alive-misses", "alive-misses", SettingKind::count, false, "N",
        "Heart-beats missed that mean dead (3)"},
    Setting{"ring-duration", "ring-duration", SettingKind::milliseconds, false,
        "MS", "Stream kept for peers that resume (3000)"},
    Setting{"repair-share", "repair-share", SettingKind::count, false,
        "PERCENT", "Of the stream, sent again at most (10)"},
    Setting{"linger", "linger", SettingKind::milliseconds, false, "MS",
        "Time for children to move on leaving (2000)"},
    Setting{"tls-certificate", "tls-certificate", SettingKind::file, false,
        "FILE", "With spreadits: PEM, certificate and key"},
    Setting{"tls-ca", "tls-ca", SettingKind::file, false, "FILE",
        "PEM, who signs for sources (the system's)"},
};

std::optional<std::uint32_t>
parse_count (std::string_view text)
{
  std::uint32_t value = 0;
  const char *end = text.data () + text.size ();
  auto [stop, error] = std::from_chars (text.data (), end, value);
  if (error != std::errc () || stop != end)
    return std::nullopt;
  return value;
}

bool
is_address (std::string_view text)
{
  const auto colon = text.rfind (':');
  if (colon == std::string_view::npos)
    return false;
  const std::string_view host = text.substr (0, colon);
  // An IPv6 address has colons of its own and needs its brackets.
  const bool bracketed = host.starts_with ('[') && host.ends_with (']');
  if (!bracketed && host.find_first_of (":[]") != std::string_view::npos)
    return false;
  const auto port = parse_count (text.substr (colon + 1));
  return port && *port <= 65535;
}

// "random, round-robin"
std::string
nicks (GType type)
{
  std::string all;
  auto *klass = static_cast<GEnumClass *> (g_type_class_ref (type));
  for (guint i = 0; i < klass->n_values; ++i)
    all.append (i ? ", " : "").append (klass->values[i].value_nick);
  g_type_class_unref (klass);
  return all;
}

bool
is_nick (GType type, const std::string &text)
{
  auto *klass = static_cast<GEnumClass *> (g_type_class_ref (type));
  const bool found = g_enum_get_value_by_nick (klass, text.c_str ());
  g_type_class_unref (klass);
  return found;
}

std::string
checked_nick (GType type, const std::string &name, const std::string &text)
{
  if (!is_nick (type, text))
    throw UsageError{
        "bad " + name + " \"" + text + "\": choose one of " + nicks (type)};
  return text;
}

} // namespace

std::span<const Setting>
settings ()
{
  return table;
}

const Setting &
setting (std::string_view name)
{
  const Setting *row = find_setting (name);
  g_assert (row);
  return *row;
}

std::optional<std::uint64_t>
parse_rate (std::string_view text)
{
  double value = 0;
  const char *end = text.data () + text.size ();
  const auto [stop, error] =
      std::from_chars (text.data (), end, value, std::chars_format::fixed);
  if (error != std::errc () || !(value >= 0))
    return std::nullopt;
  const std::string_view unit (stop, static_cast<std::size_t> (end - stop));
  if (unit == "k" || unit == "K")
    value *= 1e3;
  else if (unit == "M" || unit == "m")
    value *= 1e6;
  else if (unit == "G" || unit == "g")
    value *= 1e9;
  else if (!unit.empty ())
    return std::nullopt;
  if (value >= 18446744073709551616.0)
    return std::nullopt;
  return static_cast<std::uint64_t> (value + 0.5);
}

const Setting *
find_setting (std::string_view name)
{
  for (const Setting &row : table)
    if (name == row.name)
      return &row;
  return nullptr;
}

std::string
checked_value (const Setting &row, const std::string &text)
{
  const std::string bad = std::string ("bad ") + row.name + " \"" + text + "\"";
  switch (row.kind) {
  case SettingKind::address:
    if (!is_address (text))
      throw UsageError{bad + ": give HOST:PORT, as 0.0.0.0:8554 or [::]:8554"};
    return text;
  case SettingKind::count:
    if (!parse_count (text))
      throw UsageError{bad + ": give a whole number"};
    return text;
  case SettingKind::milliseconds:
    if (!parse_count (text))
      throw UsageError{bad + ": give whole milliseconds"};
    return text;
  case SettingKind::rate:
    if (auto rate = parse_rate (text))
      return std::to_string (*rate);
    throw UsageError{bad + ": give bits per second, as 500k or 2M"};
  case SettingKind::add_policy:
    return checked_nick (GST_TYPE_SPREADIT_ADD_POLICY, row.name, text);
  case SettingKind::delete_policy:
    return checked_nick (GST_TYPE_SPREADIT_DELETE_POLICY, row.name, text);
  case SettingKind::proximity:
    return checked_nick (GST_TYPE_SPREADIT_PROXIMITY, row.name, text);
  case SettingKind::file:
    if (text.empty ())
      throw UsageError{bad + ": give the name of a file"};
    return text;
  }
  g_assert_not_reached ();
}

void
set_or_reset (
    GstElement *element, const char *property, const std::string &value)
{
  GObject *object = G_OBJECT (element);
  if (value.empty ())
    g_object_set_property (object, property,
        g_param_spec_get_default_value (g_object_class_find_property (
            G_OBJECT_GET_CLASS (object), property)));
  else
    gst_util_set_object_arg (object, property, value.c_str ());
}

} // namespace spreadit::relay
