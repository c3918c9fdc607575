// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/connection.hpp"
#include "agent/description.hpp"
#include "core/vocabulary.hpp"
#include "media/data_path.hpp"
#include "rtsp/codec.hpp"
#include "util/owned.hpp"

namespace spreadit::agent {

class Agent;

// A request of ours that waits for its answer.
struct Outstanding {
  enum class Kind {
    describe,
    setup,
    play,
    setup_tcp,
    play_tcp,
    survey,
    other,
  };
  std::uint32_t cseq;
  Kind kind;
  core::Instant sent;
  std::optional<std::uint64_t> survey = std::nullopt; // the token, if it is one
};

// We asked: what the answers to the flight say, piece by piece.
struct Asking {
  rtsp::Uri url;
  std::optional<core::message::Accept> accept;
  std::string sdp;
  std::optional<rtsp::SetupAnswer> setup;
  Description description; // of `sdp`; the stream's once the core agrees
  bool answered = false;   // the core knows what they said
  bool offers_tcp = false;
  core::Duration round_trip{}; // of the flight
  // Packets are to come over UDP by then; nothing: they are not awaited.
  std::optional<core::Instant> udp_until;
  bool udp_failed = false;
  // On a standby connection, which the other side may just have closed: what
  // we ask, to be asked again on one of its own.
  bool by_standby = false;
  std::optional<core::message::Subscribe> subscribe;
};

// We are asked, by a peer or by a plain player.
struct Serving {
  // A flight's requests wait here until the core has decided.
  std::deque<rtsp::Request> waiting;
  std::optional<core::Message> verdict; // Accept, Redirect or Refuse
  bool may_feed = false;                // the core said StartFeeding
  bool playing = false;
  bool has_played = false;
  bool torn_down = false;                 // by the player
  std::optional<media::Route> route;      // from SETUP
  std::optional<media::Route> next_route; // from a later one, until PLAY
  std::vector<media::HeldPacket> held;    // from PLAY
};

// One control link: the connection and what is said on it.
struct Link final : Connection::Handler {
  enum class Kind {
    unknown, // an incoming one that has not asked for anything yet
    parent,  // we connected to it
    child,   // a SpreadIt peer
    player,  // an RTSP player that is not SpreadIt
  };

  Link (Agent &owner, core::LinkId name) : agent (owner), id (name) {}
  ~Link ();
  void on_unit (Connection &from, rtsp::Unit unit) override;
  void on_broken (
      Connection &from, Connection::Break how, const std::string &why) override;

  [[nodiscard]] media::LinkKey key () const
  {
    return media::LinkKey{static_cast<std::uint64_t> (id)};
  }

  Agent &agent;
  const core::LinkId id;
  Kind kind = Kind::unknown;
  std::shared_ptr<Connection> connection; // none while connecting
  Owned<GCancellable> connecting;
  Owned<GSource> connect_timer;
  core::Contact target;    // whom we connect to
  core::Instant arrived{}; // an incoming one
  core::Instant heard{};   // its last request

  std::string session; // RTSP session id
  std::uint32_t next_cseq = 1;
  std::deque<Outstanding> outstanding;
  std::optional<core::Duration> round_trip;
  Asking asking;
  Serving serving;

  // Heart-beats: what one says that says nothing new.
  std::optional<core::message::Alive> alive_told, alive_heard;

  // A parent may ask for the tree from then on.
  core::Instant next_survey{};

  // Data from it, as the core was last told.
  std::optional<media::MonotonicTime> data_told;
};

} // namespace spreadit::agent
