// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "media/estimate.hpp"
#include "media/packet.hpp"
#include "media/vocabulary.hpp"

namespace spreadit::media {

// Whether the end of a picture has been lost, of one SSRC. The marker bit says
// that a packet is the last of its picture (RFC 6184 5.1, RFC 7741 4.1 and
// others), so one without it that nothing follows has lost what should. Without
// that, it is the next picture that gives the loss away, 40 ms later.
//
// That the bit means this is not told by the codec, which nobody may know here,
// but by the stream: packets without it were followed by one of the same
// timestamp, those with it by one of another.
class FrameTail {
public:
  // This one is higher than all before. `is_on_time`: it was not asked for.
  void newest (std::uint64_t extended, const RtpHeader &header,
      MonotonicTime now, bool is_on_time);
  // When the next one should have been here; max() if none is missed.
  [[nodiscard]] MonotonicTime overdue_at () const;
  // Its number, once.
  std::optional<std::uint64_t> take_overdue (MonotonicTime now);

private:
  struct Newest {
    std::uint64_t extended;
    std::uint32_t rtp_time;
    bool marker;
    MonotonicTime at;
  };

  std::optional<Newest> newest_;
  unsigned confirmed_ = 0; // how often the bit meant that, since it did not
  Estimate follows_after_; // within one picture
  bool is_taken_ = false;
};

} // namespace spreadit::media
