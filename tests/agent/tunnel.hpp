// A way to a node that UDP does not take: its TCP connections go through
// another address, so its datagrams come from somebody whom nobody knows.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>

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

private:
  std::atomic<std::uint16_t> to_ = 0;
  const RawServer server_;
};

} // namespace spreadit::test
