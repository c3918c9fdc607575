// What we need to know of a datagram, and whether it is one of ours.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

namespace spreadit::media {

using Bytes = std::span<const std::uint8_t>;

// RFC 3550 5.1.
struct RtpHeader {
  std::uint8_t payload_type = 0;
  std::uint16_t seq = 0;
  std::uint32_t rtp_time = 0;
  std::uint32_t ssrc = 0;
};

// The first packet of a compound (RFC 3550 6.1): SR or RR.
struct RtcpHeader {
  std::uint8_t type = 0;
  std::uint32_t ssrc = 0; // of the sender
};
inline constexpr std::uint8_t rtcp_sr = 200;
inline constexpr std::uint8_t rtcp_rr = 201;
inline constexpr std::uint8_t rtcp_bye = 203;

using Header = std::variant<RtpHeader, RtcpHeader>;

// RTP or RTCP by RFC 5761 4. Nothing if it is neither: wrong version, a length
// that does not add up, an RTCP compound that does not begin with SR or RR.
// Padding of RTP is not looked at: with SRTP it is encrypted.
std::optional<Header> parse_packet (Bytes datagram);

[[nodiscard]] inline std::uint32_t
ssrc_of (const Header &header)
{
  return std::visit ([] (const auto &h) { return h.ssrc; }, header);
}

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
