// Who lives there, and the time.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cassert>
#include <ostream>
#include <utility>

#include "world_private.hpp"

namespace spreadit::simulation {

// Appended: g++ 12 sees ghosts in "n" + std::to_string ().
std::string
name_of (Place place)
{
  std::string name (1, 'n');
  name.append (std::to_string (place));
  return name;
}

World::World (std::uint64_t seed, Network network)
    : network_ (network), rng_ (seed), seed_ (seed)
{
}

World::~World () = default;

// People.

Place
World::add (Config config)
{
  const Place place = places_.size ();
  config.id = PeerId{0x5eed, place + 1};
  if (config.address == "")
    config.address = name_of (place) + ":1"; // as the wire code wants it
  else if (config.address == "nowhere")
    config.address.clear ();
  config.seed = rng_.next ();
  places_.push_back (std::make_unique<Inhabitant> (std::move (config)));
  return place;
}

Place
World::add_source (unsigned children_max)
{
  Config config;
  config.children_max = children_max;
  const Place place = add (config);
  at (place).become_source (now_);
  drain (place);
  set_stream_ready (place, true);
  return place;
}

Place
World::add_peer (unsigned children_max)
{
  Config config;
  config.children_max = children_max;
  const Place place = add (config);
  subscribe (place);
  return place;
}

void
World::subscribe (Place place, Place source)
{
  at (place).subscribe (now_, {{}, places_[source]->peer.config ().address});
  drain (place);
}

void
World::unsubscribe (Place place)
{
  at (place).unsubscribe (now_);
  drain (place);
}

void
World::end_stream (Place place)
{
  at (place).end_stream (now_);
  drain (place);
}

void
World::set_stream_ready (Place place, bool ready)
{
  at (place).set_stream_ready (now_, ready);
  drain (place);
}

void
World::redirect (Place child, Place target, RedirectScope scope)
{
  const auto link = at (child).parent_link ();
  Connection *connection = link ? find (child, *link) : nullptr;
  if (!connection || !connection->open_at_acceptor)
    return;
  if (trace)
    *trace << now_.time_since_epoch () / 1us << " us  n" << child
           << " is to go to n" << target << '\n';
  message::Redirect redirect{at (target).self (), scope};
  send_event (*connection, /* to_opener */ true,
      {{}, Event::Kind::message, true, false, 0, connection->index,
          std::make_shared<const Message> (std::move (redirect))});
}

Peer &
World::at (Place place)
{
  return places_.at (place)->peer;
}

bool
World::is_up (Place place) const
{
  return places_[place]->up;
}

Place
World::place_of (PeerId id) const
{
  return id.low == 0 ? nowhere : static_cast<Place> (id.low - 1);
}

Place
World::parent_of (Place place) const
{
  const auto parent = places_[place]->peer.parent ();
  return parent ? place_of (parent->id) : nowhere;
}

unsigned
World::fails (Place place) const
{
  return places_[place]->fails;
}

std::optional<action::Fail>
World::fail (Place place) const
{
  return places_[place]->fail;
}

unsigned
World::asks (Place place) const
{
  return places_[place]->asks;
}

bool
World::has_left (Place place) const
{
  return places_[place]->left;
}

bool
World::has_ended (Place place) const
{
  return places_[place]->ended;
}

bool
World::is_served (Place place) const
{
  for (std::size_t hops = 0; hops <= places_.size (); ++hops) {
    const Inhabitant &inhabitant = *places_[place];
    if (!inhabitant.up || inhabitant.frozen)
      return false;
    if (inhabitant.peer.state () == PeerState::source)
      return true;
    Place feeder = nowhere;
    for (const auto &[link, index] : inhabitant.links) {
      const Connection &connection = *connections_[index];
      if (connection.opener == place && connection.first_packet_came &&
          flows (connection))
        feeder = connection.acceptor;
    }
    if (feeder == nowhere)
      return false;
    place = feeder;
  }
  return false; // in a circle
}

// Time.

void
World::schedule (Instant at, Event event)
{
  event.at = at;
  queue_.push (at, std::move (event));
}

void
World::run_for (Duration duration)
{
  run_until ([] { return false; }, duration);
}

bool
World::run_until (const std::function<bool ()> &until, Duration limit)
{
  const Instant end = now_ + limit;
  while (!until ()) {
    if (queue_.empty () || queue_.next_at () > end) {
      now_ = end;
      return until ();
    }
    const Event event = queue_.pop ().payload;
    assert (event.at >= now_);
    now_ = event.at;
    ++events_;
    dispatch (event);
  }
  return true;
}

void
World::dispatch (const Event &event)
{
  if (event.kind == Event::Kind::timer)
    return on_timer (event.place);
  if (event.kind == Event::Kind::dialed)
    return on_dialed (event);
  Connection &connection = *connections_[event.connection];
  const Place place = event.to_opener ? connection.opener : connection.acceptor;
  Inhabitant &inhabitant = *places_[place];
  if (!inhabitant.up)
    return;
  if (inhabitant.frozen) {
    inhabitant.backlog.push_back (event);
    return;
  }
  if (event.kind == Event::Kind::packet)
    return on_packet (connection);
  const bool open =
      event.to_opener ? connection.open_at_opener : connection.open_at_acceptor;
  if (open)
    deliver (event);
}

void
World::deliver (const Event &event)
{
  Connection &connection = *connections_[event.connection];
  const Place place = event.to_opener ? connection.opener : connection.acceptor;
  const LinkId link =
      event.to_opener ? connection.opener_link : connection.acceptor_link;
  note ((place << 8) ^ static_cast<std::uint64_t> (event.kind));
  Peer &peer = places_[place]->peer;
  switch (event.kind) {
  case Event::Kind::connected:
    if (!event.refused) {
      peer.link_opened (now_, link);
      break;
    }
    [[fallthrough]];
  case Event::Kind::closed:
    note_flow (connection);
    (event.to_opener ? connection.open_at_opener
                     : connection.open_at_acceptor) = false;
    note_flow (connection);
    std::erase_if (places_[place]->links,
        [&] (const auto &entry) { return entry.second == event.connection; });
    peer.link_closed (now_, link);
    break;
  default:
    note (event.message->index ());
    peer.handle_message (now_, link, *event.message);
  }
  drain (place);
}

void
World::on_timer (Place place)
{
  Inhabitant &inhabitant = *places_[place];
  if (inhabitant.timer_at > now_ || !inhabitant.up || inhabitant.frozen)
    return; // an old one
  inhabitant.timer_at = Instant::max ();
  Peer &peer = inhabitant.peer;
  if (peer.next_timeout () <= now_) {
    note_flows_of (place);
    note (place);
    peer.handle_timeout (now_);
    if (peer.next_timeout () <= now_)
      blame ("no progress after handle_timeout at " + std::to_string (place));
  }
  drain (place);
}

void
World::arm (Place place)
{
  Inhabitant &inhabitant = *places_[place];
  const Instant due = std::max (inhabitant.peer.next_timeout (), now_);
  if (due >= inhabitant.timer_at || due == Instant::max ())
    return;
  inhabitant.timer_at = due;
  schedule (due, {{}, Event::Kind::timer, false, false, place, 0, nullptr});
}

} // namespace spreadit::simulation
