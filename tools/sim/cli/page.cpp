// The results as one page: tables and plots, nothing loaded from elsewhere.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sim/cli/results.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>

#include <glib.h>

namespace spreadit::sim {

namespace {

constexpr std::array colours{"#1b6ca8", "#d1495b", "#3a7d44", "#8d6a9f",
    "#e08e45", "#2a9d8f", "#7f5539", "#5c677d"};

std::string
number (double value, const char *format = "%.4g")
{
  std::array<char, G_ASCII_DTOSTR_BUF_SIZE> buffer{};
  return g_ascii_formatd (
      buffer.data (), static_cast<int> (buffer.size ()), format, value);
}

std::string
escaped (const std::string &text)
{
  char *raw = g_markup_escape_text (text.c_str (), -1);
  std::string out (raw);
  g_free (raw);
  return out;
}

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
  std::vector<const Run *> runs;
};

std::vector<Pair>
pairs_of (const std::vector<Run> &runs)
{
  std::vector<Pair> pairs;
  for (const Run &run : runs) {
    const std::string name = policies_of (run.scenario);
    const auto known = std::find_if (pairs.begin (), pairs.end (),
        [&] (const Pair &pair) { return pair.name == name; });
    if (known == pairs.end ())
      pairs.push_back ({name, {&run}});
    else
      known->runs.push_back (&run);
  }
  return pairs;
}

Estimate
estimate (const Pair &pair, std::size_t figure)
{
  std::vector<double> values;
  for (const Run *run : pair.runs)
    values.push_back (figures (run->measures)[figure].value);
  return estimate (values);
}

std::string
table (const std::vector<Pair> &pairs)
{
  std::string out = "<div class=wide><table><tr><th>figure</th>";
  for (const Pair &pair : pairs)
    out += "<th>" + escaped (pair.name) + "</th>";
  out += "</tr>\n";
  const auto names = figures ({});
  for (std::size_t i = 0; i < names.size (); ++i) {
    out += "<tr><td>" + std::string (names[i].name) + "</td>";
    for (const Pair &pair : pairs) {
      const Estimate found = estimate (pair, i);
      out += "<td>" + number (found.mean);
      if (pair.runs.size () > 1)
        out += " &plusmn; " + number (found.half_width, "%.2g");
      out += "</td>";
    }
    out += "</tr>\n";
  }
  return out + "</table></div>\n";
}

constexpr double width = 440, height = 220, left = 60, bottom = 30, top = 24;

// A round number that is not less.
double
ceiling (double value)
{
  if (!(value > 0))
    return 1;
  const double unit = std::pow (10, std::floor (std::log10 (value)));
  for (const double step : {1.0, 2.0, 5.0, 10.0})
    if (value <= step * unit)
      return step * unit;
  return 10 * unit;
}

std::string
text_at (double x, double y, const char *anchor, const std::string &text)
{
  return "<text x=\"" + number (x) + "\" y=\"" + number (y) +
         "\" text-anchor=\"" + anchor + "\">" + escaped (text) + "</text>";
}

std::string
line (double x1, double y1, double x2, double y2, const char *kind)
{
  return "<line class=\"" + std::string (kind) + "\" x1=\"" + number (x1) +
         "\" y1=\"" + number (y1) + "\" x2=\"" + number (x2) + "\" y2=\"" +
         number (y2) + "\"/>";
}

std::string
frame (const std::string &title, double most)
{
  std::string out = "<svg viewBox=\"0 0 " + number (width) + " " +
                    number (height) + "\"><title>" + escaped (title) +
                    "</title>" + text_at (left, 14, "start", title);
  for (int i = 0; i <= 4; ++i) {
    const double y = height - bottom - (height - bottom - top) * i / 4;
    out += line (left, y, width - 8, y, "grid") +
           text_at (left - 6, y + 4, "end", number (most * i / 4));
  }
  return out;
}

std::string
bars (const std::vector<Pair> &pairs, const std::string &name)
{
  const auto names = figures ({});
  std::size_t figure = 0;
  while (names[figure].name != name)
    ++figure;
  double most = 0;
  for (const Pair &pair : pairs) {
    const Estimate found = estimate (pair, figure);
    most = std::max (most, found.mean + found.half_width);
  }
  most = ceiling (most);
  std::string out = frame (name, most);
  const double room =
      (width - 8 - left) /
      static_cast<double> (std::max<std::size_t> (pairs.size (), 1));
  const auto y_of = [&] (double value) {
    return height - bottom - (height - bottom - top) * value / most;
  };
  for (std::size_t i = 0; i < pairs.size (); ++i) {
    const Estimate found = estimate (pairs[i], figure);
    const double x = left + room * (static_cast<double> (i) + 0.15);
    const double y = y_of (found.mean);
    out += "<rect fill=\"" + std::string (colours[i % colours.size ()]) +
           "\" x=\"" + number (x) + "\" y=\"" + number (y) + "\" width=\"" +
           number (room * 0.7) + "\" height=\"" + number (height - bottom - y) +
           "\"><title>" + escaped (pairs[i].name) + ": " + number (found.mean) +
           "</title></rect>";
    const double middle = x + room * 0.35;
    out += line (middle, y_of (found.mean + found.half_width), middle,
        y_of (std::max (0.0, found.mean - found.half_width)), "whisker");
    out += text_at (
        middle, height - bottom + 14, "middle", std::to_string (i + 1));
  }
  return out + "</svg>\n";
}

using Value = std::function<double (const Point &)>;

std::string
curves (const std::vector<Pair> &pairs, const std::string &title,
    const Value &value)
{
  double most = 0, end = 0;
  for (const Pair &pair : pairs)
    for (const Point &point : pair.runs.front ()->measures.points) {
      most = std::max (most, value (point));
      end = std::max (end, point.second);
    }
  most = ceiling (most);
  std::string out = frame (title, most);
  for (std::size_t i = 0; i < pairs.size (); ++i) {
    out += "<polyline stroke=\"" + std::string (colours[i % colours.size ()]) +
           "\" points=\"";
    for (const Point &point : pairs[i].runs.front ()->measures.points)
      out += number (left + (width - 8 - left) * point.second / end) + "," +
             number (height - bottom -
                     (height - bottom - top) * value (point) / most) +
             " ";
    out += "\"><title>" + escaped (pairs[i].name) + "</title></polyline>";
  }
  out += text_at (left, height - 8, "start", "0 s") +
         text_at (width - 8, height - 8, "end", number (end) + " s");
  return out + "</svg>\n";
}

} // namespace

std::string
to_html (const std::vector<Run> &runs, const std::string &command)
{
  const auto pairs = pairs_of (runs);
  std::string out =
      "<!DOCTYPE html><html lang=en><meta charset=utf-8>"
      "<meta name=viewport content=\"width=device-width\">"
      "<title>SpreadIt simulation</title><style>"
      "body{font:15px/1.5 sans-serif;margin:2em auto;max-width:1400px;"
      "padding:0 1em;color:#222;background:#fff}"
      ".wide{overflow-x:auto}table{border-collapse:collapse}"
      "td,th{padding:2px 10px;text-align:right;border-bottom:1px solid #ddd}"
      "td:first-child,th:first-child{text-align:left}"
      ".plots{display:grid;gap:1em;"
      "grid-template-columns:repeat(auto-fill,minmax(400px,1fr))}"
      "svg text{font:11px sans-serif;fill:#444}"
      ".grid{stroke:#ddd}.whisker{stroke:#222}"
      "polyline{fill:none;stroke-width:1.5}"
      "code{background:#f3f3f3;padding:2px 4px;overflow-wrap:anywhere}"
      "</style><h1>SpreadIt simulation</h1>\n<p><code>" +
      escaped (command) + "</code></p>\n";
  const bool interrupted = std::any_of (runs.begin (), runs.end (),
      [] (const Run &run) { return run.measures.interrupted; });
  if (interrupted)
    out += "<p><b>Interrupted:</b> the last run is not complete.</p>\n";
  out += "<p>" + std::to_string (runs.size ()) +
         " runs. Bars are means over the seeds with 95 % confidence "
         "intervals; curves are of the first seed of each pair.</p>\n<ol>";
  for (std::size_t i = 0; i < pairs.size (); ++i)
    out += "<li style=\"color:" + std::string (colours[i % colours.size ()]) +
           "\">" + escaped (pairs[i].name) + "</li>";
  out += "</ol>\n<div class=plots>\n";
  for (const char *name :
      {"first-packet-p95-ms", "discover-p95-ms", "tries-mean",
          "transience-p95-ms", "loss-transience", "loss-links", "on-time",
          "delay-p95-ms", "level-mean", "balance", "source-requests-max-per-s",
          "control-bps-per-peer", "refused-share"})
    out += bars (pairs, name);
  const auto of = [] (std::uint64_t Point::*count) {
    return [count] (const Point &point) {
      return static_cast<double> (point.*count);
    };
  };
  out += curves (pairs, "peers present", of (&Point::present));
  out += curves (pairs, "peers without the stream", [] (const Point &point) {
    return static_cast<double> (point.present - point.fed);
  });
  out += curves (pairs, "requests at the source", of (&Point::source_requests));
  out += curves (pairs, "first packet p95, ms",
      [] (const Point &point) { return point.first_packet_p95_ms; });
  out += curves (pairs, "transience p95, ms",
      [] (const Point &point) { return point.transience_p95_ms; });
  out += curves (pairs, "height",
      [] (const Point &point) { return static_cast<double> (point.height); });
  out += curves (pairs, "delay p95, ms",
      [] (const Point &point) { return point.delay_p95_ms; });
  out += curves (pairs, "refused", of (&Point::refused));
  return out + "</div>\n<h2>All figures</h2>\n" + table (pairs) + "</html>\n";
}

} // namespace spreadit::sim
