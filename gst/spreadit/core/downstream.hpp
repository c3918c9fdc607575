// Towards the children: who is one, who may become one, where the others are
// sent (III-3, IV-B, IV-C, IV-D).
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/add_policy.hpp"
#include "core/loop_guard.hpp"
#include "core/node.hpp"
#include "core/quality.hpp"

namespace spreadit::core {

// What a newcomer has to know about us: our place in the tree.
struct Standing {
  // Why nobody may join now; nothing: they may.
  std::optional<RefuseReason> refusal;
  // Nobody may join here, but who would not have room anyway may be sent on: we
  // look for another parent and the old one feeds us.
  bool may_send_on = false;
  const RootPath &root_path;
  // Where to ask whether a mover is above us; nothing: we are the source.
  std::optional<LinkId> parent_link;
};

class Downstream {
public:
  Downstream (Node &node, LoopGuard &guard);

  // What children and those who want to be say.
  void handle_message (Instant now, LinkId link, const message::Subscribe &ask,
      const Standing &standing);
  void handle_message (LinkId link, const message::Unsubscribe &);
  void handle_message (Instant now, LinkId link, const message::Leaving &);
  void handle_message (Instant now, LinkId link, const message::Alive &alive);
  void handle_message (Instant now, LinkId link, const message::Yield &yield);
  void handle_message (LinkId link, const message::Located &located);
  // Any message from a child is a sign of life.
  void heard (Instant now, LinkId link);
  void message_seen (Instant now, LinkId link, Instant came);
  // The word of the source about an asker that waits for it.
  void verified (
      Instant now, std::uint64_t token, bool ok, const Standing &standing);

  struct DialedBack {
    bool is_news = false; // for the child on that link, at once
    // Gets our place, for us to go below it.
    std::optional<Contact> wider{};
  };
  [[nodiscard]] DialedBack dialed_back (
      Instant now, LinkId link, const std::string &address, Reach reach);

  void link_closed (Instant now, LinkId link);
  void handle_timeout (Instant now);
  [[nodiscard]] Instant next_timeout () const { return check_at_; }

  // What this peer does to its children.
  void refuse_askers (); // it starts to move, or leaves
  void redirect (const message::Redirect &redirect);
  void tell_ended ();
  // A heart-beat; completed here with what is for a child alone.
  void tell_alive (const message::Alive &alive);
  void tell_alive (LinkId link, const message::Alive &alive);
  void close_all (Instant now);

  void set_add_policy (std::unique_ptr<AddPolicy> policy);

  // A child that speaks SpreadIt.
  [[nodiscard]] bool is_peer (LinkId link) const;
  [[nodiscard]] bool is_child (PeerId id) const;
  [[nodiscard]] bool is_dialing (LinkId link) const;
  [[nodiscard]] bool has_peers () const;
  [[nodiscard]] Subtree subtree () const;
  void add_to (QualitySum &sum) const; // what the children tell
  // The best at and below us, for the parent; none if the policy does not go by
  // them and the parent can send others to us.
  [[nodiscard]] std::vector<Opening> openings (Instant now) const;
  // Another number when these are others; their ages do not count.
  [[nodiscard]] std::uint64_t openings_digest () const;
  [[nodiscard]] bool feeds_too_many () const;
  // Some child that vanished may still believe in us.
  [[nodiscard]] bool may_be_believed_in (Instant now) const;
  [[nodiscard]] std::vector<ChildInfo> children () const;
  void check_invariants () const;

private:
  // Its slot is kept for a wider peer (V-A.5).
  struct Yielding {
    PeerId to;
    Instant until;
  };
  // Whether others can connect to a child.
  struct Dialing {
    Reach reach = Reach::unknown;
    bool is_under_way = false;
    std::uint8_t failures = 0; // in a row
    Instant began = Instant::min ();
    Instant due = Instant::max (); // the next one; never: nobody wants it
  };
  // Waits until it is known that others can connect to `target`.
  struct Move {
    // Goes below it then; nobody: that gets our place.
    std::optional<LinkId> child;
    LinkId target_link;
    Contact target;
    Instant until;
  };
  // At a child or below it.
  struct KnownOpening {
    Opening opening;    // its depth counted from us
    Instant since;      // of its application session
    unsigned spent = 0; // slots to which we have sent somebody
    Instant spent_until = Instant::min ();
  };
  struct Child {
    LinkId link;
    Contact contact;
    Subtree subtree;
    std::uint32_t children_max;
    bool plain_player;
    Instant since;
    Instant heard;
    std::optional<PeerId> lost{};       // its last parent, if that fell silent
    std::optional<Instant> gone_by{};   // it said that it is leaving
    std::optional<Instant> answer_by{}; // its own child says that it is silent
    std::optional<Instant> sent_on_until{}; // if it has not gone by then
    std::optional<Yielding> yielding{};
    std::unique_ptr<const NetworkPath> path{}; // if it told us
    std::vector<KnownOpening> openings{};
    Quality quality{};
    Dialing dialing{};
  };
  // Brings descendants along and waits for the word of the source.
  struct Asker {
    LinkId link;
    message::Subscribe ask;
    std::uint64_t token;
    Instant until;
    // There is no slot for it: it gets that of a child.
    bool replaces;
  };
  using Children = std::vector<Child>;

  [[nodiscard]] std::optional<RefuseReason> object (
      const message::Subscribe &ask, const Standing &standing) const;
  void accept (Instant now, LinkId link, const message::Subscribe &ask,
      const Standing &standing);
  void welcome (const Child &child, const Standing &standing);
  void verify (Instant now, LinkId link, const message::Subscribe &ask,
      LinkId parent_link, bool replaces);
  void probe_lost (Instant now, const message::Subscribe &ask);
  void make_way (Instant now, const Child &child);
  enum class Check { none, done }; // whether the asker is above us
  void decide (Instant now, LinkId link, const message::Subscribe &ask,
      const Standing &standing, Check check);
  void take_instead (Instant now, LinkId link, const message::Subscribe &ask,
      const Standing &standing, const decision::TakeInstead &decision);
  void step_down (Instant now, LinkId link, const message::Subscribe &ask,
      const Standing &standing);
  void send_elsewhere (Instant now, LinkId link, const message::Subscribe &ask,
      RefuseReason otherwise = RefuseReason::saturated);
  [[nodiscard]] std::optional<Contact> choose (
      Instant now, const message::Subscribe &ask);
  // downstream_reach.cpp
  [[nodiscard]] bool is_to_be_dialed (const Child &child) const;
  void dial (Instant now, Child &child);
  void consider_dialing (Instant now, Child &child);
  void doubt_avoided (Instant now, const message::Subscribe &ask);
  void resolve_moves (
      Instant now, LinkId target_link, Reach reach, DialedBack &outcome);
  void forget_move (const Move &move);
  void forget_moves (LinkId link);
  [[nodiscard]] static std::uint32_t room_below (const Child &child);
  [[nodiscard]] static std::uint32_t width_of (const Child &child);
  [[nodiscard]] static bool may_go_below_anybody (const Child &child);
  void take_above (Instant now, LinkId link, const message::Subscribe &ask,
      const Standing &standing, Child &child);
  // downstream_openings.cpp
  void know_openings (Instant now, Child &child, std::span<const Opening> told);
  [[nodiscard]] Opening own_opening () const;
  [[nodiscard]] std::vector<DistantOpening> distant_openings (
      Instant now, const message::Subscribe &ask) const;
  void spend (Instant now, PeerId id);
  template <class Visit> void for_best_openings (Visit visit) const;
  [[nodiscard]] bool tells_openings () const;
  [[nodiscard]] std::vector<PeerId> unreachable_children () const;
  void add_ways_past (const Child &child, const message::Subscribe &ask,
      const std::vector<PeerId> &unreachable,
      std::vector<Candidate> &candidates) const;
  [[nodiscard]] std::vector<Candidate> offered (
      const message::Subscribe &ask) const;
  [[nodiscard]] std::vector<Candidate> movable (
      Instant now, const message::Subscribe &ask) const;
  [[nodiscard]] bool may_step_down (Instant now, const message::Subscribe &ask,
      const Standing &standing) const;
  [[nodiscard]] const Contact &contact_of (PeerId id) const;
  void refuse (LinkId link, RefuseReason reason);
  void tell_alive (const Child &child, message::Alive beat,
      std::span<const Contact> helpers) const;
  enum class Line { open, closed };
  void replace (Instant now, PeerId id, LinkId by);
  void forget (Instant now, Children::iterator child, Line line);
  void remove (Children::iterator child, Line line, bool failed);

  Children::iterator find (LinkId link);
  Children::iterator find_peer (PeerId id);
  [[nodiscard]] static bool lends_its_slot (const Child &child);
  [[nodiscard]] bool has_room_for (const message::Subscribe &ask) const;
  void take_yielded_slot (Instant now, const message::Subscribe &ask);
  [[nodiscard]] std::size_t slots_used () const;
  [[nodiscard]] std::size_t slots_free () const;
  [[nodiscard]] bool is_offered (
      const Child &child, const message::Subscribe &ask) const;
  [[nodiscard]] std::vector<Contact> standby (
      const RootPath &root_path, std::size_t count) const;
  [[nodiscard]] Instant deadline (const Child &child) const;
  [[nodiscard]] Instant due (const Child &child) const;

  Node &node_;
  LoopGuard &guard_;
  std::unique_ptr<AddPolicy> add_policy_;
  Children children_; // in the order they came
  std::vector<Asker> askers_;
  std::vector<Move> moves_; // at most one for each child, and ours
  Instant believed_until_ = Instant::min ();
  Instant step_down_at_ = Instant::min ();    // not before
  Instant take_instead_at_ = Instant::min (); // not before
  // No deadline of ours is earlier. Not exact: a heart-beat only moves the
  // deadline of a child back, and looking at 10,000 children for each is dear.
  Instant check_at_ = Instant::max ();
};

} // namespace spreadit::core
