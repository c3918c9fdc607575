// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/log.hpp"

namespace spreadit::agent {

GstDebugCategory *
debug_category ()
{
  static GstDebugCategory *category = _gst_debug_category_new (
      "spreaditagent", 0, "SpreadIt: control links, tree, plain players");
  return category;
}

} // namespace spreadit::agent
