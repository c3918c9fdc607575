// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>

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
};

} // namespace spreadit::media
