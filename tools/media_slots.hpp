// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <gst/gst.h>
#include <gst/sdp/sdp.h>

#include "owned.hpp"

namespace spreadit::relay {

// The RTP caps of an SDP's media, in order; null where one is none.
std::vector<Owned<GstCaps>> rtp_caps_of (const GstSDPMessage *sdp);
// "video/H264"
std::string format_of (const GstCaps *rtp_caps);

// The media of a stream that this node is the source of, while whoever sends
// them goes and comes back: RTP is taken apart and made anew by the sink, whose
// SSRCs, sequence numbers and time go on
// (docs/decisions/0020-publishers-come-and-go.md).
//
// Not thread-safe, but for push() on different slots.
class MediaSlots {
public:
  struct Slot;

  // Both are borrowed and outlive this.
  MediaSlots (GstBin *pipeline, GstElement *sink);
  ~MediaSlots ();
  MediaSlots (const MediaSlots &) = delete;
  MediaSlots &operator= (const MediaSlots &) = delete;

  [[nodiscard]] bool empty () const { return slots_.empty (); }
  // One more. Empty, or why not.
  std::string add (const GstCaps *rtp_caps);
  // A slot for each of what somebody who has come is going to send; or why not.
  std::variant<std::vector<Slot *>, std::string> take (
      const std::vector<Owned<GstCaps>> &media);
  // When that is here: the running time of a pipeline with that base time.
  [[nodiscard]] GstClockTime time_of (
      GstClockTime running_time, GstClockTime base_time) const;
  // At a time_of(). With `caps` for the first of whoever has come: what it is.
  void push (
      Slot &slot, GstBuffer *packet, GstClockTime time, const GstCaps *caps);
  // The stream is over; no push() any more.
  void end ();
  // What was last made of the packets, as with the size of the picture; or
  // null.
  static Owned<GstCaps> coded_caps (const Slot &slot);

private:
  GstBin *pipeline_;
  GstElement *sink_;
  std::vector<std::unique_ptr<Slot>> slots_;
};

} // namespace spreadit::relay
