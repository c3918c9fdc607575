// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "media/packet.hpp"

namespace spreadit::media {

// Where a decoder can begin: the first packet of each frame that needs no
// other.
class RandomAccessPoints {
public:
  // Whether one begins with this packet, that is `index` in the ring and, says
  // the source or the payload, of such a frame. Of one frame the first packet
  // that says so counts: delimiters come before it, and not every packet may
  // say it.
  bool take (const RtpHeader &header, std::uint64_t index, bool is_independent);
  // The last one of each SSRC that has any, the oldest of them: from there on
  // everything can be decoded. An SSRC that brings nothing more is forgotten.
  [[nodiscard]] std::optional<std::uint64_t> last (std::uint64_t first) const;

private:
  struct Source {
    std::uint32_t ssrc = 0;
    std::uint32_t rtp_time = 0; // of the frame
    bool is_independent = false;
    std::optional<std::uint64_t> begins; // the last one
    std::uint64_t newest = 0;
  };
  Source *find (std::uint32_t ssrc);

  std::vector<Source> sources_; // at most limits::sources_max
};

} // namespace spreadit::media
