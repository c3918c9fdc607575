// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtsp/uri.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <arpa/inet.h>

#include "rtsp/limits.hpp"
#include "rtsp/text.hpp"

namespace spreadit::rtsp {

namespace {

constexpr std::array schemes = {
    Scheme::spreadit, Scheme::spreadits, Scheme::rtsp, Scheme::rtsps};

constexpr std::string_view hops_name = "spreadit-hops";

Reason
bad_uri (std::string_view what)
{
  return {
      400, std::string (what) + "; the form is spreadit://HOST[:PORT]/PATH"};
}

Reason
bad_address (std::string_view what)
{
  return {400, std::string (what) + "; the form is HOST:PORT"};
}

bool
is_ipv4 (const std::string &host)
{
  in_addr parsed;
  return inet_pton (AF_INET, host.c_str (), &parsed) == 1;
}

bool
is_ipv6 (const std::string &host)
{
  // inet_pton() would read up to a NUL only.
  for (char c : host)
    if (!text::is_hex (c) && c != ':' && c != '.')
      return false;
  in6_addr parsed;
  return inet_pton (AF_INET6, host.c_str (), &parsed) == 1;
}

// A name or an IPv4 address.
bool
is_name (std::string_view host)
{
  if (host.empty () || host.size () > limits::host_max)
    return false;
  bool numeric = true;
  for (char c : host) {
    if (!text::is_alpha (c) && !text::is_digit (c) && c != '-' && c != '.' &&
        c != '_')
      return false;
    numeric = numeric && (text::is_digit (c) || c == '.');
  }
  return !numeric || is_ipv4 (std::string (host));
}

// What is after the host: nothing, or ":" and what should be a port.
struct Authority {
  std::string host;
  std::optional<std::string_view> port;
};

// The reason without the form that was expected.
std::variant<Authority, std::string_view>
split_authority (std::string_view text)
{
  if (text.starts_with ('[')) {
    const auto end = text.find (']');
    if (end == std::string_view::npos)
      return "the bracket of the IPv6 address is not closed";
    std::string host (text.substr (1, end - 1));
    if (!is_ipv6 (host))
      return "there is no good IPv6 address between the brackets";
    const std::string_view rest = text.substr (end + 1);
    if (rest.empty ())
      return Authority{std::move (host), std::nullopt};
    if (!rest.starts_with (':'))
      return "something other than a port follows the IPv6 address";
    return Authority{std::move (host), rest.substr (1)};
  }
  const auto colon = text.find (':');
  if (colon != text.rfind (':'))
    return "an IPv6 address must be in brackets, as in [::1]";
  const std::string_view host = text.substr (0, colon);
  if (!host.empty () && !is_name (host))
    return "the host is neither a name nor an IP address";
  if (colon == std::string_view::npos)
    return Authority{std::string (host), std::nullopt};
  return Authority{std::string (host), text.substr (colon + 1)};
}

std::optional<std::uint16_t>
parse_port (std::string_view text)
{
  return text::parse_decimal<std::uint16_t> (text, 65'535);
}

// pchar, "/" and "?" of RFC 3986.
bool
is_url_text (std::string_view text)
{
  for (std::size_t i = 0; i < text.size (); ++i) {
    const char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size () || !text::is_hex (text[i + 1]) ||
          !text::is_hex (text[i + 2]))
        return false;
      i += 2;
    } else if (!text::is_alpha (c) && !text::is_digit (c) &&
               std::string_view ("-._~!$&'()*+,;=:@/?").find (c) ==
                   std::string_view::npos) {
      return false;
    }
  }
  return true;
}

} // namespace

std::string_view
to_string (Scheme scheme)
{
  switch (scheme) {
  case Scheme::spreadit:
    return "spreadit";
  case Scheme::spreadits:
    return "spreadits";
  case Scheme::rtsp:
    return "rtsp";
  case Scheme::rtsps:
    return "rtsps";
  }
  return {};
}

Result<Uri>
parse_uri (std::string_view text)
{
  if (text.size () > limits::uri_max)
    return bad_uri ("the URL is too long");
  const auto scheme_end = text.find ("://");
  if (scheme_end == std::string_view::npos)
    return bad_uri ("this is no URL");
  Uri uri;
  const auto scheme = std::find_if (schemes.begin (), schemes.end (),
      [name = text.substr (0, scheme_end)] (Scheme candidate) {
        return text::iequals (name, to_string (candidate));
      });
  if (scheme == schemes.end ())
    return bad_uri ("the scheme is none of spreadit, spreadits, rtsp, rtsps");
  uri.scheme = *scheme;

  const std::string_view rest = text.substr (scheme_end + 3);
  if (rest.find ('#') != std::string_view::npos)
    return bad_uri ("the URL has a fragment (#)");
  const auto path_begin = std::min (rest.find_first_of ("/?"), rest.size ());
  const std::string_view authority = rest.substr (0, path_begin);
  if (authority.find ('@') != std::string_view::npos)
    return bad_uri ("a user name or password in the URL is not supported");
  auto split = split_authority (authority);
  if (const auto *what = std::get_if<std::string_view> (&split))
    return bad_uri (*what);
  auto &[host, port] = std::get<Authority> (split);
  if (host.empty ())
    return bad_uri ("the URL names no host");
  uri.host = std::move (host);
  uri.port = default_port (uri.scheme);
  if (port) {
    const auto number = parse_port (*port);
    if (!number)
      return bad_uri ("the port is not a number from 0 to 65535");
    uri.port = *number;
  }

  const std::string_view path_query = rest.substr (path_begin);
  const auto question = path_query.find ('?');
  uri.path = path_query.substr (0, question);
  if (question != std::string_view::npos)
    uri.query = path_query.substr (question + 1);
  if (uri.path.size () < 2)
    return bad_uri ("the URL names no stream, its path is empty");
  if (!is_url_text (uri.path) || !is_url_text (uri.query))
    return bad_uri ("the URL has characters that must be percent-encoded");
  return uri;
}

std::string
to_string (const Uri &uri)
{
  std::string out (to_string (uri.scheme));
  out += "://";
  out += address_of (uri);
  out += uri.path;
  if (!uri.query.empty ()) {
    out += '?';
    out += uri.query;
  }
  return out;
}

std::string
wire_url (const Uri &uri)
{
  Uri wire = uri;
  wire.scheme = is_secure (uri.scheme) ? Scheme::rtsps : Scheme::rtsp;
  wire.query.clear ();
  return to_string (wire);
}

Result<HostPort>
split_host_port (std::string_view text)
{
  auto split = split_authority (text);
  if (const auto *what = std::get_if<std::string_view> (&split))
    return bad_address (*what);
  auto &[host, port] = std::get<Authority> (split);
  if (!port)
    return bad_address ("the address has no port");
  const auto number = parse_port (*port);
  if (!number)
    return bad_address ("the port is not a number from 0 to 65535");
  return HostPort{std::move (host), *number};
}

std::string
join_host_port (std::string_view host, std::uint16_t port)
{
  std::string out;
  if (host.find (':') == std::string_view::npos)
    out = host;
  else
    out.append ("[").append (host).append ("]");
  out += ':';
  out += std::to_string (port);
  return out;
}

Result<HostPort>
parse_address (std::string_view text)
{
  auto address = split_host_port (text);
  if (const auto *parsed = std::get_if<HostPort> (&address)) {
    if (parsed->host.empty ())
      return bad_address ("the address has no host");
    if (parsed->port == 0)
      return bad_address ("nobody can be reached at port 0");
  }
  return address;
}

std::optional<std::string>
contact_address (std::string_view text)
{
  if (text.empty ())
    return std::string ();
  const auto address = parse_address (text);
  const auto *parsed = std::get_if<HostPort> (&address);
  if (!parsed)
    return std::nullopt;
  return join_host_port (parsed->host, parsed->port);
}

std::string
address_of (const Uri &uri)
{
  return join_host_port (uri.host, uri.port);
}

namespace {

// Calls `visit (piece)` for each piece between '&'.
template <class Visit>
void
for_each_query_piece (std::string_view query, Visit visit)
{
  while (!query.empty ()) {
    const auto end = std::min (query.find ('&'), query.size ());
    visit (query.substr (0, end));
    query.remove_prefix (std::min (end + 1, query.size ()));
  }
}

bool
is_hops (std::string_view piece)
{
  return piece.substr (0, piece.find ('=')) == hops_name;
}

} // namespace

unsigned
hops (const Uri &uri)
{
  unsigned highest = 0;
  for_each_query_piece (uri.query, [&highest] (std::string_view piece) {
    if (!is_hops (piece))
      return;
    piece.remove_prefix (std::min (hops_name.size () + 1, piece.size ()));
    const auto count = text::parse_decimal<unsigned> (piece, limits::hops_max);
    highest = std::max (highest, count.value_or (limits::hops_max));
  });
  return highest;
}

Uri
without_hops (Uri uri)
{
  std::string kept;
  for_each_query_piece (uri.query, [&kept] (std::string_view piece) {
    if (is_hops (piece))
      return;
    if (!kept.empty ())
      kept += '&';
    kept += piece;
  });
  uri.query = std::move (kept);
  return uri;
}

Uri
with_hops (Uri uri, unsigned hops)
{
  uri = without_hops (std::move (uri));
  if (!uri.query.empty ())
    uri.query += '&';
  uri.query.append (hops_name).append ("=").append (std::to_string (hops));
  return uri;
}

} // namespace spreadit::rtsp
