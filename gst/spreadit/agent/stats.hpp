// NodeStats as an application sees it.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "agent/agent.hpp"

namespace spreadit::agent {

// The fields of DESIGN's stats line, documented at
// GstSpreaditPeeringManager:stats.
Owned<GstStructure> to_structure (
    const NodeStats &stats, const std::string &uri);

// What a survey has found, as nested structures; the fields are documented at
// gst_spreadit_peering_manager_query_tree_finish(). Who is told of twice is
// there once. Nothing if nobody was found.
Owned<GstStructure> to_structure (const SurveyedPeers &peers);

// As in GstSpreaditPeerState.
const char *state_nick (core::PeerState state);

} // namespace spreadit::agent
