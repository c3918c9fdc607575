// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http/tree.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "http/limits.hpp"
#include "http/owned.hpp"
#include "http/source.hpp"

namespace spreadit::http {

namespace {

unsigned
status_of (const GError *error)
{
  if (g_error_matches (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND))
    return 404;
  if (g_error_matches (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS))
    return 400;
  return 503;
}

} // namespace

struct TreeDesk::Impl {
  using Key = std::pair<std::string, TreeQuestion>; // of which stream
  struct Entry {
    std::vector<TreeDone> waiting;
    Owned<GstSpreaditPeeringManager> manager; // while it waits its turn
    std::shared_ptr<const GstStructure> tree;
    std::int64_t told_us = 0;
  };
  std::map<Key, Entry> entries;
  std::deque<Key> turns;
  std::int64_t next_us = 0; // may the next one be asked
  Source timer;

  void sweep ();
  void take_turns (const std::weak_ptr<Impl> &self);
  void begin (const Key &key, const std::weak_ptr<Impl> &self);
  void on_answer (const Key &key, GObject *manager, GAsyncResult *result);
};

// What is old and nobody waits for.
void
TreeDesk::Impl::sweep ()
{
  const auto now = g_get_monotonic_time ();
  std::erase_if (entries, [now] (const auto &one) {
    const Entry &entry = one.second;
    return entry.waiting.empty () &&
           now - entry.told_us > limits::tree_fresh_us;
  });
}

void
TreeDesk::Impl::on_answer (
    const Key &key, GObject *manager, GAsyncResult *result)
{
  GError *raw = nullptr;
  GstStructure *tree = gst_spreadit_peering_manager_query_tree_finish (
      GST_SPREADIT_PEERING_MANAGER (manager), result, &raw);
  const Owned<GError> error (raw);
  Entry &entry = entries[key];
  entry.told_us = g_get_monotonic_time ();
  entry.tree =
      std::shared_ptr<const GstStructure> (tree, [] (const GstStructure *one) {
        if (one)
          gst_structure_free (const_cast<GstStructure *> (one));
      });
  const auto answer = tree ? entry.tree : nullptr;
  const auto waiting = std::exchange (entry.waiting, {});
  if (!tree)
    entries.erase (key);
  const Reply problem =
      error ? refuse (status_of (error.get ()), error->message) : Reply{};
  for (const TreeDone &done : waiting)
    done (answer, problem);
}

TreeDesk::TreeDesk () : impl_ (std::make_shared<Impl> ()) {}

TreeDesk::~TreeDesk () = default;

void
TreeDesk::ask (const std::string &uri, GstSpreaditPeeringManager *manager,
    const TreeQuestion &question, bool fresh, TreeDone done)
{
  impl_->sweep ();
  const Impl::Key key{uri, question};
  const auto it = impl_->entries.find (key);
  if (it != impl_->entries.end ()) {
    if (!it->second.waiting.empty ()) {
      it->second.waiting.push_back (std::move (done));
      return;
    }
    if (!fresh && it->second.tree) {
      done (it->second.tree, {});
      return;
    }
  }
  if (impl_->entries.size () >= limits::questions_max) {
    done (nullptr, refuse (503, "too many questions to the tree; ask again"));
    return;
  }
  Impl::Entry &entry = impl_->entries[key];
  entry.waiting.push_back (std::move (done));
  entry.manager.reset (
      static_cast<GstSpreaditPeeringManager *> (gst_object_ref (manager)));
  impl_->turns.push_back (key);
  impl_->take_turns (impl_);
}

// One after the other, not too soon.
void
TreeDesk::Impl::take_turns (const std::weak_ptr<Impl> &self)
{
  const auto now = g_get_monotonic_time ();
  while (!turns.empty () && next_us <= now) {
    next_us = std::max (next_us, now - limits::question_burst_us) +
              limits::question_interval_us;
    const Key key = turns.front ();
    turns.pop_front ();
    begin (key, self);
  }
  if (turns.empty () || timer)
    return;
  timer = add_timeout (
      static_cast<guint> ((next_us - now) / 1000 + 1),
      [] (gpointer data) -> gboolean {
        const auto weak = *static_cast<std::weak_ptr<Impl> *> (data);
        if (const auto impl = weak.lock ()) {
          impl->timer.reset ();
          impl->take_turns (weak);
        }
        return G_SOURCE_REMOVE;
      },
      new std::weak_ptr<Impl> (self),
      [] (gpointer data) { delete static_cast<std::weak_ptr<Impl> *> (data); });
}

void
TreeDesk::Impl::begin (const Key &key, const std::weak_ptr<Impl> &self)
{
  const auto manager = std::move (entries[key].manager);
  const TreeQuestion &question = key.second;
  // We may be gone when the answer comes.
  struct Call {
    std::weak_ptr<Impl> desk;
    Key key;
  };
  gst_spreadit_peering_manager_query_tree_async (
      manager.get (), question.path.empty () ? nullptr : question.path.c_str (),
      question.depth, question.peers_max, nullptr,
      [] (GObject *object, GAsyncResult *result, gpointer data) {
        const std::unique_ptr<Call> call (static_cast<Call *> (data));
        if (const auto desk = call->desk.lock ()) {
          desk->on_answer (call->key, object, result);
          return;
        }
        GstStructure *late = gst_spreadit_peering_manager_query_tree_finish (
            GST_SPREADIT_PEERING_MANAGER (object), result, nullptr);
        g_clear_pointer (&late, gst_structure_free);
      },
      new Call{self, key});
}

} // namespace spreadit::http
