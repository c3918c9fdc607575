// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-spreaditintake
 * @title: spreaditintake
 * @see_also: spreaditfanout, spreaditrelay, spreaditsrc
 *
 * The end of a node where packets come in: RTP and RTCP of all media of a
 * stream as the parent sends them, each once, byte for byte as the source made
 * them, not necessarily in order. They leave as buffer lists with the caps
 * `application/x-spreadit-bundle`: one buffer is one packet, and a packet is
 * RTCP when its second byte is 192 to 223 (RFC 5761), RTP otherwise.
 *
 * It is no #GstBaseSrc because it delivers in PAUSED as well as in PLAYING: a
 * viewer who pauses does not stop what is relayed to others. In PLAYING,
 * buffers carry the running time of their arrival; in PAUSED they carry no
 * timestamps.
 *
 * Unless it is handed a #GstSpreaditPeeringManager it makes one, looks for a
 * parent when it goes to PAUSED and leaves when it goes back to READY. With
 * one that it was handed, beginning and ending the session is up to the owner
 * of that manager. A #spreaditfanout downstream finds the manager by a context
 * query of type `gst.spreadit.PeeringManager`.
 *
 * EOS follows when the source ends the stream or no parent is to be had.
 *
 * Linked straight to the #spreaditfanout of the same manager it hands packets
 * over without making buffers of them, as long as nobody looks: with a probe on
 * one of the two pads, a tracer, or an element in between, they are buffers.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 spreaditintake uri=spreadit://source.example:8554/live ! \
 *     queue ! spreaditfanout
 * ]|
 * A relay with a queue in it, where the fan-out is to have a thread of its own.
 *
 * Since: 1.0
 */

#include "gstspreaditintake.h"

#include <atomic>
#include <mutex>

#include "gstspreaditelements.h"
#include "gstspreaditfanout.h"
#include "gstspreaditsession.h"
#include "owned.hpp"
#include "timer.hpp"

GST_DEBUG_CATEGORY_STATIC (gst_spreadit_intake_debug);
#define GST_CAT_DEFAULT gst_spreadit_intake_debug

using namespace spreadit;

namespace {

enum { PROP_0, PROP_MANAGER, PROP_SESSION };

// The end is told on the RTSP connection, the last packets come by UDP and may
// need a repair: wait for them this long.
constexpr GstClockTime last_packets_wait = 500 * GST_MSECOND;

struct Private {
  GstSpreaditSession *session = nullptr; // owned
  GstPad *srcpad = nullptr;              // owned by the element
  std::atomic<bool> playing{false};      // buffers get timestamps
  std::atomic<bool> over{false};         // no more packets: EOS
  // Of the streaming thread.
  bool announced = false; // stream-start .. segment are pushed
  bool traced = false;    // a tracer wants to see buffers
  Owned<GstPad> peer;     // see find_fanout()
  Owned<GstElement> fanout;
  std::mutex lock;     // guards what follows
  bool active = false; // the task is there to be started
  bool ended = false;  // nothing more is to be pushed
  Timer end_timer;

  ~Private () { gst_spreadit_session_free (session); }

  Owned<GstSpreaditPeeringManager> manager ()
  {
    return Owned<GstSpreaditPeeringManager> (
        gst_spreadit_session_get_manager (session));
  }
};

GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC,
    GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_SPREADIT_BUNDLE_CAPS));

} // namespace

struct _GstSpreaditIntake {
  GstElement parent;
  Private *priv; // owned: new in init, delete in finalize
};

G_DEFINE_TYPE_WITH_CODE (GstSpreaditIntake, gst_spreadit_intake,
    GST_TYPE_ELEMENT,
    GST_DEBUG_CATEGORY_INIT (
        gst_spreadit_intake_debug, "spreaditintake", 0, "SpreadIt intake"))
GST_ELEMENT_REGISTER_DEFINE (
    spreaditintake, "spreaditintake", GST_RANK_NONE, GST_TYPE_SPREADIT_INTAKE)

namespace {

// The streaming thread.

void
announce (GstSpreaditIntake *self)
{
  GstPad *pad = self->priv->srcpad;
  gchar *uuid = g_uuid_string_random ();
  GstEvent *start = gst_event_new_stream_start (uuid);
  g_free (uuid);
  gst_event_set_group_id (start, gst_util_group_id_next ());
  gst_pad_push_event (pad, start);

  const Owned<GstCaps> caps (gst_static_pad_template_get_caps (&src_template));
  gst_pad_push_event (pad, gst_event_new_caps (caps.get ()));

  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (pad, gst_event_new_segment (&segment));
}

// All packets of a list came at once.
void
stamp (GstSpreaditIntake *self, GstBufferList *list)
{
  const Owned<GstClock> clock (gst_element_get_clock (GST_ELEMENT (self)));
  if (!clock)
    return;
  const GstClockTime now = gst_clock_get_time (clock.get ());
  const GstClockTime base = gst_element_get_base_time (GST_ELEMENT (self));
  const GstClockTime running_time = now > base ? now - base : 0;
  const guint n = gst_buffer_list_length (list);
  for (guint i = 0; i < n; ++i) {
    GstBuffer *buffer = gst_buffer_list_get_writable (list, i);
    GST_BUFFER_PTS (buffer) = running_time;
    GST_BUFFER_DTS (buffer) = running_time;
  }
}

// Ends the loop until somebody starts it again.
void
stop_after (GstSpreaditIntake *self, GstFlowReturn flow)
{
  Private &priv = *self->priv;
  GST_DEBUG_OBJECT (self, "stopping: %s", gst_flow_get_name (flow));
  {
    // on_over () either finds the task paused or is seen here.
    const std::lock_guard guard (priv.lock);
    if (flow == GST_FLOW_FLUSHING && priv.active && priv.over)
      flow = GST_FLOW_EOS;
    priv.ended = flow != GST_FLOW_FLUSHING;
    gst_pad_pause_task (priv.srcpad);
  }
  if (flow == GST_FLOW_NOT_LINKED || flow < GST_FLOW_EOS)
    GST_ELEMENT_FLOW_ERROR (self, flow);
  if (flow != GST_FLOW_FLUSHING)
    gst_pad_push_event (priv.srcpad, gst_event_new_eos ());
}

bool
has_tracers ()
{
  GList *tracers = gst_tracing_get_active_tracers ();
  const bool has_some = tracers != nullptr;
  g_list_free_full (tracers, gst_object_unref);
  return has_some;
}

// The fan-out that our pad is linked to; null if it is something else. Kept as
// long as that is so: asking for it costs as much as sending does.
GstSpreaditFanout *
find_fanout (GstSpreaditIntake *self)
{
  Private &priv = *self->priv;
  auto *peer = static_cast<GstPad *> (
      g_atomic_pointer_get (&GST_PAD_PEER (priv.srcpad)));
  if (peer != priv.peer.get ()) {
    priv.peer.reset (gst_pad_get_peer (priv.srcpad));
    priv.fanout.reset (
        priv.peer ? gst_pad_get_parent_element (priv.peer.get ()) : nullptr);
    if (priv.fanout && !GST_IS_SPREADIT_FANOUT (priv.fanout.get ()))
      priv.fanout.reset ();
  }
  return reinterpret_cast<GstSpreaditFanout *> (priv.fanout.get ());
}

void
begin (GstSpreaditIntake *self)
{
  if (self->priv->announced)
    return;
  self->priv->announced = true;
  self->priv->traced = has_tracers ();
  announce (self);
}

// Whether nobody could tell that packets were pushed as buffers. A relay that
// makes none spends half the time (docs/decisions/0006-runs-of-packets.md).
gboolean
may_relay (GstSpreaditPeeringManager *manager, gpointer data) noexcept
{
  auto *self = static_cast<GstSpreaditIntake *> (data);
  begin (self);
  if (self->priv->traced || self->priv->srcpad->num_probes)
    return FALSE;
  GstSpreaditFanout *fanout = find_fanout (self);
  return fanout && gst_spreadit_fanout_only_sends_for (fanout, manager);
}

// Until there are packets to push, or none to come.
void
loop (gpointer data) noexcept
{
  auto *self = static_cast<GstSpreaditIntake *> (data);
  Private &priv = *self->priv;

  const auto manager = priv.manager ();
  const bool has_some =
      gst_spreadit_peering_manager_relay (manager.get (), may_relay, self);
  begin (self);
  if (!has_some) {
    stop_after (self, GST_FLOW_FLUSHING);
    return;
  }
  GstBufferList *list = gst_spreadit_peering_manager_take (manager.get ());
  if (!list)
    return;
  if (priv.playing) {
    list = gst_buffer_list_make_writable (list);
    stamp (self, list);
  }
  const GstFlowReturn flow = gst_pad_push_list (priv.srcpad, list);
  if (flow != GST_FLOW_OK)
    stop_after (self, flow);
}

gboolean
activate_mode (
    GstPad *pad, GstObject *parent, GstPadMode mode, gboolean active) noexcept
{
  auto *self = GST_SPREADIT_INTAKE (parent);
  Private &priv = *self->priv;
  if (mode != GST_PAD_MODE_PUSH)
    return FALSE;

  const auto manager = priv.manager ();
  if (active) {
    priv.announced = false;
    gst_spreadit_peering_manager_set_flushing (manager.get (), FALSE);
    const std::lock_guard guard (priv.lock);
    priv.active = true;
    priv.ended = false;
    return gst_pad_start_task (pad, loop, self, nullptr);
  }
  {
    const std::lock_guard guard (priv.lock);
    priv.active = false;
    priv.end_timer.cancel ();
  }
  gst_spreadit_peering_manager_set_flushing (manager.get (), TRUE);
  if (!gst_pad_stop_task (pad))
    return FALSE;
  priv.peer.reset ();
  priv.fanout.reset ();
  return TRUE;
}

// What the manager says (control thread).

void
end (GstElement *element, gpointer) noexcept
{
  Private &priv = *GST_SPREADIT_INTAKE (element)->priv;
  const auto manager = priv.manager ();
  const std::lock_guard guard (priv.lock);
  if (priv.active && priv.over)
    gst_spreadit_peering_manager_set_flushing (manager.get (), TRUE);
}

void
on_over (GstElement *owner, gboolean failed) noexcept
{
  Private &priv = *GST_SPREADIT_INTAKE (owner)->priv;
  const std::lock_guard guard (priv.lock);
  priv.over = true;
  if (!priv.active || priv.ended)
    return;
  priv.end_timer.start (owner, failed ? 0 : last_packets_wait, end, nullptr);
  // Where the manager was closed before it said so.
  gst_pad_start_task (priv.srcpad, loop, owner, nullptr);
}

// A manager we were handed may be started after us, and again.
void
on_state_changed (GstElement *owner, GstSpreaditPeerState state) noexcept
{
  Private &priv = *GST_SPREADIT_INTAKE (owner)->priv;
  if (state != GST_SPREADIT_PEER_STATE_RECEIVING)
    return;
  const std::lock_guard guard (priv.lock);
  if (priv.active && !priv.ended)
    gst_pad_start_task (priv.srcpad, loop, owner, nullptr);
}

constexpr GstSpreaditSessionEvents session_events = {
    /* media_changed */ nullptr, on_over, on_state_changed};

// Queries and events on the src pad.

gboolean
query (GstPad *pad, GstObject *parent, GstQuery *query) noexcept
{
  auto *self = GST_SPREADIT_INTAKE (parent);
  switch (GST_QUERY_TYPE (query)) {
  case GST_QUERY_LATENCY:
    gst_query_set_latency (query, TRUE, 0, GST_CLOCK_TIME_NONE);
    return TRUE;
  case GST_QUERY_SCHEDULING:
    gst_query_set_scheduling (query, GST_SCHEDULING_FLAG_SEQUENTIAL, 1, -1, 0);
    gst_query_add_scheduling_mode (query, GST_PAD_MODE_PUSH);
    return TRUE;
  case GST_QUERY_CONTEXT: {
    const gchar *type = nullptr;
    gst_query_parse_context_type (query, &type);
    if (g_strcmp0 (type, GST_SPREADIT_CONTEXT_TYPE))
      break;
    const Owned<GstContext> context (
        gst_context_new (GST_SPREADIT_CONTEXT_TYPE, TRUE));
    gst_structure_set (gst_context_writable_structure (context.get ()),
        "manager", GST_TYPE_SPREADIT_PEERING_MANAGER,
        self->priv->manager ().get (), nullptr);
    gst_query_set_context (query, context.get ());
    return TRUE;
  }
  default:
    break;
  }
  return gst_pad_query_default (pad, parent, query);
}

gboolean
src_event (GstPad *pad, GstObject *parent, GstEvent *event) noexcept
{
  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_LATENCY:
  case GST_EVENT_RECONFIGURE:
  case GST_EVENT_QOS:
    gst_event_unref (event);
    return TRUE;
  default:
    return gst_pad_event_default (pad, parent, event);
  }
}

// The element.

GstStateChangeReturn
change_state (GstElement *element, GstStateChange transition) noexcept
{
  Private &priv = *GST_SPREADIT_INTAKE (element)->priv;
  if (transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED)
    priv.playing = false;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    priv.over = false;
  const auto result = gst_spreadit_session_change_state (priv.session,
      GST_ELEMENT_CLASS (gst_spreadit_intake_parent_class), transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING &&
      result != GST_STATE_CHANGE_FAILURE)
    priv.playing = true;
  return result;
}

void
set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec) noexcept
{
  auto *self = GST_SPREADIT_INTAKE (object);
  if (id >= PROP_SESSION) {
    gst_spreadit_session_set_property (self->priv->session, value, pspec);
    return;
  }
  switch (id) {
  case PROP_MANAGER:
    if (GST_STATE (self) > GST_STATE_READY) {
      GST_WARNING_OBJECT (self, "the manager can only be set in NULL or READY");
      break;
    }
    gst_spreadit_session_set_manager (self->priv->session,
        static_cast<GstSpreaditPeeringManager *> (g_value_get_object (value)));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

void
get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec) noexcept
{
  auto *self = GST_SPREADIT_INTAKE (object);
  if (id >= PROP_SESSION) {
    gst_spreadit_session_get_property (self->priv->session, value, pspec);
    return;
  }
  switch (id) {
  case PROP_MANAGER:
    g_value_take_object (
        value, gst_spreadit_session_get_manager (self->priv->session));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

void
finalize (GObject *object) noexcept
{
  delete GST_SPREADIT_INTAKE (object)->priv;
  G_OBJECT_CLASS (gst_spreadit_intake_parent_class)->finalize (object);
}

} // namespace

static void
gst_spreadit_intake_class_init (GstSpreaditIntakeClass *klass)
{
  auto *object_class = G_OBJECT_CLASS (klass);
  auto *element_class = GST_ELEMENT_CLASS (klass);

  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;
  element_class->change_state = change_state;

  /**
   * GstSpreaditIntake:manager:
   *
   * Where the packets come from. One is made when none is set.
   *
   * Since: 1.0
   */
  g_object_class_install_property (object_class, PROP_MANAGER,
      g_param_spec_object ("manager", "Manager",
          "The peering manager that packets come from; whoever sets one begins "
          "and ends its session (NULL = make one)",
          GST_TYPE_SPREADIT_PEERING_MANAGER,
          GParamFlags (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                       GST_PARAM_MUTABLE_READY)));
  gst_spreadit_session_install_properties (
      object_class, GST_SPREADIT_ROLE_PEER, PROP_SESSION);

  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "SpreadIt intake",
      "Source/Network",
      "Receives the packets of a stream from a parent in a tree of peers",
      "The SpreadIt authors");
}

static void
gst_spreadit_intake_init (GstSpreaditIntake *self)
{
  auto *priv = self->priv = new Private;
  priv->session = gst_spreadit_session_new (
      GST_ELEMENT (self), GST_SPREADIT_ROLE_PEER, &session_events);
  priv->srcpad = gst_pad_new_from_static_template (&src_template, "src");
  gst_pad_set_activatemode_function (priv->srcpad, activate_mode);
  gst_pad_set_query_function (priv->srcpad, query);
  gst_pad_set_event_function (priv->srcpad, src_event);
  gst_pad_use_fixed_caps (priv->srcpad);
  gst_element_add_pad (GST_ELEMENT (self), priv->srcpad);
  GST_OBJECT_FLAG_SET (self, GST_ELEMENT_FLAG_SOURCE);
}
