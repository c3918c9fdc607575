// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements.hpp"

#include "owned.hpp"

namespace spreadit::relay {

namespace {

// Any, if the known ones are not there.
std::string
find_encoder (const std::vector<const char *> &known, const char *caps_text,
    GstElementFactoryListType kind)
{
  if (std::string found = first_installed (known); !found.empty ())
    return found;
  GList *all = gst_element_factory_list_get_elements (kind, GST_RANK_MARGINAL);
  const Owned<GstCaps> caps (gst_caps_from_string (caps_text));
  GList *fitting =
      gst_element_factory_list_filter (all, caps.get (), GST_PAD_SRC, FALSE);
  std::string name;
  if (fitting)
    name = GST_OBJECT_NAME (fitting->data);
  gst_plugin_feature_list_free (fitting);
  gst_plugin_feature_list_free (all);
  return name;
}

} // namespace

bool
has_element (const std::string &name)
{
  return Owned<GstElementFactory> (gst_element_factory_find (name.c_str ())) !=
         nullptr;
}

std::string
first_installed (const std::vector<const char *> &descriptions)
{
  for (const std::string text : descriptions)
    if (has_element (text.substr (0, text.find (' '))))
      return text;
  return "";
}

GstElement *
make_best (GstElementFactoryListType kind, const GstCaps *caps)
{
  GList *all = gst_element_factory_list_get_elements (kind, GST_RANK_MARGINAL);
  GList *fitting =
      gst_element_factory_list_filter (all, caps, GST_PAD_SINK, FALSE);
  fitting = g_list_sort (fitting, gst_plugin_feature_rank_compare_func);
  GstElement *made = fitting ? gst_element_factory_create (
                                   GST_ELEMENT_FACTORY (fitting->data), nullptr)
                             : nullptr;
  gst_plugin_feature_list_free (fitting);
  gst_plugin_feature_list_free (all);
  return made;
}

QueuePads
request_queue (GstElement *multiqueue)
{
  QueuePads pads;
  pads.in.reset (gst_element_request_pad_simple (multiqueue, "sink_%u"));
  const Text in_name (gst_pad_get_name (pads.in.get ()));
  const std::string out_name =
      "src_" + std::string (in_name.get ()).substr (sizeof "sink_" - 1);
  pads.out.reset (gst_element_get_static_pad (multiqueue, out_name.c_str ()));
  return pads;
}

void
discard_all_of (GstBin *pipeline, GstPad *pad)
{
  GstElement *hole = gst_element_factory_make ("fakesink", nullptr);
  g_object_set (hole, "async", FALSE, "sync", FALSE, nullptr);
  gst_bin_add (pipeline, hole);
  gst_element_sync_state_with_parent (hole);
  const Owned<GstPad> to (gst_element_get_static_pad (hole, "sink"));
  gst_pad_link_maybe_ghosting (pad, to.get ());
}

std::string
find_video_encoder ()
{
  return find_encoder (
      {"x264enc tune=zerolatency speed-preset=ultrafast bitrate=800 "
       "key-int-max=25",
          "openh264enc bitrate=800000 gop-size=25 complexity=low",
          "vp8enc deadline=1 target-bitrate=800000 keyframe-max-dist=25 "
          "cpu-used=8"},
      "video/x-h264; video/x-vp8", GST_ELEMENT_FACTORY_TYPE_VIDEO_ENCODER);
}

std::string
find_audio_encoder ()
{
  return find_encoder ({"avenc_aac bitrate=64000", "voaacenc bitrate=64000",
                           "opusenc bitrate=64000"},
      "audio/mpeg, mpegversion=4; audio/x-opus",
      GST_ELEMENT_FACTORY_TYPE_AUDIO_ENCODER);
}

} // namespace spreadit::relay
