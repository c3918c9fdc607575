// An unmodified rtspsrc, each medium decoded, whose status says how it went.
// gst-launch-1.0 cannot: it links pads that come up in two threads at once, of
// which it at times loses one ("Delayed linking failed") and then waits for
// ever; and it takes for its status an error that rtspsrc (1.22) posts when its
// own shutting down interrupts the PAUSE that it sends then.
//
//   rtsp-player [--protocols=udp|tcp] [--unverified] [--latency=MS]
//               [--buffers=N] [--checksums] URL
//
// Says "video plays", "audio plays" as soon as it is so, and ends when it has N
// decoded buffers of each medium, or with the stream. With --unverified any TLS
// certificate will do; --checksums is a line for each picture, its time and the
// MD5 of it as I420.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <atomic>
#include <cstdio>
#include <string>

#include <gst/gst.h>

namespace {

struct Player {
  GstElement *pipeline;
  GMainLoop *loop;
  int buffers; // of each medium; 0 is all there are
  bool checksums;
  // Branches that are to end, and one more until rtspsrc has named the last.
  std::atomic<int> awaited{1};
  int status = 0;
};

struct Branch {
  Player &player;
  std::string medium;
  int buffers = 0;
  bool ended = false;
};

void
one_less_awaited (Player &player)
{
  if (--player.awaited == 0)
    g_main_loop_quit (player.loop);
}

// In the thread of this medium only.
GstPadProbeReturn
on_decoded (GstPad *, GstPadProbeInfo *info, gpointer data)
{
  auto &branch = *static_cast<Branch *> (data);
  if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) != 0) {
    if (branch.buffers++ == 0) {
      std::printf ("%s plays\n", branch.medium.c_str ());
      std::fflush (stdout);
    }
  } else if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) !=
             GST_EVENT_EOS) {
    return GST_PAD_PROBE_OK;
  }
  const bool enough = (info->type & GST_PAD_PROBE_TYPE_BUFFER) == 0 ||
                      branch.buffers == branch.player.buffers;
  if (enough && !branch.ended) {
    branch.ended = true;
    one_less_awaited (branch.player);
  }
  return GST_PAD_PROBE_OK;
}

GstElement *
add (Player &player, const char *factory)
{
  GstElement *element = gst_element_factory_make (factory, nullptr);
  if (element == nullptr)
    g_error ("no element %s", factory);
  gst_bin_add (GST_BIN (player.pipeline), element);
  return element;
}

GstElement *
add_checksums (Player &player)
{
  GstElement *bin = gst_parse_bin_from_description (
      "videoconvert ! video/x-raw,format=I420 ! checksumsink hash=md5 "
      "sync=false",
      TRUE, nullptr);
  if (bin == nullptr)
    g_error ("no videoconvert or no checksumsink");
  gst_bin_add (GST_BIN (player.pipeline), bin);
  return bin;
}

void
on_decoder_pad (GstElement *, GstPad *pad, gpointer data)
{
  auto *branch = static_cast<Branch *> (data);
  GstElement *sink = branch->player.checksums && branch->medium == "video"
                         ? add_checksums (branch->player)
                         : add (branch->player, "fakesink");
  GstPad *end = gst_element_get_static_pad (sink, "sink");
  gst_pad_add_probe (end,
      static_cast<GstPadProbeType> (
          GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
      on_decoded, branch, nullptr);
  gst_element_sync_state_with_parent (sink);
  gst_pad_link (pad, end);
  gst_object_unref (end);
}

void
on_medium (GstElement *, GstPad *pad, gpointer data)
{
  auto &player = *static_cast<Player *> (data);
  GstCaps *caps = gst_pad_query_caps (pad, nullptr);
  const char *medium =
      gst_structure_get_string (gst_caps_get_structure (caps, 0), "media");
  ++player.awaited;
  auto *branch = new Branch{player, medium != nullptr ? medium : "unknown"};
  gst_caps_unref (caps);
  GstElement *decoder = add (player, "decodebin");
  // Is there as long as the pipeline is.
  g_object_set_data_full (G_OBJECT (decoder), "branch", branch,
      [] (gpointer gone) { delete static_cast<Branch *> (gone); });
  g_signal_connect (decoder, "pad-added", G_CALLBACK (on_decoder_pad), branch);
  gst_element_sync_state_with_parent (decoder);
  GstPad *entry = gst_element_get_static_pad (decoder, "sink");
  gst_pad_link (pad, entry);
  gst_object_unref (entry);
}

void
on_all_media (GstElement *, gpointer data)
{
  one_less_awaited (*static_cast<Player *> (data));
}

gboolean
on_message (GstBus *, GstMessage *message, gpointer data)
{
  auto &player = *static_cast<Player *> (data);
  if (GST_MESSAGE_TYPE (message) != GST_MESSAGE_ERROR)
    return G_SOURCE_CONTINUE;
  GError *error = nullptr;
  gchar *details = nullptr;
  gst_message_parse_error (message, &error, &details);
  std::printf (
      "ERROR: %s\n%s\n", error->message, details != nullptr ? details : "");
  g_error_free (error);
  g_free (details);
  player.status = 1;
  g_main_loop_quit (player.loop);
  return G_SOURCE_CONTINUE;
}

} // namespace

int
main (int argc, char **argv)
{
  gchar *protocols = nullptr;
  gboolean unverified = FALSE;
  gint buffers = 0, latency = 200;
  gboolean checksums = FALSE;
  const GOptionEntry options[] = {
      {"protocols", 0, 0, G_OPTION_ARG_STRING, &protocols, nullptr, nullptr},
      {"unverified", 0, 0, G_OPTION_ARG_NONE, &unverified, nullptr, nullptr},
      {"latency", 0, 0, G_OPTION_ARG_INT, &latency, nullptr, nullptr},
      {"checksums", 0, 0, G_OPTION_ARG_NONE, &checksums, nullptr, nullptr},
      {"buffers", 0, 0, G_OPTION_ARG_INT, &buffers, nullptr, nullptr}, {}};
  GOptionContext *context = g_option_context_new ("URL");
  g_option_context_add_main_entries (context, options, nullptr);
  g_option_context_add_group (context, gst_init_get_option_group ());
  GError *error = nullptr;
  const bool understood =
      g_option_context_parse (context, &argc, &argv, &error) != FALSE;
  g_option_context_free (context);
  if (!understood || argc != 2) {
    std::printf ("%s\n", error != nullptr ? error->message : "which URL?");
    g_clear_error (&error);
    return 2;
  }

  Player player{gst_pipeline_new (nullptr), g_main_loop_new (nullptr, FALSE),
      buffers, checksums != FALSE};
  GstElement *source = add (player, "rtspsrc");
  g_object_set (source, "location", argv[1], "latency", latency, nullptr);
  if (unverified)
    g_object_set (source, "tls-validation-flags", 0, nullptr);
  if (protocols != nullptr)
    gst_util_set_object_arg (G_OBJECT (source), "protocols", protocols);
  g_signal_connect (source, "pad-added", G_CALLBACK (on_medium), &player);
  g_signal_connect (source, "no-more-pads", G_CALLBACK (on_all_media), &player);
  GstBus *bus = gst_element_get_bus (player.pipeline);
  const guint watch = gst_bus_add_watch (bus, on_message, &player);
  gst_object_unref (bus);
  gst_element_set_state (player.pipeline, GST_STATE_PLAYING);
  g_main_loop_run (player.loop);

  g_source_remove (watch); // what it says from now on is of no interest
  gst_element_set_state (player.pipeline, GST_STATE_NULL);
  gst_object_unref (player.pipeline);
  g_main_loop_unref (player.loop);
  g_free (protocols);
  return player.status;
}
