// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media_slots.hpp"

#include <algorithm>

#include <gst/app/app.h>

#include "elements.hpp"

namespace spreadit::relay {

namespace {

// What a source that cannot keep up loses; seconds.
constexpr guint64 queue_bytes_max = 16 * 1024 * 1024;

Owned<GstCaps>
caps_of (const GstSDPMedia *media)
{
  guint64 payload_type = 0;
  const gchar *format = gst_sdp_media_get_format (media, 0);
  if (!format ||
      !g_ascii_string_to_unsigned (format, 10, 0, 127, &payload_type, nullptr))
    return nullptr;
  GstCaps *caps = gst_sdp_media_get_caps_from_media (
      media, static_cast<gint> (payload_type));
  if (!caps)
    return nullptr;
  gst_structure_set_name (
      gst_caps_get_structure (caps, 0), "application/x-rtp");
  gst_sdp_media_attributes_to_caps (media, caps);
  return Owned<GstCaps> (caps);
}

// Tells the payloader of parameter sets that change with the sender, and
// repeats them with each key frame, for whoever has those of the one before.
GstElement *
make_parser (const std::string &format)
{
  if (format != "video/H264" && format != "video/H265")
    return gst_element_factory_make ("identity", nullptr);
  GstElement *parser = gst_element_factory_make (
      format == "video/H264" ? "h264parse" : "h265parse", nullptr);
  if (parser)
    g_object_set (parser, "config-interval", -1, nullptr);
  return parser;
}

} // namespace

std::vector<Owned<GstCaps>>
rtp_caps_of (const GstSDPMessage *sdp)
{
  std::vector<Owned<GstCaps>> media;
  for (guint i = 0; i < gst_sdp_message_medias_len (sdp); ++i)
    media.push_back (caps_of (gst_sdp_message_get_media (sdp, i)));
  return media;
}

std::string
format_of (const GstCaps *caps)
{
  const GstStructure *s = gst_caps_get_structure (caps, 0);
  const gchar *media = gst_structure_get_string (s, "media");
  const gchar *encoding = gst_structure_get_string (s, "encoding-name");
  return std::string (media ? media : "?") + "/" + (encoding ? encoding : "?");
}

struct MediaSlots::Slot {
  std::string format;
  Owned<GstElement> source; // an appsrc
  Owned<GstElement> parser;
  bool taken = false;
};

MediaSlots::MediaSlots (GstBin *pipeline, GstElement *sink)
    : pipeline_ (pipeline), sink_ (sink)
{
}

MediaSlots::~MediaSlots () = default;

// appsrc ! depayloader ! parser ! the sink, which makes RTP of it.
std::string
MediaSlots::add (const GstCaps *caps)
{
  auto slot = std::make_unique<Slot> ();
  slot->format = format_of (caps);
  GstElement *source = gst_element_factory_make ("appsrc", nullptr);
  GstElement *depayloader =
      make_best (GST_ELEMENT_FACTORY_TYPE_DEPAYLOADER, caps);
  GstElement *parser = make_parser (slot->format);
  const bool complete = source && depayloader && parser;
  if (!complete) {
    for (GstElement *element : {source, depayloader, parser})
      if (element)
        gst_object_unref (element);
    return "There is no element here that takes " + slot->format +
           " out of RTP";
  }
  gst_bin_add_many (pipeline_, source, depayloader, parser, nullptr);
  g_object_set (source, "caps", caps, "format", GST_FORMAT_TIME, "is-live",
      TRUE, "max-bytes", queue_bytes_max, nullptr);
  gst_util_set_object_arg (G_OBJECT (source), "leaky-type", "downstream");
  if (!gst_element_link_many (source, depayloader, parser, sink_, nullptr))
    return slot->format + " cannot be published";
  for (GstElement *element : {parser, depayloader, source})
    gst_element_sync_state_with_parent (element);
  slot->source.reset (GST_ELEMENT (gst_object_ref (source)));
  slot->parser.reset (GST_ELEMENT (gst_object_ref (parser)));
  slots_.push_back (std::move (slot));
  return "";
}

// Each medium gets the slot of the same format.
std::variant<std::vector<MediaSlots::Slot *>, std::string>
MediaSlots::take (const std::vector<Owned<GstCaps>> &media)
{
  std::vector<Slot *> taken;
  for (const auto &slot : slots_)
    slot->taken = false;
  for (const auto &caps : media) {
    const auto fits = std::find_if (slots_.begin (), slots_.end (),
        [format = format_of (caps.get ())] (const auto &slot) {
          return !slot->taken && slot->format == format;
        });
    if (fits == slots_.end ()) {
      std::string all;
      for (const auto &slot : slots_)
        all += (all.empty () ? "" : " and ") + slot->format;
      return format_of (caps.get ()) + " does not fit the stream, which is " +
             all + " from its first publisher on";
    }
    (*fits)->taken = true;
    taken.push_back (fits->get ());
  }
  return taken;
}

// The running time of their pipeline becomes that of ours: both go by the
// system's clock. So time goes on as it does, whoever sends.
GstClockTime
MediaSlots::time_of (GstClockTime running_time, GstClockTime base_time) const
{
  const GstClockTime ours = gst_element_get_base_time (GST_ELEMENT (pipeline_));
  if (GST_CLOCK_TIME_IS_VALID (running_time) &&
      GST_CLOCK_TIME_IS_VALID (base_time) && running_time + base_time >= ours)
    return running_time + base_time - ours;
  return 0;
}

void
MediaSlots::push (
    Slot &slot, GstBuffer *packet, GstClockTime time, const GstCaps *caps)
{
  GstBuffer *copy = gst_buffer_copy (packet);
  GST_BUFFER_PTS (copy) = time;
  GST_BUFFER_DTS (copy) = GST_CLOCK_TIME_NONE;
  auto *source = GST_APP_SRC (slot.source.get ());
  if (caps) {
    GST_BUFFER_FLAG_SET (copy, GST_BUFFER_FLAG_DISCONT);
    gst_app_src_set_caps (source, caps);
  }
  gst_app_src_push_buffer (source, copy);
}

void
MediaSlots::end ()
{
  for (const auto &slot : slots_)
    gst_app_src_end_of_stream (GST_APP_SRC (slot->source.get ()));
}

Owned<GstCaps>
MediaSlots::coded_caps (const Slot &slot)
{
  const Owned<GstPad> pad (
      gst_element_get_static_pad (slot.parser.get (), "src"));
  return Owned<GstCaps> (gst_pad_get_current_caps (pad.get ()));
}

} // namespace spreadit::relay
