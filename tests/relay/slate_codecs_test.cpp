// That there is a slate for what cameras send, that it is coded as that is, and
// what is said when there is none.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/app/app.h>
#include <gtest/gtest.h>

#include "media_slots.hpp"
#include "slate_codecs.hpp"

using namespace spreadit::relay;

namespace {

Owned<GstCaps>
caps_of (const std::string &text)
{
  return Owned<GstCaps> (
      gst_caps_from_string (("application/x-rtp," + text).c_str ()));
}

// The first packet; null after some seconds or an error.
GstSample *
first_packet (const std::string &description)
{
  GError *error = nullptr;
  const Owned<GstElement> pipeline (
      GST_ELEMENT (gst_object_ref_sink (gst_parse_launch (
          (description + " ! appsink name=end").c_str (), &error))));
  EXPECT_EQ (error, nullptr) << error->message;
  const Owned<GstElement> end (
      gst_bin_get_by_name (GST_BIN (pipeline.get ()), "end"));
  gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
  GstSample *sample =
      gst_app_sink_try_pull_sample (GST_APP_SINK (end.get ()), 20 * GST_SECOND);
  gst_element_set_state (pipeline.get (), GST_STATE_NULL);
  return sample;
}

class Formats : public testing::TestWithParam<const char *> {};

constexpr const char *aac =
    "media=audio,clock-rate=44100,encoding-name=MPEG4-GENERIC,mode=AAC-hbr,"
    "config=(string)1210,encoding-params=(string)2";

} // namespace

TEST_P (Formats, HaveASlateThatIsCodedAlike)
{
  const auto caps = caps_of (GetParam ());
  const SlateMaker maker = make_slate_maker (caps.get (), nullptr);
  if (maker.problem.find ("is installed") != std::string::npos)
    GTEST_SKIP () << maker.problem;
  ASSERT_EQ (maker.problem, "");
  GstSample *sample = first_packet (maker.description);
  ASSERT_TRUE (sample) << maker.description;
  EXPECT_EQ (format_of (gst_sample_get_caps (sample)), format_of (caps.get ()));
  EXPECT_TRUE (
      !maker.caps || gst_caps_is_equal (maker.caps.get (), caps.get ()))
      << "what players were told of sound stays";
  int rate = 0, wanted = 0;
  gst_structure_get_int (
      gst_caps_get_structure (gst_sample_get_caps (sample), 0), "clock-rate",
      &rate);
  gst_structure_get_int (
      gst_caps_get_structure (caps.get (), 0), "clock-rate", &wanted);
  EXPECT_EQ (rate, wanted);
  gst_sample_unref (sample);
}

INSTANTIATE_TEST_SUITE_P (OfCameras, Formats,
    testing::Values ("media=video,clock-rate=90000,encoding-name=H264",
        "media=video,clock-rate=90000,encoding-name=H265",
        "media=video,clock-rate=90000,encoding-name=VP8",
        "media=video,clock-rate=90000,encoding-name=VP9",
        "media=video,clock-rate=90000,encoding-name=JPEG", aac,
        "media=audio,clock-rate=48000,encoding-name=OPUS",
        "media=audio,clock-rate=8000,encoding-name=PCMU",
        "media=audio,clock-rate=8000,encoding-name=PCMA"));

TEST (Slate, HasTheSizeOfThePicture)
{
  const auto rtp = caps_of ("media=video,clock-rate=90000,encoding-name=H264");
  const Owned<GstCaps> coded (
      gst_caps_from_string ("video/x-h264,width=1281,height=721"));
  EXPECT_NE (make_slate_maker (rtp.get (), coded.get ())
                 .description.find ("width=1280,height=720"),
      std::string::npos)
      << "even, as encoders want it";
}

// What a decoder was told beforehand would not fit.
TEST (Slate, OfAacIsForLowComplexityOnly)
{
  for (const char *config : {"2b11880800", "10", "zz", "1000"}) {
    std::string text = aac;
    text.replace (text.find ("1210"), 4, config);
    EXPECT_NE (make_slate_maker (caps_of (text).get (), nullptr).problem, "")
        << config;
  }
}

TEST (Slate, ThatThereIsNoneIsSaid)
{
  EXPECT_EQ (
      make_slate_maker (
          caps_of ("media=video,clock-rate=90000,encoding-name=THEORA").get (),
          nullptr)
          .problem,
      "there is no slate for video/THEORA");
  GstRegistry *registry = gst_registry_get ();
  GstPluginFeature *encoder = gst_registry_lookup_feature (registry, "opusenc");
  if (!encoder)
    GTEST_SKIP () << "no opusenc";
  gst_registry_remove_feature (registry, encoder);
  EXPECT_EQ (
      make_slate_maker (
          caps_of ("media=audio,clock-rate=48000,encoding-name=OPUS").get (),
          nullptr)
          .problem,
      "no encoder for audio/OPUS is installed (gstreamer1.0-plugins-base has "
      "opusenc)");
  gst_registry_add_feature (registry, encoder);
  gst_object_unref (encoder);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  testing::InitGoogleTest (&argc, argv);
  return RUN_ALL_TESTS ();
}
