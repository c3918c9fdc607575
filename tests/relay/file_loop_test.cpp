// A file in a loop is one endless stream: what comes out of FileLoop goes on in
// time, whatever is before the file's own beginning.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <chrono>
#include <semaphore>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "file_loop.hpp"
#include "owned.hpp"

using namespace spreadit::relay;

namespace {

// A stream of a demuxer: three packets of 20 ms, and its file begins with the
// second, as an edit list says. What payloaders make of it is their running
// time.
class Demuxed {
public:
  Demuxed (FileLoop &loop, const char *media)
      : source_ (gst_pad_new ("src", GST_PAD_SRC)),
        sink_ (gst_pad_new ("sink", GST_PAD_SINK)), media_ (media)
  {
    for (GstPad *pad : {source_.get (), sink_.get ()})
      gst_object_ref_sink (pad);
    gst_pad_set_element_private (source_.get (), this);
    gst_pad_set_element_private (sink_.get (), this);
    gst_pad_set_event_function (source_.get (), on_seek);
    gst_pad_set_event_function (sink_.get (), on_event);
    gst_pad_set_chain_function (sink_.get (), on_buffer);
    gst_pad_link (source_.get (), sink_.get ());
    loop.add_pad (source_.get ());
    gst_pad_set_active (sink_.get (), TRUE);
    gst_pad_set_active (source_.get (), TRUE);
  }
  ~Demuxed ()
  {
    gst_pad_set_active (source_.get (), FALSE);
    gst_pad_set_active (sink_.get (), FALSE);
  }

  void play_round ()
  {
    GstPad *pad = source_.get ();
    if (std::exchange (rounds_, rounds_ + 1) == 0) {
      gst_pad_push_event (pad, gst_event_new_stream_start ("clip"));
      const Owned<GstCaps> caps (gst_caps_new_empty_simple (media_));
      gst_pad_push_event (pad, gst_event_new_caps (caps.get ()));
    } else {
      gst_pad_push_event (pad, gst_event_new_flush_start ());
      gst_pad_push_event (pad, gst_event_new_flush_stop (TRUE));
    }
    GstSegment segment;
    gst_segment_init (&segment, GST_FORMAT_TIME);
    segment.start = segment.time = segment.position = 20 * GST_MSECOND;
    gst_pad_push_event (pad, gst_event_new_segment (&segment));
    for (unsigned i = 0; i < 3; ++i) {
      GstBuffer *buffer = gst_buffer_new ();
      GST_BUFFER_PTS (buffer) = i * 20 * GST_MSECOND;
      GST_BUFFER_DURATION (buffer) = 20 * GST_MSECOND;
      gst_pad_push (pad, buffer);
    }
    gst_pad_push_event (pad, gst_event_new_eos ());
  }

  // Whether the loop has asked for the next round.
  bool is_rewound ()
  {
    return rewound_.try_acquire_for (std::chrono::seconds (10));
  }

  // In ms; -1 for what is outside of its segment.
  std::vector<int> times;
  bool ended = false;

private:
  static Demuxed &of (GstPad *pad)
  {
    return *static_cast<Demuxed *> (gst_pad_get_element_private (pad));
  }
  static gboolean on_seek (GstPad *pad, GstObject *, GstEvent *event) noexcept
  {
    if (GST_EVENT_TYPE (event) == GST_EVENT_SEEK)
      of (pad).rewound_.release ();
    gst_event_unref (event);
    return TRUE;
  }
  static gboolean on_event (GstPad *pad, GstObject *, GstEvent *event) noexcept
  {
    if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT)
      gst_event_copy_segment (event, &of (pad).segment_);
    of (pad).ended = of (pad).ended || GST_EVENT_TYPE (event) == GST_EVENT_EOS;
    gst_event_unref (event);
    return TRUE;
  }
  static GstFlowReturn on_buffer (
      GstPad *pad, GstObject *, GstBuffer *buffer) noexcept
  {
    const GstClockTime time = gst_segment_to_running_time (
        &of (pad).segment_, GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
    of (pad).times.push_back (GST_CLOCK_TIME_IS_VALID (time)
                                  ? static_cast<int> (time / GST_MSECOND)
                                  : -1);
    gst_buffer_unref (buffer);
    return GST_FLOW_OK;
  }

  Owned<GstPad> source_, sink_;
  const char *media_;
  unsigned rounds_ = 0;
  GstSegment segment_{};
  std::binary_semaphore rewound_{0}; // by a thread of GStreamer's
};

class Looped : public testing::Test {
protected:
  std::vector<int> play_three_rounds (const char *media)
  {
    Demuxed stream (loop_, media);
    for (int round = 0; round < 3; ++round) {
      stream.play_round ();
      EXPECT_TRUE (stream.is_rewound ());
    }
    EXPECT_FALSE (stream.ended);
    return stream.times;
  }

  Owned<GstElement> pipeline_{
      GST_ELEMENT (gst_object_ref_sink (gst_pipeline_new (nullptr)))};
  FileLoop loop_{pipeline_.get ()};
};

} // namespace

TEST_F (Looped, SoundBeforeTheBeginningIsLeftOut)
{
  EXPECT_EQ (
      play_three_rounds ("audio/mpeg"), (std::vector{0, 20, 40, 60, 80, 100}));
}

TEST_F (Looped, PicturesBeforeTheBeginningAreShownWithTheFirst)
{
  EXPECT_EQ (play_three_rounds ("video/x-h264"),
      (std::vector{0, 0, 20, 40, 40, 60, 80, 80, 100}));
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  testing::InitGoogleTest (&argc, argv);
  return RUN_ALL_TESTS ();
}
