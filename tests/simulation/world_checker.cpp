// What must hold after every step.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <utility>

#include "world_private.hpp"

namespace spreadit::simulation {

void
World::blame (const std::string &what)
{
  if (violations_.size () < 10)
    violations_.push_back ("at " +
                           std::to_string (now_.time_since_epoch () / 1us) +
                           " us: " + what);
}

void
World::check (Place place)
{
  const Peer &peer = places_[place]->peer;
  peer.check_invariants ();
  const Config &config = peer.config ();
  std::size_t staying = 0;
  const auto children = peer.children ();
  for (const ChildInfo &child : children)
    staying += child.leaving || child.in_doubt || child.sent_on ? 0 : 1;
  // It may be lowered below what there is, and who was in doubt may answer,
  // and who was sent on may stay.
  const std::size_t before =
      std::exchange (places_[place]->children_before, children.size ());
  if (children.size () > before &&
      (staying > config.children_max ||
          children.size () > 2 * std::size_t{config.children_max}))
    blame ("over capacity: " + std::to_string (place));
  for (const Contact &above : peer.root_path ())
    if (above.id == config.id)
      blame ("on its own root path: " + std::to_string (place));
  check_no_cycle (place);
}

// Nobody is sent to a child of whom it is known that it cannot be reached. What
// the parent says to all descendants is handed on as it is.
void
World::check_offer (Place place, const message::Redirect &redirect)
{
  if (redirect.scope == RedirectScope::subtree)
    return;
  for (const ChildInfo &child : places_[place]->peer.children ())
    if (child.contact.id == redirect.target.id && child.reach == Reach::no)
      blame ("offers whom nobody can reach: " + std::to_string (place));
}

// A cycle can only close where a pointer has changed.
void
World::check_no_cycle (Place place)
{
  std::vector<Place> open;
  std::vector<bool> seen (places_.size ());
  const auto add_parents_of = [&] (Place child) {
    if (!places_[child]->up)
      return;
    const Place parent = parent_of (child);
    if (parent != nowhere)
      open.push_back (parent);
    // During a handover the old parent counts as well.
    for (const LinkId link : places_[child]->peer.data_links ())
      if (const Connection *connection = find (child, link))
        if (connection->acceptor != parent)
          open.push_back (connection->acceptor);
  };
  add_parents_of (place);
  while (!open.empty ()) {
    const Place above = open.back ();
    open.pop_back ();
    if (above == place)
      return blame ("a cycle through " + std::to_string (place));
    if (seen[above])
      continue;
    seen[above] = true;
    add_parents_of (above);
  }
}

const std::vector<std::string> &
World::violations () const
{
  return violations_;
}

void
World::note (std::uint64_t value)
{
  Rng mix (digest_ ^ value ^
           static_cast<std::uint64_t> (now_.time_since_epoch ().count ()));
  digest_ = mix.next ();
}

std::string
describe (const Message &message)
{
  const auto id = [] (const PeerId &peer) {
    return peer.low == 0 ? std::string ("?") : name_of (peer.low - 1);
  };
  const auto path = [&] (const RootPath &contacts) {
    std::string text (1, '[');
    for (const Contact &contact : contacts)
      text.append (id (contact.id)).append (1, ' ');
    return text.append (1, ']');
  };
  if (const auto *ask = std::get_if<message::Subscribe> (&message))
    return "Subscribe peers=" + std::to_string (ask->subtree.peers) +
           " reason=" + std::to_string (static_cast<int> (ask->reason)) +
           " avoid=" + std::to_string (ask->avoid.size ());
  if (const auto *accept = std::get_if<message::Accept> (&message))
    return "Accept " + path (accept->root_path);
  if (const auto *refuse = std::get_if<message::Refuse> (&message))
    return "Refuse " + std::to_string (static_cast<int> (refuse->reason));
  if (const auto *redirect = std::get_if<message::Redirect> (&message))
    return "Redirect " + id (redirect->target.id) +
           (redirect->scope == RedirectScope::subtree ? " subtree" : "");
  if (const auto *alive = std::get_if<message::Alive> (&message))
    return "Alive receiving=" + std::to_string (alive->receiving) +
           " free=" + std::to_string (alive->subtree.free) + " " +
           path (alive->root_path);
  if (const auto *verify = std::get_if<message::Verify> (&message))
    return "Verify " + id (verify->mover);
  if (const auto *verified = std::get_if<message::Verified> (&message))
    return "Verified " + std::to_string (verified->ok);
  if (const auto *yield = std::get_if<message::Yield> (&message))
    return "Yield " + id (yield->to);
  static constexpr const char *names[] = {"", "", "", "", "Unsubscribe",
      "Leaving", "", "Probe", "", "", "Ended", "", "Located"};
  return names[message.index ()];
}

bool
World::somebody_has_room () const
{
  // A parent that could not connect tries again some time.
  const auto is_given_up = [this] (Place place) {
    const Place parent = parent_of (place);
    if (parent == nowhere)
      return false;
    const auto children = places_[parent]->peer.children ();
    return std::any_of (
        children.begin (), children.end (), [&] (const ChildInfo &child) {
          return child.contact.id == places_[place]->peer.config ().id &&
                 child.reach == Reach::no;
        });
  };
  for (Place place = 0; place < places_.size (); ++place) {
    const Peer &peer = places_[place]->peer;
    if (places_[place]->walled || is_given_up (place))
      continue;
    if (is_up (place) && !peer.config ().address.empty () &&
        peer.children ().size () < peer.config ().children_max &&
        is_served (place))
      return true;
  }
  return false;
}

} // namespace spreadit::simulation
