// What a peer knows of its children.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cassert>

#include "core/contacts.hpp"
#include "core/downstream.hpp"

namespace spreadit::core {

namespace {

std::uint32_t
capped_sum (std::uint32_t a, std::uint32_t b)
{
  return std::min (a + b, limits::subtree_peers_max);
}

} // namespace

Downstream::Children::iterator
Downstream::find (LinkId link)
{
  return std::find_if (children_.begin (), children_.end (),
      [link] (const Child &child) { return child.link == link; });
}

Downstream::Children::iterator
Downstream::find_peer (PeerId id)
{
  return std::find_if (
      children_.begin (), children_.end (), [&] (const Child &child) {
        return !child.plain_player && child.contact.id == id;
      });
}

bool
Downstream::is_peer (LinkId link) const
{
  return std::any_of (
      children_.begin (), children_.end (), [link] (const Child &child) {
        return child.link == link && !child.plain_player;
      });
}

bool
Downstream::is_child (PeerId id) const
{
  return std::any_of (
      children_.begin (), children_.end (), [&] (const Child &child) {
        return child.contact.id == id && !child.plain_player;
      });
}

bool
Downstream::has_peers () const
{
  return std::any_of (children_.begin (), children_.end (),
      [] (const Child &child) { return !child.plain_player; });
}

// It is leaving, or perhaps dead: its slot is for one of its children. Or it
// was sent on, and its slot is for whom it makes room for.
bool
Downstream::lends_its_slot (const Child &child)
{
  return child.gone_by || child.answer_by || child.sent_on_until;
}

void
Downstream::take_yielded_slot (Instant now, const message::Subscribe &ask)
{
  if (ask.plain_player || slots_used () > node_.config.children_max)
    return;
  for (Child &child : children_) {
    if (!child.yielding || child.yielding->to != ask.self.id)
      continue;
    child.yielding.reset ();
    child.sent_on_until = now + limits::sent_on_max;
    check_at_ = std::min (check_at_, *child.sent_on_until);
    return;
  }
}

std::size_t
Downstream::slots_used () const
{
  const auto lending = static_cast<std::size_t> (
      std::count_if (children_.begin (), children_.end (), lends_its_slot));
  // We never feed more than twice our capacity, whatever they say.
  const std::size_t lent =
      std::min<std::size_t> (lending, node_.config.children_max);
  const auto reserved = std::count_if (askers_.begin (), askers_.end (),
      [] (const Asker &asker) { return !asker.replaces; });
  return children_.size () - lent + static_cast<std::size_t> (reserved);
}

bool
Downstream::feeds_too_many () const
{
  return slots_used () > node_.config.children_max;
}

std::size_t
Downstream::slots_free () const
{
  const std::size_t used = slots_used ();
  if (node_.config.address.empty () || used >= node_.config.children_max)
    return 0;
  return node_.config.children_max - used;
}

bool
Downstream::has_room_for (const message::Subscribe &ask) const
{
  if (slots_free () > 0)
    return true;
  // A child that comes back on a new link takes its own place.
  const auto has_a_place = [&] (const Child &child) {
    return !child.plain_player && !lends_its_slot (child) &&
           child.contact.id == ask.self.id;
  };
  return !ask.plain_player && slots_used () <= node_.config.children_max &&
         !node_.config.address.empty () &&
         std::any_of (children_.begin (), children_.end (), has_a_place);
}

Subtree
Downstream::subtree () const
{
  Subtree sum;
  sum.free = static_cast<std::uint32_t> (slots_free ());
  for (const Child &child : children_) {
    sum.peers = capped_sum (sum.peers, child.subtree.peers);
    sum.levels = std::max (sum.levels, child.subtree.levels + 1);
    if (!lends_its_slot (child))
      sum.free = capped_sum (sum.free, room_below (child));
  }
  return sum;
}

void
Downstream::add_to (QualitySum &sum) const
{
  for (const Child &child : children_)
    sum.add (child.quality);
}

bool
Downstream::may_be_believed_in (Instant now) const
{
  return now < believed_until_;
}

std::vector<ChildInfo>
Downstream::children () const
{
  std::vector<ChildInfo> infos;
  infos.reserve (children_.size ());
  for (const Child &child : children_)
    infos.push_back ({child.contact, child.link, child.subtree,
        child.children_max, child.plain_player, child.gone_by.has_value (),
        child.answer_by.has_value (), child.sent_on_until.has_value (),
        child.quality, child.dialing.reach});
  return infos;
}

void
Downstream::check_invariants () const
{
  for (auto child = children_.begin (); child != children_.end (); ++child) {
    assert (child->plain_player || child->contact.id != node_.config.id);
    assert (std::none_of (
        std::next (child), children_.end (), [&] (const Child &other) {
          return other.link == child->link ||
                 (!child->plain_player && !other.plain_player &&
                     other.contact.id == child->contact.id);
        }));
  }
}

// Peers that a child may turn to when we are gone: our parent, its siblings,
// those first that others can certainly connect to.
std::vector<Contact>
Downstream::standby (const RootPath &root_path, std::size_t count) const
{
  std::vector<Contact> helpers;
  if (!root_path.empty () && is_usable (root_path.front ()))
    helpers.push_back (root_path.front ());
  for (const Reach reach : {Reach::yes, Reach::unknown})
    for (const Child &child : children_) {
      if (helpers.size () >= count)
        return helpers;
      if (!child.plain_player && !lends_its_slot (child) &&
          child.dialing.reach == reach && child.subtree.free > 0 &&
          is_usable (child.contact))
        helpers.push_back (child.contact);
    }
  return helpers;
}

// When there is something to do about it.
Instant
Downstream::due (const Child &child) const
{
  Instant due = deadline (child);
  if (child.sent_on_until)
    due = std::min (due, *child.sent_on_until);
  if (child.yielding)
    due = std::min (due, child.yielding->until);
  return std::min (due, child.dialing.due);
}

// When it counts as gone.
Instant
Downstream::deadline (const Child &child) const
{
  if (child.plain_player) // has no heart-beats
    return Instant::max ();
  const Instant silent = child.heard + node_.misses_max ();
  return std::min ({silent, child.gone_by.value_or (Instant::max ()),
      child.answer_by.value_or (Instant::max ())});
}

} // namespace spreadit::core
