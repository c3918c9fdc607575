// A way to a node that UDP does not take: its TCP connections go through
// another address, so its datagrams come from somebody whom nobody knows.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "node.hpp"
#include "raw_server.hpp"

namespace spreadit::test {

class Tunnel {
public:
  Tunnel ();
  // Where its connections end.
  void lead_to (const Node &node) { to_ = node.port (); }
  // What the node has to say is its own.
  [[nodiscard]] std::string address () const { return server_.address (); }
  [[nodiscard]] rtsp::Uri uri () const;

  // The next flight on a connection that has been used before is the last of
  // it: nobody gets to see it.
  void break_next_later_flight () { breaks_ = true; }
  [[nodiscard]] bool has_broken () const { return has_broken_; }
  // "tries" of the flights that came, this one's too.
  [[nodiscard]] std::vector<std::string> tries () const;

private:
  bool lets_pass (std::string_view bytes, bool is_first);
  void connect (RawClient &near);

  std::atomic<std::uint16_t> to_ = 0;
  std::atomic<bool> breaks_ = false, has_broken_ = false;
  mutable std::mutex lock_; // guards what follows
  std::vector<std::string> tries_;
  const RawServer server_;
};

} // namespace spreadit::test
