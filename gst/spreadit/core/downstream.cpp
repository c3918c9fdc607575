// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cassert>

#include "core/contacts.hpp"
#include "core/downstream.hpp"

namespace spreadit::core {

namespace {

// What somebody tells about itself, within reason.
Subtree
believable (Subtree told)
{
  constexpr auto levels_max = std::uint32_t{limits::levels_max};
  return {std::clamp (told.peers, 1u, limits::subtree_peers_max),
      std::min (told.levels, levels_max),
      std::min (told.free, limits::subtree_peers_max)};
}

} // namespace

Downstream::Downstream (Node &node, LoopGuard &guard)
    : node_ (node), guard_ (guard)
{
}

void
Downstream::set_add_policy (std::unique_ptr<AddPolicy> policy)
{
  add_policy_ = std::move (policy);
}

// Joining.

void
Downstream::handle_message (Instant now, LinkId link,
    const message::Subscribe &ask, const Standing &standing)
{
  const auto same_link = [link] (
                             const auto &known) { return known.link == link; };
  const bool asked_before = std::erase_if (askers_, same_link) > 0;
  const auto known = find (link);
  if (known != children_.end () && known->plain_player && ask.plain_player)
    return welcome (*known, standing); // a player may ask twice
  if (asked_before || known != children_.end ())
    return refuse (link, RefuseReason::malformed);
  if (const auto objection = object (ask, standing))
    return refuse (link, *objection);
  probe_lost (now, ask);
  if (!has_room_for (ask))
    return send_elsewhere (link, ask);
  if (ask.subtree.peers > 1 && !ask.plain_player && standing.parent_link)
    return verify (now, link, ask, *standing.parent_link);
  accept (now, link, ask, standing);
}

// Why the asker may not join here nor below.
std::optional<RefuseReason>
Downstream::object (
    const message::Subscribe &ask, const Standing &standing) const
{
  if (!ask.plain_player) {
    if (!is_named (ask.self))
      return RefuseReason::malformed;
    if (ask.self.id == node_.config.id ||
        is_on_path (standing.root_path, ask.self.id))
      return RefuseReason::loop;
  }
  if (standing.refusal)
    return standing.refusal;
  // A deeper tree than anyone would follow us in.
  if (standing.root_path.size () >= limits::levels_max)
    return RefuseReason::saturated;
  return std::nullopt;
}

void
Downstream::accept (Instant now, LinkId link, const message::Subscribe &ask,
    const Standing &standing)
{
  // An older session of the same peer died without notice, or it comes back.
  if (!ask.plain_player)
    replace (now, ask.self.id);
  assert (find (link) == children_.end ());
  assert (slots_used () < node_.config.children_max);
  Contact contact = ask.self;
  if (contact.address.size () > limits::address_max)
    contact.address.clear ();
  children_.push_back ({link, std::move (contact),
      ask.plain_player ? Subtree{} : believable (ask.subtree),
      std::min (ask.children_max, limits::children_max_max), ask.plain_player,
      now, ask.lost, std::nullopt, std::nullopt});
  check_at_ = std::min (check_at_, deadline (children_.back ()));

  welcome (children_.back (), standing);
  node_.outbox.start_feeding (link);
  node_.outbox.report (
      action::Report::ChildAdded{ask.self, link, ask.plain_player});
}

void
Downstream::welcome (const Child &child, const Standing &standing)
{
  auto helpers = standby (standing.root_path, limits::standby_max + 1);
  std::erase_if (helpers,
      [&] (const Contact &helper) { return helper.id == child.contact.id; });
  if (helpers.size () > limits::standby_max)
    helpers.resize (limits::standby_max);
  node_.outbox.send (child.link,
      message::Accept{node_.self (), standing.root_path, std::move (helpers)});
}

// A mover with descendants may be above us without either of us knowing: only
// the way up to the source can tell. Its slot is kept until then.
void
Downstream::verify (
    Instant now, LinkId link, const message::Subscribe &ask, LinkId parent_link)
{
  std::erase_if (askers_, [&] (const Asker &other) {
    if (other.ask.self.id != ask.self.id)
      return false;
    node_.outbox.close (other.link);
    return true;
  });
  const std::uint64_t token = guard_.new_token ();
  askers_.push_back ({link, ask, token, now + limits::verify_max});
  message::Subscribe &kept = askers_.back ().ask;
  if (kept.avoid.size () > limits::avoid_max)
    kept.avoid.resize (limits::avoid_max);
  check_at_ = std::min (check_at_, askers_.back ().until);
  node_.outbox.send (parent_link, message::Verify{ask.self.id, token});
}

void
Downstream::verified (
    Instant now, std::uint64_t token, bool ok, const Standing &standing)
{
  const auto found = std::find_if (askers_.begin (), askers_.end (),
      [token] (const Asker &asker) { return asker.token == token; });
  if (found == askers_.end ())
    return;
  const Asker asker = std::move (*found);
  askers_.erase (found);
  if (!ok)
    return refuse (asker.link, RefuseReason::not_receiving);
  if (const auto objection = object (asker.ask, standing))
    return refuse (asker.link, *objection);
  if (!has_room_for (asker.ask)) // the capacity was lowered
    return send_elsewhere (asker.link, asker.ask);
  accept (now, asker.link, asker.ask, standing);
}

// A grandchild lost the child between us. Frozen or cut off, that child would
// be ours for three more heart-beats, and its slot is what the orphan needs:
// ask it, and lend the slot until it answers. A lie costs a message and, for a
// while, a slot more than we have (make_way()).
void
Downstream::probe_lost (Instant now, const message::Subscribe &ask)
{
  if (ask.plain_player || ask.reason != JoinReason::parent_lost || !ask.lost)
    return;
  const auto child = find_peer (*ask.lost);
  if (child == children_.end () || child->gone_by || child->answer_by ||
      child->contact.id == ask.self.id)
    return;
  child->answer_by = now + limits::probe_max;
  check_at_ = std::min (check_at_, *child->answer_by);
  node_.outbox.send (child->link, message::Probe{});
}

// We feed one too many: a lost child answered, or the capacity was lowered.
// The newest goes, if there is room below, and once it would not notice.
void
Downstream::make_way (const Child &child)
{
  if (slots_used () <= node_.config.children_max || child.gone_by ||
      child.link != children_.back ().link)
    return;
  message::Subscribe ask;
  ask.self = child.contact;
  ask.subtree = child.subtree;
  if (child.lost)
    ask.avoid.push_back (*child.lost);
  if (auto target = choose (ask))
    node_.outbox.send (child.link,
        message::Redirect{std::move (*target), RedirectScope::self});
}

void
Downstream::send_elsewhere (LinkId link, const message::Subscribe &ask)
{
  auto target = choose (ask);
  if (!target)
    return refuse (link, RefuseReason::saturated);
  node_.outbox.send (
      link, message::Redirect{std::move (*target), RedirectScope::self});
}

std::optional<Contact>
Downstream::choose (const message::Subscribe &ask) const
{
  std::vector<Candidate> offered;
  for (const Child &child : children_)
    if (is_offered (child, ask))
      offered.push_back ({child.contact.id, child.subtree});
  if (offered.empty () || !add_policy_)
    return std::nullopt;

  const AddDecision decision = add_policy_->choose ({offered}, ask);
  const auto &chosen = std::get<decision::RedirectRequester> (decision);
  const auto target = std::find_if (children_.begin (), children_.end (),
      [&] (const Child &child) { return child.contact.id == chosen.target; });
  assert (target != children_.end ());
  return target->contact;
}

bool
Downstream::is_offered (const Child &child, const message::Subscribe &ask) const
{
  if (child.plain_player || lends_its_slot (child) ||
      !is_usable (child.contact))
    return false;
  if (child.subtree.free == 0 && !node_.config.offer_dead_ends)
    return false;
  const auto avoided = ask.avoid.size () > limits::avoid_max
                           ? ask.avoid.begin () + limits::avoid_max
                           : ask.avoid.end ();
  return child.contact.id != ask.self.id &&
         std::find (ask.avoid.begin (), avoided, child.contact.id) == avoided;
}

void
Downstream::refuse (LinkId link, RefuseReason reason)
{
  node_.outbox.send (link, message::Refuse{reason, std::nullopt});
}

void
Downstream::refuse_askers ()
{
  for (const Asker &asker : std::exchange (askers_, {}))
    refuse (asker.link, RefuseReason::not_receiving);
}

// Staying and going.

void
Downstream::heard (Instant now, LinkId link)
{
  const auto child = find (link);
  if (child == children_.end ())
    return;
  child->heard = now;
  child->answer_by.reset ();
}

void
Downstream::handle_message (LinkId link, const message::Alive &alive)
{
  const auto child = find (link);
  if (child == children_.end () || child->plain_player ||
      child->contact.id != alive.self.id)
    return;
  if (alive.self.address.size () <= limits::address_max)
    child->contact.address = alive.self.address;
  child->children_max = std::min (alive.children_max, limits::children_max_max);
  child->subtree = believable (alive.subtree);
  if (alive.receiving)
    make_way (*child);
}

void
Downstream::handle_message (Instant now, LinkId link, const message::Leaving &)
{
  const auto child = find (link);
  if (child == children_.end () || child->plain_player || child->gone_by)
    return;
  child->gone_by = now + limits::leaving_max;
  check_at_ = std::min (check_at_, *child->gone_by);
}

// A peer says this only when it does not take the stream from this link any
// more, so it does not believe in us as its parent either.
void
Downstream::handle_message (LinkId link, const message::Unsubscribe &)
{
  std::erase_if (
      askers_, [link] (const Asker &asker) { return asker.link == link; });
  const auto child = find (link);
  if (child == children_.end ())
    return;
  remove (child, Line::open, /* failed */ false);
}

void
Downstream::link_closed (Instant now, LinkId link)
{
  std::erase_if (
      askers_, [link] (const Asker &asker) { return asker.link == link; });
  const auto child = find (link);
  if (child != children_.end ())
    forget (now, child, Line::closed);
}

void
Downstream::replace (Instant now, PeerId id)
{
  const auto child = find_peer (id);
  if (child != children_.end ())
    forget (now, child, Line::open);
}

// It may not know, and go on believing in us.
void
Downstream::forget (Instant now, Children::iterator child, Line line)
{
  if (!child->plain_player)
    believed_until_ = now + std::max<Duration> (
                                limits::forgotten_max, 2 * node_.misses_max ());
  remove (child, line, !child->gone_by && !child->plain_player);
}

void
Downstream::remove (Children::iterator child, Line line, bool failed)
{
  node_.outbox.stop_feeding (child->link);
  if (line == Line::open)
    node_.outbox.close (child->link);
  node_.outbox.report (
      action::Report::ChildRemoved{child->contact, child->link, failed});
  children_.erase (child);
}

void
Downstream::handle_timeout (Instant now)
{
  if (now < check_at_)
    return;
  std::erase_if (askers_, [&] (const Asker &asker) {
    if (asker.until > now)
      return false;
    refuse (asker.link, RefuseReason::not_receiving);
    return true;
  });
  for (std::size_t i = 0; i < children_.size ();) {
    if (deadline (children_[i]) > now) {
      ++i;
      continue;
    }
    forget (
        now, children_.begin () + static_cast<std::ptrdiff_t> (i), Line::open);
  }
  check_at_ = Instant::max ();
  for (const Child &child : children_)
    check_at_ = std::min (check_at_, deadline (child));
  for (const Asker &asker : askers_)
    check_at_ = std::min (check_at_, asker.until);
}

// Telling.

void
Downstream::redirect (const message::Redirect &redirect)
{
  for (const Child &child : children_)
    if (!child.plain_player)
      node_.outbox.send (child.link, redirect);
}

void
Downstream::tell_ended ()
{
  for (const Child &child : children_)
    if (!child.plain_player)
      node_.outbox.send (child.link, message::Ended{});
}

void
Downstream::tell_alive (const message::Alive &alive)
{
  const auto helpers = standby (alive.root_path, limits::standby_max + 1);
  for (const Child &child : children_) {
    if (child.plain_player)
      continue;
    message::Alive beat = alive;
    for (const Contact &helper : helpers)
      if (helper.id != child.contact.id &&
          beat.standby.size () < limits::standby_max)
        beat.standby.push_back (helper);
    node_.outbox.send (child.link, std::move (beat));
  }
}

void
Downstream::close_all (Instant now)
{
  for (const Asker &asker : std::exchange (askers_, {}))
    node_.outbox.close (asker.link);
  while (!children_.empty ()) {
    children_.front ().gone_by = now; // not their failure
    forget (now, children_.begin (), Line::open);
  }
  check_at_ = Instant::max ();
}

} // namespace spreadit::core
