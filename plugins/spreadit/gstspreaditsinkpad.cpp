// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * GstSpreaditSinkPad:
 *
 * A pad of #spreaditsink; one media section of the stream.
 *
 * Since: 1.0
 */

#include "gstspreaditsinkpad.h"

#include <mutex>

#include "owned.hpp"

using namespace spreadit;

namespace {

enum { PROP_0, PROP_PAYLOADER };

struct Private {
  std::mutex lock;             // guards what follows
  Owned<GstElement> payloader; // set by the user, or found by the caps
  Owned<GstCaps> template_caps;
};

} // namespace

struct _GstSpreaditSinkPad {
  GstGhostPad parent;
  Private *priv; // owned: new in init, delete in finalize
};

G_DEFINE_TYPE (GstSpreaditSinkPad, gst_spreadit_sink_pad, GST_TYPE_GHOST_PAD)

namespace {

// With a target the pad is but a proxy. Without one it lets any caps through:
// only the caps event, which carries the caps whole, can end in an error that
// names them.
gboolean
query (GstPad *pad, GstObject *parent, GstQuery *query) noexcept
{
  auto *self = GST_SPREADIT_SINK_PAD (pad);
  const Owned<GstPad> target (gst_ghost_pad_get_target (GST_GHOST_PAD (pad)));
  if (target)
    return gst_pad_query_default (pad, parent, query);
  switch (GST_QUERY_TYPE (query)) {
  case GST_QUERY_CAPS: {
    GstCaps *filter = nullptr;
    gst_query_parse_caps (query, &filter);
    Owned<GstCaps> caps;
    {
      const std::lock_guard guard (self->priv->lock);
      caps.reset (gst_caps_ref (self->priv->template_caps.get ()));
    }
    if (filter)
      caps.reset (gst_caps_intersect_full (
          filter, caps.get (), GST_CAPS_INTERSECT_FIRST));
    gst_query_set_caps_result (query, caps.get ());
    return TRUE;
  }
  case GST_QUERY_ACCEPT_CAPS:
    gst_query_set_accept_caps_result (query, TRUE);
    return TRUE;
  default:
    return gst_pad_query_default (pad, parent, query);
  }
}

void
set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec) noexcept
{
  auto *self = GST_SPREADIT_SINK_PAD (object);
  if (id != PROP_PAYLOADER) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    return;
  }
  const Owned<GstPad> target (
      gst_ghost_pad_get_target (GST_GHOST_PAD (object)));
  if (target) {
    GST_WARNING_OBJECT (object, "has a payloader at work");
    return;
  }
  gst_spreadit_sink_pad_set_payloader (
      self, static_cast<GstElement *> (g_value_get_object (value)));
}

void
get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec) noexcept
{
  if (id == PROP_PAYLOADER)
    g_value_take_object (value,
        gst_spreadit_sink_pad_get_payloader (GST_SPREADIT_SINK_PAD (object)));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

void
finalize (GObject *object) noexcept
{
  delete GST_SPREADIT_SINK_PAD (object)->priv;
  G_OBJECT_CLASS (gst_spreadit_sink_pad_parent_class)->finalize (object);
}

} // namespace

void
gst_spreadit_sink_pad_set_template_caps (
    GstSpreaditSinkPad *self, GstCaps *caps)
{
  const std::lock_guard guard (self->priv->lock);
  self->priv->template_caps.reset (caps);
}

GstElement *
gst_spreadit_sink_pad_get_payloader (GstSpreaditSinkPad *self)
{
  const std::lock_guard guard (self->priv->lock);
  return ref (self->priv->payloader.get ()).release ();
}

void
gst_spreadit_sink_pad_set_payloader (
    GstSpreaditSinkPad *self, GstElement *payloader)
{
  Owned<GstElement> owned;
  if (payloader)
    owned.reset (static_cast<GstElement *> (gst_object_ref_sink (payloader)));
  const std::lock_guard guard (self->priv->lock);
  self->priv->payloader.swap (owned);
}

static void
gst_spreadit_sink_pad_class_init (GstSpreaditSinkPadClass *klass)
{
  auto *object_class = G_OBJECT_CLASS (klass);
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;

  /**
   * GstSpreaditSinkPad:payloader:
   *
   * Found by the caps unless set before they come. One that is set keeps its
   * settings, except for a payload type that is taken already.
   *
   * Since: 1.0
   */
  g_object_class_install_property (object_class, PROP_PAYLOADER,
      g_param_spec_object ("payloader", "Payloader",
          "What makes RTP of the stream; can be set before the caps are known "
          "(NULL = by caps and rank, and none for application/x-rtp)",
          GST_TYPE_ELEMENT,
          GParamFlags (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                       GST_PARAM_MUTABLE_READY)));
}

static void
gst_spreadit_sink_pad_init (GstSpreaditSinkPad *self)
{
  self->priv = new Private;
  self->priv->template_caps.reset (gst_caps_new_any ());
  gst_pad_set_query_function (GST_PAD (self), query);
}
