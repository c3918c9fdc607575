// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <sys/socket.h>
#include <sys/uio.h>

#include "media/address.hpp"
#include "media/limits.hpp"
#include "media/packet.hpp"

namespace spreadit::media {

// Receives up to limits::messages_max messages at once, always into the same
// memory, which therefore stays in the cache. For one socket and one thread.
class Intake {
public:
  // Datagrams of one sender that the kernel has put together, or a single one.
  struct Message {
    Address from;
    Bytes bytes;         // until the next receive()
    std::size_t segment; // for for_each_segment()
  };

  Intake () = default;
  Intake (const Intake &) = delete;
  Intake &operator= (const Intake &) = delete;

  // How many there are, 0 if none.
  std::size_t receive (int fd);
  [[nodiscard]] Message at (std::size_t i) const;
  // Messages the kernel has dropped because we were late (SO_RXQ_OVFL), ever.
  // It tells with the first message that finds room again.
  [[nodiscard]] std::uint64_t dropped () const { return dropped_; }

private:
  struct Slot {
    sockaddr_storage from;
    iovec memory;
    std::size_t segment;
    alignas (cmsghdr) std::uint8_t control[CMSG_SPACE (sizeof (std::uint32_t)) +
                                           CMSG_SPACE (sizeof (int))];
  };
  void allocate ();
  void read_control (std::size_t i);

  std::unique_ptr<std::uint8_t[]> memory_; // at the first receive()
  std::array<Slot, limits::messages_max> slots_;
  std::array<mmsghdr, limits::messages_max> messages_;
  std::uint32_t last_dropped_ = 0; // as the kernel counts, with 32 bits
  std::uint64_t dropped_ = 0;
};

} // namespace spreadit::media
