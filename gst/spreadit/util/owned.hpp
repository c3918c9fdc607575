// Owned<T>: a GLib or GStreamer reference that is ours. The only file allowed
// to spell *_unref; a raw pointer elsewhere is borrowed.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include <gio/gio.h>
#include <gst/gst.h>
#include <gst/sdp/gstsdpmessage.h>

namespace spreadit {

struct Unref {
  void operator() (GObject *p) const noexcept { g_object_unref (p); }
  void operator() (GSocket *p) const noexcept { g_object_unref (p); }
  void operator() (GSocketClient *p) const noexcept { g_object_unref (p); }
  void operator() (GSocketAddress *p) const noexcept { g_object_unref (p); }
  void operator() (GInetAddress *p) const noexcept { g_object_unref (p); }
  void operator() (GSocketConnection *p) const noexcept { g_object_unref (p); }
  void operator() (GIOStream *p) const noexcept { g_object_unref (p); }
  void operator() (GCancellable *p) const noexcept { g_object_unref (p); }
  void operator() (GMainContext *p) const noexcept { g_main_context_unref (p); }
  void operator() (GMainLoop *p) const noexcept { g_main_loop_unref (p); }
  void operator() (GError *p) const noexcept { g_error_free (p); }
  void operator() (GTask *p) const noexcept { g_object_unref (p); }
  void operator() (GstStructure *p) const noexcept { gst_structure_free (p); }
  void operator() (GstCaps *p) const noexcept { gst_caps_unref (p); }
  void operator() (GstBuffer *p) const noexcept { gst_buffer_unref (p); }
  void operator() (GstBufferList *p) const noexcept
  {
    gst_buffer_list_unref (p);
  }
  void operator() (GstSDPMessage *p) const noexcept
  {
    gst_sdp_message_free (p);
  }
  void operator() (gchar *p) const noexcept { g_free (p); }
  // Ours are attached: unref alone would leave them live.
  void operator() (GSource *p) const noexcept
  {
    g_source_destroy (p);
    g_source_unref (p);
  }
};

template <class T> using Owned = std::unique_ptr<T, Unref>;

} // namespace spreadit
