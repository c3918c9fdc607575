// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <map>

#include <gst/gst.h>

namespace spreadit {

// When packets have come, for the jitter buffer, that have come all at once.
//
// A newcomer is first sent what was live a while ago, from the last key frame
// on, several times as fast as it is played. By their real arrival the jitter
// buffer would take the source's clock for a fast one, then for a slow one, and
// shift the picture about. So for a moment packets are taken to come at the
// pace of their timestamps, and from then on as late after their arrival as
// that turned out to be: the distance to live that the stream is played at.
class StartSchedule {
public:
  void clear () { sources_.clear (); }
  // Running times. `now` when it is real.
  GstClockTime arrival_of (std::uint32_t ssrc, std::uint32_t rtp_time,
      std::uint32_t clock_rate, GstClockTime now);

private:
  struct Source {
    GstClockTime first;
    std::uint32_t first_rtp_time;
    GstClockTime lead = 0; // over the real arrival
  };
  std::map<std::uint32_t, Source> sources_;
};

} // namespace spreadit
