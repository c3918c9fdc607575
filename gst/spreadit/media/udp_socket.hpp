// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>

#include <sys/socket.h>

#include "media/address.hpp"
#include "media/packet.hpp"

namespace spreadit::media {

class SendBatch;

// Where to send, in the form of the socket's family.
struct Destination {
  sockaddr_storage address{};
  socklen_t length = 0; // 0: this socket cannot reach it
  // Longer datagrams the kernel has refused in runs on the way there: path MTU,
  // IPsec, a device that cannot.
  std::size_t segment_max = SIZE_MAX;
};

// Of what a kernel offers, what is to be used.
struct Offload {
  bool segment = true;  // UDP_SEGMENT on the way out
  bool coalesce = true; // UDP_GRO on the way in
};

// A non-blocking UDP socket that works in batches.
//
// send() may be called by several threads if they take turns; receiving is the
// business of one thread (Intake).
class UdpSocket {
public:
  UdpSocket () = default;
  ~UdpSocket ();
  UdpSocket (UdpSocket &&other) noexcept { *this = std::move (other); }
  UdpSocket &operator= (UdpSocket &&other) noexcept;

  // Unspecified: both families in one socket where the host has them. Answers
  // what went wrong, empty if nothing; may be called again then.
  std::string open (const Address &local, Offload offload = {});

  [[nodiscard]] int fd () const { return fd_; }
  [[nodiscard]] std::uint16_t port () const { return port_; }
  [[nodiscard]] Destination destination (const Address &to) const;
  // Whether runs may be sent, to those who can be sent runs.
  [[nodiscard]] bool can_segment () const { return can_segment_; }

  // Makes the buffers at least so large, as far as the system lets us.
  void enlarge_buffers (std::size_t receive_bytes, std::size_t send_bytes);
  // What the receive buffer holds, as the kernel counts it.
  [[nodiscard]] std::size_t receive_buffer () const;

  struct Sent {
    std::size_t done = 0;    // sent or refused, from the first on
    std::size_t refused = 0; // of those, what the system will never send
    std::uint64_t bytes = 0; // of those that were sent
  };
  // Datagrams for one destination, in order, and what became of them. Fewer
  // done than given: the send buffer is full, ask later. What is refused (too
  // long, no route, filtered) is passed over.
  struct Delivery {
    Destination *to;
    std::span<const Bytes> datagrams;
    Sent sent{};
  };
  // Several destinations in one go. None loses anything by another's trouble,
  // but for a full send buffer, which is one for all.
  void send (std::span<Delivery> deliveries);
  Sent send (Destination &to, std::span<const Bytes> datagrams);
  // Once the send buffer is full, send() does not ask the system again until
  // this is called.
  void assume_room () { is_full_ = false; }
  // Messages handed over to the system so far; each is a run.
  [[nodiscard]] std::uint64_t messages_sent () const { return messages_sent_; }

  // sendmmsg(2), or what a test has instead.
  using SendCall = std::function<int (int fd, mmsghdr *messages, unsigned n)>;
  void set_send_call (SendCall call) { send_call_ = std::move (call); }

private:
  std::string open (int family, const Address &local, Offload offload);
  int call (SendBatch &batch);
  void refuse (Delivery &delivery, std::size_t run, int error);

  int fd_ = -1;
  int family_ = AF_UNSPEC;
  std::uint16_t port_ = 0;
  bool can_segment_ = false;
  bool is_full_ = false;
  std::size_t receive_asked_ = 0, send_asked_ = 0;
  std::uint64_t messages_sent_ = 0;
  SendCall send_call_;
};

} // namespace spreadit::media
