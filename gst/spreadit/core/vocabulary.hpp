// The paper's words as types. No behaviour lives here.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/contact.hpp"
#include "core/root_path.hpp"

namespace spreadit::core {

// There is no now(): the core cannot ask for the time.
struct PeerClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<PeerClock>;
  static constexpr bool is_steady = true;
};
using Instant = PeerClock::time_point;
using Duration = PeerClock::duration;

// One control connection and, once accepted, the data-transfer session on it
// (II). The core names the links it asks for (Connect); whoever drives the core
// names the incoming ones, with `incoming_link` set.
enum class LinkId : std::uint64_t {};
inline constexpr std::uint64_t incoming_link = std::uint64_t{1} << 63;

// O(1) aggregate of everything below and including one peer.
struct Subtree {
  std::uint32_t peers = 1;  // this one included, plain players too
  std::uint32_t levels = 0; // below this one; 0 for a leaf
  std::uint32_t free = 0;   // slots for children, this one's included
  bool operator== (const Subtree &) const = default;
};

// What a peer measures of the stream that comes to it, lately.
struct Reception {
  std::uint32_t lost_ppm = 0;    // RTP packets of a million that never came
  std::optional<Duration> delay; // from the source's clock to here, the median
};

// O(1) aggregate of how the stream fares at the peers of a subtree that tell.
// Not a source, which gets none, nor plain players, which say nothing of it.
struct Quality {
  std::uint32_t peers = 0;          // that these are of; 0: nobody tells
  std::uint32_t lost_worst_ppm = 0; // what the one tells that loses most
  std::uint32_t lost_mean_ppm = 0;
  std::uint32_t delay_worst_ms = 0; // 0: not known
  std::uint32_t delay_mean_ms = 0;  // of those that know theirs
  bool operator== (const Quality &) const = default;
};

// Where a peer is in the network: its traceroute (V-A.3) to the source, which
// is the one place that all peers of a stream know.
struct NetworkPath {
  static constexpr std::uint64_t silent = 0; // a router that did not answer

  // From the source's end to ours. A router's name is opaque here; when live
  // it is the IPv4 address, or the first 64 bits of the IPv6 address.
  std::vector<std::uint64_t> routers;
  Duration rtt{}; // to the source; zero: not known
  bool operator== (const NetworkPath &) const = default;
};

// So much of it that others can tell whether they are near: the routers next to
// the peer, the nearest first. Silent ones are left out.
struct Vicinity {
  static constexpr std::size_t routers_max = 3;
  std::array<std::uint64_t, routers_max> routers{}; // silent: no more
  [[nodiscard]] std::span<const std::uint64_t> known () const
  {
    std::size_t count = 0;
    while (count < routers_max && routers[count] != NetworkPath::silent)
      ++count;
    return std::span (routers).first (count);
  }
  bool operator== (const Vicinity &) const = default;
};

// A peer that would take a newcomer, as those above it know it.
struct Opening {
  Contact contact;
  std::uint32_t depth = 0; // levels below who tells of it; 0: itself
  std::uint32_t free = 0;  // slots
  // Without a free slot: a newcomer that can take so many children gets the
  // slot of a narrower child, which goes below it. 0: nobody.
  std::uint32_t width_min = 0;
  std::uint32_t tree_delay_ms = 0; // its own, see Alive
  Duration age{}; // of its application session, when it was told
  Vicinity vicinity{};
  bool operator== (const Opening &) const = default;
};

enum class AddPolicyKind {
  random,
  round_robin,
  smart_placement,
  knock_downs,
  smart_bandwidth,
  automatic, // beyond the paper
};
enum class DeletePolicyKind { grandfather, root, grandfather_all, root_all };

enum class JoinReason {
  first,       // a new application session (IV-B)
  redirected,  // the parent sent us on (IV-A)
  parent_lost, // the parent failed (IV-D)
  rising,      // beyond the paper: fed, wants a place higher in the tree
};

enum class RefuseReason {
  saturated,     // no room here nor below: 453
  not_receiving, // transient or moving, worth asking again soon: 503
  loop,          // the asker is us or above us: 482
  no_stream,     // we do not carry that stream: 404
  not_allowed,   // 401, 403
  not_spreadit,  // answers RTSP, but not org.spreadit.1: 551 or a plain answer
  malformed,     // an answer we cannot read
  not_trusted,   // not whom we were told of; never said to anybody
};

enum class RedirectScope { self, subtree };

// Whether others can connect to a peer: its parent dials back, at the address
// it names (docs/decisions/0023).
enum class Reach : std::uint8_t { unknown, yes, no };

// What peers say to each other. Each is sent on a link.
namespace message {

// "Be my parent" (IV-B), from a peer or, with `plain_player`, on behalf of an
// RTSP player that is not SpreadIt. Such a player can only be accepted,
// redirected or refused.
struct Subscribe {
  Contact self;
  std::uint32_t children_max = 0;
  Subtree subtree; // what comes along
  JoinReason reason = JoinReason::first;
  std::uint32_t tries = 0;   // asked before in this search
  std::vector<PeerId> avoid; // refused or failed in this search, newest first
  // With JoinReason::parent_lost: the parent that fell silent, for its own
  // parent to look after.
  std::optional<PeerId> lost;
  std::uint32_t level = 0;         // with JoinReason::rising: its own
  std::uint64_t uplink_bps = 0;    // bit/s; 0: not known
  std::optional<NetworkPath> path; // nothing: not measured (yet)
  bool unreachable = false;        // as its last parent found out
  bool plain_player = false;
  bool operator== (const Subscribe &) const = default;
};

struct Accept {
  Contact self;
  RootPath root_path; // of the accepting peer
  std::vector<Contact> standby;
  std::uint32_t children_max = 0;  // of the accepting peer; 0: not told
  std::uint32_t tree_delay_ms = 0; // of the accepting peer, see Alive
  bool operator== (const Accept &) const = default;
};

struct Refuse {
  RefuseReason reason = RefuseReason::saturated;
  std::optional<Duration> retry_after;
  bool operator== (const Refuse &) const = default;
};

// The redirect primitive (IV-A): as the answer to a Subscribe, or any time in
// a session.
struct Redirect {
  Contact target;
  RedirectScope scope = RedirectScope::self;
  // As an answer: chosen without the asker's place in the network, which would
  // have counted. Once it is known, asking here again gets a better target.
  bool provisional = false;
  bool operator== (const Redirect &) const = default;
};

struct Unsubscribe {
  bool operator== (const Unsubscribe &) const = default;
};

// To the parent, before the children are redirected: do not send anyone here
// any more, and let one of my children have my slot.
struct Leaving {
  bool operator== (const Leaving &) const = default;
};

// Heart-beat (IV-D), both ways. Also sent at once when what it says changes.
struct Alive {
  Contact self;
  std::uint32_t children_max = 0;
  Subtree subtree;       // upwards; downwards it is for information only
  bool receiving = true; // false: transient
  // Downwards only: the sender's own root path. Empty upwards and from the
  // source.
  RootPath root_path;
  std::vector<Contact> standby; // downwards only
  // Upwards only: the best places at and below the sender, if it goes by them.
  std::vector<Opening> openings;
  Quality quality{}; // upwards only
  // Downwards only: whether others can connect to the receiver.
  Reach reachable = Reach::unknown;
  // Downwards only: the way from the source down the tree to the sender, half a
  // round trip a link. In steps (Peer::round_trip_seen()).
  std::uint32_t tree_delay_ms = 0;
  bool operator== (const Alive &) const = default;
};

// From the parent, when a child of the receiver says that the receiver is
// lost: answered at once with Alive.
struct Probe {
  bool operator== (const Probe &) const = default;
};

// Loop guard for movers that bring descendants. Travels from the accepting
// peer up to the source; every peer on the way that is `mover` or is moving
// itself says no. See docs/decisions/0001-no-cycle-ever.md.
struct Verify {
  PeerId mover;
  std::uint64_t token = 0; // unique per sender
  bool operator== (const Verify &) const = default;
};
struct Verified {
  std::uint64_t token = 0;
  bool ok = false;
  bool operator== (const Verified &) const = default;
};

// From the source down the tree: the stream is over, look for nobody else.
struct Ended {
  bool operator== (const Ended &) const = default;
};

// Smart-Bandwidth (V-A.5), to the parent: `to` has more uplink than I and will
// ask for my place; I go below it. Unlike a leaver I stay if that fails.
struct Yield {
  PeerId to;
  bool operator== (const Yield &) const = default;
};

// To the parent: what the Subscribe did not know yet.
struct Located {
  NetworkPath path;
  bool operator== (const Located &) const = default;
};

} // namespace message

using Message = std::variant<message::Subscribe, message::Accept,
    message::Refuse, message::Redirect, message::Unsubscribe, message::Leaving,
    message::Alive, message::Probe, message::Verify, message::Verified,
    message::Ended, message::Yield, message::Located>;

// What an application may see of a node (stats field "state").
enum class PeerState {
  idle,        // nothing asked for yet, or over after a clean leave
  discovering, // first search for a parent
  receiving,
  transient, // was receiving, expects the stream, does not get it (II)
  source,
  failed, // the application session is over, see action::Fail
};

enum class FailReason {
  no_room,      // out of tries; "no peer has room"
  unreachable,  // nobody answered, the source included
  no_packets,   // the source accepts, but nothing comes from it
  no_stream,    // the source does not carry the path
  not_allowed,  //
  not_spreadit, // whoever answered is not SpreadIt
  not_trusted,  // whoever answered cannot prove to be the source
};

// What the core wants done. Drain with Peer::poll_action().
namespace action {

// Open a control connection; answer with link_opened() or link_closed().
struct Connect {
  LinkId link;
  Contact target;
};
struct Send {
  LinkId link;
  Message message;
};
// No more of this link; nothing is to be reported on it any more. What was
// sent before is still delivered.
struct Close {
  LinkId link;
};
// The three actions in which control and data meet.
struct StartFeeding {
  LinkId link;
};
struct StopFeeding {
  LinkId link;
};
// Take the stream from `link` as well, until it is closed: during a handover
// two links are open (make-before-break), packets are deduplicated.
struct ReceiveFrom {
  LinkId link;
};
// Connect anew to the peer on this incoming link, at the address that it names
// for others, and see whether it is the one that answers there. Answer with
// dialed_back(), in bounded time and not before this action is performed.
struct DialBack {
  LinkId link;
  Contact peer;
};

// For the application's eyes.
struct Report {
  struct State {
    PeerState state;
  };
  struct ParentChanged { // also at the first parent
    Contact parent;
    std::uint32_t level;
    Duration discover; // the search: first ask until accepted
  };
  struct ChildAdded {
    Contact child;
    LinkId link;
    bool plain_player;
  };
  struct ChildRemoved {
    Contact child;
    LinkId link;
    bool failed; // vanished instead of leaving
  };
  struct ReachChanged { // as the parent found out; never unknown
    Reach reachable;
    Contact parent;
  };
  struct Ended {}; // the source said so
  struct Left {};  // unsubscribe() is done, no link is open
  std::variant<State, ParentChanged, ChildAdded, ChildRemoved, Ended, Left,
      ReachChanged>
      what;
};
struct Fail { // once; the application session is over
  FailReason reason;
  std::uint32_t tries;
  std::string address; // whom it was about; empty for no_room
};

} // namespace action

using Action = std::variant<action::Connect, action::Send, action::Close,
    action::StartFeeding, action::StopFeeding, action::ReceiveFrom,
    action::Report, action::Fail, action::DialBack>;

} // namespace spreadit::core
