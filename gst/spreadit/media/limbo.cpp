// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/limbo.hpp"

#include "media/limits.hpp"

namespace spreadit::media {

void
Limbo::put (const Address &from, Bytes packet, MonotonicTime at)
{
  expire (at);
  packets_.push_back ({from, at, {packet.begin (), packet.end ()}});
  bytes_ += packet.size ();
  while (
      packets_.size () > limits::limbo_max || bytes_ > limits::limbo_bytes_max)
    pop ();
}

std::vector<std::vector<std::uint8_t>>
Limbo::take (const Address &from, MonotonicTime now)
{
  expire (now);
  std::vector<std::vector<std::uint8_t>> taken;
  std::erase_if (packets_, [&] (Packet &packet) {
    if (packet.from != from)
      return false;
    bytes_ -= packet.bytes.size ();
    taken.push_back (std::move (packet.bytes));
    return true;
  });
  return taken;
}

void
Limbo::expire (MonotonicTime now)
{
  while (!packets_.empty () && now - packets_.front ().at > limits::limbo_age)
    pop ();
}

void
Limbo::pop ()
{
  bytes_ -= packets_.front ().bytes.size ();
  packets_.pop_front ();
}

} // namespace spreadit::media
