// What an origin is connected to by, once: the RTP of all that it sends.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gst/gst.h>

#include "owned.hpp"

namespace spreadit::relay {

class OriginSource {
public:
  // Called in any thread, the media before any pad.
  struct Callbacks {
    // The RTP caps of all that is to come. Again when that changes: then what
    // there was has ended.
    std::function<void (std::vector<Owned<GstCaps>>)> media;
    // One of it, to be linked, and its RTP caps, or null: nobody waits for it.
    // The running time of a buffer is when it is due, and that is when it
    // comes, or later.
    std::function<void (GstPad *, const GstCaps *)> pad;
    // For the user.
    std::function<void (const std::string &)> note;
  };

  virtual ~OriginSource () = default;

  // The state of the pipeline is the caller's from here on. Empty, or why not.
  virtual std::string add_to (GstBin *pipeline, const std::string &url) = 0;
  // Some times a second, in the default main context.
  virtual void look () {}
};

// A camera or server that speaks RTSP.
std::unique_ptr<OriginSource> make_rtsp_source (
    OriginSource::Callbacks callbacks, GstClockTime latency);

// Whatever else there is an element for: SRT, RTMP, HLS, MPEG-TS over UDP, a
// file over HTTP.
std::unique_ptr<OriginSource> make_uri_source (
    OriginSource::Callbacks callbacks);

} // namespace spreadit::relay
