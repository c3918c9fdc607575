// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media_description.hpp"

#include <bitset>
#include <cinttypes>
#include <cstring>
#include <string_view>

namespace spreadit {

namespace {

constexpr guint media_max = 32; // ours: a tree view of a film has three

Owned<GstSDPMessage>
parse (const char *sdp)
{
  GstSDPMessage *message = nullptr;
  if (gst_sdp_message_new (&message) != GST_SDP_OK)
    return nullptr;
  Owned<GstSDPMessage> owned (message);
  const auto result = gst_sdp_message_parse_buffer (
      reinterpret_cast<const guint8 *> (sdp), std::strlen (sdp), message);
  return result == GST_SDP_OK ? std::move (owned) : nullptr;
}

// The first format of the section; none that is not a number below 128.
int
payload_type_of (const GstSDPMedia *media)
{
  if (gst_sdp_media_formats_len (media) == 0)
    return -1;
  const gchar *text = gst_sdp_media_get_format (media, 0);
  guint64 value = 0;
  if (!text || !g_ascii_string_to_unsigned (text, 10, 0, 127, &value, nullptr))
    return -1;
  return int (value);
}

Owned<GstCaps>
caps_of (const GstSDPMedia *media, int payload_type)
{
  Owned<GstCaps> caps (gst_sdp_media_get_caps_from_media (media, payload_type));
  if (!caps)
    return nullptr;
  // The library leaves the name open ("application/x-unknown").
  gst_structure_set_name (
      gst_caps_get_structure (caps.get (), 0), "application/x-rtp");
  gst_sdp_media_attributes_to_caps (media, caps.get ());
  return caps;
}

void
add_line (std::string &sdp, char type, const std::string &value)
{
  sdp += type;
  sdp += '=';
  sdp += value;
  sdp += "\r\n";
}

void
add_media (std::string &sdp, const SentMedia &sent, const std::string &cname)
{
  // The payload type that packets have, whatever the caps say.
  const Owned<GstCaps> caps (gst_caps_copy (sent.caps.get ()));
  gst_caps_set_simple (
      caps.get (), "payload", G_TYPE_INT, int (sent.payload_type), nullptr);

  GstSDPMedia *media = nullptr;
  gst_sdp_media_new (&media);
  gst_sdp_media_set_port_info (media, 0, 1);
  gst_sdp_media_set_proto (media, "RTP/AVP");
  if (gst_sdp_media_set_media_from_caps (caps.get (), media) == GST_SDP_OK) {
    const std::string ssrc = std::to_string (sent.ssrc) + " cname:" + cname;
    gst_sdp_media_add_attribute (media, "ssrc", ssrc.c_str ());
    const std::string control = "stream=" + std::to_string (sent.index);
    gst_sdp_media_add_attribute (media, "control", control.c_str ());
    const Owned<gchar> text (gst_sdp_media_as_text (media));
    sdp += text.get ();
  }
  gst_sdp_media_free (media);
}

} // namespace

std::vector<ReceivedMedia>
parse_description (const char *sdp)
{
  std::vector<ReceivedMedia> found;
  const Owned<GstSDPMessage> message = parse (sdp);
  if (!message)
    return found;
  std::bitset<128> taken;
  const guint n =
      std::min (gst_sdp_message_medias_len (message.get ()), media_max);
  for (guint i = 0; i < n; ++i) {
    const GstSDPMedia *media = gst_sdp_message_get_media (message.get (), i);
    const int payload_type = payload_type_of (media);
    if (payload_type < 0 || taken[payload_type])
      continue;
    Owned<GstCaps> caps = caps_of (media, payload_type);
    if (!caps)
      continue;
    taken[payload_type] = true;
    const bool is_video = !g_strcmp0 (gst_sdp_media_get_media (media), "video");
    found.push_back ({i, unsigned (payload_type), is_video, std::move (caps)});
  }
  return found;
}

bool
is_complete (const GstCaps *caps)
{
  const GstStructure *s = gst_caps_get_structure (caps, 0);
  const gchar *encoding = gst_structure_get_string (s, "encoding-name");
  if (!g_strcmp0 (encoding, "H264"))
    return gst_structure_has_field (s, "sprop-parameter-sets");
  if (!g_strcmp0 (encoding, "H265"))
    return gst_structure_has_field (s, "sprop-vps") &&
           gst_structure_has_field (s, "sprop-sps") &&
           gst_structure_has_field (s, "sprop-pps");
  return true;
}

std::string
make_description (const Session &session, const std::vector<SentMedia> &media)
{
  std::string sdp;
  add_line (sdp, 'v', "0");
  add_line (sdp, 'o',
      "- " + std::to_string (session.id) + " " +
          std::to_string (session.version) + " IN IP4 0.0.0.0");
  add_line (sdp, 's', "SpreadIt stream");
  // Where packets go is agreed on in SETUP (RFC 2326 C.1.7).
  add_line (sdp, 'c', "IN IP4 0.0.0.0");
  add_line (sdp, 't', "0 0");
  add_line (sdp, 'a', "type:broadcast");
  add_line (sdp, 'a', "control:*");
  add_line (sdp, 'a', "range:npt=now-");
  for (const SentMedia &sent : media)
    add_media (sdp, sent, session.cname);
  return sdp;
}

} // namespace spreadit
