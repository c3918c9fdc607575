// One node of the multicast tree: the paper's peering layer (IV), no sockets.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/limits.hpp"
#include "core/vocabulary.hpp"

namespace spreadit::core {

struct Config {
  PeerId id;           // random, not all zero
  std::string address; // where others reach us; empty: nobody can
  unsigned children_max = limits::children_max_default;
  AddPolicyKind add_policy = AddPolicyKind::round_robin;
  // What smart_bandwidth does with those who have no more uplink than we (V-A.5
  // "one of the above policies"). It itself counts as round_robin here.
  AddPolicyKind second_add_policy = AddPolicyKind::round_robin;
  DeletePolicyKind delete_policy = DeletePolicyKind::grandfather;
  unsigned tries_max = limits::tries_max_default;
  Duration alive_interval = limits::alive_interval_default;
  unsigned alive_misses = limits::alive_misses_default;
  Duration data_silence_max = limits::data_silence_max;
  // Not less than data_silence_max: a parent is never doubted, only dead.
  Duration data_doubt = limits::data_doubt;
  Duration linger = limits::linger_max;
  // Dead ends (a child with no room in its subtree) are not offered. The
  // paper assumes everyone has room; true shows what that costs.
  bool offer_dead_ends = false;
  // False: a heart-beat that would say nothing new is not sent, and who could
  // be reached is not dialled again. For a simulation that knows which links
  // live and says so with message_seen(): of a million peers every message is
  // one too many.
  bool idle_beats = true;
  std::uint64_t uplink_bps = 0;    // bit/s; 0: not known
  std::optional<NetworkPath> path; // nothing: not measured (yet)
  std::uint64_t seed = 0;          // everything random comes from here
};

struct ChildInfo {
  Contact contact;
  LinkId link;
  Subtree subtree;
  unsigned children_max = 0;
  bool plain_player = false;
  bool leaving = false;
  bool in_doubt = false; // its own child says that it is silent
  bool sent_on = false;  // in favour of another one; stays if nobody takes it
  Quality quality{};     // of its subtree
  Reach reach = Reach::unknown;
};

// Drive it so: one call of a verb below, then poll_action() until it is empty,
// then sleep until next_timeout(). A second verb before the drain is a bug.
// `now` never goes backwards and is the only time there is. Not thread-safe.
// Never fails: what a peer does wrong becomes actions.
class Peer {
public:
  explicit Peer (Config config);
  ~Peer ();
  Peer (const Peer &) = delete;
  Peer &operator= (const Peer &) = delete;

  // Verbs.

  // Become the source. Joins are refused as not_receiving until
  // set_stream_ready (true).
  void become_source (Instant now);
  void set_stream_ready (Instant now, bool ready);
  // Start the application session: look for an unsaturated server, beginning
  // with `source` (IV-B). Only from idle.
  void subscribe (Instant now, Contact source);
  // End it: move the children first (IV-C). Ends with Report::Left, at most
  // `linger` + one timeout later. From any state; a second call leaves at once.
  void unsubscribe (Instant now);
  // The source's stream is over: tell everyone, then as unsubscribe().
  void end_stream (Instant now);

  // A link asked for by Connect is up.
  void link_opened (Instant now, LinkId link);
  // A link of either direction is gone, or could not be opened. Not to be
  // called after Close.
  void link_closed (Instant now, LinkId link);
  // Incoming links announce themselves by their first message.
  void handle_message (Instant now, LinkId link, const Message &message);
  // A packet, RTP or RTCP, came from `link`, the newest of them at `came`. It
  // is enough to call this just before handle_timeout(). `came` is after `now`
  // only in a simulation, which knows until when packets will come; where it
  // errs, a later call with an earlier `came` holds.
  void data_seen (Instant now, LinkId link, Instant came);
  // The packets of this parent come over TCP: one that is lost there is a
  // silence of some hundred milliseconds, and no sign of its end.
  void data_over_tcp (LinkId link);
  // The same as data_seen() for heart-beats that say nothing new; see
  // Config::idle_beats. With `came` equal to `now` one came just now, from a
  // peer that is fed.
  void message_seen (Instant now, LinkId link, Instant came);
  // A message on this link to the parent was answered in that time. Again and
  // again: less counts at once, more comes in slowly.
  void round_trip_seen (Instant now, LinkId link, Duration round_trip);
  // What came of DialBack: whether that peer answered at `address`; unknown if
  // that could not be tried.
  void dialed_back (
      Instant now, LinkId link, const std::string &address, Reach reach);
  void handle_timeout (Instant now);
  // A heart-beat out of turn, to all neighbours.
  void beat (Instant now);

  // Run-time settings; they take effect with the next decision.
  void set_children_max (Instant now, unsigned children_max);
  void set_add_policy (AddPolicyKind kind);
  void set_second_add_policy (AddPolicyKind kind);
  void set_delete_policy (DeletePolicyKind kind);
  void set_address (std::string address);
  void set_uplink_bps (std::uint64_t uplink_bps);
  // As soon as it is measured; the parent is told.
  void set_path (Instant now, NetworkPath path);
  // Again and again, as it is measured; nothing: no stream, or nothing to
  // measure it by. Goes up with heart-beats, none is sent for it.
  void set_reception (Instant now, const std::optional<Reception> &reception);

  // What to do, oldest first.
  std::optional<Action> poll_action ();
  // When handle_timeout() next has work to do; Instant::max() if never.
  [[nodiscard]] Instant next_timeout () const;
  // Whom an orphan would ask first; nobody: there is no parent, or none to take
  // its place. A connection kept ready saves a round trip then.
  [[nodiscard]] std::optional<Contact> standby () const;

  // Getters.
  [[nodiscard]] const Config &config () const;
  [[nodiscard]] PeerState state () const;
  [[nodiscard]] Contact self () const;
  [[nodiscard]] std::optional<Contact> parent () const;
  [[nodiscard]] std::optional<LinkId> parent_link () const;
  // The links data may come from: the parent's, and during a handover the old
  // parent's.
  [[nodiscard]] std::vector<LinkId> data_links () const;
  [[nodiscard]] const RootPath &root_path () const;
  // Whether others can connect to us, as a parent said last.
  [[nodiscard]] Reach reachable () const;
  [[nodiscard]] unsigned level () const; // 0 for the source
  [[nodiscard]] std::vector<ChildInfo> children () const;
  [[nodiscard]] Subtree subtree () const;
  [[nodiscard]] Quality quality () const;
  // Before capacity was lowered, or who was sent on stayed: the newest child
  // makes way when its next heart-beat comes.
  [[nodiscard]] bool feeds_too_many () const;
  // The next heart-beat, sent or idle; Instant::max() with no neighbours.
  [[nodiscard]] Instant next_beat (Instant now) const;
  // Asks of the current or last search.
  [[nodiscard]] unsigned tries () const;

  // Asserts the invariants of one peer; for tests and debug builds.
  void check_invariants () const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace spreadit::core
