// The debug category of the agent, GST_DEBUG=spreaditagent:5.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

namespace spreadit::agent {
GstDebugCategory *debug_category ();
}

#ifdef GST_CAT_DEFAULT
#undef GST_CAT_DEFAULT
#endif
#define GST_CAT_DEFAULT (::spreadit::agent::debug_category ())
