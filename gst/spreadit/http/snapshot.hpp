// One look at a tree as a flat list, and what is different from the one before.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <string>
#include <vector>

#include <gst/gst.h>

namespace spreadit::http {

struct Snapshot {
  struct Peer {
    std::string parent; // id; empty: the one asked about
    std::string json;   // all there is to say, with "parent", without children
    bool operator== (const Peer &) const = default;
  };
  std::map<std::string, Peer> peers; // by id
  std::vector<std::string> order;    // parents before children

  static Snapshot of (const GstStructure *tree);
};

struct Changes {
  std::vector<std::string> changed; // ids, parents before children
  std::vector<std::string> gone;
  struct Move {
    std::string id, from, to; // from empty: joined; to empty: left
  };
  std::vector<Move> moves;
};
Changes compare (const Snapshot &before, const Snapshot &now);

// [{...},{...}] of those peers.
std::string peers_json (
    const Snapshot &snapshot, const std::vector<std::string> &ids);

} // namespace spreadit::http
