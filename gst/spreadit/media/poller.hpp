// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>

#include "media/vocabulary.hpp"

namespace spreadit::media {

// Waits for sockets, a deadline, or a word from another thread.
class Poller {
public:
  using Tags = std::uint32_t; // one bit each

  Poller () = default;
  ~Poller ();
  Poller (const Poller &) = delete;
  Poller &operator= (const Poller &) = delete;

  // Answers what went wrong, empty if nothing.
  std::string open ();
  // `tag` is one bit, but not the topmost. While waiting, too.
  void add (int fd, Tags tag);
  // Which sockets have something to read. To the millisecond, never early.
  Tags wait (MonotonicTime deadline);
  // Makes a wait() end, or the next one. Any thread.
  void wake ();

private:
  int epoll_fd_ = -1;
  int event_fd_ = -1;
};

} // namespace spreadit::media
