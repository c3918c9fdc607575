// Datagrams that cross the kernel's boundary together: UDP_SEGMENT on the way
// out, UDP_GRO on the way in (udp(7)). No sockets here.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include <sys/uio.h>

#include "media/packet.hpp"

namespace spreadit::media {

// How many of `datagrams`, from the first on, one send to one destination may
// carry for the kernel to cut up: all as long as the first, only the last may
// be shorter. Longer ones than `segment_max` go alone. At least 1; there must
// be one.
std::size_t run_length (
    std::span<const Bytes> datagrams, std::size_t segment_max);

// Describes their memory, neighbours as one piece: packets of a ring often are.
// `out` has room for all of `datagrams`. How many pieces there are.
std::size_t describe_memory (
    std::span<const Bytes> datagrams, std::span<iovec> out);

// Calls `take` with each datagram of what the kernel may have put together;
// `segment` is what it says they are long, 0 that there is but one.
template <class Function>
void
for_each_segment (Bytes bytes, std::size_t segment, Function take)
{
  if (!segment || bytes.size () <= segment) {
    take (bytes);
    return;
  }
  for (; !bytes.empty ();
       bytes = bytes.subspan (std::min (segment, bytes.size ())))
    take (bytes.first (std::min (segment, bytes.size ())));
}

} // namespace spreadit::media
