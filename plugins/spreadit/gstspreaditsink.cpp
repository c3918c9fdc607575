// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-spreaditsink
 * @title: spreaditsink
 * @see_also: spreaditsrc, spreaditrelay
 *
 * The source of a stream that is passed on from peer to peer: the root of the
 * tree. Other peers join at `spreadit://HOST:PORT/PATH` with #spreaditsrc,
 * unmodified players at the same address with `rtsp://`.
 *
 * Each request pad is one medium. It takes any elementary stream that a
 * payloader is installed for, which is then chosen by caps and rank, or
 * `application/x-rtp` that has been made elsewhere and goes out as it is. A
 * payloader with other settings, or another one, can be set on the pad, which
 * is reached by the #GstChildProxy interface under its name. Payload types have
 * to be distinct; those that are given here count from 96, so RTP made
 * elsewhere had better have one from the other end, 127, in the same stream.
 *
 * Packets leave at their running time, so a file is streamed live. There is no
 * preroll: what is sent before anybody listens is not worth waiting for, a pad
 * that never gets data would hold up the others for ever, and a live source
 * upstream would not preroll anyway. The change to PAUSED therefore succeeds at
 * once. The address is taken and listened on from READY to PAUSED on; joining
 * peers are asked to come back until the first packet of every pad has been
 * seen, because what is in the stream is not known before. Five seconds after
 * the first pad had a packet, the stream is published without those that had
 * none; should one come, it is added.
 *
 * At EOS on all pads every peer is told (RTCP BYE, and on the control
 * connections), and EOS is posted on the bus.
 *
 * ## HTTP
 *
 * With `http-address=[HOST:]PORT` the node serves a live page, JSON, Prometheus
 * metrics and a WebSocket from READY to PAUSED until it leaves, as
 * `gst-spreadit-relay --http` does (docs/openapi.yaml). It is for the loopback
 * unless HOST is another address; the element message `spreadit-http` has its
 * `url` (string). What serves it is loaded then and not before,
 * for it uses libsoup 3: where libsoup 2 is in the process already it is an
 * error, and libsoup 2 must not be loaded after it.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 filesrc location=clip.mp4 ! qtdemux name=d \
 *     spreaditsink name=s uri=spreadit://0.0.0.0:8554/live \
 *     d.video_0 ! queue ! h264parse ! s.   d.audio_0 ! queue ! aacparse ! s.
 * ]|
 * A file. Demuxers need a queue on each of their pads.
 * |[
 * gst-launch-1.0 videotestsrc is-live=true ! x264enc tune=zerolatency \
 *     key-int-max=60 ! spreaditsink uri=spreadit://0.0.0.0:8554/test \
 *     sink_0::payloader="rtph264pay config-interval=1 mtu=1000"
 * ]|
 * A live source with a payloader of the user's choice.
 *
 * Since: 1.0
 */

#include "gstspreaditsink.h"

#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "gstspreaditelements.h"
#include "gstspreaditfanout.h"
#include "gstspreaditsession.h"
#include "gstspreaditsinkpad.h"
#include "owned.hpp"
#include "payloaders.hpp"
#include "sink_streams.hpp"

GST_DEBUG_CATEGORY (gst_spreadit_sink_debug);
#define GST_CAT_DEFAULT gst_spreadit_sink_debug

using namespace spreadit;

namespace {

enum { PROP_0, PROP_MANAGER, PROP_SESSION };

struct Private {
  GstSpreaditSession *session = nullptr; // owned
  GstElement *fanout = nullptr;          // owned by the bin
  std::unique_ptr<SinkStreams> streams;
  std::mutex lock; // guards what follows
  Owned<GstCaps> accepted;

  ~Private ()
  {
    streams.reset ();
    gst_spreadit_session_free (session);
  }

  // The registry is looked through once an element.
  GstCaps *accepted_caps ()
  {
    const std::lock_guard guard (lock);
    if (!accepted)
      accepted = payloadable_caps ();
    return gst_caps_ref (accepted.get ());
  }
};

GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink_%u", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS_ANY);

void child_proxy_init (gpointer iface, gpointer) noexcept;

} // namespace

struct _GstSpreaditSink {
  GstBin parent;
  Private *priv; // owned: new in init, delete in finalize
};

G_DEFINE_TYPE_WITH_CODE (GstSpreaditSink, gst_spreadit_sink, GST_TYPE_BIN,
    G_IMPLEMENT_INTERFACE (GST_TYPE_CHILD_PROXY, child_proxy_init)
        GST_DEBUG_CATEGORY_INIT (
            gst_spreadit_sink_debug, "spreaditsink", 0, "SpreadIt sink"))
GST_ELEMENT_REGISTER_DEFINE (
    spreaditsink, "spreaditsink", GST_RANK_NONE, GST_TYPE_SPREADIT_SINK)

namespace {

// Pads as children: sink_0::payloader.

guint
get_children_count (GstChildProxy *proxy) noexcept
{
  GST_OBJECT_LOCK (proxy);
  const guint n = GST_ELEMENT (proxy)->numsinkpads;
  GST_OBJECT_UNLOCK (proxy);
  return n;
}

GObject *
get_child_by_index (GstChildProxy *proxy, guint index) noexcept
{
  GST_OBJECT_LOCK (proxy);
  gpointer pad = g_list_nth_data (GST_ELEMENT (proxy)->sinkpads, index);
  GObject *child = pad ? G_OBJECT (gst_object_ref (pad)) : nullptr;
  GST_OBJECT_UNLOCK (proxy);
  return child;
}

GObject *
get_child_by_name (GstChildProxy *proxy, const gchar *name) noexcept
{
  GstPad *pad = gst_element_get_static_pad (GST_ELEMENT (proxy), name);
  return pad ? G_OBJECT (pad) : nullptr;
}

void
child_proxy_init (gpointer data, gpointer) noexcept
{
  auto *iface = static_cast<GstChildProxyInterface *> (data);
  iface->get_children_count = get_children_count;
  iface->get_child_by_index = get_child_by_index;
  iface->get_child_by_name = get_child_by_name;
}

// Pads.

gboolean
sink_event (GstPad *pad, GstObject *parent, GstEvent *event) noexcept
{
  SinkStreams &streams = *GST_SPREADIT_SINK (parent)->priv->streams;
  const Owned<GstPad> target (gst_ghost_pad_get_target (GST_GHOST_PAD (pad)));
  if (!target && GST_EVENT_TYPE (event) == GST_EVENT_CAPS) {
    GstCaps *caps = nullptr;
    gst_event_parse_caps (event, &caps);
    if (!streams.set_caps (GST_SPREADIT_SINK_PAD (pad), caps)) {
      gst_event_unref (event);
      return FALSE;
    }
  } else if (!target && GST_EVENT_TYPE (event) == GST_EVENT_EOS) {
    streams.end_without_caps (GST_SPREADIT_SINK_PAD (pad));
  }
  return gst_pad_event_default (pad, parent, event);
}

// None when the name is taken, or no name of a sink pad.
std::optional<unsigned>
free_index (GstElement *element, const gchar *wanted)
{
  if (wanted) {
    guint64 index = 0;
    if (!g_str_has_prefix (wanted, "sink_") ||
        !g_ascii_string_to_unsigned (
            wanted + 5, 10, 0, G_MAXINT, &index, nullptr))
      return std::nullopt;
    const Owned<GstPad> taken (gst_element_get_static_pad (element, wanted));
    return taken ? std::nullopt : std::optional<unsigned> (index);
  }
  for (unsigned index = 0;; ++index) {
    const std::string name = "sink_" + std::to_string (index);
    const Owned<GstPad> taken (
        gst_element_get_static_pad (element, name.c_str ()));
    if (!taken)
      return index;
  }
}

GstPad *
request_new_pad (GstElement *element, GstPadTemplate *templ,
    const gchar *wanted, const GstCaps *) noexcept
{
  Private &priv = *GST_SPREADIT_SINK (element)->priv;
  const auto index = free_index (
      element, wanted && !std::strchr (wanted, '%') ? wanted : nullptr);
  if (!index) {
    GST_WARNING_OBJECT (element, "there cannot be a pad %s", wanted);
    return nullptr;
  }
  const std::string name = "sink_" + std::to_string (*index);
  auto *pad = static_cast<GstPad *> (
      g_object_new (GST_TYPE_SPREADIT_SINK_PAD, "name", name.c_str (),
          "direction", GST_PAD_SINK, "template", templ, nullptr));
  gst_spreadit_sink_pad_set_template_caps (
      GST_SPREADIT_SINK_PAD (pad), priv.accepted_caps ());
  gst_pad_set_event_function (pad, sink_event);
  priv.streams->add (*index, GST_SPREADIT_SINK_PAD (pad));
  gst_pad_set_active (pad, TRUE);
  gst_element_add_pad (element, pad);
  gst_child_proxy_child_added (
      GST_CHILD_PROXY (element), G_OBJECT (pad), GST_PAD_NAME (pad));
  return pad;
}

void
release_pad (GstElement *element, GstPad *pad) noexcept
{
  Private &priv = *GST_SPREADIT_SINK (element)->priv;
  gst_child_proxy_child_removed (
      GST_CHILD_PROXY (element), G_OBJECT (pad), GST_PAD_NAME (pad));
  priv.streams->remove (GST_SPREADIT_SINK_PAD (pad));
  gst_pad_set_active (pad, FALSE);
  gst_element_remove_pad (element, pad);
}

// The bin.

// EOS of the fan-out: everything is on its way. From here on peers that lose
// us must not look for another way to us.
void
handle_message (GstBin *bin, GstMessage *message) noexcept
{
  Private &priv = *GST_SPREADIT_SINK (bin)->priv;
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS &&
      GST_MESSAGE_SRC (message) == GST_OBJECT (priv.fanout))
    gst_spreadit_session_leave (priv.session);
  GST_BIN_CLASS (gst_spreadit_sink_parent_class)->handle_message (bin, message);
}

GstStateChangeReturn
change_state (GstElement *element, GstStateChange transition) noexcept
{
  Private &priv = *GST_SPREADIT_SINK (element)->priv;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !priv.streams->start ())
    return GST_STATE_CHANGE_FAILURE;
  const auto result = gst_spreadit_session_change_state (priv.session,
      GST_ELEMENT_CLASS (gst_spreadit_sink_parent_class), transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY ||
      (transition == GST_STATE_CHANGE_READY_TO_PAUSED &&
          result == GST_STATE_CHANGE_FAILURE))
    priv.streams->stop ();
  return result;
}

void
set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec) noexcept
{
  if (id >= PROP_SESSION)
    gst_spreadit_session_set_property (
        GST_SPREADIT_SINK (object)->priv->session, value, pspec);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

void
get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec) noexcept
{
  auto *session = GST_SPREADIT_SINK (object)->priv->session;
  if (id >= PROP_SESSION)
    gst_spreadit_session_get_property (session, value, pspec);
  else if (id == PROP_MANAGER)
    g_value_take_object (value, gst_spreadit_session_get_manager (session));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

void
finalize (GObject *object) noexcept
{
  delete GST_SPREADIT_SINK (object)->priv;
  G_OBJECT_CLASS (gst_spreadit_sink_parent_class)->finalize (object);
}

} // namespace

static void
gst_spreadit_sink_class_init (GstSpreaditSinkClass *klass)
{
  auto *object_class = G_OBJECT_CLASS (klass);
  auto *element_class = GST_ELEMENT_CLASS (klass);

  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;
  element_class->change_state = change_state;
  element_class->request_new_pad = request_new_pad;
  element_class->release_pad = release_pad;
  GST_BIN_CLASS (klass)->handle_message = handle_message;

  /**
   * GstSpreaditSink:manager:
   *
   * For its signals and read-only properties, such as the port that a uri with
   * port 0 got.
   *
   * Since: 1.0
   */
  g_object_class_install_property (object_class, PROP_MANAGER,
      g_param_spec_object ("manager", "Manager",
          "The peering manager: its signals tell of children",
          GST_TYPE_SPREADIT_PEERING_MANAGER,
          GParamFlags (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
  gst_spreadit_session_install_properties (
      object_class, GST_SPREADIT_ROLE_SOURCE, PROP_SESSION);

  gst_element_class_add_static_pad_template_with_gtype (
      element_class, &sink_template, GST_TYPE_SPREADIT_SINK_PAD);
  gst_element_class_set_static_metadata (element_class, "SpreadIt sink",
      "Sink/Network", "Is the source of a stream that peers pass on",
      "The SpreadIt authors");
  gst_type_mark_as_plugin_api (
      GST_TYPE_SPREADIT_SINK_PAD, GstPluginAPIFlags (0));
  gst_type_mark_as_plugin_api (
      GST_TYPE_SPREADIT_ADD_POLICY, GstPluginAPIFlags (0));
  gst_type_mark_as_plugin_api (
      GST_TYPE_SPREADIT_DELETE_POLICY, GstPluginAPIFlags (0));
}

static void
gst_spreadit_sink_init (GstSpreaditSink *self)
{
  auto *priv = self->priv = new Private;
  priv->session = gst_spreadit_session_new (
      GST_ELEMENT (self), GST_SPREADIT_ROLE_SOURCE, nullptr);
  const Owned<GstSpreaditPeeringManager> manager (
      gst_spreadit_session_get_manager (priv->session));
  priv->fanout =
      static_cast<GstElement *> (g_object_new (GST_TYPE_SPREADIT_FANOUT, "name",
          "fanout", "manager", manager.get (), nullptr));
  gst_bin_add (GST_BIN (self), priv->fanout);
  priv->streams = std::make_unique<SinkStreams> (
      GST_BIN (self), priv->fanout, priv->session);
}
