// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <utility>

#include "core/loop_guard.hpp"

namespace spreadit::core {

std::optional<std::uint64_t>
LoopGuard::remember (Instant now, Route route)
{
  std::erase_if (
      checks_, [now] (const Check &check) { return check.until <= now; });
  if (checks_.size () >= limits::verifies_max)
    return std::nullopt;
  const std::uint64_t token = new_token ();
  checks_.push_back ({token, route, now + limits::verify_max});
  return token;
}

std::optional<LoopGuard::Route>
LoopGuard::take (Instant now, std::uint64_t token)
{
  const auto check = std::find_if (checks_.begin (), checks_.end (),
      [token] (const Check &open) { return open.token == token; });
  if (check == checks_.end ())
    return std::nullopt;
  const Check taken = *check;
  checks_.erase (check);
  if (taken.until <= now)
    return std::nullopt;
  return taken.route;
}

std::vector<LoopGuard::Route>
LoopGuard::take_all ()
{
  std::vector<Route> routes;
  for (const Check &check : std::exchange (checks_, {}))
    routes.push_back (check.route);
  return routes;
}

} // namespace spreadit::core
