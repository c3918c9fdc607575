// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ostream>

#include "storm.hpp"

namespace spreadit::simulation {

using namespace core;

namespace {

constexpr Duration storm_length = 20s;
// What is half-open must be noticed by then.
constexpr Duration aftermath_max = 8s;
// A transient parent is left after 15 s at most, a search is out of tries
// after 32 waits of a second and two round trips.
constexpr Duration quiet_max = 80s;

class Storm {
public:
  explicit Storm (const Weather &weather)
      : rng_ (weather.seed * 0x9e3779b9 + 17), places_ (weather.seed ^ 0x9a7),
        walls_ (weather.seed ^ 0x3a11), standbys_ (weather.seed ^ 0x57b1),
        weather_ (weather), world_ (weather.seed, network ())
  {
    world_.trace = weather.trace;
    world_.tamper = [this] (Place from, Place to, Message &message) {
      return pass (from, to, message);
    };
    // Walls and standby links are drawn by themselves: the storms without are
    // as they were.
    auto drawn = static_cast<unsigned> (rng_.below (kind::walled));
    if (walls_.below (3) == 0)
      drawn |= kind::walled;
    if (standbys_.below (2) == 0)
      drawn |= kind::standing;
    kind_ = weather.kind.value_or (drawn);
    world_.set_standby (kind_ & kind::standing);
    peers_max_ = 4 + rng_.below (20);
  }

  Outcome run ()
  {
    Config config = drawn_config ();
    config.children_max = 1 + static_cast<unsigned> (rng_.below (3));
    config.address.clear (); // made up
    world_.add (config);
    world_.at (0).become_source (world_.now ());
    world_.set_stream_ready (0, true);
    const Instant end = world_.now () + storm_length;
    if (kind_ & kind::lossy)
      world_.set_loss (0.02 + 0.1 * static_cast<double> (rng_.below (3)));
    while (world_.now () < end && world_.violations ().empty ()) {
      world_.run_for (Duration (rng_.below (600'000'000)));
      strike ();
      if (kind_ & kind::shuffled)
        shuffle ();
      if (kind_ & kind::walled)
        build ();
    }
    return calm ();
  }

private:
  Network network ()
  {
    Network network;
    network.delay_min = 1ms;
    network.delay_max = 1ms * (2 + rng_.below (120));
    network.jitter_max = 1ms * rng_.below (30);
    return network;
  }

  Config drawn_config ()
  {
    Config config;
    config.add_policy = weather_.add_policy;
    config.delete_policy = weather_.delete_policy;
    // A fifth cannot relay.
    if (rng_.below (5) == 0)
      config.children_max = 0;
    else if (kind_ & kind::short_of_room)
      config.children_max = 1 + static_cast<unsigned> (rng_.below (2));
    else
      config.children_max = 2 + static_cast<unsigned> (rng_.below (4));
    if (rng_.below (10) == 0)
      config.address = "nowhere";
    locate (config);
    return config;
  }

  // In a town of three streets of three houses; some do not know where.
  void locate (Config &config)
  {
    config.second_add_policy = static_cast<AddPolicyKind> (places_.below (4));
    config.uplink_bps = places_.below (6) * 1'000'000;
    const bool is_known = places_.below (8) != 0;
    const std::uint64_t street = 1 + places_.below (3);
    const std::uint64_t house = 10 * street + places_.below (3);
    if (is_known)
      config.path = NetworkPath{{street, house}, 1ms * places_.below (50)};
  }

  Place join ()
  {
    const Place place = world_.add (drawn_config ());
    if ((kind_ & kind::walled) && walls_.below (3) == 0)
      world_.set_walled (place, true);
    world_.subscribe (place);
    return place;
  }

  bool pass (Place from, Place to, Message &message)
  {
    const bool farewell =
        std::holds_alternative<message::Unsubscribe> (message);
    if ((kind_ & kind::forgetful) && farewell && rng_.below (2) == 0)
      world_.cut (from, to);
    return !weather_.tamper || weather_.tamper (from, to, message);
  }

  // One that is up, not the source; the source if there is none.
  Place anyone ()
  {
    std::vector<Place> up;
    for (Place place = 1; place < world_.size (); ++place)
      if (is_in_session (place))
        up.push_back (place);
    return up.empty () ? 0 : up[rng_.below (up.size ())];
  }

  bool is_in_session (Place place)
  {
    const PeerState state = world_.at (place).state ();
    return world_.is_up (place) && state != PeerState::idle &&
           state != PeerState::failed;
  }

  std::size_t in_session ()
  {
    std::size_t count = 0;
    for (Place place = 1; place < world_.size (); ++place)
      count += is_in_session (place) ? 1 : 0;
    return count;
  }

  // One blow of bad luck.
  void strike ()
  {
    if (in_session () < peers_max_ && rng_.below (2) == 0)
      join ();
    const Place place = anyone ();
    if (place == 0)
      return;
    switch (rng_.below (12)) {
    case 0:
    case 1:
      return world_.unsubscribe (place);
    case 2:
      return world_.kill (place);
    case 3:
      if (kind_ & kind::silent)
        world_.power_off (place);
      return;
    case 4:
    case 5:
      if (kind_ & kind::cut_off)
        world_.cut_any ();
      return;
    case 6:
      if (kind_ & kind::silent)
        world_.freeze (place);
      return;
    case 7:
      return world_.thaw (1 + rng_.below (world_.size () - 1));
    case 8:
      if (kind_ & kind::cut_off)
        divide ();
      return;
    case 9:
      return world_.heal ();
    case 10:
      if (!(kind_ & kind::short_of_room))
        return;
      world_.at (place).set_children_max (
          world_.now (), static_cast<unsigned> (rng_.below (4)));
      return world_.settle (place);
    default:
      if (rng_.below (4) == 0)
        world_.set_stream_ready (0, rng_.below (2) == 0);
    }
  }

  // Often below themselves: nothing in the protocol forbids to ask for it.
  void shuffle ()
  {
    // One draw a statement: compilers differ in the order of arguments.
    for (auto i = rng_.below (4); i > 0; --i) {
      const Place child = anyone ();
      const Place target = anyone ();
      const bool everyone = rng_.below (4) == 0;
      world_.redirect (child, target,
          everyone ? RedirectScope::subtree : RedirectScope::self);
    }
  }

  // Now and then a wall comes or goes.
  void build ()
  {
    if (world_.size () < 2 || walls_.below (4) != 0)
      return;
    const Place place = 1 + walls_.below (world_.size () - 1);
    world_.set_walled (place, walls_.below (2) == 0);
  }

  void divide ()
  {
    for (Place place = 0; place < world_.size (); ++place)
      world_.set_island (place, 1u << rng_.below (2));
  }

  // No more of it: now everyone must find its way.
  Outcome calm ()
  {
    world_.heal ();
    world_.set_stream_ready (0, true);
    const Instant over = world_.now ();
    Instant served = over;
    while (world_.violations ().empty () && world_.now () - over < quiet_max) {
      world_.run_for (20ms);
      if (!everyone_is_served ())
        served = world_.now ();
      else if (world_.now () - over > aftermath_max)
        break;
    }
    Outcome outcome;
    outcome.served_after = served - over;
    outcome.violations = world_.violations ();
    for (Place place = 1; place < world_.size (); ++place) {
      const bool failed = world_.at (place).state () == PeerState::failed;
      outcome.failed += failed ? 1 : 0;
      if (!is_in_session (place))
        continue;
      ++outcome.up;
      if (!world_.is_served (place))
        ++outcome.not_served;
    }
    if (!world_.somebody_has_room ())
      std::swap (outcome.not_served, outcome.starving);
    outcome.failed_with_room = world_.failed_with_room ();
    outcome.by_standby = world_.connects_by_standby ();
    outcome.digest = world_.digest ();
    outcome.events = world_.events ();
    return outcome;
  }

  bool everyone_is_served ()
  {
    for (Place place = 1; place < world_.size (); ++place)
      if (is_in_session (place) && !world_.is_served (place))
        return false;
    return true;
  }

  Rng rng_;
  Rng places_; // and bandwidths
  Rng walls_;
  Rng standbys_;
  Weather weather_;
  World world_;
  unsigned kind_ = 0;
  std::size_t peers_max_ = 0;
};

} // namespace

Outcome
run (const Weather &weather)
{
  return Storm (weather).run ();
}

std::string
replay_line (const Weather &weather)
{
  std::string line =
      "replay with storm-replay --seed " + std::to_string (weather.seed) +
      " --add " + std::to_string (static_cast<int> (weather.add_policy)) +
      " --delete " + std::to_string (static_cast<int> (weather.delete_policy));
  if (weather.kind)
    line += " --kind " + std::to_string (*weather.kind);
  return line;
}

} // namespace spreadit::simulation
