// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cassert>
#include <utility>

#include "core/contacts.hpp"
#include "core/upstream.hpp"

namespace spreadit::core {

Upstream::Upstream (Node &node, Listener &listener)
    : node_ (node), listener_ (listener),
      delete_policy_ (make_delete_policy (node.config.delete_policy)),
      data_doubt_ (node.config.data_doubt)
{
}

// The application session.

void
Upstream::become_source ()
{
  state_ = Source{};
}

void
Upstream::set_stream_ready (bool ready)
{
  if (auto *source = std::get_if<Source> (&state_))
    source->ready = ready;
}

void
Upstream::subscribe (Instant now, Contact source)
{
  source_ = std::move (source);
  was_fed_ = false;
  node_.reachable = Reach::unknown;
  placed_blindly_by_.reset ();
  search (now, Search (now, JoinReason::first), source_, std::nullopt);
}

void
Upstream::leave (Instant until)
{
  std::optional<Parent> parent;
  if (auto *searching = std::get_if<Searching> (&state_)) {
    abandon_ask ();
    parent = std::move (searching->old);
  } else if (auto *settled = std::get_if<Settled> (&state_)) {
    parent = std::move (settled->parent);
    if (settled->old) { // feeds us, the new one does not yet
      hang_up (parent->link);
      parent = std::move (settled->old);
    }
  }
  if (parent)
    node_.outbox.send (parent->link, message::Leaving{});
  state_ = Leaving{std::move (parent), until};
}

void
Upstream::move_to (Instant now, Contact target)
{
  assert (std::holds_alternative<Settled> (state_));
  handle_redirect (now, {std::move (target), RedirectScope::self});
}

void
Upstream::close ()
{
  if (auto *searching = std::get_if<Searching> (&state_)) {
    abandon_ask ();
    if (searching->old)
      hang_up (searching->old->link);
  } else if (auto *settled = std::get_if<Settled> (&state_)) {
    if (settled->old)
      hang_up (settled->old->link);
    hang_up (settled->parent.link);
  } else if (auto *leaving = std::get_if<Leaving> (&state_)) {
    if (leaving->parent)
      hang_up (leaving->parent->link);
  }
  state_ = Over{/* failed */ false};
  last_path_.clear ();
}

void
Upstream::hang_up (LinkId link)
{
  node_.outbox.send (link, message::Unsubscribe{});
  node_.outbox.close (link);
}

// The answer may be on its way: give the slot back.
void
Upstream::abandon_ask ()
{
  const Search &search = *std::get<Searching> (state_).search;
  if (const auto *asking = std::get_if<Search::Asking> (&search.step))
    hang_up (asking->link);
  else if (const auto link = search.link ())
    node_.outbox.close (*link);
}

// Sessions with parents.

void
Upstream::settle (Instant now, const message::Accept &accept)
{
  auto [search, old] = std::move (std::get<Searching> (state_));
  Parent parent;
  parent.link = *search->link ();
  parent.contact = accept.self;
  parent.heard = now;
  if (parent.contact.address.empty ())
    parent.contact.address = search->target.address;
  parent.path = RootPath (parent.contact, accept.root_path);
  parent.children_max = accept.children_max;
  parent.tree_delay_ms = accept.tree_delay_ms;
  source_.id = parent.path.back ().id;
  ++root_path_changes_;
  placed_blindly_by_ =
      search->provisional
          ? std::make_unique<Contact> (std::move (*search->provisional))
          : nullptr;
  if (!search->told_path && node_.config.path)
    node_.outbox.send (parent.link, message::Located{*node_.config.path});
  if (old && old->contact.id == parent.contact.id) {
    hang_up (old->link); // came back to where we were
    old.reset ();
  }
  listener_.on_accepted ();
  node_.outbox.receive_from (parent.link);
  node_.outbox.report (action::Report::ParentChanged{parent.contact,
      static_cast<std::uint32_t> (parent.path.size ()), now - search->started});
  state_ = Settled{std::move (parent), std::move (old), now, std::move (search),
      std::nullopt};
}

// Nobody else took us, and the old parent stays. We never ceased to be its
// child, so there is no loop to check for.
void
Upstream::return_to_old (Instant now)
{
  Parent old = std::move (*std::get<Searching> (state_).old);
  state_ = Settled{std::move (old), std::nullopt, now, nullptr, std::nullopt};
}

// It is gone, or we have hung up on it.
void
Upstream::parent_is_lost (Instant now, Loss how)
{
  auto settled = std::move (std::get<Settled> (state_));
  const PeerId lost = settled.parent.contact.id;
  const bool handover = feeds (settled.old);
  if (settled.old && !handover) {
    hang_up (settled.old->link);
    settled.old.reset ();
  }
  last_path_ = std::move (settled.parent.path);
  ++root_path_changes_;
  auto reason = was_fed_ ? JoinReason::parent_lost : JoinReason::first;
  if (handover && !settled.old->is_late)
    reason = JoinReason::redirected;
  if (settled.search) { // not one packet came: the same search goes on
    settled.search->reason = reason;
    if (lost == source_.id && how == Loss::silent)
      return search_after_silent_source (
          now, std::move (*settled.search), std::move (settled.old));
    if (lost != source_.id)
      settled.search->exclude (lost);
    return search (
        now, std::move (*settled.search), source_, std::move (settled.old));
  }
  Search next (now, reason);
  next.lost = lost;
  if (lost != source_.id)
    next.exclude (lost);
  search (now, std::move (next), loss_target (last_path_), std::nullopt,
      delete_policy_.who == RedirectScope::subtree);
}

// It may only be late. Look for another one, make before break.
void
Upstream::doubt_parent (Instant now)
{
  Parent parent = std::move (std::get<Settled> (state_).parent);
  parent.is_late = true;
  Search next (now, JoinReason::parent_lost);
  next.lost = parent.contact.id;
  next.exclude (parent.contact.id);
  next.is_doubt = true;
  Contact target = loss_target (parent.path);
  search (now, std::move (next), std::move (target), std::move (parent));
}

// It is there, but it is no way to the source.
void
Upstream::parent_is_useless (Instant now, LinkId link)
{
  const auto *current = std::get_if<Settled> (&state_);
  if (!current || current->parent.link != link)
    return drop_old (now);
  auto settled = std::move (std::get<Settled> (state_));
  hang_up (settled.parent.link);
  if (settled.old)
    hang_up (settled.old->link);
  last_path_.clear ();
  Search next (now, was_fed_ ? JoinReason::parent_lost : JoinReason::first);
  if (settled.parent.contact.id != source_.id)
    next.exclude (settled.parent.contact.id);
  search (now, std::move (next), source_, std::nullopt);
}

// Where an orphan turns first (V-B; the root path names the grandfather).
Contact
Upstream::loss_target (const RootPath &path) const
{
  const bool grandfather =
      delete_policy_.target == DeletePolicy::Target::grandfather;
  if (grandfather && path.size () > 2 && is_usable (path[1]))
    return path[1];
  return source_;
}

std::optional<Contact>
Upstream::standby () const
{
  const auto *settled = std::get_if<Settled> (&state_);
  if (!settled || settled->parent.path.size () < 2)
    return std::nullopt; // no parent, or it is the source
  return loss_target (settled->parent.path);
}

Contact
Upstream::farewell_target () const
{
  const Parent *parent = parent_or_old ();
  const bool grandfather =
      delete_policy_.target == DeletePolicy::Target::grandfather;
  if (grandfather && parent && is_usable (parent->contact) &&
      !is_the_source (parent->contact))
    return parent->contact;
  return source_;
}

void
Upstream::handle_message (Instant now, LinkId link, const Message &message)
{
  if (auto *searching = std::get_if<Searching> (&state_)) {
    const auto *asking = std::get_if<Search::Asking> (&searching->search->step);
    if (asking && asking->link == link)
      return handle_answer (now, message);
  }
  Parent *parent = find (link);
  if (!parent)
    return;
  parent->heard = std::max (parent->heard, now);
  if (std::holds_alternative<message::Ended> (message))
    return handle_ended (now);
  if (const auto *alive = std::get_if<message::Alive> (&message))
    return handle_alive (now, *parent, *alive);
  if (std::holds_alternative<message::Probe> (message))
    return listener_.on_probed (now);

  const auto *settled = std::get_if<Settled> (&state_);
  const bool is_current = settled && parent == &settled->parent;
  if (const auto *redirect = std::get_if<message::Redirect> (&message)) {
    if (is_current)
      return handle_redirect (now, *redirect);
    auto *moving = std::get_if<Searching> (&state_);
    if (!moving) // already
      return;
    moving->search->is_doubt = false; // it does not want to keep us
    if (moving->search->reason == JoinReason::rising)
      moving->search->reason = JoinReason::redirected;
    if (redirect->scope == RedirectScope::subtree)
      listener_.on_moving (now, &redirect->target);
  } else if (const auto *word = std::get_if<message::Verified> (&message)) {
    if (is_current)
      listener_.on_verified (now, *word);
  }
}

void
Upstream::handle_alive (
    Instant now, Parent &parent, const message::Alive &alive)
{
  if (alive.self.id != parent.contact.id)
    return;
  // Defence in depth: the loop checks should have seen to it.
  if (is_on_path (alive.root_path, node_.config.id) ||
      alive.root_path.size () >= limits::levels_max)
    return parent_is_useless (now, parent.link);
  parent.receiving = alive.receiving;
  parent.children_max = alive.children_max;
  parent.tree_delay_ms = alive.tree_delay_ms;
  if (is_usable (alive.self))
    parent.contact.address = alive.self.address;
  if (!parent.path.is_through (parent.contact, alive.root_path)) {
    parent.path = RootPath (parent.contact, alive.root_path);
    source_.id = parent.path.back ().id;
    ++root_path_changes_;
  }
  auto *settled = std::get_if<Settled> (&state_);
  if (settled && &parent == &settled->parent) {
    set_patience (now, alive.receiving);
    learn_reach (parent.contact, alive.reachable);
  }
}

// A parent that has not found out yet says nothing, and what the last one found
// out holds.
void
Upstream::learn_reach (const Contact &parent, Reach reachable)
{
  if (reachable == Reach::unknown ||
      std::exchange (node_.reachable, reachable) == reachable)
    return;
  node_.outbox.report (action::Report::ReachChanged{reachable, parent});
}

// A transient parent finds another way, or not.
void
Upstream::set_patience (Instant now, bool receiving)
{
  auto &settled = std::get<Settled> (state_);
  if (receiving)
    return settled.leave_by.reset ();
  if (settled.leave_by)
    return;
  constexpr Duration spread = limits::transient_max / 2;
  const auto count = static_cast<std::uint64_t> (spread.count ());
  settled.leave_by =
      now + limits::transient_max + Duration (node_.rng.below (count));
}

// The parent sends us on, in session (IV-A).
void
Upstream::handle_redirect (Instant now, const message::Redirect &redirect)
{
  auto settled = std::move (std::get<Settled> (state_));
  // Keep whoever feeds us.
  std::optional<Parent> old = std::move (settled.parent);
  if (!old->data) {
    hang_up (old->link);
    old = std::move (settled.old);
  }
  Contact target = source_;
  if (is_usable (redirect.target) && may_ask (redirect.target))
    target = redirect.target;
  const auto reason =
      old ? JoinReason::redirected
          : (was_fed_ ? JoinReason::parent_lost : JoinReason::first);
  search (now, Search (now, reason), std::move (target), std::move (old),
      redirect.scope == RedirectScope::subtree);
}

void
Upstream::handle_ended (Instant now)
{
  const bool while_leaving = is_leaving ();
  close ();
  listener_.on_ended (now, while_leaving);
}

void
Upstream::message_seen (LinkId link, Instant came)
{
  if (Parent *parent = find (link))
    parent->heard = came;
}

// What others do on the machine or the line makes single ones much longer: it
// rises by an eighth at most.
void
Upstream::round_trip_seen (LinkId link, Duration round_trip)
{
  Parent *parent = find (link);
  if (!parent || round_trip <= Duration::zero ())
    return;
  Duration &known = parent->round_trip;
  if (known == Duration::zero () || round_trip < known)
    known = round_trip;
  else
    known += std::min (round_trip - known, known) / 8;
}

void
Upstream::data_over_tcp (LinkId link)
{
  if (Parent *parent = find (link))
    parent->over_tcp = true;
}

bool
Upstream::data_seen (Instant now, LinkId link, Instant came)
{
  Parent *parent = find (link);
  if (!parent)
    return false;
  parent->data = came;
  const bool was_late = std::exchange (parent->is_late, false);
  if (const auto *searching = std::get_if<Searching> (&state_)) {
    if (!searching->search->is_doubt)
      return was_late;
    data_doubt_ = std::min (2 * data_doubt_, data_silence_max (*parent));
    abandon_ask ();
    return_to_old (now);
    return true;
  }
  const auto *settled = std::get_if<Settled> (&state_);
  if (!settled || parent != &settled->parent || !settled->search)
    return was_late;
  first_packet (now);
  move_near (now);
  return true;
}

void
Upstream::first_packet (Instant now)
{
  auto &settled = std::get<Settled> (state_);
  settled.search.reset ();
  if (!std::exchange (was_fed_, true) && rises_)
    rise_at_ = rise_after (now, limits::rise_after);
  data_doubt_ = node_.config.data_doubt;
  if (settled.parent.over_tcp) // who never doubts does not there either
    data_doubt_ = data_doubt_ < node_.config.data_silence_max
                      ? std::max<Duration> (data_doubt_, limits::data_doubt_tcp)
                      : data_silence_max (settled.parent);
  if (settled.old)
    hang_up (settled.old->link);
  settled.old.reset ();
}

// The old parent, or in a farewell the only one, is no use any more.
void
Upstream::drop_old (Instant now)
{
  if (auto *settled = std::get_if<Settled> (&state_)) {
    hang_up (settled->old->link);
    settled->old.reset ();
  } else if (auto *searching = std::get_if<Searching> (&state_)) {
    hang_up (searching->old->link);
    old_is_gone (now);
  } else if (auto *leaving = std::get_if<Leaving> (&state_)) {
    hang_up (leaving->parent->link);
    leaving->parent.reset ();
  }
}

// Links.

bool
Upstream::owns (LinkId link) const
{
  const auto raw = static_cast<std::uint64_t> (link);
  return (raw & incoming_link) == 0;
}

Upstream::Parent *
Upstream::find (LinkId link)
{
  const auto if_on_link = [link] (auto &parent) -> Parent * {
    return parent && parent->link == link ? &*parent : nullptr;
  };
  if (auto *searching = std::get_if<Searching> (&state_))
    return if_on_link (searching->old);
  if (auto *leaving = std::get_if<Leaving> (&state_))
    return if_on_link (leaving->parent);
  auto *settled = std::get_if<Settled> (&state_);
  if (!settled)
    return nullptr;
  if (settled->parent.link == link)
    return &settled->parent;
  return if_on_link (settled->old);
}

void
Upstream::link_opened (Instant now, LinkId link)
{
  auto *searching = std::get_if<Searching> (&state_);
  if (!searching)
    return;
  Search &search = *searching->search;
  const auto *connecting = std::get_if<Search::Connecting> (&search.step);
  if (!connecting || connecting->link != link)
    return;
  search.step = Search::Asking{link, now + limits::reply_max};
  message::Subscribe ask;
  ask.self = node_.self ();
  ask.children_max = node_.config.children_max;
  ask.subtree = listener_.on_asking (now);
  ask.reason = search.reason;
  // None if the old parent went while we were connecting.
  ask.tries = std::max (search.tries, 1u) - 1;
  ask.avoid = search.avoid ();
  if (search.reason == JoinReason::parent_lost)
    ask.lost = search.lost;
  if (search.reason == JoinReason::rising)
    ask.level = static_cast<std::uint32_t> (root_path ().size ());
  ask.uplink_bps = node_.config.uplink_bps;
  ask.path = node_.config.path;
  ask.unreachable = node_.reachable == Reach::no;
  search.told_path = ask.path.has_value ();
  node_.outbox.send (link, std::move (ask));
}

void
Upstream::link_closed (Instant now, LinkId link)
{
  if (auto *searching = std::get_if<Searching> (&state_)) {
    if (searching->search->link () == link)
      target_failed (now);
    else if (searching->old && searching->old->link == link)
      old_is_gone (now);
  } else if (auto *settled = std::get_if<Settled> (&state_)) {
    if (settled->parent.link == link)
      parent_is_lost (now, Loss::closed);
    else if (settled->old && settled->old->link == link)
      settled->old.reset ();
  } else if (auto *leaving = std::get_if<Leaving> (&state_)) {
    if (leaving->parent && leaving->parent->link == link)
      leaving->parent.reset ();
  }
}

void
Upstream::tell_alive (const message::Alive &alive) const
{
  tell_parents (alive);
}

void
Upstream::located (Instant now)
{
  tell_parents (message::Located{*node_.config.path});
  move_near (now);
}

// Proximity is measured beside the join, never before it, so who chooses by it
// may have sent us on without: make up for that, once, and without a gap. Only
// once we are fed: a move that leads nowhere then costs nothing.
void
Upstream::move_near (Instant now)
{
  const auto *settled = std::get_if<Settled> (&state_);
  if (!placed_blindly_by_ || !node_.config.path || !settled ||
      settled->search || settled->old)
    return;
  Contact target = *std::exchange (placed_blindly_by_, nullptr);
  move_to (now, std::move (target));
}

void
Upstream::tell_parents (const Message &message) const
{
  if (const auto *searching = std::get_if<Searching> (&state_)) {
    if (searching->old)
      node_.outbox.send (searching->old->link, message);
  } else if (const auto *settled = std::get_if<Settled> (&state_)) {
    node_.outbox.send (settled->parent.link, message);
    if (settled->old)
      node_.outbox.send (settled->old->link, message);
  } else if (const auto *leaving = std::get_if<Leaving> (&state_)) {
    if (leaving->parent)
      node_.outbox.send (leaving->parent->link, message);
  }
}

// Time.

void
Upstream::handle_timeout (Instant now)
{
  if (std::holds_alternative<Settled> (state_))
    check_settled (now);
  auto *searching = std::get_if<Searching> (&state_);
  if (!searching)
    return;
  if (searching->old && deadline (*searching->old) <= now)
    drop_old (now);
  if (searching->search->deadline () <= now)
    step_is_due (now);
}

void
Upstream::check_settled (Instant now)
{
  auto &settled = std::get<Settled> (state_);
  if (settled.old && deadline (*settled.old) <= now)
    drop_old (now);
  const bool no_packet =
      settled.search && settled.since + limits::first_data_max <= now;
  if (no_packet || deadline (settled.parent) <= now) {
    hang_up (settled.parent.link);
    return parent_is_lost (now, Loss::silent);
  }
  if (settled.leave_by && *settled.leave_by <= now)
    return parent_is_useless (now, settled.parent.link);
  if (settled.old && settled.since + limits::handover_max <= now)
    drop_old (now);
  if (doubtful_at (settled) <= now)
    return doubt_parent (now);
  if (rises_at (settled) <= now)
    rise (now);
}

// Those who came in one moment shall not ask in one moment.
Instant
Upstream::rise_after (Instant now, Duration wait)
{
  const auto spread = static_cast<std::uint64_t> (
      std::max<Duration> (2 * wait, limits::rise_after).count ());
  return now + wait + Duration (node_.rng.below (spread));
}

// Make before break, and the old parent stays unless the new place is higher.
void
Upstream::rise (Instant now)
{
  rise_at_ =
      rise_after (now, std::max (now - node_.since, limits::rise_after) / 2);
  Parent parent = std::move (std::get<Settled> (state_).parent);
  Search next (now, JoinReason::rising);
  next.exclude (parent.contact.id);
  search (now, std::move (next), source_, std::move (parent));
}

} // namespace spreadit::core
