// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/poller.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace spreadit::media {

namespace {
constexpr Poller::Tags wake_tag = 1u << 31;

int
timeout_ms (MonotonicTime deadline)
{
  if (deadline == MonotonicTime::max ())
    return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds> (
      deadline - MonotonicTime::clock::now ());
  // A minute is as good as any longer time: the caller looks at the clock.
  return static_cast<int> (std::clamp<std::int64_t> (left.count (), 0, 60'000));
}
} // namespace

Poller::~Poller ()
{
  if (event_fd_ >= 0)
    close (event_fd_);
  if (epoll_fd_ >= 0)
    close (epoll_fd_);
}

std::string
Poller::open ()
{
  epoll_fd_ = epoll_create1 (EPOLL_CLOEXEC);
  event_fd_ = eventfd (0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (epoll_fd_ < 0 || event_fd_ < 0)
    return std::string ("epoll: ") + std::strerror (errno);
  add (event_fd_, wake_tag);
  return {};
}

void
Poller::add (int fd, Tags tag)
{
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u32 = tag;
  epoll_ctl (epoll_fd_, EPOLL_CTL_ADD, fd, &event);
}

Poller::Tags
Poller::wait (MonotonicTime deadline)
{
  std::array<epoll_event, 8> events;
  const int n = epoll_wait (epoll_fd_, events.data (),
      static_cast<int> (events.size ()), timeout_ms (deadline));
  Tags ready = 0;
  for (int i = 0; i < n; ++i)
    ready |= events[static_cast<std::size_t> (i)].data.u32;
  if (ready & wake_tag) {
    eventfd_t count;
    eventfd_read (event_fd_, &count);
  }
  return ready & ~wake_tag;
}

void
Poller::wake ()
{
  eventfd_write (event_fd_, 1);
}

} // namespace spreadit::media
