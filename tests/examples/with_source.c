/* Runs a program while a test stream is being published, and ends as it does.
 *
 *   with_source PROGRAM [ARGUMENT...]     "URI" among them is the stream's
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include <string.h>

#include <gst/spreadit/spreadit.h>

#define TIMEOUT_SECONDS 30

static GMainLoop *loop;
static GPid child;
static int status = 1;

static gboolean
on_bus (GstBus *bus, GstMessage *message, gpointer user_data)
{
  GError *error = NULL;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    gst_message_parse_error (message, &error, NULL);
    g_printerr ("source: %s\n", error->message);
    g_error_free (error);
    g_main_loop_quit (loop);
  }
  return G_SOURCE_CONTINUE;
}

static void
on_exit_of_child (GPid pid, gint wait_status, gpointer user_data)
{
  GError *error = NULL;

  if (g_spawn_check_wait_status (wait_status, &error)) {
    status = 0;
  } else {
    g_printerr ("%s\n", error->message);
    g_error_free (error);
  }
  child = 0;
  g_main_loop_quit (loop);
}

static gboolean
on_timeout (gpointer user_data)
{
  g_printerr ("not done after %d s\n", TIMEOUT_SECONDS);
  g_main_loop_quit (loop);
  return G_SOURCE_REMOVE;
}

static gboolean
run_program (gpointer user_data)
{
  gchar **arguments = user_data;
  GError *error = NULL;

  if (!g_spawn_async (NULL, arguments, NULL,
          G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH, NULL, NULL, &child,
          &error)) {
    g_printerr ("%s\n", error->message);
    g_error_free (error);
    g_main_loop_quit (loop);
    return G_SOURCE_REMOVE;
  }
  g_child_watch_add (child, on_exit_of_child, NULL);
  return G_SOURCE_REMOVE;
}

/* Now that there is something to join (control thread). */
static void
on_media_changed (
    GstSpreaditPeeringManager *manager, const gchar *sdp, gpointer user_data)
{
  static gsize once = 0;
  gchar **arguments = user_data;
  guint port = 0;
  guint i;

  if (!g_once_init_enter (&once))
    return;
  g_once_init_leave (&once, 1);
  g_object_get (manager, "port", &port, NULL);
  for (i = 0; arguments[i]; ++i) {
    if (strcmp (arguments[i], "URI") != 0)
      continue;
    g_free (arguments[i]);
    arguments[i] = g_strdup_printf ("spreadit://127.0.0.1:%u/live", port);
  }
  g_idle_add (run_program, arguments);
}

int
main (int argc, char **argv)
{
  GstElement *pipeline, *sink;
  GstSpreaditPeeringManager *manager;
  GstBus *bus;
  gchar **arguments;
  GError *error = NULL;

  gst_init (&argc, &argv);
  if (argc < 2)
    return 2;
  arguments = g_strdupv (argv + 1);
  loop = g_main_loop_new (NULL, FALSE);
  pipeline = gst_parse_launch (
      "audiotestsrc is-live=true samplesperbuffer=160 !"
      " audio/x-raw,rate=8000,channels=1 ! mulawenc !"
      " spreaditsink name=sink uri=spreadit://127.0.0.1:0/live",
      &error);
  if (error) {
    g_printerr ("%s\n", error->message);
    return 1;
  }
  bus = gst_element_get_bus (pipeline);
  gst_bus_add_watch (bus, on_bus, NULL);
  sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_object_get (sink, "manager", &manager, NULL);
  g_signal_connect (
      manager, "media-changed", G_CALLBACK (on_media_changed), arguments);
  g_timeout_add_seconds (TIMEOUT_SECONDS, on_timeout, NULL);

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_main_loop_run (loop);

  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_bus_remove_watch (bus);
  gst_object_unref (bus);
  gst_object_unref (sink);
  gst_object_unref (manager);
  gst_object_unref (pipeline);
  g_main_loop_unref (loop);
  g_strfreev (arguments);
  return status;
}
