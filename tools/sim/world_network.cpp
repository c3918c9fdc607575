// Connections, and the stream that flows beside them.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cmath>
#include <utility>

#include "sim/repair_model.hpp"
#include "sim/wire_size.hpp"
#include "sim/world_private.hpp"

namespace spreadit::sim {

using namespace core;

namespace {

constexpr Instant forever = Instant{} + 100'000h;
// RFC 6298: no less than this after the round trip (Linux), and a second for
// a SYN, doubled each time.
constexpr Duration retransmit_min = 200ms;
constexpr Duration syn_retransmit = 1s;
constexpr unsigned retransmits_max = 6;

} // namespace

World::Index
World::open_connection ()
{
  Index index = 0;
  if (free_connections_.empty ()) {
    index = static_cast<Index> (connections_.size ());
    connections_.emplace_back ();
  } else {
    index = free_connections_.back ();
    free_connections_.pop_back ();
  }
  const std::uint32_t generation = connections_[index].generation;
  connections_[index] = Connection{};
  connections_[index].generation = (generation + 1) & 0x7fffffffu;
  return index;
}

// Events that are still on their way find another generation.
void
World::release (Index index)
{
  connections_[index].generation =
      (connections_[index].generation + 1) & 0x7fffffffu;
  free_connections_.push_back (index);
}

LinkId
World::link_of (Index index, bool of_opener) const
{
  const Connection &connection = connections_[index];
  if (of_opener)
    return connection.opener_link;
  return LinkId{
      incoming_link | (std::uint64_t{connection.generation} << 32) | index};
}

World::Index
World::find (Place place, LinkId link) const
{
  const auto raw = static_cast<std::uint64_t> (link);
  if (raw & incoming_link) {
    const auto index = static_cast<Index> (raw);
    const auto generation =
        static_cast<std::uint32_t> ((raw & ~incoming_link) >> 32);
    const Connection &connection = connections_[index];
    return connection.generation == generation && connection.open_at_acceptor
               ? index
               : none;
  }
  for (Index index = hosts_[place].opened; index != none;
       index = connections_[index].next_opened)
    if (connections_[index].opener_link == link)
      return index;
  return none;
}

// One side hangs up, or is no more.
void
World::end (Index index, bool of_opener)
{
  Connection &connection = connections_[index];
  count_beats (index);
  said_.erase ({index, of_opener});
  (of_opener ? connection.open_at_opener : connection.open_at_acceptor) = false;
  if (of_opener) {
    auto &first = connection.previous_opened == none
                      ? hosts_[connection.opener].opened
                      : connections_[connection.previous_opened].next_opened;
    first = connection.next_opened;
    if (connection.next_opened != none)
      connections_[connection.next_opened].previous_opened =
          connection.previous_opened;
  } else {
    auto &first =
        connection.previous_accepted == none
            ? hosts_[connection.acceptor].accepted
            : connections_[connection.previous_accepted].next_accepted;
    first = connection.next_accepted;
    if (connection.next_accepted != none)
      connections_[connection.next_accepted].previous_accepted =
          connection.previous_accepted;
    if (std::exchange (connection.feeding, false))
      --hosts_[connection.acceptor].feeding;
  }
  note_flow (index);
}

bool
World::is_said_again (Index index, bool to_opener, const core::Message &message)
{
  const auto *alive = std::get_if<message::Alive> (&message);
  if (!scenario_.idle_beats || !alive)
    return false; // what is sent then has news
  const auto [it, is_first] = said_.try_emplace ({index, !to_opener}, *alive);
  if (!is_first && it->second == *alive)
    return true;
  it->second = *alive;
  return false;
}

// Idle ones were not sent, but they would have been: the first in full.
void
World::count_beats (Index index)
{
  Connection &connection = connections_[index];
  if (scenario_.idle_beats || connection.session_since == Instant::max ())
    return;
  const auto beats = static_cast<std::uint64_t> (
      (now_ - connection.session_since) / scenario_.alive_interval);
  connection.session_since = Instant::max ();
  const Host &child = hosts_[connection.opener];
  message::Alive up, down;
  if (child.peer && !child.peer->root_path ().empty ())
    down.root_path = child.peer->root_path ().above ();
  down.standby.resize (limits::standby_max / 2);
  if (beats > 0)
    count_bytes (
        wire_size (up) + wire_size (down) + (beats - 1) * 2 * alive_again_size);
  measures_.control_messages += 2 * beats;
}

Duration
World::one_way (Place from, Place to) const
{
  const auto site = [&] (Place place) {
    return place == 0 ? Site{0} : audience_[place - 1].site;
  };
  const auto access = [&] (Place place) {
    return place == 0 ? 0u : audience_[place - 1].access_us;
  };
  return scenario_.geography->one_way (site (from), site (to)) +
         std::chrono::microseconds (access (from) + access (to));
}

// How full its access link is; 0 if that is not known.
double
World::uplink_share (Place place) const
{
  const std::uint64_t uplink = place == 0 ? scenario_.source_uplink_bps
                                          : audience_[place - 1].uplink_bps;
  if (uplink == 0)
    return 0;
  return static_cast<double> (hosts_[place].feeding) *
         static_cast<double> (scenario_.stream_bps) /
         static_cast<double> (uplink);
}

// An overloaded link's buffer is always full. Otherwise a frame waits for, on
// average, half of its copies.
Duration
World::queueing (Place place) const
{
  const double share = uplink_share (place);
  if (share > 1)
    return scenario_.queue;
  return Duration (std::llround (share / 2 / scenario_.frames_per_s * 1e9));
}

// How long it takes, sent as often as it has to be. What is drawn depends on
// who sends when, and not on what was drawn before, so one message more or less
// changes nothing else.
Duration
World::transit (Place from, Place to, Instant at, bool is_handshake) const
{
  const Duration way = one_way (from, to);
  Duration delay = way;
  if (hosts_[from].feeding > 0)
    delay += queueing (from);
  Rng rng (scenario_.seed ^ (std::uint64_t{from} << 40) ^
           (std::uint64_t{to} << 20) ^
           static_cast<std::uint64_t> (at.time_since_epoch ().count ()));
  if (scenario_.jitter > Duration::zero ()) {
    rng.next ();
    delay += Duration (
        rng.below (static_cast<std::uint64_t> (scenario_.jitter.count ())));
  }
  const double share = uplink_share (from);
  const double loss =
      share > 1 ? 1 - (1 - scenario_.loss) / share : scenario_.loss;
  if (loss > 0) {
    Duration wait = is_handshake ? syn_retransmit : retransmit_min + 2 * way;
    for (unsigned i = 0; i < retransmits_max && uniform (rng) < loss; ++i) {
      delay += wait;
      wait *= 2;
    }
  }
  return delay;
}

// A connection of its own, and OPTIONS on it. Who is gone does not come back,
// so trying again does not help.
Instant
World::answered_at (Place place, Place target) const
{
  if (!hosts_[target].up)
    return Instant::max ();
  Instant at = now_ + transit (place, target, now_, /* is_handshake */ true);
  at += one_way (target, place);
  at += transit (place, target, at, /* is_handshake */ false);
  return at + transit (target, place, at, /* is_handshake */ false);
}

// When what is sent now arrives: in order.
Instant
World::arrival (Index index, bool to_opener, bool is_handshake)
{
  Connection &connection = connections_[index];
  const Place from = to_opener ? connection.acceptor : connection.opener;
  const Place to = to_opener ? connection.opener : connection.acceptor;
  Instant &last =
      to_opener ? connection.last_to_opener : connection.last_to_acceptor;
  last = std::max (last, now_ + transit (from, to, now_, is_handshake));
  return last;
}

// What arrives.

void
World::deliver (Index index, bool to_opener, const Event &event)
{
  Message message;
  if (event.kind == Event::Kind::message) {
    message = std::move (messages_[event.message]);
    messages_[event.message] = message::Ended{}; // holds no memory
    free_messages_.push_back (event.message);
  }
  Connection &connection = connections_[index];
  if (connection.generation != event.generation ||
      !(to_opener ? connection.open_at_opener : connection.open_at_acceptor))
    return;
  const Place place = to_opener ? connection.opener : connection.acceptor;
  Peer &peer = *hosts_[place].peer;
  const LinkId link = link_of (index, to_opener);
  switch (event.kind) {
  case Event::Kind::connected:
    peer.link_opened (now_, link);
    break;
  case Event::Kind::refused:
    return on_refused (index);
  case Event::Kind::closed:
    if (to_opener && connection.by_standby && !hosts_[connection.acceptor].up)
      return connect_in_vain (index);
    end (index, to_opener);
    if (!connections_[index].open_at_opener &&
        !connections_[index].open_at_acceptor)
      release (index);
    peer.link_closed (now_, link);
    break;
  case Event::Kind::message:
    if (place == 0 && std::holds_alternative<message::Subscribe> (message)) {
      ++measures_.source_requests;
      ++since_.source_requests;
      const auto second = static_cast<std::uint64_t> (
          now_.time_since_epoch () / std::chrono::seconds (1));
      for (; request_second_ < second; ++request_second_)
        measures_.source_requests_per_s.add (
            static_cast<double> (std::exchange (requests_this_second_, 0)));
      ++requests_this_second_;
    }
    if (to_opener)
      connection.by_standby = false;
    peer.handle_message (now_, link, message);
    break;
  case Event::Kind::packet:
    return on_packet (index);
  case Event::Kind::dry:
    if (connection.flowing)
      return;
    connection.arrives = false;
    peer.data_seen (now_, link, now_);
    note_fed (place);
    break;
  case Event::Kind::heard:
    if (!connection.open_at_opener)
      break; // its last word was another
    peer.message_seen (now_, link, now_);
    drain (place);
    peer.message_seen (now_, link, forever);
    break;
  case Event::Kind::silent:
    if (!scenario_.idle_beats)
      peer.message_seen (now_, link,
          to_opener ? connection.last_to_opener : connection.last_to_acceptor);
    break;
  default:
    return;
  }
  drain (place);
}

void
World::on_refused (Index index)
{
  const Place place = connections_[index].opener;
  const LinkId link = link_of (index, true);
  end (index, true);
  release (index);
  hosts_[place].peer->link_closed (now_, link);
  drain (place);
}

void
World::on_packet (Index index)
{
  Connection &connection = connections_[index];
  if (!connection.flowing)
    return;
  connection.arrives = true;
  const Place place = connection.opener;
  hosts_[place].peer->data_seen (now_, connection.opener_link, forever);
  note_fed (place);
  drain (place);
}

// The stream.

bool
World::flows (const Connection &connection) const
{
  return connection.feeding && connection.receiving &&
         connection.open_at_opener && connection.open_at_acceptor;
}

// After whatever lets it flow or not.
void
World::note_flow (Index index)
{
  Connection &connection = connections_[index];
  const bool flowing = flows (connection);
  if (std::exchange (connection.flowing, flowing) == flowing) {
    return;
  }
  // What is sent with the answer comes with it: the stream from the last key
  // frame on, or what was missed.
  if (flowing)
    return schedule (now_, Event::Kind::packet, index, true);
  if (connection.open_at_opener) {
    const Duration way = one_way (connection.acceptor, connection.opener) +
                         queueing (connection.acceptor);
    return schedule (now_ + way, Event::Kind::dry, index, true);
  }
  connection.arrives = false;
  if (hosts_[connection.opener].up)
    note_fed (connection.opener);
}

// Packets reach a peer if they reach one that sends to it.
void
World::note_fed (Place place)
{
  stack_.push_back (place);
  while (!stack_.empty ()) {
    const Place next = stack_.back ();
    stack_.pop_back ();
    Host &host = hosts_[next];
    bool fed = next == 0;
    for (Index index = host.opened; index != none && !fed;
         index = connections_[index].next_opened)
      fed = connections_[index].arrives &&
            hosts_[connections_[index].acceptor].fed;
    if (!host.up || fed == host.fed)
      continue;
    feed_changed (next, fed);
    for (Index index = host.accepted; index != none;
         index = connections_[index].next_accepted)
      if (connections_[index].arrives)
        stack_.push_back (connections_[index].opener);
  }
}

void
World::feed_changed (Place place, bool fed)
{
  Host &host = hosts_[place];
  host.fed = fed;
  note (place ^ (fed ? 0xfedu : 0xd27u));
  if (!fed) {
    --fed_;
    host.gap_since = now_;
    return;
  }
  ++fed_;
  if (!std::exchange (host.was_fed, true)) {
    const Duration since = now_ - std::exchange (host.since, now_);
    const double wait =
        std::chrono::duration<double, std::milli> (since).count ();
    measures_.first_packet_ms.add (wait);
    first_packets_since_.add (wait);
    return;
  }
  // As live: from the last packet on, which came half a frame before on
  // average.
  const Duration half_frame (std::llround (0.5e9 / scenario_.frames_per_s));
  const Duration gap =
      now_ - std::exchange (host.gap_since, Instant::max ()) + half_frame;
  const double gap_ms =
      std::chrono::duration<double, std::milli> (gap).count ();
  measures_.transience_ms.add (gap_ms);
  transiences_since_.add (gap_ms);
  const Duration missed =
      scenario_.resume ? std::max (gap - scenario_.ring, Duration::zero ())
                       : gap;
  measures_.seconds_missed += std::chrono::duration<double> (missed).count ();
}

// The tree at this moment, from the source down.

namespace {

// The height of the lowest tree that these capacities allow: the widest first.
unsigned
least_height (std::vector<std::uint32_t> capacities, std::uint64_t slots)
{
  std::sort (capacities.rbegin (), capacities.rend ());
  unsigned height = 0;
  std::size_t placed = 0;
  while (placed < capacities.size () && slots > 0) {
    ++height;
    std::uint64_t below = 0;
    for (; slots > 0 && placed < capacities.size (); --slots)
      below += capacities[placed++];
    slots = below;
  }
  return height;
}

} // namespace

void
World::take_point ()
{
  struct Visit {
    std::uint32_t place;
    unsigned level;
    Duration delay;
    double delivered; // share of packets
    RepairModel::Lateness late;
  };
  Point point = std::exchange (since_, {});
  point.second =
      std::chrono::duration<double> (now_.time_since_epoch ()).count ();
  point.present = present_;
  point.fed = fed_;
  point.first_packet_p95_ms = first_packets_since_.quantile (0.95);
  point.transience_p95_ms = transiences_since_.quantile (0.95);
  first_packets_since_ = {};
  transiences_since_ = {};

  const RepairModel repair (scenario_);
  Sample levels, delays;
  std::vector<std::uint64_t> peers_at_level;
  std::vector<std::uint32_t> capacities;
  double losses = 0;
  std::vector<Visit> open;
  open.push_back ({0, 0, {}, 1, RepairModel::in_time ()});
  while (!open.empty ()) {
    const Visit visit = open.back ();
    open.pop_back ();
    if (visit.place != 0) {
      levels.add (visit.level);
      if (peers_at_level.size () < visit.level)
        peers_at_level.resize (visit.level);
      ++peers_at_level[visit.level - 1];
      delays.add (
          std::chrono::duration<double, std::milli> (visit.delay).count ());
      capacities.push_back (audience_[visit.place - 1].children_max);
      losses += 1 - visit.delivered;
      link_losses_ += 1 - visit.delivered;
      if (visit.delay <= scenario_.deadline)
        on_times_ +=
            repair.within (visit.late, scenario_.deadline - visit.delay);
      ++peer_points_;
    }
    const double share = uplink_share (visit.place);
    const double through = share > 1 ? 1 / share : 1;
    const Duration queueing_here = queueing (visit.place);
    for (Index index = hosts_[visit.place].accepted; index != none;
         index = connections_[index].next_accepted) {
      const Connection &connection = connections_[index];
      if (!connection.arrives || !connection.flowing ||
          !hosts_[connection.opener].fed)
        continue;
      const Duration way = one_way (visit.place, connection.opener);
      sent_again_ += repair.sent_again (way);
      feedback_ += repair.feedback (visit.late, way);
      open.push_back ({connection.opener, visit.level + 1,
          visit.delay + way + queueing_here + scenario_.hop,
          visit.delivered * (1 - repair.lost (way)) * through,
          repair.further (visit.late, way, through)});
    }
  }
  point.level_mean = levels.mean ();
  point.height = static_cast<unsigned> (levels.max ());
  const unsigned least =
      least_height (std::move (capacities), scenario_.source_children);
  point.balance =
      point.height > 0 ? static_cast<double> (least) / point.height : 1;
  point.delay_p50_ms = delays.quantile (0.5);
  point.delay_p95_ms = delays.quantile (0.95);
  if (levels.count () > 0)
    point.loss_links = losses / static_cast<double> (levels.count ());
  measures_.level = std::move (levels);
  measures_.peers_at_level = std::move (peers_at_level);
  measures_.delay_ms = std::move (delays);
  measures_.points.push_back (point);
}

} // namespace spreadit::sim
