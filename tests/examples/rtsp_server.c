/* An RTSP server that offers a SpreadIt stream to ordinary players.
 *
 *   rtsp_server spreadit://source.example:8554/live [PORT]
 *   ffplay rtsp://127.0.0.1:PORT/live
 *
 * Built against the installed library:
 *   cc rtsp_server.c \
 *       $(pkg-config --cflags --libs gstreamer-spreadit-rtsp-server-1.0)
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include <gst/rtsp-server/rtsp-server.h>
#include <gst/spreadit-rtsp-server/spreadit-rtsp-server.h>

/* On a thread of the factory; printing is fine there. */
static void
on_joined (GstSpreaditMediaFactory *factory, GstRTSPServer *server)
{
  g_print (
      "rtsp://127.0.0.1:%d/live\n", gst_rtsp_server_get_bound_port (server));
}

static void
on_left (
    GstSpreaditMediaFactory *factory, const GError *error, gpointer user_data)
{
  g_printerr ("left: %s\n", error ? error->message : "as asked to");
}

int
main (int argc, char **argv)
{
  GstRTSPServer *server;
  GstRTSPMountPoints *mounts;
  GstSpreaditMediaFactory *factory;
  GMainLoop *loop;

  gst_init (&argc, &argv);
  if (argc < 2) {
    g_printerr ("usage: %s spreadit://HOST[:PORT]/PATH [PORT]\n", argv[0]);
    return 2;
  }
  server = gst_rtsp_server_new ();
  gst_rtsp_server_set_address (server, "127.0.0.1");
  gst_rtsp_server_set_service (server, argc > 2 ? argv[2] : "8555");
  mounts = gst_rtsp_server_get_mount_points (server);

  factory = gst_spreadit_media_factory_new (argv[1]);
  gst_rtsp_mount_points_add_factory (
      mounts, "/live", GST_RTSP_MEDIA_FACTORY (factory));
  if (!gst_rtsp_server_attach (server, NULL)) {
    g_printerr ("cannot listen\n");
    return 1;
  }

  g_signal_connect (factory, "joined", G_CALLBACK (on_joined), server);
  g_signal_connect (factory, "left", G_CALLBACK (on_left), NULL);
  gst_spreadit_media_factory_join (factory);

  loop = g_main_loop_new (NULL, FALSE);
  g_main_loop_run (loop);
  return 0;
}
