// Every hard limit of the wire format, with its reason. What is longer is
// refused, never cut short.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "core/limits.hpp"

namespace spreadit::rtsp::limits {

// Framing: what Parser takes in and write() puts out.

// Without CR LF. RFC 2326 names no limit; 8 KiB is what HTTP servers take.
// GStreamer's own client cuts lines at 4095 bytes without a word, so we never
// write longer ones than list_line_max ourselves.
inline constexpr std::size_t request_line_max = 8 * 1024;
inline constexpr std::size_t header_line_max = 8 * 1024;
// ffmpeg sends 6 at most, rtspsrc 9, an accepting peer about 15.
inline constexpr std::size_t headers_max = 64;
// All header lines of one message. The longest we write, an Accept with 64
// levels of 253-byte host names, takes 21 KiB.
inline constexpr std::size_t header_bytes_max = 32 * 1024;
// An SDP with 16 media and their sprop parameter sets is below 16 KiB.
inline constexpr std::size_t body_max = 64 * 1024;
// The length field of RFC 2326, 10.12 has 16 bits.
inline constexpr std::size_t interleaved_max = 65'535;
// Empty lines between two messages (RFC 2326, 4 tells receivers to skip them).
inline constexpr unsigned empty_lines_max = 8;
// The longest method of RFC 2326 has 13 letters.
inline constexpr std::size_t method_max = 32;
inline constexpr std::size_t reason_phrase_max = 256;

// One unit of any kind without its line ends, so what Parser keeps at most once
// next() has said NeedMore.
inline constexpr std::size_t unit_max =
    request_line_max + header_bytes_max + body_max;

// For the agent: requests of one peer that wait for their answer. The join
// flight has 3; stop reading the socket when this many are open.
inline constexpr std::size_t pipelining_max = 16;

// Values.

// Well inside a request line, also with `rtsps://` and a hop count added.
inline constexpr std::size_t uri_max = 2 * 1024;
// RFC 1035, 2.3.4.
inline constexpr std::size_t host_max = 253;
// "[host]:65535"
inline constexpr std::size_t address_max = host_max + 8;
// Where a list is continued in a second header line of the same name.
inline constexpr std::size_t list_line_max = 2 * 1024;
// RFC 2326, 3.4 asks for 8 bytes at least and names no limit.
inline constexpr std::size_t session_id_max = 128;
inline constexpr std::chrono::seconds session_timeout_max{86'400};
// Alternatives in one Transport header; rtspsrc sends 3, ffmpeg 1.
inline constexpr std::size_t transports_max = 8;
// SSRCs of one stream; an application with more than 16 media is not known.
inline constexpr std::size_t resume_max = 32;
// One public audience in history was larger than 10^7; no tree of ours is
// larger than ten of those. Keeps sums over children in 32 bits.
inline constexpr std::uint32_t subtree_peers_max = 100'000'000;
inline constexpr std::uint32_t subtree_free_max = 1'000'000'000;
// How late the stream is; as a peer tells it.
inline constexpr std::uint32_t delay_ms_max =
    core::limits::quality_delay_max.count ();
inline constexpr std::uint32_t tries_max = 10'000;
// 10 Tbit/s: faster than any port there is.
inline constexpr std::uint64_t uplink_bps_max = 10'000'000'000'000;
// Beyond the moon and back; a satellite takes half a second.
inline constexpr std::chrono::microseconds rtt_max{10'000'000};
// The tree below a peer (survey.hpp). One line tells of one peer in about 300
// bytes; an answer has to leave room on a home uplink, 1 Mbit/s takes 1.5 s for
// it.
inline constexpr std::uint32_t survey_peers_max = 5000;
inline constexpr std::size_t survey_bytes_max = 192 * 1024;
// A part of it; heart-beats go in between.
inline constexpr std::size_t survey_part_max = 16 * 1024;
inline constexpr std::size_t survey_parts_max =
    survey_bytes_max / survey_part_max + 1;
inline constexpr std::chrono::milliseconds survey_wait_max{10'000};
// Times in an answer: a day is for ever.
inline constexpr std::chrono::microseconds survey_time_max{86'400'000'000};
// Of somebody who is taken in although there is no free slot: children it can
// take. Two more than the widest (core::limits::width_step).
inline constexpr std::uint32_t width_max =
    core::limits::children_max_max + core::limits::width_step;
// Of an application session: three years and more.
inline constexpr std::chrono::seconds age_max{100'000'000};
// A longer wait is read as this one.
inline constexpr std::chrono::hours retry_after_max{1};
// A plain player that was sent on this often is refused. ffmpeg, rtspsrc and
// live555 themselves follow redirects for ever, 800 to 3000 a second.
inline constexpr unsigned hops_max = 32;

} // namespace spreadit::rtsp::limits
