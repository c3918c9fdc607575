// How packets go from one peer to another (docs/protocol.md, "Transport").
// Functions.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "media/vocabulary.hpp"
#include "rtsp/transport.hpp"

namespace spreadit::agent {

// What packets may go over. With TLS not over UDP, where anybody reads them.
enum class Lowers { udp_or_tcp, tcp };

// Of what the child offers the first that we can serve: over UDP to the host
// `child`, or beside the RTSP of `link`.
std::optional<media::Route> route_to_peer (
    std::span<const rtsp::Transport> offers, Lowers lowers,
    const media::Address &child,
    const std::shared_ptr<media::InterleavedSink> &link);

// Whether the parent's answer says all that is needed.
bool is_good (const rtsp::Transport &answer, Lowers lowers, bool may_be_tcp);

// Over the connection of its link, of peers and of players.
bool is_over_tcp (const std::optional<media::Route> &route);

} // namespace spreadit::agent
