// SPDX-License-Identifier: LGPL-2.1-or-later
#include "traffic.hpp"

#include <algorithm>
#include <utility>

namespace spreadit::benchmark {

using namespace std::chrono_literals;

namespace {

constexpr double bits_per_second = 5e6;
constexpr unsigned frames_per_second = 30, frames_per_gop = 60;
constexpr std::size_t packet_bytes = 1200, header_bytes = 12;
constexpr double gop_bytes =
    bits_per_second / 8 * frames_per_gop / frames_per_second;
constexpr double i_frame_bytes = gop_bytes / 10; // six times a P frame
constexpr std::uint32_t ssrc = 0x11111111;       // of agent/stream.cpp's SDP

void
put32 (Datagram &out, std::uint32_t value)
{
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back (static_cast<std::uint8_t> (value >> shift));
}

} // namespace

const char *
to_string (Shape shape)
{
  return shape == Shape::bursts ? "bursts" : "even";
}

Datagram
Traffic::packet (std::size_t size, bool is_last)
{
  Datagram out = {0x80, static_cast<std::uint8_t> (is_last ? 0xe0 : 0x60),
      static_cast<std::uint8_t> (seq_ >> 8), static_cast<std::uint8_t> (seq_)};
  ++seq_;
  put32 (out, rtp_time_);
  put32 (out, ssrc);
  out.resize (size);
  return out;
}

std::vector<Datagram>
Traffic::next ()
{
  std::vector<Datagram> packets;
  if (shape_ == Shape::even) {
    rtp_time_ += 173;
    packets.push_back (packet (packet_bytes, true));
    return packets;
  }
  rtp_time_ += 90'000 / frames_per_second;
  std::uniform_real_distribution<double> spread (0.7, 1.3);
  const double mean = frame_++ % frames_per_gop == 0
                          ? i_frame_bytes
                          : (gop_bytes - i_frame_bytes) / (frames_per_gop - 1);
  auto left = static_cast<std::size_t> (mean * spread (random_));
  while (left) {
    const std::size_t payload = std::min (left, packet_bytes - header_bytes);
    left -= payload;
    packets.push_back (packet (header_bytes + payload, !left));
  }
  return packets;
}

Clock::duration
Traffic::interval () const
{
  const double seconds = shape_ == Shape::bursts
                             ? 1.0 / frames_per_second
                             : packet_bytes * 8 / bits_per_second;
  return std::chrono::duration_cast<Clock::duration> (
      std::chrono::duration<double> (seconds));
}

Pacer::Pacer (Shape shape, Send send)
    : traffic_ (shape), send_ (std::move (send)), thread_ ([this] { run (); })
{
}

Pacer::~Pacer ()
{
  {
    const std::lock_guard guard (lock_);
    is_over_ = true;
  }
  changed_.notify_all ();
  thread_.join ();
}

void
Pacer::pause ()
{
  const std::lock_guard guard (lock_);
  is_paused_ = true;
}

void
Pacer::resume ()
{
  {
    const std::lock_guard guard (lock_);
    is_paused_ = false;
  }
  changed_.notify_all ();
}

void
Pacer::run ()
{
  std::unique_lock guard (lock_);
  auto next = Clock::now ();
  while (!is_over_) {
    if (is_paused_) {
      changed_.wait (guard, [this] { return !is_paused_ || is_over_; });
      next = Clock::now ();
      continue;
    }
    const auto packets = traffic_.next ();
    send_ (packets);
    sent_ += packets.size ();
    next += traffic_.interval ();
    changed_.wait_until (guard, next, [this] { return is_over_; });
  }
}

} // namespace spreadit::benchmark
