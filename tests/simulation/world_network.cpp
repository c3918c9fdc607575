// Connections, what passes on them, and what goes wrong with them.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <ostream>
#include <utility>

#include "world_private.hpp"

namespace spreadit::simulation {

// Actions.

void
World::drain (Place place)
{
  Inhabitant &inhabitant = *places_[place];
  while (auto action = inhabitant.peer.poll_action ()) {
    note (action->index ());
    std::visit ([&] (const auto &act) { perform (place, act); }, *action);
  }
  arm (place);
  aim (place);
  check (place);
}

World::Connection *
World::find (Place place, LinkId link)
{
  for (const auto &[known, index] : places_[place]->links)
    if (known == link)
      return connections_[index].get ();
  return nullptr;
}

Duration
World::quietest_delay (Place a, Place b) const
{
  Rng pair (seed_ ^ (std::min (a, b) << 20) ^ std::max (a, b));
  pair.next ();
  const auto spread = network_.delay_max - network_.delay_min;
  Duration delay = network_.delay_min;
  if (spread > Duration::zero ())
    delay +=
        Duration (pair.below (static_cast<std::uint64_t> (spread.count ())));
  return delay;
}

Duration
World::delay (Place a, Place b)
{
  Duration delay = quietest_delay (a, b);
  if (network_.jitter_max > Duration::zero ())
    delay += Duration (
        rng_.below (static_cast<std::uint64_t> (network_.jitter_max.count ())));
  return delay;
}

Instant
World::arrival (Connection &connection, bool to_opener)
{
  Instant &last =
      to_opener ? connection.last_to_opener : connection.last_to_acceptor;
  last = std::max (last, now_ + delay (connection.opener, connection.acceptor));
  return last;
}

bool
World::passes (const Connection &connection, bool to_opener) const
{
  return !(to_opener ? connection.cut_to_opener : connection.cut_to_acceptor) &&
         (places_[connection.opener]->island &
             places_[connection.acceptor]->island) != 0;
}

// Like TCP: in order, or not at all any more.
void
World::send_event (Connection &connection, bool to_opener, Event event)
{
  if (!passes (connection, to_opener)) {
    (to_opener ? connection.cut_to_opener : connection.cut_to_acceptor) = true;
    return;
  }
  schedule (arrival (connection, to_opener), std::move (event));
}

// The agent's standby link: to whom an orphan would ask first.
void
World::aim (Place place)
{
  if (!has_standby_)
    return;
  Inhabitant &inhabitant = *places_[place];
  const auto contact = inhabitant.peer.standby ();
  const std::string address = contact ? contact->address : "";
  if (std::exchange (inhabitant.standby, address) == address)
    return;
  const Place target = at_address (address);
  const bool comes_about = target != nowhere && is_up (target) &&
                           !places_[target]->walled &&
                           (inhabitant.island & places_[target]->island) != 0;
  inhabitant.standby_ready =
      comes_about ? now_ + 4 * quietest_delay (place, target) : Instant::max ();
}

// Whether that is what it wants to connect to now. Of one that went meanwhile
// half of them know.
bool
World::takes_standby (Place place, Place target)
{
  Inhabitant &inhabitant = *places_[place];
  if (target == nowhere || inhabitant.standby.empty () ||
      inhabitant.standby != places_[target]->peer.config ().address)
    return false;
  const bool is_ready = now_ >= inhabitant.standby_ready;
  inhabitant.standby.clear (); // it makes another one
  if (!is_ready || (!is_up (target) && place % 2 == 0))
    return false;
  ++connects_by_standby_;
  return true;
}

void
World::perform (Place place, const action::Connect &connect)
{
  if (trace)
    *trace << now_.time_since_epoch () / 1us << " us  n" << place
           << " connects to " << connect.target.address << '\n';
  const Place target = at_address (connect.target.address);
  if (target == place)
    blame ("connects to itself: " + std::to_string (place));
  const auto index = static_cast<ConnectionIndex> (connections_.size ());
  auto made = std::make_unique<Connection> ();
  Connection &connection = *made;
  connections_.push_back (std::move (made));
  connection.index = index;
  connection.opener = place;
  connection.acceptor = target == nowhere ? place : target;
  connection.opener_link = connect.link;
  places_[place]->links.push_back ({connect.link, index});

  Event event{{}, Event::Kind::connected, true, false, 0, index, nullptr};
  const bool walled = target != nowhere && places_[target]->walled;
  connects_to_walls_ += walled ? 1 : 0;
  if (target == nowhere || !is_up (target) || walled) {
    connection.open_at_acceptor = false;
    event.refused = true;
  } else {
    Inhabitant &host = *places_[target];
    connection.acceptor_link = LinkId{incoming_link | host.incoming++};
    host.links.push_back ({connection.acceptor_link, index});
  }
  if (takes_standby (place, target)) {
    event.refused = false; // a half-open one tells nothing
    if (!is_up (target) || !passes (connection, false) ||
        !passes (connection, true))
      connection.cut_to_acceptor = connection.cut_to_opener = true;
    connection.last_to_opener = now_;
    return schedule (now_, std::move (event));
  }
  const Instant there = arrival (connection, false);
  const bool swallowed = walled && target % 2 == 0;
  if (swallowed || !passes (connection, false) || !passes (connection, true)) {
    connection.cut_to_acceptor = connection.cut_to_opener = true;
    return; // no answer, ever
  }
  connection.last_to_opener =
      there + (there - now_); // the handshake takes a round trip
  schedule (connection.last_to_opener, std::move (event));
}

Place
World::at_address (const std::string &address) const
{
  Place found = nowhere;
  for (Place place = 0; place < places_.size (); ++place)
    if (places_[place]->peer.config ().address == address)
      found = place;
  return found;
}

// As long as a newcomer would wait for a connection.
constexpr Duration dial_max = limits::connect_max;

void
World::perform (Place place, const action::DialBack &dial)
{
  const Place target = at_address (dial.peer.address);
  const bool is_there = target != nowhere && is_up (target) &&
                        !places_[target]->frozen &&
                        (places_[place]->island & places_[target]->island) != 0;
  const bool walled = is_there && places_[target]->walled;
  if (trace)
    *trace << now_.time_since_epoch () / 1us << " us  n" << place
           << " dials back to " << dial.peer.address << '\n';
  const auto index = static_cast<ConnectionIndex> (dials_.size ());
  dials_.push_back (
      {dial.link, dial.peer.address, target, is_there && !walled});
  // To connect, and to ask; a wall refuses half of them at once.
  Duration takes = dial_max;
  if (is_there && !walled)
    takes = std::min (4 * quietest_delay (place, target), dial_max);
  else if (walled && target % 2 != 0)
    takes = 2 * quietest_delay (place, target);
  schedule (now_ + takes,
      {{}, Event::Kind::dialed, false, false, place, index, nullptr});
}

void
World::on_dialed (const Event &event)
{
  Inhabitant &inhabitant = *places_[event.place];
  if (!inhabitant.up)
    return;
  if (inhabitant.frozen) {
    inhabitant.backlog.push_back (event);
    return;
  }
  const Dial dial = dials_[event.connection];
  const bool answers = dial.passes && is_up (dial.target) &&
                       !places_[dial.target]->frozen &&
                       (inhabitant.island & places_[dial.target]->island) != 0;
  note (event.place ^ (answers ? 0xd1a1 : 0xd1a0));
  inhabitant.peer.dialed_back (
      now_, dial.link, dial.address, answers ? Reach::yes : Reach::no);
  drain (event.place);
}

void
World::perform (Place place, const action::Send &send)
{
  Connection *connection = find (place, send.link);
  if (!connection)
    return blame ("sends on a closed link: " + std::to_string (place));
  const bool to_opener = connection->opener != place;
  const Place to = to_opener ? connection->opener : connection->acceptor;
  if (std::holds_alternative<message::Subscribe> (send.message))
    ++places_[place]->asks;
  if (const auto *redirect = std::get_if<message::Redirect> (&send.message))
    check_offer (place, *redirect);
  Message message = send.message;
  if (trace)
    *trace << now_.time_since_epoch () / 1us << " us  n" << place << " -> n"
           << to << "  " << describe (message) << '\n';
  if (tamper && !tamper (place, to, message))
    return;
  if (loss_ > 0 &&
      static_cast<double> (rng_.below (1'000'000)) < loss_ * 1'000'000)
    return;
  note (message.index ());
  send_event (*connection, to_opener,
      {{}, Event::Kind::message, to_opener, false, 0, connection->index,
          std::make_shared<const Message> (std::move (message))});
}

void
World::perform (Place place, const action::Close &close)
{
  Connection *connection = find (place, close.link);
  if (!connection)
    return blame ("closes a closed link: " + std::to_string (place));
  note_flow (*connection);
  const bool opener = connection->opener == place;
  (opener ? connection->open_at_opener : connection->open_at_acceptor) = false;
  note_flow (*connection);
  std::erase_if (places_[place]->links,
      [&] (const auto &entry) { return entry.first == close.link; });
  send_event (*connection, !opener,
      {{}, Event::Kind::closed, !opener, false, 0, connection->index, nullptr});
}

void
World::perform (Place place, const action::StartFeeding &start)
{
  if (Connection *connection = find (place, start.link)) {
    connection->feeding = true;
    note_flow (*connection);
  } else
    blame ("feeds a closed link: " + std::to_string (place));
}

void
World::perform (Place place, const action::StopFeeding &stop)
{
  if (Connection *connection = find (place, stop.link)) {
    note_flow (*connection);
    connection->feeding = false;
    note_flow (*connection);
  }
}

void
World::perform (Place place, const action::ReceiveFrom &receive)
{
  if (Connection *connection = find (place, receive.link)) {
    connection->receiving = true;
    note_flow (*connection);
    places_[place]->peer.round_trip_seen (now_, receive.link,
        2 * quietest_delay (place, connection->acceptor));
  } else
    blame ("receives from a closed link: " + std::to_string (place));
}

void
World::perform (Place place, const action::Report &report)
{
  Inhabitant &inhabitant = *places_[place];
  note (report.what.index ());
  if (std::holds_alternative<action::Report::Left> (report.what)) {
    inhabitant.left = true;
    if (!inhabitant.peer.children ().empty () || inhabitant.peer.parent ())
      blame ("left with open links: " + std::to_string (place));
  }
  if (std::holds_alternative<action::Report::Ended> (report.what))
    inhabitant.ended = true;
  if (trace)
    *trace << now_.time_since_epoch () / 1us << " us  n" << place << " reports "
           << report.what.index () << " state "
           << static_cast<int> (inhabitant.peer.state ()) << '\n';
}

void
World::perform (Place place, const action::Fail &fail)
{
  const bool in_vain =
      fail.reason == FailReason::no_room && somebody_has_room ();
  if (trace)
    *trace << now_.time_since_epoch () / 1us << " us  n" << place << " FAILS "
           << static_cast<int> (fail.reason) << " after " << fail.tries
           << (in_vain ? ", with room somewhere\n" : "\n");
  failed_with_room_ += in_vain ? 1 : 0;
  places_[place]->fail = fail;
  if (++places_[place]->fails > 1)
    blame ("fails twice: " + std::to_string (place));
}

// Data. Packets are not events: a link flows or it does not, and who receives
// is told so just before it looks at its clock, as peer.hpp allows.

bool
World::flows (const Connection &connection) const
{
  const Inhabitant &opener = *places_[connection.opener];
  const Inhabitant &acceptor = *places_[connection.acceptor];
  return connection.feeding && connection.receiving &&
         connection.open_at_opener && connection.open_at_acceptor &&
         opener.up && acceptor.up && !opener.frozen && !acceptor.frozen &&
         passes (connection, /* to_opener */ true);
}

void
World::note_flow (Connection &connection)
{
  const bool flowing = flows (connection);
  const bool flowed = std::exchange (connection.flowing, flowing);
  if (flowing && !flowed) {
    // At worst the parent has just sent its packet for the idle.
    const auto idle =
        static_cast<std::uint64_t> (Duration (limits::data_idle).count ());
    const Duration way = delay (connection.opener, connection.acceptor);
    schedule (now_ + way + Duration (rng_.below (idle)),
        {{}, Event::Kind::packet, true, false, 0, connection.index, nullptr});
  }
  const Inhabitant &opener = *places_[connection.opener];
  if (flowed && connection.first_packet_came && opener.up && !opener.frozen &&
      connection.open_at_opener)
    places_[connection.opener]->peer.data_seen (
        now_, connection.opener_link, now_);
  if (!flowing)
    connection.first_packet_came = false;
}

void
World::note_flows_of (Place place)
{
  for (const auto &[link, index] : places_[place]->links)
    note_flow (*connections_[index]);
}

void
World::on_packet (Connection &connection)
{
  if (!flows (connection))
    return;
  connection.first_packet_came = true;
  const Place place = connection.opener;
  note (place ^ 0xda7a);
  places_[place]->peer.data_seen (now_, connection.opener_link, now_);
  drain (place);
}

// Trouble.

void
World::kill (Place place)
{
  note_flows_of (place);
  hang_up_all (place, /* tell */ true);
}

void
World::power_off (Place place)
{
  note_flows_of (place);
  hang_up_all (place, /* tell */ false);
}

void
World::hang_up_all (Place place, bool tell)
{
  places_[place]->up = false;
  note (place ^ 0xdead);
  for (const auto &[link, index] : std::exchange (places_[place]->links, {})) {
    Connection &connection = *connections_[index];
    const bool opener = connection.opener == place;
    (opener ? connection.open_at_opener : connection.open_at_acceptor) = false;
    note_flow (connection);
    if (tell)
      send_event (connection, !opener,
          {{}, Event::Kind::closed, !opener, false, 0, index, nullptr});
  }
}

void
World::freeze (Place place)
{
  note_flows_of (place);
  places_[place]->frozen = true;
  note_flows_of (place);
}

void
World::thaw (Place place)
{
  if (!places_[place]->frozen)
    return;
  places_[place]->frozen = false;
  for (Event &event : std::exchange (places_[place]->backlog, {}))
    schedule (now_, std::move (event));
  note_flows_of (place);
  places_[place]->timer_at = Instant::max ();
  if (is_up (place))
    arm (place);
}

void
World::cut (Place a, Place b, Cut way)
{
  for (const auto &connection : connections_) {
    const bool forth = connection->opener == a && connection->acceptor == b;
    const bool back = connection->opener == b && connection->acceptor == a;
    if (!forth && !back)
      continue;
    note_flow (*connection);
    if (way != Cut::to_opener)
      connection->cut_to_acceptor = true;
    if (way != Cut::to_acceptor)
      connection->cut_to_opener = true;
    note_flow (*connection);
  }
}

void
World::cut_any ()
{
  std::vector<Connection *> open;
  for (const auto &connection : connections_)
    if (connection->open_at_opener && connection->open_at_acceptor)
      open.push_back (connection.get ());
  if (open.empty ())
    return;
  Connection &connection = *open[rng_.below (open.size ())];
  note_flow (connection);
  const auto way = rng_.below (3);
  connection.cut_to_acceptor = connection.cut_to_acceptor || way != 0;
  connection.cut_to_opener = connection.cut_to_opener || way != 1;
  note_flow (connection);
}

void
World::set_island (Place place, unsigned island)
{
  note_flows_of (place);
  places_[place]->island = island;
  note_flows_of (place);
}

void
World::set_walled (Place place, bool walled)
{
  places_[place]->walled = walled;
}

void
World::heal ()
{
  loss_ = 0;
  for (Place place = 0; place < places_.size (); ++place) {
    set_island (place, 1);
    thaw (place);
  }
}

} // namespace spreadit::simulation
