// Whether others can connect to our children: dialled back once they are fed,
// and who waits for what comes of it (docs/decisions/0023).
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "core/contacts.hpp"
#include "core/downstream.hpp"

namespace spreadit::core {

// Whom we might send somebody to.
bool
Downstream::is_to_be_dialed (const Child &child) const
{
  return !child.plain_player && is_usable (child.contact) &&
         (child.children_max > 0 || child.subtree.free > 0 ||
             node_.config.offer_dead_ends);
}

bool
Downstream::is_dialing (LinkId link) const
{
  return std::any_of (
      children_.begin (), children_.end (), [link] (const Child &child) {
        return child.link == link && child.dialing.is_under_way;
      });
}

void
Downstream::dial (Instant now, Child &child)
{
  if (lends_its_slot (child)) { // is offered to nobody meanwhile
    child.dialing.due = now + limits::dial_retry_min;
    return;
  }
  child.dialing.is_under_way = true;
  child.dialing.began = now;
  child.dialing.due = Instant::max ();
  node_.outbox.dial_back (child.link, child.contact);
}

// It is here, or says something new of itself. However often it does, one dial
// each dial_retry_min: it may be somebody else's address.
void
Downstream::consider_dialing (Instant now, Child &child)
{
  Dialing &dialing = child.dialing;
  if (!is_to_be_dialed (child)) {
    dialing.due = Instant::max ();
    return;
  }
  if (dialing.is_under_way || dialing.due != Instant::max () ||
      (dialing.reach == Reach::yes && !node_.config.idle_beats))
    return;
  dialing.due = std::max (now, dialing.began + limits::dial_retry_min);
  if (dialing.due <= now)
    dial (now, child);
  check_at_ = std::min (check_at_, dialing.due);
}

// The asker was refused there, or could not connect. The next one is to be
// spared that.
void
Downstream::doubt_avoided (Instant now, const message::Subscribe &ask)
{
  for (Child &child : children_)
    if (child.dialing.reach == Reach::yes && !child.dialing.is_under_way &&
        child.dialing.began + limits::dial_retry_min <= now &&
        is_to_be_dialed (child) && is_avoided (ask, child.contact.id))
      dial (now, child);
}

Downstream::DialedBack
Downstream::dialed_back (
    Instant now, LinkId link, const std::string &address, Reach reach)
{
  DialedBack outcome;
  const auto child = find (link);
  if (child != children_.end () && child->dialing.is_under_way) {
    Dialing &dialing = child->dialing;
    dialing.is_under_way = false;
    const Reach before = dialing.reach;
    if (address != child->contact.address) {
      reach = Reach::unknown; // it has another one by now
      dialing.due = std::max (now, dialing.began + limits::dial_retry_min);
    } else if (reach == Reach::yes) {
      dialing.failures = 0;
      dialing.due =
          node_.config.idle_beats ? now + limits::dial_again : Instant::max ();
    } else {
      dialing.due = now + std::min<Duration> (limits::dial_retry_max,
                              limits::dial_retry_min * (1 << dialing.failures));
      if (limits::dial_retry_min * (1 << dialing.failures) <
          limits::dial_retry_max)
        ++dialing.failures;
    }
    if (reach != Reach::unknown)
      dialing.reach = reach;
    if (!is_to_be_dialed (*child))
      dialing.due = Instant::max ();
    check_at_ = std::min (check_at_, dialing.due);
    // That all is well can wait for the next heart-beat.
    outcome.is_news = dialing.reach != before &&
                      (dialing.reach == Reach::no || before == Reach::no);
  }
  resolve_moves (now, link, reach, outcome);
  return outcome;
}

// Nobody is below it, nor can be put there.
bool
Downstream::may_go_below_anybody (const Child &child)
{
  return width_of (child) == 0 && child.subtree.peers == 1 &&
         !child.plain_player && !lends_its_slot (child) && !child.yielding;
}

// The newcomer gets the slot of this child, which goes below it, and so do
// those that are too many already. It does not wait for that, and nobody is
// sent there before it is known that others can connect to it.
void
Downstream::take_above (Instant now, LinkId link, const message::Subscribe &ask,
    const Standing &standing, Child &child)
{
  const Instant until = now + limits::sent_on_max;
  std::vector<LinkId> below;
  const auto lend = [&] (Child &one) {
    one.sent_on_until = until;
    below.push_back (one.link);
  };
  lend (child);
  for (auto one = children_.rbegin (); one != children_.rend (); ++one)
    if (slots_used () >= node_.config.children_max &&
        may_go_below_anybody (*one))
      lend (*one);
  check_at_ = std::min (check_at_, until);
  accept (now, link, ask, standing);
  const bool is_dialed = children_.back ().dialing.is_under_way;
  for (const LinkId one : below)
    moves_.push_back ({one, link, ask.self, until});
  if (!is_dialed) // it gives no address that could be dialled
    forget_moves (link);
}

// Of those that are to go below the peer on that link.
void
Downstream::resolve_moves (
    Instant now, LinkId target_link, Reach reach, DialedBack &outcome)
{
  std::erase_if (moves_, [&] (const Move &move) {
    if (move.target_link != target_link)
      return false;
    if (reach != Reach::yes) {
      forget_move (move);
      return true;
    }
    if (!move.child) {
      outcome.wider = move.target;
      return true;
    }
    const auto child = find (*move.child);
    if (child == children_.end ())
      return true;
    child->sent_on_until = now + limits::sent_on_max;
    check_at_ = std::min (check_at_, *child->sent_on_until);
    node_.outbox.send (
        child->link, message::Redirect{move.target, RedirectScope::self});
    return true;
  });
}

// The child stays, and whoever has its slot makes way.
void
Downstream::forget_move (const Move &move)
{
  if (!move.child)
    return;
  const auto child = find (*move.child);
  if (child != children_.end ())
    child->sent_on_until.reset ();
}

// Below the peer on that link, or its own.
void
Downstream::forget_moves (LinkId link)
{
  std::erase_if (moves_, [&] (const Move &move) {
    const bool is_over = move.target_link == link || move.child == link;
    if (is_over)
      forget_move (move);
    return is_over;
  });
}

// Sorted. Somebody else may still tell of them, whose children they were.
std::vector<PeerId>
Downstream::unreachable_children () const
{
  std::vector<PeerId> ids;
  for (const Child &child : children_)
    if (child.dialing.reach == Reach::no)
      ids.push_back (child.contact.id);
  std::sort (ids.begin (), ids.end ());
  return ids;
}

// Nobody gets to this child, but to those below it that it has told us of.
void
Downstream::add_ways_past (const Child &child, const message::Subscribe &ask,
    const std::vector<PeerId> &unreachable,
    std::vector<Candidate> &candidates) const
{
  if (child.plain_player || lends_its_slot (child) ||
      child.dialing.reach != Reach::no || child.contact.id == ask.self.id)
    return;
  for (const KnownOpening &known : child.openings) {
    const Opening &opening = known.opening;
    if (opening.free == 0 || is_among (unreachable, opening.contact.id) ||
        opening.contact.id == ask.self.id ||
        is_avoided (ask, opening.contact.id))
      continue;
    candidates.push_back ({opening.contact.id, {1, 0, opening.free}});
  }
}

// Children that can be put below it.
std::uint32_t
Downstream::width_of (const Child &child)
{
  return child.dialing.reach == Reach::no ? 0 : child.children_max;
}

// Slots that somebody can be sent to: of a child that nobody gets to those
// further down that it has told us of.
std::uint32_t
Downstream::room_below (const Child &child)
{
  if (child.dialing.reach != Reach::no)
    return child.subtree.free;
  std::uint32_t room = 0;
  for (const KnownOpening &known : child.openings)
    if (known.opening.contact.id != child.contact.id)
      room += known.opening.free;
  return std::min (room, child.subtree.free);
}

} // namespace spreadit::core
