// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <sys/socket.h>
#include <sys/uio.h>

#include "media/address.hpp"
#include "media/limits.hpp"
#include "media/packet.hpp"

namespace spreadit::media {

// Receives up to limits::chunk datagrams at once, always into the same memory,
// which therefore stays in the cache. For one thread.
class Intake {
public:
  struct Datagram {
    Address from;
    Bytes bytes; // until the next receive()
    bool is_truncated;
  };

  Intake () = default;
  Intake (const Intake &) = delete;
  Intake &operator= (const Intake &) = delete;

  // How many there are, 0 if none.
  std::size_t receive (int fd);
  [[nodiscard]] Datagram at (std::size_t i) const;
  // One was truncated: takes longer ones from the next receive() on.
  void grow () { wants_larger_ = true; }
  // Datagrams the kernel has dropped because we were late (SO_RXQ_OVFL), ever.
  [[nodiscard]] std::uint32_t dropped () const { return dropped_; }

private:
  struct Slot {
    sockaddr_storage from;
    iovec memory;
    alignas (cmsghdr) std::uint8_t control[CMSG_SPACE (sizeof (std::uint32_t))];
  };
  void allocate (std::size_t datagram_size);
  void read_dropped (const msghdr &message);

  bool wants_larger_ = false;
  std::size_t datagram_size_ = 0;
  std::vector<std::uint8_t> memory_; // allocated at the first receive()
  std::array<Slot, limits::chunk> slots_;
  std::array<mmsghdr, limits::chunk> messages_;
  std::uint32_t dropped_ = 0;
};

} // namespace spreadit::media
