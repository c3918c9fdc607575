// A small world of peers in virtual time: reliable ordered links with a delay
// for each pair, like TCP, and everything that goes wrong with them. The same
// seed gives the same run, to the last message.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <iosfwd>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/peer.hpp"
#include "core/rng.hpp"
#include "sim/event_queue.hpp"

namespace spreadit::simulation {

using namespace std::chrono_literals;
using core::Duration;
using core::Instant;
using core::LinkId;
using core::Message;
using core::PeerId;

// Places are numbered as they come.
using Place = std::size_t;

struct Network {
  Duration delay_min = 5ms; // one way; each pair has its own
  Duration delay_max = 50ms;
  Duration jitter_max = 2ms;
};

// Which way of a connection.
enum class Cut { to_acceptor, to_opener, both };

class World {
public:
  explicit World (std::uint64_t seed, Network network = {});
  ~World ();

  // A peer that does nothing yet. Its id, address and seed are made up here.
  Place add (core::Config config);
  Place add_source (unsigned children_max); // ready, too
  Place add_peer (unsigned children_max);   // subscribed to place 0
  [[nodiscard]] core::Config config () const { return {}; }
  void subscribe (Place place, Place source = 0);
  void unsubscribe (Place place);
  void end_stream (Place place);
  void set_stream_ready (Place place, bool ready);
  void settle (Place place) { drain (place); } // after a verb of at()

  // Its parent sends it on to `target`, for whatever reason.
  void redirect (Place child, Place target, core::RedirectScope scope);

  // What goes wrong.
  void kill (Place place);      // the kernel closes its connections
  void power_off (Place place); // nobody is told
  void freeze (Place place);    // SIGSTOP; what arrives waits
  void thaw (Place place);
  // Half-open: from now on nothing passes, and nobody is told.
  void cut (Place a, Place b, Cut way = Cut::both);
  void cut_any (); // one that is drawn
  // Islands are bits; only who shares one is connected.
  void set_island (Place place, unsigned island);
  void heal (); // one island, no loss, nobody frozen
  // Nobody can open a connection to it any more, as behind a NAT; those that
  // are open go on. With an odd number connects are refused, else swallowed.
  void set_walled (Place place, bool walled);
  void set_loss (double rate) { loss_ = rate; }
  void set_standby (bool has) { has_standby_ = has; }

  void run_for (Duration duration);
  // Whether `until` came true within `limit`.
  bool run_until (const std::function<bool ()> &until, Duration limit);

  [[nodiscard]] Instant now () const { return now_; }
  [[nodiscard]] std::size_t size () const { return places_.size (); }
  [[nodiscard]] core::Peer &at (Place place);
  [[nodiscard]] bool is_up (Place place) const;
  // Where the parent of a peer is; `nowhere` without one.
  static constexpr Place nowhere = ~Place{0};
  [[nodiscard]] Place parent_of (Place place) const;
  [[nodiscard]] Place place_of (PeerId id) const;
  // Real stream arrives, over feeding links all the way from a source.
  [[nodiscard]] bool is_served (Place place) const;
  [[nodiscard]] unsigned fails (Place place) const;
  [[nodiscard]] std::optional<core::action::Fail> fail (Place place) const;
  [[nodiscard]] unsigned asks (Place place) const; // Subscribes it sent
  [[nodiscard]] bool has_left (Place place) const;
  [[nodiscard]] bool has_ended (Place place) const;
  // Who is served, at that, and can be connected to, also as its parent knows.
  [[nodiscard]] bool somebody_has_room () const;
  // Connects to somebody behind a wall, until now.
  [[nodiscard]] std::size_t connects_to_walls () const
  {
    return connects_to_walls_;
  }
  // Connects that found a standby link, until now.
  [[nodiscard]] std::size_t connects_by_standby () const
  {
    return connects_by_standby_;
  }
  // No room was said, yet someone who is served had room.
  [[nodiscard]] std::size_t failed_with_room () const
  {
    return failed_with_room_;
  }
  [[nodiscard]] core::Rng &rng () { return rng_; }

  // Every message passes here before it is sent; false: lost.
  std::function<bool (Place from, Place to, Message &)> tamper;
  // Actions as they are performed, one line each.
  std::ostream *trace = nullptr;

  // What the checker found, in words; empty: all is well.
  [[nodiscard]] const std::vector<std::string> &violations () const;
  // Of everything that happened.
  [[nodiscard]] std::uint64_t digest () const { return digest_; }
  [[nodiscard]] std::uint64_t events () const { return events_; }

private:
  struct Inhabitant;
  struct Connection;
  struct Event;
  struct Dial {
    LinkId link;
    std::string address;
    Place target;
    bool passes; // when it began
  };
  using ConnectionIndex = std::uint32_t;

  void aim (Place place);
  bool takes_standby (Place place, Place target);
  void perform (Place place, const core::action::Connect &connect);
  void perform (Place place, const core::action::Send &send);
  void perform (Place place, const core::action::Close &close);
  void perform (Place place, const core::action::StartFeeding &start);
  void perform (Place place, const core::action::StopFeeding &stop);
  void perform (Place place, const core::action::ReceiveFrom &receive);
  void perform (Place place, const core::action::Report &report);
  void perform (Place place, const core::action::Fail &fail);
  void perform (Place place, const core::action::DialBack &dial);
  void on_dialed (const Event &event);
  [[nodiscard]] Place at_address (const std::string &address) const;
  void drain (Place place);
  void arm (Place place);

  void schedule (Instant at, Event event);
  void dispatch (const Event &event);
  void deliver (const Event &event);
  void on_timer (Place place);
  void on_connected (const Event &event);
  void on_packet (Connection &connection);
  // Both before and after whatever lets the data flow or not.
  void note_flow (Connection &connection);
  void note_flows_of (Place place);
  [[nodiscard]] bool flows (const Connection &connection) const;
  [[nodiscard]] bool passes (
      const Connection &connection, bool to_opener) const;
  [[nodiscard]] Duration quietest_delay (Place a, Place b) const;
  [[nodiscard]] Duration delay (Place a, Place b);
  [[nodiscard]] Instant arrival (Connection &connection, bool to_opener);
  void send_event (Connection &connection, bool to_opener, Event event);
  Connection *find (Place place, LinkId link);
  void hang_up_all (Place place, bool tell);

  void check (Place place);
  void check_no_cycle (Place place);
  void check_offer (Place place, const core::message::Redirect &redirect);
  void blame (const std::string &what);
  void note (std::uint64_t value);

  Network network_;
  core::Rng rng_;
  std::uint64_t seed_;
  Instant now_{};
  double loss_ = 0;
  std::vector<std::unique_ptr<Inhabitant>> places_;
  std::vector<std::unique_ptr<Connection>> connections_;
  sim::EventQueue<Event> queue_;
  std::uint64_t events_ = 0;
  std::uint64_t digest_ = 0;
  std::size_t failed_with_room_ = 0;
  std::size_t connects_to_walls_ = 0;
  bool has_standby_ = false;
  std::size_t connects_by_standby_ = 0;
  std::vector<Dial> dials_;
  std::vector<std::string> violations_;
};

// One line for people.
std::string describe (const Message &message);

} // namespace spreadit::simulation
