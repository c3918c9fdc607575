// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/uplink.hpp"

#include <algorithm>
#include <chrono>

#include "media/limits.hpp"

namespace spreadit::media {

std::optional<double>
Uplink::spare (const Ring &ring, std::size_t fed, std::size_t lagging) const
{
  if (!is_known () || lagging == 0 || ring.is_empty ())
    return std::nullopt;
  const std::chrono::duration<double> span =
      ring.at (ring.head () - 1).arrival - ring.at (ring.first ()).arrival;
  // A ring that was filled at once tells no rate: what is in it is of a second.
  const double rate = static_cast<double> (ring.head () - ring.first ()) /
                      std::max (span.count (), 1.0);
  constexpr std::uint64_t sample = 64; // packets: some frames
  const std::uint64_t from =
      std::max (ring.first (), ring.head () - std::min (ring.head (), sample));
  std::size_t bytes = 0;
  for (std::uint64_t i = from; i < ring.head (); ++i)
    bytes += ring.at (i).bytes.size () + limits::udp_overhead;
  const double size =
      static_cast<double> (bytes) / static_cast<double> (ring.head () - from);
  const double all = static_cast<double> (bps_) / 8 / size;
  const double left = all - static_cast<double> (fed) * rate;
  return std::max (
      left / static_cast<double> (lagging), limits::pace_factor_min * rate);
}

} // namespace spreadit::media
