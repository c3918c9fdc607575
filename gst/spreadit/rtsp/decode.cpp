// RTSP -> core::Message.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtsp/codec.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "core/limits.hpp"
#include "rtsp/limits.hpp"
#include "rtsp/parameters.hpp"
#include "rtsp/text.hpp"

namespace spreadit::rtsp {

namespace {

using std::chrono::milliseconds;

// A media type without its parameters.
bool
has_type (const Headers &headers, std::string_view type)
{
  const std::string *value = find (headers, header::content_type);
  if (!value)
    return false;
  const std::string_view given = *value;
  return text::iequals (text::trim (given.substr (0, given.find (';'))), type);
}

bool
comes_twice (const Headers &headers, std::string_view name)
{
  return std::count_if (
             headers.begin (), headers.end (), [name] (const Header &header) {
               return text::iequals (header.name, name);
             }) > 1;
}

} // namespace

// Requests in.

namespace {

DecodedRequest
decode_subscribe (const Request &request)
{
  const std::string *peer_value = find (request.headers, header::peer);
  const std::string *join_value = find (request.headers, header::join);
  if (!peer_value)
    return Reason{400, "SpreadIt-Peer is missing"};
  for (const auto once : {header::peer, header::join, header::path})
    if (comes_twice (request.headers, once))
      return Reason{400, std::string (once) + " comes twice"};
  auto peer = parse_peer (*peer_value);
  if (const auto *reason = std::get_if<Reason> (&peer))
    return *reason;
  Result<JoinHeader> join;
  if (join_value)
    join = parse_join (*join_value);
  if (const auto *reason = std::get_if<Reason> (&join))
    return *reason;

  std::optional<core::NetworkPath> path;
  if (const std::string *value = find (request.headers, header::path)) {
    auto parsed = parse_path (*value);
    if (const auto *reason = std::get_if<Reason> (&parsed))
      return *reason;
    path = std::get<core::NetworkPath> (std::move (parsed));
  }

  auto &asker = std::get<PeerHeader> (peer);
  auto &[why, tries, avoid, lost, level] = std::get<JoinHeader> (join);
  core::message::Subscribe subscribe;
  subscribe.self = std::move (asker.self);
  subscribe.children_max = asker.children_max;
  subscribe.subtree = asker.subtree;
  subscribe.reason = why;
  subscribe.tries = tries;
  subscribe.avoid = std::move (avoid);
  subscribe.lost = lost;
  subscribe.level = level;
  subscribe.uplink_bps = asker.uplink_bps;
  subscribe.unreachable = asker.unreachable;
  subscribe.path = std::move (path);
  return core::Message (std::move (subscribe));
}

// Location and SpreadIt-Target. Without the latter, as from a redirector that
// is not ours, the target is known by its address alone.
Result<core::Contact>
decode_target (const Headers &headers, const Uri &asked)
{
  const std::string *where = find (headers, header::location);
  if (!where)
    return Reason{400, "Location is missing"};
  const auto parsed = parse_uri (*where);
  if (const auto *reason = std::get_if<Reason> (&parsed))
    return Reason{400, "Location: " + reason->text};
  const Uri &uri = std::get<Uri> (parsed);
  // On the wire spreadit and rtsp are one scheme; with TLS and without, not.
  if (is_secure (uri.scheme) != is_secure (asked.scheme))
    return Reason{400, "Location: changes the scheme"};
  if (uri.path != asked.path)
    return Reason{400, "Location: names another stream"};
  if (uri.port == 0)
    return Reason{400, "Location: nobody can be reached at port 0"};
  core::Contact target{{}, address_of (uri)};
  if (const std::string *id = find (headers, header::target)) {
    const auto parsed_id = parse_id (*id);
    if (!parsed_id)
      return Reason{400, "SpreadIt-Target: not 32 hexadecimal digits"};
    target.id = *parsed_id;
  }
  return target;
}

DecodedRequest
decode_redirect (const Request &request)
{
  const auto stream = parse_uri (request.uri);
  if (const auto *reason = std::get_if<Reason> (&stream))
    return *reason;
  auto target = decode_target (request.headers, std::get<Uri> (stream));
  if (const auto *reason = std::get_if<Reason> (&target))
    return *reason;
  core::message::Redirect redirect;
  redirect.target = std::get<core::Contact> (std::move (target));
  if (const std::string *scope = find (request.headers, header::scope)) {
    if (text::iequals (*scope, "subtree"))
      redirect.scope = core::RedirectScope::subtree;
    else if (!text::iequals (*scope, "self"))
      return Reason{400, "SpreadIt-Scope: neither self nor subtree"};
  }
  return core::Message (std::move (redirect));
}

// The id in Session; empty if there is none.
Result<std::string>
decode_session_id (const Headers &headers)
{
  const std::string *value = find (headers, header::session);
  if (!value)
    return std::string ();
  auto session = parse_session (*value);
  if (!session)
    return Reason{454, "Session: not one of ours"};
  return std::move (session->id);
}

} // namespace

DecodedRequest
decode_request (const Request &request)
{
  if (!unknown_options (request).empty ())
    return Reason{551, "Require: an option is not known"};
  if (request.method == "DESCRIBE" && is_spreadit (request))
    return decode_subscribe (request);
  if (request.method == "TEARDOWN")
    return core::Message (core::message::Unsubscribe{});
  if (request.method == "REDIRECT")
    return decode_redirect (request);
  if (request.method == "SET_PARAMETER" &&
      has_type (request.headers, media_type::parameters) &&
      has_message (request.body)) {
    if (is_survey (request.body))
      return std::visit (
          [] (auto &&one) { return DecodedRequest (std::move (one)); },
          parse_survey (request.body));
    auto message = parse_parameters (request.body);
    if (const auto *reason = std::get_if<Reason> (&message))
      return *reason;
    return std::get<core::Message> (std::move (message));
  }
  return NotOurs{};
}

Result<SetupRequest>
decode_setup (const Request &request)
{
  auto session = decode_session_id (request.headers);
  if (const auto *reason = std::get_if<Reason> (&session))
    return *reason;
  if (!find (request.headers, header::transport))
    return Reason{400, "Transport is missing"};
  auto alternatives =
      parse_transports (find_list (request.headers, header::transport));
  if (const auto *reason = std::get_if<Reason> (&alternatives))
    return *reason;
  return SetupRequest{
      std::get<std::vector<Transport>> (std::move (alternatives)),
      std::get<std::string> (std::move (session))};
}

Result<PlayRequest>
decode_play (const Request &request)
{
  auto session = decode_session_id (request.headers);
  if (const auto *reason = std::get_if<Reason> (&session))
    return *reason;
  PlayRequest play;
  play.session = std::get<std::string> (std::move (session));
  if (find (request.headers, header::resume)) {
    auto resume = parse_resume (find_list (request.headers, header::resume));
    if (const auto *reason = std::get_if<Reason> (&resume))
      return *reason;
    play.resume = std::get<std::vector<Resume>> (std::move (resume));
  }
  return play;
}

// Answers in.

core::RefuseReason
refuse_reason (unsigned status)
{
  switch (status) {
  case 453:
    return core::RefuseReason::saturated;
  case 482:
    return core::RefuseReason::loop;
  case 404:
  case 410:
    return core::RefuseReason::no_stream;
  case 401:
  case 403:
  case 407:
    return core::RefuseReason::not_allowed;
  case 405: // no DESCRIBE there, no SDP, no RTSP/1.0, no org.spreadit.1
  case 406:
  case 501:
  case 505:
  case 551:
    return core::RefuseReason::not_spreadit;
  default:
    // Whatever else ails a server may pass.
    return status == 408 || status >= 500 ? core::RefuseReason::not_receiving
                                          : core::RefuseReason::malformed;
  }
}

namespace {

Answer
refused (core::RefuseReason reason, std::string note)
{
  return {core::message::Refuse{reason, std::nullopt}, std::move (note)};
}

std::string
status_text (unsigned status)
{
  return "the answer is " + std::to_string (status) + ' ' +
         std::string (reason_phrase (status));
}

// Ours in milliseconds before RFC 2326's in seconds; a date is not read.
std::optional<core::Duration>
decode_retry_after (const Headers &headers)
{
  constexpr auto any = std::numeric_limits<std::uint64_t>::max ();
  constexpr milliseconds max = limits::retry_after_max;
  const auto read =
      [&] (std::string_view name,
          std::uint64_t unit_ms) -> std::optional<core::Duration> {
    const std::string *value = find (headers, name);
    const auto count =
        value ? text::parse_decimal<std::uint64_t> (*value, any) : std::nullopt;
    if (!count)
      return std::nullopt;
    const auto units_max = static_cast<std::uint64_t> (max.count ()) / unit_ms;
    return milliseconds{std::min (*count, units_max) * unit_ms};
  };
  if (const auto wait = read (header::retry_after_ms, 1))
    return wait;
  return read (header::retry_after, 1000);
}

Answer
decode_accept (const Response &response)
{
  constexpr auto malformed = core::RefuseReason::malformed;
  const std::string *peer_value = find (response.headers, header::peer);
  if (!peer_value)
    return refused (core::RefuseReason::not_spreadit,
        "the answer is 200 OK, but without SpreadIt-Peer");
  if (comes_twice (response.headers, header::peer))
    return refused (malformed, "SpreadIt-Peer comes twice");
  auto peer = parse_peer (*peer_value);
  if (const auto *reason = std::get_if<Reason> (&peer))
    return refused (malformed, reason->text);
  if (!has_type (response.headers, media_type::sdp) || response.body.empty ())
    return refused (malformed, "the answer has no SDP");
  const auto contacts = [&response] (std::string_view name) {
    return parse_contacts (
        find_list (response.headers, name), core::limits::levels_max);
  };
  auto root_path = contacts (header::root_path);
  if (const auto *reason = std::get_if<Reason> (&root_path))
    return refused (malformed, "SpreadIt-Root-Path: " + reason->text);
  auto standby = contacts (header::standby);
  if (const auto *reason = std::get_if<Reason> (&standby))
    return refused (malformed, "SpreadIt-Standby: " + reason->text);

  core::message::Accept accept;
  auto &header = std::get<PeerHeader> (peer);
  accept.self = std::move (header.self);
  accept.children_max = header.children_max;
  accept.tree_delay_ms = header.tree_delay_ms;
  accept.root_path =
      core::RootPath (std::get<std::vector<core::Contact>> (root_path));
  accept.standby = std::get<std::vector<core::Contact>> (std::move (standby));
  if (accept.standby.size () > core::limits::standby_max)
    accept.standby.resize (core::limits::standby_max); // a hint, no more
  return {std::move (accept), {}};
}

} // namespace

Answer
decode_describe_answer (const Response &response, const Uri &asked)
{
  if (response.status == 200)
    return decode_accept (response);
  if (response.status == 301 || response.status == 302) {
    auto target = decode_target (response.headers, asked);
    if (const auto *reason = std::get_if<Reason> (&target))
      return refused (core::RefuseReason::malformed, reason->text);
    core::message::Redirect redirect;
    redirect.target = std::get<core::Contact> (std::move (target));
    // What else may be missing one day is not for us to have.
    const std::string *lacks = find (response.headers, header::provisional);
    redirect.provisional = lacks && text::iequals (*lacks, "path");
    return {std::move (redirect), {}};
  }
  const core::message::Refuse refuse{
      refuse_reason (response.status), decode_retry_after (response.headers)};
  return {refuse, status_text (response.status)};
}

std::optional<core::PeerId>
decode_options_answer (const Response &response)
{
  const std::string *value = find (response.headers, header::peer);
  if (response.status != 200 || !value ||
      comes_twice (response.headers, header::peer))
    return std::nullopt;
  const auto peer = parse_peer (*value);
  const auto *known = std::get_if<PeerHeader> (&peer);
  return known ? std::optional (known->self.id) : std::nullopt;
}

Result<SetupAnswer>
decode_setup_answer (const Response &response)
{
  if (response.status != 200)
    return Reason{response.status, status_text (response.status)};
  const std::string *session_value = find (response.headers, header::session);
  const auto session =
      session_value ? parse_session (*session_value) : std::nullopt;
  if (!session)
    return Reason{502, "the answer to SETUP has no good Session"};
  auto transports =
      parse_transports (find_list (response.headers, header::transport));
  if (const auto *reason = std::get_if<Reason> (&transports))
    return Reason{502, reason->text};
  auto &list = std::get<std::vector<Transport>> (transports);
  if (list.size () != 1)
    return Reason{502, "the answer to SETUP has no good Transport"};
  return SetupAnswer{*session, std::move (list.front ())};
}

Result<PlayAnswer>
decode_play_answer (const Response &response)
{
  if (response.status != 200)
    return Reason{response.status, status_text (response.status)};
  PlayAnswer answer;
  if (const std::string *value = find (response.headers, header::session)) {
    answer.session = parse_session (*value);
    if (!answer.session)
      return Reason{502, "the answer to PLAY has no good Session"};
  }
  return answer;
}

} // namespace spreadit::rtsp
