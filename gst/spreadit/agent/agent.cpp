// The run loop and the core's actions.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/agent.hpp"

#include <algorithm>
#include <cmath>

#include "agent/limits.hpp"
#include "agent/log.hpp"
#include "agent/peer_route.hpp"
#include "rtsp/writer.hpp"

namespace spreadit::agent {

using core::LinkId;
namespace action = core::action;

Agent::Agent (Settings settings, Events &events,
    std::shared_ptr<media::DataPath> data_path)
    : settings_ (std::move (settings)), events_ (events),
      data_path_ (std::move (data_path)), peer_ (settings_.core)
{
  timer_ = ControlLoop::get ().add_timer ([this] { on_timer (); });
  sweep_timer_ = ControlLoop::get ().add_timer ([this] { dropped_.clear (); });
  patience_timer_ = ControlLoop::get ().add_timer ([this] { expire_links (); });
  survey_timer_ = ControlLoop::get ().add_timer ([this] { finish_surveys (); });
  data_path_->set_uplink_bps (settings_.upload_bps);
}

Agent::~Agent ()
{
  stop ();
  *alive_ = nullptr;
}

void
Agent::stop ()
{
  stopped_ = true;
  left_ = false;
  // The port closes with the last of us, or who still connects would be told
  // that there is no such stream. Posted: we may be called by the listener.
  if (listener_) {
    listener_->remove (*this);
    ControlLoop::get ().post ([gone = std::move (listener_)] {});
  }
  standby_.aim (std::nullopt);
  questions_.clear ();
  route_probe_.reset ();
  dials_.clear ();
  while (!links_.empty ())
    drop (*links_.begin ()->second);
  ControlLoop::arm (timer_.get (), core::Instant::max ());
  ControlLoop::arm (patience_timer_.get (), core::Instant::max ());
  ControlLoop::arm (survey_timer_.get (), core::Instant::max ());
}

std::string
Agent::listen ()
{
  std::string address = settings_.advertise;
  if (settings_.listen) {
    auto opened = Listener::open (
        *settings_.listen, settings_.uri.path, *this, settings_.identity);
    if (const auto *why = std::get_if<std::string> (&opened))
      return *why;
    listener_ = std::get<std::shared_ptr<Listener>> (opened);
    if (address.empty () && !listener_->is_wildcard ())
      address =
          rtsp::join_host_port (settings_.listen->host, listener_->port ());
  }
  if (!address.empty ())
    peer_.set_address (address);
  return {};
}

// Verbs.

void
Agent::become_source ()
{
  act ([] (core::Peer &peer, core::Instant now) {
    peer.set_path (now, {}); // it is where all ways lead
    peer.become_source (now);
  });
}

void
Agent::set_description (Description description)
{
  adopt_description (std::move (description));
  act ([] (core::Peer &peer, core::Instant now) {
    peer.set_stream_ready (now, true);
  });
}

void
Agent::subscribe ()
{
  subscribed_at_ = ControlLoop::now ();
  const core::Contact source{{}, rtsp::address_of (settings_.uri)};
  act ([source] (core::Peer &peer, core::Instant now) {
    peer.subscribe (now, source);
  });
}

void
Agent::unsubscribe ()
{
  act ([] (core::Peer &peer, core::Instant now) { peer.unsubscribe (now); });
}

void
Agent::set_children_max (unsigned children_max)
{
  settings_.core.children_max = children_max;
  apply_capacity ();
}

void
Agent::set_upload_bps (std::uint64_t upload_bps)
{
  settings_.upload_bps = upload_bps;
  data_path_->set_uplink_bps (upload_bps);
  act ([upload_bps] (core::Peer &peer, core::Instant) {
    peer.set_uplink_bps (upload_bps);
  });
  apply_capacity ();
}

void
Agent::set_add_policy (core::AddPolicyKind kind)
{
  act (
      [kind] (core::Peer &peer, core::Instant) { peer.set_add_policy (kind); });
}

void
Agent::set_second_add_policy (core::AddPolicyKind kind)
{
  act ([kind] (core::Peer &peer, core::Instant) {
    peer.set_second_add_policy (kind);
  });
}

void
Agent::set_delete_policy (core::DeletePolicyKind kind)
{
  act ([kind] (
           core::Peer &peer, core::Instant) { peer.set_delete_policy (kind); });
}

// The run loop.

void
Agent::act (Verb verb)
{
  // An application may call a verb from within a report of ours: that one
  // waits until the core is drained. It may also stop us.
  verbs_.push_back (std::move (verb));
  if (busy_)
    return;
  busy_ = true;
  while (!verbs_.empty () && !stopped_) {
    const Verb next = std::move (verbs_.front ());
    verbs_.pop_front ();
    next (peer_, ControlLoop::now ());
    for (auto action = peer_.poll_action (); action && !stopped_;
         action = peer_.poll_action ())
      std::visit ([this] (const auto &one) { perform (one); }, *action);
  }
  busy_ = false;
  if (!stopped_)
    arm ();
}

void
Agent::arm ()
{
  auto next = peer_.next_timeout ();
  bool eager = state_ == core::PeerState::transient;
  bool watching = state_ == core::PeerState::source;
  for (const auto id : peer_.data_links ())
    if (const Link *link = find (id)) {
      watching = true;
      eager = eager || !link->data_told;
      if (link->asking.udp_until && !link->data_told)
        next = std::min (next, *link->asking.udp_until);
    }
  // From the last time on: a verb that comes meanwhile must not put it off.
  if (watching)
    next = std::min (next, measured_at_ + limits::measure_interval);
  if (eager && !awaits_packet_)
    await_packet ();
  next = std::min (next, poll_at_);
  ControlLoop::arm (timer_.get (), next);
  standby_.aim (
      settings_.standby ? peer_.standby () : std::optional<core::Contact> ());
}

// One that came before this call is found by the look that it leads to.
void
Agent::await_packet ()
{
  awaits_packet_ = true;
  poll_at_ = polled_at_ + limits::data_poll_interval_eager;
  data_path_->tell_of_packet ([weak = std::weak_ptr (alive_)] {
    ControlLoop::get ().post ([weak] {
      const auto agent = weak.lock ();
      if (!agent || !*agent || (*agent)->stopped_)
        return;
      (*agent)->awaits_packet_ = false;
      (*agent)->arm ();
    });
  });
}

void
Agent::on_timer ()
{
  poll_data ();
  turn_to_tcp ();
  measure_stream ();
  act ([] (core::Peer &peer, core::Instant now) { peer.handle_timeout (now); });
}

// Tells the core of signs of life on the data channel.
void
Agent::poll_data ()
{
  polled_at_ = ControlLoop::now ();
  poll_at_ = core::Instant::max ();
  const auto newest = data_path_->last_new_packet ();
  if (newest && subscribed_at_ && !first_packet_)
    first_packet_ =
        core::Instant (newest->time_since_epoch ()) - *subscribed_at_;
  for (const auto id : peer_.data_links ()) {
    Link *link = find (id);
    if (!link)
      continue;
    const auto seen = data_path_->last_seen (link->key ());
    if (!seen || seen == link->data_told)
      continue;
    if (!link->data_told)
      learn_from_first_packet (*link);
    link->data_told = seen;
    act ([id, came = core::Instant (seen->time_since_epoch ())] (
             core::Peer &peer, core::Instant now) {
      peer.data_seen (now, id, std::min (came, now));
    });
  }
}

void
Agent::measure_stream ()
{
  const auto now = ControlLoop::now ();
  if (now - measured_at_ < limits::measure_interval - limits::measure_early)
    return;
  const auto stats = data_path_->stats ();
  reception_.add (now, stats);
  act ([this] (core::Peer &peer, core::Instant then) {
    peer.set_reception (then, reception_.recent ());
  });
  measure_rate (now, stats.bytes_stream);
}

// With an upload bandwidth the capacity follows the rate of the stream:
// 90 % of the one by the other.
void
Agent::measure_rate (core::Instant now, std::uint64_t bytes)
{
  const double seconds =
      std::chrono::duration<double> (now - measured_at_).count ();
  const bool first = measured_at_ == core::Instant{};
  const double bps =
      8 * static_cast<double> (bytes - measured_bytes_) / seconds;
  measured_at_ = now;
  const bool silent = bytes == std::exchange (measured_bytes_, bytes);
  // A stream that pauses will need its rate again.
  if (first || silent)
    return;
  // Slowly: a capacity that follows every burst would redirect children for
  // nothing.
  stream_bps_ = stream_bps_ == 0 ? bps : 0.9 * stream_bps_ + 0.1 * bps;
  if (settings_.upload_bps > 0)
    apply_capacity ();
}

void
Agent::apply_capacity ()
{
  unsigned capacity = settings_.core.children_max;
  // No children wanted at all: no bandwidth changes that.
  if (capacity > 0 && settings_.upload_bps > 0 && stream_bps_ > 0) {
    const double fit = std::floor (
        static_cast<double> (settings_.upload_bps) * 0.9 / stream_bps_);
    capacity = static_cast<unsigned> (
        std::min<double> (fit, core::limits::children_max_max));
  }
  if (capacity != peer_.config ().children_max)
    act ([capacity] (core::Peer &peer, core::Instant now) {
      peer.set_children_max (now, capacity);
    });
}

// Actions.

void
Agent::perform (const action::Connect &action)
{
  connect (action.link, action.target);
}

void
Agent::perform (const action::Send &action)
{
  Link *link = find (action.link);
  if (!link)
    return;
  if (const auto *subscribe =
          std::get_if<core::message::Subscribe> (&action.message)) {
    ask (*link, *subscribe);
    return;
  }
  if (std::holds_alternative<core::message::Accept> (action.message) ||
      std::holds_alternative<core::message::Refuse> (action.message)) {
    give_verdict (*link, action.message);
    return;
  }
  const bool undecided =
      link->kind != Link::Kind::parent && !link->serving.verdict;
  if (std::holds_alternative<core::message::Redirect> (action.message) &&
      undecided) {
    give_verdict (*link, action.message);
    return;
  }
  if (link->kind == Link::Kind::player)
    return; // its answer would break the link (ffmpeg sends no CSeq)
  const auto *alive = std::get_if<core::message::Alive> (&action.message);
  if (alive && link->alive_told == *alive) {
    send_request (*link,
        rtsp::encode_alive_again (settings_.uri, link->session),
        Outstanding::Kind::other);
    return;
  }
  if (alive)
    link->alive_told = *alive;
  auto request =
      rtsp::encode_request (action.message, settings_.uri, link->session);
  if (request)
    send_request (*link, std::move (*request), Outstanding::Kind::other);
}

void
Agent::perform (const action::Close &action)
{
  if (Link *link = find (action.link))
    part_with (*link);
}

void
Agent::perform (const action::StartFeeding &action)
{
  if (Link *link = find (action.link)) {
    link->serving.may_feed = true;
    start_feeding_when_ready (*link);
  }
}

void
Agent::perform (const action::StopFeeding &action)
{
  Link *link = find (action.link);
  if (link)
    link->serving.may_feed = link->serving.playing = false;
  data_path_->stop_feeding (
      media::LinkKey{static_cast<std::uint64_t> (action.link)},
      link && link->kind == Link::Kind::player);
}

void
Agent::perform (const action::ReceiveFrom &action)
{
  Link *link = find (action.link);
  if (!link || !link->asking.setup || !link->connection)
    return;
  adopt_description (link->asking.description);
  if (stopped_) // from within the report of it
    return;
  const auto round_trip = link->asking.round_trip;
  receive (*link);
  tell_round_trip (action.link, round_trip);
}

void
Agent::tell_round_trip (core::LinkId id, core::Duration round_trip)
{
  act ([id, round_trip] (core::Peer &peer, core::Instant now) {
    peer.round_trip_seen (now, id, round_trip);
  });
}

void
Agent::perform (const action::Report &action)
{
  std::visit ([this] (const auto &what) { report (what); }, action.what);
}

void
Agent::perform (const action::Fail &action)
{
  events_.on_fail (
      action, action.reason == fault_.reason ? fault_.detail : std::string ());
}

void
Agent::report (const action::Report::State &what)
{
  const auto old = std::exchange (state_, what.state);
  const auto newest = data_path_->last_new_packet ();
  const auto now = std::chrono::steady_clock::now ();
  if (what.state == core::PeerState::transient)
    missing_since_ = newest.value_or (now);
  else if (what.state == core::PeerState::receiving && missing_since_) {
    const auto until = newest && *newest > *missing_since_ ? *newest : now;
    transience_last_ = until - *missing_since_;
    transience_max_ = std::max (transience_max_, transience_last_);
    transience_total_ += transience_last_;
    missing_since_.reset ();
  }
  GST_INFO ("%s: state %d -> %d", settings_.uri.path.c_str (),
      static_cast<int> (old), static_cast<int> (what.state));
  events_.on_state (old, what.state);
}

void
Agent::report (const action::Report::ParentChanged &what)
{
  ++parents_;
  if (!discover_)
    discover_ = what.discover;
  GST_INFO ("%s: parent %s, level %u", settings_.uri.path.c_str (),
      what.parent.address.c_str (), what.level);
  events_.on_parent_changed (what.parent, what.level);
}

void
Agent::report (const action::Report::ChildAdded &what)
{
  events_.on_child_added (what.child);
}

void
Agent::report (const action::Report::ChildRemoved &what)
{
  events_.on_child_removed (what.child, what.failed);
}

void
Agent::report (const action::Report::ReachChanged &what)
{
  GST_INFO ("%s: %s from %s", peer_.self ().address.c_str (),
      what.reachable == core::Reach::yes ? "can be reached"
                                         : "cannot be reached",
      what.parent.address.c_str ());
  events_.on_reach_changed (what.reachable, what.parent);
}

void
Agent::report (const action::Report::Ended &)
{
  events_.on_ended ();
}

void
Agent::report (const action::Report::Left &)
{
  // A second leave waits for nobody.
  if (std::exchange (left_, true) || farewell_.empty ())
    on_farewell_over ();
}

void
Agent::on_farewell_over ()
{
  if (std::exchange (left_, false))
    events_.on_left ();
}

NodeStats
Agent::stats () const
{
  NodeStats result;
  result.state = peer_.state ();
  result.self = peer_.self ();
  result.parent = peer_.parent ();
  result.level = peer_.level ();
  result.root_path = peer_.root_path ();
  result.subtree = peer_.subtree ();
  result.quality = peer_.quality ();
  result.reachable = peer_.reachable ();
  result.data = data_path_->stats ();
  result.standby = standby_.ready ();
  result.control_bytes_in = dropped_bytes_in_;
  result.control_bytes_out = dropped_bytes_out_;
  for (const auto &[id, link] : links_)
    if (link->connection) {
      result.control_bytes_in += link->connection->bytes_in ();
      result.control_bytes_out += link->connection->bytes_out ();
    }
  for (const auto &child : peer_.children ()) {
    NodeStats::Child one;
    one.info = child;
    const auto it = links_.find (child.link);
    if (it != links_.end ()) {
      one.round_trip = it->second->round_trip;
      one.is_over_tcp = is_over_tcp (it->second->serving.route);
      for (const auto &data : result.data.children)
        if (data.key == it->second->key ())
          one.data = data;
      if (child.plain_player && it->second->connection)
        one.info.contact.address =
            rtsp::join_host_port (it->second->connection->remote ().ip (),
                it->second->connection->remote ().port ());
    }
    result.children.push_back (std::move (one));
  }
  if (const auto id = peer_.parent_link ())
    if (const auto it = links_.find (*id);
        it != links_.end () && it->second->asking.setup)
      result.is_parent_over_tcp =
          it->second->asking.setup->transport.lower == rtsp::Lower::tcp;
  result.discover = discover_;
  result.first_packet = first_packet_;
  result.switches = parents_ > 0 ? parents_ - 1 : 0;
  result.transience_last = transience_last_;
  result.transience_max = transience_max_;
  result.transience_total = transience_total_;
  const core::Config &config = peer_.config ();
  result.path = config.path;
  result.add_policy = config.add_policy;
  result.second_add_policy = config.second_add_policy;
  result.delete_policy = config.delete_policy;
  result.port = listener_ ? listener_->port () : 0;
  return result;
}

} // namespace spreadit::agent
