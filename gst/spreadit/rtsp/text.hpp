// Words, numbers and lists: what all our grammars are made of.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace spreadit::rtsp::text {

// Not <cctype>: what a letter is does not depend on a locale.
constexpr bool
is_digit (char c)
{
  return c >= '0' && c <= '9';
}
constexpr bool
is_alpha (char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool
is_hex (char c)
{
  return is_digit (c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
constexpr bool
is_control (char c)
{
  return static_cast<unsigned char> (c) < 0x20 || c == 0x7f;
}
// token = 1*<any CHAR except CTLs or tspecials> (RFC 2326, 15.1)
constexpr bool
is_token_char (char c)
{
  if (static_cast<unsigned char> (c) <= 0x20 || c >= 0x7f || c < 0)
    return false;
  return std::string_view ("()<>@,;:\\\"/[]?={}").find (c) ==
         std::string_view::npos;
}
constexpr bool
is_token (std::string_view text)
{
  for (char c : text)
    if (!is_token_char (c))
      return false;
  return !text.empty ();
}
// Visible ASCII: no white space, no controls, nothing above 0x7e.
constexpr bool
is_visible (std::string_view text)
{
  for (char c : text)
    if (static_cast<unsigned char> (c) <= 0x20 || c >= 0x7f || c < 0)
      return false;
  return !text.empty ();
}
// What a header value may hold: no control characters but tabs.
constexpr bool
is_printable (std::string_view text)
{
  for (char c : text)
    if (is_control (c) && c != '\t')
      return false;
  return true;
}

constexpr char
lower (char c)
{
  return c >= 'A' && c <= 'Z' ? static_cast<char> (c - 'A' + 'a') : c;
}
constexpr bool
iequals (std::string_view a, std::string_view b)
{
  if (a.size () != b.size ())
    return false;
  for (std::size_t i = 0; i < a.size (); ++i)
    if (lower (a[i]) != lower (b[i]))
      return false;
  return true;
}

constexpr std::string_view
trim (std::string_view text)
{
  auto is_space = [] (char c) { return c == ' ' || c == '\t'; };
  while (!text.empty () && is_space (text.front ()))
    text.remove_prefix (1);
  while (!text.empty () && is_space (text.back ()))
    text.remove_suffix (1);
  return text;
}

// 1*DIGIT, at most `max`: no sign, no space, nothing behind.
template <std::unsigned_integral T>
std::optional<T>
parse_decimal (std::string_view text, std::uint64_t max)
{
  if (text.empty () || !is_digit (text.front ()))
    return std::nullopt;
  std::uint64_t value = 0;
  const char *end = text.data () + text.size ();
  auto [stop, error] = std::from_chars (text.data (), end, value);
  if (error != std::errc () || stop != end || value > max)
    return std::nullopt;
  return static_cast<T> (value);
}

// Exactly `digits` HEX, at most 16.
inline std::optional<std::uint64_t>
parse_hex (std::string_view text, std::size_t digits)
{
  if (text.size () != digits)
    return std::nullopt;
  for (char c : text)
    if (!is_hex (c))
      return std::nullopt;
  std::uint64_t value = 0;
  std::from_chars (text.data (), text.data () + text.size (), value, 16);
  return value;
}

inline std::optional<bool>
parse_yes_no (std::string_view text)
{
  if (iequals (text, "yes"))
    return true;
  if (iequals (text, "no"))
    return false;
  return std::nullopt;
}

// Lower case, with leading zeros.
inline std::string
to_hex (std::uint64_t value, std::size_t digits)
{
  std::string out (digits, '0');
  for (std::size_t i = digits; i-- > 0; value >>= 4)
    out[i] = "0123456789abcdef"[value & 15];
  return out;
}

// The pieces between `separator`s that are not inside a quoted string, without
// the white space around them. Nothing if a quote is left open.
std::optional<std::vector<std::string_view>> split (
    std::string_view text, char separator);

// What is inside of <">...<">; nothing if there are no quotes around it, or
// quotes or backslashes in it. We never need to escape anything.
std::optional<std::string_view> unquote (std::string_view text);
// An empty quoted string if it cannot be quoted.
std::string quote (std::string_view text);

// name [ "=" value ]
struct Parameter {
  std::string_view name;
  std::string_view value; // still quoted if it was; empty if there was none
};
// ";" between them. Nothing if a name is no token or a quote is left open.
// Empty pieces are skipped, as RFC 2326's list rule has it.
std::optional<std::vector<Parameter>> parse_parameter_list (
    std::string_view text);

} // namespace spreadit::rtsp::text
