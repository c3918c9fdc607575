// Who comes and goes, and the time.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>
#include <utility>

#include "sim/wire_size.hpp"
#include "sim/world_private.hpp"

namespace spreadit::sim {

using namespace core;

namespace {

// Until further notice.
constexpr Instant forever = Instant{} + 100'000h;

} // namespace

// As "host:port", to pass the shipped wire code, and short enough for a string
// to hold it without a heap block.
std::string
World::address_of (Place place)
{
  std::array<char, 12> text{};
  const auto [end, error] =
      std::to_chars (text.data (), text.data () + text.size (), place, 36);
  return "p" + std::string (text.data (), end) + ":1";
}

World::Place
World::place_of (const std::string &address)
{
  Place place = none;
  std::from_chars (
      address.data () + 1, address.data () + address.size (), place, 36);
  return place;
}

World::World (Scenario scenario)
    : scenario_ (std::move (scenario)),
      audience_ (make_audience (scenario_, *scenario_.geography)),
      hosts_ (audience_.size () + 1)
{
  // One each and some that search: growing would copy them, and hold both.
  connections_.reserve (hosts_.size () + hosts_.size () / 4 + 64);
}

World::~World () = default;

std::size_t
World::host_size () const
{
  return sizeof (Host) + sizeof (Connection) + sizeof (Visitor);
}

void
World::note (std::uint64_t value)
{
  Rng mix (measures_.digest ^ value ^
           static_cast<std::uint64_t> (now_.time_since_epoch ().count ()));
  measures_.digest = mix.next ();
}

// People.

void
World::add_source ()
{
  Config config;
  config.id = PeerId{scenario_.seed + 1, 1};
  config.address = address_of (0);
  config.children_max = scenario_.source_children;
  config.uplink_bps = scenario_.source_uplink_bps;
  config.path = NetworkPath{scenario_.geography->routers (0), {}};
  config.add_policy = scenario_.add_policy;
  config.second_add_policy = scenario_.second_add_policy;
  config.delete_policy = scenario_.delete_policy;
  config.alive_interval = scenario_.alive_interval;
  config.alive_misses = scenario_.alive_misses;
  config.offer_dead_ends = scenario_.offer_dead_ends;
  config.idle_beats = scenario_.idle_beats;
  config.seed = scenario_.seed;
  Host &host = hosts_[0];
  host.peer = std::make_unique<Peer> (std::move (config));
  host.up = host.fed = host.was_fed = true;
  host.peer->become_source (now_);
  drain (0);
  host.peer->set_stream_ready (now_, true);
  drain (0);
}

void
World::arrive (Place place)
{
  const Visitor &visitor = audience_[place - 1];
  const bool needs_place =
      scenario_.add_policy == AddPolicyKind::smart_placement ||
      scenario_.add_policy == AddPolicyKind::knock_downs ||
      scenario_.add_policy == AddPolicyKind::smart_bandwidth ||
      scenario_.add_policy == AddPolicyKind::automatic;
  Config config;
  Rng rng (scenario_.seed ^ (std::uint64_t{place} << 24));
  config.id = PeerId{rng.next (), std::uint64_t{place} + 1};
  config.seed = rng.next ();
  config.address = address_of (place);
  config.children_max = visitor.children_max;
  config.uplink_bps = visitor.uplink_bps;
  // Nobody else asks for it, and it takes memory.
  if (needs_place && scenario_.locate_after == Duration::zero ())
    config.path = path_of (place);
  else if (needs_place)
    schedule_for (now_ + scenario_.locate_after, Event::Kind::locate, place);
  config.add_policy = scenario_.add_policy;
  config.second_add_policy = scenario_.second_add_policy;
  config.delete_policy = scenario_.delete_policy;
  config.tries_max = scenario_.tries_max;
  config.alive_interval = scenario_.alive_interval;
  config.alive_misses = scenario_.alive_misses;
  config.offer_dead_ends = scenario_.offer_dead_ends;
  config.idle_beats = scenario_.idle_beats;

  Host &host = hosts_[place];
  host.peer = std::make_unique<Peer> (std::move (config));
  host.up = true;
  host.since = now_;
  ++present_;
  ++since_.joins;
  ++measures_.visitors;
  note (place);
  if (visitor.goes < Instant{} + scenario_.duration)
    schedule_for (visitor.goes, Event::Kind::depart, place);
  host.peer->subscribe (now_, {{}, address_of (0)});
  drain (place);
}

NetworkPath
World::path_of (Place place) const
{
  return {scenario_.geography->routers (audience_[place - 1].site),
      std::chrono::floor<std::chrono::microseconds> (2 * one_way (0, place))};
}

void
World::locate (Place place)
{
  if (!hosts_[place].up)
    return;
  hosts_[place].peer->set_path (now_, path_of (place));
  drain (place);
}

void
World::depart (Place place)
{
  if (!hosts_[place].up)
    return;
  ++since_.goes;
  if (!hosts_[place].had_parent)
    ++measures_.too_short;
  const End how = audience_[place - 1].end;
  if (how != End::leaves)
    return vanish (place, how == End::silent);
  hosts_[place].peer->unsubscribe (now_);
  drain (place);
}

// The kernel closes its connections, or nobody does.
void
World::vanish (Place place, bool silently)
{
  Host &host = hosts_[place];
  note (place ^ 0xdeadu);
  const Instant next_beat = host.peer->next_beat (now_);
  const Instant last_beat = next_beat == Instant::max ()
                                ? Instant::min ()
                                : next_beat - scenario_.alive_interval;
  session_is_over (place);
  host.silent = silently;
  const auto go = [&] (Index index, bool opener) {
    Connection &connection = connections_[index];
    const Instant since = connection.session_since;
    end (index, opener);
    const bool other =
        opener ? connection.open_at_acceptor : connection.open_at_opener;
    if (!other)
      return release (index);
    if (!silently)
      return schedule (
          arrival (index, !opener), Event::Kind::closed, index, !opener);
    // What it last said, for the other side to count from.
    Instant &last =
        opener ? connection.last_to_acceptor : connection.last_to_opener;
    const Duration way = one_way (connection.opener, connection.acceptor);
    if (since < last_beat)
      last = std::max (last, last_beat + way);
    schedule (std::max (now_ + way, last), Event::Kind::silent, index, !opener);
  };
  while (host.opened != none)
    go (host.opened, true);
  while (host.accepted != none)
    go (host.accepted, false);
  host.peer.reset ();
}

// Accounts for the time it had.
void
World::session_is_over (Place place)
{
  Host &host = hosts_[place];
  if (!host.up)
    return;
  drop_standby (place);
  host.up = false;
  --present_;
  const Instant since = std::exchange (host.since, now_);
  if (!host.was_fed)
    return;
  if (host.fed)
    --fed_;
  measures_.seconds_wanted +=
      std::chrono::duration<double> (now_ - since).count ();
  if (!host.fed)
    measures_.seconds_missed +=
        std::chrono::duration<double> (now_ - host.gap_since).count ();
  host.fed = false;
}

// After its last action.
void
World::bury (Place place)
{
  Host &host = hosts_[place];
  session_is_over (place);
  while (host.opened != none || host.accepted != none) {
    const bool opener = host.opened != none;
    const Index index = opener ? host.opened : host.accepted;
    end (index, opener);
    const Connection &connection = connections_[index];
    if (opener ? connection.open_at_acceptor : connection.open_at_opener)
      schedule (arrival (index, !opener), Event::Kind::closed, index, !opener);
    else
      release (index);
  }
  host.peer.reset ();
}

// Time.

void
World::schedule (Instant at, Event::Kind kind, Index index, bool to_opener)
{
  queue_.push (at, {kind, to_opener, index, connections_[index].generation, 0});
}

void
World::schedule_for (Instant at, Event::Kind kind, Place place)
{
  queue_.push (at, {kind, false, place, 0, 0});
}

Measures
World::run (const std::function<bool (double)> &stop)
{
  add_source ();
  if (!audience_.empty ())
    schedule_for (audience_.front ().comes, Event::Kind::arrive, 1);
  const Instant end = Instant{} + scenario_.duration;
  for (unsigned i = 1; i <= scenario_.points; ++i)
    schedule_for (Instant{} + scenario_.duration * i / scenario_.points,
        Event::Kind::point, i);
  while (!queue_.empty () && queue_.next_at () <= end) {
    const auto entry = queue_.pop ();
    now_ = entry.at;
    ++measures_.events;
    dispatch (entry.payload);
    if (stop && measures_.events % 8192 == 0 &&
        stop (std::chrono::duration<double> (now_.time_since_epoch ()) /
              std::chrono::duration<double> (scenario_.duration))) {
      measures_.interrupted = true;
      break;
    }
  }
  if (measures_.interrupted)
    take_point ();
  else
    now_ = end;
  for (Place place = 1; place < hosts_.size (); ++place)
    session_is_over (place);
  for (Index index = 0; index < connections_.size (); ++index)
    count_beats (index);
  if (peer_points_ > 0) {
    const auto count = static_cast<double> (peer_points_);
    measures_.loss_from_links = link_losses_ / count;
    measures_.on_time = on_times_ / count;
    measures_.repair_overhead = sent_again_ / count;
    measures_.feedback = feedback_ / count;
  }
  return std::move (measures_);
}

void
World::dispatch (const Event &event)
{
  const Place place = event.subject;
  switch (event.kind) {
  case Event::Kind::arrive:
    if (place < audience_.size ())
      schedule_for (audience_[place].comes, Event::Kind::arrive, place + 1);
    return arrive (place);
  case Event::Kind::depart:
    return depart (place);
  case Event::Kind::locate:
    return locate (place);
  case Event::Kind::timer: {
    Host &host = hosts_[place];
    if (!host.up || host.timer_at != now_)
      return; // an earlier one was set since
    host.timer_at = Instant::max ();
    if (host.peer->next_timeout () <= now_)
      host.peer->handle_timeout (now_);
    return drain (place);
  }
  case Event::Kind::beat: {
    Host &host = hosts_[place];
    host.beat_planned = false;
    if (!host.up)
      return;
    const Instant beat = host.peer->next_beat (now_);
    if (beat != now_) { // it was alone for a while, and begins anew
      host.beat_planned = beat != Instant::max ();
      if (host.beat_planned)
        schedule_for (beat, Event::Kind::beat, place);
      return;
    }
    host.peer->beat (now_);
    return drain (place);
  }
  case Event::Kind::dialed:
    return on_dialed (place, event.message);
  case Event::Kind::point:
    return take_point ();
  default:
    deliver (event.subject, event.to_opener, event);
  }
}

void
World::arm (Place place)
{
  Host &host = hosts_[place];
  const Instant due = std::max (host.peer->next_timeout (), now_);
  if (due >= host.timer_at || due >= forever)
    return;
  host.timer_at = due;
  schedule_for (due, Event::Kind::timer, place);
}

// Actions.

void
World::drain (Place place)
{
  Host &host = hosts_[place];
  while (auto action = host.peer->poll_action ()) {
    note (action->index ());
    std::visit ([&] (auto &act) { perform (place, act); }, *action);
  }
  if (host.over)
    return bury (place);
  arm (place);
  plan_beat (place);
  aim_standby (place);
}

// Of its newest child, if that one has to make way: it does when its heart-beat
// comes.
void
World::plan_beat (Place place)
{
  const Host &host = hosts_[place];
  if (scenario_.idle_beats || !host.peer->feeds_too_many ())
    return;
  const auto children = host.peer->children ();
  const Index index =
      children.empty () ? none : find (place, children.back ().link);
  if (index == none)
    return;
  const Place child = connections_[index].opener;
  if (!hosts_[child].up || std::exchange (hosts_[child].beat_planned, true))
    return;
  const Instant next = hosts_[child].peer->next_beat (now_ + Duration (1));
  schedule_for (next, Event::Kind::beat, child);
  hear_beat (index, next - scenario_.alive_interval);
}

// One that was left out may be on its way now.
void
World::hear_beat (Index index, Instant beat)
{
  const Connection &connection = connections_[index];
  const Instant there = beat + one_way (connection.opener, connection.acceptor);
  if (there >= now_ && beat > connection.session_since &&
      hosts_[connection.opener].peer->state () == PeerState::receiving)
    schedule (there, Event::Kind::heard, index, false);
}

// A child that is asked whether it lives is believed at its next heart-beat,
// and that may come before the answer; it may be on its way.
void
World::note_probe (Index index)
{
  const Connection &connection = connections_[index];
  const Host &child = hosts_[connection.opener];
  if (scenario_.idle_beats || !child.up)
    return;
  const Instant next = child.peer->next_beat (now_);
  if (next == Instant::max ())
    return;
  hear_beat (index, next - scenario_.alive_interval);
  hear_beat (index, next);
}

void
World::perform (Place place, const action::Connect &connect)
{
  const Place target = place_of (connect.target.address);
  const bool by_standby = take_standby (place, target);
  const Index index = open_connection ();
  Connection &connection = connections_[index];
  connection.opener = place;
  connection.acceptor = target;
  connection.opener_link = connect.link;
  connection.open_at_opener = true;
  connection.next_opened = hosts_[place].opened;
  if (connection.next_opened != none)
    connections_[connection.next_opened].previous_opened = index;
  hosts_[place].opened = index;

  Host &host = hosts_[target];
  const bool there = host.up && !host.over;
  if (there) {
    connection.open_at_acceptor = true;
    connection.next_accepted = host.accepted;
    if (connection.next_accepted != none)
      connections_[connection.next_accepted].previous_accepted = index;
    host.accepted = index;
  }
  if (by_standby) {
    connection.by_standby = true;
    schedule (now_, Event::Kind::connected, index, true);
    if (!there && !host.silent) // its end is on the way
      schedule (host.since + one_way (target, place), Event::Kind::closed,
          index, true);
    return;
  }
  count_bytes (handshake_size);
  if (!there && host.silent)
    return; // no answer, ever
  const Instant half = arrival (index, false, true);
  connection.last_to_opener = half + one_way (target, place);
  schedule (connection.last_to_opener,
      there ? Event::Kind::connected : Event::Kind::refused, index, true);
}

void
World::perform (Place place, action::Send &send)
{
  const Index index = find (place, send.link);
  if (index == none)
    return;
  const Connection &connection = connections_[index];
  const bool to_opener = connection.opener != place;
  note (send.message.index ());
  count_bytes (is_said_again (index, to_opener, send.message)
                   ? alive_again_size
                   : wire_size (send.message));
  ++measures_.control_messages;
  if (std::holds_alternative<message::Probe> (send.message))
    note_probe (index);
  if (!(to_opener ? connection.open_at_opener : connection.open_at_acceptor))
    return;
  std::uint32_t slot = 0;
  if (free_messages_.empty ()) {
    slot = static_cast<std::uint32_t> (messages_.size ());
    messages_.emplace_back ();
  } else {
    slot = free_messages_.back ();
    free_messages_.pop_back ();
  }
  messages_[slot] =
      recode ? recode (std::move (send.message)) : std::move (send.message);
  queue_.push (arrival (index, to_opener),
      {Event::Kind::message, to_opener, index, connection.generation, slot});
}

void
World::perform (Place place, const action::Close &close)
{
  const Index index = find (place, close.link);
  if (index == none)
    return;
  const bool opener = connections_[index].opener == place;
  end (index, opener);
  const Connection &connection = connections_[index];
  if (opener ? connection.open_at_acceptor : connection.open_at_opener)
    schedule (arrival (index, !opener), Event::Kind::closed, index, !opener);
  else
    release (index);
}

void
World::perform (Place place, const action::StartFeeding &start)
{
  const Index index = find (place, start.link);
  if (index == none)
    return;
  connections_[index].feeding = true;
  ++hosts_[place].feeding;
  note_flow (index);
  if (!scenario_.idle_beats)
    hosts_[place].peer->message_seen (now_, start.link, forever);
}

void
World::perform (Place place, const action::StopFeeding &stop)
{
  const Index index = find (place, stop.link);
  if (index == none || !std::exchange (connections_[index].feeding, false))
    return;
  --hosts_[place].feeding;
  note_flow (index);
}

void
World::perform (Place place, const action::ReceiveFrom &receive)
{
  const Index index = find (place, receive.link);
  if (index == none)
    return;
  connections_[index].receiving = true;
  connections_[index].session_since = now_;
  note_flow (index);
  hosts_[place].peer->round_trip_seen (
      now_, receive.link, 2 * one_way (place, connections_[index].acceptor));
  if (!scenario_.idle_beats)
    hosts_[place].peer->message_seen (now_, receive.link, forever);
}

void
World::perform (Place place, const action::Report &report)
{
  Host &host = hosts_[place];
  note (report.what.index ());
  if (const auto *changed =
          std::get_if<action::Report::ParentChanged> (&report.what)) {
    if (std::exchange (host.had_parent, true)) {
      ++measures_.moves;
      return;
    }
    ++measures_.accepted;
    measures_.discover_ms.add (
        std::chrono::duration<double, std::milli> (changed->discover).count ());
    measures_.tries.add (host.peer->tries ());
  } else if (std::holds_alternative<action::Report::Left> (report.what)) {
    host.over = true;
  }
}

void
World::perform (Place place, const action::Fail &fail)
{
  static constexpr std::array names{"no-room", "unreachable", "no-packets",
      "no-stream", "not-allowed", "not-spreadit", "not-trusted"};
  ++measures_.refused;
  ++since_.refused;
  ++measures_.failures[names[static_cast<std::size_t> (fail.reason)]];
  hosts_[place].over = true;
}

// Everybody is there for all others at the address they give, once dialled.
void
World::perform (Place place, const action::DialBack &dial)
{
  count_bytes (options_size);
  const Place target = place_of (dial.peer.address);
  const Instant answer = answered_at (place, target);
  const Instant latest = now_ + limits::connect_max; // agent: dial_back_max
  if (free_dials_.empty ()) {
    free_dials_.push_back (static_cast<std::uint32_t> (dials_.size ()));
    dials_.emplace_back ();
  }
  const std::uint32_t slot = free_dials_.back ();
  free_dials_.pop_back ();
  dials_[slot] = {dial.link, target, answer <= latest};
  queue_.push (
      std::min (answer, latest), {Event::Kind::dialed, false, place, 0, slot});
}

void
World::on_dialed (Place place, std::uint32_t slot)
{
  free_dials_.push_back (slot);
  if (!hosts_[place].up)
    return;
  const Dial &dial = dials_[slot];
  const bool answers = dial.answers && hosts_[dial.target].up;
  hosts_[place].peer->dialed_back (now_, dial.link, address_of (dial.target),
      answers ? Reach::yes : Reach::no);
  drain (place);
}

} // namespace spreadit::sim
