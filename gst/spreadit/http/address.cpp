// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http/address.hpp"

#include <charconv>

#include <gio/gio.h>

namespace spreadit::http {

namespace {

constexpr std::string_view loopback = "127.0.0.1";

std::optional<std::uint16_t>
parse_port (std::string_view text)
{
  std::uint16_t port = 0;
  const char *end = text.data () + text.size ();
  const auto [stop, error] = std::from_chars (text.data (), end, port);
  if (text.empty () || error != std::errc () || stop != end)
    return std::nullopt;
  return port;
}

// "host", "host:port", "[v6]", "[v6]:port": the host, without brackets.
std::optional<std::string_view>
host_of (std::string_view text)
{
  if (text.starts_with ('[')) {
    const auto end = text.find (']');
    if (end == std::string_view::npos)
      return std::nullopt;
    const auto rest = text.substr (end + 1);
    if (!rest.empty () &&
        (!rest.starts_with (':') || !parse_port (rest.substr (1))))
      return std::nullopt;
    return text.substr (1, end - 1);
  }
  const auto colon = text.find (':');
  if (colon == std::string_view::npos)
    return text;
  if (!parse_port (text.substr (colon + 1)))
    return std::nullopt;
  return text.substr (0, colon);
}

} // namespace

std::optional<Address>
parse_address (std::string_view text)
{
  const auto colon = text.rfind (':');
  const bool has_host = colon != std::string_view::npos;
  const auto port = parse_port (has_host ? text.substr (colon + 1) : text);
  if (!port)
    return std::nullopt;
  std::string_view host = has_host ? text.substr (0, colon) : "";
  // An IPv6 address has colons of its own and needs its brackets.
  if (host.starts_with ('[') != host.ends_with (']') ||
      (!host.starts_with ('[') && host.find (':') != std::string_view::npos))
    return std::nullopt;
  if (host.starts_with ('['))
    host = host.substr (1, host.size () - 2);
  else if (host.empty () || host == "localhost")
    host = loopback;
  const std::string name (host);
  if (!g_hostname_is_ip_address (name.c_str ()))
    return std::nullopt;
  return Address{name, *port};
}

std::string
to_string (const Address &address)
{
  const bool is_v6 = address.host.find (':') != std::string::npos;
  return (is_v6 ? "[" + address.host + "]" : address.host) + ":" +
         std::to_string (address.port);
}

bool
names_loopback (std::string_view host)
{
  const auto found = host_of (host);
  if (!found)
    return false;
  std::string name (*found);
  if (g_ascii_strcasecmp (name.c_str (), "localhost") == 0)
    return true;
  GInetAddress *address = g_inet_address_new_from_string (name.c_str ());
  const bool is = address && g_inet_address_get_is_loopback (address);
  g_clear_object (&address);
  return is;
}

bool
is_same_origin (std::string_view origin, std::string_view host)
{
  constexpr std::string_view scheme = "http://";
  const auto same = [] (std::string_view a, std::string_view b) {
    return a.size () == b.size () &&
           g_ascii_strncasecmp (a.data (), b.data (), a.size ()) == 0;
  };
  return origin.size () > scheme.size () &&
         same (origin.substr (0, scheme.size ()), scheme) &&
         same (origin.substr (scheme.size ()), host);
}

} // namespace spreadit::http
