// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tunnel.hpp"

#include <array>

#include <poll.h>
#include <sys/socket.h>

namespace spreadit::test {

namespace {

constexpr auto host = "127.0.0.2";

// What one side has said goes to the other. False: it will say no more.
bool
pass_on (RawClient &from, RawClient &to)
{
  std::array<char, 64 * 1024> bytes;
  const auto n = recv (from.fd (), bytes.data (), bytes.size (), 0);
  return n > 0 && to.send ({bytes.data (), static_cast<std::size_t> (n)});
}

void
connect (RawClient &near, std::uint16_t port)
{
  RawClient far (port);
  for (;;) {
    std::array<pollfd, 2> ready = {
        pollfd{near.fd (), POLLIN, 0}, pollfd{far.fd (), POLLIN, 0}};
    if (!far.is_open () || poll (ready.data (), ready.size (), -1) < 0 ||
        (ready[0].revents && !pass_on (near, far)) ||
        (ready[1].revents && !pass_on (far, near)))
      return;
  }
}

} // namespace

Tunnel::Tunnel ()
    : server_ ([this] (RawClient &near) { connect (near, to_); }, host)
{
}

rtsp::Uri
Tunnel::uri () const
{
  return uri_of (host, server_.port ());
}

} // namespace spreadit::test
