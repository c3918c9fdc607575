// URLs and addresses.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "rtsp/result.hpp"

namespace spreadit::rtsp {

enum class Scheme { spreadit, spreadits, rtsp, rtsps };

std::string_view to_string (Scheme scheme); // "spreadit"

// spreadits and rtsps: TLS from the first byte.
constexpr bool
is_secure (Scheme scheme)
{
  return scheme == Scheme::spreadits || scheme == Scheme::rtsps;
}

// spreadit 8554, rtsp 554, spreadits and rtsps 8322.
constexpr std::uint16_t
default_port (Scheme scheme)
{
  if (is_secure (scheme))
    return 8322;
  return scheme == Scheme::spreadit ? 8554 : 554;
}

// SCHEME://HOST[:PORT]/PATH[?QUERY]. Two names of one stream have equal `path`.
struct Uri {
  Scheme scheme = Scheme::spreadit;
  std::string host; // as written, an IPv6 address without its brackets
  std::uint16_t port = 0;
  std::string path;  // as written, percent-encoding kept; begins with '/'
  std::string query; // without '?'
  bool operator== (const Uri &) const = default;
};

// Refuses user information, fragments, an empty host or path, characters a URL
// may not hold; the reason is one line that names the form expected. Port 0 is
// read (a source may ask for any port), whoever connects refuses it.
Result<Uri> parse_uri (std::string_view text);

// Always with the port, so that no default can differ. parse_uri() of it is
// the same Uri.
std::string to_string (const Uri &uri);

// The URL of the stream as requests carry it: rtsp or rtsps, which is all that
// other servers can read (they then answer a clean 551), without query.
std::string wire_url (const Uri &uri);

// An address without a path: "0.0.0.0:8554", "[::]:0", "host.example:8554",
// and for listening ":8554" (an empty host means every interface).
struct HostPort {
  std::string host; // an IPv6 address without its brackets
  std::uint16_t port = 0;
  bool operator== (const HostPort &) const = default;
};

Result<HostPort> split_host_port (std::string_view text);
std::string join_host_port (std::string_view host, std::uint16_t port);

// As split_host_port(), for an address somebody shall connect to: a host and a
// port other than 0.
Result<HostPort> parse_address (std::string_view text);

// What core::Contact carries: empty, or what parse_address() takes, in one
// spelling so that it can be compared.
std::optional<std::string> contact_address (std::string_view text);

// "host:port" of a URL, as core::Contact has it.
std::string address_of (const Uri &uri);

// How often a plain player was sent on, from `spreadit-hops=N` in the query.
// 0 if it is not there; limits::hops_max if it is there and unreadable.
unsigned hops (const Uri &uri);
Uri with_hops (Uri uri, unsigned hops); // replaces one that is there
Uri without_hops (Uri uri);

} // namespace spreadit::rtsp
