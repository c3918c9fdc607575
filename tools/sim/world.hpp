// Peers that ship, in a network that does not exist, in virtual time. The same
// scenario gives the same run, to the last message, on any compiler.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <map>

#include "sim/audience.hpp"
#include "sim/event_queue.hpp"
#include "sim/measures.hpp"
#include "sim/scenario.hpp"

namespace spreadit::sim {

class World {
public:
  explicit World (Scenario scenario);
  ~World ();

  // To the end, or until `stop` says so; it is asked now and then, with the
  // share that is done.
  Measures run (const std::function<bool (double)> &stop = {});

  // Every message passes here: what comes back is delivered. For tests.
  std::function<core::Message (core::Message)> recode;

  // For tests.
  [[nodiscard]] std::size_t host_size () const;

private:
  using Place = std::uint32_t; // 0 is the source, visitors follow
  using Index = std::uint32_t; // of a connection
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  struct Host;
  struct Connection;
  struct Event {
    enum class Kind : std::uint8_t {
      arrive,
      depart,
      locate,
      timer,
      beat,
      connected,
      refused,
      closed,
      message,
      packet, // the first of a flow
      dry,    // the last one was there just now
      heard,  // an idle heart-beat, where one matters
      silent, // nothing will ever come from there again
      dialed, // a dial back is over, `message` is its slot
      point,
    };
    Kind kind;
    bool to_opener;
    std::uint32_t subject;    // a place or a connection
    std::uint32_t generation; // of the connection
    std::uint32_t message;    // its slot
  };

  struct Dial {
    core::LinkId link; // which may be closed before the answer comes
    Place target;
    bool answers;
  };

  static std::string address_of (Place place);
  static Place place_of (const std::string &address);

  // Actions.
  void drain (Place place);
  void perform (Place place, const core::action::Connect &connect);
  void perform (Place place, core::action::Send &send);
  void perform (Place place, const core::action::Close &close);
  void perform (Place place, const core::action::StartFeeding &start);
  void perform (Place place, const core::action::StopFeeding &stop);
  void perform (Place place, const core::action::ReceiveFrom &receive);
  void perform (Place place, const core::action::Report &report);
  void perform (Place place, const core::action::Fail &fail);
  void perform (Place place, const core::action::DialBack &dial);
  void arm (Place place);
  void plan_beat (Place place);
  void note_probe (Index index);
  void hear_beat (Index index, core::Instant beat);

  // The standby link: world_standby.cpp.
  void aim_standby (Place place);
  [[nodiscard]] bool take_standby (Place place, Place target);
  void drop_standby (Place place);
  void connect_in_vain (Index index);

  // People.
  void add_source ();
  void arrive (Place place);
  void depart (Place place);
  void locate (Place place);
  void on_dialed (Place place, std::uint32_t slot);
  [[nodiscard]] core::NetworkPath path_of (Place place) const;
  void vanish (Place place, bool silently);
  void session_is_over (Place place);
  void bury (Place place);

  // Connections.
  void dispatch (const Event &event);
  void deliver (Index index, bool to_opener, const Event &event);
  void on_connected (Index index);
  void on_refused (Index index);
  void on_packet (Index index);
  Index open_connection ();
  void release (Index index);
  void end (Index index, bool of_opener);
  [[nodiscard]] Index find (Place place, core::LinkId link) const;
  [[nodiscard]] core::LinkId link_of (Index index, bool of_opener) const;
  void schedule (
      core::Instant at, Event::Kind kind, Index index, bool to_opener);
  void schedule_for (core::Instant at, Event::Kind kind, Place place);
  [[nodiscard]] core::Instant arrival (
      Index index, bool to_opener, bool is_handshake = false);
  [[nodiscard]] core::Duration transit (
      Place from, Place to, core::Instant at, bool is_handshake) const;
  [[nodiscard]] core::Duration one_way (Place from, Place to) const;
  [[nodiscard]] core::Instant answered_at (Place place, Place target) const;
  [[nodiscard]] double uplink_share (Place place) const;
  [[nodiscard]] core::Duration queueing (Place place) const;
  void count_bytes (std::size_t bytes) { measures_.control_bytes += bytes; }
  void count_beats (Index index);
  // Whether it is what was last said on this connection, this way.
  [[nodiscard]] bool is_said_again (
      Index index, bool to_opener, const core::Message &message);

  // The stream.
  [[nodiscard]] bool flows (const Connection &connection) const;
  void note_flow (Index index);
  void note_fed (Place place);
  void feed_changed (Place place, bool fed);

  void take_point ();
  void note (std::uint64_t value);

  Scenario scenario_;
  std::vector<Visitor> audience_;
  std::vector<Host> hosts_;
  std::vector<Connection> connections_;
  std::vector<Index> free_connections_;
  std::vector<core::Message> messages_;
  std::vector<std::uint32_t> free_messages_;
  std::vector<Dial> dials_;
  std::vector<std::uint32_t> free_dials_;
  // With Scenario::idle_beats, by connection and direction.
  std::map<std::pair<Index, bool>, core::message::Alive> said_;
  EventQueue<Event> queue_;
  core::Instant now_{};
  Measures measures_;
  std::uint64_t present_ = 0, fed_ = 0;
  std::uint64_t requests_this_second_ = 0, request_second_ = 0;
  Point since_;
  Sample first_packets_since_, transiences_since_;
  double link_losses_ = 0, on_times_ = 0, sent_again_ = 0, feedback_ = 0;
  std::uint64_t peer_points_ = 0;
  std::vector<Place> stack_;
};

} // namespace spreadit::sim
