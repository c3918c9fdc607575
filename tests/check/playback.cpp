// spreadit:// in what applications play with.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <string>

#include <gst/pbutils/pbutils.h>

#include "loopback.hpp"

using namespace loopback;

namespace {

constexpr unsigned enough = 30;

// Until both sinks have had that many decoded buffers.
void
expect_decoded (Pipeline &pipeline, bool is_playbin = false)
{
  GstElement *video = nullptr, *audio = nullptr;
  if (is_playbin)
    g_object_get (
        pipeline["p"], "video-sink", &video, "audio-sink", &audio, nullptr);
  else {
    video = GST_ELEMENT (gst_object_ref (pipeline["video"]));
    audio = GST_ELEMENT (gst_object_ref (pipeline["audio"]));
  }
  {
    Tap picture (video, "sink");
    Tap sound (audio, "sink");
    pipeline.play ();
    picture.wait_for (enough);
    sound.wait_for (enough);
    pipeline.set_state (GST_STATE_READY);
  }
  gst_object_unref (video);
  gst_object_unref (audio);
}

const std::string sinks =
    " d. ! video/x-raw ! queue ! fakesink name=video sync=true"
    " d. ! audio/x-raw ! queue ! fakesink name=audio sync=true";

void
expect_playbin (const char *playbin)
{
  TestSource source;
  Pipeline player (std::string (playbin) + " name=p uri=" + source.uri () +
                   " video-sink=\"fakesink sync=true\""
                   " audio-sink=\"fakesink sync=true\"");
  expect_decoded (player, true);
}

} // namespace

GST_START_TEST (test_decodebin)
{
  TestSource source ("", false);
  Pipeline player ("spreaditsrc uri=" + source.uri () +
                   " ! decodebin ! fakesink name=video sync=true");
  Tap picture (player["video"], "sink");
  player.play ();
  picture.wait_for (enough);
  player.set_state (GST_STATE_NULL);
}
GST_END_TEST;

GST_START_TEST (test_uridecodebin)
{
  TestSource source;
  Pipeline player ("uridecodebin name=d uri=" + source.uri () + sinks);
  expect_decoded (player);
}
GST_END_TEST;

GST_START_TEST (test_uridecodebin3)
{
  TestSource source;
  Pipeline player ("uridecodebin3 name=d uri=" + source.uri () + sinks);
  expect_decoded (player);
}
GST_END_TEST;

GST_START_TEST (test_playbin)
{
  expect_playbin ("playbin");
}
GST_END_TEST;

GST_START_TEST (test_playbin3)
{
  expect_playbin ("playbin3");
}
GST_END_TEST;

GST_START_TEST (test_the_latency_is_known_to_the_pipeline)
{
  TestSource source ("", false);
  Pipeline player ("spreaditsrc latency=321 uri=" + source.uri () +
                   " ! decodebin ! fakesink name=video sync=true");
  Tap picture (player["video"], "sink");
  player.play ();
  picture.wait_for (5);
  GstQuery *query = gst_query_new_latency ();
  fail_unless (gst_element_query (player.get (), query));
  gboolean live = FALSE;
  GstClockTime min = 0, max = 0;
  gst_query_parse_latency (query, &live, &min, &max);
  gst_query_unref (query);
  fail_unless (live);
  fail_unless (
      min >= 321 * GST_MSECOND, "%" GST_TIME_FORMAT, GST_TIME_ARGS (min));
  fail_unless (min <= max);
  player.set_state (GST_STATE_NULL);
}
GST_END_TEST;

GST_START_TEST (test_discoverer)
{
  TestSource source;
  GError *error = nullptr;
  GstDiscoverer *discoverer = gst_discoverer_new (15 * GST_SECOND, &error);
  fail_unless (discoverer, "%s", error ? error->message : "");
  GstDiscovererInfo *info =
      gst_discoverer_discover_uri (discoverer, source.uri ().c_str (), &error);
  fail_if (error, "%s", error ? error->message : "");
  fail_unless_equals_int (
      gst_discoverer_info_get_result (info), GST_DISCOVERER_OK);
  fail_unless (gst_discoverer_info_get_live (info));
  fail_if (gst_discoverer_info_get_seekable (info));
  GList *video = gst_discoverer_info_get_video_streams (info);
  GList *audio = gst_discoverer_info_get_audio_streams (info);
  fail_unless_equals_int (g_list_length (video), 1);
  fail_unless_equals_int (g_list_length (audio), 1);
  fail_unless_equals_int (gst_discoverer_video_info_get_width (
                              GST_DISCOVERER_VIDEO_INFO (video->data)),
      160);
  gst_discoverer_stream_info_list_free (video);
  gst_discoverer_stream_info_list_free (audio);
  gst_discoverer_info_unref (info);
  g_object_unref (discoverer);
}
GST_END_TEST;

static Suite *
playback_suite ()
{
  Suite *suite = suite_create ("playback");
  TCase *tc = tcase_create ("general");
  suite_add_tcase (suite, tc);
  tcase_set_timeout (tc, 120);
  tcase_add_test (tc, test_decodebin);
  tcase_add_test (tc, test_uridecodebin);
  tcase_add_test (tc, test_uridecodebin3);
  tcase_add_test (tc, test_playbin);
  tcase_add_test (tc, test_playbin3);
  tcase_add_test (tc, test_the_latency_is_known_to_the_pipeline);
  tcase_add_test (tc, test_discoverer);
  return suite;
}

GST_CHECK_MAIN (playback);
