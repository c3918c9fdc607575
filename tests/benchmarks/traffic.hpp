// What a source sends, and when.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

namespace spreadit::benchmark {

using Clock = std::chrono::steady_clock;
using Datagram = std::vector<std::uint8_t>;

enum class Shape {
  bursts, // a frame at once, I frames larger, as a camera or file gives them
  even,   // packet by packet
};
const char *to_string (Shape shape);

// 5 Mbit/s of H.264-like RTP in packets of 1200 bytes. The same each time.
class Traffic {
public:
  explicit Traffic (Shape shape) : shape_ (shape) {}
  // To be sent at once, `interval()` after the one before.
  std::vector<Datagram> next ();
  [[nodiscard]] Clock::duration interval () const;

private:
  Datagram packet (std::size_t size, bool is_last);

  const Shape shape_;
  std::mt19937 random_{1};
  unsigned frame_ = 0;
  std::uint16_t seq_ = 0;
  std::uint32_t rtp_time_ = 0;
};

// A thread that sends it.
class Pacer {
public:
  using Send = std::function<void (const std::vector<Datagram> &)>;
  Pacer (Shape shape, Send send);
  ~Pacer ();
  // After it nothing is being sent.
  void pause ();
  void resume ();
  [[nodiscard]] std::uint64_t sent () const { return sent_; }

private:
  void run ();

  Traffic traffic_;
  const Send send_;
  std::atomic<std::uint64_t> sent_ = 0;
  std::mutex lock_; // guards what follows, held while sending
  std::condition_variable changed_;
  bool is_paused_ = true, is_over_ = false;
  std::thread thread_; // last: it uses the others
};

} // namespace spreadit::benchmark
