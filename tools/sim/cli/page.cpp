// The results as one page: plots and tables with words to each, nothing loaded
// from elsewhere.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <string_view>

#include "sim/cli/plot.hpp"
#include "sim/cli/results.hpp"

namespace spreadit::sim {

namespace {

// Of the seeds of one policy pair.
struct Estimate {
  double mean = 0;
  double half_width = 0; // of the 95 % confidence interval
};

Estimate
estimate (const std::vector<double> &values)
{
  // Student's t at 97.5 %, by degrees of freedom; beyond, the normal one.
  constexpr std::array t{0.0, 12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365,
      2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110,
      2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052,
      2.048, 2.045, 2.042};
  Estimate found;
  const auto count = static_cast<double> (values.size ());
  for (const double value : values)
    found.mean += value / count;
  if (values.size () < 2)
    return found;
  double squares = 0;
  for (const double value : values)
    squares += (value - found.mean) * (value - found.mean);
  const std::size_t freedom = values.size () - 1;
  found.half_width = (freedom < t.size () ? t[freedom] : 1.96) *
                     std::sqrt (squares / (count - 1) / count);
  return found;
}

struct Pair {
  std::string name;
  std::string style;
  std::vector<const Run *> runs;
};

// Colours tell add policies apart and dashes delete policies, or colours these
// where there is one of those.
std::vector<Pair>
pairs_of (const std::vector<Run> &runs)
{
  const bool one_add =
      std::all_of (runs.begin (), runs.end (), [&] (const Run &run) {
        return run.scenario.add_policy == runs.front ().scenario.add_policy;
      });
  std::vector<Pair> pairs;
  for (const Run &run : runs) {
    const std::string name = policies_of (run.scenario);
    const auto known = std::find_if (pairs.begin (), pairs.end (),
        [&] (const Pair &pair) { return pair.name == name; });
    if (known != pairs.end ()) {
      known->runs.push_back (&run);
      continue;
    }
    const auto add = static_cast<int> (run.scenario.add_policy);
    const auto leave = static_cast<int> (run.scenario.delete_policy);
    pairs.push_back ({name,
        one_add ? "c" + std::to_string (leave)
                : "c" + std::to_string (add) + " d" + std::to_string (leave),
        {&run}});
  }
  return pairs;
}

Estimate
estimate (
    const Pair &pair, std::size_t figure, double scale = 1, double offset = 0)
{
  std::vector<double> values;
  for (const Run *run : pair.runs)
    values.push_back (offset + scale * figures (run->measures)[figure].value);
  return estimate (values);
}

std::string
with_caption (std::string_view title, std::string_view unit,
    std::string_view what, const std::string &plot)
{
  std::string out = "<figure><figcaption><b>" + std::string (title);
  if (!unit.empty ())
    out.append (", ").append (unit);
  return out + "</b><br>" + std::string (what) + "</figcaption>" + plot +
         "</figure>\n";
}

constexpr std::string_view nothing = "<p class=none>None in any run.</p>";

// What is compared between policies.
struct Headline {
  std::string_view figure, title, unit;
  double scale;
  std::string_view what;
  double offset = 0;
};
constexpr std::array headlines{
    Headline{"first-packet-p95-ms", "First packet", "ms", 1,
        "From asking for the stream to its first packet, which comes with the "
        "answer of the parent. 95 % waited no longer; less is better."},
    Headline{"tries-mean", "Peers asked", "", 1,
        "By a newcomer until one said yes, the source included; mean, less is "
        "better."},
    Headline{"transience-p95-ms", "Gaps", "ms", 1,
        "A parent went and its peers, and all below them, were without the "
        "stream. 95 % of these times were no longer; less is better."},
    Headline{"loss-transience", "Missed in gaps", "ppm", 1e6,
        "Stream time that was never got because of gaps, of all that was "
        "wanted. What a gap leaves out is sent afterwards as far as the ring "
        "reaches; less is better."},
    Headline{"loss-links", "Lost on links", "%", 100,
        "Packets that links or overloaded uplinks lost for good, mean over "
        "peers and time; less is better."},
    Headline{"on-time", "Late or lost", "%", -100,
        "Packets that did not come within the deadline (--deadline), mean over "
        "peers and time; less is better.",
        100},
    Headline{"repair-feedback", "Said about losses", "%", 100,
        "Bytes of questions for lost packets and of news of them, of the "
        "stream's; less is better."},
    Headline{"delay-p95-ms", "Delay from the source", "ms", 1,
        "At the end of the run. 95 % of the peers are no further; less is "
        "better."},
    Headline{"level-mean", "Level", "", 1,
        "How many hops peers are from the source at the end, mean; less is "
        "better."},
    Headline{"balance", "Balance", "", 1,
        "Height of the lowest tree that these capacities allow, by the height "
        "of the tree at the end; 1 is best."},
    Headline{"source-requests-max-per-s", "Source, worst second", "requests", 1,
        "Most requests for a place that came to the source within a second; "
        "less is better."},
    Headline{"control-bps-per-peer", "Control traffic", "bit/s", 1,
        "Bytes of all that is not stream, both ways, by peer and second; less "
        "is better."},
    Headline{"moves", "Moves", "", 1,
        "Times that a peer took another parent after its first one, whatever "
        "the reason."},
    Headline{"refused-share", "Refused", "%", 100,
        "Visitors whose session failed: nobody had room or answered; less is "
        "better."},
};

std::size_t
index_of (std::string_view name)
{
  const auto all = figures ({});
  std::size_t index = 0;
  while (all[index].name != name)
    ++index;
  return index;
}

std::string
bars (const std::vector<Pair> &pairs, const Headline &headline)
{
  const std::size_t figure = index_of (headline.figure);
  std::vector<Bar> rows;
  bool any = false;
  for (const Pair &pair : pairs) {
    const Estimate found =
        estimate (pair, figure, headline.scale, headline.offset);
    any = any || found.mean > 0;
    rows.push_back ({pair.name, pair.style, found.mean, found.half_width});
  }
  return with_caption (headline.title, headline.unit, headline.what,
      any ? bar_plot (rows) : std::string (nothing));
}

// What is shown over time.
struct Course {
  std::string_view title, unit, what;
  std::function<double (const Point &)> value;
  bool is_of_events = false; // 0: there were none, and nothing to say
};

std::vector<Course>
courses ()
{
  const auto of = [] (std::uint64_t Point::*count) {
    return [count] (const Point &point) {
      return static_cast<double> (point.*count);
    };
  };
  return {
      {"Peers present", "", "Whoever is there, with or without the stream.",
          of (&Point::present)},
      {"Peers without the stream", "",
          "Newcomers that have no packet yet, and those in a gap.",
          [] (const Point &point) {
            return static_cast<double> (point.present - point.fed);
          }},
      {"Requests at the source", "",
          "For a place, since the point before: newcomers and those that look "
          "for another parent.",
          of (&Point::source_requests)},
      {"First packet, p95", "ms", "Of those who came since the point before.",
          [] (const Point &point) { return point.first_packet_p95_ms; }, true},
      {"Gaps, p95", "ms", "Of those that ended since the point before.",
          [] (const Point &point) { return point.transience_p95_ms; }, true},
      {"Height of the tree", "", "Hops from the source to the farthest peer.",
          [] (const Point &point) {
            return static_cast<double> (point.height);
          }},
      {"Delay from the source, p95", "ms", "95 % of the peers are no further.",
          [] (const Point &point) { return point.delay_p95_ms; }},
      {"Refused", "", "Sessions that failed since the point before.",
          of (&Point::refused)},
  };
}

struct TimeScale {
  double second; // in units
  double end;
  const char *title;
};

TimeScale
time_scale (const std::vector<Run> &runs)
{
  double end = 0;
  for (const Run &run : runs)
    end = std::max (
        end, std::chrono::duration<double> (run.scenario.duration).count ());
  if (end <= 300)
    return {1, end, "simulated time, s"};
  if (end <= 3 * 3600)
    return {1.0 / 60, end / 60, "simulated time, min"};
  return {1.0 / 3600, end / 3600, "simulated time, h"};
}

// Means over the seeds, of those runs that got so far.
Curve
curve_of (const Pair &pair, const Course &course, double second)
{
  Curve curve{pair.name, pair.style, {}};
  for (std::size_t i = 0;; ++i) {
    double sum = 0, at = 0;
    unsigned said = 0;
    bool any = false;
    for (const Run *run : pair.runs) {
      if (i >= run->measures.points.size ())
        continue;
      const Point &point = run->measures.points[i];
      any = true;
      at = point.second;
      const double value = course.value (point);
      if (course.is_of_events && !(value > 0))
        continue;
      sum += value;
      ++said;
    }
    if (!any)
      return curve;
    if (said > 0)
      curve.points.emplace_back (at * second, sum / said);
  }
}

std::string
curves (
    const std::vector<Pair> &pairs, const Course &course, const TimeScale &time)
{
  std::vector<Curve> drawn;
  bool any = false;
  for (const Pair &pair : pairs) {
    drawn.push_back (curve_of (pair, course, time.second));
    for (const auto &[x, y] : drawn.back ().points)
      any = any || y > 0;
  }
  return with_caption (course.title, course.unit, course.what,
      any ? curve_plot (drawn, time.end, time.title) : std::string (nothing));
}

// What the figures that begin so are.
struct Group {
  std::string_view prefix, what;
};
constexpr std::array groups{
    Group{"visitors", "Who came, had a parent at least once, was refused (the "
                      "session failed), went before it had a parent; refused "
                      "by visitors."},
    Group{"discover", "From asking for the stream until a peer said yes."},
    Group{"first-packet", "From asking for the stream to its first packet."},
    Group{"tries", "Peers asked until one said yes."},
    Group{"transiences", "Times without the stream of peers that had it: how "
                         "many, how long."},
    Group{"loss", "Shares of 1: stream time missed in such gaps, packets that "
                  "links lost for good, packets within the deadline, packets "
                  "sent again, bytes said about losses."},
    Group{"delay", "From the source to a peer, at the end."},
    Group{"level", "Hops from the source, at the end; the highest; the lowest "
                   "height possible by that."},
    Group{"source-requests", "Requests for a place at the source: in all, and "
                             "in a second."},
    Group{"control", "Everything that is not stream."},
    Group{"moves", "Parents taken after the first one; steps of the "
                   "simulation."},
};

std::string
table (const std::vector<Pair> &pairs)
{
  std::string out = "<div class=wide><table><tr><th></th>";
  for (const Pair &pair : pairs)
    out += "<th>" + escaped (pair.name) + "</th>";
  out += "</tr>\n";
  const auto names = figures ({});
  const Group *group = nullptr;
  for (std::size_t i = 0; i < names.size (); ++i) {
    const std::string_view name = names[i].name;
    for (const Group &one : groups)
      if (name.starts_with (one.prefix) && group != &one) {
        group = &one;
        out +=
            "<tr class=what><td colspan=" + std::to_string (pairs.size () + 1) +
            "><span>" + std::string (one.what) + "</span></td></tr>\n";
      }
    out += "<tr><td>" + std::string (name) + "</td>";
    for (const Pair &pair : pairs) {
      const Estimate found = estimate (pair, i);
      out += "<td>" + readable (found.mean);
      if (pair.runs.size () > 1)
        out += " ± " + readable (found.half_width, 2);
      out += "</td>";
    }
    out += "</tr>\n";
  }
  return out + "</table></div>\n";
}

std::string
legend (const std::vector<Pair> &pairs)
{
  std::string out = "<ul class=legend>";
  for (const Pair &pair : pairs)
    out += "<li>" + curve_sample (pair.style) + " " + escaped (pair.name) +
           "</li>";
  return out + "</ul>\n";
}

std::string
scenario_table (const Scenario &scenario)
{
  std::string out = "<details><summary>The scenario</summary><table>\n";
  for (const Setting &setting : settings (scenario)) {
    if (setting.name == "seed" || setting.name == "add-policy" ||
        setting.name == "delete-policy")
      continue; // the runs differ in these
    const auto *number = std::get_if<double> (&setting.value);
    out += "<tr><td>" + setting.name + "</td><td>" +
           (number ? readable (*number)
                   : escaped (std::get<std::string> (setting.value))) +
           "</td></tr>\n";
  }
  return out + "</table></details>\n";
}

constexpr std::string_view style = R"(
:root{color-scheme:light dark;--ink:#222;--soft:#555;--rule:#ddd;--paper:#fff;
--code:#f3f3f3;--c0:#1b6ca8;--c1:#c8384a;--c2:#2e7d3c;--c3:#8250a8;--c4:#b8650a;
--c5:#5c677d}
@media(prefers-color-scheme:dark){:root{--ink:#e6e6e6;--soft:#b0b0b0;
--rule:#3c3c3c;--paper:#161616;--code:#262626;--c0:#5aaee8;--c1:#f27482;
--c2:#6cc47b;--c3:#bd96e0;--c4:#f0a24e;--c5:#a3afc4}}
body{font:15px/1.5 sans-serif;margin:2em auto;max-width:1500px;padding:0 1em;
color:var(--ink);background:var(--paper)}
p{max-width:50em}
code{background:var(--code);padding:2px 4px;overflow-wrap:anywhere}
.wide{overflow-x:auto}
table{border-collapse:collapse}
td,th{padding:2px 10px;text-align:right;border-bottom:1px solid var(--rule);
white-space:nowrap}
td:first-child,th:first-child{text-align:left;position:sticky;left:0;
background:var(--paper)}
.what td{padding-top:1em;color:var(--soft)}
.what span{display:inline-block;max-width:min(50em,85vw);white-space:normal}
.plots{display:grid;gap:2em;
grid-template-columns:repeat(auto-fill,minmax(min(100%,440px),1fr))}
figure{margin:0}
figcaption{margin-bottom:.5em;min-height:4.5em;font-size:14px;color:var(--soft)}
figcaption b{color:var(--ink)}
svg{width:100%;height:auto}
svg text{font:12px sans-serif;fill:var(--soft)}
.grid{stroke:var(--rule)}
.whisker{stroke:var(--ink)}
.none{color:var(--soft)}
.bar{fill:var(--c)}
.curve{fill:none;stroke:var(--c);stroke-width:1.7}
.c0{--c:var(--c0)}.c1{--c:var(--c1)}.c2{--c:var(--c2)}.c3{--c:var(--c3)}
.c4{--c:var(--c4)}.c5{--c:var(--c5)}
.d1{stroke-dasharray:7 3}.d2{stroke-dasharray:2 3}.d3{stroke-dasharray:9 3 2 3}
.bar{stroke:none}
.legend{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.2em 1.5em}
.sample{width:36px;vertical-align:middle}
details{margin:1em 0}summary{cursor:pointer}
)";

std::string
introduction (const std::vector<Run> &runs, const std::vector<Pair> &pairs,
    const std::string &command)
{
  std::string out =
      "<h1>SpreadIt simulation</h1>\n<p>An audience watches one live stream; "
      "each viewer (<i>peer</i>) gets it from another one, its <i>parent</i>, "
      "and passes it on, in a tree below the <i>source</i>. The <i>add "
      "policy</i> says where a full peer sends newcomers, the <i>delete "
      "policy</i> where those go whose parent goes. Pairs of policies are "
      "named <i>add, delete</i>.</p>\n<p><code>" +
      escaped (command) + "</code></p>\n<p>" + std::to_string (runs.size ()) +
      (runs.size () == 1 ? " run" : " runs") + ": " +
      std::to_string (pairs.size ()) +
      (pairs.size () == 1 ? " pair" : " pairs") + " of policies";
  const std::size_t seeds = pairs.empty () ? 0 : pairs.front ().runs.size ();
  if (seeds > 1)
    out += ", " + std::to_string (seeds) +
           " seeds each: audiences drawn by the same laws, the same for every "
           "pair. Figures are means over them, ± half of the 95 % confidence "
           "interval";
  out += ". p50, p95 and p99: so many in a hundred are not above it.</p>\n";
  const bool interrupted = std::any_of (runs.begin (), runs.end (),
      [] (const Run &run) { return run.measures.interrupted; });
  if (interrupted)
    out += "<p><b>Interrupted:</b> the last run is not complete.</p>\n";
  return out;
}

} // namespace

std::string
to_html (const std::vector<Run> &runs, const std::string &command)
{
  const auto pairs = pairs_of (runs);
  std::string out = "<!DOCTYPE html><html lang=en><meta charset=utf-8>"
                    "<meta name=viewport content=\"width=device-width\">"
                    "<title>SpreadIt simulation</title><style>" +
                    std::string (style) + "</style>\n" +
                    introduction (runs, pairs, command);
  if (!runs.empty ())
    out += scenario_table (runs.front ().scenario);
  if (pairs.size () > 1) {
    out += "<h2>Policies compared</h2>\n<div class=plots>\n";
    for (const Headline &headline : headlines)
      out += bars (pairs, headline);
    out += "</div>\n";
  }
  out += "<h2>Over time</h2>\n" + legend (pairs) + "<div class=plots>\n";
  const TimeScale time = time_scale (runs);
  for (const Course &course : courses ())
    out += curves (pairs, course, time);
  return out + "</div>\n<h2>All figures</h2>\n" + table (pairs) + "</html>\n";
}

} // namespace spreadit::sim
