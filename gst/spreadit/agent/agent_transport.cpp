// Packets over TCP where UDP does not get through: beside the RTSP of the link,
// by a second SETUP and PLAY (docs/protocol.md, "When UDP does not get
// through"). The core has no part in it: to it a parent sends or it does not.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/agent.hpp"

#include <algorithm>

#include "agent/limits.hpp"
#include "agent/log.hpp"

namespace spreadit::agent {

namespace {

// The only thing interleaved with the RTSP of a peer.
constexpr std::uint8_t channel = 0;

// TCP has as long as UDP had.
static_assert (2 * limits::udp_wait_max <= core::limits::first_data_max);
static_assert (limits::udp_wait_min >= 8 * core::limits::data_idle);

bool
names (const Link &link, const std::string &session)
{
  return !session.empty () && session == link.session;
}

} // namespace

Lowers
Agent::lowers_of (const Link &link)
{
  return link.connection->is_secure () ? Lowers::tcp : Lowers::udp_or_tcp;
}

// The child.

std::vector<rtsp::Transport>
Agent::offers (Link &link) const
{
  std::vector<rtsp::Transport> offers;
  const Lowers lowers = lowers_of (link);
  link.asking.offers_tcp =
      lowers == Lowers::tcp || (udp_failures_ >= limits::udp_failures_max &&
                                   ControlLoop::now () - udp_failed_at_ <
                                       limits::udp_failures_remembered);
  if (link.asking.offers_tcp)
    offers.push_back (rtsp::peer_transport_tcp (channel));
  if (lowers == Lowers::udp_or_tcp)
    offers.push_back (rtsp::peer_transport_udp (data_path_->port ()));
  return offers;
}

// As its answer to SETUP says.
void
Agent::receive (Link &link)
{
  const auto &transport = link.asking.setup->transport;
  media::Address from = link.connection->remote ();
  if (transport.lower == rtsp::Lower::tcp) {
    data_path_->receive_from (link.key (), from,
        media::route::BundledTcp{
            link.connection, transport.interleaved->first});
    peer_.data_over_tcp (link.id);
    return;
  }
  if (!transport.source.empty ()) {
    const auto named = media::Address::from_ip (transport.source, 0);
    if (!named.is_unspecified ())
      from = named;
  }
  data_path_->receive_from (
      link.key (), from.with_port (transport.server_port->first));
  link.asking.udp_until =
      ControlLoop::now () +
      std::clamp<core::Duration> (2 * link.asking.round_trip,
          limits::udp_wait_min, limits::udp_wait_max);
}

void
Agent::turn_to_tcp ()
{
  for (const auto id : peer_.data_links ()) {
    Link *link = find (id);
    if (link && link->asking.udp_until && !link->data_told &&
        *link->asking.udp_until <= ControlLoop::now ())
      ask_for_tcp (*link);
  }
}

// What was sent over UDP is lost: the parent begins where it was to begin.
void
Agent::ask_for_tcp (Link &link)
{
  GST_INFO ("%s: nothing comes over UDP, asking for TCP",
      link.target.address.c_str ());
  link.asking.udp_until.reset ();
  link.asking.udp_failed = link.asking.offers_tcp = true;
  std::vector<rtsp::Resume> resume;
  for (const auto &held : data_path_->held ())
    resume.push_back ({held.ssrc, held.extended_seq});
  const rtsp::Transport transport[] = {rtsp::peer_transport_tcp (channel)};
  auto setup = rtsp::encode_setup (link.asking.url, transport);
  auto play = rtsp::encode_play (link.asking.url, resume);
  rtsp::set (setup.headers, rtsp::header::session, link.session);
  rtsp::set (play.headers, rtsp::header::session, link.session);
  send_request (link, std::move (setup), Outstanding::Kind::setup_tcp);
  send_request (link, std::move (play), Outstanding::Kind::play_tcp);
}

// Refused: the core gives it up in its time, UDP may come to life until then.
void
Agent::on_tcp_setup_answer (Link &link, const rtsp::Response &response)
{
  auto answer = rtsp::decode_setup_answer (response);
  if (const auto *reason = std::get_if<rtsp::Reason> (&answer)) {
    GST_WARNING (
        "%s: no TCP: %s", link.target.address.c_str (), reason->text.c_str ());
    return;
  }
  auto &setup = std::get<rtsp::SetupAnswer> (answer);
  if (setup.transport.lower == rtsp::Lower::tcp &&
      is_good (setup.transport, lowers_of (link), /* may_be_tcp */ true))
    link.asking.setup = std::move (setup);
}

// It was a parent when it was asked. If it is none any more, the core has
// closed the link.
void
Agent::on_tcp_play_answer (Link &link, const rtsp::Response &response)
{
  const auto answer = rtsp::decode_play_answer (response);
  if (!std::holds_alternative<rtsp::Reason> (answer) &&
      link.asking.setup->transport.lower == rtsp::Lower::tcp)
    receive (link);
}

void
Agent::learn_from_first_packet (const Link &link)
{
  const bool is_udp = link.asking.setup &&
                      link.asking.setup->transport.lower == rtsp::Lower::udp;
  if (is_udp) {
    udp_failures_ = 0;
  } else if (link.asking.udp_failed) {
    ++udp_failures_;
    udp_failed_at_ = ControlLoop::now ();
  }
}

// The parent.

rtsp::Transport
Agent::transport_of (const Link &link, const media::Route &route) const
{
  if (const auto *tcp = std::get_if<media::route::BundledTcp> (&route))
    return rtsp::peer_transport_tcp (tcp->channel);
  auto transport = rtsp::peer_transport_udp (
      std::get<media::route::Bundled> (route).to.port ());
  transport.server_port =
      rtsp::PortRange{data_path_->port (), data_path_->port ()};
  transport.source = data_source (link);
  return transport;
}

// SETUP or PLAY of a child in its session.
void
Agent::on_other_transport (Link &link, const rtsp::Request &request)
{
  if (request.method == "SETUP") {
    send_answer (link, request, other_setup (link, request));
    return;
  }
  const auto answer = other_play (link, request);
  send_answer (link, request, answer);
  if (answer.status == 200) // or each refusal would begin it anew
    start_feeding_when_ready (link);
}

// Once, and from UDP to TCP: a child that changes its mind is looking for
// something else.
rtsp::Response
Agent::other_setup (Link &link, const rtsp::Request &request)
{
  const auto decoded = rtsp::decode_setup (request);
  if (const auto *reason = std::get_if<rtsp::Reason> (&decoded))
    return rtsp::encode_reason (*reason);
  const auto &setup = std::get<rtsp::SetupRequest> (decoded);
  auto &serving = link.serving;
  if (!names (link, setup.session))
    return rtsp::make_response (454);
  if (!serving.playing || is_over_tcp (serving.route))
    return rtsp::make_response (455);
  auto route = route_to_peer (setup.alternatives, lowers_of (link),
      link.connection->remote (), link.connection);
  if (!is_over_tcp (route))
    return rtsp::encode_reason (
        {461, "a session changes its transport to TCP only"});
  serving.next_route = std::move (route);
  return rtsp::encode_setup_answer (
      session_of (link), transport_of (link, *serving.next_route));
}

rtsp::Response
Agent::other_play (Link &link, const rtsp::Request &request)
{
  const auto decoded = rtsp::decode_play (request);
  if (const auto *reason = std::get_if<rtsp::Reason> (&decoded))
    return rtsp::encode_reason (*reason);
  const auto &play = std::get<rtsp::PlayRequest> (decoded);
  auto &serving = link.serving;
  if (!names (link, play.session))
    return rtsp::make_response (454);
  if (!serving.playing || !serving.next_route)
    return rtsp::make_response (455);
  serving.route = std::exchange (serving.next_route, std::nullopt);
  serving.held.clear ();
  for (const auto &resume : play.resume)
    serving.held.push_back ({resume.ssrc, resume.extended_seq});
  return rtsp::encode_play_answer (session_of (link));
}

} // namespace spreadit::agent
