// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/send_batch.hpp"

#include <cstring>

#include <netinet/udp.h>

#include "media/runs.hpp"

namespace spreadit::media {

bool
SendBatch::add (UdpSocket::Delivery &delivery, std::span<const Bytes> run)
{
  const std::span<iovec> room = std::span (pieces_).subspan (pieces_used_);
  if (size_ == messages_.size () || room.size () < run.size ())
    return false;
  const std::size_t pieces = describe_memory (run, room);
  msghdr &message = messages_[size_].msg_hdr;
  message = {};
  message.msg_name = &delivery.to->address;
  message.msg_namelen = delivery.to->length;
  message.msg_iov = room.data ();
  message.msg_iovlen = pieces;
  if (run.size () > 1) {
    message.msg_control = controls_[size_].bytes;
    message.msg_controllen = sizeof (Control);
    cmsghdr *control = CMSG_FIRSTHDR (&message);
    control->cmsg_level = IPPROTO_UDP;
    control->cmsg_type = UDP_SEGMENT;
    control->cmsg_len = CMSG_LEN (sizeof (std::uint16_t));
    const auto segment = static_cast<std::uint16_t> (run[0].size ());
    std::memcpy (CMSG_DATA (control), &segment, sizeof segment);
  }
  runs_[size_] = {&delivery, run.size ()};
  pieces_used_ += pieces;
  ++size_;
  return true;
}

} // namespace spreadit::media
