// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include <sys/socket.h>

#include "media/address.hpp"
#include "media/packet.hpp"

namespace spreadit::media {

// Where to send, in the form of the socket's family.
struct Destination {
  sockaddr_storage address{};
  socklen_t length = 0; // 0: this socket cannot reach it
};

// A non-blocking UDP socket that works in batches.
//
// send() may be called by several threads if they take turns; receiving is the
// business of one thread (Intake). UDP_SEGMENT belongs into send(), which gets
// runs of datagrams for one destination; UDP_GRO into Intake.
class UdpSocket {
public:
  UdpSocket () = default;
  ~UdpSocket ();
  UdpSocket (UdpSocket &&other) noexcept { *this = std::move (other); }
  UdpSocket &operator= (UdpSocket &&other) noexcept;

  // Unspecified: both families in one socket where the host has them. Answers
  // what went wrong, empty if nothing; may be called again then.
  std::string open (const Address &local);

  [[nodiscard]] int fd () const { return fd_; }
  [[nodiscard]] std::uint16_t port () const { return port_; }
  [[nodiscard]] Destination destination (const Address &to) const;

  struct Sent {
    std::size_t done = 0;    // sent or refused, from the first on
    std::size_t refused = 0; // of those, what the system will never send
    std::uint64_t bytes = 0; // of those that were sent
  };
  // In order. Fewer done than given: the send buffer is full, ask later. What
  // is refused (too long, no route, filtered) is passed over.
  Sent send (const Destination &to, std::span<const Bytes> datagrams);
  // The send buffer is one for all destinations. Once it is full, send() does
  // not ask the system again until this is called.
  void assume_room () { is_full_ = false; }

private:
  std::string open (int family, const Address &local);

  int fd_ = -1;
  int family_ = AF_UNSPEC;
  std::uint16_t port_ = 0;
  bool is_full_ = false;
};

} // namespace spreadit::media
