// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http/events.hpp"

#include <algorithm>
#include <list>
#include <map>
#include <utility>
#include <vector>

#include <sys/socket.h>

#include "http/limits.hpp"
#include "http/object.hpp"
#include "http/snapshot.hpp"
#include "http/json.hpp"
#include "http/owned.hpp"
#include "http/source.hpp"

namespace spreadit::http {

namespace {

// {"type": ..., "stream": ..., "time": ...} and what `more` adds.
template <class More>
std::string
message (const char *type, const std::string &uri, const More &more)
{
  const Owned<JsonBuilder> builder (json_builder_new ());
  json_builder_begin_object (builder.get ());
  const auto text = [&] (const char *name, const std::string &value) {
    json_builder_set_member_name (builder.get (), name);
    json_builder_add_string_value (builder.get (), value.c_str ());
  };
  text ("type", type);
  text ("stream", uri);
  json_builder_set_member_name (builder.get (), "time");
  json_builder_add_int_value (builder.get (), g_get_real_time ());
  more (builder.get (), text);
  json_builder_end_object (builder.get ());
  return to_text (builder.get ());
}

// Puts a member that is JSON already into an object that is complete.
void
add_raw (std::string &object, const char *name, const std::string &json)
{
  object.insert (object.size () - 1, std::string (",\"") + name + "\":" + json);
}

} // namespace

struct Events::Impl {
  using Key = std::pair<std::string, TreeQuestion>; // of which stream
  struct Listener {
    Object<SoupWebsocketConnection> connection;
    Object<GSocket> socket;      // of it
    bool knows_all = false;      // of the snapshot before this one
    std::int64_t stalled_us = 0; // since then it takes nothing; 0: it does
  };
  struct Feed {
    std::list<Listener> listeners;
    Snapshot last;
    bool has_last = false;
    bool asking = false;
    std::int64_t next_us = 0;
  };

  TreeDesk &trees;
  Find find;
  std::map<Key, Feed> feeds;
  Source timer;
  // Who ends while we go through the listeners is removed when we are through.
  unsigned telling = 0;
  std::vector<SoupWebsocketConnection *> ended;

  class Telling {
  public:
    explicit Telling (Impl &impl) : impl_ (impl) { ++impl_.telling; }
    ~Telling ()
    {
      if (--impl_.telling == 0)
        for (auto *one : std::exchange (impl_.ended, {}))
          impl_.remove (one);
    }
    Telling (const Telling &) = delete;
    Telling &operator= (const Telling &) = delete;

  private:
    Impl &impl_;
  };

  Impl (TreeDesk &desk, Find how) : trees (desk), find (std::move (how)) {}
  ~Impl ();
  void tick (const std::weak_ptr<Impl> &self);
  void ask (
      const Key &key, const Stream &stream, const std::weak_ptr<Impl> &self);
  void on_tree (
      const Key &key, const GstStructure *tree, const std::string &problem);
  void tell (Feed &feed, const std::string &text);
  void send (Listener &listener, const std::string &text);
  bool is_slow (Listener &listener);
  void remove (SoupWebsocketConnection *connection);
};

Events::Impl::~Impl ()
{
  timer.reset ();
  for (auto &[key, feed] : feeds)
    for (Listener &listener : feed.listeners) {
      g_signal_handlers_disconnect_by_data (listener.connection.get (), this);
      g_socket_shutdown (listener.socket.get (), TRUE, TRUE, nullptr);
    }
}

void
Events::Impl::remove (SoupWebsocketConnection *connection)
{
  if (telling > 0) {
    ended.push_back (connection); // the listener still has it
    return;
  }
  for (auto it = feeds.begin (); it != feeds.end ();) {
    auto &listeners = it->second.listeners;
    for (auto one = listeners.begin (); one != listeners.end ();)
      if (one->connection.get () == connection) {
        g_signal_handlers_disconnect_by_data (connection, this);
        one = listeners.erase (one);
      } else {
        ++one;
      }
    it = listeners.empty () ? feeds.erase (it) : std::next (it);
  }
  if (feeds.empty ())
    timer.reset ();
}

// Does its system take no more? What libsoup has not written waits in our
// memory, so nothing is added to it.
bool
Events::Impl::is_slow (Listener &listener)
{
  GSocket *socket = listener.socket.get ();
  if (g_socket_condition_check (socket, G_IO_OUT) & G_IO_OUT) {
    listener.stalled_us = 0;
    return false;
  }
  const auto now = g_get_monotonic_time ();
  if (listener.stalled_us == 0)
    listener.stalled_us = now;
  // Its end is reported, and removes it.
  if (now - listener.stalled_us > limits::listener_stalls_max_us)
    g_socket_shutdown (socket, TRUE, TRUE, nullptr);
  return true;
}

void
Events::Impl::send (Listener &listener, const std::string &text)
{
  if (soup_websocket_connection_get_state (listener.connection.get ()) ==
      SOUP_WEBSOCKET_STATE_OPEN)
    soup_websocket_connection_send_text (
        listener.connection.get (), text.c_str ());
}

// To those who take it; what it is about comes again.
void
Events::Impl::tell (Feed &feed, const std::string &text)
{
  const Telling guard (*this);
  for (Listener &listener : feed.listeners)
    if (!is_slow (listener))
      send (listener, text);
}

void
Events::Impl::tick (const std::weak_ptr<Impl> &self)
{
  const auto now = g_get_monotonic_time ();
  std::vector<Key> due;
  for (const auto &[key, feed] : feeds)
    if (!feed.asking && feed.next_us <= now)
      due.push_back (key);
  for (const Key &key : due) {
    if (const auto stream = find (key.first)) {
      ask (key, *stream, self);
      continue;
    }
    const auto it = feeds.find (key);
    if (it == feeds.end ())
      continue;
    it->second.next_us = now + limits::tell_interval_us;
    tell (it->second, message ("over", key.first, [] (auto *, auto) {}));
  }
}

void
Events::Impl::ask (
    const Key &key, const Stream &stream, const std::weak_ptr<Impl> &self)
{
  const auto it = feeds.find (key);
  if (it == feeds.end ())
    return;
  it->second.asking = true;
  trees.ask (key.first, stream.manager, key.second, true,
      [self, key] (const std::shared_ptr<const GstStructure> &tree,
          const Reply &problem) {
        if (const auto events = self.lock ())
          events->on_tree (key, tree.get (), problem.body);
      });
}

void
Events::Impl::on_tree (
    const Key &key, const GstStructure *tree, const std::string &problem)
{
  const auto it = feeds.find (key);
  if (it == feeds.end ())
    return;
  const Telling guard (*this);
  Feed &feed = it->second;
  feed.asking = false;
  const auto now = g_get_monotonic_time ();
  if (!tree) {
    feed.next_us = now + limits::tell_interval_us;
    std::string text = message ("problem", key.first, [] (auto *, auto) {});
    add_raw (text, "problem", problem);
    tell (feed, text);
    return;
  }
  Snapshot fresh = Snapshot::of (tree);
  // 250 peers a second: 75 kB/s on the busiest link at most.
  feed.next_us = now + std::max<std::int64_t> (limits::tell_interval_us,
                           static_cast<std::int64_t> (fresh.order.size ()) *
                               limits::tell_us_a_peer);
  const auto stream = find (key.first);
  const Owned<GstStructure> stats (
      stream ? gst_spreadit_peering_manager_get_stats (stream->manager)
             : nullptr);
  const auto with_node = [&] (JsonBuilder *builder, const auto &) {
    json_builder_set_member_name (builder, "node");
    if (stats)
      add_structure (builder, stats.get ());
    else
      json_builder_add_null_value (builder);
  };
  const Changes changes = compare (feed.last, fresh);
  std::string whole, update;
  for (Listener &listener : feed.listeners) {
    if (is_slow (listener)) {
      listener.knows_all = false;
      continue;
    }
    if (!listener.knows_all || !feed.has_last) {
      if (whole.empty ()) {
        whole = message ("tree", key.first, with_node);
        add_raw (whole, "peers", peers_json (fresh, fresh.order));
      }
      send (listener, whole);
      listener.knows_all = true;
      continue;
    }
    if (update.empty ()) {
      update = message (
          "update", key.first, [&] (JsonBuilder *builder, const auto &text) {
            with_node (builder, text);
            json_builder_set_member_name (builder, "gone");
            json_builder_begin_array (builder);
            for (const auto &id : changes.gone)
              json_builder_add_string_value (builder, id.c_str ());
            json_builder_end_array (builder);
            json_builder_set_member_name (builder, "moves");
            json_builder_begin_array (builder);
            for (const auto &move : changes.moves) {
              json_builder_begin_object (builder);
              text ("id", move.id);
              text ("from", move.from);
              text ("to", move.to);
              json_builder_end_object (builder);
            }
            json_builder_end_array (builder);
          });
      add_raw (update, "changed", peers_json (fresh, changes.changed));
    }
    send (listener, update);
  }
  feed.last = std::move (fresh);
  feed.has_last = true;
}

Events::Events (TreeDesk &trees, Find find)
    : impl_ (std::make_shared<Impl> (trees, std::move (find)))
{
}

Events::~Events () = default;

std::size_t
Events::listeners () const
{
  std::size_t count = 0;
  for (const auto &[key, feed] : impl_->feeds)
    count += feed.listeners.size ();
  return count;
}

void
Events::add (SoupWebsocketConnection *connection, GSocket *socket,
    const std::string &uri, const TreeQuestion &question)
{
  soup_websocket_connection_set_max_incoming_payload_size (
      connection, limits::listener_says_max);
  if (listeners () >= limits::listeners_max) {
    soup_websocket_connection_close (
        connection, limits::try_again_later, "too many listen");
    return;
  }
  g_socket_set_option (
      socket, SOL_SOCKET, SO_SNDBUF, limits::listener_send_buffer, nullptr);
  auto &feed = impl_->feeds[{uri, question}];
  feed.listeners.push_back ({keep (connection), keep (socket)});
  feed.next_us = 0; // the newcomer need not wait
  g_signal_connect (connection, "closed",
      G_CALLBACK (+[] (SoupWebsocketConnection *one, Impl *impl) {
        impl->remove (one);
      }),
      impl_.get ());
  if (!impl_->timer)
    impl_->timer = add_timeout (
        limits::tell_tick_ms,
        [] (gpointer data) -> gboolean {
          const auto weak = *static_cast<std::weak_ptr<Impl> *> (data);
          if (const auto impl = weak.lock ())
            impl->tick (weak);
          return G_SOURCE_CONTINUE;
        },
        new std::weak_ptr<Impl> (impl_),
        [] (gpointer data) {
          delete static_cast<std::weak_ptr<Impl> *> (data);
        });
}

void
Events::moved (const std::string &uri, const std::string &what)
{
  const std::string text = message (
      "moved", uri, [&] (auto *, const auto &add) { add ("what", what); });
  const auto soon = g_get_monotonic_time () + limits::tell_soon_us;
  const Impl::Telling guard (*impl_);
  for (auto &[key, feed] : impl_->feeds)
    if (key.first == uri) {
      impl_->tell (feed, text);
      feed.next_us = std::min (feed.next_us, soon);
    }
}

} // namespace spreadit::http
