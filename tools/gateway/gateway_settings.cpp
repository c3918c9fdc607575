// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gateway_settings.hpp"

#include <array>
#include <charconv>

#include "gateway_path.hpp"
#include "owned.hpp"
#include "relay_settings.hpp"

namespace spreadit::relay {

namespace {

constexpr std::array table{
    GatewaySetting{
        "gateway", "HOST:PORT", true, "Let players here name any stream"},
    GatewaySetting{"gateway-idle-timeout", "S", false,
        "Seconds in a stream without players (10)"},
    GatewaySetting{"gateway-streams", "N", false,
        "Streams players may have joined at once (8)"},
    GatewaySetting{"gateway-publish", "PATHS", false,
        "What may be published to it: live;tv/one"},
};

unsigned
checked_number (const char *name, const std::string &text, unsigned max)
{
  unsigned value = 0;
  const char *end = text.data () + text.size ();
  const auto [stop, error] = std::from_chars (text.data (), end, value);
  if (error != std::errc () || stop != end || value > max)
    throw UsageError{std::string ("bad ") + name + " \"" + text +
                     "\": give a whole number up to " + std::to_string (max)};
  return value;
}

// "HOST:PORT", "HOST", ":PORT"; brackets only where they have to be.
void
read_address (GatewayOptions &options, const std::string &text)
{
  options.host = gateway_host_default;
  if (text == "true") // the option alone
    return;
  const auto colon = text.rfind (':');
  const bool has_port = colon != std::string::npos && !text.ends_with (']');
  std::string host = has_port ? text.substr (0, colon) : text;
  const bool bracketed = host.starts_with ('[') && host.ends_with (']');
  if (bracketed)
    host = host.substr (1, host.size () - 2);
  if (host.find_first_of (bracketed ? "[] /" : "[]: /") != std::string::npos)
    throw UsageError{"bad gateway \"" + text +
                     "\": give HOST:PORT, as 127.0.0.1:8555 or [::1]:8555"};
  if (!host.empty ())
    options.host = host;
  if (has_port)
    options.port =
        checked_number ("gateway port", text.substr (colon + 1), 65535);
}

void
read_publish (GatewayOptions &options, const std::string &text)
{
  const Strv parts (g_strsplit (text.c_str (), ";", -1));
  for (char **part = parts.get (); *part; ++part) {
    if (!*g_strstrip (*part))
      continue;
    const std::string path = mount_path (*part);
    if (path.empty ())
      throw UsageError{std::string ("bad gateway-publish \"") + *part +
                       "\": give a path, as live or shows/monday"};
    options.publish.push_back (path);
  }
}

} // namespace

std::span<const GatewaySetting>
gateway_settings ()
{
  return table;
}

bool
is_gateway_setting (std::string_view name)
{
  for (const GatewaySetting &row : table)
    if (name == row.name)
      return true;
  return false;
}

GatewayOptions
checked_gateway (const std::map<std::string, std::string, std::less<>> &raw,
    const std::map<std::string, std::string> &mounts)
{
  GatewayOptions options;
  const auto value = [&raw] (const char *name) -> const std::string * {
    const auto found = raw.find (name);
    return found == raw.end () ? nullptr : &found->second;
  };
  const std::string *gateway = value ("gateway");
  if (gateway && *gateway != "false")
    read_address (options, *gateway);
  if (const auto *text = value ("gateway-idle-timeout"))
    options.idle_timeout_s =
        checked_number ("gateway-idle-timeout", *text, 1'000'000);
  if (const auto *text = value ("gateway-streams"))
    options.streams_max = checked_number ("gateway-streams", *text, 1000);
  if (const auto *text = value ("gateway-publish"))
    read_publish (options, *text);
  for (const auto &[name, uri] : mounts) {
    const std::string path = mount_path (name);
    if (path.empty ())
      throw UsageError{
          "bad mount \"" + name + "\": give a name, as news or tv/one"};
    GError *error = nullptr;
    if (!gst_spreadit_peering_manager_check_uri (uri.c_str (), &error)) {
      const Owned<GError> owned (error);
      throw UsageError{"mount \"" + name + "\": " + owned->message};
    }
    options.mounts[path] = uri;
  }
  if (options.host.empty () &&
      (!options.publish.empty () || !options.mounts.empty ()))
    throw UsageError{options.publish.empty () ? "mounts need --gateway"
                                              : "gateway-publish needs "
                                                "--gateway"};
  for (const std::string &path : options.publish)
    if (options.mounts.contains (path))
      throw UsageError{path + " is a mount and to be published; choose"};
  for (const auto &[name, text] : raw)
    if (const Setting *row = find_setting (name))
      options.settings[name] = checked_value (*row, text);
  return options;
}

} // namespace spreadit::relay
