// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/limbo.hpp"

#include "media/limits.hpp"

namespace spreadit::media {

void
Limbo::put (const Address &from, Bytes packet, MonotonicTime at)
{
  expire (at);
  if (packets_.size () >= limits::limbo_max)
    packets_.pop_front ();
  packets_.push_back ({from, at, {packet.begin (), packet.end ()}});
}

std::vector<std::vector<std::uint8_t>>
Limbo::take (const Address &from, MonotonicTime now)
{
  expire (now);
  std::vector<std::vector<std::uint8_t>> taken;
  std::erase_if (packets_, [&] (Packet &packet) {
    if (packet.from != from)
      return false;
    taken.push_back (std::move (packet.bytes));
    return true;
  });
  return taken;
}

void
Limbo::expire (MonotonicTime now)
{
  while (!packets_.empty () && now - packets_.front ().at > limits::limbo_age)
    packets_.pop_front ();
}

} // namespace spreadit::media
