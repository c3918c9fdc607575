/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gst/spreadit/gstspreaditenums.h>

// Of properties of elements, as GStreamer does it: the name says what the value
// means, gst-inspect-1.0 shows it; the nick is what a user types.

GType
gst_spreadit_add_policy_get_type (void)
{
  static const GEnumValue values[] = {
      {GST_SPREADIT_ADD_POLICY_RANDOM, "One of the children, drawn at random",
          "random"},
      {GST_SPREADIT_ADD_POLICY_ROUND_ROBIN, "The children in turn",
          "round-robin"},
      {GST_SPREADIT_ADD_POLICY_SMART_PLACEMENT,
          "The child closest to the newcomer", "smart-placement"},
      {GST_SPREADIT_ADD_POLICY_KNOCK_DOWNS,
          "A newcomer that is closer than all children replaces the farthest",
          "knock-downs"},
      {GST_SPREADIT_ADD_POLICY_SMART_BANDWIDTH,
          "A newcomer with more upload bandwidth takes the place of this node",
          "smart-bandwidth"},
      {GST_SPREADIT_ADD_POLICY_AUTO,
          "Straight to a peer with room, the widest above", "auto"},
      {0, nullptr, nullptr}};
  static gsize type = 0;
  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, g_enum_register_static ("GstSpreaditAddPolicy", values));
  return type;
}

GType
gst_spreadit_delete_policy_get_type (void)
{
  static const GEnumValue values[] = {
      {GST_SPREADIT_DELETE_POLICY_GRANDFATHER,
          "The children go to the parent of the leaver", "grandfather"},
      {GST_SPREADIT_DELETE_POLICY_ROOT, "The children go to the source",
          "root"},
      {GST_SPREADIT_DELETE_POLICY_GRANDFATHER_ALL,
          "All descendants go to the parent of the leaver", "grandfather-all"},
      {GST_SPREADIT_DELETE_POLICY_ROOT_ALL, "All descendants go to the source",
          "root-all"},
      {0, nullptr, nullptr}};
  static gsize type = 0;
  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, g_enum_register_static ("GstSpreaditDeletePolicy", values));
  return type;
}

GType
gst_spreadit_proximity_get_type (void)
{
  static const GEnumValue values[] = {
      {GST_SPREADIT_PROXIMITY_NONE, "Not at all", "none"},
      {GST_SPREADIT_PROXIMITY_RTT, "By the round trip to the source", "rtt"},
      {GST_SPREADIT_PROXIMITY_TRACEROUTE,
          "By the routers on the way to the source, then by the round trip",
          "traceroute"},
      {0, nullptr, nullptr}};
  static gsize type = 0;
  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, g_enum_register_static ("GstSpreaditProximity", values));
  return type;
}

GType
gst_spreadit_peer_state_get_type (void)
{
  static const GEnumValue values[] = {
      {GST_SPREADIT_PEER_STATE_IDLE, "GST_SPREADIT_PEER_STATE_IDLE", "idle"},
      {GST_SPREADIT_PEER_STATE_DISCOVERING,
          "GST_SPREADIT_PEER_STATE_DISCOVERING", "discovering"},
      {GST_SPREADIT_PEER_STATE_RECEIVING, "GST_SPREADIT_PEER_STATE_RECEIVING",
          "receiving"},
      {GST_SPREADIT_PEER_STATE_TRANSIENT, "GST_SPREADIT_PEER_STATE_TRANSIENT",
          "transient"},
      {GST_SPREADIT_PEER_STATE_SOURCE, "GST_SPREADIT_PEER_STATE_SOURCE",
          "source"},
      {GST_SPREADIT_PEER_STATE_FAILED, "GST_SPREADIT_PEER_STATE_FAILED",
          "failed"},
      {0, nullptr, nullptr}};
  static gsize type = 0;
  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, g_enum_register_static ("GstSpreaditPeerState", values));
  return type;
}
