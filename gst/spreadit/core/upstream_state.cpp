// What others may know of the way up.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cassert>

#include "core/contacts.hpp"
#include "core/upstream.hpp"

namespace spreadit::core {

bool
Upstream::feeds (const std::optional<Parent> &parent) const
{
  return parent && parent->data && parent->receiving;
}

bool
Upstream::feeds_now (const std::optional<Parent> &parent) const
{
  return feeds (parent) && !parent->is_late;
}

bool
Upstream::is_fed () const
{
  if (const auto *source = std::get_if<Source> (&state_))
    return source->ready;
  if (const auto *searching = std::get_if<Searching> (&state_))
    return feeds_now (searching->old);
  if (const auto *settled = std::get_if<Settled> (&state_))
    return feeds_now (settled->parent) || feeds_now (settled->old);
  if (const auto *leaving = std::get_if<Leaving> (&state_))
    return feeds (leaving->parent);
  return false;
}

PeerState
Upstream::state () const
{
  if (is_source ())
    return PeerState::source;
  if (const auto *over = std::get_if<Over> (&state_))
    return over->failed ? PeerState::failed : PeerState::idle;
  if (std::holds_alternative<Idle> (state_))
    return PeerState::idle;
  if (!was_fed_)
    return PeerState::discovering;
  return is_fed () ? PeerState::receiving : PeerState::transient;
}

std::optional<RefuseReason>
Upstream::refusal () const
{
  if (is_unused ())
    return RefuseReason::no_stream;
  if (is_leaving ())
    return RefuseReason::saturated; // look elsewhere
  // A mover takes nobody: its place in the tree is not known.
  if (!is_fed () || !may_vouch ())
    return RefuseReason::not_receiving;
  return std::nullopt;
}

// During a handover we may have to go back to the old parent, so we are locked
// until it is over.
bool
Upstream::may_vouch () const
{
  const auto *settled = std::get_if<Settled> (&state_);
  return is_source () || (settled && !settled->old);
}

bool
Upstream::is_source () const
{
  return std::holds_alternative<Source> (state_);
}

bool
Upstream::is_unused () const
{
  return std::holds_alternative<Idle> (state_) ||
         std::holds_alternative<Over> (state_);
}

bool
Upstream::is_leaving () const
{
  return std::holds_alternative<Leaving> (state_);
}

const Upstream::Parent *
Upstream::parent_or_old () const
{
  const auto if_any = [] (const auto &parent) {
    return parent ? &*parent : nullptr;
  };
  if (const auto *settled = std::get_if<Settled> (&state_))
    return &settled->parent;
  if (const auto *searching = std::get_if<Searching> (&state_))
    return if_any (searching->old);
  if (const auto *leaving = std::get_if<Leaving> (&state_))
    return if_any (leaving->parent);
  return nullptr;
}

std::optional<Contact>
Upstream::parent () const
{
  if (const Parent *parent = parent_or_old ())
    return parent->contact;
  return std::nullopt;
}

std::optional<LinkId>
Upstream::parent_link () const
{
  if (const Parent *parent = parent_or_old ())
    return parent->link;
  return std::nullopt;
}

const RootPath &
Upstream::root_path () const
{
  const Parent *parent = parent_or_old ();
  return parent ? parent->path : last_path_;
}

std::optional<std::uint32_t>
Upstream::tree_delay_ms () const
{
  const Parent *parent = parent_or_old ();
  if (!parent)
    return std::nullopt;
  const auto link = std::chrono::round<std::chrono::milliseconds> (
      std::min<Duration> (parent->round_trip / 2,
          std::chrono::milliseconds (limits::tree_delay_max_ms)));
  return std::min (std::min (parent->tree_delay_ms, limits::tree_delay_max_ms) +
                       static_cast<std::uint32_t> (link.count ()),
      limits::tree_delay_max_ms);
}

std::vector<LinkId>
Upstream::data_links () const
{
  std::vector<LinkId> links;
  if (const Parent *parent = parent_or_old ())
    links.push_back (parent->link);
  const auto *settled = std::get_if<Settled> (&state_);
  if (settled && settled->old)
    links.push_back (settled->old->link);
  return links;
}

void
Upstream::check_invariants () const
{
  assert (!is_on_path (root_path (), node_.config.id));
  assert (root_path ().size () <= limits::levels_max);
  [[maybe_unused]] const auto *settled = std::get_if<Settled> (&state_);
  assert (!settled || root_path ().front ().id == settled->parent.contact.id);
  assert (
      !settled || !settled->old || settled->old->link != settled->parent.link);
  // The search is kept until the first packet, and no longer.
  assert (!settled ||
          (settled->search != nullptr) != settled->parent.data.has_value ());
}

// When a parent counts as dead: no message, or no packet after the first.
Instant
Upstream::deadline (const Parent &parent) const
{
  const Instant silent = parent.heard + node_.misses_max ();
  if (!parent.data)
    return silent;
  return std::min (silent, *parent.data + data_silence_max (parent));
}

Duration
Upstream::data_silence_max (const Parent &parent) const
{
  const Duration longest = node_.config.data_silence_max;
  return parent.over_tcp
             ? std::max<Duration> (longest, limits::data_silence_max_tcp)
             : longest;
}

// Only a move of one's own is made on a suspicion: a policy that sends all
// descendants away waits until it is sure. The source has no substitute.
Instant
Upstream::doubtful_at (const Settled &settled) const
{
  const auto &data = settled.parent.data;
  if (!data || settled.search || settled.old ||
      settled.parent.path.size () < 2 ||
      delete_policy_.who == RedirectScope::subtree ||
      data_doubt_ >= data_silence_max (settled.parent))
    return Instant::max ();
  // A search that was given up watched it for other things.
  return std::max (*data, settled.since) + data_doubt_;
}

// Nobody is to be in the way of a move that has to be made.
Instant
Upstream::rises_at (const Settled &settled) const
{
  const bool may = rises_ && !settled.search && !settled.old &&
                   !settled.leave_by && feeds_now (settled.parent) &&
                   node_.reachable != Reach::no && // or nobody gets below us
                   settled.parent.path.size () > limits::rise_levels_min &&
                   settled.parent.children_max > 0 &&
                   settled.parent.children_max + limits::width_step <=
                       node_.config.children_max &&
                   !node_.config.address.empty ();
  return may ? rise_at_ : Instant::max ();
}

Instant
Upstream::deadline (const Settled &settled) const
{
  Instant due = std::min (deadline (settled.parent), doubtful_at (settled));
  if (settled.search)
    due = std::min (due, settled.since + limits::first_data_max);
  due = std::min (due, rises_at (settled));
  if (settled.leave_by)
    due = std::min (due, *settled.leave_by);
  if (settled.old)
    due = std::min (
        {due, deadline (*settled.old), settled.since + limits::handover_max});
  return due;
}

Instant
Upstream::next_timeout () const
{
  if (const auto *searching = std::get_if<Searching> (&state_)) {
    const Instant due = searching->search->deadline ();
    return searching->old ? std::min (due, deadline (*searching->old)) : due;
  }
  if (const auto *settled = std::get_if<Settled> (&state_))
    return deadline (*settled);
  if (const auto *leaving = std::get_if<Leaving> (&state_))
    return leaving->until;
  return Instant::max ();
}

} // namespace spreadit::core
