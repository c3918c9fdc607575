// What a DataPath is made of.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <vector>

#include "media/data_path.hpp"
#include "media/fan_out.hpp"
#include "media/intake.hpp"
#include "media/limbo.hpp"
#include "media/poller.hpp"
#include "media/rate.hpp"
#include "media/upstream.hpp"

namespace spreadit::media {

// Where packets go that are new: into a list for others to see, or straight to
// the children.
struct Fresh {
  bool is_straight;
  GstBufferList *list = nullptr; // made for the first one
  std::size_t put = 0;           // into the ring since the last pump()
};

// `lock` guards all that follows it. Sends are made under it, they do not
// block; waiting and reading are not. The intakes belong to the data thread,
// the one in receive() or wait().
struct DataPath::Impl {
  explicit Impl (const Config &c)
      : config (c), fan_out ({.ring_duration = c.ring_duration,
                                 .ring_bytes_max = c.ring_bytes_max,
                                 .branch = {.queue_max = c.tcp_queue_max,
                                     .repair_share = c.repair_share},
                                 .own_ssrc = own_ssrc},
                        sockets),
        upstream (own_ssrc, c.repair_share > 0)
  {
  }

  // Of the data thread.

  // Does what is due. Until when there is nothing to do without packets;
  // nothing if there are packets to hand on already.
  std::optional<MonotonicTime> serve ();
  void receive_bundle (Fresh &fresh);
  void receive_plain (const UdpSocket &socket, Intake &into);

  // With the lock held.
  void take (
      const Intake::Message &message, const Arrival &arrival, Fresh &fresh);
  void take_from_parent (const Address &from, Bytes datagram,
      const Arrival &arrival, Fresh &fresh);
  void keep (Bytes packet, Fresh &fresh);
  void pass_on (Bytes packet, MonotonicTime at, Fresh &fresh);
  void pass_on (GstBufferList *list, MonotonicTime at);
  bool take_from_child (const Address &from, Bytes datagram, MonotonicTime at);
  void redeem (const Address &from);
  void take_from_link (LinkKey key, Bytes packet);
  void send_to_parent (const Parent &parent, Bytes rtcp);
  void put (GstBuffer *packet, MonotonicTime at);
  void put (Bytes packet, MonotonicTime at);
  MonotonicTime send_reports (MonotonicTime at);
  MonotonicTime repair (MonotonicTime at);
  void announce_losses ();
  void send_to_parent (const Address &parent, Bytes rtcp);
  void serve_at (MonotonicTime at);
  [[nodiscard]] MonotonicTime next_service () const;
  void size_buffers (MonotonicTime at);
  void count_drops ();
  // Calls what is to be called when a parent was heard. `guard` is of `lock`,
  // and lets go of it before.
  void tell_if_heard (std::unique_lock<std::mutex> &guard);

  const Config config;
  // Of what we say ourselves: idle RTCP and receiver reports.
  const std::uint32_t own_ssrc = std::random_device{}();
  const std::vector<std::uint8_t> idle_rtcp = write_receiver_report (own_ssrc);
  std::atomic<bool> is_flushing = false;
  Poller poller;
  Intake intake;
  Intake plain_rtp_intake, plain_rtcp_intake;

  mutable std::mutex lock;
  Sockets sockets;
  FanOut fan_out;
  Upstream upstream;
  Limbo limbo;
  // Out of limbo or from a link, for the data thread to hand on.
  Fresh redeemed{false};
  std::size_t redeemed_bytes = 0; // of those from links
  std::uint64_t link_drops = 0;   // of those that nobody fetched
  Rate received, sent;
  DataStats counters; // what is not computed in stats()
  bool has_data = false;
  std::function<void ()> tell; // of a packet from a parent
  bool is_heard = false;       // one came since that was last looked at
  // When serve() is next to do something, and until when receive() sleeps, if
  // it does.
  MonotonicTime service_time = MonotonicTime::max ();
  std::optional<MonotonicTime> asleep_until;
};

} // namespace spreadit::media
