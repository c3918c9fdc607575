// SDP (RFC 4566) from caps and caps from SDP.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "owned.hpp"

namespace spreadit {

// A media section of an SDP that comes from the network, as a player needs it.
struct ReceivedMedia {
  unsigned index = 0; // of the media section
  unsigned payload_type = 0;
  bool is_video = false;
  Owned<GstCaps> caps; // application/x-rtp
};

// One for each section with a payload type below 128 that is described well
// enough, up to 32; the others are left out. Empty when it is no SDP. Of two
// sections with the same payload type only the first can be told from its
// packets.
std::vector<ReceivedMedia> parse_description (const char *sdp);

// A media section to be.
struct SentMedia {
  unsigned index = 0;  // stream=<index> in a=control
  Owned<GstCaps> caps; // application/x-rtp as the payloader set them
  unsigned payload_type = 0;
  std::uint32_t ssrc = 0;
};

// Whether caps say all that an SDP has to: for H.264 and H.265 the parameter
// sets, without which unmodified players show nothing until they see some in
// the stream.
bool is_complete (const GstCaps *caps);

struct Session {
  std::uint64_t id = 0;
  std::uint64_t version = 0;
  std::string cname; // RFC 3550 6.5.1
};

std::string make_description (
    const Session &session, const std::vector<SentMedia> &media);

} // namespace spreadit
