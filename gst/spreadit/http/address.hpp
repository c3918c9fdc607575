// Where to serve HTTP, and whom a request may say it is for.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace spreadit::http {

struct Address {
  std::string host; // numeric, without brackets
  std::uint16_t port = 0;
  bool operator== (const Address &) const = default;
};

// "8080", ":8080", "localhost:8080", "0.0.0.0:8080", "[::]:8080". Without a
// host it is the loopback: what is shown there names the viewers' addresses.
// Nothing for anything else.
std::optional<Address> parse_address (std::string_view text);

// "127.0.0.1:8080", "[::1]:8080"
std::string to_string (const Address &address);

// Does `host`, the header of a request that came over the loopback, name the
// loopback? A page of any site can have its own name resolve to 127.0.0.1 and
// then read what we serve (DNS rebinding); it cannot lie about the name. The
// port is not looked at: a forwarded one is another.
bool names_loopback (std::string_view host);

// Is `origin` the page that `host` itself served? Any page may open a
// WebSocket to us, but its browser says where it is from.
bool is_same_origin (std::string_view origin, std::string_view host);

} // namespace spreadit::http
