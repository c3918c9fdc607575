// Owned<T>: a GLib or GStreamer reference that is ours; a raw pointer elsewhere
// is borrowed.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include <gst/app/app.h>
#include <gst/gst.h>

namespace spreadit::rtsp_server {

struct Unref {
  void operator() (gchar *p) const noexcept { g_free (p); }
  void operator() (GError *p) const noexcept { g_error_free (p); }
  void operator() (GstAppSrc *p) const noexcept { gst_object_unref (p); }
  void operator() (GstBuffer *p) const noexcept { gst_buffer_unref (p); }
  void operator() (GstBus *p) const noexcept { gst_object_unref (p); }
  void operator() (GstCaps *p) const noexcept { gst_caps_unref (p); }
  void operator() (GstElement *p) const noexcept { gst_object_unref (p); }
  void operator() (GstPad *p) const noexcept { gst_object_unref (p); }
  void operator() (GstSample *p) const noexcept { gst_sample_unref (p); }
};
template <class T> using Owned = std::unique_ptr<T, Unref>;

} // namespace spreadit::rtsp_server
