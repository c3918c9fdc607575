// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http/snapshot.hpp"

#include "http/json.hpp"

namespace spreadit::http {

namespace {

// As deep as peers are let tell of (64 levels).
void
add (Snapshot &snapshot, const GstStructure *peer, const std::string &parent)
{
  const char *id = gst_structure_get_string (peer, "id");
  const Owned<GstStructure> alone (gst_structure_copy (peer));
  gst_structure_remove_field (alone.get (), "children");
  gst_structure_set (
      alone.get (), "parent", G_TYPE_STRING, parent.c_str (), nullptr);
  const Owned<JsonBuilder> builder (json_builder_new ());
  add_structure (builder.get (), alone.get ());
  snapshot.peers[id] = {parent, to_text (builder.get ())};
  snapshot.order.emplace_back (id);
  const GValue *children = gst_structure_get_value (peer, "children");
  for (guint i = 0; children && i < gst_value_list_get_size (children); ++i)
    add (snapshot,
        gst_value_get_structure (gst_value_list_get_value (children, i)), id);
}

} // namespace

Snapshot
Snapshot::of (const GstStructure *tree)
{
  Snapshot snapshot;
  if (tree)
    add (snapshot, tree, "");
  return snapshot;
}

Changes
compare (const Snapshot &before, const Snapshot &now)
{
  Changes changes;
  for (const auto &id : now.order) {
    const auto &peer = now.peers.at (id);
    const auto it = before.peers.find (id);
    if (it == before.peers.end () || it->second != peer)
      changes.changed.push_back (id);
    const std::string from = it == before.peers.end () ? "" : it->second.parent;
    if (from != peer.parent)
      changes.moves.push_back ({id, from, peer.parent});
  }
  for (const auto &id : before.order)
    if (!now.peers.contains (id)) {
      changes.gone.push_back (id);
      changes.moves.push_back ({id, before.peers.at (id).parent, ""});
    }
  return changes;
}

std::string
peers_json (const Snapshot &snapshot, const std::vector<std::string> &ids)
{
  std::string list = "[";
  for (const auto &id : ids)
    list.append (list.size () > 1 ? "," : "")
        .append (snapshot.peers.at (id).json);
  return list + "]";
}

} // namespace spreadit::http
