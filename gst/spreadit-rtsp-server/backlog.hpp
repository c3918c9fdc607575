// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "media/random_access.hpp"
#include "owned.hpp"

namespace spreadit::rtsp_server {

// The packets of all media since the last key frame, so that whoever comes when
// nobody else is there begins with a picture. Without video, and for what has
// no key frames, the newest packet: a server offers no medium without one.
//
// Not thread-safe.
class Backlog {
public:
  // For each medium, in order.
  void add_medium (const GstCaps *caps);
  void add (std::size_t medium, GstBuffer *packet);
  [[nodiscard]] const std::deque<Owned<GstBuffer>> &of (
      std::size_t medium) const
  {
    return media_[medium].packets;
  }

private:
  struct Medium {
    media::BeginsRandomAccess begins;
    std::optional<std::uint32_t> key_frame_time; // RTP's
    std::deque<Owned<GstBuffer>> packets;
  };
  bool begins_key_frame (Medium &medium, GstBuffer *packet);
  void begin_again ();

  std::deque<Medium> media_;
  std::size_t bytes_ = 0;
  bool complete_ = false; // from a key frame on, nothing left out
};

} // namespace spreadit::rtsp_server
