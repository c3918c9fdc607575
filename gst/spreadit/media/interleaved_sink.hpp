// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace spreadit::media {

// A stream connection that takes interleaved frames beside its own text (RFC
// 2326 10.12).
class InterleavedSink {
public:
  virtual ~InterleavedSink () = default;
  // The whole frame or nothing; never blocks. False: full, ask again later.
  // Any thread. After the connection has gone it takes and drops everything.
  virtual bool write_frame (
      std::uint8_t channel, const std::uint8_t *data, std::size_t size) = 0;

  struct Frame {
    std::uint8_t channel;
    std::span<const std::uint8_t> bytes;
  };
  // write_frame() for each until it says no, perhaps in one go. How many were
  // taken.
  virtual std::size_t write_frames (std::span<const Frame> frames)
  {
    std::size_t taken = 0;
    while (taken < frames.size () &&
           write_frame (frames[taken].channel, frames[taken].bytes.data (),
               frames[taken].bytes.size ()))
      ++taken;
    return taken;
  }
};

} // namespace spreadit::media
