// SPDX-License-Identifier: LGPL-2.1-or-later
#include "file_loop.hpp"

#include <memory>

namespace spreadit::relay {

struct FileLoop::Stream {
  FileLoop *loop;
  GstSegment segment;
  bool is_sound = false;
};

void
FileLoop::add_pad (GstPad *pad)
{
  {
    const std::lock_guard guard (lock_);
    ++pads_;
  }
  auto *stream = new Stream{this, {}, false};
  gst_segment_init (&stream->segment, GST_FORMAT_UNDEFINED);
  gst_pad_add_probe (pad,
      static_cast<GstPadProbeType> (GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM |
                                    GST_PAD_PROBE_TYPE_EVENT_FLUSH |
                                    GST_PAD_PROBE_TYPE_BUFFER),
      on_probe, stream,
      [] (gpointer data) { delete static_cast<Stream *> (data); });
}

GstPadProbeReturn
FileLoop::on_probe (GstPad *pad, GstPadProbeInfo *info, gpointer data) noexcept
{
  auto *stream = static_cast<Stream *> (data);
  if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER)
    return stream->loop->on_buffer (*stream, info);
  return stream->loop->on_event (pad, *stream, info);
}

GstPadProbeReturn
FileLoop::on_event (GstPad *pad, Stream &stream, GstPadProbeInfo *info)
{
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_FLUSH_START:
  case GST_EVENT_FLUSH_STOP:
    return GST_PAD_PROBE_DROP; // of our own seek
  case GST_EVENT_CAPS: {
    GstCaps *caps = nullptr;
    gst_event_parse_caps (event, &caps);
    stream.is_sound = g_str_has_prefix (
        gst_structure_get_name (gst_caps_get_structure (caps, 0)), "audio/");
    return GST_PAD_PROBE_OK;
  }
  case GST_EVENT_SEGMENT: {
    gst_event_copy_segment (event, &stream.segment);
    const std::lock_guard guard (lock_);
    stream.segment.base = round_base_;
    GstEvent *moved = gst_event_new_segment (&stream.segment);
    gst_event_set_seqnum (moved, gst_event_get_seqnum (event));
    gst_event_unref (event);
    GST_PAD_PROBE_INFO_DATA (info) = moved;
    return GST_PAD_PROBE_OK;
  }
  case GST_EVENT_EOS: {
    {
      const std::lock_guard guard (lock_);
      if (++pads_at_end_ < pads_)
        return GST_PAD_PROBE_DROP;
      pads_at_end_ = 0;
      round_base_ = round_end_;
    }
    // A seek from the streaming thread would wait for itself.
    gst_element_call_async (
        pipeline_,
        [] (GstElement *pipeline, gpointer pad) {
          rewind (pipeline, GST_PAD (pad));
        },
        gst_object_ref (pad), gst_object_unref);
    return GST_PAD_PROBE_DROP;
  }
  default:
    return GST_PAD_PROBE_OK;
  }
}

// What is before the segment is there for the decoder and not to be seen or
// heard (an edit list, as of most AAC in MP4). Payloaders give it the time at
// which the very first round began (gstrtpbasepayload.c, "Clipped pts"):
// players that get it in a later round leap back. Sound that begins anew is
// none the worse without; a picture that others refer to is shown with the
// first of them.
GstPadProbeReturn
FileLoop::on_buffer (Stream &stream, GstPadProbeInfo *info)
{
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  const GstSegment &segment = stream.segment;
  if (segment.format != GST_FORMAT_TIME || !GST_BUFFER_PTS_IS_VALID (buffer))
    return GST_PAD_PROBE_OK;
  GstClockTime end = GST_BUFFER_PTS (buffer);
  if (GST_BUFFER_DURATION_IS_VALID (buffer))
    end += GST_BUFFER_DURATION (buffer);
  if (GST_BUFFER_PTS (buffer) < segment.start) {
    if (stream.is_sound && end <= segment.start)
      return GST_PAD_PROBE_DROP;
    buffer = gst_buffer_make_writable (buffer);
    GST_BUFFER_PTS (buffer) = segment.start;
    GST_PAD_PROBE_INFO_DATA (info) = buffer;
    end = MAX (end, segment.start);
  }
  if (GST_CLOCK_TIME_IS_VALID (segment.stop))
    end = MIN (end, segment.stop);
  const GstClockTime running =
      gst_segment_to_running_time (&segment, GST_FORMAT_TIME, end);
  const std::lock_guard guard (lock_);
  if (GST_CLOCK_TIME_IS_VALID (running) && running > round_end_)
    round_end_ = running;
  return GST_PAD_PROBE_OK;
}

void
FileLoop::rewind (GstElement *pipeline, GstPad *pad)
{
  GstEvent *seek = gst_event_new_seek (1.0, GST_FORMAT_TIME,
      GST_SEEK_FLAG_FLUSH, GST_SEEK_TYPE_SET, 0, GST_SEEK_TYPE_NONE, 0);
  if (!gst_pad_send_event (pad, seek))
    GST_ELEMENT_ERROR (pipeline, STREAM, FAILED,
        ("The file cannot be played in a loop: it has no way back to its "
         "start."),
        (nullptr));
}

} // namespace spreadit::relay
