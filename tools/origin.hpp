// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>

#include <gst/gst.h>

namespace spreadit::relay {

// Whether there may be one at `text`: a URI, but of no file and no device.
bool is_origin (const std::string &text);

struct OriginOptions {
  std::string url;
  bool always_on = false; // a slate stands in for it while it is away
  bool loop = false;      // of what ends: from its beginning again
};

// A camera, encoder or server that a stream comes from. Once it has been there,
// it may be away: the stream stays, without packets, and it is asked for again
// until it is back (docs/decisions/0020-publishers-come-and-go.md).
//
// In the default main context.
class Origin {
public:
  // `pipeline` and the spreaditsink in it are borrowed and outlive this. Errors
  // of the first connection go to its bus; later, application messages `note`
  // with a `text`.
  Origin (GstBin *pipeline, GstElement *sink, OriginOptions options);
  ~Origin ();
  Origin (const Origin &) = delete;
  Origin &operator= (const Origin &) = delete;

  // From the main loop on. Empty, or why not.
  std::string start ();

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace spreadit::relay
