// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/runs.hpp"

#include <cassert>

#include "media/limits.hpp"

namespace spreadit::media {

std::size_t
run_length (std::span<const Bytes> datagrams, std::size_t segment_max)
{
  assert (!datagrams.empty ());
  const std::size_t segment = datagrams[0].size ();
  if (segment > segment_max)
    return 1;
  std::size_t count = 1;
  std::size_t bytes = segment;
  while (count < std::min (datagrams.size (), limits::run_datagrams_max)) {
    const std::size_t size = datagrams[count].size ();
    // An empty one would leave no trace. Nor may the first be empty, which
    // only an empty one could follow.
    if (!size || size > segment || bytes + size > limits::run_bytes_max)
      break;
    bytes += size;
    ++count;
    if (size < segment)
      break;
  }
  return count;
}

std::size_t
describe_memory (std::span<const Bytes> datagrams, std::span<iovec> out)
{
  assert (out.size () >= datagrams.size ());
  std::size_t pieces = 0;
  for (const Bytes &datagram : datagrams) {
    // The kernel only reads from it, whatever the type says.
    auto *begin = const_cast<std::uint8_t *> (datagram.data ());
    if (pieces && static_cast<std::uint8_t *> (out[pieces - 1].iov_base) +
                          out[pieces - 1].iov_len ==
                      begin)
      out[pieces - 1].iov_len += datagram.size ();
    else
      out[pieces++] = {begin, datagram.size ()};
  }
  return pieces;
}

} // namespace spreadit::media
