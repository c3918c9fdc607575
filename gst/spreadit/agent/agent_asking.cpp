// The client half: connect to a peer, ask it to be our parent, read its answers
// (paper, IV-B).
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/agent.hpp"

#include <algorithm>
#include <utility>

#include "agent/limits.hpp"
#include "agent/log.hpp"
#include "agent/peer_route.hpp"
#include "rtsp/writer.hpp"

namespace spreadit::agent {

namespace {

// What an asynchronous connect remembers; the agent may be gone when it ends.
struct ConnectCall {
  std::weak_ptr<Agent *> agent;
  std::function<void (Agent &, GSocketConnection *, const std::string &)> done;
};

void
on_connect_done (GObject *source, GAsyncResult *result, gpointer data) noexcept
{
  const std::unique_ptr<ConnectCall> call (static_cast<ConnectCall *> (data));
  GError *raw = nullptr;
  const Owned<GSocketConnection> connection (
      g_socket_client_connect_to_host_finish (
          G_SOCKET_CLIENT (source), result, &raw));
  const Owned<GError> error (raw);
  // A resolver's words come from a thread of GLib's: GLib has to copy them, or
  // ThreadSanitizer, which does not see its locks, reports a race.
  const Owned<gchar> why_not (g_strdup (raw ? raw->message : ""));
  const auto agent = call->agent.lock ();
  if (agent && *agent)
    call->done (**agent, connection.get (), why_not.get ());
}

} // namespace

void
Agent::connect (core::LinkId id, const core::Contact &target)
{
  auto link = std::make_unique<Link> (*this, id);
  link->kind = Link::Kind::parent;
  link->target = target;
  link->asking.url = settings_.uri;
  link->asking.url.query.clear ();
  if (!connect_by_standby (*link))
    open_connection (*link);
  links_[id] = std::move (link);
}

void
Agent::open_connection (Link &link)
{
  link.connecting.reset (g_cancellable_new ());
  const auto where = rtsp::parse_address (link.target.address);
  const auto *to = std::get_if<rtsp::HostPort> (&where);
  const auto id = link.id;

  // Name resolution and connect have one bound; the cancellable ends both.
  link.connect_timer = ControlLoop::get ().add_timer (
      [this, id] { on_connected (id, nullptr, "no connection in time"); });
  ControlLoop::arm (link.connect_timer.get (),
      ControlLoop::now () + (to ? core::Duration (core::limits::connect_max)
                                : core::Duration::zero ()));
  if (!to)
    return;
  link.asking.url.host = to->host;
  link.asking.url.port = to->port;
  const Owned<GSocketClient> client (g_socket_client_new ());
  g_socket_client_set_enable_proxy (client.get (), FALSE);
  auto *call =
      new ConnectCall{alive_, [id] (Agent &agent, GSocketConnection *connection,
                                  const std::string &why_not) {
                        agent.on_connected (id, connection, why_not);
                      }};
  g_socket_client_connect_to_host_async (client.get (), to->host.c_str (),
      to->port, link.connecting.get (), on_connect_done, call);
}

// With TLS or without. Whoever named a peer to us has named its id as well, and
// that is enough. The source of the stream has a name that we were given.
std::shared_ptr<Connection>
Agent::adopt (GSocketConnection *connection, const core::Contact &target) const
{
  if (!settings_.identity)
    return Connection::adopt (connection);
  Expected expected;
  if (target.address == rtsp::address_of (settings_.uri))
    expected.id = settings_.source_id; // whatever peers say it is
  else if (target.id != core::PeerId{})
    expected.id = target.id;
  if (!expected.id)
    expected.trust = settings_.trust;
  const auto where = rtsp::parse_address (target.address);
  if (const auto *to = std::get_if<rtsp::HostPort> (&where))
    expected.host = to->host;
  return Connection::adopt_secure (
      connection, settings_.identity, std::move (expected));
}

// Whether there was a connection ready.
bool
Agent::connect_by_standby (Link &link)
{
  const auto where = rtsp::parse_address (link.target.address);
  const auto *to = std::get_if<rtsp::HostPort> (&where);
  if (!to || !(link.connection = standby_.take (link.target.address)))
    return false;
  link.asking.url.host = to->host;
  link.asking.url.port = to->port;
  link.next_cseq = Standby::cseq_used + 1;
  link.asking.by_standby = true;
  link.connection->set_handler (&link);
  learn_address (*link.connection, Seen::by_parent);
  act ([id = link.id] (core::Peer &peer, core::Instant now) {
    peer.link_opened (now, id);
  });
  return true;
}

// A standby connection that broke before a word came on it says nothing about
// the peer: it may have been closed for being useless at that very moment.
// Whether there is a connection on its way; the core need not know.
bool
Agent::connect_anew (Link &link)
{
  if (!link.asking.by_standby || !link.asking.subscribe)
    return false;
  link.asking.by_standby = false;
  link.connection->set_handler (nullptr);
  dropped_bytes_in_ += link.connection->bytes_in ();
  dropped_bytes_out_ += link.connection->bytes_out ();
  link.connection->close ();
  link.connection.reset ();
  link.next_cseq = 1;
  link.outstanding.clear ();
  open_connection (link);
  return true;
}

void
Agent::on_connected (
    core::LinkId id, GSocketConnection *connection, const std::string &why_not)
{
  Link *link = find (id);
  if (!link || !link->connecting)
    return;
  link->connect_timer.reset ();
  if (!connection) {
    GST_INFO ("cannot connect to %s: %s", link->target.address.c_str (),
        why_not.c_str ());
    fault_ = {core::FailReason::unreachable, why_not};
    drop (*link);
    act ([id] (core::Peer &peer, core::Instant now) {
      peer.link_closed (now, id);
    });
    return;
  }
  link->connecting.reset ();
  link->connection = adopt (connection, link->target);
  link->connection->start (link);
  learn_address (*link->connection, Seen::by_parent);
  locate (connection, *link);
  if (const auto again = std::exchange (link->asking.subscribe, {})) {
    ask (*link, *again);
    return;
  }
  act ([id] (core::Peer &peer, core::Instant now) {
    peer.link_opened (now, id);
  });
}

// DESCRIBE, SETUP and PLAY in one flight: accepted or not, one round trip.
void
Agent::ask (Link &link, const core::message::Subscribe &subscribe)
{
  const rtsp::Uri &url = link.asking.url;
  if (link.asking.by_standby)
    link.asking.subscribe = subscribe;
  std::vector<rtsp::Resume> resume;
  for (const auto &held : data_path_->held ())
    resume.push_back ({held.ssrc, held.extended_seq});
  send_request (link, rtsp::encode_describe (subscribe, url),
      Outstanding::Kind::describe);
  send_request (
      link, rtsp::encode_setup (url, offers (link)), Outstanding::Kind::setup);
  send_request (link, rtsp::encode_play (url, resume), Outstanding::Kind::play);
}

void
Agent::on_answer (Link &link, const rtsp::Response &response)
{
  if (rtsp::is_provisional (response))
    return;
  const auto cseq = rtsp::cseq (response.headers);
  const auto it =
      std::find_if (link.outstanding.begin (), link.outstanding.end (),
          [&] (const auto &one) { return cseq && one.cseq == *cseq; });
  if (it == link.outstanding.end ())
    return;
  const Outstanding asked = *it;
  link.outstanding.erase (it);
  link.asking.by_standby = false;
  switch (asked.kind) {
  case Outstanding::Kind::describe:
    on_describe_answer (link, response);
    break;
  case Outstanding::Kind::setup:
    on_setup_answer (link, response);
    break;
  case Outstanding::Kind::play:
    link.asking.round_trip = ControlLoop::now () - asked.sent;
    on_play_answer (link, response);
    break;
  case Outstanding::Kind::setup_tcp:
    on_tcp_setup_answer (link, response);
    break;
  case Outstanding::Kind::play_tcp:
    on_tcp_play_answer (link, response);
    break;
  case Outstanding::Kind::survey:
    if (asked.survey)
      on_survey_answer (link, *asked.survey, response);
    break;
  case Outstanding::Kind::other:
    link.round_trip = ControlLoop::now () - asked.sent;
    if (link.kind == Link::Kind::parent)
      tell_round_trip (link.id, *link.round_trip);
    break;
  }
}

// Redirected or refused: the answers to the rest of the flight say the same.
void
Agent::on_describe_answer (Link &link, const rtsp::Response &response)
{
  auto answer = rtsp::decode_describe_answer (response, link.asking.url);
  if (auto *accept = std::get_if<core::message::Accept> (&answer.message)) {
    if (link.connection->is_secure () &&
        link.connection->proved_id () != accept->self.id) {
      refuse_answer (link, "DESCRIBE: the id is not that of its certificate");
      return;
    }
    link.asking.accept = std::move (*accept);
    link.asking.sdp = response.body;
    return;
  }
  if (!answer.note.empty ())
    GST_INFO ("%s: %s", link.target.address.c_str (), answer.note.c_str ());
  answered (link, std::move (answer.message));
}

void
Agent::answered (Link &link, core::Message message)
{
  link.asking.answered = true;
  const auto id = link.id;
  act ([id, message = std::move (message)] (core::Peer &peer,
           core::Instant now) { peer.handle_message (now, id, message); });
}

void
Agent::on_setup_answer (Link &link, const rtsp::Response &response)
{
  if (!link.asking.accept)
    return;
  auto answer = rtsp::decode_setup_answer (response);
  if (const auto *reason = std::get_if<rtsp::Reason> (&answer)) {
    refuse_answer (link, "SETUP: " + reason->text);
    return;
  }
  link.asking.setup = std::get<rtsp::SetupAnswer> (answer);
  link.session = link.asking.setup->session.id;
}

void
Agent::on_play_answer (Link &link, const rtsp::Response &response)
{
  if (!link.asking.accept)
    return;
  const auto answer = rtsp::decode_play_answer (response);
  if (const auto *reason = std::get_if<rtsp::Reason> (&answer)) {
    refuse_answer (link, "PLAY: " + reason->text);
    return;
  }
  if (!link.asking.setup || !is_good (link.asking.setup->transport,
                                lowers_of (link), link.asking.offers_tcp)) {
    refuse_answer (link, "SETUP: not a transport that was offered");
    return;
  }
  auto description = parse_description (link.asking.sdp);
  if (const auto *why = std::get_if<std::string> (&description)) {
    refuse_answer (link, *why);
    return;
  }
  link.asking.description = std::move (std::get<Description> (description));
  answered (link, *link.asking.accept);
}

void
Agent::refuse_answer (Link &link, const std::string &why)
{
  GST_WARNING ("%s: %s", link.target.address.c_str (), why.c_str ());
  link.asking.accept.reset ();
  answered (
      link, core::message::Refuse{core::RefuseReason::malformed, std::nullopt});
}

void
Agent::adopt_description (Description description)
{
  if (description.text == description_.text)
    return;
  description_ = std::move (description);
  data_path_->set_media (description_.data ());
  events_.on_description (description_.text);
}

} // namespace spreadit::agent
