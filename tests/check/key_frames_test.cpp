// Which RTP payloads a decoder can begin with.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "key_frames.hpp"

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gst/check/gstharness.h>
#include <gst/rtp/gstrtpbuffer.h>
#include <gtest/gtest.h>

// Of the plugin, which is not linked.
GST_DEBUG_CATEGORY (gst_spreadit_src_debug);

namespace {

using spreadit::key_frames_of;
using Payload = std::vector<std::uint8_t>;

spreadit::BeginsKeyFrame
of (const std::string &encoding)
{
  gst_init (nullptr, nullptr);
  const std::unique_ptr<GstCaps, void (*) (GstCaps *)> caps (
      gst_caps_from_string (
          ("application/x-rtp, encoding-name=" + encoding).c_str ()),
      gst_caps_unref);
  return key_frames_of (caps.get ());
}

void
expect (
    const char *encoding, bool begins, std::initializer_list<Payload> payloads)
{
  for (const Payload &payload : payloads)
    EXPECT_EQ (of (encoding) (payload), begins)
        << encoding << " " << ::testing::PrintToString (payload);
}

TEST (KeyFrames, H264)
{
  expect ("H264", true,
      {
          {0x67, 0x42},                            // SPS
          {0x65, 0x88},                            // IDR, first slice
          {0x78, 0, 2, 0x09, 0xf0, 0, 2, 0x67, 1}, // STAP-A: AUD, SPS
          {0x79, 0, 0, 0, 2, 0x65, 0x80},          // STAP-B
          {0x7c, 0x85, 0x88},                      // FU-A: IDR begins
          {0x7d, 0x85, 0, 0, 0x88},                // FU-B
      });
  expect ("H264", false,
      {
          {0x41, 0x9a},                // P slice
          {0x65, 0x40},                // IDR, second slice
          {0x68, 0xce},                // PPS
          {0x09, 0xf0},                // AUD
          {0x7c, 0x05, 0x88},          // FU-A: IDR goes on
          {0x7c, 0x85, 0x40},          // its second slice begins
          {0x7c, 0x81, 0x88},          // FU-A: P slice
          {0x78, 0, 2, 0x41, 0x9a},    // STAP-A: P slice
          {0x78, 0, 9, 0x67, 1},       // longer than the packet
          {0x78, 0, 0, 0, 2, 0x67, 1}, // of no size
          {0x78, 0},
          {0x79},
          {0x7c},
          {0x7c, 0x85},
          {0x65},
          {},
      });
}

TEST (KeyFrames, H265)
{
  expect ("H265", true,
      {
          {0x40, 1, 0},                   // VPS
          {0x42, 1, 0},                   // SPS
          {0x26, 1, 0x80},                // IDR_W_RADL, first slice
          {0x2a, 1, 0xaf},                // CRA
          {0x62, 1, 0x93, 0x80},          // FU: IDR begins
          {0x60, 1, 0, 3, 0x42, 1, 0x10}, // AP: SPS
      });
  expect ("H265", false,
      {
          {0x02, 1, 0x80},                // TRAIL_R
          {0x26, 1, 0x40},                // IDR, a later slice
          {0x44, 1, 0},                   // PPS
          {0x62, 1, 0x13, 0x80},          // FU: IDR goes on
          {0x62, 1, 0x81, 0x80},          // FU: TRAIL_R
          {0x60, 1, 0, 3, 0x02, 1, 0x80}, // AP: TRAIL_R
          {0x60, 1, 0, 9, 0x42, 1, 0x10}, // longer than the packet
          {0x62, 1, 0x93},
          {0x26, 1},
          {},
      });
}

TEST (KeyFrames, Vp8)
{
  expect ("VP8", true,
      {
          {0x10, 0x10},                      // no extension
          {0x90, 0x80, 0x11, 0x10},          // picture id of 7 bits
          {0x90, 0x80, 0x91, 0x11, 0x10},    // of 15 bits
          {0x90, 0xf0, 0x11, 0x22, 3, 0x10}, // all fields
      });
  expect ("VP8", false,
      {
          {0x10, 0x11},             // inter frame
          {0x00, 0x10},             // goes on
          {0x11, 0x10},             // partition 1
          {0x90, 0x80, 0x11, 0x11}, // inter frame
          {0x90, 0x80, 0x91, 0x11}, // nothing behind the descriptor
          {0x90, 0x80},
          {0x10},
          {},
      });
}

TEST (KeyFrames, Vp9)
{
  expect ("VP9", true,
      {
          {0x08, 0, 0},             // begins, not predicted
          {0xa8, 0x11, 0x00, 0},    // lowest layer
          {0xa8, 0x91, 0x11, 0x00}, // behind a picture id of 15 bits
      });
  expect ("VP9", false,
      {
          {0x48, 0, 0},          // predicted
          {0x00, 0, 0},          // goes on
          {0xa8, 0x11, 0x02, 0}, // spatial layer 1
          {0xa8, 0x91, 0x11},
          {0x08},
          {},
      });
}

TEST (KeyFrames, OfNothingElse)
{
  for (const char *encoding : {"JPEG", "OPUS", "MPEG4-GENERIC", "h264"})
    EXPECT_EQ (of (encoding), nullptr) << encoding;
  const std::unique_ptr<GstCaps, void (*) (GstCaps *)> caps (
      gst_caps_from_string ("application/x-rtp"), gst_caps_unref);
  EXPECT_EQ (key_frames_of (caps.get ()), nullptr);
}

// RTP packets through a pad that begins with a key frame; the sequence numbers
// of those that come out.
std::vector<unsigned>
passed (const std::string &encoding,
    const std::vector<std::pair<Payload, GstClockTime>> &packets)
{
  gst_init (nullptr, nullptr);
  GstHarness *harness = gst_harness_new ("identity");
  gst_harness_set_src_caps_str (harness, "application/x-rtp");
  GstCaps *caps = gst_caps_from_string (
      ("application/x-rtp, encoding-name=" + encoding).c_str ());
  GstPad *pad = gst_element_get_static_pad (harness->element, "src");
  spreadit::begin_with_key_frame (pad, caps);
  gst_object_unref (pad);
  gst_caps_unref (caps);
  std::uint16_t sequence = 0;
  for (const auto &[payload, time] : packets) {
    GstBuffer *buffer = gst_rtp_buffer_new_allocate (payload.size (), 0, 0);
    GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
    gst_rtp_buffer_map (buffer, GST_MAP_WRITE, &rtp);
    gst_rtp_buffer_set_seq (&rtp, sequence++);
    std::copy (payload.begin (), payload.end (),
        static_cast<std::uint8_t *> (gst_rtp_buffer_get_payload (&rtp)));
    gst_rtp_buffer_unmap (&rtp);
    GST_BUFFER_PTS (buffer) = time;
    EXPECT_EQ (gst_harness_push (harness, buffer), GST_FLOW_OK);
  }
  std::vector<unsigned> result;
  while (GstBuffer *buffer = gst_harness_try_pull (harness)) {
    GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
    gst_rtp_buffer_map (buffer, GST_MAP_READ, &rtp);
    result.push_back (gst_rtp_buffer_get_seq (&rtp));
    gst_rtp_buffer_unmap (&rtp);
    gst_buffer_unref (buffer);
  }
  gst_harness_teardown (harness);
  return result;
}

const Payload p_slice{0x41, 0x9a}, idr_slice{0x65, 0x88};
using Passed = std::vector<unsigned>;

TEST (BeginWithKeyFrame, DropsWhatComesBefore)
{
  EXPECT_EQ (passed ("H264", {{p_slice, 0}, {p_slice, 1}, {idr_slice, 2},
                                 {p_slice, 3}, {idr_slice, 4}}),
      (Passed{2, 3, 4}));
}

TEST (BeginWithKeyFrame, GivesUpAfterTenSeconds)
{
  EXPECT_EQ (passed ("H264",
                 {{p_slice, GST_SECOND}, {p_slice, 11 * GST_SECOND},
                     {p_slice, 12 * GST_SECOND}, {p_slice, 12 * GST_SECOND}}),
      (Passed{2, 3}));
}

TEST (BeginWithKeyFrame, WithoutTimesStillFindsIt)
{
  EXPECT_EQ (passed ("H264", {{p_slice, GST_CLOCK_TIME_NONE}, {p_slice, 5},
                                 {idr_slice, GST_CLOCK_TIME_NONE}}),
      (Passed{2}));
}

TEST (BeginWithKeyFrame, PassesWhatIsUnknown)
{
  EXPECT_EQ (passed ("JPEG", {{p_slice, 0}, {p_slice, 1}}), (Passed{0, 1}));
}

} // namespace
