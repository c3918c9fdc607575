// Where we are: the way to the source, measured beside the join (V-A.3).
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/agent.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "agent/limits.hpp"
#include "agent/log.hpp"

namespace spreadit::agent {

namespace {

// Of the handshake, so far: the system's own, no peer can make it shorter.
core::Duration
round_trip_of (GSocketConnection *connection)
{
  GSocket *socket = g_socket_connection_get_socket (connection);
  tcp_info info{};
  socklen_t length = sizeof info;
  if (getsockopt (
          g_socket_get_fd (socket), IPPROTO_TCP, TCP_INFO, &info, &length) != 0)
    return {};
  return std::chrono::microseconds (info.tcpi_rtt);
}

} // namespace

// We have just connected. Any name was resolved and the address family chosen
// for that, so this costs the source nothing but the answers.
void
Agent::locate (GSocketConnection *connection, const Link &link)
{
  if (settings_.proximity == Proximity::none ||
      link.target.address != rtsp::address_of (settings_.uri))
    return;
  const auto now = ControlLoop::now ();
  if (located_at_ && now - *located_at_ < limits::route_rest)
    return;
  located_at_ = now;
  const auto rtt = round_trip_of (connection);
  if (settings_.proximity == Proximity::rtt)
    return on_located ({{}, rtt});
  route_probe_ = std::make_unique<RouteProbe> (
      link.connection->remote (), rtt, [this] (core::NetworkPath path) {
        const auto probe = std::exchange (route_probe_, nullptr);
        on_located (std::move (path));
      });
}

void
Agent::on_located (core::NetworkPath path)
{
  GST_DEBUG ("%s: %zu routers and %.3f ms from the source",
      settings_.uri.path.c_str (), path.routers.size (),
      std::chrono::duration<double, std::milli> (path.rtt).count ());
  if (path == peer_.config ().path)
    return;
  act ([path = std::move (path)] (
           core::Peer &peer, core::Instant now) { peer.set_path (now, path); });
}

void
Agent::set_proximity (Proximity proximity)
{
  settings_.proximity = proximity;
  if (proximity == Proximity::none)
    route_probe_.reset ();
}

} // namespace spreadit::agent
