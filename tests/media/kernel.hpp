// A kernel that cuts up runs and says no when it is told to.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cerrno>
#include <cstring>
#include <functional>
#include <map>
#include <vector>

#include <netinet/udp.h>
#include <sys/socket.h>

#include "media/udp_socket.hpp"
#include "support.hpp"

namespace spreadit::media {

class Kernel {
public:
  struct Message {
    std::uint16_t port;
    std::size_t segment; // 0: not to be cut up
    Datagram bytes;
  };

  // What it answers to a message: 0, or an error.
  std::function<int (const Message &)> answer = [] (const Message &) {
    return 0;
  };
  unsigned messages_max = UINT_MAX;                         // a call
  std::map<std::uint16_t, std::vector<Datagram>> delivered; // by port
  unsigned calls = 0, messages = 0, runs = 0;

  UdpSocket::SendCall send_call ()
  {
    return [this] (int, mmsghdr *all, unsigned n) { return send (all, n); };
  }

private:
  int send (mmsghdr *all, unsigned n)
  {
    ++calls;
    for (unsigned i = 0; i < n; ++i) {
      if (i == messages_max)
        return static_cast<int> (i);
      const Message message = read (all[i].msg_hdr);
      if (const int error = answer (message)) {
        errno = error;
        return i ? static_cast<int> (i) : -1;
      }
      deliver (message);
      all[i].msg_len = static_cast<unsigned> (message.bytes.size ());
    }
    return static_cast<int> (n);
  }

  static Message read (const msghdr &header)
  {
    const auto *to = static_cast<const sockaddr *> (header.msg_name);
    Message message{
        Address::from_sockaddr (to, header.msg_namelen).port (), 0, {}};
    for (std::size_t i = 0; i < header.msg_iovlen; ++i) {
      const auto *begin =
          static_cast<const std::uint8_t *> (header.msg_iov[i].iov_base);
      message.bytes.insert (
          message.bytes.end (), begin, begin + header.msg_iov[i].iov_len);
    }
    if (const cmsghdr *control = CMSG_FIRSTHDR (&header)) {
      EXPECT_EQ (control->cmsg_level, IPPROTO_UDP);
      EXPECT_EQ (control->cmsg_type, UDP_SEGMENT);
      std::uint16_t segment;
      std::memcpy (&segment, CMSG_DATA (control), sizeof segment);
      message.segment = segment;
      EXPECT_GT (segment, 0);
      EXPECT_LE (message.bytes.size (), 65'507u);
    }
    return message;
  }

  void deliver (const Message &message)
  {
    ++messages;
    runs += message.segment > 0;
    const std::size_t segment =
        message.segment ? message.segment : message.bytes.size ();
    std::size_t at = 0;
    do {
      const std::size_t end = std::min (at + segment, message.bytes.size ());
      delivered[message.port].emplace_back (
          message.bytes.begin () + static_cast<std::ptrdiff_t> (at),
          message.bytes.begin () + static_cast<std::ptrdiff_t> (end));
      at = end;
    } while (at < message.bytes.size ());
  }
};

} // namespace spreadit::media
