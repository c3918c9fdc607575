// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <mutex>

#include <gst/gst.h>

namespace spreadit::relay {

// Plays what comes out of a parsebin again and again as one endless stream.
//
// At the end of all pads it seeks the file back to its start. Downstream sees
// neither end nor flush: each round's segment begins where the longest stream
// of the round before ended, so that running time, and with it the RTP
// timestamps, just go on and streams of unequal length stay in sync.
//
// Not a segment seek: not every demuxer has those.
class FileLoop {
public:
  // Errors go to the bus of `pipeline`, which outlives this.
  explicit FileLoop (GstElement *pipeline) : pipeline_ (pipeline) {}
  FileLoop (const FileLoop &) = delete;
  FileLoop &operator= (const FileLoop &) = delete;

  // For each pad, as it appears and before data flows.
  void add_pad (GstPad *pad);

private:
  struct Stream;
  static GstPadProbeReturn on_probe (
      GstPad *pad, GstPadProbeInfo *info, gpointer data) noexcept;
  GstPadProbeReturn on_event (
      GstPad *pad, Stream &stream, GstPadProbeInfo *info);
  GstPadProbeReturn on_buffer (Stream &stream, GstPadProbeInfo *info);
  static void rewind (GstElement *pipeline, GstPad *pad);

  GstElement *pipeline_;
  std::mutex lock_; // guards what is below; not held while pushing events
  unsigned pads_ = 0;
  unsigned pads_at_end_ = 0;
  GstClockTime round_base_ = 0; // running time at the start of this round
  GstClockTime round_end_ = 0;  // latest end of a buffer so far
};

} // namespace spreadit::relay
