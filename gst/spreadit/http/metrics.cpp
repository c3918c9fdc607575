// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http/metrics.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <functional>
#include <optional>

namespace spreadit::http {

namespace {

constexpr double second = 1000; // stats are in milliseconds

std::optional<double>
number (const GstStructure *stats, const char *name)
{
  const GValue *value = stats ? gst_structure_get_value (stats, name) : nullptr;
  if (!value)
    return std::nullopt;
  if (G_VALUE_HOLDS_UINT (value))
    return g_value_get_uint (value);
  if (G_VALUE_HOLDS_UINT64 (value))
    return static_cast<double> (g_value_get_uint64 (value));
  if (G_VALUE_HOLDS_DOUBLE (value))
    return g_value_get_double (value);
  if (G_VALUE_HOLDS_BOOLEAN (value))
    return g_value_get_boolean (value) ? 1 : 0;
  return std::nullopt;
}

const GstStructure *
inner (const GstStructure *stats, const char *name)
{
  const GValue *value = gst_structure_get_value (stats, name);
  return value && GST_VALUE_HOLDS_STRUCTURE (value)
             ? gst_value_get_structure (value)
             : nullptr;
}

std::string
escaped (const char *text)
{
  std::string out;
  for (; text && *text; ++text) {
    if (*text == '\\' || *text == '"')
      out += '\\';
    if (*text == '\n')
      out += "\\n";
    else
      out += *text;
  }
  return out;
}

using Labels = std::string; // stream="...", and what comes behind

Labels
stream_label (const GstStructure *stats)
{
  return "stream=\"" + escaped (gst_structure_get_string (stats, "uri")) + "\"";
}

class Page {
public:
  void family (const char *name, const char *type, const char *help)
  {
    name_ = name;
    text_ += std::string ("# HELP ") + name + " " + help + "\n# TYPE " + name +
             " " + type + "\n";
  }
  void sample (const Labels &labels, double value)
  {
    // Not printf's %g: its decimal point is the locale's.
    std::array<char, 32> digits{};
    const auto end =
        std::to_chars (digits.data (), digits.data () + digits.size (), value);
    text_ += name_ + (labels.empty () ? "" : "{" + labels + "}") + " " +
             std::string (digits.data (), end.ptr) + "\n";
  }
  std::string take () { return std::move (text_); }

private:
  std::string name_, text_;
};

// One number of the stats, under another name and in base units.
struct Row {
  const char *name;
  const char *type;
  const char *help;
  const char *structure; // within the stats; nullptr: the stats themselves
  const char *field;
  double per = 1; // divided by this
};

constexpr std::array rows{
    Row{"spreadit_level", "gauge", "Hops from the source.", nullptr, "level"},
    Row{"spreadit_tree_peers", "gauge",
        "Peers and players in the tree from this node down, itself included.",
        "subtree", "peers"},
    Row{"spreadit_tree_levels", "gauge", "Levels below this node.", "subtree",
        "levels"},
    Row{"spreadit_tree_free_slots", "gauge",
        "Children that this node and those below it could still take.",
        "subtree", "free"},
    Row{"spreadit_tree_measured_peers", "gauge",
        "Peers from this node down that tell how the stream comes to them.",
        "subtree", "measured"},
    Row{"spreadit_tree_lost_ratio_max", "gauge",
        "Part of the packets of the last 10 seconds that never came, 0 to 1, "
        "at "
        "the peer from this node down that loses most; in steps, rounded up.",
        "subtree", "worst-lost-fraction"},
    Row{"spreadit_tree_lost_ratio_mean", "gauge",
        "The same, on average over the peers that tell.", "subtree",
        "mean-lost-fraction"},
    Row{"spreadit_tree_delay_max_seconds", "gauge",
        "From the source's sending to receipt, half of the packets, at the "
        "peer "
        "from this node down where it is longest; in steps, rounded up.",
        "subtree", "worst-delay-ms", second},
    Row{"spreadit_tree_delay_mean_seconds", "gauge",
        "The same, on average over the peers that tell.", "subtree",
        "mean-delay-ms", second},
    Row{"spreadit_reachable", "gauge",
        "Whether others can connect to this node, as its parent has tried; "
        "not there while not known.",
        nullptr, "reachable"},
    Row{"spreadit_received_packets_total", "counter",
        "RTP packets received, each once.", nullptr, "packets-received"},
    Row{"spreadit_lost_packets_total", "counter",
        "RTP packets not here 1 second after they were missed.", nullptr,
        "packets-lost"},
    Row{"spreadit_late_packets_total", "counter",
        "RTP packets counted as lost that came after all.", nullptr,
        "packets-late"},
    Row{"spreadit_repaired_packets_total", "counter",
        "RTP packets that were lost and came again when asked for.", nullptr,
        "packets-repaired"},
    Row{"spreadit_repairs_asked_total", "counter",
        "RTP packets asked for again, each time.", nullptr, "repairs-asked"},
    Row{"spreadit_duplicate_packets_total", "counter",
        "RTP packets that came more than once.", nullptr, "packets-duplicate"},
    Row{"spreadit_invalid_packets_total", "counter",
        "Datagrams that are no RTP or RTCP.", nullptr, "packets-invalid"},
    Row{"spreadit_stranger_packets_total", "counter",
        "Packets from nobody this node knows.", nullptr, "packets-stranger"},
    Row{"spreadit_socket_dropped_packets_total", "counter",
        "Packets the system dropped because they were not fetched in time.",
        nullptr, "socket-drops"},
    Row{"spreadit_socket_buffer_bytes", "gauge",
        "Receive buffer of the UDP socket.", nullptr, "socket-buffer"},
    Row{"spreadit_sent_packets_total", "counter",
        "RTP packets sent to children.", nullptr, "packets-sent"},
    Row{"spreadit_received_bytes_total", "counter", "Media bytes received.",
        nullptr, "bytes-in"},
    Row{"spreadit_sent_bytes_total", "counter", "Media bytes sent to children.",
        nullptr, "bytes-out"},
    Row{"spreadit_control_received_bytes_total", "counter",
        "Bytes received on control links.", nullptr, "control-bytes-in"},
    Row{"spreadit_control_sent_bytes_total", "counter",
        "Bytes sent on control links.", nullptr, "control-bytes-out"},
    Row{"spreadit_delay_median_seconds", "gauge",
        "From the source's sending to receipt here, half of the packets.",
        "delay-ms", "p50", second},
    Row{"spreadit_delay_p99_seconds", "gauge",
        "From the source's sending to receipt here, 99 of 100 packets.",
        "delay-ms", "p99", second},
    Row{"spreadit_parent_rtt_seconds", "gauge",
        "Round trip to the parent and back.", nullptr, "rtt-ms", second},
    Row{"spreadit_discover_seconds", "gauge",
        "How long the first search for a parent took.", nullptr, "discover-ms",
        second},
    Row{"spreadit_first_packet_seconds", "gauge",
        "From the start to the first RTP packet.", nullptr, "first-packet-ms",
        second},
    Row{"spreadit_parent_switches_total", "counter", "Changes of parent.",
        nullptr, "switches"},
    Row{"spreadit_transience_seconds_total", "counter",
        "Time in which the stream was expected and did not come.",
        "transience-ms", "total", second},
    Row{"spreadit_transience_last_seconds", "gauge",
        "The last such time without the stream.", "transience-ms", "last",
        second},
    Row{"spreadit_transience_max_seconds", "gauge",
        "The longest such time without the stream.", "transience-ms", "max",
        second},
};

constexpr std::array states{
    "idle", "discovering", "receiving", "transient", "source", "failed"};

void
each_child (const GstStructure *stats,
    const std::function<void (const GstStructure *)> &see)
{
  const GValue *list = gst_structure_get_value (stats, "children");
  if (!list || !GST_VALUE_HOLDS_LIST (list))
    return;
  for (guint i = 0; i < gst_value_list_get_size (list); ++i)
    see (gst_value_get_structure (gst_value_list_get_value (list, i)));
}

void
add_children (Page &page, std::span<const GstStructure *const> streams)
{
  page.family ("spreadit_children", "gauge", "Who is fed, by kind.");
  for (const GstStructure *stats : streams) {
    unsigned peers = 0, players = 0;
    each_child (stats, [&] (const GstStructure *child) {
      gboolean plain = FALSE;
      gst_structure_get_boolean (child, "plain-player", &plain);
      ++(plain ? players : peers);
    });
    page.sample (stream_label (stats) + ",kind=\"peer\"", peers);
    page.sample (stream_label (stats) + ",kind=\"player\"", players);
  }
  page.family ("spreadit_children_lost_ratio_max", "gauge",
      "The largest loss that a child has reported last, 0 to 1.");
  for (const GstStructure *stats : streams) {
    double worst = 0;
    each_child (stats, [&] (const GstStructure *child) {
      worst = std::max (worst, number (child, "lost-fraction").value_or (0));
    });
    page.sample (stream_label (stats), worst);
  }
}

} // namespace

std::string
metrics (std::span<const GstStructure *const> streams, const Load &load)
{
  Page page;
  page.family ("spreadit_build_info", "gauge", "Always 1.");
  page.sample ("version=\"" SPREADIT_VERSION "\"", 1);
  page.family ("spreadit_state", "gauge",
      "What the node is doing: 1 for the state it is in, 0 for the others.");
  for (const GstStructure *stats : streams) {
    const char *now = gst_structure_get_string (stats, "state");
    for (const char *state : states)
      page.sample (stream_label (stats) + ",state=\"" + state + "\"",
          g_strcmp0 (now, state) == 0 ? 1 : 0);
  }
  for (const Row &row : rows) {
    page.family (row.name, row.type, row.help);
    for (const GstStructure *stats : streams) {
      const auto *from = row.structure ? inner (stats, row.structure) : stats;
      const auto value = number (from, row.field);
      if (value && std::isfinite (*value))
        page.sample (stream_label (stats), *value / row.per);
    }
  }
  add_children (page, streams);
  page.family ("spreadit_http_connections", "gauge", "Open HTTP connections.");
  page.sample ("", static_cast<double> (load.connections));
  page.family (
      "spreadit_http_listeners", "gauge", "WebSockets that are told events.");
  page.sample ("", static_cast<double> (load.listeners));
  page.family (
      "spreadit_http_viewers", "gauge", "Viewers of the stream in a page.");
  page.sample ("", static_cast<double> (load.viewers));
  return page.take ();
}

} // namespace spreadit::http
