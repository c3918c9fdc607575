// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-spreaditrelay
 * @title: spreaditrelay
 * @see_also: spreaditintake, spreaditfanout, spreaditsrc
 *
 * A peer that only relays: `spreaditintake ! spreaditfanout`, nothing is
 * decoded or repacketised.
 *
 * The messages on the bus are those of #spreaditsrc. EOS follows when the
 * source has ended the stream. Going from PAUSED to READY leaves gracefully:
 * the children are fed until they have found another parent, for at most
 * `linger` milliseconds.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 spreaditrelay uri=spreadit://source.example:8554/live \
 *     max-children=8
 * ]|
 *
 * Since: 1.0
 */

#include "gstspreaditrelay.h"

#include "gstspreaditelements.h"
#include "gstspreaditfanout.h"
#include "gstspreaditintake.h"
#include "gstspreaditsession.h"
#include "owned.hpp"

GST_DEBUG_CATEGORY_STATIC (gst_spreadit_relay_debug);
#define GST_CAT_DEFAULT gst_spreadit_relay_debug

using namespace spreadit;

namespace {

enum { PROP_0, PROP_MANAGER, PROP_SESSION };

struct Private {
  GstSpreaditSession *session = nullptr; // owned

  ~Private () { gst_spreadit_session_free (session); }
};

} // namespace

struct _GstSpreaditRelay {
  GstBin parent;
  Private *priv; // owned: new in init, delete in finalize
};

G_DEFINE_TYPE_WITH_CODE (GstSpreaditRelay, gst_spreadit_relay, GST_TYPE_BIN,
    GST_DEBUG_CATEGORY_INIT (
        gst_spreadit_relay_debug, "spreaditrelay", 0, "SpreadIt relay"))
GST_ELEMENT_REGISTER_DEFINE (
    spreaditrelay, "spreaditrelay", GST_RANK_NONE, GST_TYPE_SPREADIT_RELAY)

namespace {

GstStateChangeReturn
change_state (GstElement *element, GstStateChange transition) noexcept
{
  return gst_spreadit_session_change_state (
      GST_SPREADIT_RELAY (element)->priv->session,
      GST_ELEMENT_CLASS (gst_spreadit_relay_parent_class), transition);
}

void
set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec) noexcept
{
  if (id >= PROP_SESSION)
    gst_spreadit_session_set_property (
        GST_SPREADIT_RELAY (object)->priv->session, value, pspec);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

void
get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec) noexcept
{
  auto *session = GST_SPREADIT_RELAY (object)->priv->session;
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
  delete GST_SPREADIT_RELAY (object)->priv;
  G_OBJECT_CLASS (gst_spreadit_relay_parent_class)->finalize (object);
}

} // namespace

static void
gst_spreadit_relay_class_init (GstSpreaditRelayClass *klass)
{
  auto *object_class = G_OBJECT_CLASS (klass);
  auto *element_class = GST_ELEMENT_CLASS (klass);

  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;
  element_class->change_state = change_state;

  /**
   * GstSpreaditRelay:manager:
   *
   * For its signals and read-only properties.
   *
   * Since: 1.0
   */
  g_object_class_install_property (object_class, PROP_MANAGER,
      g_param_spec_object ("manager", "Manager",
          "The peering manager: its signals tell of parents and children",
          GST_TYPE_SPREADIT_PEERING_MANAGER,
          GParamFlags (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
  gst_spreadit_session_install_properties (
      object_class, GST_SPREADIT_ROLE_PEER, PROP_SESSION);

  gst_element_class_set_static_metadata (element_class, "SpreadIt relay",
      "Generic/Bin/Network",
      "Passes a stream on to other peers without playing it",
      "The SpreadIt authors");
}

static void
gst_spreadit_relay_init (GstSpreaditRelay *self)
{
  auto *priv = self->priv = new Private;
  priv->session = gst_spreadit_session_new (
      GST_ELEMENT (self), GST_SPREADIT_ROLE_PEER, nullptr);

  const Owned<GstSpreaditPeeringManager> manager (
      gst_spreadit_session_get_manager (priv->session));
  const auto make = [&manager] (GType type, const gchar *name) {
    return static_cast<GstElement *> (
        g_object_new (type, "name", name, "manager", manager.get (), nullptr));
  };
  GstElement *intake = make (GST_TYPE_SPREADIT_INTAKE, "intake");
  GstElement *fanout = make (GST_TYPE_SPREADIT_FANOUT, "fanout");
  gst_bin_add_many (GST_BIN (self), intake, fanout, nullptr);
  gst_element_link (intake, fanout);
}
