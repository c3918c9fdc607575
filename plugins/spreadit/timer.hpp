// One-shot timers of elements.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

namespace spreadit {

// Calls a function of an element once, later, on a thread of its own, where it
// may block and add pads. Not thread-safe: its owner locks.
class Timer {
public:
  Timer () = default;
  ~Timer () { cancel (); }
  Timer (const Timer &) = delete;
  Timer &operator= (const Timer &) = delete;

  // The element is kept alive until then, `data` has to live as long as it.
  // Replaces what was to come.
  void start (GstElement *element, GstClockTime delay,
      GstElementCallAsyncFunc call, gpointer data)
  {
    cancel ();
    GstClock *clock = gst_system_clock_obtain ();
    id_ = gst_clock_new_single_shot_id (
        clock, gst_clock_get_time (clock) + delay);
    gst_object_unref (clock);
    auto *job = new Job{GST_ELEMENT (gst_object_ref (element)), call, data};
    gst_clock_id_wait_async (id_, on_time, job, Job::free);
  }

  // A call that has begun goes on.
  void cancel ()
  {
    if (!id_)
      return;
    gst_clock_id_unschedule (id_);
    gst_clock_id_unref (id_);
    id_ = nullptr;
  }

  [[nodiscard]] bool started () const { return id_ != nullptr; }

private:
  struct Job {
    GstElement *element; // owned
    GstElementCallAsyncFunc call;
    gpointer data;

    static void free (gpointer data) noexcept
    {
      auto *job = static_cast<Job *> (data);
      gst_object_unref (job->element);
      delete job;
    }
  };

  // On the thread of the system clock, which all timers of the process share:
  // not the place to do anything.
  static gboolean on_time (
      GstClock *, GstClockTime, GstClockID, gpointer data) noexcept
  {
    auto *job = static_cast<Job *> (data);
    gst_element_call_async (job->element, job->call, job->data, nullptr);
    return TRUE;
  }

  GstClockID id_ = nullptr; // owned
};

} // namespace spreadit
