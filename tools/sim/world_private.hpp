// What lives in a World.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "sim/world.hpp"

namespace spreadit::sim {

// A million of these: what the core knows is not kept twice.
struct World::Host {
  std::unique_ptr<core::Peer> peer; // while it is up
  core::Instant timer_at = core::Instant::max ();
  // It asked; once it was fed, of the first packet; once it is not up, it went.
  core::Instant since{};
  core::Instant gap_since = core::Instant::max (); // no packet reaches it
  core::Instant standby_at{}; // somebody has answered there by then
  Place standby = none;       // whom it keeps a connection to
  Index opened = none;        // lists of connections
  Index accepted = none;
  std::uint32_t feeding = 0; // children it sends packets to
  bool up = false;
  bool over = false;    // its session; to be buried
  bool silent = false;  // not even a reset comes from its address
  bool fed = false;     // the stream reaches it now
  bool was_fed = false; // ever
  bool had_parent = false;
  bool beat_planned = false;
};

// Like TCP: ordered, and reliable while both ends are there.
struct World::Connection {
  Place opener = none;
  Place acceptor = none;
  core::LinkId opener_link{};
  std::uint32_t generation = 0; // times the slot was used
  Index next_opened = none, previous_opened = none;
  Index next_accepted = none, previous_accepted = none;
  core::Instant last_to_opener{}; // arrival of the last message
  core::Instant last_to_acceptor{};
  core::Instant session_since = core::Instant::max ();
  bool open_at_opener = false;
  bool open_at_acceptor = false;
  bool feeding = false;    // StartFeeding at the acceptor
  bool receiving = false;  // ReceiveFrom at the opener
  bool flowing = false;    // as of the last note_flow()
  bool arrives = false;    // between the first packet and the last
  bool by_standby = false; // was there before, and no word came on it yet
};

} // namespace spreadit::sim
