// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "owned.hpp"

namespace spreadit::rtsp_server {

// What gst-rtsp-server makes of a medium's caps is to be what the source said
// of it. Some fields it would take for parameters of the format, and one gets
// lost on the way from SDP to caps.
struct OfferedCaps {
  Owned<GstCaps> caps;
  std::string cname; // the source's; empty: not known
};

// `sdp` is the source's, or null.
OfferedCaps offered_caps (const GstCaps *received, const gchar *sdp);

} // namespace spreadit::rtsp_server
