// The data channel of one node: sockets, packet ring, parents and children.
//
// Decides nothing: the control thread says whom to feed and whom to hear
// (start_feeding(), receive_from()), the data thread runs receive() and
// fan_out(). Knows neither the core nor RTSP.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gst/gst.h>

#include "media/address.hpp"
#include "media/interleaved_sink.hpp"
#include "media/limits.hpp"
#include "media/udp_socket.hpp"
#include "media/vocabulary.hpp"

namespace spreadit::media {

class DataPath {
public:
  struct Config {
    std::chrono::milliseconds ring_duration{3000};
    // A child over TCP that is further behind skips to a key frame.
    std::chrono::milliseconds tcp_queue_max = limits::tcp_queue_max;
    std::size_t ring_bytes_max = 32 * 1024 * 1024;
    // Local address of the UDP sockets; a port of 0 is any. Unspecified: both
    // families where the host has them.
    Address local;
    Offload offload{}; // of what the kernel has
    // Of what a child is sent, how much it may be sent again when it was lost
    // on the way. 0: nothing, and what we lose ourselves is not asked for.
    double repair_share = 0.1;
  };

  explicit DataPath (Config config);
  ~DataPath ();
  DataPath (const DataPath &) = delete;
  DataPath &operator= (const DataPath &) = delete;

  // Opens the sockets. Answers what went wrong, empty if nothing. Once.
  std::string open ();

  // The port children get packets from and we get a parent's on.
  [[nodiscard]] std::uint16_t port () const;
  // The pair that plain players see as server_port: RTP on the first, RTCP on
  // the second. Opened at the first call; nothing if there is no pair to have.
  std::optional<std::pair<std::uint16_t, std::uint16_t>> plain_ports ();

  // Control thread (any thread).

  void set_media (std::vector<MediaDescription> media);
  // Bits a second to all children: what they do not need is shared by those who
  // begin or resume. 0: not known, each is paced by the stream's rate alone.
  void set_uplink_bps (std::uint64_t bps);
  // Feeds `key` from now on, first with what StartAt asks for and the ring has,
  // in order and paced. A second call for the same key replaces the first. An
  // InterleavedSink is called with our lock held, from any of these functions
  // and from the data thread: it must not call back.
  void start_feeding (LinkKey key, Route route, StartAt start);
  // `bye`: send an RTCP RR + BYE for every media SSRC first (plain players end
  // cleanly on it). Bundled children get none: peers are told by RTSP.
  void stop_feeding (LinkKey key, bool bye);
  // The same BYEs to somebody who is not fed any more.
  void say_goodbye (const Route &route);
  // Packets from `from` are the stream.
  void receive_from (LinkKey key, Address from);
  // The same over the link itself, whose other end is `from`: packets are given
  // to take_from_link(), our reports are written to `tcp`. What an
  // InterleavedSink may do: see start_feeding().
  void receive_from (LinkKey key, Address from, route::BundledTcp tcp);
  // What came on the link of such a parent; others are not listened to.
  void take_from_link (LinkKey key, const std::uint8_t *data, std::size_t n);
  void stop_receiving (LinkKey key);
  // When the last packet came from that parent.
  [[nodiscard]] std::optional<MonotonicTime> last_seen (LinkKey key) const;
  // Calls `tell` once, when the next packet has come from any parent: without
  // our lock, on the thread that brought it. Replaces what was to be called.
  void tell_of_packet (std::function<void ()> tell);
  // When the last RTP packet came that was new, from anyone.
  [[nodiscard]] std::optional<MonotonicTime> last_new_packet () const;
  // For SpreadIt-Resume, of each SSRC seen in the last ring_duration: the
  // packet before the first one missing that may still come, else the newest.
  [[nodiscard]] std::vector<HeldPacket> held () const;
  // With what a newcomer is to begin: the last place where a decoder can, if
  // the source marks those, else what comes next.
  [[nodiscard]] std::vector<NextPacket> next_packets () const;
  // RTCP that arrived on the RTSP connection of an interleaved player.
  void rtcp_from_child (LinkKey key, const std::uint8_t *data, std::size_t n);
  [[nodiscard]] DataStats stats () const;
  // Whether RTP or RTCP has been put into fan_out() at all.
  [[nodiscard]] bool has_data () const;

  // Data thread. receive() is for one thread at a time.

  // Serves the sockets (reports of children, paced and lagging children, idle
  // RTCP) until there are packets for downstream, then answers with them:
  // RTP and the source's RTCP, valid, each once, buffer by buffer as the
  // source sent them, no metas, DTS/PTS none. Null after unblock (true).
  GstBufferList *receive ();
  // receive() in two steps, for whoever decides what to do with packets when
  // they are there. wait(): serves until there may be some, false after unblock
  // (true). Then either take() them, null if none is new, or relay() them: what
  // fan_out() would do with them, without making buffers.
  bool wait ();
  GstBufferList *take ();
  void relay ();
  // true: receive() and wait() return at once, until set to false. Any thread.
  void unblock (bool flushing);
  // To the ring and to every child. Does not take `list`. Serialised
  // internally; any thread, though packets of one SSRC must come in order.
  void fan_out (GstBufferList *list);
  // The same for one packet.
  void fan_out (GstBuffer *packet);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace spreadit::media
