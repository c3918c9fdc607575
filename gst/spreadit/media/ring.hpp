// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "media/packet.hpp"
#include "media/vocabulary.hpp"

namespace spreadit::media {

// A packet of the stream as it lies in the ring.
struct Packet {
  Bytes bytes;
  Header header;
  std::optional<std::size_t> media; // section of the SDP
  MonotonicTime arrival;
};

// The last packets of the stream in order of arrival. Each has an absolute
// index that is never used again, so that a cursor stays good for ever.
//
// Holds copies, not GstBuffers: a reference held for seconds would starve the
// pool it came from (a hardware encoder has a handful of output buffers), and
// the copy costs a tenth of what one send does. It also makes runs of packets
// contiguous in memory.
class Ring {
public:
  Ring (std::chrono::milliseconds duration, std::size_t bytes_max);

  // Packets [first(), head()) are here.
  [[nodiscard]] std::uint64_t first () const { return first_; }
  [[nodiscard]] std::uint64_t head () const { return head_; }
  [[nodiscard]] bool is_empty () const { return first_ == head_; }
  [[nodiscard]] const Packet &at (std::uint64_t index) const;

  // Nothing from here on has to go because of its age, for limits::gop_max.
  void keep_from (std::uint64_t index) { kept_from_ = index; }
  // Whether the oldest packet has to go before one of `size` bytes at `now`
  // may come. Ask until it says no: whoever has to know sees each one leave.
  [[nodiscard]] bool is_full (std::size_t size, MonotonicTime now) const;
  void pop ();
  // Copies. The index is head() - 1 afterwards. A packet of more than
  // limits::datagram_size_max is the caller's bug.
  void push (Bytes bytes, const Header &header,
      std::optional<std::size_t> media, MonotonicTime now);

  // The index of that RTP packet, if it is still here.
  [[nodiscard]] std::optional<std::uint64_t> find (
      std::uint32_t ssrc, std::uint16_t seq) const;

  // The SDP has changed: `media_of` says anew where packets belong.
  template <class Function> void reassign_media (Function media_of)
  {
    for (std::uint64_t i = first_; i < head_; ++i)
      slot (i).media = media_of (slot (i).header);
  }
  // The newest RTP packet of each SSRC that is younger than the ring's
  // duration.
  [[nodiscard]] std::vector<RtpHeader> newest (MonotonicTime now) const;
  // What is held: packets and our records of them.
  [[nodiscard]] std::size_t bytes () const { return bytes_; }

private:
  // Packets lie one after another in chunks; a chunk whose packets are all
  // gone is used again.
  struct Chunk {
    std::unique_ptr<std::uint8_t[]> memory;
    std::size_t used = 0;
    std::uint64_t end = 0; // index after its last packet
  };
  // What is known of one SSRC.
  struct Source {
    RtpHeader newest;
    MonotonicTime arrival; // of that one
    // Where the packets are: the low bits of their indices, by sequence number
    // modulo its size. As large as slots_, so those that are here have a place
    // each but for jumps; find() looks whether it is the right one.
    std::vector<std::uint32_t> where;
  };

  Packet &slot (std::uint64_t index) { return slots_[index & mask ()]; }
  [[nodiscard]] std::uint64_t mask () const { return slots_.size () - 1; }
  std::uint8_t *allocate (std::size_t size);
  void grow ();
  Source *source_of (const RtpHeader &header, MonotonicTime now);
  void remember (
      const RtpHeader &header, std::uint64_t index, MonotonicTime now);

  const std::chrono::milliseconds duration_;
  const std::size_t bytes_max_;
  std::uint64_t first_ = 0, head_ = 0;
  std::uint64_t kept_from_ = UINT64_MAX;
  std::size_t bytes_ = 0;
  std::vector<Packet> slots_; // by index modulo its size, a power of two
  std::deque<Chunk> chunks_;  // oldest first
  std::optional<Chunk> spare_;
  std::vector<Source> sources_; // at most limits::sources_max
};

} // namespace spreadit::media
