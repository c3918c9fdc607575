// One pad of spreaditsink with all that hangs on it. Private to SinkStreams.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "packet_marks.hpp"
#include "sink_streams.hpp"

namespace spreadit {

struct SinkStreams::FirstPacket {
  unsigned payload_type;
  std::uint32_t ssrc;
};

struct SinkStreams::Stream {
  SinkStreams *streams;
  unsigned index;
  GstSpreaditSinkPad *pad; // borrowed: the element removes us with it

  // Set by build, reset by dismantle.
  bool built = false;
  bool payloader_is_ours = false;
  bool refused = false; // its caps: said once, they come again and again
  Owned<GstElement> payloader;
  Owned<GstElement> clocksync;
  Owned<GstPad> send_sink, send_rtcp;    // requested of rtpbin
  Owned<GstPad> funnel_rtp, funnel_rtcp; // requested of the funnel

  // Guarded by lock_.
  Owned<GstCaps> caps;
  std::shared_ptr<PacketMarks> marks;
  std::optional<FirstPacket> first;
  bool ended_without_caps = false;
  bool rtp_ended = false;
  bool rtcp_ended = false;
  std::atomic<bool> seen{false}; // first is set: no more to learn of packets

  bool is_described () const
  {
    return caps && first && is_complete (caps.get ());
  }
  bool is_quiet () const { return built ? rtp_ended : ended_without_caps; }
  bool is_over () const { return is_quiet () && (!built || rtcp_ended); }
};

} // namespace spreadit
