// Owned<T>: a GLib, GStreamer or json-glib reference that is ours; a raw
// pointer elsewhere is borrowed.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include <gst/gst.h>
#include <gst/spreadit/spreadit.h>
#include <json-glib/json-glib.h>

namespace spreadit::http {

struct Unref {
  void operator() (char *p) const noexcept { g_free (p); }
  void operator() (GError *p) const noexcept { g_error_free (p); }
  void operator() (GstBus *p) const noexcept { gst_object_unref (p); }
  void operator() (GstCaps *p) const noexcept { gst_caps_unref (p); }
  void operator() (GstElement *p) const noexcept { gst_object_unref (p); }
  void operator() (GstPad *p) const noexcept { gst_object_unref (p); }
  void operator() (GstSpreaditPeeringManager *p) const noexcept
  {
    gst_object_unref (p);
  }
  void operator() (GstStructure *p) const noexcept { gst_structure_free (p); }
  void operator() (GUri *p) const noexcept { g_uri_unref (p); }
  void operator() (JsonBuilder *p) const noexcept { g_object_unref (p); }
  void operator() (JsonGenerator *p) const noexcept { g_object_unref (p); }
  void operator() (JsonNode *p) const noexcept { json_node_unref (p); }
};
template <class T> using Owned = std::unique_ptr<T, Unref>;
using Text = Owned<char>;

} // namespace spreadit::http
