// SPDX-License-Identifier: LGPL-2.1-or-later
#include "payloaders.hpp"

#include <cstring>
#include <string>
#include <utility>

namespace spreadit {

namespace {

// Packets pass TLS, tunnels and mobile networks on their way down the tree, and
// nobody on it can split one: 1200 bytes of RTP pass wherever IPv6 does (1280
// minus IPv6, UDP, and something for a tunnel), as QUIC assumes too (RFC 9000
// 14).
constexpr guint packet_size_max = 1200;
// What PacketMarks adds at most: the extension's header, a mark and a time.
constexpr guint marks_size_max = 16;
constexpr guint mtu = packet_size_max - marks_size_max;

bool
is_payloader (GstElementFactory *factory)
{
  if (gst_plugin_feature_get_rank (GST_PLUGIN_FEATURE (factory)) ==
      GST_RANK_NONE)
    return false;
  const gchar *klass =
      gst_element_factory_get_metadata (factory, GST_ELEMENT_METADATA_KLASS);
  return klass && std::strstr (klass, "Codec") && std::strstr (klass, "RTP");
}

// Both take AAC at the same rank. RFC 3640 (mpeg4-generic) is what players and
// other tools understand everywhere, LATM (RFC 6416) less so.
bool
is_second_choice (GstElementFactory *factory)
{
  return !std::strcmp (GST_OBJECT_NAME (factory), "rtpmp4apay");
}

gint
compare (gconstpointer a, gconstpointer b) noexcept
{
  auto *first = GST_ELEMENT_FACTORY (const_cast<gpointer> (a));
  auto *second = GST_ELEMENT_FACTORY (const_cast<gpointer> (b));
  const gint by_rank =
      gint (gst_plugin_feature_get_rank (GST_PLUGIN_FEATURE (second))) -
      gint (gst_plugin_feature_get_rank (GST_PLUGIN_FEATURE (first)));
  if (by_rank)
    return by_rank;
  if (is_second_choice (first) != is_second_choice (second))
    return is_second_choice (first) ? 1 : -1;
  return std::strcmp (GST_OBJECT_NAME (first), GST_OBJECT_NAME (second));
}

// Calls `visit (factory)` from the best on, until it answers true.
template <class Visit>
void
for_each_payloader (Visit visit)
{
  GList *all = gst_element_factory_list_get_elements (
      GST_ELEMENT_FACTORY_TYPE_PAYLOADER, GST_RANK_MARGINAL);
  all = g_list_sort (all, compare);
  for (GList *l = all; l; l = l->next) {
    auto *factory = static_cast<GstElementFactory *> (l->data);
    if (is_payloader (factory) && visit (factory))
      break;
  }
  gst_plugin_feature_list_free (all);
}

Owned<GstCaps>
sink_caps (GstElementFactory *factory)
{
  Owned<GstCaps> caps (gst_caps_new_empty ());
  for (const GList *l = gst_element_factory_get_static_pad_templates (factory);
       l; l = l->next) {
    auto *templ = static_cast<GstStaticPadTemplate *> (l->data);
    if (templ->direction != GST_PAD_SINK)
      continue;
    const Owned<GstCaps> more (gst_static_pad_template_get_caps (templ));
    if (!gst_caps_is_any (more.get ()))
      caps.reset (
          gst_caps_merge (caps.release (), gst_caps_copy (more.get ())));
  }
  return caps;
}

void
set_if_there (GstElement *element, const gchar *property, const gchar *value)
{
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (element), property))
    gst_util_set_object_arg (G_OBJECT (element), property, value);
}

// rtph264pay, once it is linked, asks for the profile that every player can
// decode before any other. Said from the start, or else an encoder would begin
// with another one and change over, and the description with it.
Owned<GstCaps>
prefer_constrained_baseline (Owned<GstCaps> caps)
{
  Owned<GstCaps> preferred (gst_caps_new_empty ());
  for (guint i = 0; i < gst_caps_get_size (caps.get ()); ++i) {
    const GstStructure *s = gst_caps_get_structure (caps.get (), i);
    if (!gst_structure_has_name (s, "video/x-h264"))
      continue;
    GstStructure *copy = gst_structure_copy (s);
    gst_structure_set (
        copy, "profile", G_TYPE_STRING, "constrained-baseline", nullptr);
    gst_caps_append_structure (preferred.get (), copy);
  }
  return Owned<GstCaps> (
      gst_caps_merge (preferred.release (), caps.release ()));
}

} // namespace

Owned<GstCaps>
payloadable_caps ()
{
  Owned<GstCaps> caps (gst_caps_new_empty ());
  for_each_payloader ([&caps] (GstElementFactory *factory) {
    caps.reset (
        gst_caps_merge (caps.release (), sink_caps (factory).release ()));
    return false;
  });
  caps.reset (gst_caps_merge (
      caps.release (), gst_caps_new_empty_simple ("application/x-rtp")));
  return prefer_constrained_baseline (std::move (caps));
}

GstElement *
make_payloader (const GstCaps *caps)
{
  GstElement *payloader = nullptr;
  for_each_payloader ([&] (GstElementFactory *factory) {
    if (!gst_caps_is_subset (caps, sink_caps (factory).get ()))
      return false;
    payloader = gst_element_factory_create (factory, nullptr);
    return payloader != nullptr;
  });
  if (!payloader)
    return nullptr;
  set_if_there (payloader, "mtu", std::to_string (mtu).c_str ());
  // Parameter sets and configuration headers every second, with a key frame:
  // whoever joins, joins in the middle. Not -1, "every IDR frame": rtph264pay
  // 1.22 then sends them before every slice of it, and a parameter set begins a
  // new picture (H.264, 7.4.1.2.3), so that ffmpeg shows the slices one by one.
  set_if_there (payloader, "config-interval", "1");
  set_if_there (payloader, "perfect-rtptime", "true");
  return payloader;
}

} // namespace spreadit
