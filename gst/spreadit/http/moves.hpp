// What has moved in the tree at a node, in words for people.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

namespace spreadit::http {

// A player cannot be reached, and so has no address.
inline std::string
name_of (const std::string &address)
{
  return address.empty () ? "a player" : address;
}

inline std::string
parent_words (const std::string &address, unsigned level)
{
  return "a child of " + name_of (address) + " at level " +
         std::to_string (level);
}

inline std::string
child_words (const std::string &address)
{
  return "feeding " + name_of (address);
}

inline std::string
gone_words (const std::string &address, bool failed)
{
  return name_of (address) + (failed ? " vanished" : " left");
}

inline constexpr const char *transient_words =
    "the parent is gone, looking for another";

} // namespace spreadit::http
