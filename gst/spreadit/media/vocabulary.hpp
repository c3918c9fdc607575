// The data channel's words as types. No behaviour lives here.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "media/address.hpp"
#include "media/interleaved_sink.hpp"

namespace spreadit::media {

// Names a link, a parent's or a child's; whoever calls makes them up.
enum class LinkKey : std::uint64_t {};

// CLOCK_MONOTONIC.
using MonotonicTime = std::chrono::steady_clock::time_point;

// "I have everything of `ssrc` up to and including `extended_seq`." The
// extended number is of the source's 16-bit sequence number and a cycle count
// that both ends may have started at different times: only its low 32 bits
// matter and they are compared modulo 2^32 against the ring, by the low 16 bits
// and nearness.
struct HeldPacket {
  std::uint32_t ssrc = 0;
  std::uint64_t extended_seq = 0;
};

// One media section of the SDP, in order.
struct MediaDescription {
  unsigned payload_type = 0;
  std::uint32_t clock_rate = 0;      // Hz; 0 = unknown, no delay measured
  std::optional<std::uint32_t> ssrc; // from a=ssrc
  std::string encoding{}; // "H264"; empty: unknown, a decoder begins anywhere
  unsigned frame_marking = 0; // id of RFC 9626 from a=extmap; 0 = unmarked
};

// Ways to a child.
namespace route {
// A SpreadIt peer: everything on one port (RFC 5761, RFC 8843).
struct Bundled {
  Address to;
};
// The same beside the RTSP of its connection, where UDP does not get through:
// all on one interleaved channel.
struct BundledTcp {
  std::shared_ptr<InterleavedSink> sink;
  std::uint8_t channel = 0;
};
// A plain player over UDP: a pair of ports for each media section it set up.
struct PortPairs {
  struct Pair {
    std::size_t media; // index into the media descriptions
    Address rtp;
    Address rtcp;
  };
  std::vector<Pair> pairs;
};
// RFC 2326 10.12, on the RTSP connection.
struct Interleaved {
  struct Channel {
    std::size_t media;
    std::uint8_t rtp;
    std::uint8_t rtcp;
  };
  std::shared_ptr<InterleavedSink> sink;
  std::vector<Channel> channels;
};
} // namespace route
using Route = std::variant<route::Bundled, route::BundledTcp, route::PortPairs,
    route::Interleaved>;

struct ChildStats {
  LinkKey key{};
  std::uint64_t packets_sent = 0; // of the stream, idle RTCP not counted
  std::uint64_t bytes_sent = 0;
  std::uint64_t packets_dropped = 0;  // too late when it could take them
  std::uint64_t frames_dropped = 0;   // of those skipped at once
  std::uint64_t packets_refused = 0;  // the system would not send them
  std::uint64_t packets_repaired = 0; // sent again, as it asked
  std::uint64_t bytes_repaired = 0;
  std::uint64_t repairs_refused = 0; // it has asked for more than its share
  double lost_fraction = 0;          // from its last receiver report, 0..1
  std::optional<MonotonicTime> last_report{}; // any RTCP from it
};

struct DataStats {
  std::uint64_t packets_received = 0; // RTP, each once
  std::uint64_t packets_duplicate = 0;
  std::uint64_t packets_repaired = 0; // came after we had asked for them
  std::uint64_t packets_late = 0;     // of packets_lost, came after all
  std::uint64_t repairs_asked = 0;    // packets, each time
  std::uint64_t packets_lost = 0; // gaps open for limits::lost_after or longer
  std::uint64_t packets_invalid = 0;
  std::uint64_t packets_stranger = 0; // not from a parent or a child
  // By the kernel, as we came too late. It counts what UDP_GRO has put together
  // as one.
  std::uint64_t socket_drops = 0;
  std::size_t receive_buffer = 0;   // bytes the system lets the socket hold
  std::uint64_t bytes_received = 0; // RTP and RTCP from parents
  std::uint64_t bytes_stream = 0;   // put into fan_out()
  std::uint64_t bytes_sent = 0;     // to all children, gone ones included
  std::uint64_t packets_sent = 0;
  std::uint64_t messages_sent = 0; // over UDP; a run of packets is one
  std::optional<std::chrono::nanoseconds> round_trip; // to the parent
  // Source NTP time (from its SR) to receipt, over the last seconds.
  std::optional<double> delay_p50_ms, delay_p99_ms;
  std::vector<ChildStats> children;
};

// What a new child starts with.
struct StartAt {
  // Resume: after these; packets of other SSRCs from now on. Empty: live.
  std::vector<HeldPacket> held;
};

// What a newcomer is sent first of an SSRC; RTP-Info of a PLAY (RFC
// 2326 12.33).
struct NextPacket {
  std::uint32_t ssrc;
  std::uint16_t seq;
  std::uint32_t rtp_time;
};

} // namespace spreadit::media
