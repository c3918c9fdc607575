// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sim/measures.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace spreadit::sim {

double
Sample::mean () const
{
  if (values_.empty ())
    return 0;
  (void)quantile (0); // the order of a sum matters to its last digit
  const double sum = std::accumulate (values_.begin (), values_.end (), 0.0);
  return sum / static_cast<double> (values_.size ());
}

double
Sample::quantile (double share) const
{
  if (values_.empty ())
    return 0;
  if (sorted_count_ != values_.size ()) {
    std::sort (values_.begin (), values_.end ());
    sorted_count_ = values_.size ();
  }
  // Nearest rank.
  const double rank = std::ceil (share * static_cast<double> (values_.size ()));
  const auto index = static_cast<std::size_t> (std::max (1.0, rank)) - 1;
  return values_[std::min (index, values_.size () - 1)];
}

} // namespace spreadit::sim
