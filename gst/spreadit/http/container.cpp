// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http/container.hpp"

#include <array>
#include <cstdint>
#include <cstring>

#include <gst/pbutils/codec-utils.h>

#include "http/owned.hpp"

namespace spreadit::http {

namespace {

constexpr std::array encodings{
    Encoding{"H264", "mp4mux", true,
        "rtph264depay ! h264parse ! video/x-h264,stream-format=avc,"
        "alignment=au"},
    Encoding{"MPEG4-GENERIC", "mp4mux", false, "rtpmp4gdepay ! aacparse"},
    Encoding{"MP4A-LATM", "mp4mux", false,
        "rtpmp4adepay ! aacparse ! audio/mpeg,stream-format=raw"},
    Encoding{"VP8", "webmmux", true, "rtpvp8depay"},
    Encoding{"VP9", "webmmux", true, "rtpvp9depay"},
    Encoding{"OPUS", "webmmux", false, "rtpopusdepay ! opusparse"},
};

std::string
bytes_of (GstBuffer *buffer)
{
  std::string bytes (gst_buffer_get_size (buffer), '\0');
  gst_buffer_extract (buffer, 0, bytes.data (), bytes.size ());
  return bytes;
}

// ISO/IEC 14496-12: size, then the type.
bool
is_box (GstBuffer *buffer, const char *type)
{
  return gst_buffer_memcmp (buffer, 4, type, 4) == 0;
}

// moof (8), mfhd (16), traf (8), tfhd (8 and 4 of flags), then track_ID
// (14496-12, 8.8.5 to 8.8.7): mp4mux writes one traf a moof.
unsigned
track_of (GstBuffer *moof)
{
  std::array<std::uint8_t, 4> id{};
  if (gst_buffer_extract (moof, 44, id.data (), id.size ()) != id.size ())
    return 0;
  return GST_READ_UINT32_BE (id.data ());
}

void
set_begins (GstBuffer *buffer, bool begins)
{
  // What is the muxer's head has been taken; a HEADER of an encoder is none.
  GST_BUFFER_FLAG_UNSET (buffer, GST_BUFFER_FLAG_HEADER);
  if (begins)
    GST_BUFFER_FLAG_UNSET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  else
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
}

} // namespace

const Encoding *
find_encoding (const std::string &rtp_name)
{
  for (const Encoding &one : encodings)
    if (g_ascii_strcasecmp (one.rtp_name, rtp_name.c_str ()) == 0)
      return &one;
  return nullptr;
}

std::string
codec_name (const GstCaps *caps)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  // RFC 6381 has no name for VP8; WebM's is this.
  if (gst_structure_has_name (structure, "video/x-vp8"))
    return "vp8";
  const Text name (
      gst_codec_utils_caps_get_mime_codec (const_cast<GstCaps *> (caps)));
  return name ? name.get () : "";
}

GstBuffer *
Splitter::push (GstBuffer *buffer)
{
  return is_mp4_ ? push_mp4 (buffer) : push_webm (buffer);
}

GstBuffer *
Splitter::push_mp4 (GstBuffer *buffer)
{
  if (!held_ && is_box (buffer, "moof")) {
    has_begun_ = true;
    track_ = track_of (buffer);
    held_ = buffer;
    return nullptr;
  }
  if (!has_begun_) {
    head_ += bytes_of (buffer);
    gst_buffer_unref (buffer);
    return nullptr;
  }
  if (!held_ || is_box (buffer, "mdat")) {
    if (held_) {
      held_ = gst_buffer_append (held_, buffer);
      return nullptr;
    }
    buffer = gst_buffer_make_writable (buffer);
    set_begins (buffer, false);
    return buffer;
  }
  // The first sample says whether the fragment can be begun with.
  const bool is_key =
      !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  GstBuffer *unit = gst_buffer_append (std::exchange (held_, nullptr), buffer);
  set_begins (unit, is_key && (video_track_ == 0 || track_ == video_track_));
  return unit;
}

// webmmux marks its head, and begins a cluster at each key frame, which it does
// not call a delta.
GstBuffer *
Splitter::push_webm (GstBuffer *buffer)
{
  if (!has_begun_ && GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_HEADER)) {
    head_ += bytes_of (buffer);
    gst_buffer_unref (buffer);
    return nullptr;
  }
  has_begun_ = true;
  constexpr std::array<std::uint8_t, 4> cluster{0x1f, 0x43, 0xb6, 0x75};
  const bool begins =
      gst_buffer_memcmp (buffer, 0, cluster.data (), cluster.size ()) == 0 &&
      !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  buffer = gst_buffer_make_writable (buffer);
  set_begins (buffer, begins);
  return buffer;
}

} // namespace spreadit::http
