// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "media/delay.hpp"
#include "media/frame_tail.hpp"
#include "media/media_map.hpp"
#include "media/packet.hpp"
#include "media/reception.hpp"
#include "media/repair.hpp"
#include "media/rtcp.hpp"
#include "media/sequence.hpp"
#include "media/vocabulary.hpp"

namespace spreadit::media {

struct Parent {
  LinkKey key;
  Address address;                      // its packets come from there
  std::optional<route::BundledTcp> tcp; // they come over its connection
  std::optional<MonotonicTime> last_seen;
  Reception reception;
  Estimate round_trip;
  MonotonicTime next_report;
};

// What a packet from a parent is to us.
enum class Taken {
  fresh_rtp,  // of the stream, for the first time
  fresh_rtcp, // the same, from the source
  duplicate,  // of the stream, again
  own_rtcp,   // the parent's, not the source's: a sign of life
  invalid,
};

// When a datagram came, on both clocks.
struct Arrival {
  MonotonicTime at;
  std::uint64_t ntp;
};

// The parents, and the one stream that all their packets are.
class Upstream {
public:
  // `own_ssrc`: what we call ourselves in RTCP. `repairs`: ask for what is
  // lost.
  explicit Upstream (std::uint32_t own_ssrc, bool repairs = true)
      : own_ssrc_ (own_ssrc), repairs_ (repairs)
  {
  }

  // The same key again replaces. The first report is due at once: it opens the
  // way back through NATs.
  void add (LinkKey key, const Address &address, MonotonicTime now,
      std::optional<route::BundledTcp> tcp = {});
  void remove (LinkKey key);
  // Its connection, for whoever wants to let go of it elsewhere.
  std::optional<route::BundledTcp> take_tcp (LinkKey key);
  [[nodiscard]] std::vector<Parent> &parents () { return parents_; }
  [[nodiscard]] const std::vector<Parent> &parents () const { return parents_; }
  [[nodiscard]] const Parent *find (LinkKey key) const;
  [[nodiscard]] bool is_parent (const Address &address) const;

  // Anything at all came from there.
  void heard (const Address &from, MonotonicTime now);
  Taken take (const Address &from, Bytes datagram, const MediaMap &media,
      const Arrival &arrival);

  // Of the SSRCs with something new since then.
  [[nodiscard]] std::vector<HeldPacket> held (MonotonicTime since) const;
  [[nodiscard]] std::optional<MonotonicTime> last_fresh_rtp () const
  {
    return last_fresh_rtp_;
  }
  [[nodiscard]] const Delay &delay () const { return delay_; }
  std::uint64_t lost (MonotonicTime now);
  // Fills in what is of parents.
  void add_to (DataStats &stats, MonotonicTime now);

  // A receiver report for that parent, and the question how far it is.
  std::vector<std::uint8_t> write_report (Parent &parent, MonotonicTime now);
  // What has been jumped over since the last call.
  std::vector<LossReport> take_new_losses ()
  {
    return std::exchange (new_losses_, {});
  }
  // Whom to ask for what now, if for anything; and when to call again.
  struct Ask {
    const Parent *parent;
    std::vector<LossReport> losses;
  };
  std::optional<Ask> take_due_repairs (MonotonicTime now);
  [[nodiscard]] MonotonicTime next_repair () const;

private:
  struct Source {
    std::uint32_t ssrc;
    Sequence sequence;
    Repair repair{};
    FrameTail tail{};
    std::optional<SenderReport> report;
    MonotonicTime last_packet;
  };

  Taken take_rtp (const Address &from, const RtpHeader &header,
      const MediaMap &media, const Arrival &arrival);
  Taken take_rtcp (const Address &from, const RtcpHeader &header,
      Bytes datagram, const MediaMap &media, MonotonicTime now);
  void take_feedback (const Address &from, Bytes compound, MonotonicTime now);
  void look_for_gaps (
      Source &source, std::uint64_t highest_before, MonotonicTime now);
  void look_for_tails (MonotonicTime now);
  void add_new_losses (
      const Source &source, std::uint64_t first, std::uint64_t last);
  void filled (Source &source, std::uint64_t extended, const Parent *from,
      MonotonicTime now);
  Parent *find_parent (const Address &address);
  Parent *whom_to_ask (MonotonicTime now);
  Source *find_source (std::uint32_t ssrc);
  bool make_room (std::uint32_t ssrc, const MediaMap &media, MonotonicTime now);
  bool remember_rtcp (Bytes datagram);

  const std::uint32_t own_ssrc_;
  const bool repairs_;
  std::vector<Parent> parents_;
  std::vector<Source> sources_;
  std::uint64_t lost_of_evicted_ = 0;
  std::vector<std::size_t> rtcp_hashes_;
  std::size_t next_rtcp_hash_ = 0;
  std::optional<MonotonicTime> last_fresh_rtp_;
  Delay delay_;
  GapTimes gap_times_;
  std::vector<LossReport> new_losses_;
  std::size_t times_asked_ = 0;
  MonotonicTime nobody_until_{}; // there is none to ask
  std::uint64_t repaired_ = 0, late_ = 0, repairs_asked_ = 0;
};

} // namespace spreadit::media
