// Marks on RTP packets, read by GStreamer's own parser.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packet_marks.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gst/rtp/gstrtpbuffer.h>
#include <gtest/gtest.h>

// Of the plugin, which is not linked.
GST_DEBUG_CATEGORY (gst_spreadit_src_debug);

namespace {

using spreadit::PacketMarks;
using Bytes = std::vector<std::uint8_t>;
using Caps = std::unique_ptr<GstCaps, void (*) (GstCaps *)>;
using Buffer = std::unique_ptr<GstBuffer, void (*) (GstBuffer *)>;

const Bytes key_frame = {0x65, 0x88, 1, 2, 3};
const Bytes other_frame = {0x41, 0x9a, 1, 2, 3};
const Bytes delimiter = {0x09, 0xf0};
constexpr const char *h264 = "application/x-rtp, media=video, "
                             "clock-rate=90000, encoding-name=H264";

Caps
caps (const std::string &text)
{
  gst_init (nullptr, nullptr);
  return Caps (gst_caps_from_string (text.c_str ()), gst_caps_unref);
}

GstBuffer *
packet (const Bytes &payload, guint32 rtp_time, bool marker = false)
{
  GstBuffer *buffer =
      gst_rtp_buffer_new_allocate (static_cast<guint> (payload.size ()), 0, 0);
  GST_BUFFER_PTS (buffer) = 5;
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  gst_rtp_buffer_map (buffer, GST_MAP_WRITE, &rtp);
  gst_rtp_buffer_set_timestamp (&rtp, rtp_time);
  gst_rtp_buffer_set_ssrc (&rtp, 77);
  gst_rtp_buffer_set_seq (&rtp, 9);
  gst_rtp_buffer_set_marker (&rtp, marker);
  std::copy (payload.begin (), payload.end (),
      static_cast<std::uint8_t *> (gst_rtp_buffer_get_payload (&rtp)));
  gst_rtp_buffer_unmap (&rtp);
  return buffer;
}

struct Marked {
  std::optional<unsigned> frame;
  std::optional<std::uint64_t> ntp;
  Bytes payload;
  unsigned extension_words = 0;
};

Marked
read (GstBuffer *buffer, guint8 frame_id = 1, guint8 time_id = 2)
{
  Marked marked;
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  EXPECT_TRUE (gst_rtp_buffer_map (buffer, GST_MAP_READ, &rtp));
  EXPECT_EQ (gst_rtp_buffer_get_ssrc (&rtp), 77u);
  EXPECT_EQ (gst_rtp_buffer_get_seq (&rtp), 9u);
  gpointer data;
  guint size;
  if (gst_rtp_buffer_get_extension_onebyte_header (
          &rtp, frame_id, 0, &data, &size)) {
    EXPECT_EQ (size, 1u);
    marked.frame = *static_cast<std::uint8_t *> (data);
  }
  if (gst_rtp_buffer_get_extension_onebyte_header (
          &rtp, time_id, 0, &data, &size)) {
    EXPECT_EQ (size, 8u);
    // Not by GST_READ_UINT64_BE, which wants it aligned.
    for (guint i = 0; i < size; ++i)
      marked.ntp =
          marked.ntp.value_or (0) << 8 | static_cast<std::uint8_t *> (data)[i];
  }
  guint16 bits;
  gst_rtp_buffer_get_extension_data (
      &rtp, &bits, nullptr, &marked.extension_words);
  const auto *payload =
      static_cast<const std::uint8_t *> (gst_rtp_buffer_get_payload (&rtp));
  marked.payload.assign (
      payload, payload + gst_rtp_buffer_get_payload_len (&rtp));
  gst_rtp_buffer_unmap (&rtp);
  return marked;
}

Marked
mark (PacketMarks &marks, GstBuffer *packet)
{
  const Buffer out (marks.mark (packet),
      [] (GstBuffer *buffer) { gst_buffer_unref (buffer); });
  EXPECT_EQ (GST_BUFFER_PTS (out.get ()), 5u);
  return read (out.get ());
}

TEST (PacketMarks, SaysWhereFramesBeginAndEndAndWhichNeedNoOther)
{
  PacketMarks marks (caps (h264).get ());
  EXPECT_EQ (mark (marks, packet (key_frame, 1)).frame, 0xa0u);
  EXPECT_EQ (mark (marks, packet (other_frame, 1, true)).frame, 0x60u)
      << "the rest of the same frame";
  EXPECT_EQ (mark (marks, packet (other_frame, 2)).frame, 0x80u);
  EXPECT_EQ (mark (marks, packet (other_frame, 2, true)).frame, 0x40u);
  EXPECT_EQ (mark (marks, packet (delimiter, 3)).frame, 0x80u);
  EXPECT_EQ (mark (marks, packet (key_frame, 3)).frame, 0x20u);
  EXPECT_EQ (mark (marks, packet (key_frame, 3)).payload, key_frame);
}

TEST (PacketMarks, TellsTheTimeOfKeyFramesByTheSendersReports)
{
  PacketMarks marks (caps (h264).get ());
  EXPECT_FALSE (mark (marks, packet (key_frame, 1)).ntp) << "not known yet";
  constexpr std::uint64_t second = std::uint64_t{1} << 32;
  marks.reported (1000 * second, 0xffff'ff00);
  const auto later = mark (marks, packet (key_frame, 90'000 - 0x100));
  ASSERT_TRUE (later.ntp);
  EXPECT_NEAR (
      double (*later.ntp), double (1001 * second), double (second / 1000));
  EXPECT_FALSE (mark (marks, packet (key_frame, 90'000 - 0x100)).ntp)
      << "once a frame";
  EXPECT_FALSE (mark (marks, packet (other_frame, 90'000)).ntp);
  const auto earlier = mark (marks, packet (key_frame, 0xffff'ff00 - 45'000));
  ASSERT_TRUE (earlier.ntp);
  EXPECT_NEAR (
      double (*earlier.ntp), 999.5 * double (second), double (second / 1000));
}

TEST (PacketMarks, DescribesThem)
{
  const Caps described = caps (h264);
  PacketMarks (described.get ()).describe (described.get ());
  const GstStructure *s = gst_caps_get_structure (described.get (), 0);
  EXPECT_STREQ (gst_structure_get_string (s, "extmap-1"),
      "urn:ietf:params:rtp-hdrext:framemarking");
  EXPECT_STREQ (gst_structure_get_string (s, "extmap-2"),
      "urn:ietf:params:rtp-hdrext:ntp-64");
}

TEST (PacketMarks, AddsToWhatIsThereAlready)
{
  const Caps used = caps (std::string (h264) + ", extmap-1=(string)urn:other");
  PacketMarks marks (used.get ());
  GstBuffer *buffer = packet (key_frame, 1);
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  gst_rtp_buffer_map (buffer, GST_MAP_READWRITE, &rtp);
  const guint8 other[] = {1, 2, 3};
  ASSERT_TRUE (gst_rtp_buffer_add_extension_onebyte_header (&rtp, 1, other, 3));
  gst_rtp_buffer_unmap (&rtp);
  const Buffer out (
      marks.mark (buffer), [] (GstBuffer *b) { gst_buffer_unref (b); });
  const auto marked = read (out.get (), 2, 3);
  EXPECT_EQ (marked.frame, 0xa0u);
  EXPECT_EQ (marked.payload, key_frame);
  gst_rtp_buffer_map (out.get (), GST_MAP_READ, &rtp);
  gpointer data;
  guint size;
  EXPECT_TRUE (
      gst_rtp_buffer_get_extension_onebyte_header (&rtp, 1, 0, &data, &size));
  EXPECT_EQ (size, 3u);
  gst_rtp_buffer_unmap (&rtp);
}

TEST (PacketMarks, LeavesAloneWhatItCannotMark)
{
  for (const char *text :
      {"application/x-rtp, media=audio, clock-rate=48000, encoding-name=OPUS",
          "application/x-rtp, media=video, clock-rate=90000, "
          "encoding-name=JPEG",
          "application/x-rtp, media=video, clock-rate=90000, "
          "encoding-name=H264, "
          "extmap-5=(string)urn:ietf:params:rtp-hdrext:framemarking"}) {
    PacketMarks marks (caps (text).get ());
    GstBuffer *buffer = packet (key_frame, 1);
    EXPECT_EQ (marks.mark (buffer), buffer) << text;
    gst_buffer_unref (buffer);
  }
  // No room: two-byte headers; no RTP at all.
  PacketMarks marks (caps (h264).get ());
  GstBuffer *buffer = packet (key_frame, 1);
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  gst_rtp_buffer_map (buffer, GST_MAP_READWRITE, &rtp);
  const guint8 other[] = {1};
  gst_rtp_buffer_add_extension_twobytes_header (&rtp, 0, 40, other, 1);
  gst_rtp_buffer_unmap (&rtp);
  EXPECT_EQ (marks.mark (buffer), buffer);
  gst_buffer_unref (buffer);
  for (const gsize size : {0, 1, 11}) {
    GstBuffer *shorter = gst_buffer_new_allocate (nullptr, size, nullptr);
    gst_buffer_memset (shorter, 0, 0x80, size);
    EXPECT_EQ (marks.mark (shorter), shorter);
    gst_buffer_unref (shorter);
  }
}

} // namespace
