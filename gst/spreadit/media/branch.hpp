// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "media/estimate.hpp"
#include "media/limits.hpp"
#include "media/output.hpp"
#include "media/ring.hpp"
#include "media/rtcp.hpp"
#include "media/skip.hpp"
#include "media/vocabulary.hpp"

namespace spreadit::media {

// The packets of one child. Its queue is the ring: a cursor says how far the
// child is. A child that does not take its packets lags behind and loses what
// falls off the ring, over TCP what is too old before that; nobody else
// notices.
class Branch {
public:
  struct Bounds {
    // What may wait for a child over TCP.
    MonotonicTime::duration queue_max = limits::tcp_queue_max;
    // Of what it is sent, how much it may be sent again.
    double repair_share = 0;
  };
  Branch (LinkKey key, std::unique_ptr<Output> output, const StartAt &start,
      const Ring &ring, const MediaMap &media, const Bounds &bounds);

  [[nodiscard]] LinkKey key () const { return key_; }
  [[nodiscard]] Output &output () { return *output_; }
  [[nodiscard]] ChildStats stats () const;

  // Sends what is due. A branch that keeps up gets everything up to the head
  // at once, one that lags is paced.
  void pump (const Ring &ring, MonotonicTime now);
  // The same in steps, for whoever sends to several children at once:
  // begin_pump(), then take() and, when they have been sent, settle() until
  // there is nothing to take, then end_pump(). `spare`: packets a second, if it
  // lags; nothing: as many as paced.
  void begin_pump (const Ring &ring, MonotonicTime now,
      std::optional<double> spare = std::nullopt);
  // Up to limits::chunk packets, all carried.
  std::size_t take (
      const Ring &ring, std::span<const Packet *, limits::chunk> out);
  void settle (const Ring &ring, const UdpSocket::Sent &sent);
  void end_pump (const Ring &ring, MonotonicTime now);

  // `ring` is about to drop its first packet.
  void before_pop (const Ring &ring);
  [[nodiscard]] bool lags (const Ring &ring) const
  {
    return cursor_ < ring.head ();
  }
  // Whether what is put into the ring goes out with the next pump().
  [[nodiscard]] bool keeps_up () const { return !is_paced_; }
  [[nodiscard]] MonotonicTime keeps_up_since () const { return caught_up_; }
  // Sends `rtcp` if the child has got nothing for limits::data_idle.
  void keep_alive (Bytes rtcp, MonotonicTime now);
  // When pump() or keep_alive() has something to do, if no packet comes.
  [[nodiscard]] MonotonicTime next_service (const Ring &ring) const;

  // Those of `losses` that it has been sent already and that are still in the
  // ring, within its share (RFC 4585).
  void send_again (
      const Ring &ring, std::span<const LossReport> losses, MonotonicTime now);
  // How far the child is.
  void measured (std::chrono::nanoseconds round_trip)
  {
    round_trip_.add (round_trip);
  }
  // RTCP from the child. `media` tells whose receiver reports are of interest.
  void rtcp_from_child (Bytes rtcp, const MediaMap &media, MonotonicTime now);

private:
  void skip_what_is_late (const Ring &ring, MonotonicTime now);
  void credit (double spare, MonotonicTime now);
  [[nodiscard]] bool is_wanted (
      const Packet &packet, std::uint64_t index) const;

  const LinkKey key_;
  const std::unique_ptr<Output> output_;
  ChildStats stats_;

  const std::vector<HeldPacket> held_;
  std::uint64_t cursor_; // first packet of the ring not dealt with
  // Of packets before this index only those that held_ tells are missing.
  const std::uint64_t resume_end_;

  const MediaMap &media_;
  const Bounds bounds_;
  Skip skip_;
  bool is_resuming_; // what it lags behind is history
  Estimate round_trip_;
  struct Answer {
    std::uint64_t index; // in the ring
    MonotonicTime at;
  };
  std::deque<Answer> answers_; // of the last round trip
  double repair_credit_ = limits::repair_burst_bytes;

  MonotonicTime caught_up_{}; // last time, or when it began
  bool is_paced_ = false;     // has lagged and has not caught up since
  MonotonicTime next_try_;    // while it lags
  double pace_credit_ = 0;    // packets of what the uplink could spare
  MonotonicTime credited_{};
  std::uint64_t head_at_last_try_;
  MonotonicTime last_sent_;

  // Between begin_pump() and end_pump().
  std::size_t budget_ = 0;      // packets that may still be taken
  std::size_t taken_ = 0;       // of those, not settled yet
  std::uint64_t taken_end_ = 0; // where the cursor goes if all of them go
  bool is_pumped_ = false, has_sent_ = false, is_open_ = true;
};

} // namespace spreadit::media
