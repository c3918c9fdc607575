// The stream itself in a page: what a browser's media source takes, as it
// comes.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>

#include "http/server.hpp"
#include "http/stream.hpp"

namespace spreadit::http {

// One pipeline for each stream that is watched, shared by its viewers: a
// spreaditsrc that joins this very node, over the loopback, like any peer. So
// it works at a source and at a relay alike and begins at a key frame; but
// while somebody watches, it is a child of this node and has one of its places
// (or is sent on, when there is none). Each viewer gets the container's head
// and then everything from the last key frame on; what one lags behind is
// bounded by limits::viewer_lag_max_bytes, and nobody waits for it.
//
// H.264 and AAC go as fragmented MP4, VP8, VP9 and Opus as WebM.
//
// In the main context of one thread.
class Watch {
public:
  Watch ();
  ~Watch (); // ends all of it
  Watch (const Watch &) = delete;
  Watch &operator= (const Watch &) = delete;

  // Answered when there is something to see, or why there is not.
  void add (const Stream &stream, const Asked &asked);
  [[nodiscard]] std::size_t viewers () const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace spreadit::http
