// What the tests of the data path share: packets, clocks, patience.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <thread>
#include <vector>

#include <gst/gst.h>
#include <gtest/gtest.h>

#include "media/rtcp.hpp"
#include "media/vocabulary.hpp"

namespace spreadit::media {

using namespace std::chrono_literals;

using Datagram = std::vector<std::uint8_t>;

inline constexpr std::uint32_t video_ssrc = 0x11111111;
inline constexpr std::uint32_t audio_ssrc = 0x22222222;
inline constexpr std::uint8_t video_pt = 96, audio_pt = 97;
inline const std::vector<MediaDescription> video_and_audio = {
    {video_pt, 90'000, video_ssrc}, {audio_pt, 48'000, {}}};

// Any moment will do as a beginning.
inline const MonotonicTime t0 = MonotonicTime{} + 1000h;

inline void
put16 (Datagram &out, unsigned value)
{
  out.push_back (static_cast<std::uint8_t> (value >> 8));
  out.push_back (static_cast<std::uint8_t> (value));
}

inline void
put32 (Datagram &out, std::uint32_t value)
{
  put16 (out, value >> 16);
  put16 (out, value & 0xffff);
}

// An RTP packet whose payload tells it from all others.
inline Datagram
rtp (std::uint16_t seq, std::uint32_t ssrc = video_ssrc,
    std::uint8_t payload_type = video_pt, std::size_t payload_size = 100)
{
  Datagram out = {0x80, payload_type};
  put16 (out, seq);
  put32 (out, seq * 3000u);
  put32 (out, ssrc);
  for (std::size_t i = 0; i < payload_size; ++i)
    out.push_back (static_cast<std::uint8_t> (seq + i + ssrc));
  return out;
}

// A video packet of the picture of that time, perhaps its last.
inline Datagram
of_picture (std::uint16_t seq, std::uint32_t rtp_time, bool is_last)
{
  Datagram out = {
      0x80, static_cast<std::uint8_t> (video_pt | (is_last ? 0x80 : 0))};
  put16 (out, seq);
  put32 (out, rtp_time);
  put32 (out, video_ssrc);
  out.insert (out.end (), 50, static_cast<std::uint8_t> (seq));
  return out;
}

// A video packet with a mark (RFC 9626 3.1) as element 3 of its header
// extension.
constexpr unsigned marking_id = 3;
constexpr std::uint8_t mark_start = 0x80, mark_independent = 0x20;
inline Datagram
marked (std::uint16_t seq, std::uint32_t rtp_time, std::uint8_t mark,
    std::uint32_t ssrc = video_ssrc)
{
  Datagram out = {0x90, video_pt};
  put16 (out, seq);
  put32 (out, rtp_time);
  put32 (out, ssrc);
  put16 (out, 0xbede);
  put16 (out, 1);
  out.insert (out.end (), {marking_id << 4, mark, 0, 0});
  out.insert (out.end (), 50, static_cast<std::uint8_t> (seq));
  return out;
}

inline Datagram
sender_report (std::uint32_t ssrc, std::uint64_t ntp, std::uint32_t rtp_time)
{
  Datagram out = {0x80, rtcp_sr, 0, 6};
  put32 (out, ssrc);
  put32 (out, static_cast<std::uint32_t> (ntp >> 32));
  put32 (out, static_cast<std::uint32_t> (ntp));
  put32 (out, rtp_time);
  put32 (out, 1);
  put32 (out, 100);
  return out;
}

inline std::uint16_t
seq_of (const Datagram &packet)
{
  return static_cast<std::uint16_t> (packet[2] << 8 | packet[3]);
}

// Until `condition` holds. The bound is for broken code only: a loaded machine
// must not make a test fail.
inline bool
eventually (const std::function<bool ()> &condition)
{
  const auto bound = MonotonicTime::clock::now () + 30s;
  while (!condition ()) {
    if (MonotonicTime::clock::now () > bound)
      return false;
    std::this_thread::sleep_for (1ms);
  }
  return true;
}

// Says where they differ, not all that they are.
inline testing::AssertionResult
are_same (
    const std::vector<Datagram> &got, const std::vector<Datagram> &expected)
{
  for (std::size_t i = 0; i < std::min (got.size (), expected.size ()); ++i)
    if (got[i] != expected[i])
      return testing::AssertionFailure () << "packet " << i << " differs";
  if (got.size () != expected.size ())
    return testing::AssertionFailure ()
           << got.size () << " packets, not " << expected.size ();
  return testing::AssertionSuccess ();
}

inline GstBuffer *
new_buffer (const Datagram &packet)
{
  return gst_buffer_new_memdup (packet.data (), packet.size ());
}

inline Datagram
bytes_of (GstBuffer *buffer)
{
  GstMapInfo map;
  gst_buffer_map (buffer, &map, GST_MAP_READ);
  Datagram out (map.data, map.data + map.size);
  gst_buffer_unmap (buffer, &map);
  return out;
}

// gtest_main does not know of it.
inline const bool is_gst_initialised = [] {
  gst_init (nullptr, nullptr);
  return true;
}();

} // namespace spreadit::media
