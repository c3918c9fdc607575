// SPDX-License-Identifier: LGPL-2.1-or-later
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstspreaditelements.h"

static gboolean
plugin_init (GstPlugin *plugin) noexcept
{
  gboolean ok = FALSE;

  ok |= GST_ELEMENT_REGISTER (spreaditsink, plugin);
  ok |= GST_ELEMENT_REGISTER (spreaditsrc, plugin);
  ok |= GST_ELEMENT_REGISTER (spreaditrelay, plugin);
  ok |= GST_ELEMENT_REGISTER (spreaditintake, plugin);
  ok |= GST_ELEMENT_REGISTER (spreaditfanout, plugin);
  return ok;
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, spreadit,
    "Peer-to-peer live streaming: RTP over a tree of peers", plugin_init,
    VERSION, "LGPL", PACKAGE, "Unknown package origin")
