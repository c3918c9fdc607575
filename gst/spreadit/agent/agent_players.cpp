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

} // namespace

void
Agent::on_player_request (Link &link, rtsp::Request request)
{
  const std::string &method = request.method;
  if (method == "DESCRIBE" || method == "SETUP") {
    if (is_accepted (link))
      answer_accepted (link, request);
    else
      admit_player (link, std::move (request));
    return;
  }
  if (method == "GET_PARAMETER" || method == "SET_PARAMETER") {
    // An empty one is a keep-alive; parameters we have none.
    send_answer (link, request,
        rtsp::make_response (request.body.empty () ? 200 : 451));
    return;
  }
  if (method == "PLAY") {
    send_answer (link, request, player_play (link, request));
    start_feeding_when_ready (link);
    return;
  }
  if (method == "PAUSE") {
    send_answer (link, request, player_pause (link));
    return;
  }
  if (method == "TEARDOWN") {
    send_answer (link, request, rtsp::make_response (200));
    const auto id = link.id;
    act ([id] (core::Peer &peer, core::Instant now) {
      peer.handle_message (now, id, core::message::Unsubscribe{});
    });
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
  act ([id, message = core::Message (subscribe)] (
           core::Peer &peer, core::Instant now) {
    peer.handle_message (now, id, message);
  });
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
      description_, link.serving.route, link.connection,
      link.connection->remote (), *data_path_);
  if (const auto *reason = std::get_if<rtsp::Reason> (&result))
    return rtsp::encode_reason (*reason);
  auto &good = std::get<SetupResult> (result);
  link.serving.route = std::move (good.route);
  return rtsp::encode_setup_answer (
      {link.session, std::chrono::seconds (limits::session_timeout_s)},
      good.transport);
}

rtsp::Response
Agent::player_play (Link &link, const rtsp::Request &request)
{
  if (!is_accepted (link) || !link.serving.route)
    return rtsp::make_response (455);
  auto base = std::get<rtsp::Uri> (rtsp::parse_uri (request.uri));
  base.path = settings_.uri.path;
  link.serving.playing = true;
  return rtsp::encode_play_answer (
      {link.session, std::chrono::seconds (limits::session_timeout_s)},
      rtp_info (description_, rtsp::wire_url (base) + "/", *link.serving.route,
          *data_path_));
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
