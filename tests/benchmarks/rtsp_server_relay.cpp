// gst-rtsp-server as a relay, at its cheapest: what comes in goes out, payload
// and header untouched.
//
//   rtsp-server-relay UDP_PORT RTSP_PORT
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <string>

#include <gst/rtsp-server/rtsp-server.h>

int
main (int argc, char **argv)
{
  if (argc != 3)
    return 2;
  gst_init (nullptr, nullptr);
  GstRTSPServer *server = gst_rtsp_server_new ();
  gst_rtsp_server_set_address (server, "127.0.0.1");
  gst_rtsp_server_set_service (server, argv[2]);
  gst_rtsp_server_set_backlog (server, 128);
  GstRTSPMediaFactory *factory = gst_rtsp_media_factory_new ();
  const std::string launch =
      "( udpsrc address=127.0.0.1 buffer-size=8388608 port=" +
      std::string (argv[1]) +
      " caps=application/x-rtp,media=video,clock-rate=90000,"
      "encoding-name=H264,payload=96 ! identity name=pay0 )";
  gst_rtsp_media_factory_set_launch (factory, launch.c_str ());
  gst_rtsp_media_factory_set_shared (factory, TRUE);
  GstRTSPMountPoints *mounts = gst_rtsp_server_get_mount_points (server);
  gst_rtsp_mount_points_add_factory (mounts, "/live", factory);
  g_object_unref (mounts);
  if (!gst_rtsp_server_attach (server, nullptr))
    return 1;
  g_main_loop_run (g_main_loop_new (nullptr, FALSE));
}
