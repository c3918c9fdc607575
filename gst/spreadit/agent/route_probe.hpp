// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>

#include "agent/control_loop.hpp"
#include "agent/trace.hpp"
#include "agent/watch.hpp"

namespace spreadit::agent {

// The traceroute of V-A.3, as any user may do it: datagrams that may go so many
// hops, and the system says which router each of them died at (IP_RECVERR,
// IPV6_RECVERR in ip(7), ipv6(7)). Some at a time, all of it bounded, on the
// control thread's loop.
//
// What cannot be found out is simply missing: no right to a socket, no way, a
// router that does not answer.
class RouteProbe {
public:
  using Done = std::function<void (core::NetworkPath path)>;

  // Begins at once. `done` is called from the loop, once, at most
  // limits::route_probe_max later, and may destroy us; not at all when we are
  // destroyed before. `round_trip`: to `destination` as far as is known, or
  // zero; it may have had bad luck (a SYN that was sent twice), so an answer of
  // the destination that came quicker counts.
  RouteProbe (
      const media::Address &destination, core::Duration round_trip, Done done);
  ~RouteProbe ();
  RouteProbe (const RouteProbe &) = delete;
  RouteProbe &operator= (const RouteProbe &) = delete;

private:
  bool open ();
  void send_window ();
  bool send (unsigned hop);
  void on_readable ();
  bool read_error ();
  void measure (unsigned hop);
  void go_on ();
  void finish ();

  media::Address destination_;
  core::Duration round_trip_, round_;
  Done done_;
  Trace trace_;
  std::array<core::Instant, Trace::hops_max + 1> sent_at_{}; // by hop
  core::Instant until_;
  int fd_ = -1;
  unsigned first_ = 1; // what we wait for: from here ...
  unsigned sent_ = 1;  // ... to before this, the first not sent yet
  unsigned errors_ = 0;
  bool is_second_try_ = false;
  Watch watch_; // of fd_
  Owned<GSource> timer_;
};

} // namespace spreadit::agent
