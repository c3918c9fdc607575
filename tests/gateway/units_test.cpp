// The parts of the gateway that need no network.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <gst/rtp/rtp.h>

#include "backlog.hpp"
#include "gateway_path.hpp"
#include "gateway_settings.hpp"
#include "offered_caps.hpp"
#include "relay_settings.hpp"
#include "source_clock.hpp"

namespace relay = spreadit::relay;
namespace rtsp_server = spreadit::rtsp_server;
using rtsp_server::Owned;

namespace {

constexpr guint8 idr = 0x65, slice = 0x41;

Owned<GstCaps>
caps (const char *text)
{
  return Owned<GstCaps> (gst_caps_from_string (text));
}

// Of one byte that says what it is, and others.
Owned<GstBuffer>
packet (guint32 timestamp, guint8 first_byte = slice, guint size = 100)
{
  GstBuffer *buffer = gst_rtp_buffer_new_allocate (size, 0, 0);
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  gst_rtp_buffer_map (buffer, GST_MAP_READWRITE, &rtp);
  gst_rtp_buffer_set_timestamp (&rtp, timestamp);
  auto *payload = static_cast<guint8 *> (gst_rtp_buffer_get_payload (&rtp));
  payload[0] = first_byte;
  payload[1] = 0x80; // the first slice of a picture
  gst_rtp_buffer_unmap (&rtp);
  return Owned<GstBuffer> (buffer);
}

struct Gst : ::testing::Environment {
  void SetUp () override { gst_init (nullptr, nullptr); }
};
[[maybe_unused]] auto *const gst =
    ::testing::AddGlobalTestEnvironment (new Gst);

// A stream as players name it.

TEST (Path, NamesAStream)
{
  EXPECT_EQ (relay::stream_of_path ("/source.example:8554/live"),
      "spreadit://source.example:8554/live");
  EXPECT_EQ (
      relay::stream_of_path ("/10.0.0.1/a/b"), "spreadit://10.0.0.1/a/b");
  EXPECT_EQ (
      relay::stream_of_path ("/[::1]:8554/live"), "spreadit://[::1]:8554/live");
}

TEST (Path, NamesNone)
{
  for (const char *path : {"", "/", "/live", "/host/", "//live", "live",
           "/host:99999/live", "/ho st/live"})
    EXPECT_EQ (relay::stream_of_path (path), "") << path;
}

TEST (Path, OfMounts)
{
  EXPECT_EQ (relay::mount_path ("news"), "/news");
  EXPECT_EQ (relay::mount_path ("/tv/one"), "/tv/one");
  for (const char *name : {"", "/", "a/", "a//b", "a b", "stream=0", "a?b"})
    EXPECT_EQ (relay::mount_path (name), "") << name;
}

// The options.

relay::GatewayOptions
options (std::map<std::string, std::string, std::less<>> raw,
    const std::map<std::string, std::string> &mounts = {})
{
  return relay::checked_gateway (raw, mounts);
}

TEST (Options, AloneIsLoopback)
{
  const auto o = options ({{"gateway", "true"}});
  EXPECT_EQ (o.host, "127.0.0.1");
  EXPECT_EQ (o.port, 8555u);
  EXPECT_EQ (o.idle_timeout_s, 10u);
  EXPECT_EQ (options ({}).host, "");
}

TEST (Options, Addresses)
{
  EXPECT_EQ (options ({{"gateway", ":9000"}}).host, "127.0.0.1");
  EXPECT_EQ (options ({{"gateway", ":9000"}}).port, 9000u);
  EXPECT_EQ (options ({{"gateway", "0.0.0.0"}}).host, "0.0.0.0");
  EXPECT_EQ (options ({{"gateway", "[::1]:9000"}}).host, "::1");
  EXPECT_EQ (options ({{"gateway", "[::1]"}}).port, 8555u);
}

TEST (Options, Wrong)
{
  using relay::UsageError;
  EXPECT_THROW (options ({{"gateway", "a:b:9"}}), UsageError);
  EXPECT_THROW (options ({{"gateway", ":99999"}}), UsageError);
  EXPECT_THROW (options ({{"gateway", "http://x"}}), UsageError);
  EXPECT_THROW (options ({{"gateway-publish", "live"}}), UsageError);
  EXPECT_THROW (
      options ({{"gateway", ""}, {"gateway-publish", "a b"}}), UsageError);
  EXPECT_THROW (
      options ({{"gateway", ""}, {"gateway-streams", "-1"}}), UsageError);
  EXPECT_THROW (options ({}, {{"news", "spreadit://h/x"}}), UsageError);
  EXPECT_THROW (
      options ({{"gateway", ""}}, {{"news", "http://h/x"}}), UsageError);
  EXPECT_THROW (options ({{"gateway", ""}, {"gateway-publish", "news"}},
                    {{"news", "spreadit://h/x"}}),
      UsageError);
}

TEST (Options, MountsAndPublications)
{
  const auto o = options ({{"gateway", ""}, {"gateway-publish", "a; b/c;"}},
      {{"news", "spreadit://h/x"}});
  EXPECT_EQ (o.publish, (std::vector<std::string>{"/a", "/b/c"}));
  EXPECT_EQ (o.mounts.at ("/news"), "spreadit://h/x");
}

// What a player begins with.

struct BacklogTest : ::testing::Test {
  BacklogTest ()
  {
    backlog.add_medium (
        caps ("application/x-rtp,media=video,encoding-name=H264").get ());
    backlog.add_medium (
        caps ("application/x-rtp,media=audio,encoding-name=OPUS").get ());
  }
  rtsp_server::Backlog backlog;
};

TEST_F (BacklogTest, KeepsTheNewestPacketBeforeAKeyFrame)
{
  for (guint32 t = 0; t < 3; ++t) {
    backlog.add (0, packet (t).get ());
    backlog.add (1, packet (t).get ());
  }
  EXPECT_EQ (backlog.of (0).size (), 1u);
  EXPECT_EQ (backlog.of (1).size (), 1u);
}

TEST_F (BacklogTest, BeginsWithAKeyFrame)
{
  backlog.add (0, packet (0).get ());
  backlog.add (1, packet (0).get ());
  backlog.add (0, packet (1, idr).get ());
  backlog.add (0, packet (1, idr).get ()); // its second slice
  backlog.add (1, packet (1).get ());
  backlog.add (0, packet (2).get ());
  EXPECT_EQ (backlog.of (0).size (), 3u);
  EXPECT_EQ (backlog.of (1).size (), 2u); // one before, so that there is one
  backlog.add (0, packet (9, idr).get ());
  EXPECT_EQ (backlog.of (0).size (), 1u);
  EXPECT_EQ (backlog.of (1).size (), 1u);
}

TEST_F (BacklogTest, IsBounded)
{
  backlog.add (0, packet (1, idr).get ());
  for (guint32 t = 2; t < 10000; ++t)
    backlog.add (0, packet (t, slice, 1200).get ());
  EXPECT_EQ (backlog.of (0).size (), 1u);
  backlog.add (0, packet (20000, idr).get ());
  backlog.add (0, packet (20001).get ());
  EXPECT_EQ (backlog.of (0).size (), 2u);
}

// The session description.

TEST (OfferedCaps, AreTheSources)
{
  const auto offered = rtsp_server::offered_caps (
      caps ("application/x-rtp,media=video,payload=96,clock-rate=90000,"
            "encoding-name=H264,profile=baseline,ssrc=(uint)7,"
            "ssrc-7-cname=\"me@here\",ssrc-7-other=x")
          .get (),
      "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=x\r\nt=0 0\r\n"
      "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
      "a=fmtp:96 packetization-mode=1;profile-level-id=42c01e;x=y\r\n");
  const GstStructure *s = gst_caps_get_structure (offered.caps.get (), 0);
  EXPECT_EQ (offered.cname, "me@here");
  EXPECT_STREQ (gst_structure_get_string (s, "profile-level-id"), "42c01e");
  EXPECT_FALSE (gst_structure_has_field (s, "ssrc"));
  EXPECT_FALSE (gst_structure_has_field (s, "ssrc-7-cname"));
  EXPECT_FALSE (gst_structure_has_field (s, "ssrc-7-other"));
}

TEST (OfferedCaps, WithoutADescription)
{
  const auto received = caps ("application/x-rtp,media=audio,payload=0,"
                              "encoding-name=PCMU,clock-rate=8000");
  const auto offered = rtsp_server::offered_caps (received.get (), nullptr);
  EXPECT_TRUE (gst_caps_is_equal (offered.caps.get (), received.get ()));
  EXPECT_EQ (offered.cname, "");
  EXPECT_TRUE (rtsp_server::offered_caps (received.get (), "nonsense").caps);
}

// Sender reports.

GstBuffer *
report ()
{
  GstBuffer *buffer = gst_rtcp_buffer_new (200);
  GstRTCPBuffer rtcp = GST_RTCP_BUFFER_INIT;
  GstRTCPPacket packet;
  gst_rtcp_buffer_map (buffer, GST_MAP_READWRITE, &rtcp);
  gst_rtcp_buffer_add_packet (&rtcp, GST_RTCP_TYPE_SR, &packet);
  gst_rtcp_packet_sr_set_sender_info (&packet, 7, 1, 2, 3, 4);
  gst_rtcp_buffer_unmap (&rtcp);
  return buffer;
}

TEST (SourceClock, SendsNoReportBeforeItKnows)
{
  rtsp_server::SourceClock clock;
  clock.learn (packet (5).get ()); // without a time
  EXPECT_EQ (clock.correct (report ()), nullptr);
}

TEST (SourceClock, SaysTheSourcesTime)
{
  rtsp_server::SourceClock clock;
  const auto buffer = packet (5);
  const auto ntp = caps ("timestamp/x-ntp");
  gst_buffer_add_reference_timestamp_meta (
      buffer.get (), ntp.get (), 3 * GST_SECOND / 2, GST_CLOCK_TIME_NONE);
  clock.learn (buffer.get ());
  const Owned<GstBuffer> corrected (clock.correct (report ()));
  GstRTCPBuffer rtcp = GST_RTCP_BUFFER_INIT;
  GstRTCPPacket packet;
  gst_rtcp_buffer_map (corrected.get (), GST_MAP_READ, &rtcp);
  gst_rtcp_buffer_get_first_packet (&rtcp, &packet);
  guint32 ssrc = 0, rtp_time = 0, packets = 0, octets = 0;
  guint64 time = 0;
  gst_rtcp_packet_sr_get_sender_info (
      &packet, &ssrc, &time, &rtp_time, &packets, &octets);
  gst_rtcp_buffer_unmap (&rtcp);
  EXPECT_EQ (ssrc, 7u);
  EXPECT_EQ (time, (G_GUINT64_CONSTANT (3) << 32) / 2);
  EXPECT_EQ (rtp_time, 5u);
  EXPECT_EQ (packets, 3u);
  EXPECT_EQ (octets, 4u);
}

} // namespace
