// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "media/packet.hpp"
#include "media/vocabulary.hpp"

namespace spreadit::media {

// Packets whose sender is nobody yet. A new parent begins to send when it has
// written its answer; over UDP its first packets overtake that answer, and
// after a crash they are the very packets the child is missing. So they wait
// here a moment for receive_from() to name their sender.
class Limbo {
public:
  // Bounded in number, bytes and age; the oldest go first.
  void put (const Address &from, Bytes packet, MonotonicTime at);
  // Those of `from`, oldest first; they are out of here then.
  std::vector<std::vector<std::uint8_t>> take (
      const Address &from, MonotonicTime now);
  [[nodiscard]] std::size_t size () const { return packets_.size (); }

private:
  struct Packet {
    Address from;
    MonotonicTime at;
    std::vector<std::uint8_t> bytes;
  };
  void expire (MonotonicTime now);
  void pop ();

  std::deque<Packet> packets_; // oldest first
  std::size_t bytes_ = 0;
};

} // namespace spreadit::media
