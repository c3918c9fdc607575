// A survey as a GTask.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "agent/agent.hpp"

namespace spreadit::agent {

// Answers the task with a GstStructure or an error of GST_RESOURCE_ERROR, once,
// also when the node goes meanwhile. `node` may be null: there is none. `path`
// are ids with "/" between them. Control thread.
void query_tree (Agent *node, Owned<GTask> task, const std::string &path,
    unsigned depth, unsigned peers_max);

} // namespace spreadit::agent
