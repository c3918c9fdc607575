// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/watch.hpp"

#include <array>
#include <memory>
#include <unordered_map>
#include <utility>

#include <glib-unix.h>
#include <sys/epoll.h>

#include "agent/control_loop.hpp"

namespace spreadit::agent {

namespace {

// All watches of the process. Stays as long as the control loop does.
class Watches {
public:
  static Watches &get ()
  {
    static auto *watches = new Watches;
    return *watches;
  }

  std::uint64_t add (int fd, Watch::Callback what)
  {
    if (!open ())
      return 0;
    const std::uint64_t id = ++last_id_;
    if (!control (EPOLL_CTL_ADD, fd, id, EPOLLIN))
      return 0;
    callbacks_.emplace (
        id, std::make_shared<const Watch::Callback> (std::move (what)));
    return id;
  }

  bool control (int operation, int fd, std::uint64_t id, std::uint32_t events)
  {
    epoll_event event{};
    event.events = events;
    event.data.u64 = id;
    return epoll_ctl (epoll_fd_, operation, fd, &event) == 0;
  }

  void remove (int fd, std::uint64_t id)
  {
    control (EPOLL_CTL_DEL, fd, id, 0);
    callbacks_.erase (id);
  }

private:
  // Tried again if descriptors had run out.
  bool open ()
  {
    if (epoll_fd_ >= 0)
      return true;
    epoll_fd_ = epoll_create1 (EPOLL_CLOEXEC);
    if (epoll_fd_ < 0)
      return false;
    GSource *source = g_unix_fd_source_new (epoll_fd_, G_IO_IN);
    g_source_set_name (source, "spreadit sockets");
    g_source_set_callback (source,
        reinterpret_cast<GSourceFunc> (
            reinterpret_cast<void (*) ()> (dispatch)),
        this, nullptr);
    // Nobody recurses. Without this GLib takes the descriptor out of its poll
    // and puts it back around each call, and wakes itself up for each.
    g_source_set_can_recurse (source, TRUE);
    g_source_attach (source, ControlLoop::get ().context ());
    source_.reset (source);
    return true;
  }

  // Some of those that are ready; level-triggered, the others are next.
  static gboolean dispatch (gint, GIOCondition, gpointer data) noexcept
  {
    auto *self = static_cast<Watches *> (data);
    std::array<epoll_event, 64> events;
    const int n = epoll_wait (
        self->epoll_fd_, events.data (), static_cast<int> (events.size ()), 0);
    for (int i = 0; i < n; ++i) {
      const epoll_event &event = events[static_cast<std::size_t> (i)];
      // One before may have stopped it: numbers are not used again.
      const auto it = self->callbacks_.find (event.data.u64);
      if (it == self->callbacks_.end ())
        continue;
      // Kept: the callback may stop its own watch.
      const auto what = it->second;
      (*what) ({.input = (event.events &
                             ~static_cast<std::uint32_t> (EPOLLOUT)) != 0,
          .output = (event.events & EPOLLOUT) != 0});
    }
    return G_SOURCE_CONTINUE;
  }

  int epoll_fd_ = -1;
  Owned<GSource> source_;
  std::uint64_t last_id_ = 0;
  std::unordered_map<std::uint64_t, std::shared_ptr<const Watch::Callback>>
      callbacks_;
};

} // namespace

bool
Watch::start (int fd, Callback what)
{
  stop ();
  id_ = Watches::get ().add (fd, std::move (what));
  if (id_)
    fd_ = fd;
  return is_on ();
}

void
Watch::want_output (bool wanted)
{
  if (is_on ())
    Watches::get ().control (EPOLL_CTL_MOD, fd_, id_,
        wanted ? EPOLLIN | EPOLLOUT : std::uint32_t{EPOLLIN});
}

void
Watch::stop ()
{
  if (is_on ())
    Watches::get ().remove (std::exchange (fd_, -1), id_);
}

} // namespace spreadit::agent
