// Which of our addresses others see, and which they had better be told.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>

#include "media/address.hpp"
#include "rtsp/uri.hpp"

namespace spreadit::agent {

// What to bind a listening socket to, for a host as the user gives it.
std::string bind_host (const std::string &host);

// Where to bind the sockets for packets. A source's are where it listens. A
// peer's parent may be reached over another interface than its children, even
// over the other address family, so those are everywhere.
media::Address data_address (
    const std::optional<rtsp::HostPort> &listen, bool is_source);

// Where datagrams to `to` leave from if their socket is bound to no address;
// unspecified if there is no way.
media::Address address_towards (const media::Address &to);

// From how far away an address can be meant: this host, this link, this network
// (RFC 1918, 4193, 6598), anywhere.
enum class Scope { none, host, link, site, world };
Scope scope_of (const media::Address &address);

// How much an address of ours is worth to others: 0 nothing (none, or of a zone
// that only we know the name of), 1 on this host, 2 elsewhere.
unsigned reach_of (const media::Address &address);

} // namespace spreadit::agent
