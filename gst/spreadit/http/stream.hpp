// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

#include <gst/spreadit/spreadit.h>

namespace spreadit::http {

// One of the streams of this process, while it is there.
struct Stream {
  std::string uri;
  GstSpreaditPeeringManager *manager; // borrowed
};

} // namespace spreadit::http
