// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "media/media_map.hpp"
#include "media/ring.hpp"
#include "media/sockets.hpp"
#include "media/vocabulary.hpp"

namespace spreadit::media {

// One way to a child (see Route). Never blocks.
class Output {
public:
  // `sockets` outlives it.
  static std::unique_ptr<Output> make (const Route &route, Sockets &sockets);
  virtual ~Output () = default;

  // Whether the child has asked for this at all.
  [[nodiscard]] virtual bool carries (const Packet &packet) const = 0;
  [[nodiscard]] virtual bool carries_media (std::size_t) const { return true; }
  // Whether what it does not take now has to wait in a queue.
  [[nodiscard]] virtual bool is_queue () const { return false; }
  // In order; all must be carried. Fewer done than given: the way is full.
  virtual UdpSocket::Sent send (std::span<const Packet *const> packets) = 0;
  // Where all of it goes on Sockets::bundle: those who have such a place are
  // sent to together. Null: only send() knows the way.
  [[nodiscard]] virtual Destination *bundled () { return nullptr; }
  // An RTCP packet of our own, when there is nothing to send. Only SpreadIt
  // peers expect it.
  [[nodiscard]] virtual bool wants_idle () const { return false; }
  virtual void send_idle (Bytes) {}
  // The stream is over for this child (RTCP BYE).
  virtual void send_goodbye (const MediaMap &) {}
  // The addresses its RTCP comes from.
  [[nodiscard]] virtual std::vector<Address> addresses () const { return {}; }
};

} // namespace spreadit::media
