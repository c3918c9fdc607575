// Where a viewer may begin in what mp4mux and webmmux write.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http/container.hpp"

#include <gtest/gtest.h>

#include "owned.hpp"

using namespace spreadit::http;
using spreadit::relay::Owned;

namespace {

// Buffers that a muxer pushes, split as the page's viewers get them.
struct Written {
  std::string head;
  std::vector<std::string> units; // from where one may begin to the next
  std::string before;             // what came before the first of those
  std::string error;
};

Written
write (const std::string &pipeline, Splitter splitter)
{
  Written written;
  const Owned<GstElement> bin (GST_ELEMENT (
      gst_object_ref_sink (gst_parse_launch (pipeline.c_str (), nullptr))));
  const Owned<GstElement> mux (
      gst_bin_get_by_name (GST_BIN (bin.get ()), "mux"));
  const Owned<GstPad> pad (gst_element_get_static_pad (mux.get (), "src"));
  std::pair context (&splitter, &written);
  gst_pad_add_probe (
      pad.get (), GST_PAD_PROBE_TYPE_BUFFER,
      [] (GstPad *, GstPadProbeInfo *info, gpointer data) {
        auto &[split, out] =
            *static_cast<std::pair<Splitter *, Written *> *> (data);
        GstBuffer *buffer =
            split->push (gst_buffer_ref (GST_PAD_PROBE_INFO_BUFFER (info)));
        if (!buffer)
          return GST_PAD_PROBE_OK;
        std::string bytes (gst_buffer_get_size (buffer), '\0');
        gst_buffer_extract (buffer, 0, bytes.data (), bytes.size ());
        if (!GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT))
          out->units.emplace_back ();
        (out->units.empty () ? out->before : out->units.back ()) += bytes;
        gst_buffer_unref (buffer);
        return GST_PAD_PROBE_OK;
      },
      &context, nullptr);
  gst_element_set_state (bin.get (), GST_STATE_PLAYING);
  const Owned<GstBus> bus (gst_element_get_bus (bin.get ()));
  const Owned<GstMessage> message (
      gst_bus_timed_pop_filtered (bus.get (), 60 * GST_SECOND,
          static_cast<GstMessageType> (GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
  if (!message || GST_MESSAGE_TYPE (message.get ()) != GST_MESSAGE_EOS)
    written.error = "the pipeline does not end";
  gst_element_set_state (bin.get (), GST_STATE_NULL);
  written.head = splitter.head ();
  return written;
}

bool
can_make (std::initializer_list<const char *> elements)
{
  for (const char *name : elements) {
    const Owned<GstElementFactory> factory (gst_element_factory_find (name));
    if (!factory)
      return false;
  }
  return true;
}

} // namespace

TEST (Mp4, BeginsWithTheFragmentOfAKeyFrame)
{
  if (!can_make ({"x264enc", "h264parse", "mp4mux", "avenc_aac", "aacparse"}))
    GTEST_SKIP () << "no encoders for H.264 and AAC";
  // 100 pictures, a key frame each second, and sound.
  const auto written = write (
      "mp4mux name=mux streamable=true fragment-duration=250 ! "
      "fakesink sync=false videotestsrc num-buffers=100 ! "
      "video/x-raw,framerate=25/1,width=64,height=64 ! "
      "x264enc key-int-max=25 tune=zerolatency ! h264parse ! mux.video_0 "
      "audiotestsrc num-buffers=170 ! avenc_aac ! aacparse ! mux.audio_0",
      Splitter (true, 1));
  EXPECT_EQ (written.error, "");
  EXPECT_EQ (written.head.substr (4, 4), "ftyp");
  EXPECT_NE (written.head.find ("moov"), std::string::npos);
  EXPECT_EQ (written.head.find ("moof"), std::string::npos);
  EXPECT_EQ (written.units.size (), 4u);
  for (const auto &unit : written.units)
    EXPECT_EQ (unit.substr (4, 4), "moof");
}

TEST (Mp4, OfSoundAloneBeginsAnywhere)
{
  if (!can_make ({"avenc_aac", "aacparse", "mp4mux"}))
    GTEST_SKIP () << "no encoder for AAC";
  const auto written =
      write ("mp4mux name=mux streamable=true fragment-duration=250 ! "
             "fakesink sync=false audiotestsrc num-buffers=170 ! avenc_aac ! "
             "aacparse ! mux.audio_0",
          Splitter (true, 0));
  EXPECT_EQ (written.error, "");
  EXPECT_EQ (written.before, "");
  EXPECT_GT (written.units.size (), 8u);
}

TEST (WebM, BeginsWithTheClusterOfAKeyFrame)
{
  if (!can_make ({"vp8enc", "webmmux", "opusenc", "opusparse"}))
    GTEST_SKIP () << "no encoders for VP8 and Opus";
  const auto written = write (
      "webmmux name=mux streamable=true min-cluster-duration=250000000 ! "
      "fakesink sync=false videotestsrc num-buffers=100 ! "
      "video/x-raw,framerate=25/1,width=64,height=64 ! "
      "vp8enc deadline=1 keyframe-max-dist=25 ! mux.video_0 "
      "audiotestsrc num-buffers=170 ! audioconvert ! audioresample ! opusenc ! "
      "opusparse ! mux.audio_0",
      Splitter (false, 1));
  EXPECT_EQ (written.error, "");
  EXPECT_EQ (written.head.substr (0, 4), "\x1a\x45\xdf\xa3");
  EXPECT_EQ (written.before, "");
  EXPECT_GE (written.units.size (), 4u);
  for (const auto &unit : written.units)
    EXPECT_EQ (unit.substr (0, 4), "\x1f\x43\xb6\x75");
}

TEST (Codec, HasTheNameABrowserKnows)
{
  const auto name = [] (const char *text) {
    const Owned<GstCaps> caps (gst_caps_from_string (text));
    return codec_name (caps.get ());
  };
  EXPECT_EQ (name ("video/x-vp8"), "vp8");
  EXPECT_EQ (name ("audio/x-opus"), "opus");
  EXPECT_EQ (
      name ("video/x-h264,codec_data=(buffer)0142c01effe10000"), "avc1.42C01E");
  EXPECT_EQ (
      name ("audio/mpeg,mpegversion=4,codec_data=(buffer)1190"), "mp4a.40.2");
}

int
main (int argc, char **argv)
{
  gst_init (nullptr, nullptr);
  testing::InitGoogleTest (&argc, argv);
  return RUN_ALL_TESTS ();
}
