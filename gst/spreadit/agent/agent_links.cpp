// The control links: what comes in and goes out, who has to go.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/agent.hpp"

#include <algorithm>
#include <utility>

#include "agent/limits.hpp"
#include "agent/log.hpp"
#include "agent/own_address.hpp"
#include "rtsp/writer.hpp"

namespace spreadit::agent {

using core::LinkId;

Link::~Link ()
{
  if (connection)
    connection->set_handler (nullptr);
}

void
Link::on_unit (Connection &, rtsp::Unit unit)
{
  agent.on_unit (*this, std::move (unit));
}

void
Link::on_broken (Connection &, Connection::Break how, const std::string &why)
{
  agent.on_broken (*this, how, why);
}

namespace {

bool
is_accepted (const Link &link)
{
  return link.serving.verdict &&
         std::holds_alternative<core::message::Accept> (*link.serving.verdict);
}

} // namespace

// Bound to every interface, we are where the other side of a connection sees
// us. A parent sees us where the tree is; the first child had to find us
// somewhere. A player beside us on this host, which says "localhost", must not
// make our place unknown to all others.
void
Agent::learn_address (const Connection &connection, Seen by)
{
  if (!listener_ || !listener_->is_wildcard () || !settings_.advertise.empty ())
    return;
  const auto worth = reach_of (connection.local ());
  if (worth == 0 || worth < address_worth_ ||
      (worth == address_worth_ && by == Seen::by_child))
    return;
  address_worth_ = worth;
  const auto address =
      rtsp::join_host_port (connection.local ().ip (), listener_->port ());
  if (peer_.self ().address != address)
    act ([address] (
             core::Peer &peer, core::Instant) { peer.set_address (address); });
}

Link *
Agent::find (LinkId id)
{
  const auto it = links_.find (id);
  return it == links_.end () ? nullptr : it->second.get ();
}

// At our wish, not theirs.
void
Agent::part_with (Link &link)
{
  const auto *over_udp =
      link.serving.route
          ? std::get_if<media::route::PortPairs> (&*link.serving.route)
          : nullptr;
  const bool stays = link.serving.torn_down || over_udp;
  if (link.kind == Link::Kind::player && link.serving.has_played && stays &&
      link.connection) {
    dropped_bytes_in_ += link.connection->bytes_in ();
    dropped_bytes_out_ += link.connection->bytes_out ();
    std::function<void ()> say_goodbye;
    if (over_udp)
      say_goodbye = [data_path = data_path_, route = *over_udp] {
        data_path->say_goodbye (route);
      };
    farewell_.add (std::exchange (link.connection, nullptr), link.session,
        link.serving.torn_down, std::move (say_goodbye));
  }
  drop (link);
}

void
Agent::drop (Link &link)
{
  const auto it = links_.find (link.id);
  if (it == links_.end ())
    return;
  if (link.connecting)
    g_cancellable_cancel (link.connecting.get ());
  link.connect_timer.reset ();
  data_path_->stop_receiving (link.key ());
  data_path_->stop_feeding (
      link.key (), link.kind == Link::Kind::player && link.serving.playing);
  if (link.connection) {
    dropped_bytes_in_ += link.connection->bytes_in ();
    dropped_bytes_out_ += link.connection->bytes_out ();
    link.connection->close ();
  }
  link.serving.waiting.clear ();
  forget_in_surveys (link.id);
  strangers_.erase (link.id);
  dropped_.push_back (std::move (it->second));
  links_.erase (it);
  ControlLoop::arm (sweep_timer_.get (), ControlLoop::now ());
}

void
Agent::on_unit (Link &link, rtsp::Unit unit)
{
  if (auto *request = std::get_if<rtsp::Request> (&unit))
    on_request (link, std::move (*request));
  else if (const auto *response = std::get_if<rtsp::Response> (&unit))
    on_answer (link, *response);
  else
    on_frame (link, std::get<rtsp::Interleaved> (unit));
}

void
Agent::on_broken (Link &link, Connection::Break how, const std::string &why)
{
  // Whoever answers a join in another language is no peer, now or later.
  if (how == Connection::Break::not_rtsp && link.kind == Link::Kind::parent &&
      !link.asking.answered) {
    GST_INFO ("%s: %s", link.target.address.c_str (), why.c_str ());
    fault_ = {core::FailReason::not_spreadit, why};
    answered (link,
        core::message::Refuse{core::RefuseReason::not_spreadit, std::nullopt});
    return;
  }
  if (how == Connection::Break::untrusted && link.kind == Link::Kind::parent) {
    GST_WARNING ("%s: %s", link.target.address.c_str (), why.c_str ());
    fault_ = {core::FailReason::not_trusted, why};
    answered (link,
        core::message::Refuse{core::RefuseReason::not_trusted, std::nullopt});
    return;
  }
  if (connect_anew (link))
    return;
  give_up (link, why);
}

// The core is told; it may never have heard of the link.
void
Agent::give_up (Link &link, const std::string &why)
{
  GST_INFO ("link to %s: %s",
      link.connection ? link.connection->remote ().ip ().c_str ()
                      : link.target.address.c_str (),
      why.c_str ());
  const auto id = link.id;
  drop (link);
  act ([id] (core::Peer &peer, core::Instant now) {
    peer.link_closed (now, id);
  });
}

// Until when it may go on doing nothing. Peers have heart-beats, which the core
// looks after.
core::Instant
Agent::deadline (const Link &link, std::optional<media::DataStats> &data) const
{
  const Patience &patience = settings_.patience;
  if (link.kind == Link::Kind::parent)
    return core::Instant::max ();
  if (!is_accepted (link))
    return link.arrived + patience.unused;
  if (link.kind != Link::Kind::player)
    return core::Instant::max ();
  if (!link.serving.route)
    return link.heard + patience.reserve;
  // Over TCP the connection itself tells whether somebody takes the packets.
  if (link.serving.playing &&
      std::holds_alternative<media::route::Interleaved> (*link.serving.route))
    return core::Instant::max ();
  if (!link.serving.playing && !link.serving.has_played)
    return link.heard + patience.reserve;
  const core::Duration silence = core::Duration (patience.session) * 3 / 2;
  if (link.heard + silence > ControlLoop::now ())
    return link.heard + silence;
  // Not a word, but perhaps receiver reports.
  if (!data)
    data = data_path_->stats ();
  auto heard = link.heard;
  for (const auto &child : data->children)
    if (child.key == link.key () && child.last_report)
      heard = std::max (
          heard, core::Instant (child.last_report->time_since_epoch ()));
  return heard + silence;
}

void
Agent::expire_links ()
{
  const auto now = ControlLoop::now ();
  std::optional<media::DataStats> data; // asked for when it is needed
  std::vector<LinkId> expired;
  for (const auto &[id, link] : links_)
    if (deadline (*link, data) <= now)
      expired.push_back (id);
  for (const auto id : expired)
    if (Link *link = find (id))
      give_up (*link, "has done nothing for too long");
  const bool has_guests = std::any_of (links_.begin (), links_.end (),
      [] (const auto &one) { return one.second->kind != Link::Kind::parent; });
  if (!stopped_ && has_guests)
    ControlLoop::arm (patience_timer_.get (), now + limits::patience_interval);
}

// The longest useless of the incoming links goes.
bool
Agent::make_room ()
{
  if (strangers_.empty ())
    return false;
  Link *link = find (*strangers_.begin ());
  if (link->connection)
    link->connection->abort ();
  give_up (*link, "gives way to others");
  return true;
}

void
Agent::send_request (Link &link, rtsp::Request request, Outstanding::Kind kind,
    std::optional<std::uint64_t> survey)
{
  const auto cseq = link.next_cseq++;
  rtsp::set_cseq (request.headers, cseq);
  auto text = rtsp::write (request);
  if (!text) {
    GST_ERROR ("cannot write a %s", request.method.c_str ());
    return;
  }
  // Unanswered requests of a peer that lives are few: one heart-beat a second.
  // One that never answers is not worth remembering.
  if (link.outstanding.size () >= rtsp::limits::pipelining_max)
    link.outstanding.pop_front ();
  link.outstanding.push_back ({cseq, kind, ControlLoop::now (), survey});
  if (link.connection)
    link.connection->write (std::move (*text));
}

void
Agent::send_answer (
    Link &link, const rtsp::Request &request, rtsp::Response response)
{
  if (const auto cseq = rtsp::cseq (request.headers))
    rtsp::set_cseq (response.headers, *cseq);
  if (!link.session.empty () &&
      !rtsp::find (response.headers, rtsp::header::session))
    rtsp::set (response.headers, rtsp::header::session, link.session);
  auto text = rtsp::write (response);
  if (!text) {
    // Only an SDP can hold what does not fit; who asks is not left waiting.
    GST_ERROR ("cannot write the answer to a %s", request.method.c_str ());
    auto failure = rtsp::make_response (500);
    if (const auto cseq = rtsp::cseq (request.headers))
      rtsp::set_cseq (failure.headers, *cseq);
    text = rtsp::write (failure);
  }
  if (text && link.connection)
    link.connection->write (std::move (*text));
}

} // namespace spreadit::agent
