// Where a decoder can begin.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <span>

#include <gst/gst.h>

namespace spreadit {

// Whether an RTP payload begins a key frame, or the parameter sets before one.
using BeginsKeyFrame = bool (*) (std::span<const std::uint8_t> payload);

// By `encoding-name` of the caps; nullptr for what has no key frames, or none
// that are known here.
BeginsKeyFrame key_frames_of (const GstCaps *caps);

// Drops what comes out of `pad` until a key frame does. A newcomer gets the
// stream from now on, so from the middle of a group of pictures; avdec_h264
// shows that as grey with coloured blocks, for as long as the group lasts.
// Gives up after some seconds: a stream with intra refresh has no key frames.
void begin_with_key_frame (GstPad *pad, const GstCaps *caps);

} // namespace spreadit
