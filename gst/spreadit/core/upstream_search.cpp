// Discovering an unsaturated server (IV-B).
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cassert>

#include "core/contacts.hpp"
#include "core/upstream.hpp"

namespace spreadit::core {

// `everyone`: our descendants shall search as well (V-B, "all").
void
Upstream::search (Instant now, Search search, Contact target,
    std::optional<Parent> old, bool everyone)
{
  state_ =
      Searching{std::make_unique<Search> (std::move (search)), std::move (old)};
  listener_.on_moving (now, everyone ? &target : nullptr);
  ask (now, std::move (target), std::nullopt);
}

// The source has accepted us, and not one packet came.
void
Upstream::search_after_silent_source (
    Instant now, Search search, std::optional<Parent> old)
{
  state_ =
      Searching{std::make_unique<Search> (std::move (search)), std::move (old)};
  listener_.on_moving (now, nullptr);
  source_failed (now, FailReason::no_packets);
}

void
Upstream::ask (Instant now, Contact target, std::optional<Contact> via)
{
  Search &search = *std::get<Searching> (state_).search;
  if (is_over (now))
    return give_up (now);
  if (is_the_source (target)) {
    target = source_;
    search.tries_before_round = search.tries;
  }
  tries_ = ++search.tries;
  search.target = std::move (target);
  search.via = std::move (via);
  if (!may_ask (search.target))
    return target_failed (now);
  const LinkId link{next_link_++};
  search.step = Search::Connecting{link, now + limits::connect_max};
  node_.outbox.connect (link, search.target);
}

void
Upstream::ask_after (
    Instant now, Duration wait, Contact target, std::optional<Contact> via)
{
  Search &search = *std::get<Searching> (state_).search;
  if (search.reason == JoinReason::rising) // it is well where it is
    return give_up (now);
  search.target = std::move (target);
  search.via = std::move (via);
  search.step = Search::Waiting{now + wait};
}

// Who sent us to the target knows others; the source knows everyone.
void
Upstream::ask_next_best (Instant now, Duration wait)
{
  const Search &search = *std::get<Searching> (state_).search;
  if (search.reason == JoinReason::rising)
    return give_up (now);
  Contact next = source_;
  if (search.via && !search.excludes (search.via->id))
    next = *search.via;
  if (wait > Duration::zero ())
    ask_after (now, wait, std::move (next), std::nullopt);
  else
    ask (now, std::move (next), std::nullopt);
}

// Never ourselves, and no child of ours: a stale entry somewhere names it.
bool
Upstream::may_ask (const Contact &target) const
{
  return target.id != node_.config.id &&
         (target.address != node_.config.address || target.address.empty ()) &&
         !listener_.is_child (target.id);
}

bool
Upstream::is_the_source (const Contact &contact) const
{
  return contact.address == source_.address ||
         (is_named (source_) && contact.id == source_.id);
}

// Nobody there, or nobody we could follow. Its link is closed already.
void
Upstream::target_failed (Instant now)
{
  Search &search = *std::get<Searching> (state_).search;
  if (is_the_source (search.target))
    return source_failed (now, FailReason::unreachable);
  search.exclude (search.target.id);
  ask_next_best (now, Duration::zero ());
}

void
Upstream::source_failed (Instant now, FailReason why)
{
  Search &search = *std::get<Searching> (state_).search;
  ++search.source_failures;
  search.source_fault = why;
  if (search.reason == JoinReason::first &&
      search.source_failures >= limits::source_failures_max)
    return fail (now, why, source_.address);
  ask_after (now, search.back_off (node_.rng), source_, std::nullopt);
}

// Out of tries or of time.
bool
Upstream::is_over (Instant now) const
{
  const auto &[search, old] = std::get<Searching> (state_);
  const Duration longest =
      feeds (old) ? Duration (limits::move_max) : limits::search_max;
  if (search->reason == JoinReason::rising &&
      search->tries >= limits::rise_tries_max)
    return true;
  return search->tries >= node_.config.tries_max ||
         now - search->started >= longest;
}

void
Upstream::give_up (Instant now)
{
  auto &[search, old] = std::get<Searching> (state_);
  if (feeds (old) || (old && search->reason == JoinReason::rising)) {
    if (search->is_doubt) // nobody else takes us: wait for its end
      data_doubt_ = data_silence_max (*old);
    return return_to_old (now);
  }
  if (search->source_failures > 0)
    return fail (now, search->source_fault, source_.address);
  fail (now, FailReason::no_room, {});
}

void
Upstream::fail (Instant now, FailReason reason, std::string address)
{
  auto &[search, old] = std::get<Searching> (state_);
  if (old)
    hang_up (old->link);
  const unsigned tries = search->tries;
  state_ = Over{/* failed */ true};
  last_path_.clear ();
  listener_.on_failed (now);
  // Last: who hears it may look at the state, and tears everything down.
  node_.outbox.fail ({reason, tries, std::move (address)});
}

// Nobody feeds us any more: what the search has seen so far does not count.
void
Upstream::old_is_gone (Instant now)
{
  auto &[search, old] = std::get<Searching> (state_);
  last_path_ = std::move (old->path);
  search->reason = JoinReason::parent_lost;
  search->lost = old->contact.id;
  search->is_doubt = false;
  old.reset ();
  search->started = now;
  search->tries = search->tries_before_round = 0;
  if (std::holds_alternative<Search::Waiting> (search->step))
    search->step = Search::Waiting{now};
}

// Answers.

void
Upstream::handle_answer (Instant now, const Message &message)
{
  if (const auto *accept = std::get_if<message::Accept> (&message))
    handle_answer (now, *accept);
  else if (const auto *redirect = std::get_if<message::Redirect> (&message))
    handle_answer (now, *redirect);
  else if (const auto *refuse = std::get_if<message::Refuse> (&message))
    handle_answer (now, *refuse);
}

void
Upstream::handle_answer (Instant now, const message::Accept &accept)
{
  if (is_acceptable (accept) && is_rise_worth (accept))
    return settle (now, accept);
  hang_up (*std::get<Searching> (state_).search->link ());
  target_failed (now);
}

bool
Upstream::is_acceptable (const message::Accept &accept) const
{
  return is_named (accept.self) && accept.self.id != node_.config.id &&
         !listener_.is_child (accept.self.id) &&
         accept.root_path.size () < limits::levels_max &&
         !is_on_path (accept.root_path, node_.config.id);
}

// Our level there against the one we have.
bool
Upstream::is_rise_worth (const message::Accept &accept) const
{
  return std::get<Searching> (state_).search->reason != JoinReason::rising ||
         accept.root_path.size () + 1 + limits::rise_levels_min <=
             root_path ().size ();
}

void
Upstream::handle_answer (Instant now, const message::Redirect &redirect)
{
  Search &search = *std::get<Searching> (state_).search;
  node_.outbox.close (*search.link ());
  const Contact &target = redirect.target;
  const bool by_source = is_the_source (search.target);
  if (by_source)
    search.source_failures = search.source_saturated = 0;
  const bool nonsense =
      is_the_source (target) ? by_source : !is_usable (target);
  // Told again to ask whom we asked already: our list of whom to avoid was
  // cut short, or not read.
  if (nonsense || (!is_the_source (target) && search.excludes (target.id)))
    return ask_after (now, search.back_off (node_.rng), source_, std::nullopt);
  std::optional<Contact> via;
  if (!by_source)
    via = search.target;
  if (redirect.provisional && !search.told_path && !search.provisional)
    search.provisional = search.target;
  ask (now, target, std::move (via));
}

void
Upstream::handle_answer (Instant now, const message::Refuse &refuse)
{
  Search &search = *std::get<Searching> (state_).search;
  node_.outbox.close (*search.link ());
  if (is_the_source (search.target) && refuse.reason != RefuseReason::malformed)
    search.source_failures = 0;
  switch (refuse.reason) {
  case RefuseReason::saturated:
  case RefuseReason::not_receiving:
    return refused_for_now (now, refuse);
  case RefuseReason::loop:
    return target_failed (now);
  case RefuseReason::no_stream:
  case RefuseReason::not_allowed:
  case RefuseReason::not_spreadit:
  case RefuseReason::malformed:
  case RefuseReason::not_trusted:
    return refused_for_good (now, refuse.reason);
  }
}

void
Upstream::refused_for_now (Instant now, const message::Refuse &refuse)
{
  Search &search = *std::get<Searching> (state_).search;
  std::optional<Duration> wait;
  if (refuse.retry_after)
    wait = std::clamp<Duration> (
        *refuse.retry_after, limits::retry_min, limits::retry_after_max);

  if (refuse.reason == RefuseReason::not_receiving) {
    // Sent on in a session, to somebody who was only just taken in itself.
    if (feeds (std::get<Searching> (state_).old) && !search.via &&
        !is_the_source (search.target) && search.early < limits::early_max) {
      ++search.early;
      return ask_after (
          now, wait.value_or (Search::pause (node_.rng)), search.target, {});
    }
    tries_ = search.tries = search.tries_before_round;
    search.via.reset ();
    return ask_next_best (now, wait.value_or (search.back_off (node_.rng)));
  }
  if (is_the_source (search.target)) {
    // Nobody else is left: those who refused may have room by now.
    if (++search.source_saturated % limits::saturated_max == 0)
      search.forgive_all ();
    return ask_after (now, wait.value_or (search.back_off (node_.rng)), source_,
        std::nullopt);
  }
  search.exclude (search.target.id);
  ask_next_best (now, Search::pause (node_.rng));
}

void
Upstream::refused_for_good (Instant now, RefuseReason reason)
{
  auto &[search, old] = std::get<Searching> (state_);
  if (!is_the_source (search->target))
    return target_failed (now);
  if (feeds (old))
    return give_up (now);
  switch (reason) {
  case RefuseReason::no_stream:
    return fail (now, FailReason::no_stream, source_.address);
  case RefuseReason::not_allowed:
    return fail (now, FailReason::not_allowed, source_.address);
  // Somebody in between could end it for us otherwise.
  case RefuseReason::not_trusted:
    if (search->reason != JoinReason::first)
      return source_failed (now, FailReason::not_trusted);
    return fail (now, FailReason::not_trusted, source_.address);
  case RefuseReason::malformed:
    if (search->reason != JoinReason::first)
      return source_failed (now, FailReason::unreachable);
    [[fallthrough]];
  default:
    return fail (now, FailReason::not_spreadit, source_.address);
  }
}

void
Upstream::step_is_due (Instant now)
{
  const Search &search = *std::get<Searching> (state_).search;
  if (std::holds_alternative<Search::Waiting> (search.step)) {
    Contact target = search.target;
    return ask (now, std::move (target), search.via);
  }
  abandon_ask ();
  target_failed (now);
}

} // namespace spreadit::core
