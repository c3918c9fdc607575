// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/udp_socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <unistd.h>

#include "media/limits.hpp"

namespace spreadit::media {

namespace {

// Asks for more than net.core.?mem_max first; that takes CAP_NET_ADMIN.
void
enlarge_buffer (int fd, int force_option, int option)
{
  const int bytes = limits::socket_buffer_bytes;
  if (setsockopt (fd, SOL_SOCKET, force_option, &bytes, sizeof bytes) < 0)
    setsockopt (fd, SOL_SOCKET, option, &bytes, sizeof bytes);
}

std::string
error_about (const char *what)
{
  return std::string (what) + ": " + std::strerror (errno);
}

bool
is_temporary (int error)
{
  return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS ||
         error == ENOMEM;
}

} // namespace

UdpSocket::~UdpSocket ()
{
  if (fd_ >= 0)
    close (fd_);
}

UdpSocket &
UdpSocket::operator= (UdpSocket &&other) noexcept
{
  std::swap (fd_, other.fd_);
  std::swap (family_, other.family_);
  std::swap (port_, other.port_);
  std::swap (is_full_, other.is_full_);
  return *this;
}

std::string
UdpSocket::open (const Address &local)
{
  if (local.family () != AF_UNSPEC)
    return open (local.family (), local);
  if (open (AF_INET6, local).empty ())
    return {};
  return open (AF_INET, local);
}

std::string
UdpSocket::open (int family, const Address &local)
{
  const int fd = socket (family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return error_about ("UDP socket");
  const int on = 1, off = 0;
  if (family == AF_INET6)
    setsockopt (fd, IPPROTO_IPV6, IPV6_V6ONLY,
        local.is_unspecified () ? &off : &on, sizeof on);
  enlarge_buffer (fd, SO_RCVBUFFORCE, SO_RCVBUF);
  enlarge_buffer (fd, SO_SNDBUFFORCE, SO_SNDBUF);
  setsockopt (fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);

  sockaddr_storage address;
  socklen_t length = local.to_sockaddr (family, &address);
  auto *sa = reinterpret_cast<sockaddr *> (&address);
  if (bind (fd, sa, length) < 0 || getsockname (fd, sa, &length) < 0) {
    const std::string error =
        error_about (("UDP port " + std::to_string (local.port ())).c_str ());
    close (fd);
    return error;
  }
  fd_ = fd;
  family_ = family;
  port_ = Address::from_sockaddr (sa, length).port ();
  return {};
}

Destination
UdpSocket::destination (const Address &to) const
{
  Destination destination;
  destination.length = to.to_sockaddr (family_, &destination.address);
  return destination;
}

UdpSocket::Sent
UdpSocket::send (const Destination &to, std::span<const Bytes> datagrams)
{
  Sent sent;
  if (!to.length)
    return {datagrams.size (), datagrams.size (), 0};
  while (sent.done < datagrams.size () && !is_full_) {
    const auto left = datagrams.subspan (sent.done);
    const std::size_t count = std::min (left.size (), limits::chunk);
    std::array<iovec, limits::chunk> memory;
    std::array<mmsghdr, limits::chunk> messages;
    for (std::size_t i = 0; i < count; ++i) {
      // The kernel only reads from both, whatever the types say.
      memory[i] = {
          const_cast<std::uint8_t *> (left[i].data ()), left[i].size ()};
      messages[i] = {};
      messages[i].msg_hdr.msg_name =
          const_cast<sockaddr_storage *> (&to.address);
      messages[i].msg_hdr.msg_namelen = to.length;
      messages[i].msg_hdr.msg_iov = &memory[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    const int n =
        sendmmsg (fd_, messages.data (), static_cast<unsigned> (count), 0);
    if (n > 0) {
      for (int i = 0; i < n; ++i)
        sent.bytes += messages[static_cast<std::size_t> (i)].msg_len;
      sent.done += static_cast<std::size_t> (n);
    } else if (n < 0 && is_temporary (errno)) {
      is_full_ = true;
    } else if (n == 0 || errno != EINTR) {
      // The error is about the first one; sendmmsg(2) stops before others.
      ++sent.done;
      ++sent.refused;
    }
  }
  return sent;
}

} // namespace spreadit::media
