// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>

#include <gst/gst.h>

#include "media/packet.hpp"
#include "media/udp_socket.hpp"

namespace spreadit::media {

// Receives datagrams into GstBuffers of a pool, so that what is of the stream
// goes on without a copy. For one thread.
class Intake {
public:
  Intake ();
  ~Intake ();
  Intake (const Intake &) = delete;
  Intake &operator= (const Intake &) = delete;

  // Up to limits::chunk datagrams; what the last call got is gone. 0 if none.
  std::size_t receive (int fd);
  [[nodiscard]] ReceiveBatch::Datagram at (std::size_t i) const
  {
    return batch_.at (i);
  }
  [[nodiscard]] Bytes bytes (std::size_t i) const;
  // The buffer with datagram `i`, to own. Once for each.
  GstBuffer *take (std::size_t i);
  // A datagram did not fit: longer buffers from the next receive() on.
  void grow () { wants_larger_ = true; }
  [[nodiscard]] std::uint32_t dropped () const { return batch_.dropped (); }

private:
  struct Slot {
    GstBuffer *buffer = nullptr; // mapped while it is here
    GstMapInfo map;
  };
  void open_pool (std::size_t buffer_size);
  void close_pool ();
  void fill_slots ();

  std::size_t buffer_size_ = 0;
  bool wants_larger_ = false;
  GstBufferPool *pool_ = nullptr;
  std::array<Slot, limits::chunk> slots_;
  ReceiveBatch batch_;
};

} // namespace spreadit::media
