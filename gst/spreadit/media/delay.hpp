// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "media/rtcp.hpp"

namespace spreadit::media {

// Now, as RFC 3550 4 writes it: seconds since 1900 in 32.32 bits.
std::uint64_t ntp_now ();

// How long packets take from the source's clock to here: quantiles of the last
// limits::delay_samples. True only as far as both clocks agree.
class Delay {
public:
  // A packet with `rtp_time` came at `now`; `report` is the last of its SSRC.
  void add (std::uint64_t now, const SenderReport &report,
      std::uint32_t rtp_time, std::uint32_t clock_rate);
  // In milliseconds, 0 <= q <= 1; nothing without samples.
  [[nodiscard]] std::optional<double> quantile_ms (double q) const;

private:
  std::vector<float> samples_ms_;
  std::size_t next_ = 0; // to be overwritten once all are there
};

} // namespace spreadit::media
