// Small questions about contacts and root paths that strangers sent us.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>

#include "core/limits.hpp"
#include "core/vocabulary.hpp"

namespace spreadit::core {

inline bool
is_named (const Contact &contact)
{
  return contact.id != PeerId{};
}

// Somebody one can be sent to.
inline bool
is_usable (const Contact &contact)
{
  return is_named (contact) && !contact.address.empty () &&
         contact.address.size () <= limits::address_max;
}

inline bool
is_on_path (const RootPath &path, const PeerId &id)
{
  return std::any_of (path.begin (), path.end (),
      [&] (const Contact &contact) { return contact.id == id; });
}

// Of sorted ids.
inline bool
is_among (const std::vector<PeerId> &ids, const PeerId &id)
{
  return std::binary_search (ids.begin (), ids.end (), id);
}

// Of its list the first limits::avoid_max are read.
inline bool
is_avoided (const message::Subscribe &ask, const PeerId &id)
{
  const auto read = std::min (ask.avoid.size (), limits::avoid_max);
  const auto end = ask.avoid.begin () + static_cast<std::ptrdiff_t> (read);
  return std::find (ask.avoid.begin (), end, id) != end;
}

} // namespace spreadit::core
