/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gst/spreadit/gstspreaditenums.h>

GType
gst_spreadit_add_policy_get_type (void)
{
  static const GEnumValue values[] = {
      {GST_SPREADIT_ADD_POLICY_RANDOM, "GST_SPREADIT_ADD_POLICY_RANDOM",
          "random"},
      {GST_SPREADIT_ADD_POLICY_ROUND_ROBIN,
          "GST_SPREADIT_ADD_POLICY_ROUND_ROBIN", "round-robin"},
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
          "GST_SPREADIT_DELETE_POLICY_GRANDFATHER", "grandfather"},
      {GST_SPREADIT_DELETE_POLICY_ROOT, "GST_SPREADIT_DELETE_POLICY_ROOT",
          "root"},
      {GST_SPREADIT_DELETE_POLICY_GRANDFATHER_ALL,
          "GST_SPREADIT_DELETE_POLICY_GRANDFATHER_ALL", "grandfather-all"},
      {GST_SPREADIT_DELETE_POLICY_ROOT_ALL,
          "GST_SPREADIT_DELETE_POLICY_ROOT_ALL", "root-all"},
      {0, nullptr, nullptr}};
  static gsize type = 0;
  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, g_enum_register_static ("GstSpreaditDeletePolicy", values));
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
