// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

#include <gst/gst.h>

#include "owned.hpp"

namespace spreadit::relay {

bool has_element (const std::string &name);

// The first of some descriptions, "x264enc tune=zerolatency", whose element is
// installed; empty if none is.
std::string first_installed (const std::vector<const char *> &descriptions);

// The one of the highest rank that takes `caps`, floating; or null.
GstElement *make_best (GstElementFactoryListType kind, const GstCaps *caps);

// A queue of its own in a multiqueue.
struct QueuePads {
  Owned<GstPad> in;
  Owned<GstPad> out;
};
QueuePads request_queue (GstElement *multiqueue);

// What `pad` gives goes nowhere.
void discard_all_of (GstBin *pipeline, GstPad *pad);

// What makes a live stream of raw pictures or sound: no reordering, a key frame
// each second, so that whoever joins or moves sees a picture soon. Empty if
// nothing is installed that does.
std::string find_video_encoder ();
std::string find_audio_encoder ();

} // namespace spreadit::relay
