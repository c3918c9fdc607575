// The connection that a peer keeps ready to whom it would ask first if its
// parent failed. Whom is the core's to say (Peer::standby()); agent/standby.cpp
// keeps it when live.
//
// It has nothing to do with the tree until it is used, and a million of them
// are made anew every 7 s: so none is an event. When it was ready, and whether
// its end has been seen since, is reckoned when it is wanted.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <utility>

#include "sim/wire_size.hpp"
#include "sim/world_private.hpp"

namespace spreadit::sim {

using namespace core;

namespace {

// A connection to a host that has vanished is broken by TCP keep-alive at the
// latest then: idle for 3 s, and three probes a second apart
// (agent/limits.hpp).
constexpr Duration keep_alive_max = 6s;

} // namespace

// After whatever may have changed it.
void
World::aim_standby (Place place)
{
  Host &host = hosts_[place];
  Place target = none;
  if (scenario_.standby)
    if (const auto contact = host.peer->standby ())
      target = place_of (contact->address);
  if (target == host.standby)
    return;
  drop_standby (place);
  host.standby = target;
  if (target != none)
    host.standby_at = answered_at (place, target);
}

// Whether a connection to there is believed to be ready. It is the caller's
// then.
bool
World::take_standby (Place place, Place target)
{
  const Host &host = hosts_[place];
  if (host.standby != target || target == none)
    return false;
  const Instant ready = host.standby_at;
  drop_standby (place);
  if (ready > now_)
    return false;
  const Host &other = hosts_[target];
  if (other.up)
    return true;
  const Instant went = other.since;
  if (ready - one_way (target, place) > went)
    return false; // before it could answer
  return now_ <
         went + (other.silent ? keep_alive_max : one_way (target, place));
}

// What it has cost until now is counted.
void
World::drop_standby (Place place)
{
  Host &host = hosts_[place];
  if (std::exchange (host.standby, none) == none)
    return;
  std::uint64_t times = 1;
  if (host.standby_at < now_)
    times += static_cast<std::uint64_t> (
        (now_ - host.standby_at) / limits::standby_interval);
  count_bytes (times * options_size);
  measures_.control_messages += times;
}

// One that breaks before a word came on it may have been closed for being
// useless at that moment: a new one is made before the core is told. Here it is
// refused, since who is gone does not come back.
void
World::connect_in_vain (Index index)
{
  Connection &connection = connections_[index];
  connection.by_standby = false;
  count_bytes (handshake_size);
  const Instant there = arrival (index, false, /* is_handshake */ true);
  schedule (there + one_way (connection.acceptor, connection.opener),
      Event::Kind::refused, index, true);
}

} // namespace spreadit::sim
