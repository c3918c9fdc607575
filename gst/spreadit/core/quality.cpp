// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/quality.hpp"

#include <algorithm>
#include <bit>
#include <chrono>

#include "core/limits.hpp"

namespace spreadit::core {

namespace {

// Steps are 1 to 8 units one by one, then four to each doubling.

// The lowest that is not below `value`.
std::uint32_t
step_of (std::uint32_t value, std::uint32_t unit)
{
  const std::uint32_t units = value / unit + (value % unit > 0 ? 1 : 0);
  if (units < 8)
    return units;
  const auto shift = static_cast<std::uint32_t> (std::bit_width (units)) - 3;
  const std::uint32_t top = ((units - 1) >> shift) + 1; // 4 to 8
  return 4 * shift + top;
}

std::uint32_t
value_of (std::uint32_t step, std::uint32_t unit)
{
  return step < 8 ? step * unit : ((4 + step % 4) << (step / 4 - 1)) * unit;
}

std::uint32_t
stepped (std::uint32_t value, std::uint32_t told_before, std::uint32_t unit,
    std::uint32_t max)
{
  value = std::min (value, max);
  if (value == 0) // all is well again: that is worth a word
    return 0;
  const std::uint32_t step = step_of (value, unit);
  const std::uint32_t before = step_of (told_before, unit);
  if (step == before || step + 1 == before)
    return told_before;
  return std::min (value_of (step, unit), max);
}

// 0 is for what is not known.
std::uint32_t
in_ms (Duration delay)
{
  constexpr std::chrono::milliseconds least{1};
  const auto ms = std::clamp<std::chrono::milliseconds> (
      std::chrono::round<std::chrono::milliseconds> (delay), least,
      limits::quality_delay_max);
  return static_cast<std::uint32_t> (ms.count ());
}

constexpr auto delay_max_ms =
    static_cast<std::uint32_t> (limits::quality_delay_max.count ());
constexpr auto delay_step_ms =
    static_cast<std::uint32_t> (limits::quality_delay_step.count ());

bool
is_near (std::uint32_t told, std::uint32_t now, std::uint32_t slack)
{
  const std::uint32_t distance = told > now ? told - now : now - told;
  return distance <= std::max (told / 4, slack);
}

} // namespace

Quality
in_steps (const Reception &measured, const Quality &told_before)
{
  Quality own;
  own.peers = 1;
  own.lost_mean_ppm = std::min (measured.lost_ppm, limits::lost_ppm_max);
  own.lost_worst_ppm = stepped (own.lost_mean_ppm, told_before.lost_worst_ppm,
      limits::quality_lost_step_ppm, limits::lost_ppm_max);
  if (!measured.delay)
    return own;
  own.delay_mean_ms = in_ms (*measured.delay);
  own.delay_worst_ms = stepped (own.delay_mean_ms, told_before.delay_worst_ms,
      delay_step_ms, delay_max_ms);
  return own;
}

void
QualitySum::add (const Quality &part)
{
  if (part.peers == 0)
    return;
  peers_ = std::min (peers_ + part.peers, limits::subtree_peers_max);
  lost_worst_ppm_ = std::max (lost_worst_ppm_, part.lost_worst_ppm);
  delay_worst_ms_ = std::max (delay_worst_ms_, part.delay_worst_ms);
  // Of limits::children_max_max children with as many as there may be, each an
  // hour late, this is a fifth of what 64 bits hold.
  const std::uint64_t weight = part.peers;
  lost_ppm_peers_ += weight * part.lost_mean_ppm;
  if (part.delay_mean_ms == 0)
    return;
  delay_ms_peers_ += weight * part.delay_mean_ms;
  with_delay_ += weight;
}

Quality
QualitySum::total () const
{
  Quality total;
  total.peers = peers_;
  if (peers_ == 0)
    return total;
  total.lost_worst_ppm = lost_worst_ppm_;
  total.delay_worst_ms = delay_worst_ms_;
  // The means are within the worst whatever was cut off at the bound.
  total.lost_mean_ppm = static_cast<std::uint32_t> (
      std::min<std::uint64_t> (lost_ppm_peers_ / peers_, lost_worst_ppm_));
  if (with_delay_ > 0)
    total.delay_mean_ms = static_cast<std::uint32_t> (std::min<std::uint64_t> (
        delay_ms_peers_ / with_delay_, delay_worst_ms_));
  return total;
}

bool
is_about (const Quality &told, const Quality &now)
{
  return told.lost_worst_ppm == now.lost_worst_ppm &&
         told.delay_worst_ms == now.delay_worst_ms && told.peers == now.peers &&
         is_near (told.lost_mean_ppm, now.lost_mean_ppm,
             limits::quality_lost_step_ppm) &&
         is_near (told.delay_mean_ms, now.delay_mean_ms, delay_step_ms);
}

Quality
believable (Quality told, std::uint32_t peers)
{
  if (told.peers == 0)
    return {};
  told.peers = std::min (told.peers, peers);
  told.lost_worst_ppm = std::min (told.lost_worst_ppm, limits::lost_ppm_max);
  told.lost_mean_ppm = std::min (told.lost_mean_ppm, told.lost_worst_ppm);
  told.delay_worst_ms = std::min (told.delay_worst_ms, delay_max_ms);
  told.delay_mean_ms = std::min (told.delay_mean_ms, told.delay_worst_ms);
  return told;
}

} // namespace spreadit::core
