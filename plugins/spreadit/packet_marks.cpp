// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packet_marks.hpp"

#include <algorithm>
#include <bitset>
#include <cstring>
#include <string>

namespace spreadit {

namespace {

constexpr const char *frame_uri = "urn:ietf:params:rtp-hdrext:framemarking";
constexpr const char *time_uri = "urn:ietf:params:rtp-hdrext:ntp-64";
constexpr unsigned id_max = 14; // RFC 8285 4.2: 15 is not to be used

constexpr std::size_t fixed_header_size = 12;
constexpr std::size_t extension_header_size = 4;
constexpr unsigned one_byte_headers = 0xbede;

// RFC 9626 3.1, for streams that are not scalable.
constexpr std::uint8_t frame_start = 0x80, frame_end = 0x40, independent = 0x20;

unsigned
get_16 (const std::uint8_t *at)
{
  return at[0] * 256u + at[1];
}

std::uint32_t
get_32 (const std::uint8_t *at)
{
  return static_cast<std::uint32_t> (get_16 (at)) << 16 | get_16 (at + 2);
}

// Ids that the caps do not use; 0 if there is none. `uri` is theirs already: 0.
unsigned
free_id (const GstCaps *caps, const char *uri, unsigned other)
{
  std::bitset<id_max + 1> taken;
  taken[other] = true;
  const GstStructure *s = gst_caps_get_structure (caps, 0);
  for (unsigned id = 1; id <= id_max; ++id) {
    const std::string field = "extmap-" + std::to_string (id);
    if (!gst_structure_has_field (s, field.c_str ()))
      continue;
    taken[id] = true;
    if (!g_strcmp0 (gst_structure_get_string (s, field.c_str ()), uri))
      return 0;
  }
  for (unsigned id = 1; id <= id_max; ++id)
    if (!taken[id])
      return id;
  return 0;
}

} // namespace

struct PacketMarks::Packet {
  std::uint32_t rtp_time;
  bool has_marker;
  bool has_extension;
  std::size_t header_size;    // without the extension
  std::size_t extension_size; // all of it
  std::span<const std::uint8_t> payload;

  // Nothing: no RTP packet, or one that cannot be given more.
  static std::optional<Packet> parse (const GstMapInfo &map)
  {
    const std::uint8_t *d = map.data;
    if (map.size < fixed_header_size || d[0] >> 6 != 2)
      return std::nullopt;
    Packet packet{get_32 (d + 4), (d[1] & 0x80) != 0, (d[0] & 0x10) != 0,
        fixed_header_size + (d[0] & 0x0fu) * 4, 0, {}};
    std::size_t size = packet.header_size;
    if (packet.has_extension) {
      if (map.size < size + extension_header_size ||
          get_16 (d + size) != one_byte_headers)
        return std::nullopt;
      packet.extension_size =
          extension_header_size + get_16 (d + size + 2) * std::size_t{4};
      size += packet.extension_size;
    }
    if (map.size < size)
      return std::nullopt;
    packet.payload = {d + size, map.size - size};
    return packet;
  }
};

PacketMarks::PacketMarks (const GstCaps *caps)
    : begins_key_frame_ (key_frames_of (caps))
{
  int clock_rate = 0;
  gst_structure_get_int (
      gst_caps_get_structure (caps, 0), "clock-rate", &clock_rate);
  if (!begins_key_frame_ || clock_rate <= 0)
    return;
  clock_rate_ = static_cast<std::uint32_t> (clock_rate);
  frame_id_ = free_id (caps, frame_uri, 0);
  if (frame_id_)
    time_id_ = free_id (caps, time_uri, frame_id_);
}

void
PacketMarks::describe (GstCaps *caps) const
{
  const auto add = [caps] (unsigned id, const char *uri) {
    if (id)
      gst_caps_set_simple (caps, ("extmap-" + std::to_string (id)).c_str (),
          G_TYPE_STRING, uri, nullptr);
  };
  add (frame_id_, frame_uri);
  add (time_id_, time_uri);
}

void
PacketMarks::reported (std::uint64_t ntp, std::uint32_t rtp_time)
{
  const std::lock_guard guard (lock_);
  report_ = {ntp, rtp_time};
}

// The clock of the sender reports, so that the two never contradict each other.
std::optional<std::uint64_t>
PacketMarks::ntp_of (std::uint32_t rtp_time)
{
  const std::lock_guard guard (lock_);
  if (!report_)
    return std::nullopt;
  const double seconds = static_cast<double> (static_cast<std::int32_t> (
                             rtp_time - report_->rtp_time)) /
                         clock_rate_;
  return report_->ntp + static_cast<std::uint64_t> (
                            static_cast<std::int64_t> (seconds * 4294967296.0));
}

PacketMarks::Elements
PacketMarks::elements_for (const Packet &packet)
{
  const bool is_start = frame_time_ != packet.rtp_time;
  // A delimiter or a message may come before what tells.
  const bool begins = begins_key_frame_ (packet.payload);
  const bool begins_independent = begins && (is_start || !is_independent_);
  is_independent_ = begins || (!is_start && is_independent_);
  frame_time_ = packet.rtp_time;

  Elements elements;
  const auto put = [&elements] (unsigned byte) {
    elements.bytes[elements.size++] = static_cast<std::uint8_t> (byte);
  };
  put (frame_id_ << 4); // the length is one less than it is
  put ((is_start ? frame_start : 0) | (packet.has_marker ? frame_end : 0) |
       (is_independent_ ? independent : 0));
  const auto ntp =
      begins_independent && time_id_ ? ntp_of (packet.rtp_time) : std::nullopt;
  if (ntp) {
    put (time_id_ << 4 | 7);
    for (int shift = 56; shift >= 0; shift -= 8)
      put (static_cast<unsigned> (*ntp >> shift & 0xff));
  }
  while (elements.size % 4)
    put (0);
  return elements;
}

GstBuffer *
PacketMarks::mark (GstBuffer *buffer)
{
  GstMapInfo map;
  if (!frame_id_ || !gst_buffer_map (buffer, &map, GST_MAP_READ))
    return buffer;
  const auto packet = Packet::parse (map);
  if (!packet) {
    gst_buffer_unmap (buffer, &map);
    return buffer;
  }
  const Elements elements = elements_for (*packet);

  // Header, the extension with more in it, and the payload as it lies.
  const std::size_t old = packet->has_extension
                              ? packet->extension_size - extension_header_size
                              : 0;
  const std::size_t size =
      packet->header_size + extension_header_size + old + elements.size;
  GstBuffer *marked = gst_buffer_new_allocate (nullptr, size, nullptr);
  GstMapInfo out;
  gst_buffer_map (marked, &out, GST_MAP_WRITE);
  std::uint8_t *at = std::copy_n (map.data, packet->header_size, out.data);
  out.data[0] |= 0x10;
  const std::size_t words = (old + elements.size) / 4;
  for (const std::size_t byte : {std::size_t{one_byte_headers} >> 8,
           std::size_t{one_byte_headers} & 0xff, words >> 8, words & 0xff})
    *at++ = static_cast<std::uint8_t> (byte);
  at = std::copy_n (
      map.data + packet->header_size + extension_header_size, old, at);
  std::copy_n (elements.bytes, elements.size, at);
  gst_buffer_unmap (marked, &out);

  const std::size_t payload_at = packet->header_size + packet->extension_size;
  gst_buffer_unmap (buffer, &map);
  const auto rest = static_cast<gsize> (-1);
  gst_buffer_copy_into (
      marked, buffer, GstBufferCopyFlags (GST_BUFFER_COPY_METADATA), 0, rest);
  gst_buffer_copy_into (
      marked, buffer, GST_BUFFER_COPY_MEMORY, payload_at, rest);
  gst_buffer_unref (buffer);
  return marked;
}

} // namespace spreadit
