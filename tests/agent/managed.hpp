// The public C API in C++ hands: one manager, its pull thread, its signals.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include <gst/spreadit/spreadit.h>

#include "patience.hpp"
#include "stream.hpp"

namespace spreadit::test {

class Managed {
public:
  // A peer listens on loopback, on any port.
  explicit Managed (const std::string &uri);
  ~Managed ();
  Managed (const Managed &) = delete;
  Managed &operator= (const Managed &) = delete;

  // Empty, or why not.
  std::string publish (); // where the URI says, and the SDP
  std::string get_stream ();
  void start_pulling ();
  void stop_pulling ();
  void fan_out_burst ();

  [[nodiscard]] guint port () const;
  [[nodiscard]] GstSpreaditPeerState state () const;
  [[nodiscard]] bool is_receiving () const;
  // spreadit://127.0.0.1:PORT/live
  [[nodiscard]] std::string uri () const;
  [[nodiscard]] unsigned told (const std::string &signal) const;
  [[nodiscard]] std::size_t pulled () const { return pulled_; }
  // Called on every signal, by its name, on the control thread.
  void on_signal (std::function<void (const std::string &)> what);

  GstSpreaditPeeringManager *manager; // null it to give the reference away

private:
  struct Told;
  void watch (const char *signal);

  const std::shared_ptr<Told> told_; // outlives us in handlers
  Generator generator_;
  std::thread puller_;
  std::atomic<std::size_t> pulled_ = 0;
  std::atomic<bool> pulling_ = false;
};

} // namespace spreadit::test
