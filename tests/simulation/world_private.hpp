// What lives in a World, and what happens there.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "world.hpp"

namespace spreadit::simulation {

using namespace core;

struct World::Connection {
  ConnectionIndex index;
  Place opener;
  Place acceptor;
  LinkId opener_link;
  LinkId acceptor_link;
  bool open_at_opener = true;
  bool open_at_acceptor = true;
  bool cut_to_opener = false;
  bool cut_to_acceptor = false;
  bool feeding = false;   // StartFeeding at the acceptor
  bool receiving = false; // ReceiveFrom at the opener
  bool flowing = false;   // as of the last note_flow()
  bool first_packet_came = false;
  Instant last_to_opener{};
  Instant last_to_acceptor{};
};

struct World::Event {
  enum class Kind : std::uint8_t {
    timer,
    connected,
    closed,
    message,
    packet,
    dialed, // `connection` is an index of dials_
  };

  Instant at;
  Kind kind;
  bool to_opener;
  bool refused; // connected: it was not
  Place place;
  ConnectionIndex connection;
  std::shared_ptr<const Message> message;
};

struct World::Inhabitant {
  explicit Inhabitant (Config config) : peer (std::move (config)) {}

  Peer peer;
  bool up = true;
  bool frozen = false;
  bool walled = false;
  unsigned island = 1;
  Instant timer_at = Instant::max ();
  std::vector<Event> backlog; // while frozen
  std::vector<std::pair<LinkId, ConnectionIndex>> links;
  std::uint64_t incoming = 0;
  std::string standby; // address, if there is a connection to it
  Instant standby_ready = Instant::max ();
  unsigned fails = 0;
  unsigned asks = 0;
  std::size_t children_before = 0;
  bool left = false;
  bool ended = false;
  std::optional<action::Fail> fail;
};

// What people call a place.
std::string name_of (Place place);

} // namespace spreadit::simulation
