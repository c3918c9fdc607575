// How the stream fares in a subtree: what one peer tells of itself, and what
// becomes of the words of many.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "core/vocabulary.hpp"

namespace spreadit::core {

// What a peer tells that has measured this and has told that before. The worst
// goes by steps of a seventh to a quarter: a figure that is never quite the
// same would be news in every heart-beat, and where many are about as badly off
// the worst of them would be another one each time. What has become more is
// told at once, what is less only two steps down: so the worst is never said to
// be less than it is.
[[nodiscard]] Quality in_steps (
    const Reception &measured, const Quality &told_before);

// Of all that is added.
class QualitySum {
public:
  void add (const Quality &part);
  [[nodiscard]] Quality total () const;

private:
  std::uint32_t peers_ = 0, lost_worst_ppm_ = 0, delay_worst_ms_ = 0;
  // Each mean times the peers it is of.
  std::uint64_t lost_ppm_peers_ = 0, delay_ms_peers_ = 0, with_delay_ = 0;
};

// Whoever was told this is not told that: the worst is the same, and what is of
// all of them about the same.
[[nodiscard]] bool is_about (const Quality &told, const Quality &now);

// What somebody tells of so many peers, within reason.
[[nodiscard]] Quality believable (Quality told, std::uint32_t peers);

} // namespace spreadit::core
