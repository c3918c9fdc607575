// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/control_loop.hpp"

#include <condition_variable>

namespace spreadit::agent {

namespace {

struct QueueSource {
  GSource source;
  ControlLoop *loop;
};

struct TimerSource {
  GSource source;
  std::function<void ()> *what; // owned
};

gboolean
dispatch_timer (GSource *source, GSourceFunc, gpointer) noexcept
{
  g_source_set_ready_time (source, -1);
  // A copy: the callback may destroy the timer.
  const auto what = *reinterpret_cast<TimerSource *> (source)->what;
  what ();
  return G_SOURCE_CONTINUE;
}

void
finalize_timer (GSource *source) noexcept
{
  delete reinterpret_cast<TimerSource *> (source)->what;
}

GSourceFuncs timer_funcs = {
    nullptr, nullptr, dispatch_timer, finalize_timer, nullptr, nullptr};

} // namespace

ControlLoop &
ControlLoop::get ()
{
  static auto *loop = new ControlLoop;
  return *loop;
}

ControlLoop::ControlLoop () : context_ (g_main_context_new ())
{
  static GSourceFuncs queue_funcs = {
      nullptr, nullptr, dispatch_queue, nullptr, nullptr, nullptr};
  queue_source_ = g_source_new (&queue_funcs, sizeof (QueueSource));
  reinterpret_cast<QueueSource *> (queue_source_)->loop = this;
  g_source_set_name (queue_source_, "spreadit control queue");
  g_source_attach (queue_source_, context_.get ());

  std::mutex started_lock;
  std::condition_variable started_signal;
  bool started = false;
  std::thread thread ([&] {
    {
      const std::lock_guard lock (started_lock);
      thread_id_ = std::this_thread::get_id ();
      started = true;
      started_signal.notify_one ();
    }
    run ();
  });
  std::unique_lock lock (started_lock);
  started_signal.wait (lock, [&] { return started; });
  thread.detach ();
}

void
ControlLoop::run ()
{
  // Async GIO calls made on this thread come back on this thread.
  g_main_context_push_thread_default (context_.get ());
  const Owned<GMainLoop> loop (g_main_loop_new (context_.get (), FALSE));
  g_main_loop_run (loop.get ());
}

gboolean
ControlLoop::dispatch_queue (GSource *source, GSourceFunc, gpointer) noexcept
{
  auto *self = reinterpret_cast<QueueSource *> (source)->loop;
  g_source_set_ready_time (source, -1);
  std::deque<std::function<void ()>> batch;
  {
    const std::lock_guard lock (self->lock_);
    batch.swap (self->queue_);
  }
  for (const auto &what : batch)
    what ();
  return G_SOURCE_CONTINUE;
}

void
ControlLoop::post (std::function<void ()> what)
{
  const std::lock_guard lock (lock_);
  queue_.push_back (std::move (what));
  g_source_set_ready_time (queue_source_, 0);
}

void
ControlLoop::call (const std::function<void ()> &what)
{
  if (is_current ()) {
    what ();
    return;
  }
  std::mutex done_lock;
  std::condition_variable done_signal;
  bool done = false;
  post ([&] {
    what ();
    const std::lock_guard lock (done_lock);
    done = true;
    done_signal.notify_one ();
  });
  std::unique_lock lock (done_lock);
  done_signal.wait (lock, [&] { return done; });
}

bool
ControlLoop::is_current () const
{
  return std::this_thread::get_id () == thread_id_;
}

Owned<GSource>
ControlLoop::add_timer (std::function<void ()> what)
{
  GSource *source = g_source_new (&timer_funcs, sizeof (TimerSource));
  reinterpret_cast<TimerSource *> (source)->what =
      new std::function<void ()> (std::move (what));
  g_source_attach (source, context_.get ());
  return Owned<GSource> (source);
}

void
ControlLoop::arm (GSource *timer, core::Instant at)
{
  if (at == core::Instant::max ()) {
    g_source_set_ready_time (timer, -1);
    return;
  }
  // Rounded up: a timer that fires before its time would fire twice.
  const auto us =
      std::chrono::ceil<std::chrono::microseconds> (at.time_since_epoch ());
  g_source_set_ready_time (timer, us.count ());
}

bool
ControlLoop::is_armed (GSource *timer)
{
  return g_source_get_ready_time (timer) >= 0;
}

core::Instant
ControlLoop::now ()
{
  return core::Instant (std::chrono::microseconds (g_get_monotonic_time ()));
}

} // namespace spreadit::agent
