// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <functional>

namespace spreadit::agent {

// Looks at a socket on the control thread and calls when it can be read from or
// written to, or is broken. All share one epoll: with a GSource for each, GLib
// and poll(2) look at every socket for every event, and a source of a thousand
// links has thousands of events a second.
//
// Control thread only.
class Watch {
public:
  // Broken is readable: reading tells how.
  struct Ready {
    bool input, output;
  };
  using Callback = std::function<void (Ready)>;

  Watch () = default;
  ~Watch () { stop (); }
  Watch (const Watch &) = delete;
  Watch &operator= (const Watch &) = delete;

  // For input, as long as there is some. `what` may stop or destroy the watch.
  // False, and errno says why: the system has no room for one more.
  [[nodiscard]] bool start (int fd, Callback what);
  void want_output (bool wanted);
  // Before the descriptor is closed. `what` is not called any more.
  void stop ();
  [[nodiscard]] bool is_on () const { return fd_ >= 0; }

private:
  int fd_ = -1;
  std::uint64_t id_ = 0;
};

} // namespace spreadit::agent
