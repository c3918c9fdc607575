// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <array>
#include <cassert>

#include "core/contacts.hpp"
#include "core/downstream.hpp"
#include "core/proximity.hpp"

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

std::unique_ptr<const NetworkPath>
believable (const std::optional<NetworkPath> &told)
{
  if (!told || told->routers.size () > limits::routers_max)
    return nullptr;
  return std::make_unique<const NetworkPath> (*told);
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
  if (known != children_.end () && known->plain_player && ask.plain_player) {
    welcome (*known, standing); // a player may ask twice
    return;
  }
  auto objection = object (ask, standing);
  if (asked_before || known != children_.end ())
    objection = RefuseReason::malformed;
  if (objection == RefuseReason::not_receiving && standing.may_send_on &&
      !has_room_for (ask)) {
    send_elsewhere (now, link, ask, RefuseReason::not_receiving);
    return;
  }
  if (objection) {
    refuse (link, *objection);
    return;
  }
  probe_lost (now, ask);
  doubt_avoided (now, ask);
  take_yielded_slot (now, ask);
  if (!has_room_for (ask))
    return decide (now, link, ask, standing, Check::none);
  if (ask.subtree.peers > 1 && !ask.plain_player && standing.parent_link)
    verify (now, link, ask, *standing.parent_link, /* replaces */ false);
  else
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
    replace (now, ask.self.id, link);
  assert (find (link) == children_.end ());
  assert (slots_used () < node_.config.children_max);
  Contact contact = ask.self;
  if (contact.address.size () > limits::address_max)
    contact.address.clear ();
  // A vector would double, and most peers have few children.
  if (children_.size () == children_.capacity ())
    children_.reserve (children_.size () + 1 + children_.size () / 4);
  children_.push_back ({link, std::move (contact),
      ask.plain_player ? Subtree{} : believable (ask.subtree),
      std::min (ask.children_max, limits::children_max_max), ask.plain_player,
      now, now, ask.lost});
  children_.back ().path = believable (ask.path);
  if (!ask.plain_player && ask.subtree.peers == 1 && ask.subtree.free > 0)
    know_openings (now, children_.back (),
        std::array{Opening{ask.self, 0, ask.subtree.free, 0,
            std::min (node_.tree_delay_ms + limits::hop_delay_ms,
                limits::tree_delay_max_ms),
            {}, vicinity_of (ask.path)}});
  check_at_ = std::min (check_at_, due (children_.back ()));

  welcome (children_.back (), standing);
  node_.outbox.start_feeding (link);
  node_.outbox.report (
      action::Report::ChildAdded{ask.self, link, ask.plain_player});
  // Last: its join is not to be slower for it.
  Child &child = children_.back ();
  if (ask.unreachable)
    child.dialing.reach = Reach::no;
  consider_dialing (now, child);
  if (!child.dialing.is_under_way)
    forget_moves (link);
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
      message::Accept{node_.self (), standing.root_path, std::move (helpers),
          node_.config.children_max, node_.tree_delay_ms});
}

// A mover with descendants may be above us without either of us knowing: only
// the way up to the source can tell. Its slot is kept until then.
void
Downstream::verify (Instant now, LinkId link, const message::Subscribe &ask,
    LinkId parent_link, bool replaces)
{
  std::erase_if (askers_, [&] (const Asker &other) {
    if (other.ask.self.id != ask.self.id)
      return false;
    node_.outbox.close (other.link);
    return true;
  });
  const std::uint64_t token = guard_.new_token ();
  askers_.push_back ({link, ask, token, now + limits::verify_max, replaces});
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
  if (!has_room_for (asker.ask)) { // or the capacity was lowered
    if (!asker.replaces)
      return send_elsewhere (now, asker.link, asker.ask);
    return decide (now, asker.link, asker.ask, standing, Check::done);
  }
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
// Somebody goes if there is room below, and once it would not notice: whom
// others cannot connect to, or else the newest.
void
Downstream::make_way (Instant now, const Child &child)
{
  if (!feeds_too_many () || child.gone_by)
    return;
  const auto useless = std::find_if (
      children_.rbegin (), children_.rend (), [] (const Child &other) {
        return other.dialing.reach == Reach::no && !lends_its_slot (other);
      });
  const Child &first =
      useless == children_.rend () ? children_.back () : *useless;
  if (child.link != first.link)
    return;
  message::Subscribe ask;
  ask.self = child.contact;
  ask.subtree = child.subtree;
  if (child.lost)
    ask.avoid.push_back (*child.lost);
  if (child.path)
    ask.path = *child.path;
  if (auto target = choose (now, ask))
    node_.outbox.send (child.link,
        message::Redirect{std::move (*target), RedirectScope::self});
}

// Saturated: as the add policy says (V-A).
void
Downstream::decide (Instant now, LinkId link, const message::Subscribe &ask,
    const Standing &standing, Check check)
{
  // It has a place, and only openings tell whether another one is higher.
  if (ask.reason == JoinReason::rising && !add_policy_->wants_openings ())
    return refuse (link, RefuseReason::saturated);
  const auto children = offered (ask);
  const auto moving = movable (now, ask);
  LocalTopology topology;
  topology.children = children;
  topology.movable = moving;
  topology.path = node_.config.path ? &*node_.config.path : nullptr;
  topology.uplink_bps = node_.config.uplink_bps;
  topology.level = static_cast<std::uint32_t> (standing.root_path.size ());
  topology.may_step_down =
      check == Check::none && may_step_down (now, ask, standing);
  const auto openings = distant_openings (now, ask);
  topology.openings = openings;
  const AddDecision decision = add_policy_->choose (topology, ask);

  if (std::holds_alternative<decision::StepDown> (decision))
    return step_down (now, link, ask, standing);
  const auto *take = std::get_if<decision::TakeInstead> (&decision);
  // Those that are too many have to go below the newcomer.
  if (take && take->target != ask.self.id && feeds_too_many ())
    return send_elsewhere (now, link, ask);
  if (take && check == Check::none && ask.subtree.peers > 1 &&
      standing.parent_link)
    verify (now, link, ask, *standing.parent_link, /* replaces */ true);
  else if (take)
    take_instead (now, link, ask, standing, *take);
  else if (const auto *on =
               std::get_if<decision::RedirectRequester> (&decision)) {
    node_.outbox.send (link, message::Redirect{contact_of (on->target),
                                 RedirectScope::self, on->provisional});
    spend (now, on->target);
  } else {
    refuse (link, RefuseReason::saturated);
  }
}

// The child lends its slot while it looks for another parent, and stays if it
// finds none: then the newest makes way.
void
Downstream::take_instead (Instant now, LinkId link,
    const message::Subscribe &ask, const Standing &standing,
    const decision::TakeInstead &decision)
{
  const auto child = find_peer (decision.child);
  assert (child != children_.end ());
  take_instead_at_ = now + add_policy_->rest_after_move (child->subtree);
  const LinkId its_link = child->link;
  if (decision.target == ask.self.id)
    return take_above (now, link, ask, standing, *child);
  child->sent_on_until = now + limits::sent_on_max;
  check_at_ = std::min (check_at_, *child->sent_on_until);
  const Contact target = contact_of (decision.target);
  accept (now, link, ask, standing);
  node_.outbox.send (its_link, message::Redirect{target, RedirectScope::self});
}

// The parent first: it shall keep our place for the asker. We go as soon as it
// is known that others can connect to the asker; if not, we stay, and the
// parent gives the slot back.
void
Downstream::step_down (Instant now, LinkId link, const message::Subscribe &ask,
    const Standing &standing)
{
  step_down_at_ = now + limits::step_down_rest;
  node_.outbox.send (*standing.parent_link, message::Yield{ask.self.id});
  node_.outbox.dial_back (link, ask.self);
  moves_.push_back ({std::nullopt, link, ask.self, now + limits::yield_max});
  check_at_ = std::min (check_at_, moves_.back ().until);
  node_.outbox.send (link,
      message::Redirect{standing.root_path.front (), RedirectScope::self});
}

void
Downstream::send_elsewhere (Instant now, LinkId link,
    const message::Subscribe &ask, RefuseReason otherwise)
{
  auto target = choose (now, ask);
  if (!target)
    return refuse (link, otherwise);
  node_.outbox.send (
      link, message::Redirect{std::move (*target), RedirectScope::self});
}

// Of the children alone; nobody else is moved.
std::optional<Contact>
Downstream::choose (Instant now, const message::Subscribe &ask)
{
  const auto children = offered (ask);
  LocalTopology topology;
  topology.children = children;
  topology.path = node_.config.path ? &*node_.config.path : nullptr;
  topology.uplink_bps = node_.config.uplink_bps;
  const auto openings = distant_openings (now, ask);
  topology.openings = openings;
  const AddDecision decision = add_policy_->choose (topology, ask);
  if (const auto *on = std::get_if<decision::RedirectRequester> (&decision)) {
    spend (now, on->target);
    return contact_of (on->target);
  }
  return std::nullopt;
}

// Those of whom it is not known whether others can connect to them only if
// there is nobody else.
std::vector<Candidate>
Downstream::offered (const message::Subscribe &ask) const
{
  std::vector<Candidate> candidates, perhaps;
  const auto unreachable = unreachable_children ();
  for (const Child &child : children_)
    if (is_offered (child, ask))
      (child.dialing.reach == Reach::yes ? candidates : perhaps)
          .push_back ({child.contact.id, child.subtree, child.path.get (),
              child.children_max});
    else
      add_ways_past (child, ask, unreachable, candidates);
  return candidates.empty () ? perhaps : candidates;
}

// Only for a newcomer that can be taken at once, and only who has settled.
// Where we feed too many already it has to take them in, too.
std::vector<Candidate>
Downstream::movable (Instant now, const message::Subscribe &ask) const
{
  std::vector<Candidate> candidates;
  const auto lending = static_cast<std::size_t> (
      std::count_if (children_.begin (), children_.end (), lends_its_slot));
  const std::size_t most = node_.config.children_max;
  const std::size_t too_many = slots_used () > most ? slots_used () - most : 0;
  if (now < take_instead_at_ || ask.plain_player ||
      (ask.subtree.peers > 1 && !add_policy_->moves_for_movers ()) ||
      node_.config.address.empty () || lending + too_many >= most ||
      moves_.size () >= std::max<std::size_t> (1, most / limits::moves_share))
    return candidates;
  if (too_many > 0 &&
      (ask.unreachable || ask.subtree.free <= too_many ||
          std::count_if (children_.begin (), children_.end (),
              may_go_below_anybody) <= static_cast<std::ptrdiff_t> (too_many)))
    return candidates;
  for (const Child &child : children_)
    if (!child.plain_player && !lends_its_slot (child) && !child.yielding &&
        child.contact.id != ask.self.id && child.contact.id != ask.lost &&
        now - child.since >= limits::settling_max)
      candidates.push_back ({child.contact.id, child.subtree, child.path.get (),
          width_of (child)});
  return candidates;
}

bool
Downstream::may_step_down (
    Instant now, const message::Subscribe &ask, const Standing &standing) const
{
  return now >= step_down_at_ && standing.parent_link && !ask.plain_player &&
         !ask.unreachable && is_usable (ask.self) && !is_child (ask.self.id) &&
         is_usable (standing.root_path.front ()) &&
         !is_avoided (ask, standing.root_path.front ().id);
}

const Contact &
Downstream::contact_of (PeerId id) const
{
  const auto child = std::find_if (
      children_.begin (), children_.end (), [&] (const Child &known) {
        return !known.plain_player && known.contact.id == id;
      });
  if (child != children_.end ())
    return child->contact;
  for (const Child &above : children_)
    for (const KnownOpening &known : above.openings)
      if (known.opening.contact.id == id)
        return known.opening.contact;
  assert (!"nobody we know");
  return children_.front ().contact;
}

bool
Downstream::is_offered (const Child &child, const message::Subscribe &ask) const
{
  if (child.plain_player || lends_its_slot (child) ||
      !is_usable (child.contact) || child.dialing.reach == Reach::no)
    return false;
  if (child.subtree.free == 0 && !node_.config.offer_dead_ends)
    return false;
  return child.contact.id != ask.self.id && !is_avoided (ask, child.contact.id);
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
  child->heard = std::max (child->heard, now);
  child->answer_by.reset ();
}

void
Downstream::message_seen (Instant now, LinkId link, Instant came)
{
  const auto child = find (link);
  if (child == children_.end ())
    return;
  child->heard = came;
  if (came == now)
    child->answer_by.reset ();
  check_at_ = std::min (check_at_, due (*child));
  if (came == now)
    make_way (now, *child);
}

void
Downstream::handle_message (
    Instant now, LinkId link, const message::Alive &alive)
{
  const auto child = find (link);
  if (child == children_.end () || child->plain_player ||
      child->contact.id != alive.self.id)
    return;
  if (alive.self.address.size () <= limits::address_max &&
      alive.self.address != child->contact.address) {
    child->contact.address = alive.self.address;
    child->dialing.reach = Reach::unknown;
    child->dialing.failures = 0;
    child->dialing.due = Instant::max ();
  }
  child->children_max = std::min (alive.children_max, limits::children_max_max);
  child->subtree = believable (alive.subtree);
  child->quality = believable (alive.quality, child->subtree.peers);
  know_openings (now, *child, alive.openings);
  consider_dialing (now, *child);
  if (alive.receiving)
    make_way (now, *child);
}

// Kept for that peer alone: whoever came first would have it otherwise.
void
Downstream::handle_message (
    Instant now, LinkId link, const message::Yield &yield)
{
  const auto child = find (link);
  if (child == children_.end () || child->plain_player ||
      lends_its_slot (*child) || yield.to == child->contact.id)
    return;
  child->yielding = Yielding{yield.to, now + limits::yield_max};
  check_at_ = std::min (check_at_, child->yielding->until);
}

void
Downstream::handle_message (LinkId link, const message::Located &located)
{
  const auto child = find (link);
  if (child != children_.end () && !child->plain_player)
    child->path = believable (std::optional (located.path));
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
Downstream::replace (Instant now, PeerId id, LinkId by)
{
  const auto child = find_peer (id);
  if (child == children_.end ())
    return;
  for (Move &move : moves_) // wait on: it is dialled anew
    if (move.target_link == child->link)
      move.target_link = by;
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
  forget_moves (child->link);
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
  std::erase_if (
      moves_, [now] (const Move &move) { return move.until <= now; });
  for (std::size_t i = 0; i < children_.size ();) {
    Child &child = children_[i];
    if (child.sent_on_until && *child.sent_on_until <= now)
      child.sent_on_until.reset (); // nobody took it
    if (child.yielding && child.yielding->until <= now)
      child.yielding.reset (); // nobody came for its slot
    if (deadline (child) > now) {
      if (child.dialing.due <= now)
        dial (now, child);
      ++i;
      continue;
    }
    forget (
        now, children_.begin () + static_cast<std::ptrdiff_t> (i), Line::open);
  }
  check_at_ = Instant::max ();
  for (const Child &child : children_)
    check_at_ = std::min (check_at_, due (child));
  for (const Asker &asker : askers_)
    check_at_ = std::min (check_at_, asker.until);
  for (const Move &move : moves_)
    check_at_ = std::min (check_at_, move.until);
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
  for (const Child &child : children_)
    tell_alive (child, alive, helpers);
}

void
Downstream::tell_alive (LinkId link, const message::Alive &alive)
{
  const auto child = find (link);
  if (child != children_.end ())
    tell_alive (
        *child, alive, standby (alive.root_path, limits::standby_max + 1));
}

void
Downstream::tell_alive (const Child &child, message::Alive beat,
    std::span<const Contact> helpers) const
{
  if (child.plain_player)
    return;
  for (const Contact &helper : helpers)
    if (helper.id != child.contact.id &&
        beat.standby.size () < limits::standby_max)
      beat.standby.push_back (helper);
  beat.reachable = child.dialing.reach;
  node_.outbox.send (child.link, std::move (beat));
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
  moves_.clear ();
  check_at_ = Instant::max ();
}

} // namespace spreadit::core
