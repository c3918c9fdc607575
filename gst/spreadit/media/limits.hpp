// Every bound and default of the data path, with its reason and where it is
// from.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace spreadit::media::limits {

using namespace std::chrono_literals;

// -- Sockets

// Packets put into the ring and sent to each child at a time. A receive buffer
// of Linux' default 208 KiB holds about 90 datagrams of 1200 bytes (each is
// charged 2304 bytes), so one chunk always fits an empty one.
inline constexpr std::size_t chunk = 64;

// Messages per recvmmsg and sendmmsg. With UDP_SEGMENT and UDP_GRO each may be
// a run of datagrams.
inline constexpr std::size_t messages_max = 64;
// UDP_MAX_SEGMENTS of Linux before 6.9; it has been 128 since.
inline constexpr std::size_t run_datagrams_max = 64;
// What IPv4 can carry after its header and UDP's.
inline constexpr std::size_t run_bytes_max = 65'507;
// Pieces of memory per sendmmsg. The packets of a run lie in one or two.
inline constexpr std::size_t pieces_max = 256;

// What a socket's buffer is to hold of the stream: longer than a process is
// kept from running. The kernel doubles what it is asked for, for it charges
// packets of 1200 bytes with about twice that. A bound, not memory in use.
inline constexpr double buffer_seconds = 2;
// 2 s of 16 Mbit/s: for anything below, and before a rate is known.
inline constexpr std::size_t buffer_bytes_min = 4 * 1024 * 1024;
// 2 s of 260 Mbit/s. The kernel caps it to net.core.{r,w}mem_max unless we have
// CAP_NET_ADMIN.
inline constexpr std::size_t buffer_bytes_max = 64 * 1024 * 1024;
// Rates are means over this: long enough for an I frame to count for what it
// is.
inline constexpr auto rate_span = 1s;

// What UDP can carry, and what the kernel puts together at most.
inline constexpr std::size_t datagram_size_max = 64 * 1024;

// Pairs of adjacent free ports looked for.
inline constexpr unsigned port_pair_tries_max = 64;

// -- Upstream

// SSRCs a parent may use at once. Each costs 8 KiB of window. A stream has one
// for each medium; the rest is room for a source that changes them.
inline constexpr std::size_t sources_max = 64;
// An SSRC that was silent so long gives its place to a new one (RFC 3550 6.2.1
// says the same of five report intervals).
inline constexpr auto source_idle = 5s;

// RFC 3550 A.1, MAX_DROPOUT: a longer jump forward is believed only when the
// next packet follows it.
inline constexpr int dropout_max = 3000;
// Unless nothing was heard for so long: then we, not the source, were away.
inline constexpr auto dropout_silence = 1s;
// Old sequence numbers in order are a parent that lags, unless nothing new
// came for so long. Longer than any ring: then the source has started over.
inline constexpr auto restart_silence = 5s;

// A gap that is still open after this is loss. DESIGN: a packet is of use
// within 600 ms; a handover or a repair later than this has failed.
inline constexpr auto lost_after = 1s;
// So far behind the newest, a 16-bit number is soon ambiguous.
inline constexpr std::uint64_t lost_behind = 16384;
// Open gaps remembered for one SSRC: 1 s of 10,000 packets/s that loses every
// fifth. More are settled early, oldest first.
inline constexpr std::size_t gaps_max = 2048;

// The same SR comes from two parents during a handover, up to a ring's length
// apart. Sources send one SR in 5 s for each medium.
inline constexpr std::size_t rtcp_remembered = 32;

inline constexpr auto report_interval = 1s;
// RFC 3550 6.4.2: five bits.
inline constexpr std::size_t report_blocks_max = 31;

inline constexpr std::size_t delay_samples = 1024;
// Further from now, the SR's clock is not the time of day.
inline constexpr auto delay_max = 1h;

// Packets of unknown senders kept until the sender turns out to be a new
// parent: a whole ring of a 10 Mbit/s stream, for the answer that names the
// parent may have to be sent twice. The oldest go first, and those are the ones
// that are missing: too few are worse than none.
inline constexpr std::size_t limbo_max = 4096;
inline constexpr std::size_t limbo_bytes_max = 4 * 1024 * 1024;
inline constexpr auto limbo_age = 2s;

// Packets from a link that the data thread has not fetched yet: what the
// receive buffer is to UDP.
inline constexpr std::size_t link_bytes_max = buffer_bytes_min;

// -- Repair (RFC 4585, RFC 6642)

// Gaps that close by themselves do so within what was measured, between these.
// Less, and packets that two queues have shuffled would be asked for; more, and
// a real loss waits for nothing.
inline constexpr auto reorder_wait_min = 1ms;
inline constexpr auto reorder_wait_max = 40ms;
// The next packet of a picture is missed after as long as they take here, but no
// sooner than two threads are woken, and no later than the next picture comes.
inline constexpr auto tail_wait_min = 5ms;
inline constexpr auto tail_wait_max = 40ms;
// Packets that have to show what the marker bit means: two or three pictures.
inline constexpr unsigned marker_confirmed = 16;
// For a packet that the parent is without itself, before it was seen how long
// that takes: two hops of 20 ms.
inline constexpr auto third_party_wait = 80ms;
inline constexpr auto third_party_wait_min = 5ms;
// As deep as trees are; more are made up.
inline constexpr std::size_t askers_max = 32;
inline constexpr auto third_party_wait_max = 300ms;
// For the answer, before the way there and back has been measured.
inline constexpr auto round_trip_unknown = 100ms;
inline constexpr auto round_trip_max = 5s;
// A parent that said nothing for so long is not asked if there is another.
inline constexpr auto alive_for = 150ms;
// Nobody answers at once: both ends are woken first.
inline constexpr auto answer_slack = 5ms;
inline constexpr auto answer_wait_max = 300ms;
// Where that is long, the question is asked twice: one that is lost costs as much
// as an answer that is, and is a thirtieth of it. The parent answers once.
inline constexpr auto asked_twice_from = 45ms;
inline constexpr auto asked_twice_after = 10ms;
// Answers that a parent remembers, of one child: of a round trip.
inline constexpr std::size_t answers_remembered = 256;
// With 5 % loss each way, one packet in 10^10 is asked for more often. What is
// beyond is an outage.
inline constexpr unsigned repair_tries_max = 10;
// Of one SSRC at a time; more is an outage, and no repair brings that in time:
// 200 ms of 25 Mbit/s.
inline constexpr std::size_t repair_missing_max = 512;
// Entries of 4 bytes, each for up to 17 packets, in one feedback message: what
// goes through any path.
inline constexpr std::size_t feedback_entries_max = 250;
// What may be sent to one child again at once, beyond its share of the stream:
// 0.2 s of 5 Mbit/s.
inline constexpr double repair_burst_bytes = 128 * 1024;

// -- Downstream

// A link that carried no packet for this long carries one RTCP packet, so that
// silence means death. The children doubt us after three times as long
// (core/limits.hpp).
inline constexpr auto data_idle = 50ms;

// A child over TCP that is further behind does not keep up: what waits for it
// is of no use to anybody any more (lost_after), and older every second.
inline constexpr auto tcp_queue_max = 1s;
// Then it goes on with a key frame, if one comes in this time: a stream with
// intra refresh has none. x264's default distance is 250 frames.
inline constexpr auto random_access_max = 10s;

// A branch that lags gets so many packets each interval: 2,000 packets/s; or
// pace_factor times what the stream has, if that is more, but never more than a
// chunk unless the stream itself is faster. What of 0.3 s was missed is then
// made up for in 0.1 s. A child's receive buffer takes one chunk (see above),
// and its data thread runs at least once in this time; the other children share
// the uplink with it.
inline constexpr auto pace_interval = 4ms;
inline constexpr std::size_t pace_min = 8;
inline constexpr unsigned pace_factor = 4;
// Where the uplink is known, those who lag share what it can spare. Each gets
// this much of the stream's rate all the same, or it would never catch up:
// capacity leaves a tenth of the uplink free (agent), so that there is as much
// to spare for one, and several at once are few.
inline constexpr double pace_factor_min = 1.1;
// IPv6 and UDP. Little is wasted by it over IPv4.
inline constexpr std::size_t udp_overhead = 48;

// A newcomer's first picture is kept for so long, in any ring that is to hold
// less: x264's default distance of key frames is 250 frames.
inline constexpr auto gop_max = 10s;

} // namespace spreadit::media::limits
