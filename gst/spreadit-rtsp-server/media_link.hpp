// What a media has to do with the feed it is fed by.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <vector>

#include "feed.hpp"
#include "gstspreaditmedia.h"

namespace spreadit::rtsp_server {

struct MediaLink {
  std::shared_ptr<Feed> feed;
  unsigned outlet = 0;
  std::vector<std::shared_ptr<SourceClock>> clocks; // by stream
  std::string cname;                                // empty: not known
};

// Before the media is prepared, once. Undone when it is unprepared.
void link_media (GstSpreaditMedia *media, MediaLink link);

} // namespace spreadit::rtsp_server
