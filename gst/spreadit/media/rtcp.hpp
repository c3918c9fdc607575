// What RTCP says, read and written.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
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

// Packets of one SSRC that somebody is without.
struct LossReport {
  std::uint32_t ssrc = 0;
  std::vector<std::uint16_t> seqs; // ascending, as 16-bit numbers go
  // Who asks for them, by what it calls itself; 0: who writes this.
  std::uint32_t asker = 0;
};
// Of a compound the first limits::feedback_entries_max entries; nobody writes
// more. "Send me these again": generic NACK, RFC 4585 6.2.1.
std::vector<LossReport> nacks (Bytes compound);
// "These are missing above you, do not ask": transport-layer third-party loss
// early indication, RFC 6642 5.1. Its sender is whoever asks for them; who is
// between passes that on, as translators do (RFC 4585 3.2).
std::vector<LossReport> third_party_losses (Bytes compound);

// Of reduced size (RFC 5506): without a report before it. What of `losses` is
// beyond limits::feedback_entries_max is left out.
std::vector<std::uint8_t> write_nack (
    std::uint32_t sender, std::span<const LossReport> losses);
std::vector<std::uint8_t> write_third_party_loss (
    std::uint32_t sender, std::span<const LossReport> losses);

// How long is the way there and back? RFC 3611: whoever wants to know adds the
// time of its clock to a report (4.4), and is answered with that and how long
// it took (4.5). Times are the middle 32 bits of NTP's, 1/65536 s.
struct TimeEcho {
  std::uint32_t asker = 0; // its SSRC
  std::uint32_t asked = 0;
  std::uint32_t held = 0; // from then to the answer
};
void append_time_request (
    std::vector<std::uint8_t> &report, std::uint32_t sender, std::uint64_t ntp);
std::vector<std::uint8_t> write_time_echo (
    std::uint32_t sender, const TimeEcho &echo);
// Nothing asked: nothing.
std::optional<TimeEcho> time_request (Bytes compound);
std::vector<TimeEcho> time_echoes (Bytes compound);

} // namespace spreadit::media
