// A synthetic stream: what a source publishes and what others got of it.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_set>
#include <vector>

#include <gst/gst.h>

#include "media/packet.hpp"
#include "media/rtcp.hpp"
#include "util/owned.hpp"

namespace spreadit::test {

using Datagram = std::vector<std::uint8_t>;

inline constexpr std::uint32_t video_ssrc = 0x11111111;
inline constexpr std::uint32_t audio_ssrc = 0x22222222;
inline constexpr std::uint8_t video_pt = 96, audio_pt = 97;

// Two media, a=ssrc, controls "stream=0" and "stream=1".
extern const char *const stream_sdp;

Datagram bytes_of (GstBuffer *buffer);
Owned<GstBufferList> to_list (const std::vector<Datagram> &packets);

// Packet by packet: bursts of video, some audio, sender reports. No two are
// alike, and the 16-bit numbers wrap early.
class Generator {
public:
  // `salt` tells its packets from those of another stream.
  explicit Generator (std::uint32_t salt = 0) : salt_ (salt) {}

  // About what a camera makes in 10 ms.
  std::vector<Datagram> next_burst ();

private:
  Datagram rtp (std::uint8_t payload_type, std::uint16_t seq,
      std::uint32_t rtp_time, std::uint32_t ssrc, std::size_t size) const;
  Datagram sender_report (std::uint32_t ssrc, std::uint32_t rtp_time);

  const std::uint32_t salt_;
  std::uint16_t video_seq_ = 65'400, audio_seq_ = 65'500;
  std::uint32_t video_time_ = 4'294'900'000, audio_time_ = 1000;
  std::uint32_t bursts_ = 0, reports_ = 0;
};

// Packets in the order they came, by flow: RTP and RTCP of each SSRC.
class Record {
public:
  struct Flow {
    std::uint32_t ssrc;
    bool is_rtcp;
    auto operator<=> (const Flow &) const = default;
  };

  void add (Datagram packet);
  // When each was added.
  [[nodiscard]] const std::vector<std::chrono::steady_clock::time_point> &
  times () const
  {
    return times_;
  }
  [[nodiscard]] std::size_t size () const { return packets_.size (); }
  [[nodiscard]] const std::vector<Datagram> &packets () const
  {
    return packets_;
  }

  // What is wrong with `got`, as one line a fault; empty if nothing. From the
  // first to the last packet of each flow everything has to be there, once,
  // byte for byte as it is here.
  [[nodiscard]] std::string faults (const Record &got) const;
  // The newest RTP packet of each SSRC.
  [[nodiscard]] std::vector<Datagram> newest () const;
  [[nodiscard]] bool has (const Datagram &packet) const;

private:
  struct Place {
    Flow flow;
    std::size_t number; // within its flow
  };
  [[nodiscard]] std::map<Datagram, Place> places () const;

  std::vector<Datagram> packets_;
  std::vector<std::chrono::steady_clock::time_point> times_;
  std::unordered_set<std::size_t> hashes_;
};

} // namespace spreadit::test
