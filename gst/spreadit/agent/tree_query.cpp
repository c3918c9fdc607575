// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/tree_query.hpp"

#include "agent/stats.hpp"
#include "core/limits.hpp"
#include "rtsp/headers.hpp"
#include "rtsp/text.hpp"

namespace spreadit::agent {

namespace {

void
fail (GTask *task, GstResourceError code, const std::string &why)
{
  g_task_return_new_error (task, GST_RESOURCE_ERROR, code, "%s", why.c_str ());
}

// Answers even if nobody does: the node is stopped, and drops its questions.
struct Pending {
  explicit Pending (Owned<GTask> one) : task (std::move (one)) {}
  ~Pending ()
  {
    if (task)
      fail (task.get (), GST_RESOURCE_ERROR_CLOSE,
          "the node has left before the tree has answered");
  }
  Pending (const Pending &) = delete;
  Pending &operator= (const Pending &) = delete;

  void answer (const SurveyedPeers &peers)
  {
    const Owned<GTask> mine = std::move (task);
    if (auto structure = to_structure (peers))
      g_task_return_pointer (
          mine.get (), structure.release (), [] (gpointer p) {
            gst_structure_free (static_cast<GstStructure *> (p));
          });
    else
      fail (mine.get (), GST_RESOURCE_ERROR_NOT_FOUND,
          "no such peer, or it does not answer; it may have moved");
  }

  Owned<GTask> task;
};

std::optional<std::vector<core::PeerId>>
parse_path (std::string_view path)
{
  std::vector<core::PeerId> ids;
  while (!path.empty ()) {
    const auto end = std::min (path.find ('/'), path.size ());
    const auto id = rtsp::parse_id (path.substr (0, end));
    if (!id || ids.size () >= core::limits::levels_max)
      return std::nullopt;
    ids.push_back (*id);
    path.remove_prefix (std::min (end + 1, path.size ()));
  }
  return ids;
}

} // namespace

void
query_tree (Agent *node, Owned<GTask> task, const std::string &path,
    unsigned depth, unsigned peers_max)
{
  auto ids = parse_path (path);
  if (!ids) {
    fail (task.get (), GST_RESOURCE_ERROR_SETTINGS,
        "'" + path +
            "' is no path: give ids of peers from child to child, "
            "as they are in the tree, with / between them");
    return;
  }
  if (!node) {
    fail (task.get (), GST_RESOURCE_ERROR_CLOSE,
        "the node is not in a tree; start it first");
    return;
  }
  const auto pending = std::make_shared<Pending> (std::move (task));
  const auto done = [pending] (const SurveyedPeers &peers) {
    pending->answer (peers);
  };
  if (!node->survey (depth, peers_max, std::move (*ids), done) && pending->task)
    fail (Owned<GTask> (std::move (pending->task)).get (),
        GST_RESOURCE_ERROR_BUSY,
        "too many questions to the tree are open; ask again later");
}

} // namespace spreadit::agent
