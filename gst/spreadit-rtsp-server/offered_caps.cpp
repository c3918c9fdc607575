// SPDX-License-Identifier: LGPL-2.1-or-later
#include "offered_caps.hpp"

#include <cstring>

#include <gst/sdp/sdp.h>

namespace spreadit::rtsp_server {

namespace {

// "ssrc", and "ssrc-<number>-<attribute>" for a=ssrc lines.
gboolean
take_out_ssrc (GQuark field, GValue *value, gpointer cname) noexcept
{
  const gchar *name = g_quark_to_string (field);
  if (!g_str_has_prefix (name, "ssrc"))
    return TRUE;
  if (g_str_has_suffix (name, "-cname") && G_VALUE_HOLDS_STRING (value))
    static_cast<std::string *> (cname)->assign (g_value_get_string (value));
  return FALSE;
}

// The profile-level-id that H.264 caps have as a profile, from the source's
// a=fmtp: players that choose a decoder by it look there.
std::string
profile_level_id (const gchar *sdp, int payload_type)
{
  GstSDPMessage *message = nullptr;
  std::string found;
  if (!sdp || gst_sdp_message_new (&message) != GST_SDP_OK)
    return found;
  const std::string format = std::to_string (payload_type) + " ";
  constexpr const char *key = "profile-level-id=";
  if (gst_sdp_message_parse_buffer (reinterpret_cast<const guint8 *> (sdp),
          std::strlen (sdp), message) == GST_SDP_OK)
    for (guint i = 0; i < gst_sdp_message_medias_len (message); ++i) {
      const gchar *value = gst_sdp_media_get_attribute_val (
          gst_sdp_message_get_media (message, i), "fmtp");
      if (!value || !g_str_has_prefix (value, format.c_str ()))
        continue;
      if (const gchar *begin = std::strstr (value, key)) {
        begin += std::strlen (key);
        found.assign (begin, std::strcspn (begin, "; \t"));
      }
    }
  gst_sdp_message_free (message);
  return found;
}

} // namespace

OfferedCaps
offered_caps (const GstCaps *received, const gchar *sdp)
{
  OfferedCaps offered{Owned<GstCaps> (gst_caps_copy (received)), {}};
  GstStructure *s = gst_caps_get_structure (offered.caps.get (), 0);
  gst_structure_filter_and_map_in_place (s, take_out_ssrc, &offered.cname);
  int payload_type = -1;
  gst_structure_get_int (s, "payload", &payload_type);
  if (!g_strcmp0 (gst_structure_get_string (s, "encoding-name"), "H264") &&
      !gst_structure_has_field (s, "profile-level-id")) {
    const std::string id = profile_level_id (sdp, payload_type);
    if (!id.empty ())
      gst_structure_set (
          s, "profile-level-id", G_TYPE_STRING, id.c_str (), nullptr);
  }
  return offered;
}

} // namespace spreadit::rtsp_server
