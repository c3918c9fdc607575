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

} // namespace spreadit::core
