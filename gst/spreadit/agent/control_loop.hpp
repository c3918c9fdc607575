// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "core/vocabulary.hpp"
#include "util/owned.hpp"

namespace spreadit::agent {

// The control thread: one GMainContext for every node of the process. Cores,
// links and listeners live on it and need no locks.
//
// It is made at the first use and stays for the life of the process, as GLib's
// own worker does: a thread that ended with the last node could not be joined
// from a callback that drops that node.
class ControlLoop {
public:
  static ControlLoop &get ();

  // Runs `what` on the control thread, soon. Any thread.
  void post (std::function<void ()> what);
  // Runs it there and waits; at once when already there. Nothing that runs on
  // the control thread waits for another thread, so the wait is bounded.
  void call (const std::function<void ()> &what);
  [[nodiscard]] bool is_current () const;

  // Control thread only.
  Owned<GSource> add_timer (std::function<void ()> what);
  static void arm (GSource *timer, core::Instant at); // Instant::max(): never
  [[nodiscard]] static bool is_armed (GSource *timer);
  static core::Instant now ();
  [[nodiscard]] GMainContext *context () const { return context_.get (); }

private:
  ControlLoop ();
  void run ();
  static gboolean dispatch_queue (
      GSource *source, GSourceFunc, gpointer) noexcept;

  // Ours and not g_main_context_invoke(): its GMutex is invisible to
  // ThreadSanitizer, which then reports every hand-over as a race.
  std::mutex lock_; // guards queue_
  std::deque<std::function<void ()>> queue_;

  Owned<GMainContext> context_;
  GSource *queue_source_ = nullptr; // owned by the context
  std::thread::id thread_id_;
};

} // namespace spreadit::agent
