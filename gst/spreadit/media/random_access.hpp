// Where a decoder can begin: random access points, in RTP payloads. The
// standard library only.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace spreadit::media {

// Whether a payload begins a key frame, or the parameter sets before one.
using BeginsRandomAccess = bool (*) (std::span<const std::uint8_t> payload);

// By the encoding name of SDP or caps; nullptr for what can begin anywhere, as
// audio can, and for what is not known here.
BeginsRandomAccess random_access_of (std::string_view encoding_name);

// Of an RTP packet that parse_packet() takes.
std::span<const std::uint8_t> rtp_payload (
    std::span<const std::uint8_t> packet);

} // namespace spreadit::media
