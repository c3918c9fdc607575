// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sim/audience.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace spreadit::sim {

namespace {

using core::Duration;
using core::Instant;

Instant
at_second (double second)
{
  constexpr double far = 1e9; // 30 years
  if (!(second < far))
    return Instant::max ();
  return Instant{} + Duration (std::llround (second * 1e9));
}

void
complete (const Scenario &scenario, const Geography &geography, core::Rng &rng,
    const TraceRow *row, Visitor &visitor)
{
  visitor.site = static_cast<Site> (rng.below (geography.sites ()));
  visitor.access_us =
      static_cast<std::uint32_t> (scenario.access.draw (rng) * 1e3);
  visitor.children_max =
      static_cast<std::uint32_t> (scenario.children.draw (rng));
  visitor.uplink_bps = 0;
  if (scenario.uplink)
    visitor.uplink_bps =
        static_cast<std::uint64_t> (scenario.uplink->draw (rng));
  const bool crashes = uniform (rng) < scenario.crash_share;
  const bool silently = uniform (rng) < scenario.silent_share;
  visitor.end = crashes ? (silently ? End::silent : End::killed) : End::leaves;
  if (row && row->crashes)
    visitor.end = *row->crashes ? End::killed : End::leaves;
  if (row && row->access_ms)
    visitor.access_us =
        static_cast<std::uint32_t> (std::llround (*row->access_ms * 1e3));
  if (row && row->uplink_bps)
    visitor.uplink_bps = *row->uplink_bps;
  if (scenario.capacity_from_uplink) // as the agent reckons
    visitor.children_max = static_cast<std::uint32_t> (
        std::floor (static_cast<double> (visitor.uplink_bps) * 0.9 /
                    static_cast<double> (scenario.stream_bps)));
  if (row && row->children_max)
    visitor.children_max = *row->children_max;
}

} // namespace

std::vector<Visitor>
make_audience (const Scenario &scenario, const Geography &geography)
{
  core::Rng rng (scenario.seed ^ 0xa0d1e2ce);
  std::vector<Visitor> audience;
  const double duration_s =
      std::chrono::duration<double> (scenario.duration).count ();
  double second = 0;
  const std::size_t count =
      scenario.trace.empty () ? scenario.peers : scenario.trace.size ();
  for (std::size_t i = 0; i < count; ++i) {
    Visitor visitor{};
    const TraceRow *row =
        scenario.trace.empty () ? nullptr : &scenario.trace[i];
    double stay = 0;
    if (row) {
      second = row->join_s;
      stay = std::max (0.0, row->leave_s - row->join_s);
    } else {
      if (scenario.arrivals_per_s > 0)
        second += -std::log (uniform (rng)) / scenario.arrivals_per_s;
      else
        second = uniform (rng) *
                 std::chrono::duration<double> (scenario.flash_crowd).count ();
      stay = scenario.stay.draw (rng);
    }
    if (second >= duration_s) {
      if (!row && scenario.arrivals_per_s > 0)
        break;
      continue;
    }
    visitor.comes = at_second (second);
    visitor.goes = at_second (second + stay);
    complete (scenario, geography, rng, row, visitor);
    audience.push_back (visitor);
  }
  std::stable_sort (audience.begin (), audience.end (),
      [] (const Visitor &a, const Visitor &b) { return a.comes < b.comes; });
  return audience;
}

namespace {

std::vector<std::string_view>
fields (std::string_view line)
{
  std::vector<std::string_view> out;
  for (;;) {
    const auto comma = line.find (',');
    out.push_back (line.substr (0, comma));
    if (comma == line.npos)
      return out;
    line.remove_prefix (comma + 1);
  }
}

std::optional<double>
number (std::string_view text)
{
  double value = 0;
  const char *end = text.data () + text.size ();
  const auto [stop, error] = std::from_chars (text.data (), end, value);
  if (error != std::errc () || stop != end || !(value >= 0) || value > 1e15)
    return std::nullopt;
  return value;
}

} // namespace

std::optional<std::vector<TraceRow>>
parse_trace (std::string_view csv)
{
  std::vector<TraceRow> rows;
  std::vector<std::string_view> head;
  while (!csv.empty ()) {
    const auto end = csv.find ('\n');
    std::string_view line = csv.substr (0, end);
    csv.remove_prefix (end == csv.npos ? csv.size () : end + 1);
    if (line.ends_with ('\r'))
      line.remove_suffix (1);
    if (line.empty ())
      continue;
    const auto values = fields (line);
    if (head.empty ()) {
      head = values;
      continue;
    }
    if (values.size () != head.size ())
      return std::nullopt;
    std::optional<double> join, leave;
    TraceRow row{};
    for (std::size_t i = 0; i < head.size (); ++i) {
      const auto value = number (values[i]);
      const bool ours = head[i] == "join_s" || head[i] == "leave_s" ||
                        head[i] == "children_max" || head[i] == "uplink_bps" ||
                        head[i] == "access_ms" || head[i] == "crash";
      if (!ours)
        continue;
      if (!value || (head[i] == "access_ms" && !(*value >= 0 && *value <= 1e6)))
        return std::nullopt;
      if (head[i] == "join_s")
        join = value;
      else if (head[i] == "leave_s")
        leave = value;
      else if (head[i] == "children_max")
        row.children_max = static_cast<std::uint32_t> (*value);
      else if (head[i] == "access_ms")
        row.access_ms = value;
      else if (head[i] == "crash")
        row.crashes = *value != 0;
      else
        row.uplink_bps = static_cast<std::uint64_t> (*value);
    }
    if (!join || !leave)
      return std::nullopt;
    row.join_s = *join;
    row.leave_s = *leave;
    rows.push_back (row);
  }
  if (rows.empty ())
    return std::nullopt;
  return rows;
}

} // namespace spreadit::sim
