// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#include "media/udp_socket.hpp"

namespace spreadit::media {

// The sockets of a node. The plain pair is open only once it is asked for.
struct Sockets {
  UdpSocket bundle;
  UdpSocket plain_rtp, plain_rtcp;

  // RFC 3550 11: an even port for RTP, the next one for RTCP. False: there is
  // no such pair to be had.
  bool open_plain (const Address &local, Offload offload);
  // See UdpSocket. Players send us reports only: the receive buffer of their
  // pair stays as it is.
  void enlarge_buffers (std::size_t receive_bytes, std::size_t send_bytes);
  void assume_room ();
  [[nodiscard]] std::uint64_t messages_sent () const;
};

} // namespace spreadit::media
