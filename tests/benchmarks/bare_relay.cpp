// The least a relay can do: bytes in, bytes out, no look at them. What the
// others are measured against.
//
//   bare-relay mmsg PORT CHILD_PORT...     recvmmsg, sendmmsg
//   bare-relay gso PORT CHILD_PORT...      the same with UDP_GRO, UDP_SEGMENT
//   bare-relay keep PORT CHILD_PORT...     gso, and the last seconds are kept
//   bare-relay tcp PORT LISTEN_PORT N      UDP_GRO, interleaved frames to N
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

constexpr unsigned messages_max = 64;
constexpr std::size_t slot_bytes = 65'536 + 4096 + 64;
constexpr int buffer_bytes = 8 << 20;

sockaddr_in
loopback (int port)
{
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons (static_cast<std::uint16_t> (port));
  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  return address;
}

int
open_socket (int type, int port)
{
  const int fd = socket (AF_INET, type, 0);
  const int on = 1;
  setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt (fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof (int));
  setsockopt (fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer_bytes, sizeof (int));
  const sockaddr_in address = loopback (port);
  if (bind (fd, reinterpret_cast<const sockaddr *> (&address), sizeof address) <
      0) {
    std::perror ("bind");
    std::exit (1);
  }
  return fd;
}

struct Control {
  alignas (cmsghdr) char bytes[CMSG_SPACE (sizeof (int))];
};

struct Received {
  std::uint8_t *data;
  std::size_t size, segment; // 0: one datagram
};

// Waits for something, takes what else is there.
class Input {
public:
  Input (int fd, bool coalesce)
      : fd_ (fd), memory_ (new std::uint8_t[slot_bytes * messages_max])
  {
    const int on = coalesce;
    setsockopt (fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on);
    for (unsigned i = 0; i < messages_max; ++i) {
      pieces_[i] = {&memory_[i * slot_bytes], 65'536};
      messages_[i].msg_hdr.msg_iov = &pieces_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
      messages_[i].msg_hdr.msg_control = controls_[i].bytes;
    }
  }

  std::vector<Received> &receive ()
  {
    for (mmsghdr &message : messages_)
      message.msg_hdr.msg_controllen = sizeof (Control);
    received_.clear ();
    const int n =
        recvmmsg (fd_, messages_, messages_max, MSG_WAITFORONE, nullptr);
    for (int i = 0; i < n; ++i) {
      int segment = 0;
      if (cmsghdr *control = CMSG_FIRSTHDR (&messages_[i].msg_hdr))
        std::memcpy (&segment, CMSG_DATA (control), sizeof segment);
      received_.push_back ({static_cast<std::uint8_t *> (pieces_[i].iov_base),
          messages_[i].msg_len, static_cast<std::size_t> (segment)});
    }
    return received_;
  }

private:
  const int fd_;
  std::unique_ptr<std::uint8_t[]> memory_;
  mmsghdr messages_[messages_max] = {};
  iovec pieces_[messages_max];
  Control controls_[messages_max];
  std::vector<Received> received_;
};

// What has come lately, as whoever repairs, starts at a key frame or takes up
// where a child was has to have it. As much as our ring holds of this traffic,
// 3 s of 5 Mbit/s: more than is in a core's cache when it is written to again.
class Kept {
public:
  void keep (Received &received)
  {
    if (used_ + received.size > bytes_max)
      used_ = 0;
    std::uint8_t *const copy = &memory_[used_];
    std::memcpy (copy, received.data, received.size);
    used_ += received.size;
    received.data = copy;
  }

private:
  static constexpr std::size_t bytes_max = 1'900'000;
  std::unique_ptr<std::uint8_t[]> memory_{new std::uint8_t[bytes_max]};
  std::size_t used_ = 0;
};

[[noreturn]] void
relay_udp (bool offload, bool keep, int port, std::vector<sockaddr_in> children)
{
  Kept kept;
  const int fd = open_socket (SOCK_DGRAM, port);
  Input input (fd, offload);
  std::vector<mmsghdr> messages (messages_max * children.size ());
  std::vector<iovec> pieces (messages_max);
  std::vector<Control> controls (messages_max);
  for (;;) {
    auto &received = input.receive ();
    std::size_t count = 0;
    for (std::size_t i = 0; i < received.size (); ++i) {
      if (keep)
        kept.keep (received[i]);
      pieces[i] = {received[i].data, received[i].size};
      msghdr header{};
      header.msg_iov = &pieces[i];
      header.msg_iovlen = 1;
      if (received[i].segment) {
        header.msg_control = controls[i].bytes;
        header.msg_controllen = CMSG_SPACE (sizeof (std::uint16_t));
        cmsghdr *control = CMSG_FIRSTHDR (&header);
        control->cmsg_level = IPPROTO_UDP;
        control->cmsg_type = UDP_SEGMENT;
        control->cmsg_len = CMSG_LEN (sizeof (std::uint16_t));
        const auto segment = static_cast<std::uint16_t> (received[i].segment);
        std::memcpy (CMSG_DATA (control), &segment, sizeof segment);
      }
      for (sockaddr_in &child : children) {
        header.msg_name = &child;
        header.msg_namelen = sizeof child;
        messages[count++].msg_hdr = header;
      }
    }
    for (std::size_t sent = 0; sent < count;) {
      const int n = sendmmsg (
          fd, &messages[sent], static_cast<unsigned> (count - sent), 0);
      sent += n > 0 ? static_cast<std::size_t> (n) : 1;
    }
  }
}

std::vector<int>
accept_children (int port, std::size_t count)
{
  const int listener = open_socket (SOCK_STREAM, port);
  listen (listener, 128);
  std::vector<int> children;
  while (children.size () < count) {
    const int fd = accept (listener, nullptr, nullptr);
    const int on = 1;
    setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    children.push_back (fd);
  }
  return children;
}

// All of it, though the connection be slow: this one has no care for others.
void
write_all (int fd, std::vector<iovec> pieces)
{
  std::size_t first = 0;
  while (first < pieces.size ()) {
    const auto count = std::min<std::size_t> (pieces.size () - first, 1024);
    ssize_t n = writev (fd, &pieces[first], static_cast<int> (count));
    if (n < 0)
      return;
    while (n > 0) {
      iovec &piece = pieces[first];
      const auto taken = std::min (piece.iov_len, static_cast<std::size_t> (n));
      piece.iov_base = static_cast<char *> (piece.iov_base) + taken;
      piece.iov_len -= taken;
      n -= static_cast<ssize_t> (taken);
      first += piece.iov_len == 0;
    }
  }
}

[[noreturn]] void
relay_tcp (int port, const std::vector<int> &children)
{
  Input input (open_socket (SOCK_DGRAM, port), true);
  struct Header {
    std::uint8_t bytes[4];
  };
  std::vector<Header> headers;
  std::vector<iovec> pieces;
  for (;;) {
    headers.clear ();
    headers.reserve (messages_max * 64);
    pieces.clear ();
    for (const Received &received : input.receive ()) {
      const std::size_t step =
          received.segment ? received.segment : received.size;
      for (std::size_t at = 0; at < received.size; at += step) {
        const std::size_t size = std::min (step, received.size - at);
        headers.push_back ({{'$', 0, static_cast<std::uint8_t> (size >> 8),
            static_cast<std::uint8_t> (size)}});
        pieces.push_back ({headers.back ().bytes, 4});
        pieces.push_back ({received.data + at, size});
      }
    }
    for (const int child : children)
      write_all (child, pieces);
  }
}

} // namespace

int
main (int argc, char **argv)
{
  if (argc < 4)
    return 2;
  const std::string mode = argv[1];
  const int port = std::atoi (argv[2]);
  if (mode == "tcp")
    relay_tcp (port, accept_children (std::atoi (argv[3]),
                         static_cast<std::size_t> (std::atoi (argv[4]))));
  std::vector<sockaddr_in> children;
  for (int i = 3; i < argc; ++i)
    children.push_back (loopback (std::atoi (argv[i])));
  relay_udp (mode != "mmsg", mode == "keep", port, std::move (children));
}
