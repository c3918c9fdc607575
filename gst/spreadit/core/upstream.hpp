// Towards the parent: find one, keep it, notice when it is gone (IV-A, IV-B,
// IV-D).
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <optional>
#include <variant>

#include "core/delete_policy.hpp"
#include "core/node.hpp"
#include "core/search.hpp"

namespace spreadit::core {

class Upstream {
public:
  // What the rest of the peer has to know and to say.
  class Listener {
  public:
    virtual ~Listener () = default;
    // We look for a parent: locked from here on. With a target: so shall all
    // our descendants, beginning there.
    virtual void on_moving (Instant now, const Contact *everyone_to) = 0;
    // We ask somebody: what comes along?
    virtual Subtree on_asking (Instant now) = 0;
    // Whom we asked is our parent now.
    virtual void on_accepted () = 0;
    virtual void on_verified (Instant now, const message::Verified &) = 0;
    // The parent wants to hear from us now.
    virtual void on_probed (Instant now) = 0;
    // The stream is over. No parent any more when these are called.
    virtual void on_ended (Instant now, bool while_leaving) = 0;
    virtual void on_failed (Instant now) = 0;
    [[nodiscard]] virtual bool is_child (PeerId id) const = 0;
  };

  Upstream (Node &node, Listener &listener);

  void become_source ();
  void set_stream_ready (bool ready);
  void subscribe (Instant now, Contact source);
  // Take the stream until close() or `until`, but move no more.
  void leave (Instant until);
  // To another parent, of our own accord. Only while settled and fed.
  void move_to (Instant now, Contact target);
  // Hang up; over.
  void close ();

  [[nodiscard]] bool owns (LinkId link) const;
  void link_opened (Instant now, LinkId link);
  void link_closed (Instant now, LinkId link);
  void handle_message (Instant now, LinkId link, const Message &message);
  // Whether that was news.
  bool data_seen (Instant now, LinkId link, Instant came);
  void data_over_tcp (LinkId link);
  void message_seen (LinkId link, Instant came);
  void round_trip_seen (LinkId link, Duration round_trip);
  void handle_timeout (Instant now);
  [[nodiscard]] Instant next_timeout () const;
  void tell_alive (const message::Alive &alive) const;
  // Our path is known now, or better.
  void located (Instant now);
  void set_delete_policy (DeletePolicy policy) { delete_policy_ = policy; }
  // Whether to ask for a higher place when there for long (Auto).
  // Whoever is there already does not begin to.
  void set_rises (bool rises) { rises_ = rises; }

  [[nodiscard]] PeerState state () const;
  [[nodiscard]] bool is_fed () const; // and may feed others
  // Why nobody may join us now; nothing: they may.
  [[nodiscard]] std::optional<RefuseReason> refusal () const;
  // May say "I am not moving" to a loop check, if nobody above us is.
  [[nodiscard]] bool may_vouch () const;
  [[nodiscard]] bool is_source () const;
  // Idle, or over after a leave or a failure.
  [[nodiscard]] bool is_unused () const;
  [[nodiscard]] bool is_leaving () const;
  [[nodiscard]] std::optional<Contact> parent () const;
  [[nodiscard]] std::optional<LinkId> parent_link () const;
  [[nodiscard]] std::vector<LinkId> data_links () const;
  // While we have no parent: the last one's.
  [[nodiscard]] const RootPath &root_path () const;
  // From the source to us, as far as it is known; nothing: there is no parent.
  [[nodiscard]] std::optional<std::uint32_t> tree_delay_ms () const;
  [[nodiscard]] unsigned root_path_changes () const
  {
    return root_path_changes_;
  }
  [[nodiscard]] unsigned tries () const { return tries_; }
  // Whom we would ask first if the parent were lost.
  [[nodiscard]] std::optional<Contact> standby () const;
  // Where our descendants go when we leave.
  [[nodiscard]] Contact farewell_target () const;
  void check_invariants () const;

private:
  struct Parent {
    LinkId link;
    Contact contact;
    Instant heard;                  // the last message
    std::optional<Instant> data;    // the last packet
    bool receiving = true;          // says the parent
    bool is_late = false;           // in doubt: nothing came for a while
    bool over_tcp = false;          // its packets
    std::uint32_t children_max = 0; // 0: not told
    std::uint32_t tree_delay_ms = 0;
    Duration round_trip{}; // zero: not measured
    RootPath path;         // our root path through it
  };
  struct Idle {};
  struct Source {
    bool ready = false;
  };
  // No parent, or one that sent us on and still feeds us.
  struct Searching {
    // Not in place: most of a life goes by without one.
    std::unique_ptr<Search> search;
    std::optional<Parent> old;
  };
  struct Settled {
    Parent parent;
    // Make before break: kept until the parent's first packet.
    std::optional<Parent> old;
    Instant since;
    // Until its first packet: how we found it, to go on if there is none.
    std::unique_ptr<Search> search;
    std::optional<Instant> leave_by; // it is transient itself
  };
  struct Leaving {
    std::optional<Parent> parent;
    Instant until;
  };
  struct Over {
    bool failed;
  };

  // The search: upstream_search.cpp.
  void search (Instant now, Search search, Contact target,
      std::optional<Parent> old, bool everyone = false);
  void search_after_silent_source (
      Instant now, Search search, std::optional<Parent> old);
  void ask (Instant now, Contact target, std::optional<Contact> via);
  void ask_after (
      Instant now, Duration wait, Contact target, std::optional<Contact> via);
  void ask_next_best (Instant now, Duration wait);
  void target_failed (Instant now);
  void source_failed (Instant now, FailReason why);
  void give_up (Instant now);
  void fail (Instant now, FailReason reason, std::string address);
  void old_is_gone (Instant now);
  [[nodiscard]] bool is_over (Instant now) const;
  void handle_answer (Instant now, const Message &message);
  void handle_answer (Instant now, const message::Accept &accept);
  void handle_answer (Instant now, const message::Redirect &redirect);
  void handle_answer (Instant now, const message::Refuse &refuse);
  void refused_for_good (Instant now, RefuseReason reason);
  void refused_for_now (Instant now, const message::Refuse &refuse);
  void step_is_due (Instant now);
  [[nodiscard]] bool is_acceptable (const message::Accept &accept) const;
  [[nodiscard]] bool may_ask (const Contact &target) const;
  [[nodiscard]] bool is_the_source (const Contact &contact) const;

  // The sessions: upstream.cpp.
  void settle (Instant now, const message::Accept &accept);
  enum class Loss { closed, silent };
  void parent_is_lost (Instant now, Loss how);
  void parent_is_useless (Instant now, LinkId link);
  void doubt_parent (Instant now);
  void drop_old (Instant now);
  void handle_alive (Instant now, Parent &parent, const message::Alive &alive);
  void set_patience (Instant now, bool receiving);
  void learn_reach (const Contact &parent, Reach reachable);
  void handle_redirect (Instant now, const message::Redirect &redirect);
  void handle_ended (Instant now);
  void tell_parents (const Message &message) const;
  void first_packet (Instant now);
  void move_near (Instant now);
  void check_settled (Instant now);
  void rise (Instant now);
  Instant rise_after (Instant now, Duration wait);
  [[nodiscard]] Instant rises_at (const Settled &settled) const;
  [[nodiscard]] bool is_rise_worth (const message::Accept &accept) const;
  void return_to_old (Instant now);
  void hang_up (LinkId link);
  void abandon_ask ();
  [[nodiscard]] bool feeds (const std::optional<Parent> &parent) const;
  [[nodiscard]] bool feeds_now (const std::optional<Parent> &parent) const;
  [[nodiscard]] Instant deadline (const Parent &parent) const;
  [[nodiscard]] Instant deadline (const Settled &settled) const;
  [[nodiscard]] const Parent *parent_or_old () const;
  [[nodiscard]] Parent *find (LinkId link);
  [[nodiscard]] Contact loss_target (const RootPath &path) const;
  [[nodiscard]] Instant doubtful_at (const Settled &settled) const;
  [[nodiscard]] Duration data_silence_max (const Parent &parent) const;

  Node &node_;
  Listener &listener_;
  DeletePolicy delete_policy_;
  std::variant<Idle, Source, Searching, Settled, Leaving, Over> state_;
  Contact source_;     // its id as soon as somebody tells it
  RootPath last_path_; // while we have no parent
  unsigned root_path_changes_ = 0;
  std::uint64_t next_link_ = 1;
  unsigned tries_ = 0;
  Duration data_doubt_;  // longer with each false alarm of the same parent
  bool was_fed_ = false; // once in this application session
  bool rises_ = false;
  Instant rise_at_ = Instant::max ();
  // Whom to ask again once our path is known: it placed us without.
  std::unique_ptr<Contact> placed_blindly_by_;
};

} // namespace spreadit::core
