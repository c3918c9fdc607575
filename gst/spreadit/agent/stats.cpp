// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/stats.hpp"

#include <set>

#include "core/limits.hpp"
#include "core/quality.hpp"
#include "rtsp/headers.hpp"

namespace spreadit::agent {

namespace {

double
milliseconds (core::Duration duration)
{
  return std::chrono::duration<double, std::milli> (duration).count ();
}

void
set_u64 (GstStructure *structure, const char *name, std::uint64_t value)
{
  gst_structure_set (
      structure, name, G_TYPE_UINT64, static_cast<guint64> (value), nullptr);
}

void
set_reach (GstStructure *structure, core::Reach reach)
{
  if (reach != core::Reach::unknown)
    gst_structure_set (structure, "reachable", G_TYPE_BOOLEAN,
        static_cast<gboolean> (reach == core::Reach::yes), nullptr);
}

void
append (GValue *list, const char *text)
{
  GValue value = G_VALUE_INIT;
  g_value_init (&value, G_TYPE_STRING);
  g_value_set_string (&value, text);
  gst_value_list_append_and_take_value (list, &value);
}

const char *
nick (core::AddPolicyKind policy)
{
  switch (policy) {
  case core::AddPolicyKind::random:
    return "random";
  case core::AddPolicyKind::round_robin:
    return "round-robin";
  case core::AddPolicyKind::smart_placement:
    return "smart-placement";
  case core::AddPolicyKind::knock_downs:
    return "knock-downs";
  case core::AddPolicyKind::smart_bandwidth:
    return "smart-bandwidth";
  case core::AddPolicyKind::automatic:
    return "auto";
  }
  return "unknown";
}

const char *
nick (core::DeletePolicyKind policy)
{
  switch (policy) {
  case core::DeletePolicyKind::grandfather:
    return "grandfather";
  case core::DeletePolicyKind::root:
    return "root";
  case core::DeletePolicyKind::grandfather_all:
    return "grandfather-all";
  case core::DeletePolicyKind::root_all:
    return "root-all";
  }
  return "unknown";
}

const char *
transport_name (bool is_tcp)
{
  return is_tcp ? "tcp" : "udp";
}

void
add_children (GstStructure *structure, const NodeStats &stats)
{
  GValue list = G_VALUE_INIT;
  g_value_init (&list, GST_TYPE_LIST);
  for (const auto &child : stats.children) {
    const auto &contact = child.info.contact;
    GstStructure *one = gst_structure_new ("child", "id", G_TYPE_STRING,
        rtsp::to_string (contact.id).c_str (), "address", G_TYPE_STRING,
        contact.address.c_str (), "plain-player", G_TYPE_BOOLEAN,
        child.info.plain_player, "lost-fraction", G_TYPE_DOUBLE,
        child.data.lost_fraction, "transport", G_TYPE_STRING,
        transport_name (child.is_over_tcp), nullptr);
    set_reach (one, child.info.reach);
    set_u64 (one, "sent-packets", child.data.packets_sent);
    set_u64 (one, "sent-bytes", child.data.bytes_sent);
    set_u64 (one, "dropped-packets", child.data.packets_dropped);
    set_u64 (one, "repaired-packets", child.data.packets_repaired);
    set_u64 (one, "repaired-bytes", child.data.bytes_repaired);
    set_u64 (one, "repairs-refused", child.data.repairs_refused);
    set_u64 (one, "dropped-frames", child.data.frames_dropped);
    if (child.round_trip)
      gst_structure_set (one, "rtt-ms", G_TYPE_DOUBLE,
          milliseconds (*child.round_trip), nullptr);
    GValue value = G_VALUE_INIT;
    g_value_init (&value, GST_TYPE_STRUCTURE);
    g_value_take_boxed (&value, one);
    gst_value_list_append_and_take_value (&list, &value);
  }
  gst_structure_take_value (structure, "children", &list);
}

void
add_routers (GstStructure *structure, const core::NetworkPath &path)
{
  GValue list = G_VALUE_INIT;
  g_value_init (&list, GST_TYPE_LIST);
  for (const auto router : path.routers) {
    const Owned<gchar> name (
        g_strdup_printf ("%016" G_GINT64_MODIFIER "x", guint64{router}));
    append (&list, name.get ());
  }
  gst_structure_take_value (structure, "routers", &list);
}

void
add_structure (GstStructure *structure, const char *name, GstStructure *value)
{
  gst_structure_set (structure, name, GST_TYPE_STRUCTURE, value, nullptr);
  gst_structure_free (value);
}

// What is not known is not there.
void
add_subtree (GstStructure *structure, const core::Subtree &subtree,
    const core::Quality &quality)
{
  GstStructure *s = gst_structure_new ("subtree", "peers", G_TYPE_UINT,
      subtree.peers, "levels", G_TYPE_UINT, subtree.levels, "free", G_TYPE_UINT,
      subtree.free, "measured", G_TYPE_UINT, quality.peers, nullptr);
  const auto part = [] (std::uint32_t ppm) {
    return static_cast<double> (ppm) / core::limits::lost_ppm_max;
  };
  if (quality.peers > 0)
    gst_structure_set (s, "worst-lost-fraction", G_TYPE_DOUBLE,
        part (quality.lost_worst_ppm), "mean-lost-fraction", G_TYPE_DOUBLE,
        part (quality.lost_mean_ppm), nullptr);
  if (quality.delay_worst_ms > 0)
    gst_structure_set (s, "worst-delay-ms", G_TYPE_DOUBLE,
        static_cast<double> (quality.delay_worst_ms), "mean-delay-ms",
        G_TYPE_DOUBLE, static_cast<double> (quality.delay_mean_ms), nullptr);
  add_structure (structure, "subtree", s);
}

} // namespace

const char *
state_nick (core::PeerState state)
{
  switch (state) {
  case core::PeerState::idle:
    return "idle";
  case core::PeerState::discovering:
    return "discovering";
  case core::PeerState::receiving:
    return "receiving";
  case core::PeerState::transient:
    return "transient";
  case core::PeerState::source:
    return "source";
  case core::PeerState::failed:
    return "failed";
  }
  return "unknown";
}

Owned<GstStructure>
to_structure (const NodeStats &stats, const std::string &uri)
{
  Owned<GstStructure> owned (gst_structure_new ("spreadit-stats", "uri",
      G_TYPE_STRING, uri.c_str (), "id", G_TYPE_STRING,
      rtsp::to_string (stats.self.id).c_str (), "address", G_TYPE_STRING,
      stats.self.address.c_str (), "state", G_TYPE_STRING,
      state_nick (stats.state), "level", G_TYPE_UINT, stats.level, "parent",
      G_TYPE_STRING, stats.parent ? stats.parent->address.c_str () : "",
      "parent-id", G_TYPE_STRING,
      stats.parent ? rtsp::to_string (stats.parent->id).c_str () : "",
      "parent-transport", G_TYPE_STRING,
      stats.parent ? transport_name (stats.is_parent_over_tcp) : "", "switches",
      G_TYPE_UINT, stats.switches, nullptr));
  GstStructure *s = owned.get ();
  set_reach (s, stats.reachable);
  gst_structure_set (
      s, "standby", G_TYPE_STRING, stats.standby.c_str (), nullptr);
  gst_structure_set (s, "add-policy", G_TYPE_STRING, nick (stats.add_policy),
      "second-add-policy", G_TYPE_STRING, nick (stats.second_add_policy),
      "delete-policy", G_TYPE_STRING, nick (stats.delete_policy), nullptr);
  set_u64 (s, "time", static_cast<std::uint64_t> (g_get_real_time ()));

  GValue path = G_VALUE_INIT;
  g_value_init (&path, GST_TYPE_LIST);
  for (const auto &contact : stats.root_path)
    append (&path, rtsp::to_string (contact.id).c_str ());
  gst_structure_take_value (s, "root-path", &path);
  add_children (s, stats);

  set_u64 (s, "packets-received", stats.data.packets_received);
  set_u64 (s, "packets-lost", stats.data.packets_lost);
  set_u64 (s, "packets-late", stats.data.packets_late);
  set_u64 (s, "packets-repaired", stats.data.packets_repaired);
  set_u64 (s, "repairs-asked", stats.data.repairs_asked);
  set_u64 (s, "packets-duplicate", stats.data.packets_duplicate);
  set_u64 (s, "packets-invalid", stats.data.packets_invalid);
  set_u64 (s, "packets-stranger", stats.data.packets_stranger);
  set_u64 (s, "socket-drops", stats.data.socket_drops);
  set_u64 (s, "socket-buffer", stats.data.receive_buffer);
  set_u64 (s, "packets-sent", stats.data.packets_sent);
  set_u64 (s, "messages-sent", stats.data.messages_sent);
  set_u64 (s, "bytes-in", stats.data.bytes_received);
  set_u64 (s, "bytes-out", stats.data.bytes_sent);
  set_u64 (s, "control-bytes-in", stats.control_bytes_in);
  set_u64 (s, "control-bytes-out", stats.control_bytes_out);

  if (stats.data.delay_p50_ms && stats.data.delay_p99_ms)
    add_structure (s, "delay-ms",
        gst_structure_new ("delay-ms", "p50", G_TYPE_DOUBLE,
            *stats.data.delay_p50_ms, "p99", G_TYPE_DOUBLE,
            *stats.data.delay_p99_ms, nullptr));
  if (stats.data.round_trip)
    gst_structure_set (s, "rtt-ms", G_TYPE_DOUBLE,
        milliseconds (*stats.data.round_trip), nullptr);
  if (stats.path) {
    GstStructure *path = gst_structure_new ("path", "hops", G_TYPE_UINT,
        static_cast<guint> (stats.path->routers.size ()), "rtt-ms",
        G_TYPE_DOUBLE, milliseconds (stats.path->rtt), nullptr);
    add_routers (path, *stats.path);
    add_structure (s, "path", path);
  }
  if (stats.discover)
    gst_structure_set (s, "discover-ms", G_TYPE_DOUBLE,
        milliseconds (*stats.discover), nullptr);
  if (stats.first_packet)
    gst_structure_set (s, "first-packet-ms", G_TYPE_DOUBLE,
        milliseconds (*stats.first_packet), nullptr);
  add_structure (s, "transience-ms",
      gst_structure_new ("transience-ms", "last", G_TYPE_DOUBLE,
          milliseconds (stats.transience_last), "max", G_TYPE_DOUBLE,
          milliseconds (stats.transience_max), "total", G_TYPE_DOUBLE,
          milliseconds (stats.transience_total), nullptr));
  add_subtree (s, stats.subtree, stats.quality);
  return owned;
}

namespace {

double
in_ms (std::chrono::microseconds time)
{
  return std::chrono::duration<double, std::milli> (time).count ();
}

GstStructure *
about (const rtsp::SurveyedPeer &peer)
{
  GstStructure *s = gst_structure_new ("peer", "id", G_TYPE_STRING,
      rtsp::to_string (peer.self.id).c_str (), "address", G_TYPE_STRING,
      peer.self.address.c_str (), "state", G_TYPE_STRING,
      state_nick (peer.state), "level", G_TYPE_UINT, peer.level, "plain-player",
      G_TYPE_BOOLEAN, peer.player, "stale", G_TYPE_BOOLEAN, peer.stale,
      "transport", G_TYPE_STRING, transport_name (peer.over_tcp), "feeds",
      G_TYPE_UINT, peer.children, "max-children", G_TYPE_UINT,
      peer.children_max, "switches", G_TYPE_UINT, peer.moves, "lost-fraction",
      G_TYPE_DOUBLE, peer.lost_ppm / 1e6, nullptr);
  set_reach (s, peer.reach);
  set_u64 (s, "packets-received", peer.packets_received);
  set_u64 (s, "packets-lost", peer.packets_lost);
  set_u64 (s, "bytes-in", peer.bytes_in);
  set_u64 (s, "bytes-out", peer.bytes_out);
  if (peer.delay && peer.delay_p99)
    add_structure (s, "delay-ms",
        gst_structure_new ("delay-ms", "p50", G_TYPE_DOUBLE,
            in_ms (*peer.delay), "p99", G_TYPE_DOUBLE, in_ms (*peer.delay_p99),
            nullptr));
  if (peer.rtt)
    gst_structure_set (s, "rtt-ms", G_TYPE_DOUBLE, in_ms (*peer.rtt), nullptr);
  add_structure (s, "transience-ms",
      gst_structure_new (
          "transience-ms", "last", G_TYPE_DOUBLE, in_ms (peer.gap), nullptr));
  // Taken from the survey as it was written there.
  add_subtree (
      s, peer.subtree, core::believable (peer.quality, peer.subtree.peers));
  return s;
}

// The one at `next` and all below it; `next` is behind them then. Nothing if it
// was seen before. As deep as core::limits::levels_max at most, by the way the
// list was read.
GstStructure *
take_branch (
    const SurveyedPeers &peers, std::size_t &next, std::set<core::PeerId> &seen)
{
  const auto &peer = peers[next++];
  const bool is_new = seen.insert (peer.self.id).second;
  GstStructure *structure = is_new ? about (peer) : nullptr;
  GValue list = G_VALUE_INIT;
  g_value_init (&list, GST_TYPE_LIST);
  while (next < peers.size () && peers[next].depth > peer.depth) {
    GstStructure *child = take_branch (peers, next, seen);
    if (!child)
      continue;
    GValue value = G_VALUE_INIT;
    g_value_init (&value, GST_TYPE_STRUCTURE);
    g_value_take_boxed (&value, child);
    gst_value_list_append_and_take_value (&list, &value);
  }
  if (structure)
    gst_structure_take_value (structure, "children", &list);
  else
    g_value_unset (&list);
  return structure;
}

} // namespace

Owned<GstStructure>
to_structure (const SurveyedPeers &peers)
{
  if (peers.empty ())
    return nullptr;
  std::set<core::PeerId> seen;
  std::size_t next = 0;
  return Owned<GstStructure> (take_branch (peers, next, seen));
}

} // namespace spreadit::agent
