// Key frames from a spreaditsink to a spreaditsrc: what a newcomer sees first,
// and that it is one picture.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <atomic>
#include <string>

#include <gst/rtp/gstrtpbuffer.h>

#include "loopback.hpp"

using namespace loopback;

namespace {

// The H.264 that passes a pad: slices of key frames, and whether parameter sets
// come between them.
class Slices {
public:
  Slices (GstElement *element, const char *pad)
      : pad_ (gst_element_get_static_pad (element, pad)),
        probe_ (gst_pad_add_probe (
            pad_, GST_PAD_PROBE_TYPE_BUFFER, on_buffer, this, nullptr))
  {
  }
  ~Slices ()
  {
    gst_pad_remove_probe (pad_, probe_);
    gst_object_unref (pad_);
  }
  Slices (const Slices &) = delete;
  Slices &operator= (const Slices &) = delete;

  [[nodiscard]] int max_in_key_frame () const { return max_; }
  [[nodiscard]] int parameter_sets () const { return sets_; }
  [[nodiscard]] int split_key_frames () const { return split_; }

private:
  static GstPadProbeReturn on_buffer (
      GstPad *, GstPadProbeInfo *info, gpointer data)
  {
    GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
    if (!gst_rtp_buffer_map (
            GST_PAD_PROBE_INFO_BUFFER (info), GST_MAP_READ, &rtp))
      return GST_PAD_PROBE_OK;
    if (gst_rtp_buffer_get_payload_len (&rtp) >= 2)
      static_cast<Slices *> (data)->take (gst_rtp_buffer_get_timestamp (&rtp),
          static_cast<const std::uint8_t *> (
              gst_rtp_buffer_get_payload (&rtp)));
    gst_rtp_buffer_unmap (&rtp);
    return GST_PAD_PROBE_OK;
  }

  void take (std::uint32_t timestamp, const std::uint8_t *payload)
  {
    constexpr int fu_a = 28, sps = 7, idr = 5;
    if (timestamp != timestamp_) {
      timestamp_ = timestamp;
      in_key_frame_ = 0;
    }
    int type = payload[0] & 0x1f;
    if (type == fu_a)
      type = payload[1] & 0x80 ? payload[1] & 0x1f : 0;
    if (type == sps) {
      ++sets_;
      split_ += in_key_frame_ > 0;
    } else if (type == idr) {
      max_ = std::max<int> (max_, ++in_key_frame_);
    }
  }

  GstPad *pad_;
  gulong probe_;
  std::uint32_t timestamp_ = 0; // what follows: of the streaming thread
  int in_key_frame_ = 0;
  std::atomic<int> max_{0}, sets_{0}, split_{0};
};

} // namespace

// Newcomers come in the middle of a group of pictures; a group is a second.
GST_START_TEST (test_the_picture_begins_with_a_key_frame)
{
  TestSource source ("", false);
  for (int i = 0; i < 3; ++i) {
    Pipeline viewer ("spreaditsrc uri=" + source.uri () +
                     " ! rtph264depay ! video/x-h264,alignment=au ! "
                     "fakesink name=f sync=false");
    std::atomic<int> is_delta{-1};
    GstPad *pad = gst_element_get_static_pad (viewer["f"], "sink");
    gst_pad_add_probe (
        pad, GST_PAD_PROBE_TYPE_BUFFER,
        [] (GstPad *, GstPadProbeInfo *info, gpointer data) {
          *static_cast<std::atomic<int> *> (data) = GST_BUFFER_FLAG_IS_SET (
              GST_PAD_PROBE_INFO_BUFFER (info), GST_BUFFER_FLAG_DELTA_UNIT);
          return GST_PAD_PROBE_REMOVE;
        },
        &is_delta, nullptr);
    {
      Tap pictures (pad);
      viewer.play ();
      pictures.wait_for (1 + i); // leaves elsewhere in the group each time
    }
    fail_unless_equals_int (is_delta, 0);
    viewer.set_state (GST_STATE_NULL);
    gst_object_unref (pad);
  }
}
GST_END_TEST;

// However long a group of pictures is, and wherever in it a newcomer comes.
GST_START_TEST (test_a_newcomer_does_not_wait_for_the_next_key_frame)
{
  if (!gst_registry_check_feature_version (
          gst_registry_get (), "x264enc", 1, 0, 0))
    return;
  Pipeline source ("spreaditsink name=s uri=spreadit://127.0.0.1:0/live "
                   "videotestsrc is-live=true ! "
                   "video/x-raw,width=160,height=120,framerate=20/1 ! "
                   "x264enc tune=zerolatency speed-preset=ultrafast "
                   "key-int-max=190 ! h264parse ! identity name=i ! s.");
  std::atomic<int> key_frames{0};
  GstPad *pad = gst_element_get_static_pad (source["i"], "src");
  gst_pad_add_probe (
      pad, GST_PAD_PROBE_TYPE_BUFFER,
      [] (GstPad *, GstPadProbeInfo *info, gpointer data) {
        *static_cast<std::atomic<int> *> (data) += !GST_BUFFER_FLAG_IS_SET (
            GST_PAD_PROBE_INFO_BUFFER (info), GST_BUFFER_FLAG_DELTA_UNIT);
        return GST_PAD_PROBE_OK;
      },
      &key_frames, nullptr);
  Signal described (source.manager ("s"), "media-changed");
  {
    Tap frames (pad);
    source.play ();
    described.wait ();
    frames.wait_for (70); // more than the ring's usual 3 s
  }
  // One below the source, and one below that.
  Pipeline first ("spreaditsrc name=r uri=" + uri_of (source.manager ("s")) +
                  " ! rtph264depay ! fakesink name=f sync=false");
  Pipeline second ("spreaditsrc name=r uri=" + uri_of (source.manager ("s")) +
                   " ! rtph264depay ! fakesink name=f sync=false");
  g_object_set (source.manager ("s"), "max-children", 1u, nullptr);
  for (Pipeline *viewer : {&first, &second}) {
    Tap pictures ((*viewer)["f"], "sink");
    viewer->play ();
    pictures.wait_for (20);
    fail_unless_equals_int (key_frames, 1);
  }
  gst_object_unref (pad);
}
GST_END_TEST;

// Parameter sets before a key frame, never within it: a player takes them for
// the beginning of another picture.
GST_START_TEST (test_a_key_frame_of_slices_stays_one)
{
  if (!gst_registry_check_feature_version (
          gst_registry_get (), "x264enc", 1, 0, 0))
    return;
  for (const char *format : {"avc", "byte-stream"}) {
    Pipeline source ("spreaditsink name=s uri=spreadit://127.0.0.1:0/live "
                     "videotestsrc is-live=true ! "
                     "video/x-raw,width=160,height=120,framerate=20/1 ! "
                     "x264enc tune=zerolatency speed-preset=ultrafast "
                     "key-int-max=5 option-string=slices=4 ! "
                     "video/x-h264,alignment=au,stream-format=" +
                     std::string (format) + " ! s.");
    Signal described (source.manager ("s"), "media-changed");
    source.play ();
    described.wait ();
    Viewer viewer (uri_of (source.manager ("s")));
    viewer.play ();
    const auto &pads = viewer.wait_pads ();
    fail_unless_equals_int (pads.size (), 1);
    Slices slices (viewer.pipeline ()["v"], pads[0].name.c_str ());
    viewer.wait_for (150);
    fail_unless (slices.max_in_key_frame () > 1, "%s", format);
    fail_unless (slices.parameter_sets () > 0, "%s", format);
    fail_unless_equals_int (slices.split_key_frames (), 0);
  }
}
GST_END_TEST;

static Suite *
pictures_suite ()
{
  Suite *suite = suite_create ("pictures");
  TCase *tc = tcase_create ("general");
  suite_add_tcase (suite, tc);
  tcase_set_timeout (tc, 120);
  tcase_add_test (tc, test_the_picture_begins_with_a_key_frame);
  tcase_add_test (tc, test_a_newcomer_does_not_wait_for_the_next_key_frame);
  tcase_add_test (tc, test_a_key_frame_of_slices_stays_one);
  return suite;
}

GST_CHECK_MAIN (pictures);
