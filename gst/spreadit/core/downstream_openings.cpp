// Who below us would take a newcomer, and what the parent is told of it.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <bit>

#include "core/contacts.hpp"
#include "core/downstream.hpp"
#include "core/proximity.hpp"

namespace spreadit::core {

namespace {

// Coarse, so that a heart-beat says something new a dozen times in a life.
Duration
rounded (Duration age)
{
  const auto seconds = std::chrono::floor<std::chrono::seconds> (age).count ();
  return std::chrono::seconds (std::bit_floor (
      static_cast<std::uint64_t> (std::max<long> (seconds, 0))));
}

bool
is_believable (const Opening &told, const PeerId &self)
{
  return is_usable (told.contact) && told.contact.id != self &&
         told.depth < limits::levels_max &&
         (told.free > 0 || told.width_min > 0);
}

} // namespace

// Slots that we have given away stay so, although the report is from before.
void
Downstream::know_openings (
    Instant now, Child &child, std::span<const Opening> told)
{
  if (!add_policy_->wants_openings () && child.dialing.reach != Reach::no)
    return child.openings.clear ();
  std::vector<KnownOpening> fresh;
  for (const Opening &opening : told) {
    if (fresh.size () >= limits::openings_max)
      break;
    if (!is_believable (opening, node_.config.id))
      continue;
    KnownOpening known{
        opening, now - std::max (opening.age, Duration::zero ())};
    ++known.opening.depth;
    known.opening.free =
        std::min<std::uint32_t> (opening.free, limits::children_max_max);
    for (const KnownOpening &before : child.openings)
      if (before.opening.contact.id == opening.contact.id) {
        known.since = before.since; // was told when it was less coarse
        known.spent = before.spent;
        known.spent_until = before.spent_until;
      }
    fresh.push_back (std::move (known));
  }
  fresh.shrink_to_fit ();
  child.openings = std::move (fresh);
}

void
Downstream::spend (Instant now, PeerId id)
{
  for (Child &child : children_)
    for (KnownOpening &known : child.openings)
      if (known.opening.contact.id == id) {
        if (now >= known.spent_until)
          known.spent = 0;
        ++known.spent;
        known.spent_until = now + limits::spent_max;
      }
}

std::vector<DistantOpening>
Downstream::distant_openings (Instant now, const message::Subscribe &ask) const
{
  std::vector<DistantOpening> openings, perhaps;
  if (!add_policy_->wants_openings ())
    return openings;
  const auto unreachable = unreachable_children ();
  for (const Child &child : children_) {
    if (lends_its_slot (child) || child.contact.id == ask.self.id ||
        child.contact.id == ask.lost)
      continue;
    for (const KnownOpening &known : child.openings) {
      const Opening &opening = known.opening;
      const unsigned spent = now < known.spent_until ? known.spent : 0;
      const std::uint32_t free =
          opening.free > spent ? opening.free - spent : 0;
      if ((free == 0 && (opening.width_min == 0 || spent > 0)) ||
          opening.contact.id == ask.self.id ||
          is_avoided (ask, opening.contact.id) ||
          is_among (unreachable, opening.contact.id))
        continue;
      // Those further down are known to be reachable, or we would not be told.
      const Reach reach = opening.contact.id == child.contact.id
                              ? child.dialing.reach
                              : Reach::yes;
      (reach == Reach::yes ? openings : perhaps)
          .push_back ({&opening.contact, opening.depth, free, opening.width_min,
              opening.tree_delay_ms, now - known.since, &opening.vicinity});
    }
  }
  return openings.empty () ? perhaps : openings;
}

// Free slots, or else the narrowest child's, for somebody wider.
Opening
Downstream::own_opening () const
{
  Opening opening;
  opening.contact = node_.self ();
  opening.vicinity = vicinity_of (node_.config.path);
  opening.tree_delay_ms = node_.tree_delay_ms;
  opening.free = static_cast<std::uint32_t> (slots_free ());
  if (opening.free > 0 || slots_used () > node_.config.children_max)
    return opening;
  for (const Child &child : children_) {
    if (child.plain_player || lends_its_slot (child))
      continue;
    const std::uint32_t width = width_of (child) + limits::width_step;
    if (opening.width_min == 0 || width < opening.width_min)
      opening.width_min = width;
  }
  return opening;
}

// Whoever cannot be reached tells of those below it, so that others get past.
bool
Downstream::tells_openings () const
{
  return add_policy_->wants_openings () || node_.reachable == Reach::no;
}

// Least far from the source first, then who has been there longest. Of a child
// that others may not be able to connect to only those below it; where the
// policy is to go from peer to peer, of the others only themselves.
template <class Visit>
void
Downstream::for_best_openings (Visit visit) const
{
  struct Entry {
    const Opening *opening;
    Instant since;
  };
  const Opening own = own_opening ();
  std::vector<Entry> free, wide;
  const auto add = [&] (const Opening &opening, Instant since) {
    if (opening.free > 0)
      free.push_back ({&opening, since});
    else if (opening.width_min > 0)
      wide.push_back ({&opening, since});
  };
  if (!node_.config.address.empty ())
    add (own, node_.since);
  std::vector<Opening> hosts;
  hosts.reserve (children_.size ());
  const auto unreachable = unreachable_children ();
  for (const Child &child : children_) {
    if (lends_its_slot (child))
      continue;
    for (const KnownOpening &known : child.openings)
      if ((child.dialing.reach == Reach::yes ||
              known.opening.contact.id != child.contact.id) &&
          !is_among (unreachable, known.opening.contact.id))
        add (known.opening, known.since);
    if (!add_policy_->wants_openings () && !child.plain_player &&
        child.dialing.reach == Reach::yes && is_usable (child.contact)) {
      const auto room = std::min<std::uint32_t> (
          child.subtree.free, limits::children_max_max);
      hosts.push_back ({child.contact, 1, room, 0, 0, {}, {}});
      add (hosts.back (), child.since);
    }
  }
  const auto better = [] (const Entry &a, const Entry &b) {
    const auto cost = [] (const Entry &entry) {
      return cost_from_source (
          entry.opening->depth, entry.opening->tree_delay_ms);
    };
    if (cost (a) != cost (b))
      return cost (a) < cost (b);
    if (a.since != b.since)
      return a.since < b.since;
    return a.opening->contact.id < b.opening->contact.id;
  };
  for (auto [list, most] : {std::pair{&free, limits::free_openings_max},
           std::pair{&wide, limits::wide_openings_max}}) {
    const auto count = std::min (list->size (), most);
    std::partial_sort (list->begin (),
        list->begin () + static_cast<std::ptrdiff_t> (count), list->end (),
        better);
    for (std::size_t i = 0; i < count; ++i)
      visit (*(*list)[i].opening, (*list)[i].since);
  }
}

std::vector<Opening>
Downstream::openings (Instant now) const
{
  std::vector<Opening> best;
  if (tells_openings ())
    for_best_openings ([&] (const Opening &opening, Instant since) {
      best.push_back (opening);
      best.back ().age = rounded (now - since);
    });
  return best;
}

std::uint64_t
Downstream::openings_digest () const
{
  if (!tells_openings ())
    return 0;
  std::uint64_t digest = 1;
  for_best_openings ([&] (const Opening &opening, Instant) {
    for (const std::uint64_t part :
        {opening.contact.id.high, opening.contact.id.low,
            std::uint64_t{opening.depth} << 32 | opening.free,
            std::uint64_t{opening.tree_delay_ms} << 32 | opening.width_min,
            opening.vicinity.routers[0]})
      digest = Rng (digest ^ part).next ();
  });
  return digest;
}

} // namespace spreadit::core
