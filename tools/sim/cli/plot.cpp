// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sim/cli/plot.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <glib.h>

namespace spreadit::sim {

namespace {

std::string
formatted (const char *format, double value)
{
  std::array<char, G_ASCII_DTOSTR_BUF_SIZE> buffer{};
  return g_ascii_formatd (
      buffer.data (), static_cast<int> (buffer.size ()), format, value);
}

// A place in a plot: a tenth of a pixel is enough.
std::string
at (double place)
{
  return formatted ("%.1f", place);
}

// Between lines of a grid of three or four: 1, 2 or 5 times a power of ten.
double
grid_step (double most)
{
  if (!(most > 0))
    return 0.25;
  const double least = most / 4;
  const double unit = std::pow (10, std::floor (std::log10 (least)));
  for (const double step : {1.0, 2.0, 5.0})
    if (least <= step * unit)
      return step * unit;
  return 10 * unit;
}

std::string
text_at (double x, double y, const char *anchor, const std::string &text)
{
  return "<text x=\"" + at (x) + "\" y=\"" + at (y) + "\" text-anchor=\"" +
         anchor + "\">" + escaped (text) + "</text>";
}

std::string
line (double x1, double y1, double x2, double y2, const std::string &style)
{
  return "<line class=\"" + style + "\" x1=\"" + at (x1) + "\" y1=\"" +
         at (y1) + "\" x2=\"" + at (x2) + "\" y2=\"" + at (y2) + "\"/>";
}

std::string
svg (double width, double height)
{
  return "<svg role=img viewBox=\"0 0 " + at (width) + " " + at (height) +
         "\">";
}

constexpr double width = 560;

} // namespace

std::string
escaped (const std::string &text)
{
  char *raw = g_markup_escape_text (text.c_str (), -1);
  std::string out (raw);
  g_free (raw);
  return out;
}

std::string
readable (double value, int digits_wanted)
{
  const double size = std::abs (value);
  if (size > 0 && size < 1e-4)
    return formatted ("%.1e", value);
  if (size < 1000) {
    const double before = std::floor (std::log10 (std::max (size, 1e-4))) + 1;
    const auto shown = std::max (digits_wanted, static_cast<int> (before));
    return formatted (("%." + std::to_string (shown) + "g").c_str (), value);
  }
  std::string digits = formatted ("%.0f", size);
  for (std::size_t i = digits.size (); i > 3; i -= 3)
    digits.insert (i - 3, 1, ',');
  return value < 0 ? "-" + digits : digits;
}

std::string
bar_plot (std::span<const Bar> bars)
{
  constexpr double left = 214, right = 132, row = 18, bottom = 18;
  const double room = width - left - right;
  double most = 0;
  for (const Bar &bar : bars)
    most = std::max (most, bar.value + bar.half_width);
  const double step = grid_step (most);
  const double end = step * std::ceil (std::max (most, step) / step - 1e-9);
  const double height = row * static_cast<double> (bars.size ()) + bottom;
  const auto x_of = [&] (double value) { return left + room * value / end; };

  std::string out = svg (width, height);
  for (int i = 0; step * i <= end * 1.001; ++i)
    out += line (x_of (step * i), 0, x_of (step * i), height - bottom, "grid") +
           text_at (x_of (step * i), height - 4, "middle", readable (step * i));
  double y = 0;
  for (const Bar &bar : bars) {
    const double low = std::max (0.0, bar.value - bar.half_width);
    std::string words = readable (bar.value);
    out += text_at (left - 6, y + 13, "end", bar.name) + "<rect class=\"bar " +
           bar.style + "\" x=\"" + at (left) + "\" y=\"" + at (y + 3) +
           "\" width=\"" + at (x_of (bar.value) - left) + "\" height=\"" +
           at (row - 6) + "\"/>";
    if (bar.half_width > 0) {
      out += line (x_of (low), y + row / 2, x_of (bar.value + bar.half_width),
          y + row / 2, "whisker");
      words += " ± " + readable (bar.half_width, 2);
    }
    out += text_at (width - right + 8, y + 13, "start", words);
    y += row;
  }
  return out + "</svg>\n";
}

std::string
curve_plot (
    std::span<const Curve> curves, double x_end, const std::string &x_title)
{
  constexpr double height = 250, left = 58, right = 14, top = 8, bottom = 38;
  double y_most = 0;
  for (const Curve &curve : curves)
    for (const auto &[x, y] : curve.points)
      y_most = std::max (y_most, y);
  const double x_step = grid_step (x_end), y_step = grid_step (y_most);
  const double y_end =
      y_step * std::ceil (std::max (y_most, y_step) / y_step - 1e-9);
  const auto x_of = [&] (double x) {
    return left + (width - right - left) * x / x_end;
  };
  const auto y_of = [&] (double y) {
    return height - bottom - (height - bottom - top) * y / y_end;
  };

  std::string out = svg (width, height);
  for (int i = 0; y_step * i <= y_end * 1.001; ++i)
    out +=
        line (
            left, y_of (y_step * i), width - right, y_of (y_step * i), "grid") +
        text_at (left - 6, y_of (y_step * i) + 4, "end", readable (y_step * i));
  for (int i = 0; x_step * i <= x_end * 1.001; ++i)
    out += text_at (x_of (x_step * i), height - bottom + 15, "middle",
        readable (x_step * i));
  out += text_at ((left + width - right) / 2, height - 6, "middle", x_title);
  for (const Curve &curve : curves) {
    out += "<polyline class=\"curve " + curve.style + "\" points=\"";
    for (const auto &[x, y] : curve.points)
      out += at (x_of (x)) + "," + at (y_of (y)) + " ";
    out += "\"><title>" + escaped (curve.name) + "</title></polyline>";
  }
  return out + "</svg>\n";
}

std::string
curve_sample (const std::string &style)
{
  return "<svg class=sample viewBox=\"0 0 36 10\">" +
         line (0, 5, 36, 5, "curve " + style) + "</svg>";
}

} // namespace spreadit::sim
