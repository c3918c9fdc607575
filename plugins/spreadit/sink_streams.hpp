// The streams of spreaditsink: what hangs on its pads, and the SDP of it all.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "gstspreaditsession.h"
#include "gstspreaditsinkpad.h"
#include "media_description.hpp"
#include "owned.hpp"
#include "timer.hpp"

namespace spreadit {

// For each pad, once its caps are known:
//
//   pad ! [payloader] ! clocksync ! rtpbin session i -+- RTP  -+- funnel !
//   fanout
//                                                     `- RTCP -'
//
// The clocksync is what makes a live stream of a file: packets leave at their
// running time.
//
// When the caps and a packet of every pad have been seen, the SDP is built and
// given to the manager; a pad that has shown neither a while after the first is
// left out, and comes in when it does.
//
// The funnel passes on only the first pad's events (or else there would be a
// STREAM_START message on the bus for every change of pad), so EOS is counted
// here: it is held back from the funnel and given to the fan-out when all pads
// have ended and their RTCP BYE is out.
//
// Thread-safe. The element that owns this outlives it.
class SinkStreams {
public:
  // All borrowed; `fanout` is in `bin`.
  SinkStreams (GstBin *bin, GstElement *fanout, GstSpreaditSession *session);
  ~SinkStreams ();
  SinkStreams (const SinkStreams &) = delete;
  SinkStreams &operator= (const SinkStreams &) = delete;

  // Before READY->PAUSED. False: an error has been posted.
  bool start ();
  // After PAUSED->READY: pads are as if they had been requested just now.
  void stop ();

  void add (unsigned index, GstSpreaditSinkPad *pad);
  void remove (GstSpreaditSinkPad *pad);

  // Builds what hangs on the pad. False: an error has been posted.
  bool set_caps (GstSpreaditSinkPad *pad, const GstCaps *caps);
  // The pad has ended before it had caps.
  void end_without_caps (GstSpreaditSinkPad *pad);

private:
  struct FirstPacket;
  struct Stream;
  using StreamPtr = std::shared_ptr<Stream>;

  StreamPtr find (GstSpreaditSinkPad *pad);
  // Its steps; each posts the error when it answers false or null.
  GstElement *choose_payloader (Stream &stream, const GstCaps *caps);
  bool claim_payload_type (Stream &stream, unsigned payload_type);
  bool set_payload_type (Stream &stream, GstElement *payloader);
  bool check_rtp (Stream &stream, const GstCaps *caps);
  bool link (const StreamPtr &stream, GstElement *first, GstElement *payloader);
  void dismantle (Stream &stream);

  void mark (Stream &stream, GstPadProbeInfo *info);
  static std::optional<FirstPacket> parse_packet (GstBuffer *packet);
  void on_packet (Stream &stream, GstBuffer *packet);
  void on_report (Stream &stream, GstBuffer *compound);
  void on_caps (Stream &stream, GstCaps *caps);
  void on_eos (Stream &stream, bool rtcp);
  void on_flush (Stream &stream);
  static GstPadProbeReturn on_rtp (
      GstPad *pad, GstPadProbeInfo *info, gpointer data) noexcept;
  static GstPadProbeReturn on_rtcp (
      GstPad *pad, GstPadProbeInfo *info, gpointer data) noexcept;

  // Publishes if there is something new to say.
  void consider_description ();
  void on_described_long_enough ();
  // Ends if there is nothing more to come.
  void consider_end ();
  void end ();
  std::string cname ();

  GstBin *bin_;
  GstElement *fanout_;
  GstSpreaditSession *session_;

  std::mutex publishing_; // one set_sdp() at a time; taken before lock_
  std::mutex lock_;       // guards what follows
  std::vector<StreamPtr> streams_;             // by index
  std::map<unsigned, unsigned> payload_types_; // payload type -> index
  GstElement *rtpbin_ = nullptr;               // borrowed from bin_
  GstElement *funnel_ = nullptr;
  Session description_;
  std::string published_;
  bool stop_waiting_ = false; // for pads that show nothing
  bool ended_ = false;
  Timer wait_timer_;
  Timer end_timer_;
};

} // namespace spreadit
