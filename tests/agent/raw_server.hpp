// Whatever may answer at an address that somebody takes for a peer's.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>

#include "raw_client.hpp"

namespace spreadit::test {

class RawServer {
public:
  // `script` runs in a thread for each connection, and the connection is closed
  // when it returns.
  using Script = std::function<void (RawClient &)>;
  explicit RawServer (Script script, std::string host = "127.0.0.1");
  ~RawServer ();
  RawServer (const RawServer &) = delete;
  RawServer &operator= (const RawServer &) = delete;

  [[nodiscard]] std::uint16_t port () const { return port_; }
  [[nodiscard]] std::string address () const;
  [[nodiscard]] unsigned connections () const;

private:
  void accept_all ();

  const Script script_;
  const std::string host_;
  int fd_ = -1;
  std::uint16_t port_ = 0;
  std::thread acceptor_;

  mutable std::mutex lock_; // guards what follows
  unsigned connections_ = 0;
  bool closing_ = false;
  struct Session {
    int fd;
    std::thread thread;
  };
  std::list<Session> sessions_;
};

// An address nobody listens on.
std::uint16_t free_port ();

} // namespace spreadit::test
