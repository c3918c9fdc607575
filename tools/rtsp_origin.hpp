// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>

#include <gst/gst.h>

namespace spreadit::relay {

// A camera or server that a stream comes from. Once it has been there, it may
// be away: the stream stays, without packets, and it is asked for again until
// it is back (docs/decisions/0020-publishers-come-and-go.md).
//
// In the default main context.
class RtspOrigin {
public:
  // `pipeline` and the spreaditsink in it are borrowed and outlive this. Errors
  // of the first connection go to its bus; later, application messages `note`
  // with a `text`. `always_on`: a slate stands in for it while it is away.
  RtspOrigin (
      GstBin *pipeline, GstElement *sink, std::string url, bool always_on);
  ~RtspOrigin ();
  RtspOrigin (const RtspOrigin &) = delete;
  RtspOrigin &operator= (const RtspOrigin &) = delete;

  // From the main loop on. Empty, or why not.
  std::string start ();

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace spreadit::relay
