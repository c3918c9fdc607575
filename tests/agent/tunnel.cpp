// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tunnel.hpp"

#include <array>

#include <poll.h>
#include <sys/socket.h>

namespace spreadit::test {

namespace {

constexpr auto host = "127.0.0.2";

constexpr std::size_t read_max = 64 * 1024;

// What one side has said. Empty: it will say no more.
std::string
read (RawClient &from)
{
  std::string bytes (read_max, '\0');
  const auto n = recv (from.fd (), bytes.data (), bytes.size (), 0);
  bytes.resize (n > 0 ? static_cast<std::size_t> (n) : 0);
  return bytes;
}

} // namespace

Tunnel::Tunnel () : server_ ([this] (RawClient &near) { connect (near); }, host)
{
}

void
Tunnel::connect (RawClient &near)
{
  // It may be dialled back through before its node's port is known.
  if (!eventually ([this] { return to_ != 0; }))
    return;
  RawClient far (to_);
  for (bool is_first = true;;) {
    std::array<pollfd, 2> ready = {
        pollfd{near.fd (), POLLIN, 0}, pollfd{far.fd (), POLLIN, 0}};
    if (!far.is_open () || poll (ready.data (), ready.size (), -1) < 0)
      return;
    if (ready[0].revents) {
      const auto bytes = read (near);
      if (bytes.empty () || !lets_pass (bytes, is_first) || !far.send (bytes))
        return;
      is_first = false;
    }
    if (ready[1].revents) {
      const auto bytes = read (far);
      if (bytes.empty () || !near.send (bytes))
        return;
    }
  }
}

bool
Tunnel::lets_pass (std::string_view bytes, bool is_first)
{
  constexpr std::string_view key = "tries=";
  if (!bytes.starts_with ("DESCRIBE"))
    return true;
  const auto at = bytes.find (key);
  if (at != std::string_view::npos) {
    const auto digits = bytes.substr (at + key.size ());
    const std::lock_guard guard (lock_);
    tries_.emplace_back (
        digits.substr (0, digits.find_first_not_of ("0123456789")));
  }
  if (is_first || !breaks_.exchange (false))
    return true;
  has_broken_ = true;
  return false;
}

std::vector<std::string>
Tunnel::tries () const
{
  const std::lock_guard guard (lock_);
  return tries_;
}

rtsp::Uri
Tunnel::uri () const
{
  return uri_of (host, server_.port ());
}

} // namespace spreadit::test
