// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sim/cli/results.hpp"

#include <array>
#include <cmath>
#include <memory>
#include <type_traits>

#include <json-glib/json-glib.h>

#include "sim/cli/options.hpp"

namespace spreadit::sim {

namespace {

struct Unref {
  void operator() (JsonBuilder *builder) const { g_object_unref (builder); }
  void operator() (JsonGenerator *generator) const
  {
    g_object_unref (generator);
  }
  void operator() (JsonNode *node) const { json_node_unref (node); }
  void operator() (char *text) const { g_free (text); }
};
template <class T> using Owned = std::unique_ptr<T, Unref>;

double
ratio (double part, double whole)
{
  return whole > 0 ? part / whole : 0;
}

// Six digits say it, in any locale.
std::string
text_of (double value)
{
  std::array<char, G_ASCII_DTOSTR_BUF_SIZE> buffer{};
  return g_ascii_formatd (
      buffer.data (), static_cast<int> (buffer.size ()), "%.6g", value);
}

void
add (JsonBuilder *builder, const char *name, double value)
{
  json_builder_set_member_name (builder, name);
  const double rounded = g_ascii_strtod (text_of (value).c_str (), nullptr);
  if (rounded == std::floor (rounded) && std::abs (rounded) < 1e15)
    json_builder_add_int_value (builder, static_cast<gint64> (rounded));
  else
    json_builder_add_double_value (builder, rounded);
}

void
add (JsonBuilder *builder, const char *name, const std::string &text)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, text.c_str ());
}

double
ms (core::Duration duration)
{
  return std::chrono::duration<double, std::milli> (duration).count ();
}

void
add_scenario (JsonBuilder *builder, const Scenario &scenario)
{
  json_builder_set_member_name (builder, "scenario");
  json_builder_begin_object (builder);
  for (const Setting &setting : settings (scenario))
    std::visit (
        [&] (
            const auto &value) { add (builder, setting.name.c_str (), value); },
        setting.value);
  json_builder_end_object (builder);
}

std::vector<Figure>
figures_of (const Point &point)
{
  const auto count = [] (std::uint64_t n) { return static_cast<double> (n); };
  return {{"second", point.second}, {"present", count (point.present)},
      {"fed", count (point.fed)}, {"joins", count (point.joins)},
      {"goes", count (point.goes)}, {"refused", count (point.refused)},
      {"source-requests", count (point.source_requests)},
      {"first-packet-p95-ms", point.first_packet_p95_ms},
      {"transience-p95-ms", point.transience_p95_ms},
      {"level-mean", point.level_mean}, {"height", count (point.height)},
      {"balance", point.balance}, {"delay-p50-ms", point.delay_p50_ms},
      {"delay-p95-ms", point.delay_p95_ms}, {"loss-links", point.loss_links}};
}

} // namespace

std::vector<Setting>
settings (const Scenario &scenario)
{
  std::vector<Setting> all;
  const auto add = [&all] (const char *name, auto value) {
    if constexpr (std::is_arithmetic_v<decltype (value)>)
      all.push_back ({name, static_cast<double> (value)});
    else
      all.push_back ({name, std::string (value)});
  };
  add ("seed", std::to_string (scenario.seed));
  add ("add-policy", std::string (name_of (scenario.add_policy)));
  add ("second-add-policy", std::string (name_of (scenario.second_add_policy)));
  add ("delete-policy", std::string (name_of (scenario.delete_policy)));
  add ("duration-s", ms (scenario.duration) / 1e3);
  if (!scenario.trace.empty ())
    add ("trace-rows", static_cast<double> (scenario.trace.size ()));
  else if (scenario.arrivals_per_s > 0)
    add ("arrivals-per-s", scenario.arrivals_per_s);
  else
    add ("flash-crowd-s", ms (scenario.flash_crowd) / 1e3);
  if (scenario.trace.empty ())
    add ("peers", scenario.peers);
  add ("stay", to_string (scenario.stay));
  add ("crash-share", scenario.crash_share);
  add ("silent-share", scenario.silent_share);
  add ("children",
      scenario.capacity_from_uplink ? "uplink" : to_string (scenario.children));
  add ("uplink", scenario.uplink ? to_string (*scenario.uplink) : "unknown");
  add ("source-children", scenario.source_children);
  add ("source-uplink-bps", scenario.source_uplink_bps);
  add ("sites", scenario.geography->sites ());
  add ("access", to_string (scenario.access));
  add ("jitter-ms", ms (scenario.jitter));
  add ("loss", scenario.loss);
  add ("stream-bps", static_cast<double> (scenario.stream_bps));
  add ("frames-per-s", scenario.frames_per_s);
  add ("packet-bytes", scenario.packet_bytes);
  add ("queue-ms", ms (scenario.queue));
  add ("resume", scenario.resume ? 1 : 0);
  add ("standby", scenario.standby ? 1 : 0);
  add ("ring-ms", ms (scenario.ring));
  add ("repairs", scenario.repairs);
  add ("deadline-ms", ms (scenario.deadline));
  add ("max-tries", scenario.tries_max);
  add ("alive-interval-ms", ms (scenario.alive_interval));
  add ("alive-misses", scenario.alive_misses);
  add ("locate-after-ms", ms (scenario.locate_after));
  add ("offer-dead-ends", scenario.offer_dead_ends ? 1 : 0);
  return all;
}

std::string
policies_of (const Scenario &scenario)
{
  return std::string (name_of (scenario.add_policy)) + ", " +
         std::string (name_of (scenario.delete_policy));
}

std::vector<Figure>
figures (const Measures &m)
{
  const auto count = [] (std::uint64_t n) { return static_cast<double> (n); };
  const Point last = m.points.empty () ? Point{} : m.points.back ();
  return {{"visitors", count (m.visitors)}, {"accepted", count (m.accepted)},
      {"refused", count (m.refused)}, {"too-short", count (m.too_short)},
      {"refused-share", ratio (count (m.refused), count (m.visitors))},
      {"discover-mean-ms", m.discover_ms.mean ()},
      {"discover-p50-ms", m.discover_ms.quantile (0.5)},
      {"discover-p95-ms", m.discover_ms.quantile (0.95)},
      {"discover-p99-ms", m.discover_ms.quantile (0.99)},
      {"first-packet-mean-ms", m.first_packet_ms.mean ()},
      {"first-packet-p50-ms", m.first_packet_ms.quantile (0.5)},
      {"first-packet-p95-ms", m.first_packet_ms.quantile (0.95)},
      {"first-packet-p99-ms", m.first_packet_ms.quantile (0.99)},
      {"tries-mean", m.tries.mean ()}, {"tries-p50", m.tries.quantile (0.5)},
      {"tries-p95", m.tries.quantile (0.95)},
      {"tries-p99", m.tries.quantile (0.99)},
      {"transiences", count (m.transience_ms.count ())},
      {"transience-mean-ms", m.transience_ms.mean ()},
      {"transience-p50-ms", m.transience_ms.quantile (0.5)},
      {"transience-p95-ms", m.transience_ms.quantile (0.95)},
      {"transience-p99-ms", m.transience_ms.quantile (0.99)},
      {"loss-transience", ratio (m.seconds_missed, m.seconds_wanted)},
      {"loss-links", m.loss_from_links}, {"on-time", m.on_time},
      {"repair-overhead", m.repair_overhead}, {"repair-feedback", m.feedback},
      {"delay-p50-ms", m.delay_ms.quantile (0.5)},
      {"delay-p95-ms", m.delay_ms.quantile (0.95)},
      {"delay-p99-ms", m.delay_ms.quantile (0.99)},
      {"level-mean", m.level.mean ()}, {"level-p50", m.level.quantile (0.5)},
      {"level-p95", m.level.quantile (0.95)}, {"height", count (last.height)},
      {"balance", last.balance}, {"source-requests", count (m.source_requests)},
      {"source-requests-p50-per-s", m.source_requests_per_s.quantile (0.5)},
      {"source-requests-p99-per-s", m.source_requests_per_s.quantile (0.99)},
      {"source-requests-max-per-s", m.source_requests_per_s.max ()},
      {"control-messages", count (m.control_messages)},
      {"control-bytes", count (m.control_bytes)},
      {"control-bps-per-peer",
          ratio (8 * count (m.control_bytes), m.seconds_wanted)},
      {"moves", count (m.moves)}, {"events", count (m.events)}};
}

std::string
to_json (const std::vector<Run> &runs)
{
  const Owned<JsonBuilder> owned (json_builder_new ());
  JsonBuilder *builder = owned.get ();
  json_builder_begin_array (builder);
  for (const Run &run : runs) {
    json_builder_begin_object (builder);
    add_scenario (builder, run.scenario);
    add (builder, "interrupted", run.measures.interrupted ? 1 : 0);
    json_builder_set_member_name (builder, "results");
    json_builder_begin_object (builder);
    for (const Figure &figure : figures (run.measures))
      add (builder, figure.name, figure.value);
    for (const auto &[name, count] : run.measures.failures)
      add (builder, ("failed-" + name).c_str (), static_cast<double> (count));
    json_builder_set_member_name (builder, "peers-at-level");
    json_builder_begin_array (builder);
    for (const std::uint64_t count : run.measures.peers_at_level)
      json_builder_add_int_value (builder, static_cast<gint64> (count));
    json_builder_end_array (builder);
    add (builder, "digest", std::to_string (run.measures.digest));
    json_builder_end_object (builder);
    json_builder_set_member_name (builder, "points");
    json_builder_begin_array (builder);
    for (const Point &point : run.measures.points) {
      json_builder_begin_object (builder);
      for (const Figure &figure : figures_of (point))
        add (builder, figure.name, figure.value);
      json_builder_end_object (builder);
    }
    json_builder_end_array (builder);
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
  const Owned<JsonGenerator> generator (json_generator_new ());
  const Owned<JsonNode> root (json_builder_get_root (builder));
  json_generator_set_root (generator.get (), root.get ());
  json_generator_set_pretty (generator.get (), TRUE);
  const Owned<char> text (json_generator_to_data (generator.get (), nullptr));
  return std::string (text.get ()) + "\n";
}

namespace {

void
append_head (std::string &csv, const std::vector<Figure> &row)
{
  csv += "add-policy,delete-policy,seed";
  for (const Figure &figure : row)
    csv.append (",").append (figure.name);
  csv += "\n";
}

void
append_row (
    std::string &csv, const Scenario &scenario, const std::vector<Figure> &row)
{
  csv.append (name_of (scenario.add_policy)).append (",");
  csv.append (name_of (scenario.delete_policy)).append (",");
  csv += std::to_string (scenario.seed);
  for (const Figure &figure : row)
    csv.append (",").append (text_of (figure.value));
  csv += "\n";
}

} // namespace

std::string
runs_csv (const std::vector<Run> &runs)
{
  std::string csv;
  append_head (csv, figures ({}));
  for (const Run &run : runs)
    append_row (csv, run.scenario, figures (run.measures));
  return csv;
}

std::string
points_csv (const std::vector<Run> &runs)
{
  std::string csv;
  append_head (csv, figures_of ({}));
  for (const Run &run : runs)
    for (const Point &point : run.measures.points)
      append_row (csv, run.scenario, figures_of (point));
  return csv;
}

} // namespace spreadit::sim
