// What the source adds to RTP packets for those below.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>

#include <gst/gst.h>

#include "key_frames.hpp"

namespace spreadit {

// Header extensions (RFC 8285, one-byte headers) of one RTP stream: frame
// marking (RFC 9626), so that relays know where a decoder can begin without
// knowing the codec or, with SRTP, the payload; and the NTP time of such places
// (RFC 6051), so that sound and picture are in step before the first sender
// report is there.
//
// Video of codecs that are known here is marked. What has no room for one-byte
// headers (two-byte headers, or an extension of another kind) stays as it is,
// and so does a stream that comes with marks.
class PacketMarks {
public:
  // RTP caps; extensions that they name keep their ids.
  explicit PacketMarks (const GstCaps *caps);

  // Adds `extmap-N` for what is marked.
  void describe (GstCaps *caps) const;
  // A sender report of this stream. Any thread.
  void reported (std::uint64_t ntp, std::uint32_t rtp_time);
  // The packet with its marks. Takes `packet`. One thread at a time, packets in
  // order.
  GstBuffer *mark (GstBuffer *packet);

private:
  struct Report {
    std::uint64_t ntp; // 32.32
    std::uint32_t rtp_time;
  };
  struct Elements {
    std::uint8_t bytes[12]; // 1 + 1 and 1 + 8, padded
    std::size_t size = 0;
  };
  struct Packet;

  std::optional<std::uint64_t> ntp_of (std::uint32_t rtp_time);
  Elements elements_for (const Packet &packet);

  BeginsKeyFrame begins_key_frame_ = nullptr;
  std::uint32_t clock_rate_ = 0;
  unsigned frame_id_ = 0, time_id_ = 0; // 0: not marked

  // Of the frame that the last packet belongs to.
  std::optional<std::uint32_t> frame_time_;
  bool is_independent_ = false;

  std::mutex lock_; // guards what follows
  std::optional<Report> report_;
};

} // namespace spreadit
