// What a Peer is made of, and what its two sides tell each other.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "core/downstream.hpp"
#include "core/loop_guard.hpp"
#include "core/peer.hpp"
#include "core/quality.hpp"
#include "core/upstream.hpp"

namespace spreadit::core {

struct Peer::Impl final : Upstream::Listener {
  explicit Impl (Config config);

  // Upstream::Listener.
  void on_moving (Instant now, const Contact *everyone_to) override;
  Subtree on_asking (Instant now) override;
  void on_accepted () override;
  void on_verified (Instant now, const message::Verified &verified) override;
  void on_probed (Instant now) override;
  void on_ended (Instant now, bool while_leaving) override;
  void on_failed (Instant now) override;
  bool is_child (PeerId id) const override;

  void handle_child (Instant now, LinkId link, const Message &message);
  void handle_verify (Instant now, LinkId link, const message::Verify &verify);
  void step_down (Instant now, const Contact &wider);
  void dialed_back (
      Instant now, LinkId link, const std::string &address, Reach reach);
  void answer_check (LoopGuard::Route route, bool ok);
  void set_add_policy (AddPolicyKind kind);
  void set_reception (const std::optional<Reception> &reception);
  void unsubscribe (Instant now);
  void end_stream (Instant now);
  void finish (Instant now);
  void handle_timeout (Instant now);

  // After every verb: tells whoever has to know what has changed.
  void settle_accounts (Instant now);
  void tell_state ();
  void tell_children ();
  void tell_parent (Instant now);
  void tell_parent_now (Instant now);
  void beat (Instant now);
  void skip_idle_beats (Instant now);
  void know_tree_delay ();
  [[nodiscard]] Instant next_beat (Instant now) const;
  [[nodiscard]] bool has_partners () const;
  [[nodiscard]] bool parent_knows () const;
  [[nodiscard]] bool parent_knows_quality () const;
  [[nodiscard]] bool is_idle () const;
  [[nodiscard]] Quality quality () const;
  [[nodiscard]] message::Alive alive_up (Instant now) const;
  [[nodiscard]] message::Alive alive () const;
  [[nodiscard]] message::Alive alive_down () const;
  [[nodiscard]] Standing standing () const;
  void check_invariants () const;

  // What our neighbours know of us.
  struct ToldDown {
    bool receiving = true;
    unsigned root_path_changes = 0;
    std::uint32_t tree_delay_ms = 0;
    bool operator== (const ToldDown &) const = default;
  };
  struct ToldUp {
    std::uint32_t children_max = 0;
    Subtree subtree;
    std::uint64_t openings = 0; // Downstream::openings_digest()
    bool operator== (const ToldUp &) const = default;
  };
  [[nodiscard]] ToldDown news_down () const;
  [[nodiscard]] ToldUp news_up () const;

  Node node;
  LoopGuard guard;
  Downstream downstream;
  Upstream upstream;
  PeerState told_state = PeerState::idle;
  ToldDown told_down;
  ToldUp told_up;
  ToldUp told_in_ask;
  Quality own_quality;
  Quality told_quality; // not in a hurry: with the next heart-beat
  Instant report_at = Instant::min (); // not before
  // It would be, but waits for what comes of a dial.
  std::optional<Instant> report_held_from;
  Instant beat_at = Instant::max ();
};

} // namespace spreadit::core
