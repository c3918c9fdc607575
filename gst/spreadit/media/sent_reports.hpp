// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include "media/limits.hpp"
#include "media/rtcp.hpp"
#include "media/vocabulary.hpp"

namespace spreadit::media {

// When the source's sender reports went on from here: a receiver's report names
// the last one and how long ago it came (RFC 3550 6.4.1), which tells how far
// the receiver is from us, for we passed it on at once.
class SentReports {
public:
  void add (const SenderReport &report, MonotonicTime now)
  {
    const Sent sent{
        report.ssrc, static_cast<std::uint32_t> (report.ntp >> 16), now};
    if (sent_.size () < limits::rtcp_remembered)
      sent_.push_back (sent);
    else
      sent_[next_++ % limits::rtcp_remembered] = sent;
  }

  // `since`: from when on the receiver was sent everything at once.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> round_trip (
      const ReportBlock &block, MonotonicTime since, MonotonicTime now) const
  {
    const auto it = std::ranges::find_if (sent_, [&] (const Sent &sent) {
      return sent.ssrc == block.ssrc && sent.ntp == block.last_sr;
    });
    if (it == sent_.end () || !block.last_sr || it->at < since)
      return std::nullopt;
    const std::chrono::duration<double> held (block.delay_since_sr / 65536.0);
    const auto round_trip =
        now - it->at -
        std::chrono::duration_cast<std::chrono::nanoseconds> (held);
    if (round_trip >= limits::round_trip_max)
      return std::nullopt; // its clock runs differently, or it lies
    return std::max (round_trip, std::chrono::nanoseconds::zero ());
  }

private:
  struct Sent {
    std::uint32_t ssrc, ntp; // the middle 32 bits
    MonotonicTime at;
  };
  std::vector<Sent> sent_;
  std::size_t next_ = 0; // to be overwritten once all are there
};

} // namespace spreadit::media
