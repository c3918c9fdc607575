// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include <gst/gst.h>

#include "owned.hpp"

namespace spreadit::relay {

// How a still picture or silence is made that fits a medium of a stream.
struct SlateMaker {
  // As for gst_parse_launch(), from a raw source named "raw" to RTP.
  std::string description;
  // What its packets are said to be; null: what the payloader says. Parameter
  // sets of video differ from those of the stream and go along in it; what is
  // told of sound outside of the packets has to stay.
  Owned<GstCaps> caps;
  // Instead of all that: there is no such thing, and why.
  std::string problem;
};

// `rtp_caps` as of the SDP; `coded_caps` as of what is in the packets, for the
// size of the picture, or null.
SlateMaker make_slate_maker (
    const GstCaps *rtp_caps, const GstCaps *coded_caps);

} // namespace spreadit::relay
