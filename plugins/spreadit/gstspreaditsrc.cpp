// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-spreaditsrc
 * @title: spreaditsrc
 * @see_also: spreaditsink, spreaditrelay
 *
 * Watches a stream that is passed on from peer to peer, and passes it on to up
 * to `max-children` others while it does (not at all with `relay=false`).
 *
 * Each medium of the stream has a pad of `application/x-rtp`, video first. They
 * are added together when all of them have packets, or three seconds after the
 * first one had; media that come to life later are added then. #decodebin,
 * #uridecodebin, #playbin and the applications built on them know what to do
 * with `spreadit://` and `spreadits://`.
 *
 * The element is live. When its parent leaves or fails, it finds another one by
 * itself; what is downstream sees the same SSRC, sequence numbers and
 * timestamps go on. Meanwhile it goes on relaying what it can, as it does in
 * PAUSED, and whatever becomes of the pads: a player that is too slow loses
 * packets (`player-dropped-packets` in `stats`), its children do not.
 *
 * Going from PAUSED to READY leaves gracefully: children are fed until they
 * have found another parent, for at most `linger` milliseconds, for which the
 * state change blocks.
 *
 * ## Messages
 *
 * * element message `spreadit-parent-changed` with the fields `id` (string),
 *   `address` (string) and `level` (uint, this peer's distance from the source)
 * * element message `spreadit-transient`: the stream is expected but does not
 *   come, a parent is being looked for
 * * element message `spreadit-recovered` with the field `transience-ms`
 *   (uint64)
 * * progress messages with the code `open` until there is a parent
 * * an error when the application session is over: no peer has room, no such
 *   stream, not a SpreadIt peer, and so on
 * * EOS on each pad when the source has ended the stream
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
 * gst-launch-1.0 spreaditsrc uri=spreadit://source.example:8554/live ! \
 *     decodebin ! autovideosink
 * gst-play-1.0 spreadit://source.example:8554/live
 * ]|
 *
 * Since: 1.0
 */

#include "gstspreaditsrc.h"

#include <atomic>
#include <memory>

#include "gstspreaditelements.h"
#include "gstspreaditfanout.h"
#include "gstspreaditintake.h"
#include "gstspreaditsession.h"
#include "owned.hpp"
#include "src_streams.hpp"

GST_DEBUG_CATEGORY (gst_spreadit_src_debug);
#define GST_CAT_DEFAULT gst_spreadit_src_debug

using namespace spreadit;

namespace {

enum {
  PROP_0,
  PROP_IS_LIVE,
  PROP_LATENCY,
  PROP_WAIT_FOR_KEYFRAME,
  PROP_ADD_REFERENCE_TIMESTAMP_META,
  PROP_MANAGER,
  PROP_SESSION
};

// Covers a repair from the parent's parent or the gap of a parent that crashes
// (300 ms), and lets sound and picture be aligned.
constexpr guint latency_default_ms = 500;

struct Private {
  GstSpreaditSession *session = nullptr; // owned
  std::atomic<guint> latency_ms{latency_default_ms};
  std::atomic<bool> wait_for_keyframe{true};
  std::atomic<bool> add_reference_timestamp_meta{false};
  std::unique_ptr<SrcStreams> streams;

  ~Private ()
  {
    streams.reset ();
    gst_spreadit_session_free (session);
  }
};

GstStaticPadTemplate stream_template = GST_STATIC_PAD_TEMPLATE ("stream_%u",
    GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS ("application/x-rtp"));

void uri_handler_init (gpointer iface, gpointer) noexcept;

} // namespace

struct _GstSpreaditSrc {
  GstBin parent;
  Private *priv; // owned: new in init, delete in finalize
};

G_DEFINE_TYPE_WITH_CODE (GstSpreaditSrc, gst_spreadit_src, GST_TYPE_BIN,
    G_IMPLEMENT_INTERFACE (GST_TYPE_URI_HANDLER, uri_handler_init)
        GST_DEBUG_CATEGORY_INIT (
            gst_spreadit_src_debug, "spreaditsrc", 0, "SpreadIt source"))
GST_ELEMENT_REGISTER_DEFINE (
    spreaditsrc, "spreaditsrc", GST_RANK_PRIMARY, GST_TYPE_SPREADIT_SRC)

namespace {

// GstURIHandler.

GstURIType
get_uri_type (GType) noexcept
{
  return GST_URI_SRC;
}

const gchar *const *
get_protocols (GType) noexcept
{
  static const gchar *const protocols[] = {"spreadit", "spreadits", nullptr};
  return protocols;
}

gchar *
get_uri (GstURIHandler *handler) noexcept
{
  gchar *uri = nullptr;
  g_object_get (handler, "uri", &uri, nullptr);
  return uri;
}

gboolean
set_uri (GstURIHandler *handler, const gchar *uri, GError **error) noexcept
{
  if (GST_STATE (handler) > GST_STATE_READY) {
    g_set_error_literal (error, GST_URI_ERROR, GST_URI_ERROR_BAD_STATE,
        "The URI of spreaditsrc can only be changed in NULL or READY");
    return FALSE;
  }
  GError *reason = nullptr;
  if (!gst_spreadit_peering_manager_check_uri (uri, &reason)) {
    const Owned<GError> owned (reason);
    g_set_error_literal (
        error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI, reason->message);
    return FALSE;
  }
  g_object_set (handler, "uri", uri, nullptr);
  return TRUE;
}

void
uri_handler_init (gpointer data, gpointer) noexcept
{
  auto *iface = static_cast<GstURIHandlerInterface *> (data);
  iface->get_type = get_uri_type;
  iface->get_protocols = get_protocols;
  iface->get_uri = get_uri;
  iface->set_uri = set_uri;
}

// What the manager says (control thread).

void
on_media_changed (GstElement *owner, const gchar *sdp) noexcept
{
  auto *self = GST_SPREADIT_SRC (owner);
  if (!self->priv->streams->set_description (sdp))
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("There is nothing in the stream that could be received"),
        ("no media section with RTP in the SDP\n%s", sdp));
}

constexpr GstSpreaditSessionEvents session_events = {on_media_changed,
    /* over: the intake's */ nullptr,
    /* state_changed */ nullptr};

// The bin.

// The fan-out is nobody's sink: for the application this is a source. Nothing
// inside fails or ends for want of a parent, the intake just waits; so an error
// from inside is one.
void
handle_message (GstBin *bin, GstMessage *message) noexcept
{
  switch (GST_MESSAGE_TYPE (message)) {
  case GST_MESSAGE_EOS:
  case GST_MESSAGE_STREAM_START:
    gst_message_unref (message);
    return;
  default:
    break;
  }
  GST_BIN_CLASS (gst_spreadit_src_parent_class)->handle_message (bin, message);
}

GstStateChangeReturn
change_state (GstElement *element, GstStateChange transition) noexcept
{
  Private &priv = *GST_SPREADIT_SRC (element)->priv;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED &&
      !priv.streams->start (priv.latency_ms))
    return GST_STATE_CHANGE_FAILURE;
  const auto result = gst_spreadit_session_change_state (priv.session,
      GST_ELEMENT_CLASS (gst_spreadit_src_parent_class), transition);
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
  Private &priv = *GST_SPREADIT_SRC (object)->priv;
  if (id >= PROP_SESSION) {
    gst_spreadit_session_set_property (priv.session, value, pspec);
    return;
  }
  switch (id) {
  case PROP_LATENCY:
    priv.latency_ms = g_value_get_uint (value);
    priv.streams->set_latency (priv.latency_ms);
    break;
  case PROP_WAIT_FOR_KEYFRAME:
    priv.wait_for_keyframe = g_value_get_boolean (value);
    priv.streams->set_wait_for_key_frame (priv.wait_for_keyframe);
    break;
  case PROP_ADD_REFERENCE_TIMESTAMP_META:
    priv.add_reference_timestamp_meta = g_value_get_boolean (value);
    priv.streams->set_reference_time (priv.add_reference_timestamp_meta);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

void
get_stats (Private &priv, GValue *value, GParamSpec *pspec)
{
  gst_spreadit_session_get_property (priv.session, value, pspec);
  auto *stats = static_cast<GstStructure *> (g_value_get_boxed (value));
  if (stats)
    gst_structure_set (stats, "player-dropped-packets", G_TYPE_UINT64,
        guint64 (priv.streams->dropped ()), nullptr);
}

void
get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec) noexcept
{
  Private &priv = *GST_SPREADIT_SRC (object)->priv;
  if (id >= PROP_SESSION) {
    if (!g_strcmp0 (pspec->name, "stats"))
      get_stats (priv, value, pspec);
    else
      gst_spreadit_session_get_property (priv.session, value, pspec);
    return;
  }
  switch (id) {
  case PROP_IS_LIVE:
    g_value_set_boolean (value, TRUE);
    break;
  case PROP_LATENCY:
    g_value_set_uint (value, priv.latency_ms);
    break;
  case PROP_WAIT_FOR_KEYFRAME:
    g_value_set_boolean (value, priv.wait_for_keyframe);
    break;
  case PROP_ADD_REFERENCE_TIMESTAMP_META:
    g_value_set_boolean (value, priv.add_reference_timestamp_meta);
    break;
  case PROP_MANAGER:
    g_value_take_object (
        value, gst_spreadit_session_get_manager (priv.session));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

void
finalize (GObject *object) noexcept
{
  delete GST_SPREADIT_SRC (object)->priv;
  G_OBJECT_CLASS (gst_spreadit_src_parent_class)->finalize (object);
}

void
install_properties (GObjectClass *klass)
{
  /**
   * GstSpreaditSrc:is-live:
   *
   * Always %TRUE. What plays URIs reads it to know that buffering is of no use.
   *
   * Since: 1.0
   */
  g_object_class_install_property (klass, PROP_IS_LIVE,
      g_param_spec_boolean ("is-live", "Is live",
          "Always true: the stream cannot be fetched faster than it is made",
          TRUE, GParamFlags (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
  /**
   * GstSpreaditSrc:latency:
   *
   * How long packets are kept for those that are late, repaired or come from
   * another parent. 500 ms cover a parent that fails; with less, a failure is
   * seen, with none, every packet out of order is.
   *
   * Since: 1.0
   */
  g_object_class_install_property (klass, PROP_LATENCY,
      g_param_spec_uint ("latency", "Latency",
          "How long to wait for late packets before they are given up (ms)", 0,
          60000, latency_default_ms,
          GParamFlags (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                       GST_PARAM_MUTABLE_PLAYING)));
  /**
   * GstSpreaditSrc:wait-for-keyframe:
   *
   * Whether H.264, H.265, VP8 and VP9 begin with a key frame, as far as this
   * element gives them out; what it relays is not touched. A decoder shows what
   * comes before as grey with coloured blocks. After 10 s without a key frame
   * (a stream with intra refresh has none) everything goes out. Applies to pads
   * that are added later.
   *
   * Since: 1.0
   */
  g_object_class_install_property (klass, PROP_WAIT_FOR_KEYFRAME,
      g_param_spec_boolean ("wait-for-keyframe", "Wait for key frame",
          "Drop video until its first key frame (for 10 s at most)", TRUE,
          GParamFlags (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                       GST_PARAM_MUTABLE_READY)));
  /**
   * GstSpreaditSrc:add-reference-timestamp-meta:
   *
   * Whether buffers carry a #GstReferenceTimestampMeta with the caps
   * `timestamp/x-ntp`: when the source sent them by its own clock, in
   * nanoseconds since 1900, the same at every peer. They do as soon as the
   * source has told its time (RFC 6051, or a sender report). Takes effect when
   * the element goes to PAUSED.
   *
   * Since: 1.0
   */
  g_object_class_install_property (klass, PROP_ADD_REFERENCE_TIMESTAMP_META,
      g_param_spec_boolean ("add-reference-timestamp-meta",
          "Add reference timestamp meta",
          "Give buffers the NTP time of the source as a meta", FALSE,
          GParamFlags (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                       GST_PARAM_MUTABLE_READY)));
  /**
   * GstSpreaditSrc:manager:
   *
   * For its signals and read-only properties.
   *
   * Since: 1.0
   */
  g_object_class_install_property (klass, PROP_MANAGER,
      g_param_spec_object ("manager", "Manager",
          "The peering manager: its signals tell of parents and children",
          GST_TYPE_SPREADIT_PEERING_MANAGER,
          GParamFlags (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
  gst_spreadit_session_install_properties (
      klass, GST_SPREADIT_ROLE_PEER, PROP_SESSION);
}

} // namespace

static void
gst_spreadit_src_class_init (GstSpreaditSrcClass *klass)
{
  auto *object_class = G_OBJECT_CLASS (klass);
  auto *element_class = GST_ELEMENT_CLASS (klass);

  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;
  element_class->change_state = change_state;
  GST_BIN_CLASS (klass)->handle_message = handle_message;
  install_properties (object_class);

  gst_element_class_add_static_pad_template (element_class, &stream_template);
  gst_element_class_set_static_metadata (element_class, "SpreadIt source",
      "Source/Network",
      "Receives a stream from peers and passes it on to others",
      "The SpreadIt authors");
}

static void
gst_spreadit_src_init (GstSpreaditSrc *self)
{
  auto *priv = self->priv = new Private;
  auto *bin = GST_BIN (self);
  priv->session = gst_spreadit_session_new (
      GST_ELEMENT (self), GST_SPREADIT_ROLE_PEER, &session_events);

  const Owned<GstSpreaditPeeringManager> manager (
      gst_spreadit_session_get_manager (priv->session));
  const auto make = [&manager] (GType type, const gchar *name) {
    return static_cast<GstElement *> (
        g_object_new (type, "name", name, "manager", manager.get (), nullptr));
  };
  GstElement *intake = make (GST_TYPE_SPREADIT_INTAKE, "intake");
  GstElement *fanout = make (GST_TYPE_SPREADIT_FANOUT, "fanout");
  GstElement *tee = gst_element_factory_make ("tee", "tee"); // core elements
  g_object_set (tee, "allow-not-linked", TRUE, nullptr);
  gst_bin_add_many (bin, intake, tee, fanout, nullptr);
  // Linked first, served first: children before the player.
  gst_element_link_many (intake, tee, fanout, nullptr);
  priv->streams = std::make_unique<SrcStreams> (
      bin, tee, gst_element_get_pad_template (GST_ELEMENT (self), "stream_%u"));

  gst_bin_set_suppressed_flags (
      bin, GstElementFlags (GST_ELEMENT_FLAG_SOURCE | GST_ELEMENT_FLAG_SINK));
  GST_OBJECT_FLAG_UNSET (self, GST_ELEMENT_FLAG_SINK);
  GST_OBJECT_FLAG_SET (self, GST_ELEMENT_FLAG_SOURCE);
}
