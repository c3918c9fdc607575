/* A peer without any element: joins a stream, relays it, counts what comes.
 *
 *   embed spreadit://source.example:8554/live [PACKETS]
 *
 * Built against the installed library:
 *   cc embed.c $(pkg-config --cflags --libs gstreamer-spreadit-1.0)
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include <stdlib.h>

#include <gst/spreadit/spreadit.h>

/* Signals come on the library's control thread, so only what is safe from any
 * thread is done here. */

static void
on_parent_changed (GstSpreaditPeeringManager *manager, const gchar *id,
    const gchar *address, guint level, gpointer user_data)
{
  g_print ("parent: %s at %s, we are on level %u\n", id, address, level);
}

static void
on_media_changed (
    GstSpreaditPeeringManager *manager, const gchar *sdp, gpointer user_data)
{
  g_print ("media:\n%s", sdp);
}

static void
on_unavailable (
    GstSpreaditPeeringManager *manager, const GError *error, gpointer user_data)
{
  g_printerr ("unavailable: %s\n", error->message);
  /* The loop in main() waits for packets that will not come. */
  gst_spreadit_peering_manager_set_flushing (manager, TRUE);
}

static void
on_ended (GstSpreaditPeeringManager *manager, gpointer user_data)
{
  g_print ("the source has ended the stream\n");
  gst_spreadit_peering_manager_set_flushing (manager, TRUE);
}

static gboolean
is_rtcp (GstBuffer *packet)
{
  guint8 header[2] = {0, 0};

  gst_buffer_extract (packet, 0, header, sizeof header);
  return header[1] >= 192 && header[1] <= 223; /* RFC 5761 */
}

int
main (int argc, char **argv)
{
  GstSpreaditPeeringManager *manager;
  GstBufferList *packets;
  GstStructure *stats;
  GError *error = NULL;
  guint64 wanted, rtp = 0, rtcp = 0;
  guint i;
  gchar *text;

  gst_init (&argc, &argv);
  if (argc < 2) {
    g_printerr ("usage: %s spreadit://HOST[:PORT]/PATH [PACKETS]\n", argv[0]);
    return 2;
  }
  wanted = argc > 2 ? g_ascii_strtoull (argv[2], NULL, 10) : 1000;

  manager = gst_spreadit_peering_manager_new ();
  g_object_set (manager, "uri", argv[1], "max-children", 2, NULL);
  g_signal_connect (
      manager, "parent-changed", G_CALLBACK (on_parent_changed), NULL);
  g_signal_connect (
      manager, "media-changed", G_CALLBACK (on_media_changed), NULL);
  g_signal_connect (manager, "unavailable", G_CALLBACK (on_unavailable), NULL);
  g_signal_connect (manager, "ended", G_CALLBACK (on_ended), NULL);

  if (!gst_spreadit_peering_manager_get_stream (manager, &error)) {
    g_printerr ("%s\n", error->message);
    g_error_free (error);
    gst_object_unref (manager);
    return 1;
  }

  /* pull() has passed the packets on to our children when it returns. */
  while (
      rtp < wanted && (packets = gst_spreadit_peering_manager_pull (manager))) {
    for (i = 0; i < gst_buffer_list_length (packets); ++i) {
      if (is_rtcp (gst_buffer_list_get (packets, i)))
        ++rtcp;
      else
        ++rtp;
    }
    gst_buffer_list_unref (packets);
  }
  g_print ("%" G_GUINT64_FORMAT " RTP packets, %" G_GUINT64_FORMAT " RTCP\n",
      rtp, rtcp);

  stats = gst_spreadit_peering_manager_get_stats (manager);
  text = gst_structure_to_string (stats);
  g_print ("%s\n", text);
  g_free (text);
  gst_structure_free (stats);

  /* Children would have to be fed meanwhile, by another thread that goes on
   * pulling. */
  gst_spreadit_peering_manager_leave_and_wait (manager, GST_SECOND);
  gst_spreadit_peering_manager_close (manager);
  gst_object_unref (manager);
  return rtp < wanted ? 1 : 0;
}
