// The headers of org.spreadit.1: names, grammar, values. The grammar in full
// and examples are in docs/protocol.md; `token`, `quoted-string`, DIGIT and HEX
// are RFC 2326's.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/vocabulary.hpp"
#include "rtsp/message.hpp"
#include "rtsp/result.hpp"

namespace spreadit::rtsp {

// In Require: whoever reads this must be SpreadIt or answer 551.
inline constexpr std::string_view option_tag = "org.spreadit.1";

namespace header {
inline constexpr std::string_view accept = "Accept";
inline constexpr std::string_view content_base = "Content-Base";
inline constexpr std::string_view content_length = "Content-Length";
inline constexpr std::string_view content_type = "Content-Type";
inline constexpr std::string_view cseq = "CSeq";
inline constexpr std::string_view location = "Location";
inline constexpr std::string_view public_methods = "Public";
inline constexpr std::string_view range = "Range";
inline constexpr std::string_view require = "Require";
inline constexpr std::string_view retry_after = "Retry-After";
inline constexpr std::string_view rtp_info = "RTP-Info";
inline constexpr std::string_view session = "Session";
inline constexpr std::string_view transport = "Transport";
inline constexpr std::string_view unsupported = "Unsupported";
// Ours.
inline constexpr std::string_view peer = "SpreadIt-Peer";
inline constexpr std::string_view join = "SpreadIt-Join";
inline constexpr std::string_view path = "SpreadIt-Path";
inline constexpr std::string_view resume = "SpreadIt-Resume";
inline constexpr std::string_view root_path = "SpreadIt-Root-Path";
inline constexpr std::string_view standby = "SpreadIt-Standby";
inline constexpr std::string_view target = "SpreadIt-Target";
inline constexpr std::string_view scope = "SpreadIt-Scope";
inline constexpr std::string_view provisional = "SpreadIt-Provisional";
inline constexpr std::string_view retry_after_ms = "SpreadIt-Retry-After-Ms";
} // namespace header

namespace media_type {
inline constexpr std::string_view sdp = "application/sdp";
inline constexpr std::string_view parameters = "text/parameters";
} // namespace media_type

// id = 32HEX; we write lower case and read both.
std::string to_string (const core::PeerId &id);
std::optional<core::PeerId> parse_id (std::string_view text);

// SpreadIt-Peer: who is talking. In a Subscribe with all figures, in an Accept
// with the first three.
//
//   SpreadIt-Peer = "SpreadIt-Peer" ":" parameter *( ";" parameter )
//   parameter     = "id" "=" id | "address" "=" <"> [ address ] <">
//                 | "version" "=" 1*DIGIT | "children-max" "=" 1*DIGIT
//                 | "children-free" "=" 1*DIGIT | "peers" "=" 1*DIGIT
//                 | "levels" "=" 1*DIGIT | "uplink-bps" "=" 1*DIGIT
//                 | "reachable" "=" ( "yes" | "no" )
//                 | "tree-delay" "=" 1*DIGIT
//                 | token [ "=" value ]
//
// `id` (not all zero) and `version` (1 or more) are required. Figures that are
// missing describe a leaf without room.
struct PeerHeader {
  core::Contact self;
  unsigned version = 1;
  std::uint32_t children_max = 0;
  core::Subtree subtree;           // its `free` is children-free on the wire
  std::uint64_t uplink_bps = 0;    // not known, and not written
  bool unreachable = false;        // written if it is so
  std::uint32_t tree_delay_ms = 0; // in an Accept
  bool operator== (const PeerHeader &) const = default;
};
Result<PeerHeader> parse_peer (std::string_view value);
std::string to_string (const PeerHeader &peer);        // with all figures
std::string peer_identity (const core::Contact &self); // without

// SpreadIt-Join: why the asker comes. Without it: reason=first; tries=0.
//
//   SpreadIt-Join = "SpreadIt-Join" ":" parameter *( ";" parameter )
//   parameter     = "reason" "=" ( "first" | "redirected" | "parent-lost" |
//                                "rising" )
//                 | "tries" "=" 1*DIGIT | "avoid" "=" id *( "," id )
//                 | "lost" "=" id | "level" "=" 1*DIGIT
//                 | token [ "=" value ]
//
// Of `avoid` the first core::limits::avoid_max are read, newest first.
struct JoinHeader {
  core::JoinReason reason = core::JoinReason::first;
  std::uint32_t tries = 0;
  std::vector<core::PeerId> avoid;
  std::optional<core::PeerId> lost;
  std::uint32_t level = 0;
  bool operator== (const JoinHeader &) const = default;
};
Result<JoinHeader> parse_join (std::string_view value);
std::string to_string (const JoinHeader &join);

// SpreadIt-Path: the asker's traceroute to the source, and the parameters of a
// `located` message.
//
//   SpreadIt-Path = "SpreadIt-Path" ":" parameter *( ";" parameter )
//   parameter     = "routers" "=" router *( "," router )
//                 | "rtt-us" "=" 1*DIGIT | token [ "=" value ]
//   router        = 16HEX
//
// Routers from the source's end; 0 is one that did not answer. More than
// core::limits::routers_max: refused.
Result<core::NetworkPath> parse_path (std::string_view value);
std::string to_string (const core::NetworkPath &path);
std::optional<std::vector<std::uint64_t>> parse_routers (std::string_view text);
std::string write_routers (std::span<const std::uint64_t> routers);
std::optional<core::Duration> parse_rtt (std::string_view text);
std::string write_rtt (core::Duration rtt);

// SpreadIt-Root-Path and SpreadIt-Standby, and the parameters of that name in
// a heart-beat: a list of contacts. A list longer than list_line_max goes on in
// a second line of the same name; write_contacts() answers one value a line.
//
//   contacts = contact *( "," contact )
//   contact  = id "@" <"> [ address ] <">
//
// More than `max`: refused. `value` may be empty.
Result<std::vector<core::Contact>> parse_contacts (
    std::string_view value, std::size_t max);
std::vector<std::string> write_contacts (
    std::span<const core::Contact> contacts);

// An opening in a heart-beat (docs/protocol.md, 4). `age` is written in whole
// seconds; a longer one than limits::age_max is read as that.
//
//   opening           = contact *( ";" opening-parameter )
//   opening-parameter = "depth" "=" 1*DIGIT | "free" "=" 1*DIGIT
//                   | "width" "=" 1*DIGIT | "age" "=" 1*DIGIT
//                   | token [ "=" value ]
std::optional<core::Opening> parse_opening (std::string_view text);
std::string write_opening (const core::Opening &opening);

// How the stream fares below and at the sender, in a heart-beat.
//
//   quality           = quality-parameter *( ";" quality-parameter )
//   quality-parameter = "peers" "=" 1*DIGIT
//                   | "lost-worst-ppm" "=" 1*DIGIT | "lost-mean-ppm" "="
//                   1*DIGIT | "delay-worst-ms" "=" 1*DIGIT | "delay-mean-ms"
//                   "=" 1*DIGIT | token [ "=" value ]
//
// `peers` is required and not 0; the others are 0 where they are missing, and
// not written then.
std::optional<core::Quality> parse_quality (std::string_view text);
std::string write_quality (const core::Quality &quality);

// SpreadIt-Resume: the newest packet the asker holds, per SSRC; it is sent
// what came after. Extended sequence number: 2^16 times the number of wraps
// seen, plus the RTP sequence number (RFC 3550, 6.4.1). How often it wrapped
// is the asker's own count: compare the low 16 bits, then the distance.
//
//   SpreadIt-Resume = "SpreadIt-Resume" ":" entry *( "," entry )
//   entry           = "ssrc" "=" 8HEX ";" "seq" "=" 1*DIGIT
//                     *( ";" token [ "=" value ] )
struct Resume {
  std::uint32_t ssrc = 0;
  std::uint64_t extended_seq = 0;
  bool operator== (const Resume &) const = default;
};
Result<std::vector<Resume>> parse_resume (std::string_view value);
std::string to_string (std::span<const Resume> resume);

// Session (RFC 2326, 12.37).
struct Session {
  std::string id; // 1 to session_id_max of ALPHA, DIGIT and "$-_.+"
  std::chrono::seconds timeout{60};
  bool operator== (const Session &) const = default;
};
std::optional<Session> parse_session (std::string_view value);
// With the timeout, as an answer carries it. Requests carry the id alone.
std::string to_string (const Session &session);

// RTP-Info (RFC 2326, 12.33), for plain players.
struct RtpInfo {
  std::string url;
  std::optional<std::uint16_t> seq;
  std::optional<std::uint32_t> rtptime;
};
std::string to_string (std::span<const RtpInfo> info);

// The options in Require that are not option_tag, and the 551 that names them,
// as many as fit in a line.
std::vector<std::string> unknown_options (const Request &request);
Response make_unsupported (std::span<const std::string> options);

// Require lists org.spreadit.1: a peer, not a plain player.
bool is_spreadit (const Request &request);

} // namespace spreadit::rtsp
