// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/intake.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace spreadit::media {

void
Intake::allocate (std::size_t datagram_size)
{
  datagram_size_ = datagram_size;
  memory_.resize (datagram_size * limits::chunk);
  for (std::size_t i = 0; i < limits::chunk; ++i) {
    Slot &slot = slots_[i];
    slot.memory = {&memory_[i * datagram_size], datagram_size};
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
  if (memory_.empty ())
    allocate (limits::datagram_size_usual);
  else if (std::exchange (wants_larger_, false) &&
           datagram_size_ < limits::datagram_size_max)
    allocate (datagram_size_ * 2);

  for (mmsghdr &message : messages_) {
    message.msg_hdr.msg_namelen = sizeof (sockaddr_storage);
    message.msg_hdr.msg_controllen = sizeof (Slot::control);
  }
  int n;
  do
    n = recvmmsg (fd, messages_.data (), limits::chunk, MSG_DONTWAIT, nullptr);
  while (n < 0 && errno == EINTR);
  if (n <= 0)
    return 0;
  read_dropped (messages_[static_cast<std::size_t> (n) - 1].msg_hdr);
  return static_cast<std::size_t> (n);
}

void
Intake::read_dropped (const msghdr &message)
{
  // CMSG_NXTHDR() wants it writable; it does not write.
  auto *m = const_cast<msghdr *> (&message);
  for (cmsghdr *c = CMSG_FIRSTHDR (m); c; c = CMSG_NXTHDR (m, c))
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL)
      std::memcpy (&dropped_, CMSG_DATA (c), sizeof dropped_);
}

Intake::Datagram
Intake::at (std::size_t i) const
{
  const mmsghdr &message = messages_[i];
  const auto *from = reinterpret_cast<const sockaddr *> (&slots_[i].from);
  return {Address::from_sockaddr (from, message.msg_hdr.msg_namelen),
      {&memory_[i * datagram_size_], message.msg_len},
      (message.msg_hdr.msg_flags & MSG_TRUNC) != 0};
}

} // namespace spreadit::media
