// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/own_address.hpp"

#include "util/owned.hpp"

namespace spreadit::agent {

namespace {

Owned<GSocketAddress>
to_gsocket_address (const media::Address &address)
{
  if (address.is_unspecified ())
    return nullptr;
  sockaddr_storage storage{};
  const auto length = address.to_sockaddr (address.family (), &storage);
  return Owned<GSocketAddress> (
      length ? g_socket_address_new_from_native (&storage, length) : nullptr);
}

} // namespace

std::string
bind_host (const std::string &host)
{
  if (host.empty () || host == "0.0.0.0")
    return "::"; // dual-stack
  return host == "localhost" ? "127.0.0.1" : host;
}

media::Address
data_address (const std::optional<rtsp::HostPort> &listen, bool is_source)
{
  if (!is_source || !listen)
    return {};
  const auto host = bind_host (listen->host);
  return host == "::" ? media::Address () : media::Address::from_ip (host, 0);
}

media::Address
address_towards (const media::Address &to)
{
  const auto remote = to_gsocket_address (to);
  if (!remote)
    return {};
  // Connecting a UDP socket sends nothing, it only looks up the way.
  const Owned<GSocket> socket (
      g_socket_new (g_socket_address_get_family (remote.get ()),
          G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, nullptr));
  if (!socket ||
      !g_socket_connect (socket.get (), remote.get (), nullptr, nullptr))
    return {};
  const Owned<GSocketAddress> local (
      g_socket_get_local_address (socket.get (), nullptr));
  sockaddr_storage storage{};
  if (!local || !g_socket_address_to_native (
                    local.get (), &storage, sizeof storage, nullptr))
    return {};
  return media::Address::from_sockaddr (
      reinterpret_cast<const sockaddr *> (&storage),
      static_cast<socklen_t> (g_socket_address_get_native_size (local.get ())));
}

Scope
scope_of (const media::Address &address)
{
  const std::string ip = address.ip ();
  const Owned<GInetAddress> inet (
      g_inet_address_new_from_string (ip.substr (0, ip.find ('%')).c_str ()));
  if (!inet || g_inet_address_get_is_any (inet.get ()) ||
      g_inet_address_get_is_multicast (inet.get ()))
    return Scope::none;
  if (g_inet_address_get_is_loopback (inet.get ()))
    return Scope::host;
  if (g_inet_address_get_is_link_local (inet.get ()))
    return Scope::link;
  const guint8 *bytes = g_inet_address_to_bytes (inet.get ());
  const bool is_shared = address.is_ipv4 ()
                             ? bytes[0] == 100 && (bytes[1] & 0xc0) == 64
                             : (bytes[0] & 0xfe) == 0xfc;
  return is_shared || g_inet_address_get_is_site_local (inet.get ())
             ? Scope::site
             : Scope::world;
}

unsigned
reach_of (const media::Address &address)
{
  const std::string ip = address.ip ();
  const Owned<GInetAddress> inet (
      g_inet_address_new_from_string (ip.substr (0, ip.find ('%')).c_str ()));
  if (!inet || g_inet_address_get_is_any (inet.get ()) ||
      g_inet_address_get_is_link_local (inet.get ()))
    return 0;
  return g_inet_address_get_is_loopback (inet.get ()) ? 1 : 2;
}

} // namespace spreadit::agent
