// The children of a relay under test: as many sockets, and one thread that
// drains and counts.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "media/intake.hpp"
#include "media/udp_socket.hpp"

namespace spreadit::benchmark {

class Receivers {
public:
  // How children wait for packets: woken by each, as on loopback, where the
  // sender pays for it; or not, as if they were on other machines.
  enum class Waiting { woken, unwoken };

  explicit Receivers (Waiting waiting);
  ~Receivers ();

  // The port it listens on. `coalesce`: as a SpreadIt peer does, by UDP_GRO.
  std::uint16_t add_udp (bool coalesce);
  // A connection on which frames come, after answers without a body perhaps.
  // It stays the caller's, who no longer reads from it.
  void add_tcp (int fd);

  [[nodiscard]] std::uint64_t packets () const; // RTP, to all
  [[nodiscard]] bool each_has_some () const;

private:
  struct Child {
    media::UdpSocket socket; // unless it is
    int tcp = -1;
    std::atomic<std::uint64_t> packets = 0;
    // Of a connection: bytes of a frame still to come, or what of a header or
    // answer has come.
    std::size_t left = 0;
    std::string text;
  };
  void watch (int fd, Child *child);
  void run ();
  // Waits so long for the first packet, -1: for ever. False: it is to stop.
  bool drain (int timeout_ms);
  void drain_udp (Child &child);
  void drain_tcp (Child &child);

  const Waiting waiting_;
  int epoll_fd_ = -1, stop_fd_ = -1;
  std::vector<std::unique_ptr<Child>> children_;
  media::Intake intake_;
  std::vector<char> buffer_;
  std::thread thread_;
};

} // namespace spreadit::benchmark
