// From a spreaditsink to a spreaditsrc in one process: what goes in comes out.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>

#include "loopback.hpp"

using namespace loopback;

namespace {

GstCaps *
caps_of (Viewer &viewer, const char *pad_name)
{
  GstPad *pad = gst_element_get_static_pad (viewer.pipeline ()["v"], pad_name);
  fail_unless (pad, "there is no pad %s", pad_name);
  GstCaps *caps = gst_pad_get_current_caps (pad);
  gst_object_unref (pad);
  fail_unless (caps);
  return caps;
}

std::string
text_of (const GstCaps *caps, const char *field)
{
  const GstStructure *s = gst_caps_get_structure (caps, 0);
  const gchar *text = gst_structure_get_string (s, field);
  return text ? text : "";
}

int
number_of (const GstCaps *caps, const char *field)
{
  int number = -1;
  gst_structure_get_int (gst_caps_get_structure (caps, 0), field, &number);
  return number;
}

void
expect_error (
    const std::string &description, GQuark domain, gint code, const char *part)
{
  Pipeline pipeline (description);
  pipeline.set_state (GST_STATE_PLAYING);
  GError *error = pipeline.wait_error ();
  fail_unless (g_error_matches (error, domain, code), "%s %d: %s",
      g_quark_to_string (error->domain), error->code, error->message);
  fail_unless (std::strstr (error->message, part), "%s", error->message);
  g_error_free (error);
}

const std::string sink = "spreaditsink name=s uri=spreadit://127.0.0.1:0/live ";

// Already payloaded.
std::string
rtp_picture (const std::string &payloader, const std::string &to = "s.")
{
  return "  videotestsrc is-live=true ! "
         "video/x-raw,format=I420,width=64,height=64,"
         "framerate=10/1 ! jpegenc ! " +
         payloader + " ! " + to;
}

} // namespace

GST_START_TEST (test_picture_and_sound)
{
  TestSource source;
  Viewer viewer (source.uri ());
  viewer.play ();
  const auto &pads = viewer.wait_pads ();
  fail_unless_equals_int (pads.size (), 2);
  fail_unless_equals_string (pads[0].media.c_str (), "video");
  fail_unless_equals_string (pads[1].media.c_str (), "audio");
  fail_if (pads[0].stream_id == pads[1].stream_id);
  fail_unless (!pads[0].stream_id.empty ());
  fail_unless_equals_int (pads[0].group_id, pads[1].group_id);
  viewer.wait_for (30);
  fail_unless_equals_int (viewer.missing (), 0);

  GstCaps *caps = caps_of (viewer, pads[0].name.c_str ());
  fail_unless (text_of (caps, "encoding-name") == "H264");
  fail_if (text_of (caps, "sprop-parameter-sets").empty ());
  fail_unless_equals_int (number_of (caps, "clock-rate"), 90000);
  gst_caps_unref (caps);
}
GST_END_TEST;

// What an encoder is asked for at first is what it is asked for later: the
// description stays as it was.
GST_START_TEST (test_described_once)
{
  Pipeline source (sink +
                   "videotestsrc is-live=true !"
                   " video/x-raw,width=160,height=120,framerate=15/1 ! " +
                   h264_encoder () + " ! s.");
  Signal described (source.manager ("s"), "media-changed");
  Tap tap (source["fanout"], "sink");
  source.play ();
  tap.wait_for (60);
  fail_unless_equals_int (described.count (), 1);
}
GST_END_TEST;

// However the source has them.
GST_START_TEST (test_video_comes_first)
{
  Pipeline source (sink + "audiotestsrc is-live=true ! " + audio_encoder () +
                   " ! s.sink_0  videotestsrc is-live=true !"
                   " video/x-raw,width=160,height=120,framerate=15/1 ! " +
                   h264_encoder () + " ! s.sink_1");
  source.play ();
  Viewer viewer (uri_of (source.manager ("s")));
  viewer.play ();
  const auto &pads = viewer.wait_pads ();
  fail_unless_equals_int (pads.size (), 2);
  fail_unless_equals_string (pads[0].media.c_str (), "video");
  fail_unless_equals_string (pads[0].name.c_str (), "stream_1");
  fail_unless_equals_string (pads[1].media.c_str (), "audio");
  fail_unless_equals_string (pads[1].name.c_str (), "stream_0");
}
GST_END_TEST;

GST_START_TEST (test_description_has_what_players_need)
{
  TestSource source;
  gchar *text = gst_spreadit_peering_manager_get_sdp (source.manager ());
  const std::string sdp = text;
  g_free (text);
  for (const char *line : {"c=IN IP4 0.0.0.0\r\n", "t=0 0\r\n",
           "a=control:*\r\n", "a=type:broadcast\r\n", "a=range:npt=now-\r\n",
           "m=video 0 RTP/AVP ", "m=audio 0 RTP/AVP ", "sprop-parameter-sets=",
           " cname:", "a=control:stream=0\r\n", "a=control:stream=1\r\n"})
    fail_unless (sdp.find (line) != std::string::npos, "no %s in\n%s", line,
        sdp.c_str ());
  // One name for both: they are to be played in step.
  const auto first = sdp.find (" cname:");
  const auto second = sdp.find (" cname:", first + 1);
  fail_unless (second != std::string::npos);
  fail_unless (sdp.substr (first, sdp.find ('\r', first) - first) ==
               sdp.substr (second, sdp.find ('\r', second) - second));
}
GST_END_TEST;

// Sender reports, so that sound and picture can be aligned: soon, again and
// again, and with the RTP time that belongs to their NTP time even if the
// application (this one) does not care for LATENCY messages.
GST_START_TEST (test_sender_reports_come_every_second)
{
  struct Reports {
    std::mutex lock;
    std::condition_variable changed;
    unsigned seen = 0;
    std::uint32_t last_rtp_time = 0;
    std::int32_t most_off = 0; // in units of the RTP clock

    void take (GstBuffer *packet)
    {
      guint8 data[20] = {};
      gst_buffer_extract (packet, 0, data, sizeof data);
      if (data[1] != 200) { // RFC 3550 12.1
        last_rtp_time = GST_READ_UINT32_BE (data + 4);
        return;
      }
      ++seen;
      const auto off =
          std::int32_t (GST_READ_UINT32_BE (data + 16) - last_rtp_time);
      most_off = std::max (most_off, std::abs (off));
    }
  } reports;
  TestSource source ("", false);
  GstPad *pad =
      gst_element_get_static_pad (source.pipeline ()["fanout"], "sink");
  gst_pad_add_probe (
      pad,
      GstPadProbeType (
          GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST),
      [] (GstPad *, GstPadProbeInfo *info, gpointer data) {
        auto *reports = static_cast<Reports *> (data);
        const std::lock_guard guard (reports->lock);
        if (info->type & GST_PAD_PROBE_TYPE_BUFFER)
          reports->take (GST_PAD_PROBE_INFO_BUFFER (info));
        else
          reports->take (
              gst_buffer_list_get (GST_PAD_PROBE_INFO_BUFFER_LIST (info), 0));
        reports->changed.notify_all ();
        return GST_PAD_PROBE_OK;
      },
      &reports, nullptr);
  gst_object_unref (pad);
  const gint64 begin = g_get_monotonic_time ();
  {
    std::unique_lock guard (reports.lock);
    fail_unless (reports.changed.wait_for (
        guard, std::chrono::seconds (15), [&] { return reports.seen >= 4; }));
  }
  const gint64 took = g_get_monotonic_time () - begin;
  fail_unless (took < 10 * G_TIME_SPAN_SECOND, "%" G_GINT64_FORMAT, took);
  source.pipeline ().set_state (GST_STATE_NULL);
  // The time since start is seconds by now, a frame 1/15 s.
  fail_unless (reports.most_off < 90000, "%d off", reports.most_off);
}
GST_END_TEST;

GST_START_TEST (test_eos_reaches_the_other_end)
{
  TestSource source;
  Viewer viewer (source.uri ());
  Pipeline relay ("spreaditrelay uri=" + source.uri ());
  viewer.play ();
  relay.play ();
  viewer.wait_for (10);
  source.end ();
  source.pipeline ().wait_eos ();
  for (const auto &pad : viewer.wait_pads ())
    pad.tap->wait_for_eos ();
  viewer.pipeline ().wait_eos ();
  relay.wait_eos ();
}
GST_END_TEST;

// Paced by the clock, not as fast as it can be read.
GST_START_TEST (test_a_file_is_streamed_live)
{
  Pipeline source (
      sink +
      "videotestsrc num-buffers=30 ! video/x-raw,width=160,height=120,"
      "framerate=15/1 ! " +
      h264_encoder () +
      " ! queue ! s.  audiotestsrc num-buffers=94 samplesperbuffer=1024 !"
      " audio/x-raw,rate=48000,channels=1 ! " +
      audio_encoder () + " ! queue ! s.");
  const gint64 begin = g_get_monotonic_time ();
  source.play ();
  source.wait_eos ();
  const gint64 took = g_get_monotonic_time () - begin;
  fail_unless (took > 17 * G_TIME_SPAN_SECOND / 10, "%" G_GINT64_FORMAT, took);
  fail_unless (took < 8 * G_TIME_SPAN_SECOND, "%" G_GINT64_FORMAT, took);
}
GST_END_TEST;

GST_START_TEST (test_rtp_goes_through_as_it_is)
{
  Pipeline source (
      sink + rtp_picture ("rtpjpegpay pt=26 ssrc=123456 seqnum-offset=65530"));
  Signal described (source.manager ("s"), "media-changed");
  source.play ();
  described.wait ();
  Viewer viewer (uri_of (source.manager ("s")));
  viewer.play ();
  viewer.wait_for (20);
  const auto &pads = viewer.wait_pads ();
  fail_unless_equals_int (pads.size (), 1);
  const auto ssrcs = pads[0].tap->ssrcs ();
  fail_unless_equals_int (ssrcs.size (), 1);
  fail_unless_equals_int (ssrcs[0], 123456);
  GstCaps *caps = caps_of (viewer, "stream_0");
  fail_unless_equals_int (number_of (caps, "payload"), 26);
  gst_caps_unref (caps);
}
GST_END_TEST;

GST_START_TEST (test_payload_types_do_not_collide)
{
  Pipeline source (sink + rtp_picture ("rtpjpegpay pt=126", "s.sink_0") +
                   rtp_picture ("rtpjpegpay pt=127", "s.sink_1") +
                   " audiotestsrc is-live=true ! opusenc ! s.sink_2"
                   " audiotestsrc is-live=true ! mulawenc ! s.sink_3");
  Signal described (source.manager ("s"), "media-changed");
  source.play ();
  described.wait ();
  Viewer viewer (uri_of (source.manager ("s")));
  viewer.play ();
  fail_unless_equals_int (viewer.wait_pads ().size (), 4);
  viewer.wait_for (5);
  GstCaps *caps = caps_of (viewer, "stream_3"); // RFC 3551: PCMU is 0
  fail_unless_equals_int (number_of (caps, "payload"), 0);
  gst_caps_unref (caps);
}
GST_END_TEST;

GST_START_TEST (test_rtp_that_cannot_be_told_apart)
{
  expect_error (sink + rtp_picture ("rtpjpegpay pt=96", "s.sink_0") +
                    rtp_picture ("rtpjpegpay pt=96", "s.sink_1"),
      GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, "Payload type 96");
  // Looks like RTCP on one port (RFC 5761 4).
  expect_error (sink + "fakesrc is-live=true ! application/x-rtp,media=video,"
                       "clock-rate=90000,payload=72 ! s.",
      GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, "Payload type 72");
  expect_error (sink + "fakesrc is-live=true ! application/x-rtp,media=video,"
                       "payload=99,encoding-name=X ! s.",
      GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, "clock-rate");
  expect_error (sink + rtp_picture ("rtpjpegpay pt=96 ssrc=1", "s.sink_0") +
                    rtp_picture ("rtpjpegpay pt=97 ssrc=1", "s.sink_1"),
      GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, "SSRC");
}
GST_END_TEST;

GST_START_TEST (test_codec_without_payloader)
{
  // appsrc and fakesrc do not ask what the pad takes.
  expect_error (sink + "appsrc name=a caps=video/x-prores num-buffers=1 ! s.",
      GST_STREAM_ERROR, GST_STREAM_ERROR_CODEC_NOT_FOUND, "video/x-prores");
}
GST_END_TEST;

GST_START_TEST (test_payloader_of_the_users_choice)
{
  Pipeline source (
      sink +
      "sink_0::payloader=\"rtph264pay pt=111 mtu=300 config-interval=1\""
      " videotestsrc is-live=true ! video/x-raw,width=320,height=240,"
      "framerate=15/1 ! " +
      h264_encoder () + " ! s.sink_0");
  Signal described (source.manager ("s"), "media-changed");
  source.play ();
  described.wait ();
  Viewer viewer (uri_of (source.manager ("s")));
  viewer.play ();
  viewer.wait_for (10);
  GstCaps *caps = caps_of (viewer, "stream_0");
  fail_unless_equals_int (number_of (caps, "payload"), 111);
  gst_caps_unref (caps);

  // It survives a stop, the one that is chosen by caps does not.
  source.set_state (GST_STATE_READY);
  GstElement *payloader = nullptr;
  gst_child_proxy_get (
      GST_CHILD_PROXY (source["s"]), "sink_0::payloader", &payloader, nullptr);
  fail_unless (payloader);
  gst_object_unref (payloader);
}
GST_END_TEST;

// Published without it after a while; and with it when it comes.
GST_START_TEST (test_a_silent_pad_does_not_hold_up_the_others)
{
  Pipeline source (sink +
                   "valve name=valve drop=true ! s.sink_1"
                   " audiotestsrc is-live=true ! opusenc ! valve."
                   " videotestsrc is-live=true !"
                   " video/x-raw,width=160,height=120,framerate=15/1 ! " +
                   h264_encoder () + " ! s.sink_0");
  Signal described (source.manager ("s"), "media-changed");
  source.play ();
  source.wait_warning ("sink_1");
  described.wait ();
  Viewer viewer (uri_of (source.manager ("s")));
  viewer.play ();
  fail_unless_equals_int (viewer.wait_pads ().size (), 1);
  g_object_set (source["valve"], "drop", FALSE, nullptr);
  described.wait (2);
  gchar *sdp = gst_spreadit_peering_manager_get_sdp (source.manager ("s"));
  fail_unless (std::strstr (sdp, "OPUS"));
  g_free (sdp);
}
GST_END_TEST;

// A medium without packets does not hold up the pads of the others either.
GST_START_TEST (test_pads_come_although_a_medium_is_silent)
{
  Pipeline source (sink +
                   "audiotestsrc is-live=true ! opusenc !"
                   " valve name=valve ! s.sink_0"
                   " videotestsrc is-live=true !"
                   " video/x-raw,width=160,height=120,framerate=15/1 ! " +
                   h264_encoder () + " ! s.sink_1");
  Signal described (source.manager ("s"), "media-changed");
  source.play ();
  described.wait ();
  g_object_set (source["valve"], "drop", TRUE, nullptr);
  Viewer viewer (uri_of (source.manager ("s")), "ring-duration=100");
  viewer.play ();
  const auto &pads = viewer.wait_pads ();
  fail_unless_equals_string (pads[0].media.c_str (), "video");
  pads[0].tap->wait_for (5);
}
GST_END_TEST;

GST_START_TEST (test_pads_can_go_while_running)
{
  TestSource source;
  Signal described (source.manager (), "media-changed");
  GstElement *s = source.pipeline ()["s"];
  GstPad *pad = gst_element_get_static_pad (s, "sink_1");
  GstPad *peer = gst_pad_get_peer (pad);
  gst_pad_add_probe (
      peer, GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM,
      [] (GstPad *, GstPadProbeInfo *, gpointer) { return GST_PAD_PROBE_OK; },
      nullptr, nullptr);
  gst_pad_unlink (peer, pad);
  gst_element_release_request_pad (s, pad);
  gst_object_unref (peer);
  gst_object_unref (pad);
  described.wait ();
  Viewer viewer (source.uri ());
  viewer.play ();
  fail_unless_equals_int (viewer.wait_pads ().size (), 1);
  viewer.wait_for (5);
}
GST_END_TEST;

// PAUSED and PLAYING again, and from READY again: packets come again.
GST_START_TEST (test_the_viewer_can_stop_and_go)
{
  TestSource source;
  Viewer viewer (source.uri ());
  viewer.play ();
  viewer.wait_for (5);
  for (int i = 0; i < 3; ++i) {
    fail_unless_equals_int (viewer.pipeline ().set_state (GST_STATE_PAUSED),
        GST_STATE_CHANGE_NO_PREROLL);
    viewer.play ();
    viewer.wait_for (5);
  }
}
GST_END_TEST;

static Suite *
stream_suite ()
{
  Suite *suite = suite_create ("stream");
  TCase *tc = tcase_create ("general");
  suite_add_tcase (suite, tc);
  tcase_set_timeout (tc, 120);
  tcase_add_test (tc, test_picture_and_sound);
  tcase_add_test (tc, test_described_once);
  tcase_add_test (tc, test_video_comes_first);
  tcase_add_test (tc, test_description_has_what_players_need);
  tcase_add_test (tc, test_sender_reports_come_every_second);
  tcase_add_test (tc, test_eos_reaches_the_other_end);
  tcase_add_test (tc, test_a_file_is_streamed_live);
  tcase_add_test (tc, test_rtp_goes_through_as_it_is);
  tcase_add_test (tc, test_payload_types_do_not_collide);
  tcase_add_test (tc, test_rtp_that_cannot_be_told_apart);
  tcase_add_test (tc, test_codec_without_payloader);
  tcase_add_test (tc, test_payloader_of_the_users_choice);
  tcase_add_test (tc, test_a_silent_pad_does_not_hold_up_the_others);
  tcase_add_test (tc, test_pads_come_although_a_medium_is_silent);
  tcase_add_test (tc, test_pads_can_go_while_running);
  tcase_add_test (tc, test_the_viewer_can_stop_and_go);
  return suite;
}

GST_CHECK_MAIN (stream);
