// Which payloader for which caps.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "owned.hpp"

namespace spreadit {

// What a sink pad takes: the sink caps of every payloader of the registry, and
// RTP as it is.
Owned<GstCaps> payloadable_caps ();

// A payloader for `caps` by rank, set up for the way through a tree of peers
// and a bundle. Null when there is none. Floating, as from a factory.
GstElement *make_payloader (const GstCaps *caps);

} // namespace spreadit
