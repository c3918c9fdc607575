// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "media/media_map.hpp"
#include "media/output.hpp"
#include "media/ring.hpp"

namespace spreadit::media {

// What a child that does not keep up is spared: whole frames, up to the newest
// random access point of each medium. A medium in which none has come yet is
// closed until one does; one that can be begun with anywhere goes on together
// with the others.
class Skip {
public:
  // `output` outlives it.
  explicit Skip (const Output &output) : output_ (output) {}

  // All in the ring from `cursor` on is late. Where to go on: later than it.
  std::uint64_t begin (const Ring &ring, const MediaMap &media,
      std::uint64_t cursor, MonotonicTime now);
  // Looks at what has come since, before drops() is asked about it.
  void look (const Ring &ring, const MediaMap &media, std::uint64_t cursor);
  [[nodiscard]] bool is_over () const { return closed_.empty (); }
  [[nodiscard]] bool drops (const Packet &packet, std::uint64_t index) const;

  [[nodiscard]] std::uint64_t packets () const { return packets_; }
  [[nodiscard]] std::uint64_t frames () const { return frames_; }

private:
  struct Closed {
    std::size_t media;
    MonotonicTime since;
    std::uint64_t until = UINT64_MAX; // index of the random access point
  };
  struct LastFrame {
    std::uint32_t ssrc, rtp_time;
  };
  Closed *find (const Packet &packet);
  void count (const Packet &packet);

  const Output &output_;
  std::vector<Closed> closed_;
  std::uint64_t looked_at_ = 0; // up to there
  std::vector<LastFrame> last_; // counted, of each SSRC
  std::uint64_t packets_ = 0, frames_ = 0;
};

} // namespace spreadit::media
