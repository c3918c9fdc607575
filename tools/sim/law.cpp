// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sim/law.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

namespace spreadit::sim {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity ();

struct Name {
  std::string_view text;
  Law::Kind kind;
  std::size_t parameters;
};
constexpr std::array names{
    Name{"fixed", Law::Kind::fixed, 1},
    Name{"uniform", Law::Kind::uniform, 2},
    Name{"exponential", Law::Kind::exponential, 1},
    Name{"weibull", Law::Kind::weibull, 2},
    Name{"lognormal", Law::Kind::lognormal, 2},
    Name{"pareto", Law::Kind::pareto, 2},
    Name{"table", Law::Kind::table, 0},
    Name{"forever", Law::Kind::forever, 0},
};

std::optional<double>
parse_number (std::string_view text)
{
  double value = 0;
  const char *end = text.data () + text.size ();
  const auto [stop, error] = std::from_chars (text.data (), end, value);
  if (error != std::errc () || stop != end || !std::isfinite (value))
    return std::nullopt;
  return value;
}

std::string_view
take (std::string_view &text, char until)
{
  const auto at = text.find (until);
  const std::string_view piece = text.substr (0, at);
  text.remove_prefix (at == text.npos ? text.size () : at + 1);
  return piece;
}

bool
is_sensible (const Law &law)
{
  const auto &p = law.parameters;
  switch (law.kind) {
  case Law::Kind::fixed:
    return p[0] >= 0;
  case Law::Kind::uniform:
    return p[0] >= 0 && p[1] >= p[0];
  case Law::Kind::exponential:
    return p[0] > 0;
  case Law::Kind::weibull:
  case Law::Kind::pareto:
    return p[0] > 0 && p[1] > 0;
  case Law::Kind::lognormal:
    return p[1] >= 0;
  case Law::Kind::table: {
    for (std::size_t i = 0; i < p.size (); ++i)
      if (p[i] < 0 || law.weights[i] < 0)
        return false;
    return std::accumulate (law.weights.begin (), law.weights.end (), 0.0) > 0;
  }
  case Law::Kind::forever:
    break;
  }
  return true;
}

// Box and Muller 1958; the second number is not kept.
double
normal (core::Rng &rng)
{
  const double radius = std::sqrt (-2 * std::log (uniform (rng)));
  return radius * std::cos (2 * std::numbers::pi * uniform (rng));
}

std::string
format (double value)
{
  std::array<char, 32> buffer{};
  const auto [end, error] =
      std::to_chars (buffer.data (), buffer.data () + buffer.size (), value);
  return std::string (buffer.data (), end);
}

} // namespace

double
uniform (core::Rng &rng)
{
  return (static_cast<double> (rng.next () >> 11) + 0.5) * 0x1p-53;
}

double
Law::draw (core::Rng &rng) const
{
  const auto &p = parameters;
  switch (kind) {
  case Kind::fixed:
    return p[0];
  case Kind::uniform:
    return p[0] + (p[1] - p[0]) * uniform (rng);
  case Kind::exponential:
    return -p[0] * std::log (uniform (rng));
  case Kind::weibull:
    return p[1] * std::pow (-std::log (uniform (rng)), 1 / p[0]);
  case Kind::lognormal:
    return std::exp (p[0] + p[1] * normal (rng));
  case Kind::pareto:
    return p[1] * std::pow (uniform (rng), -1 / p[0]);
  case Kind::table: {
    double left =
        uniform (rng) * std::accumulate (weights.begin (), weights.end (), 0.0);
    for (std::size_t i = 0; i + 1 < p.size (); ++i) {
      left -= weights[i];
      if (left < 0)
        return p[i];
    }
    return p.back ();
  }
  case Kind::forever:
    break;
  }
  return infinity;
}

double
Law::mean () const
{
  const auto &p = parameters;
  switch (kind) {
  case Kind::fixed:
  case Kind::exponential:
    return p[0];
  case Kind::uniform:
    return (p[0] + p[1]) / 2;
  case Kind::weibull:
    return p[1] * std::tgamma (1 + 1 / p[0]);
  case Kind::lognormal:
    return std::exp (p[0] + p[1] * p[1] / 2);
  case Kind::pareto:
    return p[0] > 1 ? p[0] * p[1] / (p[0] - 1) : infinity;
  case Kind::table:
    return std::inner_product (p.begin (), p.end (), weights.begin (), 0.0) /
           std::accumulate (weights.begin (), weights.end (), 0.0);
  case Kind::forever:
    break;
  }
  return infinity;
}

std::optional<Law>
parse_law (std::string_view text)
{
  const std::string_view word = take (text, ':');
  for (const Name &name : names) {
    if (word != name.text)
      continue;
    Law law{name.kind, {}, {}};
    while (!text.empty ()) {
      std::string_view piece = take (text, ',');
      const auto value = parse_number (
          law.kind == Law::Kind::table ? take (piece, '=') : piece);
      if (!value)
        return std::nullopt;
      law.parameters.push_back (*value);
      if (law.kind != Law::Kind::table)
        continue;
      const auto weight = parse_number (piece);
      if (!weight)
        return std::nullopt;
      law.weights.push_back (*weight);
    }
    const bool counts = law.kind == Law::Kind::table
                            ? !law.parameters.empty ()
                            : law.parameters.size () == name.parameters;
    if (!counts || !is_sensible (law))
      return std::nullopt;
    return law;
  }
  return std::nullopt;
}

std::string
to_string (const Law &law)
{
  std::string text;
  for (const Name &name : names)
    if (name.kind == law.kind)
      text = name.text;
  for (std::size_t i = 0; i < law.parameters.size (); ++i) {
    text += i == 0 ? ":" : ",";
    text += format (law.parameters[i]);
    if (law.kind == Law::Kind::table)
      text += "=" + format (law.weights[i]);
  }
  return text;
}

} // namespace spreadit::sim
