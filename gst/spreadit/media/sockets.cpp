// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/sockets.hpp"

#include <utility>

#include "media/limits.hpp"

namespace spreadit::media {

bool
Sockets::open_plain (const Address &local, Offload offload)
{
  for (unsigned i = 0; i < limits::port_pair_tries_max; ++i) {
    UdpSocket even, odd;
    if (!even.open (local.with_port (0), offload).empty ())
      return false;
    const auto neighbour = static_cast<std::uint16_t> (even.port () ^ 1);
    if (!odd.open (local.with_port (neighbour), offload).empty ())
      continue;
    if (even.port () % 2)
      std::swap (even, odd);
    plain_rtp = std::move (even);
    plain_rtcp = std::move (odd);
    return true;
  }
  return false;
}

void
Sockets::enlarge_buffers (std::size_t receive_bytes, std::size_t send_bytes)
{
  bundle.enlarge_buffers (receive_bytes, send_bytes);
  if (plain_rtp.port ())
    plain_rtp.enlarge_buffers (0, send_bytes);
}

void
Sockets::assume_room ()
{
  for (UdpSocket *socket : {&bundle, &plain_rtp, &plain_rtcp})
    socket->assume_room ();
}

std::uint64_t
Sockets::messages_sent () const
{
  return bundle.messages_sent () + plain_rtp.messages_sent () +
         plain_rtcp.messages_sent ();
}

} // namespace spreadit::media
