// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cassert>
#include <utility>

#include "core/peer_impl.hpp"

namespace spreadit::core {

namespace {

// Each use of the seed has numbers of its own.
enum class Stream : std::uint64_t { waits = 1, tokens, add_policy };

Rng
stream_of (std::uint64_t seed, Stream stream)
{
  Rng rng (seed);
  std::uint64_t mixed = rng.next ();
  for (auto i = static_cast<std::uint64_t> (stream); i > 0; --i)
    mixed = rng.next ();
  return Rng (mixed);
}

Config
within_limits (Config config)
{
  config.children_max =
      std::min (config.children_max, limits::children_max_max);
  return config;
}

} // namespace

Peer::Impl::Impl (Config config)
    : node{within_limits (std::move (config)), Rng (0), {}},
      guard (stream_of (node.config.seed, Stream::tokens).next ()),
      downstream (node, guard), upstream (node, *this)
{
  node.rng = stream_of (node.config.seed, Stream::waits);
  set_add_policy (node.config.add_policy);
}

void
Peer::Impl::set_add_policy (AddPolicyKind kind)
{
  node.config.add_policy = kind;
  upstream.set_rises (kind == AddPolicyKind::automatic);
  downstream.set_add_policy (
      make_add_policy (kind, stream_of (node.config.seed, Stream::add_policy),
          node.config.second_add_policy));
}

void
Peer::Impl::set_reception (const std::optional<Reception> &reception)
{
  own_quality = reception ? in_steps (*reception, own_quality) : Quality{};
}

// What one side has to know of the other.

void
Peer::Impl::on_moving (Instant, const Contact *everyone_to)
{
  downstream.refuse_askers ();
  for (const LoopGuard::Route &route : guard.take_all ())
    answer_check (route, false);
  if (everyone_to)
    downstream.redirect ({*everyone_to, RedirectScope::subtree});
}

Subtree
Peer::Impl::on_asking (Instant now)
{
  told_in_ask = news_up ();
  // A child that we have forgotten may not have forgotten us. It may be above
  // whom we ask, so have that checked. The truth goes up as news, later.
  if (downstream.may_be_believed_in (now))
    told_in_ask.subtree.peers = std::max (told_in_ask.subtree.peers, 2u);
  // Who takes us in makes a place out of that, of one that has just come.
  if (told_in_ask.subtree.peers > 1 || now - node.since >= limits::new_max)
    told_in_ask.openings = 0;
  return told_in_ask.subtree;
}

// It knows what we asked with. What has changed since, only the old parent was
// told.
void
Peer::Impl::on_accepted ()
{
  told_up = told_in_ask;
  told_quality = {};
}

void
Peer::Impl::on_verified (Instant now, const message::Verified &verified)
{
  if (const auto route = guard.take (now, verified.token))
    answer_check (*route, verified.ok);
  else
    downstream.verified (now, verified.token, verified.ok, standing ());
}

void
Peer::Impl::on_probed (Instant now)
{
  tell_parent_now (now);
}

void
Peer::Impl::on_ended (Instant now, bool while_leaving)
{
  guard.take_all ();
  downstream.refuse_askers ();
  downstream.tell_ended ();
  node.outbox.report (action::Report::Ended{});
  downstream.close_all (now);
  if (while_leaving)
    node.outbox.report (action::Report::Left{});
}

void
Peer::Impl::on_failed (Instant now)
{
  tell_state ();
  downstream.close_all (now);
}

bool
Peer::Impl::is_child (PeerId id) const
{
  return downstream.is_child (id);
}

Standing
Peer::Impl::standing () const
{
  const auto refusal = upstream.refusal ();
  const bool may_send_on =
      refusal == RefuseReason::not_receiving && upstream.is_fed ();
  return {refusal, may_send_on, upstream.root_path (), upstream.parent_link ()};
}

// Messages of children and of those who want to be.

void
Peer::Impl::handle_child (Instant now, LinkId link, const Message &message)
{
  downstream.heard (now, link);
  if (const auto *ask = std::get_if<message::Subscribe> (&message)) {
    downstream.handle_message (now, link, *ask, standing ());
    // One report for both, if the answer is quick.
    if (!report_held_from && downstream.is_dialing (link)) {
      skip_idle_beats (now); // they are before the hold
      report_held_from = report_at;
      report_at = std::max (report_at, now + limits::report_interval_min);
    }
  } else if (const auto *bye = std::get_if<message::Unsubscribe> (&message))
    downstream.handle_message (link, *bye);
  else if (const auto *leaving = std::get_if<message::Leaving> (&message))
    downstream.handle_message (now, link, *leaving);
  else if (const auto *alive = std::get_if<message::Alive> (&message))
    downstream.handle_message (now, link, *alive);
  else if (const auto *verify = std::get_if<message::Verify> (&message))
    handle_verify (now, link, *verify);
  else if (const auto *yield = std::get_if<message::Yield> (&message))
    downstream.handle_message (now, link, *yield);
  else if (const auto *located = std::get_if<message::Located> (&message))
    downstream.handle_message (link, *located);
  // The rest is for children to hear, not to say.
}

// Our place in the tree is for that one; we go below it (V-A.5). It has to be
// accepted first, so we and our children come too early and ask again: until
// then everyone keeps the parent it has.
void
Peer::Impl::step_down (Instant now, const Contact &wider)
{
  upstream.move_to (now, wider);
  downstream.redirect ({wider, RedirectScope::self});
}

void
Peer::Impl::dialed_back (
    Instant now, LinkId link, const std::string &address, Reach reach)
{
  const auto outcome = downstream.dialed_back (now, link, address, reach);
  if (const auto held_from = std::exchange (report_held_from, std::nullopt))
    report_at = *held_from;
  if (outcome.is_news)
    downstream.tell_alive (link, alive_down ());
  // Much may have changed since it asked.
  const Standing now_standing = standing ();
  if (outcome.wider && !now_standing.refusal && now_standing.parent_link)
    step_down (now, *outcome.wider);
}

// "Is anyone above here that mover, or moving itself?" Only the source can say
// no for good. docs/decisions/0001-no-cycle-ever.md has the proof.
void
Peer::Impl::handle_verify (
    Instant now, LinkId link, const message::Verify &verify)
{
  if (!downstream.is_peer (link))
    return;
  const bool no = verify.mover == node.config.id || !upstream.may_vouch ();
  if (no || upstream.is_source ())
    return answer_check ({link, verify.token}, !no);
  if (const auto token = guard.remember (now, {link, verify.token}))
    node.outbox.send (
        *upstream.parent_link (), message::Verify{verify.mover, *token});
  else
    answer_check ({link, verify.token}, false);
}

void
Peer::Impl::answer_check (LoopGuard::Route route, bool ok)
{
  if (downstream.is_peer (route.link)) // it may be gone by now
    node.outbox.send (route.link, message::Verified{route.token, ok});
}

// Leaving.

void
Peer::Impl::unsubscribe (Instant now)
{
  if (upstream.is_source ())
    return end_stream (now);
  if (upstream.is_leaving () || !downstream.has_peers ())
    return finish (now);
  const DeletePolicy policy = make_delete_policy (node.config.delete_policy);
  const Contact target = upstream.farewell_target ();
  // The parent first: it must not send our children back to us.
  upstream.leave (now + node.config.linger);
  on_moving (now, nullptr);
  downstream.redirect ({target, policy.who});
}

void
Peer::Impl::end_stream (Instant now)
{
  if (!upstream.is_source ())
    return unsubscribe (now);
  downstream.tell_ended ();
  finish (now);
}

void
Peer::Impl::finish (Instant now)
{
  guard.take_all ();
  upstream.close ();
  downstream.close_all (now);
  node.outbox.report (action::Report::Left{});
}

void
Peer::Impl::handle_timeout (Instant now)
{
  skip_idle_beats (now); // or news of right now would seem to be late
  downstream.handle_timeout (now);
  const bool lingered =
      upstream.is_leaving () && upstream.next_timeout () <= now;
  if (lingered)
    finish (now);
  else
    upstream.handle_timeout (now);
  if (beat_at <= now && !is_idle ())
    beat (now);
}

// Telling.

void
Peer::Impl::settle_accounts (Instant now)
{
  if (upstream.is_leaving () && !downstream.has_peers ())
    finish (now);
  know_tree_delay ();
  tell_state ();
  tell_children ();
  skip_idle_beats (now);
  tell_parent (now);
  if (!has_partners ())
    beat_at = Instant::max ();
  else if (beat_at == Instant::max ())
    beat_at = now + node.config.alive_interval;
#ifndef NDEBUG
  upstream.check_invariants (); // those of the children: where one is added
#endif
}

// A change that is none for others is no news for them.
void
Peer::Impl::know_tree_delay ()
{
  const auto found = upstream.tree_delay_ms ();
  if (!found)
    return;
  const std::uint32_t told = node.tree_delay_ms;
  const std::uint32_t apart = std::max (*found, told) - std::min (*found, told);
  if (apart > std::max (limits::tree_delay_step_ms, told / 8))
    node.tree_delay_ms = *found;
}

void
Peer::Impl::tell_state ()
{
  const PeerState state = upstream.state ();
  if (std::exchange (told_state, state) != state)
    node.outbox.report (action::Report::State{state});
}

// At once: they must neither offer a place nor refuse one by an old root path.
void
Peer::Impl::tell_children ()
{
  const ToldDown news = news_down ();
  if (std::exchange (told_down, news) != news && downstream.has_peers ())
    downstream.tell_alive (alive_down ());
}

void
Peer::Impl::tell_parent (Instant now)
{
  if (!parent_knows () && now >= report_at)
    tell_parent_now (now);
}

void
Peer::Impl::tell_parent_now (Instant now)
{
  // What is not worth a word of its own goes along with another.
  if (!parent_knows () || !parent_knows_quality ())
    told_quality = quality ();
  told_up = news_up ();
  report_at = now + limits::report_interval_min;
  report_held_from.reset ();
  upstream.tell_alive (alive_up (now));
}

bool
Peer::Impl::parent_knows () const
{
  return upstream.is_source () || !upstream.parent_link () ||
         told_up == news_up ();
}

bool
Peer::Impl::parent_knows_quality () const
{
  return upstream.is_source () || !upstream.parent_link () ||
         is_about (told_quality, quality ());
}

// A heart-beat would say nothing new, and such are not wanted.
bool
Peer::Impl::is_idle () const
{
  return !node.config.idle_beats && parent_knows () && parent_knows_quality ();
}

// Of those below us as they told, and of us.
Quality
Peer::Impl::quality () const
{
  QualitySum sum;
  sum.add (own_quality);
  downstream.add_to (sum);
  return sum.total ();
}

void
Peer::Impl::beat (Instant now)
{
  beat_at = now + node.config.alive_interval;
  told_down = news_down ();
  downstream.tell_alive (alive_down ());
  tell_parent_now (now);
}

// As if those that were due had been sent: what they leave behind is when the
// next one and the next report are due.
void
Peer::Impl::skip_idle_beats (Instant now)
{
  if (node.config.idle_beats || beat_at >= now)
    return;
  beat_at = next_beat (now);
  report_at = std::max (report_at,
      beat_at - node.config.alive_interval + limits::report_interval_min);
}

// Now or later.
Instant
Peer::Impl::next_beat (Instant now) const
{
  if (beat_at >= now)
    return beat_at;
  const Duration interval = node.config.alive_interval;
  const auto missed = (now - beat_at + interval - Duration (1)) / interval;
  return beat_at + missed * interval;
}

bool
Peer::Impl::has_partners () const
{
  return upstream.parent_link () || downstream.has_peers ();
}

Peer::Impl::ToldDown
Peer::Impl::news_down () const
{
  return {
      upstream.is_fed (), upstream.root_path_changes (), node.tree_delay_ms};
}

Peer::Impl::ToldUp
Peer::Impl::news_up () const
{
  Subtree subtree = downstream.subtree ();
  if (upstream.is_leaving ())
    subtree.free = 0;
  // Nobody is told of the source's.
  const bool tells = !upstream.is_leaving () && !upstream.is_source ();
  return {node.config.children_max, subtree,
      tells ? downstream.openings_digest () : 0};
}

message::Alive
Peer::Impl::alive_up (Instant now) const
{
  message::Alive up = alive ();
  if (!upstream.is_leaving ())
    up.openings = downstream.openings (now);
  up.quality = told_quality;
  return up;
}

message::Alive
Peer::Impl::alive () const
{
  const ToldUp news = news_up ();
  return {node.self (), news.children_max, news.subtree, upstream.is_fed (), {},
      {}, {}, {}, Reach::unknown};
}

message::Alive
Peer::Impl::alive_down () const
{
  message::Alive down = alive ();
  down.root_path = upstream.root_path ();
  down.tree_delay_ms = node.tree_delay_ms;
  return down;
}

void
Peer::Impl::check_invariants () const
{
  upstream.check_invariants ();
  downstream.check_invariants ();
  assert (guard.size () <= limits::verifies_max);
  // Nobody waits for a word from above that cannot come.
  assert (upstream.may_vouch () || guard.size () == 0);
  assert (!upstream.is_unused () || !has_partners ());
}

} // namespace spreadit::core
