// SPDX-License-Identifier: LGPL-2.1-or-later
#include "patience.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace spreadit::test {

namespace {

struct Bell {
  std::mutex lock;
  std::condition_variable signal;
  std::uint64_t rings = 0;

  // Until it rings; not longer than a moment, for what does not ring.
  void wait (std::uint64_t heard, Clock::time_point until)
  {
    std::unique_lock guard (lock);
    signal.wait_until (guard, std::min (until, Clock::now () + 10ms),
        [&] { return rings != heard; });
  }
  std::uint64_t count ()
  {
    const std::lock_guard guard (lock);
    return rings;
  }
};

Bell &
bell ()
{
  static auto *bell = new Bell;
  return *bell;
}

} // namespace

void
ring_bell ()
{
  const std::lock_guard guard (bell ().lock);
  ++bell ().rings;
  bell ().signal.notify_all ();
}

bool
eventually (const std::function<bool ()> &condition, Clock::duration limit)
{
  const auto deadline = Clock::now () + limit;
  for (;;) {
    const auto heard = bell ().count ();
    if (condition ())
      return true;
    if (Clock::now () >= deadline)
      return false;
    bell ().wait (heard, deadline);
  }
}

bool
steadily (const std::function<bool ()> &condition, Clock::duration duration)
{
  return !eventually ([&] { return !condition (); }, duration);
}

} // namespace spreadit::test
