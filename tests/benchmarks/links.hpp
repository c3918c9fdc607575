// Links of peers to a parent, kept alive as peers do.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include "raw_client.hpp"

namespace spreadit::benchmark {

class Links {
public:
  Links ();
  ~Links ();
  // Joins the peer that listens on `port`; packets go to `udp_port`. Empty, or
  // why not.
  std::string add (std::uint16_t port, std::uint16_t udp_port);

private:
  struct Link {
    test::RawClient rtsp;
    core::message::Alive alive;
    rtsp::Uri uri;
    std::string session;
  };
  unsigned try_to_add (std::uint16_t port, std::uint16_t udp_port);
  void run ();
  static void serve (Link &link);

  std::mutex lock_; // guards what follows
  std::condition_variable over_;
  bool is_over_ = false;
  std::deque<Link> links_;
  std::thread thread_; // last: it uses the others
};

} // namespace spreadit::benchmark
