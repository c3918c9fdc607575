// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/description.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

#include "rtsp/limits.hpp"
#include "rtsp/uri.hpp"
#include "util/owned.hpp"

namespace spreadit::agent {

namespace {

template <class T>
std::optional<T>
leading_number (const char *text)
{
  T value{};
  const char *end = text + std::strlen (text);
  const auto [rest, error] = std::from_chars (text, end, value);
  if (error != std::errc () || rest == text)
    return std::nullopt;
  return value;
}

// a=rtpmap:96 H264/90000: what is behind the payload type.
std::optional<std::string_view>
rtpmap_of (const GstSDPMedia *media, unsigned payload_type)
{
  for (guint i = 0;; ++i) {
    const gchar *rtpmap =
        gst_sdp_media_get_attribute_val_n (media, "rtpmap", i);
    if (!rtpmap)
      return std::nullopt;
    if (leading_number<unsigned> (rtpmap) != payload_type)
      continue;
    const std::string_view text (rtpmap);
    const auto space = text.find (' ');
    return text.substr (std::min (space, text.size () - 1) + 1);
  }
}

// a=extmap:3[/direction] URI (RFC 8285 8); 0 if frames are not marked.
unsigned
frame_marking (const GstSDPMedia *media)
{
  constexpr unsigned id_max = 255; // of two-byte headers
  for (guint i = 0;; ++i) {
    const gchar *extmap =
        gst_sdp_media_get_attribute_val_n (media, "extmap", i);
    if (!extmap)
      return 0;
    const char *uri = std::strchr (extmap, ' ');
    const std::string_view wanted = "urn:ietf:params:rtp-hdrext:framemarking";
    if (!uri || !std::string_view (uri + 1).starts_with (wanted))
      continue;
    const auto id = leading_number<unsigned> (extmap);
    return id && *id <= id_max ? *id : 0;
  }
}

// Static payload types need no rtpmap (RFC 3551).
std::uint32_t
clock_rate (std::optional<std::string_view> rtpmap, unsigned payload_type)
{
  if (!rtpmap)
    return payload_type < 24 ? 8000 : payload_type < 35 ? 90000 : 0;
  const auto slash = rtpmap->find ('/');
  return slash == std::string_view::npos
             ? 0
             : leading_number<std::uint32_t> (rtpmap->data () + slash + 1)
                   .value_or (0);
}

// Any case is allowed (RFC 4855, 3); "H264" for us.
std::string
encoding (std::string_view rtpmap)
{
  std::string name (rtpmap.substr (0, rtpmap.find ('/')));
  std::ranges::transform (name, name.begin (), g_ascii_toupper);
  return name;
}

bool
is_relative (const std::string &control)
{
  const auto url = rtsp::parse_uri ("rtsp://host/stream/" + control);
  return !control.empty () && control != "*" && control[0] != '/' &&
         control.find ("://") == std::string::npos &&
         control.find_first_of ("?,;\"") == std::string::npos &&
         std::holds_alternative<rtsp::Uri> (url);
}

} // namespace

std::vector<media::MediaDescription>
Description::data () const
{
  std::vector<media::MediaDescription> result;
  for (const auto &one : media)
    result.push_back (one.data);
  return result;
}

std::variant<Description, std::string>
parse_description (std::string text)
{
  if (text.empty ())
    return std::string ("the SDP is empty");
  if (text.size () > rtsp::limits::body_max)
    return "the SDP is longer than " + std::to_string (rtsp::limits::body_max) +
           " bytes";
  GstSDPMessage *raw = nullptr;
  if (gst_sdp_message_new (&raw) != GST_SDP_OK)
    return std::string ("out of memory");
  const Owned<GstSDPMessage> sdp (raw);
  if (gst_sdp_message_parse_buffer (
          reinterpret_cast<const guint8 *> (text.data ()),
          static_cast<guint> (text.size ()), sdp.get ()) != GST_SDP_OK)
    return std::string ("the SDP cannot be read");
  const guint count = gst_sdp_message_medias_len (sdp.get ());
  if (count == 0 || count > media_max)
    return "the SDP has " + std::to_string (count) + " media, expected 1 to " +
           std::to_string (media_max);

  Description result;
  for (guint i = 0; i < count; ++i) {
    const GstSDPMedia *media = gst_sdp_message_get_media (sdp.get (), i);
    const gchar *format = gst_sdp_media_get_format (media, 0);
    const auto payload_type =
        format ? leading_number<unsigned> (format) : std::nullopt;
    if (!payload_type || *payload_type > 127)
      return "medium " + std::to_string (i) +
             " of the SDP has no RTP payload type";
    for (const auto &other : result.media)
      if (other.data.payload_type == *payload_type)
        return "two media of the SDP have payload type " +
               std::to_string (*payload_type);
    Description::Media one;
    const gchar *control = gst_sdp_media_get_attribute_val (media, "control");
    one.control = control ? control : "stream=" + std::to_string (i);
    // It becomes the end of a URL, under the address of whoever serves it.
    if (!is_relative (one.control))
      return "a=control of medium " + std::to_string (i) +
             " of the SDP is not relative";
    for (const auto &other : result.media)
      if (other.control == one.control)
        return "two media of the SDP have a=control:" + one.control;
    one.data.payload_type = *payload_type;
    one.data.frame_marking = frame_marking (media);
    const auto rtpmap = rtpmap_of (media, *payload_type);
    one.data.clock_rate = clock_rate (rtpmap, *payload_type);
    one.data.encoding = encoding (rtpmap.value_or (""));
    if (const gchar *ssrc = gst_sdp_media_get_attribute_val (media, "ssrc"))
      one.data.ssrc = leading_number<std::uint32_t> (ssrc);
    result.media.push_back (std::move (one));
  }
  result.text = std::move (text);
  return result;
}

} // namespace spreadit::agent
