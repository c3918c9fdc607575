// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "media/rtcp.hpp"
#include "media/vocabulary.hpp"

namespace spreadit::media {

// How well one link delivers: the numbers of a receiver report (RFC 3550 A.3,
// A.8). Of one parent, not of the node: with two parents during a handover one
// makes up for what the other loses, and each is to know its own.
class Reception {
public:
  // Whether anyone else has brought the packet does not matter.
  void packet (const RtpHeader &header, std::uint64_t extended,
      std::uint32_t clock_rate, MonotonicTime now);
  void sender_report (const SenderReport &report, MonotonicTime now);
  // Of every SSRC that sent since the last call.
  std::vector<ReportBlock> take_report (MonotonicTime now);

private:
  struct Source {
    std::uint32_t ssrc = 0;
    std::uint64_t base = 0, highest = 0; // extended
    std::uint64_t received = 0;
    std::uint64_t expected_reported = 0, received_reported = 0;
    double jitter = 0; // RTP time units
    std::uint32_t last_rtp_time = 0;
    MonotonicTime last_packet{};
    std::uint32_t last_sr = 0;
    MonotonicTime last_sr_time{};
  };
  Source *find (std::uint32_t ssrc);
  ReportBlock block_of (Source &source, MonotonicTime now) const;

  std::vector<Source> sources_; // at most limits::sources_max
};

} // namespace spreadit::media
