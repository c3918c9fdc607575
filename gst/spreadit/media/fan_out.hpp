// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "media/branch.hpp"
#include "media/media_map.hpp"
#include "media/output.hpp"
#include "media/random_access_points.hpp"
#include "media/ring.hpp"
#include "media/sent_reports.hpp"
#include "media/uplink.hpp"

namespace spreadit::media {

// The ring and the children that are fed from it. Not thread-safe.
class FanOut {
public:
  struct Config {
    std::chrono::milliseconds ring_duration;
    std::size_t ring_bytes_max;
    Branch::Bounds branch{};
    std::uint32_t own_ssrc = 0; // of what we say ourselves
  };
  // `sockets` outlives it.
  FanOut (const Config &config, Sockets &sockets);

  void set_media (std::vector<MediaDescription> media);
  [[nodiscard]] const MediaMap &media () const { return media_; }
  [[nodiscard]] const Ring &ring () const { return ring_; }
  // With what a newcomer begins: where a decoder can, if that is known.
  [[nodiscard]] std::vector<NextPacket> next_packets (MonotonicTime now) const;

  // What those who lag have to share beside the others. 0: not known.
  void set_uplink_bps (std::uint64_t bps) { uplink_.set_bps (bps); }

  // Puts a packet into the ring; false if it is neither RTP nor RTCP. pump()
  // sends it. At most limits::chunk packets between two pump().
  bool put (Bytes packet, MonotonicTime now);
  // Sends what is due. When to call again for those that lag.
  MonotonicTime pump (MonotonicTime now);
  // pump(), and a sign of life to those who got nothing. When to call again if
  // nothing is put.
  MonotonicTime serve (Bytes idle_rtcp, MonotonicTime now);
  // When serve() is due, if nothing is put.
  [[nodiscard]] MonotonicTime next_service () const;

  void start (LinkKey key, const Route &route, const StartAt &start);
  // The branch is of no more use, but whoever holds locks may want to destroy
  // it later: a connection may hang on it. Null if there is none.
  std::unique_ptr<Branch> stop (LinkKey key, bool bye, MonotonicTime now);
  void say_goodbye (const Route &route);

  [[nodiscard]] Branch *find (LinkKey key) const;
  // Tells peers that we are without packets, too. They need not ask.
  void announce_losses (std::span<const LossReport> losses);
  // Whether `from` is a child; takes its reports, does what it asks for.
  bool take_from_child (const Address &from, Bytes datagram, MonotonicTime now);
  void take_from_child (LinkKey key, Bytes rtcp, MonotonicTime now);

  // To all children, gone ones included.
  [[nodiscard]] std::uint64_t bytes_sent () const;
  // Fills in what is of children.
  void add_to (DataStats &stats) const;

private:
  Branch &in_turn (std::size_t i) const
  {
    return *branches_[(first_to_pump_ + i) % branches_.size ()];
  }
  void look_for_random_access (const RtpHeader &header, Bytes packet);
  [[nodiscard]] std::optional<double> spare_for_each () const;
  bool send_chunks ();
  void take_rtcp (Branch &branch, Bytes rtcp, MonotonicTime now);
  void forget_addresses (Branch &branch);

  const Config config_;
  Sockets &sockets_;
  MediaMap media_;
  Ring ring_;
  RandomAccessPoints random_access_;
  SentReports sent_reports_;
  Uplink uplink_;
  std::vector<std::unique_ptr<Branch>> branches_;
  // The same peer may be there twice for a while, on an old and a new link.
  std::unordered_multimap<Address, Branch *> by_address_;
  // With a full send buffer somebody has to come first: not always the same.
  std::size_t first_to_pump_ = 0;
  // What send_chunks() puts together; here for its memory.
  std::vector<Bytes> datagrams_;
  std::vector<UdpSocket::Delivery> deliveries_;
  std::vector<Branch *> receivers_; // of each delivery
  std::uint64_t packets_sent_to_gone_ = 0, bytes_sent_to_gone_ = 0;
};

} // namespace spreadit::media
