// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/intake.hpp"

#include <cerrno>
#include <cstring>

#include <netinet/udp.h>

namespace spreadit::media {

namespace {

// Nothing UDP can carry is cut off. Only what has been written to is memory in
// use. Not a power of two apart: the beginnings of all messages would share a
// few sets of the cache.
constexpr std::size_t slot_bytes = limits::datagram_size_max + 4096 + 64;

} // namespace

void
Intake::allocate ()
{
  // Not make_unique(): it would write to it.
  memory_.reset (new std::uint8_t[slot_bytes * limits::messages_max]);
  for (std::size_t i = 0; i < limits::messages_max; ++i) {
    Slot &slot = slots_[i];
    slot.memory = {&memory_[i * slot_bytes], limits::datagram_size_max};
    messages_[i] = {};
    messages_[i].msg_hdr.msg_name = &slot.from;
    messages_[i].msg_hdr.msg_iov = &slot.memory;
    messages_[i].msg_hdr.msg_iovlen = 1;
    messages_[i].msg_hdr.msg_control = slot.control;
  }
}

std::size_t
Intake::receive (int fd)
{
  if (!memory_)
    allocate ();
  for (mmsghdr &message : messages_) {
    message.msg_hdr.msg_namelen = sizeof (sockaddr_storage);
    message.msg_hdr.msg_controllen = sizeof (Slot::control);
  }
  int n;
  do
    n = recvmmsg (
        fd, messages_.data (), limits::messages_max, MSG_DONTWAIT, nullptr);
  while (n < 0 && errno == EINTR);
  const std::size_t count = n < 0 ? 0 : static_cast<std::size_t> (n);
  for (std::size_t i = 0; i < count; ++i)
    read_control (i);
  return count;
}

void
Intake::read_control (std::size_t i)
{
  msghdr &message = messages_[i].msg_hdr;
  slots_[i].segment = 0;
  for (cmsghdr *c = CMSG_FIRSTHDR (&message); c; c = CMSG_NXTHDR (&message, c))
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
      std::uint32_t dropped;
      std::memcpy (&dropped, CMSG_DATA (c), sizeof dropped);
      dropped_ += dropped - last_dropped_; // it wraps, the difference does not
      last_dropped_ = dropped;
    } else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
      int segment;
      std::memcpy (&segment, CMSG_DATA (c), sizeof segment);
      slots_[i].segment = segment > 0 ? static_cast<std::size_t> (segment) : 0;
    }
}

Intake::Message
Intake::at (std::size_t i) const
{
  const mmsghdr &message = messages_[i];
  const Slot &slot = slots_[i];
  const auto *from = reinterpret_cast<const sockaddr *> (&slot.from);
  return {Address::from_sockaddr (from, message.msg_hdr.msg_namelen),
      {static_cast<const std::uint8_t *> (slot.memory.iov_base),
          message.msg_len},
      slot.segment};
}

} // namespace spreadit::media
