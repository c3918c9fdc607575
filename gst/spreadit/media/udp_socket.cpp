// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/udp_socket.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <netinet/udp.h>
#include <unistd.h>

#include "media/limits.hpp"
#include "media/runs.hpp"
#include "media/send_batch.hpp"

namespace spreadit::media {

namespace {

// Asks for more than net.core.?mem_max first; that takes CAP_NET_ADMIN.
void
set_buffer (int fd, int force_option, int option, std::size_t bytes)
{
  const int value = static_cast<int> (bytes);
  if (setsockopt (fd, SOL_SOCKET, force_option, &value, sizeof value) < 0)
    setsockopt (fd, SOL_SOCKET, option, &value, sizeof value);
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

// Answers to a run that the same datagrams one by one might not get. EINVAL and
// EMSGSIZE: a segment does not fit the path MTU, where a datagram would be
// fragmented. EIO: IPsec, or a device that cannot compute checksums.
bool
is_about_segments (int error)
{
  return error == EINVAL || error == EMSGSIZE || error == EIO ||
         error == ENOPROTOOPT || error == EOPNOTSUPP;
}

// What is left of a delivery.
std::span<const Bytes>
left_of (const UdpSocket::Delivery &delivery)
{
  return delivery.datagrams.subspan (delivery.sent.done);
}

// As much as fits into one call.
void
gather (std::span<UdpSocket::Delivery> from, bool can_segment, SendBatch &batch)
{
  for (UdpSocket::Delivery &delivery : from)
    for (auto left = left_of (delivery); !left.empty ();) {
      const std::size_t length =
          can_segment ? run_length (left, delivery.to->segment_max) : 1;
      if (!batch.add (delivery, left.first (length)))
        return;
      left = left.subspan (length);
    }
}

// The first `count` have gone.
void
credit (const SendBatch &batch, std::size_t count)
{
  for (std::size_t i = 0; i < count; ++i) {
    UdpSocket::Sent &sent = batch.delivery (i).sent;
    sent.done += batch.run (i);
    sent.bytes += batch.bytes_sent (i);
  }
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
  std::swap (can_segment_, other.can_segment_);
  std::swap (is_full_, other.is_full_);
  std::swap (receive_asked_, other.receive_asked_);
  std::swap (send_asked_, other.send_asked_);
  std::swap (messages_sent_, other.messages_sent_);
  std::swap (send_call_, other.send_call_);
  return *this;
}

std::string
UdpSocket::open (const Address &local, Offload offload)
{
  if (local.family () != AF_UNSPEC)
    return open (local.family (), local, offload);
  if (open (AF_INET6, local, offload).empty ())
    return {};
  return open (AF_INET, local, offload);
}

std::string
UdpSocket::open (int family, const Address &local, Offload offload)
{
  const int fd = socket (family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return error_about ("UDP socket");
  const int on = 1, off = 0;
  if (family == AF_INET6)
    setsockopt (fd, IPPROTO_IPV6, IPV6_V6ONLY,
        local.is_unspecified () ? &off : &on, sizeof on);
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
  // A kernel that does not know them says so here and nowhere else: an unknown
  // control message is passed over, and a whole run would go out as one
  // datagram.
  can_segment_ = offload.segment &&
                 !setsockopt (fd, IPPROTO_UDP, UDP_SEGMENT, &off, sizeof off);
  if (offload.coalesce)
    setsockopt (fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on);
  fd_ = fd;
  family_ = family;
  port_ = Address::from_sockaddr (sa, length).port ();
  enlarge_buffers (limits::buffer_bytes_min, limits::buffer_bytes_min);
  return {};
}

Destination
UdpSocket::destination (const Address &to) const
{
  Destination destination;
  destination.length = to.to_sockaddr (family_, &destination.address);
  return destination;
}

void
UdpSocket::enlarge_buffers (std::size_t receive_bytes, std::size_t send_bytes)
{
  if (receive_bytes > receive_asked_)
    set_buffer (fd_, SO_RCVBUFFORCE, SO_RCVBUF, receive_bytes);
  if (send_bytes > send_asked_)
    set_buffer (fd_, SO_SNDBUFFORCE, SO_SNDBUF, send_bytes);
  receive_asked_ = std::max (receive_asked_, receive_bytes);
  send_asked_ = std::max (send_asked_, send_bytes);
}

std::size_t
UdpSocket::receive_buffer () const
{
  int bytes = 0;
  socklen_t length = sizeof bytes;
  if (getsockopt (fd_, SOL_SOCKET, SO_RCVBUF, &bytes, &length) < 0)
    return 0;
  // The kernel doubles what it was asked for and counts its own part.
  return static_cast<std::size_t> (bytes) / 2;
}

UdpSocket::Sent
UdpSocket::send (Destination &to, std::span<const Bytes> datagrams)
{
  Delivery delivery{&to, datagrams};
  send ({&delivery, 1});
  return delivery.sent;
}

void
UdpSocket::send (std::span<Delivery> deliveries)
{
  for (Delivery &delivery : deliveries)
    if (!delivery.to->length)
      delivery.sent = {
          delivery.datagrams.size (), delivery.datagrams.size (), 0};
  // An ICMP error that is told now is about something sent before, perhaps to
  // somebody else. The message in hand has not been sent: once more.
  bool is_second_try = false;
  while (!is_full_) {
    while (!deliveries.empty () && left_of (deliveries.front ()).empty ())
      deliveries = deliveries.subspan (1);
    if (deliveries.empty ())
      return;
    SendBatch batch;
    gather (deliveries, can_segment_, batch);
    const int n = call (batch);
    const int error = n < 0 ? errno : 0;
    if (n > 0)
      credit (batch, static_cast<std::size_t> (n));
    else if (is_temporary (error))
      is_full_ = true;
    else if (error != EINTR && (error != ECONNREFUSED || is_second_try))
      refuse (batch.delivery (0), batch.run (0), error);
    is_second_try = error == ECONNREFUSED && !is_second_try;
  }
}

int
UdpSocket::call (SendBatch &batch)
{
  const auto count = static_cast<unsigned> (batch.size ());
  const int n = send_call_ ? send_call_ (fd_, batch.messages (), count)
                           : sendmmsg (fd_, batch.messages (), count, 0);
  if (n > 0)
    messages_sent_ += static_cast<unsigned> (n);
  return n;
}

// The error is about the first message; sendmmsg(2) stops before others.
void
UdpSocket::refuse (Delivery &delivery, std::size_t run, int error)
{
  if (run == 1 || !is_about_segments (error)) {
    delivery.sent.done += run;
    delivery.sent.refused += run;
    return;
  }
  // Its datagrams go once more, one by one, and each gets its own answer.
  if (error == ENOPROTOOPT || error == EOPNOTSUPP)
    can_segment_ = false;
  else if (error == EIO)
    delivery.to->segment_max = 0;
  else
    delivery.to->segment_max = left_of (delivery).front ().size () - 1;
}

} // namespace spreadit::media
