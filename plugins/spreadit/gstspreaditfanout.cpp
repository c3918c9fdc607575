// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-spreaditfanout
 * @title: spreaditfanout
 * @see_also: spreaditintake, spreaditrelay, spreaditsink
 *
 * The end of a node where packets go out: each buffer, or each list of buffers
 * in one go, to every child of a #GstSpreaditPeeringManager. A slow child does
 * not hold it up. It takes what a #spreaditintake makes as well as plain
 * `application/x-rtp` and `application/x-rtcp`, mixed as they come: it does not
 * look at caps or segments.
 *
 * The manager is the one set as #GstSpreaditFanout:manager, or the one of the
 * element upstream, which it asks by a context query of type
 * `gst.spreadit.PeeringManager`, or else one from an application that sets such
 * a #GstContext.
 *
 * It neither waits for the clock nor prerolls (`sync` and `async` are FALSE)
 * and goes on sending in PAUSED.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 spreaditintake uri=spreadit://source.example:8554/live ! \
 *     netsim drop-probability=0.01 ! spreaditfanout
 * ]|
 * A relay that loses packets on purpose.
 *
 * Since: 1.0
 */

#include "gstspreaditfanout.h"

#include <mutex>

#include <gst/spreadit/spreadit.h>

#include "gstspreaditelements.h"
#include "owned.hpp"

GST_DEBUG_CATEGORY_STATIC (gst_spreadit_fanout_debug);
#define GST_CAT_DEFAULT gst_spreadit_fanout_debug

using namespace spreadit;

namespace {

using Manager = GstSpreaditPeeringManager;

enum { PROP_0, PROP_MANAGER };

struct Private {
  std::mutex lock;        // guards what follows
  Owned<Manager> given;   // the property
  Owned<Manager> found;   // by context, until stop
  Owned<Manager> offered; // by gst_element_set_context()

  // Null when there is none yet.
  Owned<Manager> manager ()
  {
    const std::lock_guard guard (lock);
    return ref (current ());
  }
  bool sends_for (const Manager *manager)
  {
    const std::lock_guard guard (lock);
    return current () == manager;
  }

private:
  Manager *current () const
  {
    return given ? given.get () : found ? found.get () : offered.get ();
  }
};

GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
        GST_STATIC_CAPS (GST_SPREADIT_BUNDLE_CAPS
            "; application/x-rtp; application/x-rtcp"));

} // namespace

struct _GstSpreaditFanout {
  GstBaseSink parent;
  Private *priv; // owned: new in init, delete in finalize
};

G_DEFINE_TYPE_WITH_CODE (GstSpreaditFanout, gst_spreadit_fanout,
    GST_TYPE_BASE_SINK,
    GST_DEBUG_CATEGORY_INIT (
        gst_spreadit_fanout_debug, "spreaditfanout", 0, "SpreadIt fan-out"))
GST_ELEMENT_REGISTER_DEFINE (
    spreaditfanout, "spreaditfanout", GST_RANK_NONE, GST_TYPE_SPREADIT_FANOUT)

namespace {

Owned<Manager>
manager_of (const GstContext *context)
{
  Manager *manager = nullptr;
  gst_structure_get (gst_context_get_structure (context), "manager",
      GST_TYPE_SPREADIT_PEERING_MANAGER, &manager, nullptr);
  return Owned<Manager> (manager);
}

// Not posted as HAVE_CONTEXT: bins would give it to every child, and two relays
// in one pipeline have one manager each.
void
ask_upstream (GstSpreaditFanout *self)
{
  const Owned<GstQuery> query (
      gst_query_new_context (GST_SPREADIT_CONTEXT_TYPE));
  if (!gst_pad_peer_query (GST_BASE_SINK_PAD (self), query.get ()))
    return;
  GstContext *context = nullptr;
  gst_query_parse_context (query.get (), &context);
  if (!context)
    return;
  Owned<Manager> manager = manager_of (context);
  const std::lock_guard guard (self->priv->lock);
  self->priv->found = std::move (manager);
}

void
ask_application (GstSpreaditFanout *self)
{
  gst_element_post_message (
      GST_ELEMENT (self), gst_message_new_need_context (
                              GST_OBJECT (self), GST_SPREADIT_CONTEXT_TYPE));
}

Owned<Manager>
find_manager (GstSpreaditFanout *self)
{
  auto manager = self->priv->manager ();
  if (manager)
    return manager;
  ask_upstream (self);
  if (!self->priv->manager ())
    ask_application (self);
  return self->priv->manager ();
}

GstFlowReturn
render_list (GstBaseSink *sink, GstBufferList *list) noexcept
{
  auto *self = GST_SPREADIT_FANOUT (sink);
  const auto manager = find_manager (self);
  if (!manager) {
    GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS,
        ("There is no peering manager whose children could get the stream"),
        ("neither set, nor upstream, nor in a context"));
    return GST_FLOW_ERROR;
  }
  gst_spreadit_peering_manager_fan_out (manager.get (), list);
  return GST_FLOW_OK;
}

GstFlowReturn
render (GstBaseSink *sink, GstBuffer *buffer) noexcept
{
  const Owned<GstBufferList> list (gst_buffer_list_new_sized (1));
  gst_buffer_list_add (list.get (), gst_buffer_ref (buffer));
  return render_list (sink, list.get ());
}

// No start and end: packets have nothing to do with the segment.
void
get_times (
    GstBaseSink *, GstBuffer *, GstClockTime *start, GstClockTime *end) noexcept
{
  *start = *end = GST_CLOCK_TIME_NONE;
}

gboolean
stop (GstBaseSink *sink) noexcept
{
  Private &priv = *GST_SPREADIT_FANOUT (sink)->priv;
  const std::lock_guard guard (priv.lock);
  priv.found = nullptr;
  return TRUE;
}

void
set_context (GstElement *element, GstContext *context) noexcept
{
  if (gst_context_has_context_type (context, GST_SPREADIT_CONTEXT_TYPE)) {
    Private &priv = *GST_SPREADIT_FANOUT (element)->priv;
    auto manager = manager_of (context);
    const std::lock_guard guard (priv.lock);
    priv.offered = std::move (manager);
  }
  GST_ELEMENT_CLASS (gst_spreadit_fanout_parent_class)
      ->set_context (element, context);
}

// The base class holds up whatever comes in PAUSED, `async` or not. Children
// are not to notice that a viewer pauses.
void
render_in_paused (GstBaseSink *sink)
{
  GST_BASE_SINK_PREROLL_LOCK (sink);
  sink->need_preroll = FALSE;
  GST_BASE_SINK_PREROLL_SIGNAL (sink);
  GST_BASE_SINK_PREROLL_UNLOCK (sink);
}

GstStateChangeReturn
change_state (GstElement *element, GstStateChange transition) noexcept
{
  const auto result = GST_ELEMENT_CLASS (gst_spreadit_fanout_parent_class)
                          ->change_state (element, transition);
  if (result != GST_STATE_CHANGE_FAILURE &&
      (transition == GST_STATE_CHANGE_READY_TO_PAUSED ||
          transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED))
    render_in_paused (GST_BASE_SINK (element));
  return result;
}

void
set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec) noexcept
{
  auto *self = GST_SPREADIT_FANOUT (object);
  switch (id) {
  case PROP_MANAGER: {
    Owned<Manager> manager (
        static_cast<Manager *> (g_value_dup_object (value)));
    const std::lock_guard guard (self->priv->lock);
    self->priv->given.swap (manager);
    break;
  }
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

void
get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec) noexcept
{
  auto *self = GST_SPREADIT_FANOUT (object);
  switch (id) {
  case PROP_MANAGER:
    g_value_take_object (value, self->priv->manager ().release ());
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

void
finalize (GObject *object) noexcept
{
  delete GST_SPREADIT_FANOUT (object)->priv;
  G_OBJECT_CLASS (gst_spreadit_fanout_parent_class)->finalize (object);
}

} // namespace

gboolean
gst_spreadit_fanout_only_sends_for (
    GstSpreaditFanout *self, GstSpreaditPeeringManager *manager)
{
  GstPad *pad = self->parent.sinkpad;
  return !pad->num_probes && GST_PAD_IS_ACTIVE (pad) &&
         !GST_PAD_IS_FLUSHING (pad) && !GST_PAD_IS_EOS (pad) &&
         (self->priv->sends_for (manager) ||
             find_manager (self).get () == manager);
}

static void
gst_spreadit_fanout_class_init (GstSpreaditFanoutClass *klass)
{
  auto *object_class = G_OBJECT_CLASS (klass);
  auto *element_class = GST_ELEMENT_CLASS (klass);
  auto *sink_class = GST_BASE_SINK_CLASS (klass);

  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;
  element_class->change_state = change_state;
  element_class->set_context = set_context;
  sink_class->stop = stop;
  sink_class->get_times = get_times;
  sink_class->render = render;
  sink_class->render_list = render_list;

  /**
   * GstSpreaditFanout:manager:
   *
   * Whose children get the packets. Found by context when none is set.
   *
   * Since: 1.0
   */
  g_object_class_install_property (object_class, PROP_MANAGER,
      g_param_spec_object ("manager", "Manager",
          "The peering manager whose children get the packets (NULL = the one "
          "of the element upstream)",
          GST_TYPE_SPREADIT_PEERING_MANAGER,
          GParamFlags (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                       GST_PARAM_MUTABLE_READY)));

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_set_static_metadata (element_class, "SpreadIt fan-out",
      "Sink/Network",
      "Sends the packets of a stream to children in a tree of peers",
      "The SpreadIt authors");
}

static void
gst_spreadit_fanout_init (GstSpreaditFanout *self)
{
  self->priv = new Private;
  auto *sink = GST_BASE_SINK (self);
  gst_base_sink_set_sync (sink, FALSE);
  gst_base_sink_set_async_enabled (sink, FALSE);
  gst_base_sink_set_qos_enabled (sink, FALSE);
  gst_base_sink_set_last_sample_enabled (sink, FALSE);
  gst_base_sink_set_drop_out_of_segment (sink, FALSE);
}
