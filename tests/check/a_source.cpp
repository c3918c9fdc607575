// A source in a process of its own, to be killed.
//
//   a_source PORT      prints the port it got when there is something to join
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstdio>
#include <cstdlib>

#include "loopback.hpp"

// For whoever waits for it (control thread).
static void
on_media_changed (GstSpreaditPeeringManager *manager)
{
  static bool said = false;
  if (said)
    return;
  said = true;
  guint port = 0;
  g_object_get (manager, "port", &port, nullptr);
  std::printf ("%u\n", port);
  std::fflush (stdout);
}

// None of gstcheck's: it fails tests, and this is none.
int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  const int port = argc > 1 ? std::atoi (argv[1]) : 0;
  GstElement *pipeline = gst_parse_launch (
      loopback::test_source ("", true, port).c_str (), nullptr);
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), "s");
  GstSpreaditPeeringManager *manager = nullptr;
  g_object_get (sink, "manager", &manager, nullptr);
  g_signal_connect (
      manager, "media-changed", G_CALLBACK (on_media_changed), nullptr);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);

  // Whoever forgets to kill it need not wait for long.
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message = gst_bus_timed_pop_filtered (
      bus, 3 * loopback::patience, GST_MESSAGE_ERROR);
  if (message)
    gst_message_unref (message);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (manager);
  gst_object_unref (sink);
  gst_object_unref (pipeline);
  return message ? 1 : 0;
}
