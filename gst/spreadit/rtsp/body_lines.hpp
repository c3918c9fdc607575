// The lines of a text/parameters body.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "rtsp/text.hpp"

namespace spreadit::rtsp {

struct BodyLine {
  std::string_view name;
  std::string_view value;
};

// The first line, which is taken away; nothing if it is not NAME: VALUE.
inline std::optional<BodyLine>
take_line (std::string_view &body)
{
  const auto end = body.find ("\r\n");
  if (end == std::string_view::npos)
    return std::nullopt;
  const std::string_view text = body.substr (0, end);
  body.remove_prefix (end + 2);
  const auto colon = text.find (':');
  if (colon == std::string_view::npos)
    return std::nullopt;
  const BodyLine line{
      text.substr (0, colon), text::trim (text.substr (colon + 1))};
  if (!text::is_token (line.name) || !text::is_printable (line.value))
    return std::nullopt;
  return line;
}

inline void
append_line (std::string &body, std::string_view name, std::string_view value)
{
  body.append (name).append (": ").append (value).append ("\r\n");
}

} // namespace spreadit::rtsp
