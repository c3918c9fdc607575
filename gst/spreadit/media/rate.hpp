// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "media/vocabulary.hpp"

namespace spreadit::media {

// The most that a counter of bytes grows in a second.
class Rate {
public:
  // Whether it is time to tell it the count.
  [[nodiscard]] bool is_due (MonotonicTime now) const;
  void update (std::uint64_t bytes, MonotonicTime now);
  // Bytes per second, a mean over limits::rate_span or longer; 0 at first.
  [[nodiscard]] double peak () const { return peak_; }

private:
  std::optional<MonotonicTime> last_;
  std::uint64_t bytes_ = 0;
  double peak_ = 0;
};

// How large a socket's buffer has to be for so many bytes per second.
std::size_t buffer_bytes_for (double bytes_per_second);

} // namespace spreadit::media
