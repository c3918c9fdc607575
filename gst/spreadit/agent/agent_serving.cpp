// The server half for peers: the join flight, what comes in a session.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/agent.hpp"

#include <array>

#include "agent/limits.hpp"
#include "agent/log.hpp"
#include "agent/own_address.hpp"
#include "agent/peer_route.hpp"
#include "agent/plain_player.hpp"

namespace spreadit::agent {

namespace {

constexpr std::array flight = {"DESCRIBE", "SETUP", "PLAY"};

std::string
new_session_id ()
{
  return std::to_string (g_random_int ()) + std::to_string (g_random_int ());
}

} // namespace

void
Agent::on_incoming (std::shared_ptr<Connection> connection, rtsp::Request first)
{
  learn_address (*connection, Seen::by_child);
  const core::LinkId id{core::incoming_link | next_incoming_++};
  auto link = std::make_unique<Link> (*this, id);
  Link &it = *link;
  it.connection = std::move (connection);
  it.connection->set_handler (&it);
  it.arrived = ControlLoop::now ();
  if (!ControlLoop::is_armed (patience_timer_.get ()))
    ControlLoop::arm (
        patience_timer_.get (), it.arrived + limits::patience_interval);
  links_[id] = std::move (link);
  strangers_.insert (id);
  on_request (it, std::move (first));
  if (strangers_.size () > limits::strangers_max)
    make_room ();
}

void
Agent::on_request (Link &link, rtsp::Request request)
{
  link.heard = ControlLoop::now ();
  // Nobody needs that many open questions; the flight of a join has three.
  if (link.serving.waiting.size () >= rtsp::limits::pipelining_max) {
    give_up (link, "too many requests in flight");
    return;
  }
  const auto parsed = rtsp::parse_uri (request.uri);
  const auto *url = std::get_if<rtsp::Uri> (&parsed);
  const bool is_ours = url && is_below (url->path, settings_.uri.path);
  if (request.method == "OPTIONS") {
    auto answer = options_answer ();
    if (is_ours && rtsp::is_spreadit (request)) // somebody dials back
      rtsp::identify (answer, peer_.self ());
    send_answer (link, request, std::move (answer));
    return;
  }
  if (const auto unknown = rtsp::unknown_options (request); !unknown.empty ()) {
    send_answer (link, request, rtsp::make_unsupported (unknown));
    return;
  }
  if (!is_ours) {
    send_answer (link, request, rtsp::make_response (404));
    return;
  }
  if (link.kind == Link::Kind::unknown)
    link.kind =
        rtsp::is_spreadit (request) ? Link::Kind::child : Link::Kind::player;
  if (link.kind == Link::Kind::player) {
    on_player_request (link, std::move (request));
    return;
  }
  if (link.kind == Link::Kind::child && !link.serving.verdict) {
    link.serving.waiting.push_back (std::move (request));
    on_flight (link);
    return;
  }
  on_session_request (link, request);
}

// The core is asked once the whole flight has arrived: only then we know where
// the packets would go and from which on.
void
Agent::on_flight (Link &link)
{
  auto &waiting = link.serving.waiting;
  for (std::size_t i = 0; i < waiting.size () && i < flight.size (); ++i)
    if (waiting[i].method != flight[i]) {
      refuse_flight (link, {455, "a join is DESCRIBE, SETUP, PLAY"});
      return;
    }
  if (waiting.size () != flight.size ())
    return;

  auto decoded = rtsp::decode_request (waiting[0]);
  const auto setup = rtsp::decode_setup (waiting[1]);
  const auto play = rtsp::decode_play (waiting[2]);
  if (const auto *reason = std::get_if<rtsp::Reason> (&decoded)) {
    refuse_flight (link, *reason);
    return;
  }
  if (const auto *reason = std::get_if<rtsp::Reason> (&setup)) {
    refuse_flight (link, *reason);
    return;
  }
  if (const auto *reason = std::get_if<rtsp::Reason> (&play)) {
    refuse_flight (link, *reason);
    return;
  }
  const auto *subscribe = std::get_if<core::Message> (&decoded);
  if (!subscribe) {
    refuse_flight (link, {400, "not a join"});
    return;
  }
  link.serving.route =
      route_to_peer (std::get<rtsp::SetupRequest> (setup).alternatives,
          lowers_of (link), link.connection->remote (), link.connection);
  if (!link.serving.route) {
    refuse_flight (link, {461, "a peer's transport is bundled"});
    return;
  }
  const auto *asker = std::get_if<core::message::Subscribe> (subscribe);
  if (asker && link.connection->is_secure () &&
      link.connection->proved_id () != asker->self.id) {
    refuse_flight (link, {403, "the id is not that of the certificate"});
    return;
  }
  for (const auto &resume : std::get<rtsp::PlayRequest> (play).resume)
    link.serving.held.push_back ({resume.ssrc, resume.extended_seq});
  const auto id = link.id;
  act ([id, message = *subscribe] (core::Peer &peer, core::Instant now) {
    peer.handle_message (now, id, message);
  });
}

void
Agent::refuse_flight (Link &link, const rtsp::Reason &reason)
{
  for (const auto &request : link.serving.waiting)
    send_answer (link, request, rtsp::encode_reason (reason));
  give_up (link, reason.text);
}

// What the core decided on a Subscribe, at once or after a Verify.
void
Agent::give_verdict (Link &link, core::Message verdict)
{
  if (std::holds_alternative<core::message::Accept> (verdict))
    strangers_.erase (link.id);
  link.serving.verdict = std::move (verdict);
  const auto waiting = std::exchange (link.serving.waiting, {});
  for (std::size_t i = 0; i < waiting.size (); ++i)
    if (i < flight.size () || link.kind == Link::Kind::player)
      answer_by_verdict (link, waiting[i]);
    else // said while it waited
      on_session_request (link, waiting[i]);
}

void
Agent::answer_by_verdict (Link &link, const rtsp::Request &request)
{
  const auto &verdict = *link.serving.verdict;
  if (const auto *refusal = std::get_if<core::message::Refuse> (&verdict)) {
    auto refuse = *refusal;
    if (link.kind == Link::Kind::player &&
        refuse.reason == core::RefuseReason::not_receiving)
      refuse.retry_after = limits::player_retry_after;
    send_answer (link, request, rtsp::encode_refuse (refuse));
    return;
  }
  if (std::holds_alternative<core::message::Accept> (verdict))
    answer_accepted (link, request);
  else
    answer_redirected (link, request);
}

void
Agent::answer_redirected (Link &link, const rtsp::Request &request)
{
  const auto &redirect =
      std::get<core::message::Redirect> (*link.serving.verdict);
  const auto parsed = rtsp::parse_uri (request.uri);
  rtsp::Uri asked = std::get<rtsp::Uri> (parsed); // checked on arrival
  asked.path = settings_.uri.path;
  if (link.connection->is_secure ()) // whatever it writes
    asked.scheme = rtsp::Scheme::rtsps;
  if (link.kind == Link::Kind::child) {
    // The wire says rtsp, the stream is spreadit: what the Location has.
    asked.scheme = settings_.uri.scheme;
    send_answer (link, request, rtsp::encode_redirect (redirect, asked));
    return;
  }
  // To most players a redirect is an error anywhere but at DESCRIBE, and a
  // round that has no end is no better.
  const bool may_follow = request.method == "DESCRIBE" &&
                          rtsp::hops (asked) < limits::plain_hops_max;
  send_answer (link, request,
      may_follow ? rtsp::encode_plain_redirect (redirect, asked)
                 : rtsp::encode_refuse (
                       {core::RefuseReason::saturated, std::nullopt}));
}

void
Agent::answer_accepted (Link &link, const rtsp::Request &request)
{
  const auto &accept = std::get<core::message::Accept> (*link.serving.verdict);
  if (link.session.empty ())
    link.session = new_session_id ();
  const rtsp::Session session = session_of (link);
  auto base = std::get<rtsp::Uri> (rtsp::parse_uri (request.uri));
  base.path = settings_.uri.path;
  const std::string content_base = rtsp::wire_url (base) + "/";

  if (request.method == "DESCRIBE") {
    send_answer (link, request,
        link.kind == Link::Kind::child
            ? rtsp::encode_accept (accept, description_.text, content_base)
            : rtsp::encode_description (description_.text, content_base));
    return;
  }
  if (link.kind == Link::Kind::player) {
    send_answer (link, request, player_setup (link, request));
    return;
  }
  if (request.method == "SETUP") {
    send_answer (link, request,
        rtsp::encode_setup_answer (
            session, transport_of (link, *link.serving.route)));
    return;
  }
  send_answer (link, request, rtsp::encode_play_answer (session));
  link.serving.playing = true;
  start_feeding_when_ready (link);
}

// Where our packets come from, if that is not where the connection went to: a
// peer's sockets are bound to no address (own_address.hpp).
std::string
Agent::data_source (const Link &link) const
{
  if (peer_.state () == core::PeerState::source)
    return {};
  const auto local = address_towards (link.connection->remote ());
  if (reach_of (local) == 0 || local.ip () == link.connection->local ().ip ())
    return {};
  return local.ip ();
}

// Both sides have to want it: the core (StartFeeding) and the child (PLAY).
void
Agent::start_feeding_when_ready (Link &link)
{
  auto &serving = link.serving;
  if (!serving.may_feed || !serving.playing || !serving.route)
    return;
  // A newcomer begins where a decoder can.
  auto held = serving.held;
  if (held.empty ())
    for (const auto &packet : data_path_->next_packets ())
      held.push_back (
          {packet.ssrc, static_cast<std::uint16_t> (packet.seq - 1)});
  data_path_->start_feeding (
      link.key (), *serving.route, media::StartAt{std::move (held)});
}

// From a child, or from the parent, in a session.
void
Agent::on_session_request (Link &link, const rtsp::Request &request)
{
  auto decoded = rtsp::decode_request (request);
  if (const auto *reason = std::get_if<rtsp::Reason> (&decoded)) {
    send_answer (link, request, rtsp::encode_reason (*reason));
    return;
  }
  if (auto *survey = std::get_if<rtsp::Survey> (&decoded)) {
    on_survey (link, request, std::move (*survey));
    return;
  }
  if (auto *surveyed = std::get_if<rtsp::Surveyed> (&decoded)) {
    on_surveyed (link, request, std::move (*surveyed));
    return;
  }
  const auto *message = std::get_if<core::Message> (&decoded);
  if (!message) {
    const bool is_of_transport =
        request.method == "SETUP" || request.method == "PLAY";
    if (is_of_transport && link.kind == Link::Kind::child) {
      on_other_transport (link, request);
      return;
    }
    if (rtsp::is_alive_again (request) && link.alive_heard) {
      send_answer (link, request, rtsp::make_response (200));
      act ([id = link.id, alive = *link.alive_heard] (core::Peer &peer,
               core::Instant now) { peer.handle_message (now, id, alive); });
      return;
    }
    const bool ping =
        request.method == "GET_PARAMETER" || request.method == "SET_PARAMETER";
    send_answer (link, request, rtsp::make_response (ping ? 200 : 455));
    return;
  }
  // A second join on a link has no meaning; who wants one opens a link.
  if (std::holds_alternative<core::message::Subscribe> (*message)) {
    send_answer (link, request, rtsp::make_response (455));
    return;
  }
  send_answer (link, request, rtsp::make_response (200));
  if (const auto *alive = std::get_if<core::message::Alive> (message))
    link.alive_heard = *alive;
  const auto id = link.id;
  act ([id, message = *message] (core::Peer &peer, core::Instant now) {
    peer.handle_message (now, id, message);
  });
}

void
Agent::on_frame (Link &link, const rtsp::Interleaved &frame)
{
  // From a parent the stream, if that was agreed; from a child its receiver
  // reports. Anything else has no business here.
  if (link.kind == Link::Kind::parent)
    data_path_->take_from_link (
        link.key (), frame.payload.data (), frame.payload.size ());
  else if (link.serving.playing && is_over_tcp (link.serving.route))
    data_path_->rtcp_from_child (
        link.key (), frame.payload.data (), frame.payload.size ());
}

} // namespace spreadit::agent
