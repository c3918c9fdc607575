// Which RTP payloads a decoder can begin with.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "key_frames.hpp"

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

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

} // namespace
