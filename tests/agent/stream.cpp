// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stream.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

namespace spreadit::test {

const char *const stream_sdp = "v=0\r\n"
                               "o=- 1 1 IN IP4 127.0.0.1\r\n"
                               "s=test\r\n"
                               "t=0 0\r\n"
                               "m=video 0 RTP/AVP 96\r\n"
                               "a=rtpmap:96 H264/90000\r\n"
                               "a=control:stream=0\r\n"
                               "a=ssrc:286331153 cname:test\r\n"
                               "m=audio 0 RTP/AVP 97\r\n"
                               "a=rtpmap:97 MPEG4-GENERIC/48000\r\n"
                               "a=control:stream=1\r\n"
                               "a=ssrc:572662306 cname:test\r\n";

namespace {

// gtest's main does not know of it. No plug-ins: packets only need buffers.
[[maybe_unused]] const bool is_gst_initialised = [] {
  g_setenv ("GST_REGISTRY_DISABLE", "yes", FALSE);
  g_setenv ("GST_PLUGIN_SYSTEM_PATH_1_0", "", FALSE);
  gst_init (nullptr, nullptr);
  return true;
}();

void
put16 (Datagram &out, unsigned value)
{
  out.push_back (static_cast<std::uint8_t> (value >> 8));
  out.push_back (static_cast<std::uint8_t> (value));
}

void
put32 (Datagram &out, std::uint32_t value)
{
  put16 (out, value >> 16);
  put16 (out, value & 0xffff);
}

Record::Flow
flow_of (const Datagram &packet)
{
  const auto header = media::parse_packet (packet);
  if (!header)
    return {0, false};
  return {media::ssrc_of (*header),
      std::holds_alternative<media::RtcpHeader> (*header)};
}

std::size_t
hash_of (const Datagram &packet)
{
  return std::hash<std::string_view>{}(
      {reinterpret_cast<const char *> (packet.data ()), packet.size ()});
}

std::string
to_string (const Record::Flow &flow)
{
  return (flow.is_rtcp ? "RTCP of " : "RTP of ") + std::to_string (flow.ssrc);
}

} // namespace

Datagram
bytes_of (GstBuffer *buffer)
{
  GstMapInfo map;
  if (!gst_buffer_map (buffer, &map, GST_MAP_READ))
    return {};
  Datagram out (map.data, map.data + map.size);
  gst_buffer_unmap (buffer, &map);
  return out;
}

Owned<GstBufferList>
to_list (const std::vector<Datagram> &packets)
{
  Owned<GstBufferList> list (gst_buffer_list_new ());
  for (const auto &packet : packets)
    gst_buffer_list_add (
        list.get (), gst_buffer_new_memdup (packet.data (), packet.size ()));
  return list;
}

Datagram
Generator::rtp (std::uint8_t payload_type, std::uint16_t seq,
    std::uint32_t rtp_time, std::uint32_t ssrc, std::size_t size) const
{
  Datagram out = {0x80, payload_type};
  put16 (out, seq);
  put32 (out, rtp_time);
  put32 (out, ssrc);
  put32 (out, salt_);
  for (std::size_t i = 0; i < size; ++i)
    out.push_back (static_cast<std::uint8_t> (bursts_ * 7 + seq + i));
  return out;
}

Datagram
Generator::sender_report (std::uint32_t ssrc, std::uint32_t rtp_time)
{
  Datagram out = {0x80, media::rtcp_sr, 0, 6};
  put32 (out, ssrc);
  put32 (out, 3'900'000'000 + salt_);
  put32 (out, ++reports_);
  put32 (out, rtp_time);
  put32 (out, 1);
  put32 (out, 100);
  return out;
}

std::vector<Datagram>
Generator::next_burst ()
{
  std::vector<Datagram> burst;
  for (unsigned i = 0; i < 3; ++i)
    burst.push_back (rtp (video_pt, video_seq_++, video_time_, video_ssrc,
        i < 2 ? 1200 : 300 + bursts_ % 500));
  video_time_ += 900;
  burst.push_back (rtp (audio_pt, audio_seq_++, audio_time_, audio_ssrc, 100));
  audio_time_ += 480;
  if (bursts_ % 20 == 0) {
    burst.push_back (sender_report (video_ssrc, video_time_));
    burst.push_back (sender_report (audio_ssrc, audio_time_));
  }
  ++bursts_;
  return burst;
}

void
Record::add (Datagram packet)
{
  hashes_.insert (hash_of (packet));
  packets_.push_back (std::move (packet));
  times_.push_back (std::chrono::steady_clock::now ());
}

std::map<Datagram, Record::Place>
Record::places () const
{
  std::map<Datagram, Place> places;
  std::map<Flow, std::size_t> numbers;
  for (const auto &packet : packets_) {
    const Flow flow = flow_of (packet);
    places[packet] = {flow, numbers[flow]++};
  }
  return places;
}

std::string
Record::faults (const Record &got) const
{
  const auto known = places ();
  std::map<Flow, std::set<std::size_t>> seen;
  std::string faults;
  for (const auto &packet : got.packets_) {
    const auto it = known.find (packet);
    if (it == known.end ())
      faults += "never sent: a packet of " + std::to_string (packet.size ()) +
                " bytes\n";
    else if (!seen[it->second.flow].insert (it->second.number).second)
      faults += "twice: " + to_string (it->second.flow) + " no. " +
                std::to_string (it->second.number) + "\n";
  }
  for (const auto &[flow, numbers] : seen) {
    std::size_t expected = *numbers.begin ();
    for (const std::size_t number : numbers) {
      if (number != expected)
        faults += "missing: " + to_string (flow) + " no. " +
                  std::to_string (expected) + " to " +
                  std::to_string (number - 1) + ", seen up to " +
                  std::to_string (*numbers.rbegin ()) + "\n";
      expected = number + 1;
    }
  }
  return faults;
}

std::vector<Datagram>
Record::newest () const
{
  std::map<Flow, const Datagram *> last;
  for (const auto &packet : packets_)
    last[flow_of (packet)] = &packet;
  std::vector<Datagram> result;
  for (const auto &[flow, packet] : last)
    if (!flow.is_rtcp)
      result.push_back (*packet);
  return result;
}

bool
Record::has (const Datagram &packet) const
{
  return hashes_.contains (hash_of (packet));
}

} // namespace spreadit::test
