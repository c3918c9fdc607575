// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gateway_path.hpp"

#include <string_view>

#include <gst/spreadit/spreadit.h>

namespace spreadit::relay {

std::string
stream_of_path (const std::string &path)
{
  const auto slash = path.find ('/', 1);
  if (path.size () < 2 || path[0] != '/' || slash == std::string::npos ||
      slash == 1 || slash + 1 == path.size ())
    return "";
  const std::string uri = "spreadit:/" + path;
  return gst_spreadit_peering_manager_check_uri (uri.c_str (), nullptr) ? uri
                                                                        : "";
}

std::string
mount_path (const std::string &name)
{
  const std::string path = name.starts_with ('/') ? name : "/" + name;
  if (path.size () < 2 || path.ends_with ('/') ||
      path.find ("//") != std::string::npos ||
      path.find ("stream=") != std::string::npos)
    return "";
  for (const char c : path)
    if (!g_ascii_isalnum (c) &&
        std::string_view ("/-_.~").find (c) == std::string_view::npos)
      return "";
  return path;
}

} // namespace spreadit::relay
