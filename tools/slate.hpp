// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <gst/gst.h>

#include "media_slots.hpp"

namespace spreadit::relay {

// Stands in for a camera that sends nothing: a still picture and silence, coded
// as the stream is, in the same slots. It goes on from the camera's last time,
// and the camera from its: from a key frame on, so that no decoder is shown
// what refers to a picture that it does not have.
//
// What is of the camera's comes in any thread; the rest is of the default main
// context.
class Slate {
public:
  // `slots` is borrowed and outlives this. `latency`: how late what the camera
  // sends comes here at most. `note` is for what the user is to know.
  Slate (MediaSlots &slots, GstClockTime latency,
      std::function<void (const std::string &)> note);
  ~Slate ();
  Slate (const Slate &) = delete;
  Slate &operator= (const Slate &) = delete;

  // One more medium. Empty, or why it is to do without.
  std::string add (MediaSlots::Slot &slot, const GstCaps *rtp_caps);
  // A packet of the camera's, at a MediaSlots::time_of(). `first` of a
  // connection.
  void pass (
      MediaSlots::Slot &slot, GstSample *packet, GstClockTime time, bool first);

  // The connection is lost.
  void begin ();
  // To be called some times a second: media that have been silent for long get
  // it, and it ends when all of them are back.
  void look ();

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace spreadit::relay
