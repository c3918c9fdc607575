// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <sys/socket.h>
#include <sys/uio.h>

#include "media/limits.hpp"
#include "media/udp_socket.hpp"

namespace spreadit::media {

// What one sendmmsg() is given: runs of datagrams for one or several
// destinations. Lives as long as the call.
class SendBatch {
public:
  // False: there is no room for it. A run of more than one datagram is for the
  // kernel to cut up.
  bool add (UdpSocket::Delivery &delivery, std::span<const Bytes> run);

  [[nodiscard]] std::size_t size () const { return size_; }
  [[nodiscard]] mmsghdr *messages () { return messages_.data (); }
  [[nodiscard]] std::size_t bytes_sent (std::size_t i) const
  {
    return messages_[i].msg_len;
  }
  // Of which delivery message `i` is, and how many datagrams.
  [[nodiscard]] UdpSocket::Delivery &delivery (std::size_t i) const
  {
    return *runs_[i].delivery;
  }
  [[nodiscard]] std::size_t run (std::size_t i) const
  {
    return runs_[i].length;
  }

private:
  struct Run {
    UdpSocket::Delivery *delivery;
    std::size_t length;
  };
  struct Control {
    alignas (cmsghdr) std::uint8_t bytes[CMSG_SPACE (sizeof (std::uint16_t))];
  };

  // Not cleared: most of it is not used most of the time.
  std::size_t size_ = 0, pieces_used_ = 0;
  std::array<mmsghdr, limits::messages_max> messages_;
  std::array<Run, limits::messages_max> runs_;
  std::array<Control, limits::messages_max> controls_;
  std::array<iovec, limits::pieces_max> pieces_;
};

} // namespace spreadit::media
