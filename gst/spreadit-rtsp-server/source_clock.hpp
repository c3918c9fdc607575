// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>

#include <gst/gst.h>

namespace spreadit::rtsp_server {

// What time it is at the source, in the RTP of one medium: a server's own
// sender reports would say when a packet passed by here, which at every hop is
// something else, and take sound and picture apart.
//
// Thread-safe.
class SourceClock {
public:
  // From the packet's GstReferenceTimestampMeta, if it has one.
  void learn (GstBuffer *rtp_packet);
  // Puts that into the sender report of a compound packet, which comes out as
  // it should go on. Null: it is none to be sent, the source's time is not
  // known yet. Other RTCP stays as it is. Takes and gives a reference.
  GstBuffer *correct (GstBuffer *compound) const;

private:
  struct Pair {
    std::uint64_t ntp; // 32.32, since 1900
    std::uint32_t rtp_time;
  };
  mutable std::mutex lock_;
  std::optional<Pair> last_;
};

} // namespace spreadit::rtsp_server
