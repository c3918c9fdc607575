// SPDX-License-Identifier: LGPL-2.1-or-later
#include "receivers.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "media/packet.hpp"
#include "media/runs.hpp"

namespace spreadit::benchmark {

Receivers::Receivers (Waiting waiting)
    : waiting_ (waiting), epoll_fd_ (epoll_create1 (EPOLL_CLOEXEC)),
      stop_fd_ (eventfd (0, EFD_CLOEXEC)), buffer_ (1 << 18)
{
  watch (stop_fd_, nullptr);
  thread_ = std::thread ([this] { run (); });
}

Receivers::~Receivers ()
{
  eventfd_write (stop_fd_, 1);
  thread_.join ();
  close (stop_fd_);
  close (epoll_fd_);
}

void
Receivers::watch (int fd, Child *child)
{
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = child;
  epoll_ctl (epoll_fd_, EPOLL_CTL_ADD, fd, &event);
}

std::uint16_t
Receivers::add_udp (bool coalesce)
{
  auto child = std::make_unique<Child> ();
  child->socket.open (media::Address::from_ip ("127.0.0.1", 0),
      {.segment = false, .coalesce = coalesce});
  child->socket.enlarge_buffers (16 << 20, 0);
  watch (child->socket.fd (), child.get ());
  const std::uint16_t port = child->socket.port ();
  children_.push_back (std::move (child));
  return port;
}

void
Receivers::add_tcp (int fd)
{
  auto child = std::make_unique<Child> ();
  child->tcp = fd;
  watch (fd, child.get ());
  children_.push_back (std::move (child));
}

std::uint64_t
Receivers::packets () const
{
  std::uint64_t sum = 0;
  for (const auto &child : children_)
    sum += child->packets;
  return sum;
}

bool
Receivers::each_has_some () const
{
  return std::ranges::all_of (
      children_, [] (const auto &child) { return child->packets > 0; });
}

void
Receivers::run ()
{
  // Far below what the sockets' buffers hold.
  constexpr int unwoken_interval_ms = 20;
  for (bool goes_on = true; goes_on;) {
    if (waiting_ == Waiting::woken) {
      goes_on = drain (-1);
      continue;
    }
    pollfd stop{stop_fd_, POLLIN, 0};
    poll (&stop, 1, unwoken_interval_ms);
    goes_on = drain (0);
  }
}

bool
Receivers::drain (int timeout_ms)
{
  std::array<epoll_event, 64> events;
  int n;
  do {
    n = epoll_wait (epoll_fd_, events.data (), 64, timeout_ms);
    for (int i = 0; i < n; ++i) {
      auto *child =
          static_cast<Child *> (events[static_cast<std::size_t> (i)].data.ptr);
      if (!child)
        return false;
      if (child->tcp < 0)
        drain_udp (*child);
      else
        drain_tcp (*child);
    }
    timeout_ms = 0;
  } while (n > 0);
  return true;
}

void
Receivers::drain_udp (Child &child)
{
  const std::size_t count = intake_.receive (child.socket.fd ());
  std::uint64_t packets = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto message = intake_.at (i);
    media::for_each_segment (
        message.bytes, message.segment, [&] (media::Bytes datagram) {
          const auto header = media::parse_packet (datagram);
          packets +=
              header && std::holds_alternative<media::RtpHeader> (*header);
        });
  }
  child.packets += packets;
}

void
Receivers::drain_tcp (Child &child)
{
  const ssize_t n = read (child.tcp, buffer_.data (), buffer_.size ());
  if (n <= 0) {
    epoll_ctl (epoll_fd_, EPOLL_CTL_DEL, child.tcp, nullptr);
    return;
  }
  std::string_view left (buffer_.data (), static_cast<std::size_t> (n));
  while (!left.empty ()) {
    if (child.left) {
      const std::size_t taken = std::min (child.left, left.size ());
      child.left -= taken;
      left.remove_prefix (taken);
      continue;
    }
    child.text += left.front ();
    left.remove_prefix (1);
    if (child.text[0] != '$') {
      if (child.text.ends_with ("\r\n\r\n"))
        child.text.clear ();
    } else if (child.text.size () == 4) {
      child.left = static_cast<std::size_t> (
          static_cast<std::uint8_t> (child.text[2]) << 8 |
          static_cast<std::uint8_t> (child.text[3]));
      child.packets += child.text[1] == 0; // the RTP channel of the first
      child.text.clear ();
    }
  }
}

} // namespace spreadit::benchmark
