// The server half for plain players: leaves of the tree that speak RFC 2326
// only. Redirected at DESCRIBE, never sent a request
// (docs/protocol.md, "Plain players").
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/agent.hpp"

#include "agent/limits.hpp"
#include "agent/plain_player.hpp"

namespace spreadit::agent {

namespace {

bool
is_accepted (const Link &link)
{
  return link.serving.verdict &&
         std::holds_alternative<core::message::Accept> (*link.serving.verdict);
}

// A session named in a request has to be the one of this connection; to name
// none is no mistake here (RFC 2326 12.37 would have it one).
bool
names_another_session (const Link &link, const rtsp::Request &request)
{
  const std::string *value =
      rtsp::find (request.headers, rtsp::header::session);
  if (!value || request.method == "DESCRIBE")
    return false;
  const auto named = rtsp::parse_session (*value);
  return !named || named->id != link.session;
}

} // namespace

rtsp::Session
Agent::session_of (const Link &link) const
{
  return {link.session, settings_.patience.session};
}

void
Agent::on_player_request (Link &link, rtsp::Request request)
{
  const std::string &method = request.method;
  if (names_another_session (link, request)) {
    send_answer (link, request, rtsp::make_response (454));
    return;
  }
  if (method == "DESCRIBE" || method == "SETUP") {
    if (is_accepted (link))
      answer_accepted (link, request);
    else
      admit_player (link, std::move (request));
    return;
  }
  if (method == "GET_PARAMETER" || method == "SET_PARAMETER") {
    // An empty one is a keep-alive; parameters we have none.
    send_answer (
        link, request, rtsp::make_response (request.body.empty () ? 200 : 451));
    return;
  }
  if (method == "PLAY") {
    const bool was_playing = link.serving.playing;
    send_answer (link, request, player_play (link, request));
    if (!was_playing)
      start_feeding_when_ready (link);
    return;
  }
  if (method == "PAUSE") {
    send_answer (link, request, player_pause (link));
    return;
  }
  if (method == "TEARDOWN") {
    send_answer (link, request, rtsp::make_response (200));
    link.serving.torn_down = true;
    const auto id = link.id;
    act ([id] (core::Peer &peer, core::Instant now) {
      peer.handle_message (now, id, core::message::Unsubscribe{});
    });
    if (Link *still = find (id)) // it had no place here
      drop (*still);
    return;
  }
  send_answer (link, request, rtsp::make_response (501));
}

// DESCRIBE, or SETUP of a player that knows the stream already: the core
// decides as for a peer.
void
Agent::admit_player (Link &link, rtsp::Request request)
{
  core::message::Subscribe subscribe;
  subscribe.plain_player = true;
  // A name for the children table; it goes nowhere.
  subscribe.self.id = {static_cast<std::uint64_t> (link.id), g_random_int ()};
  const auto id = link.id;
  const rtsp::Request copy = request;
  link.serving.verdict.reset ();
  link.serving.waiting.clear ();
  link.serving.waiting.push_back (std::move (request));
  act ([id, message = core::Message (subscribe)] (core::Peer &peer,
           core::Instant now) { peer.handle_message (now, id, message); });
  Link *still = find (id);
  if (still && !still->serving.verdict) {
    still->serving.waiting.clear ();
    send_answer (*still, copy,
        rtsp::encode_refuse (
            {core::RefuseReason::not_receiving, std::nullopt}));
  }
}

rtsp::Response
Agent::player_setup (Link &link, const rtsp::Request &request)
{
  const auto url = std::get<rtsp::Uri> (rtsp::parse_uri (request.uri));
  const auto medium = media_of_setup (description_, settings_.uri.path, url);
  if (!medium)
    return rtsp::encode_reason ({404, "no such medium"});
  const auto setup = rtsp::decode_setup (request);
  if (const auto *reason = std::get_if<rtsp::Reason> (&setup))
    return rtsp::encode_reason (*reason);
  // Of the running session neither transport nor media can be changed.
  if (link.serving.playing)
    return rtsp::make_response (455);
  auto result = set_up_medium (std::get<rtsp::SetupRequest> (setup), *medium,
      description_, link.serving.route, lowers_of (link), link.connection,
      link.connection->remote (), *data_path_);
  if (const auto *reason = std::get_if<rtsp::Reason> (&result))
    return rtsp::encode_reason (*reason);
  auto &good = std::get<SetupResult> (result);
  link.serving.route = std::move (good.route);
  if (good.transport.lower == rtsp::Lower::udp)
    good.transport.source = data_source (link);
  return rtsp::encode_setup_answer (session_of (link), good.transport);
}

rtsp::Response
Agent::player_play (Link &link, const rtsp::Request &request)
{
  auto &serving = link.serving;
  if (!is_accepted (link) || !serving.route)
    return rtsp::make_response (455);
  if (serving.playing) // per medium, or once more: nothing changes
    return rtsp::encode_play_answer (session_of (link));
  auto base = std::get<rtsp::Uri> (rtsp::parse_uri (request.uri));
  base.path = settings_.uri.path;
  const auto next = data_path_->next_packets ();
  const auto info = rtp_info (
      description_, rtsp::wire_url (base) + "/", *serving.route, next);
  // By the time it is fed there may be newer ones: it begins with those it has
  // been told.
  serving.held.clear ();
  for (const auto &packet : next)
    serving.held.push_back (
        {packet.ssrc, static_cast<std::uint16_t> (packet.seq - 1)});
  serving.playing = serving.has_played = true;
  return rtsp::encode_play_answer (session_of (link), info);
}

rtsp::Response
Agent::player_pause (Link &link)
{
  if (!link.serving.playing)
    return rtsp::make_response (455);
  // The slot stays; what it misses it has missed, a live stream has no history.
  link.serving.playing = false;
  data_path_->stop_feeding (link.key (), false);
  return rtsp::make_response (200);
}

} // namespace spreadit::agent
