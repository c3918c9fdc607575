// Owned<T>: a reference that is ours; a raw pointer elsewhere is borrowed.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include <gst/gst.h>
#include <gst/sdp/gstsdpmessage.h>
#include <gst/spreadit/spreadit.h>

namespace spreadit {

struct Unref {
  void operator() (GObject *p) const noexcept { g_object_unref (p); }
  void operator() (GError *p) const noexcept { g_error_free (p); }
  void operator() (gchar *p) const noexcept { g_free (p); }
  void operator() (GParamSpec *p) const noexcept { g_param_spec_unref (p); }
  void operator() (GstBuffer *p) const noexcept { gst_buffer_unref (p); }
  void operator() (GstBufferList *p) const noexcept
  {
    gst_buffer_list_unref (p);
  }
  void operator() (GstCaps *p) const noexcept { gst_caps_unref (p); }
  void operator() (GstClock *p) const noexcept { gst_object_unref (p); }
  void operator() (GstContext *p) const noexcept { gst_context_unref (p); }
  void operator() (GstElement *p) const noexcept { gst_object_unref (p); }
  void operator() (GstEvent *p) const noexcept { gst_event_unref (p); }
  void operator() (GstPad *p) const noexcept { gst_object_unref (p); }
  void operator() (GstQuery *p) const noexcept { gst_query_unref (p); }
  void operator() (GstStructure *p) const noexcept { gst_structure_free (p); }
  void operator() (GstSDPMessage *p) const noexcept
  {
    gst_sdp_message_free (p);
  }
  void operator() (GstSpreaditPeeringManager *p) const noexcept
  {
    gst_object_unref (p);
  }
};

template <class T> using Owned = std::unique_ptr<T, Unref>;

// A reference of our own to something borrowed.
template <class T>
Owned<T>
ref (T *borrowed)
{
  return Owned<T> (
      borrowed ? static_cast<T *> (gst_object_ref (borrowed)) : nullptr);
}

} // namespace spreadit
