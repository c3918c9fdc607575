// What RTCP says, read and written.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "media/packet.hpp"

namespace spreadit::media {

// RFC 3550 6.4.1.
struct SenderReport {
  std::uint32_t ssrc = 0;
  std::uint64_t ntp = 0; // 32.32
  std::uint32_t rtp_time = 0;
};

struct ReportBlock {
  std::uint32_t ssrc = 0;
  std::uint8_t fraction_lost = 0;   // in 1/256
  std::int32_t cumulative_lost = 0; // 24 bits, signed
  std::uint32_t highest_seq = 0;    // extended
  std::uint32_t jitter = 0;         // RTP time units
  std::uint32_t last_sr = 0;        // middle 32 bits of its NTP time
  std::uint32_t delay_since_sr = 0; // 1/65536 s
};

// All in the compound. `compound` must be one that parse_packet() takes; a
// packet in it that is too short for what it counts is passed over.
std::vector<SenderReport> sender_reports (Bytes compound);
std::vector<ReportBlock> report_blocks (Bytes compound);

// Without blocks: 8 bytes, the least RTCP there is. At most
// limits::report_blocks_max blocks are written.
std::vector<std::uint8_t> write_receiver_report (
    std::uint32_t sender, std::span<const ReportBlock> blocks = {});
// RR and BYE of `ssrc`: what makes rtspsrc, ffmpeg and live555 end cleanly.
std::vector<std::uint8_t> write_goodbye (std::uint32_t ssrc);

} // namespace spreadit::media
