// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtsp/text.hpp"

namespace spreadit::rtsp::text {

std::optional<std::vector<std::string_view>>
split (std::string_view text, char separator)
{
  std::vector<std::string_view> pieces;
  std::size_t begin = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size (); ++i) {
    if (quoted && text[i] == '\\') {
      ++i; // quoted-pair: whatever comes next stands for itself
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == separator && !quoted) {
      pieces.push_back (trim (text.substr (begin, i - begin)));
      begin = i + 1;
    }
  }
  if (quoted)
    return std::nullopt;
  pieces.push_back (trim (text.substr (begin)));
  return pieces;
}

std::optional<std::string_view>
unquote (std::string_view text)
{
  if (text.size () < 2 || text.front () != '"' || text.back () != '"')
    return std::nullopt;
  text.remove_prefix (1);
  text.remove_suffix (1);
  if (text.find_first_of ("\"\\") != std::string_view::npos)
    return std::nullopt;
  return text;
}

std::string
quote (std::string_view text)
{
  if (text.find_first_of ("\"\\") != std::string_view::npos)
    return "\"\"";
  std::string out;
  out.reserve (text.size () + 2);
  out += '"';
  out += text;
  out += '"';
  return out;
}

std::optional<std::vector<Parameter>>
parse_parameter_list (std::string_view text)
{
  const auto pieces = split (text, ';');
  if (!pieces)
    return std::nullopt;
  std::vector<Parameter> parameters;
  for (std::string_view piece : *pieces) {
    if (piece.empty ())
      continue;
    Parameter parameter;
    const auto equals = piece.find ('=');
    parameter.name = trim (piece.substr (0, equals));
    if (equals != std::string_view::npos)
      parameter.value = trim (piece.substr (equals + 1));
    if (!is_token (parameter.name))
      return std::nullopt;
    parameters.push_back (parameter);
  }
  return parameters;
}

} // namespace spreadit::rtsp::text
