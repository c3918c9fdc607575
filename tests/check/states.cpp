// State changes, above all those that cannot succeed: each ends in a bounded
// time with an error that says why.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstring>
#include <string>

#include "loopback.hpp"

using namespace loopback;

namespace {

std::string
spreadit (int port)
{
  return "spreadit://127.0.0.1:" + std::to_string (port) + "/live";
}

void
expect_failure (const std::string &description, gint code, const char *part)
{
  Pipeline pipeline (description);
  fail_unless_equals_int (
      pipeline.set_state (GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  GError *error = pipeline.wait_error ();
  fail_unless (g_error_matches (error, GST_RESOURCE_ERROR, code), "%s: %s",
      g_quark_to_string (error->domain), error->message);
  fail_unless (std::strstr (error->message, part), "%s", error->message);
  g_error_free (error);
}

// Begins well and is over soon.
GError *
failure_of (const std::string &description)
{
  Pipeline pipeline (description);
  fail_unless_equals_int (
      pipeline.set_state (GST_STATE_PAUSED), GST_STATE_CHANGE_NO_PREROLL);
  pipeline.set_state (GST_STATE_PLAYING);
  return pipeline.wait_error ();
}

void
expect_unavailable (const std::string &uri, gint code)
{
  for (const char *element : {"spreaditsrc", "spreaditrelay"}) {
    GError *error = failure_of (std::string (element) + " uri=" + uri);
    fail_unless (g_error_matches (error, GST_RESOURCE_ERROR, code),
        "%s of %s %d: %s", element, g_quark_to_string (error->domain),
        error->code, error->message);
    fail_if (std::strchr (error->message, '\n'));
    g_error_free (error);
  }
}

} // namespace

GST_START_TEST (test_bad_uri)
{
  for (const char *element : {"spreaditsrc", "spreaditrelay", "spreaditsink",
           "spreaditintake ! fakesink"}) {
    expect_failure (element, GST_RESOURCE_ERROR_SETTINGS, "URI");
    std::string with = element;
    with.insert (
        with.find (' ') == std::string::npos ? with.size () : with.find (' '),
        " uri=http://127.0.0.1/live");
    expect_failure (with, GST_RESOURCE_ERROR_SETTINGS, "URI");
  }
}
GST_END_TEST;

GST_START_TEST (test_uri_cannot_change_while_running)
{
  TestSource source ("", false);
  Pipeline viewer ("spreaditsrc name=v uri=" + source.uri ());
  viewer.play ();
  GError *error = nullptr;
  fail_if (gst_uri_handler_set_uri (
      GST_URI_HANDLER (viewer["v"]), "spreadit://127.0.0.1:1/x", &error));
  fail_unless (g_error_matches (error, GST_URI_ERROR, GST_URI_ERROR_BAD_STATE));
  g_error_free (error);
  viewer.set_state (GST_STATE_READY);
  fail_unless (gst_uri_handler_set_uri (
      GST_URI_HANDLER (viewer["v"]), "spreadit://127.0.0.1:1/x", nullptr));
}
GST_END_TEST;

GST_START_TEST (test_port_in_use)
{
  BusyPort busy;
  const std::string address = "127.0.0.1:" + std::to_string (busy.port ());
  expect_failure ("spreaditsink uri=" + spreadit (busy.port ()),
      GST_RESOURCE_ERROR_BUSY, "");
  expect_failure (
      "spreaditrelay uri=spreadit://127.0.0.1:9/x listen-address=" + address,
      GST_RESOURCE_ERROR_BUSY, "");
}
GST_END_TEST;

// The next try finds the port free.
GST_START_TEST (test_a_failed_start_leaves_nothing_behind)
{
  BusyPort busy;
  Pipeline pipeline ("spreaditsink name=s uri=" + spreadit (busy.port ()));
  fail_unless_equals_int (
      pipeline.set_state (GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  pipeline.set_state (GST_STATE_NULL);
  busy.release ();
  for (int i = 0; i < 3; ++i) {
    fail_unless_equals_int (
        pipeline.set_state (GST_STATE_PLAYING), GST_STATE_CHANGE_SUCCESS);
    guint port = 0;
    g_object_get (pipeline.manager ("s"), "port", &port, nullptr);
    fail_unless_equals_int (port, busy.port ());
    fail_unless_equals_int (
        pipeline.set_state (GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
  }
}
GST_END_TEST;

GST_START_TEST (test_nobody_answers)
{
  BusyPort port;
  port.release ();
  expect_unavailable (spreadit (port.port ()), GST_RESOURCE_ERROR_OPEN_READ);
}
GST_END_TEST;

GST_START_TEST (test_no_such_stream)
{
  TestSource source ("", false);
  std::string uri = source.uri ();
  expect_unavailable (
      uri.replace (uri.rfind ('/'), std::string::npos, "/other"),
      GST_RESOURCE_ERROR_NOT_FOUND);
}
GST_END_TEST;

GST_START_TEST (test_a_server_that_is_not_spreadit)
{
  const char *answers[] = {
      // RTSP that ignores Require, as some servers do
      "RTSP/1.0 200 OK\r\nCSeq: CSEQ\r\nSession: 1\r\n\r\n",
      ("RTSP/1.0 551 Option not supported\r\nCSeq: CSEQ\r\n"
       "Unsupported: org.spreadit.1\r\n\r\n"),
      "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
      "\x01\x02\x03 no protocol at all\r\n\r\n",
  };
  for (const char *answer : answers) {
    FakeServer server (answer);
    expect_unavailable (
        spreadit (server.port ()), GST_RESOURCE_ERROR_OPEN_READ);
  }
}
GST_END_TEST;

// Says nothing at all: the error comes all the same, and giving up meanwhile
// takes no time.
GST_START_TEST (test_a_server_that_is_silent)
{
  BusyPort silent; // the backlog takes the connection
  Pipeline viewer ("spreaditsrc uri=" + spreadit (silent.port ()));
  viewer.play ();
  const gint64 begin = g_get_monotonic_time ();
  fail_unless_equals_int (
      viewer.set_state (GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
  const gint64 took = g_get_monotonic_time () - begin;
  fail_unless (took < 2 * G_TIME_SPAN_SECOND,
      "%" G_GINT64_FORMAT " us to give up", took);
}
GST_END_TEST;

// No pad, or pads that get nothing: nothing to wait for.
GST_START_TEST (test_a_sink_without_data_changes_state)
{
  Pipeline none ("spreaditsink uri=spreadit://127.0.0.1:0/live");
  Pipeline silent ("spreaditsink name=s uri=spreadit://127.0.0.1:0/live "
                   "appsrc ! s. appsrc ! queue ! s.");
  for (Pipeline *pipeline : {&none, &silent}) {
    for (const GstState state :
        {GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_PLAYING, GST_STATE_PAUSED,
            GST_STATE_READY, GST_STATE_PLAYING, GST_STATE_NULL}) {
      fail_if (pipeline->set_state (state) == GST_STATE_CHANGE_FAILURE);
      fail_unless (gst_element_get_state (pipeline->get (), nullptr, nullptr,
                       patience) != GST_STATE_CHANGE_ASYNC);
    }
  }
}
GST_END_TEST;

GST_START_TEST (test_no_preroll_both_ways)
{
  TestSource source ("", false);
  for (const char *element : {"spreaditsrc", "spreaditrelay"}) {
    Pipeline peer (std::string (element) + " uri=" + source.uri ());
    fail_unless_equals_int (
        peer.set_state (GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
    for (int i = 0; i < 3; ++i) {
      fail_unless_equals_int (
          peer.set_state (GST_STATE_PAUSED), GST_STATE_CHANGE_NO_PREROLL);
      fail_unless_equals_int (
          peer.set_state (GST_STATE_PLAYING), GST_STATE_CHANGE_SUCCESS);
    }
    fail_unless_equals_int (
        peer.set_state (GST_STATE_PAUSED), GST_STATE_CHANGE_NO_PREROLL);
  }
}
GST_END_TEST;

GST_START_TEST (test_progress_of_joining)
{
  TestSource source ("", false);
  Pipeline viewer ("spreaditsrc uri=" + source.uri ());
  viewer.play ();
  for (const GstProgressType wanted :
      {GST_PROGRESS_TYPE_START, GST_PROGRESS_TYPE_COMPLETE})
    gst_message_unref (viewer.wait ("progress", [wanted] (GstMessage *message) {
      GstProgressType type;
      if (GST_MESSAGE_TYPE (message) != GST_MESSAGE_PROGRESS)
        return false;
      gst_message_parse_progress (message, &type, nullptr, nullptr);
      return type == wanted;
    }));
  GstStructure *found = viewer.wait_element_message ("spreadit-parent-changed");
  guint level = 0;
  fail_unless (gst_structure_get_uint (found, "level", &level));
  fail_unless_equals_int (level, 1);
  fail_unless_equals_int (
      std::strlen (gst_structure_get_string (found, "id")), 32);
  fail_unless (gst_structure_get_string (found, "address"));
  gst_structure_free (found);
}
GST_END_TEST;

static Suite *
states_suite ()
{
  Suite *suite = suite_create ("states");
  TCase *tc = tcase_create ("general");
  suite_add_tcase (suite, tc);
  tcase_set_timeout (tc, 120);
  tcase_add_test (tc, test_bad_uri);
  tcase_add_test (tc, test_uri_cannot_change_while_running);
  tcase_add_test (tc, test_port_in_use);
  tcase_add_test (tc, test_a_failed_start_leaves_nothing_behind);
  tcase_add_test (tc, test_nobody_answers);
  tcase_add_test (tc, test_no_such_stream);
  tcase_add_test (tc, test_a_server_that_is_not_spreadit);
  tcase_add_test (tc, test_a_server_that_is_silent);
  tcase_add_test (tc, test_a_sink_without_data_changes_state);
  tcase_add_test (tc, test_no_preroll_both_ways);
  tcase_add_test (tc, test_progress_of_joining);
  return suite;
}

GST_CHECK_MAIN (states);
