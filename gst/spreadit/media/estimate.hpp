// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

namespace spreadit::media {

// A time that is measured again and again: smoothed mean and deviation, with
// the gains of RFC 6298 2.
class Estimate {
public:
  using Duration = std::chrono::nanoseconds;

  void add (Duration sample)
  {
    if (!mean_) {
      mean_ = sample;
      deviation_ = sample / 2;
      return;
    }
    const Duration error = sample - *mean_;
    deviation_ += (std::chrono::abs (error) - deviation_) / 4;
    *mean_ += error / 8;
  }

  [[nodiscard]] std::optional<Duration> mean () const { return mean_; }
  [[nodiscard]] Duration mean_or (Duration otherwise) const
  {
    return mean_.value_or (otherwise);
  }
  // What most are below.
  [[nodiscard]] std::optional<Duration> usual () const
  {
    return mean_ ? std::optional (*mean_ + deviation_) : std::nullopt;
  }
  // What hardly any are below.
  [[nodiscard]] Duration least_or (Duration otherwise) const
  {
    return mean_ ? std::max (*mean_ * 7 / 8, *mean_ - 2 * deviation_)
                 : otherwise;
  }
  // What nearly all are below.
  [[nodiscard]] Duration bound_or (Duration otherwise) const
  {
    return mean_ ? *mean_ + 4 * deviation_ : otherwise;
  }

private:
  std::optional<Duration> mean_;
  Duration deviation_{};
};

} // namespace spreadit::media
