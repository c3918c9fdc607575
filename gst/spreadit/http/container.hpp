// What a muxer writes, taken apart where a viewer may begin.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <gst/gst.h>

namespace spreadit::http {

// An encoding that RTP carries and a browser plays.
struct Encoding {
  const char *rtp_name;  // encoding-name of application/x-rtp
  const char *container; // the muxer: "mp4mux" or "webmmux"
  bool is_video;
  const char *chain; // from packets to what the muxer takes
};
const Encoding *find_encoding (const std::string &rtp_name);

// "avc1.64001f"; empty if it has no name.
std::string codec_name (const GstCaps *caps);

// The output of mp4mux or webmmux, buffer by buffer, as multisocketsink has it:
// DELTA_UNIT on all but where a viewer may begin, the head apart.
class Splitter {
public:
  // MP4: `video_track` begins units; 0: there is no video, every fragment does.
  Splitter (bool is_mp4, unsigned video_track)
      : is_mp4_ (is_mp4), video_track_ (video_track)
  {
  }

  // What goes on for `buffer` (taken), with its flags right; nullptr: nothing
  // yet.
  GstBuffer *push (GstBuffer *buffer);
  // Of the container: each viewer gets it first. Complete once push() has
  // answered with something.
  [[nodiscard]] const std::string &head () const { return head_; }

private:
  GstBuffer *push_mp4 (GstBuffer *buffer);
  GstBuffer *push_webm (GstBuffer *buffer);

  const bool is_mp4_;
  const unsigned video_track_;
  std::string head_;
  bool has_begun_ = false;
  GstBuffer *held_ = nullptr; // moof and the head of mdat
  unsigned track_ = 0;        // of that moof
};

} // namespace spreadit::http
