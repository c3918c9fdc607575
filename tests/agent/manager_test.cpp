// GstSpreaditPeeringManager as an application uses it, and as one that takes
// every liberty its documentation gives.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include "managed.hpp"
#include "raw_server.hpp"

namespace spreadit::test {

namespace {

constexpr const char *any_port = "spreadit://127.0.0.1:0/live";

std::string
uri_at (unsigned port)
{
  return "spreadit://127.0.0.1:" + std::to_string (port) + "/live";
}

// Starts a source and a peer of it that receives.
struct Pair {
  Pair () : source (any_port)
  {
    EXPECT_EQ (source.publish (), "");
    peer = std::make_unique<Managed> (source.uri ());
  }
  void begin ()
  {
    EXPECT_EQ (peer->get_stream (), "");
    peer->start_pulling ();
  }
  bool is_up () const
  {
    return eventually ([&] { return peer->is_receiving (); });
  }
  Managed source;
  std::unique_ptr<Managed> peer;
};

} // namespace

TEST (Manager, ASourceAndAPeer)
{
  Pair pair;
  pair.begin ();
  ASSERT_TRUE (pair.is_up ());
  EXPECT_EQ (pair.source.state (), GST_SPREADIT_PEER_STATE_SOURCE);
  pair.source.fan_out_burst ();
  EXPECT_TRUE (eventually ([&] { return pair.peer->pulled () >= 4; }));
  const Owned<gchar> sdp (
      gst_spreadit_peering_manager_get_sdp (pair.peer->manager));
  EXPECT_STREQ (sdp.get (), stream_sdp);
  EXPECT_EQ (pair.peer->told ("media-changed"), 1u);
  EXPECT_EQ (pair.peer->told ("parent-changed"), 1u);
  EXPECT_EQ (pair.source.told ("child-added"), 1u);
  EXPECT_TRUE (gst_spreadit_peering_manager_leave_and_wait (
      pair.peer->manager, 10 * GST_SECOND));
  EXPECT_EQ (pair.peer->told ("left"), 1u);
  EXPECT_TRUE (
      eventually ([&] { return pair.source.told ("child-removed") == 1; }));
}

static std::optional<guint64>
figure (GstSpreaditPeeringManager *manager, const char *name)
{
  const Owned<GstStructure> stats (
      gst_spreadit_peering_manager_get_stats (manager));
  guint64 value = 0;
  if (!gst_structure_get_uint64 (stats.get (), name, &value))
    return std::nullopt;
  return value;
}

TEST (Manager, TellsWhatThePacketsCost)
{
  Pair pair;
  pair.begin ();
  ASSERT_TRUE (pair.is_up ());
  pair.source.fan_out_burst ();
  ASSERT_TRUE (eventually ([&] { return pair.peer->pulled () > 0; }));
  auto *source = pair.source.manager, *peer = pair.peer->manager;
  EXPECT_GT (figure (source, "packets-sent"), 0u);
  EXPECT_GT (figure (source, "messages-sent"), 0u);
  EXPECT_EQ (figure (peer, "socket-drops"), 0u);
  EXPECT_GT (figure (peer, "socket-buffer"), 0u);
}

// The children of a manager that relays are served, and whoever wants to see
// the packets gets those from then on.
TEST (Manager, RelaysWithoutBuffers)
{
  Managed source (uri_at (free_port ()));
  g_object_set (source.manager, "max-children", 1, nullptr);
  ASSERT_EQ (source.publish (), "");
  Managed relay (source.uri ()), leaf (source.uri ());
  ASSERT_EQ (relay.get_stream (), "");
  std::atomic<unsigned> asked = 0;
  std::atomic<bool> may_relay = true;
  struct Looks {
    std::atomic<unsigned> &asked;
    std::atomic<bool> &may_relay;
  } looks{asked, may_relay};
  std::atomic<guint> seen = 0;
  std::thread data ([&] {
    const auto may = [] (GstSpreaditPeeringManager *, gpointer data) {
      auto *looks = static_cast<Looks *> (data);
      ++looks->asked;
      return gboolean{looks->may_relay};
    };
    while (gst_spreadit_peering_manager_relay (relay.manager, may, &looks))
      if (const Owned<GstBufferList> list{
              gst_spreadit_peering_manager_take (relay.manager)}) {
        seen += gst_buffer_list_length (list.get ());
        gst_spreadit_peering_manager_fan_out (relay.manager, list.get ());
      }
  });
  EXPECT_TRUE (eventually ([&] { return source.told ("child-added") > 0; }));
  const auto reaches_leaf = [&] {
    const auto before = leaf.pulled ();
    return eventually ([&] {
      source.fan_out_burst ();
      return leaf.pulled () > before;
    });
  };
  ASSERT_EQ (leaf.get_stream (), "");
  leaf.start_pulling ();
  EXPECT_TRUE (reaches_leaf ());
  EXPECT_GT (asked, 0u);
  EXPECT_EQ (seen, 0u);
  may_relay = false;
  EXPECT_TRUE (eventually ([&] {
    source.fan_out_burst ();
    return seen > 0;
  }));
  EXPECT_TRUE (reaches_leaf ());
  EXPECT_TRUE (relay.told ("child-added") > 0);
  gst_spreadit_peering_manager_set_flushing (relay.manager, TRUE);
  data.join ();
}

TEST (Manager, AHundredSessions)
{
  Managed source (any_port);
  ASSERT_EQ (source.publish (), "");
  Managed peer (source.uri ());
  for (unsigned i = 0; i < 100; ++i) {
    SCOPED_TRACE (i);
    ASSERT_EQ (peer.get_stream (), "");
    peer.start_pulling ();
    ASSERT_TRUE (eventually ([&] { return peer.is_receiving (); }));
    if (i % 3 > 0) {
      EXPECT_TRUE (gst_spreadit_peering_manager_leave_and_wait (
          peer.manager, 10 * GST_SECOND));
    }
    peer.stop_pulling ();
    if (i % 3 < 2)
      gst_spreadit_peering_manager_close (peer.manager);
  }
  EXPECT_TRUE (
      eventually ([&] { return source.told ("child-removed") == 100; }));
}

TEST (Manager, AHundredManagers)
{
  Managed source (any_port);
  ASSERT_EQ (source.publish (), "");
  for (unsigned i = 0; i < 100; ++i) {
    Managed peer (source.uri ());
    ASSERT_EQ (peer.get_stream (), "");
    if (i % 2) {
      EXPECT_TRUE (
          eventually ([&] { return source.told ("child-added") > 0; }));
    }
  }
}

TEST (Manager, PublishesOnTheSamePortOverAndOver)
{
  Managed source (uri_at (free_port ()));
  for (unsigned i = 0; i < 30; ++i) {
    SCOPED_TRACE (i);
    ASSERT_EQ (source.publish (), "");
    Managed peer (source.uri ());
    ASSERT_EQ (peer.get_stream (), "");
    peer.start_pulling ();
    ASSERT_TRUE (eventually ([&] { return peer.is_receiving (); }));
    if (i % 2) {
      EXPECT_TRUE (gst_spreadit_peering_manager_leave_and_wait (
          source.manager, 10 * GST_SECOND));
      EXPECT_TRUE (eventually ([&] { return peer.told ("ended") == 1; }));
    } else {
      gst_spreadit_peering_manager_close (source.manager);
    }
  }
}

TEST (Manager, StartsOnceAtATime)
{
  Pair pair;
  EXPECT_EQ (pair.source.publish (), "already started; leave or close first");
  pair.begin ();
  EXPECT_EQ (pair.peer->get_stream (), "already started; leave or close first");
  ASSERT_TRUE (pair.is_up ());
  EXPECT_TRUE (gst_spreadit_peering_manager_leave_and_wait (
      pair.peer->manager, 10 * GST_SECOND));
  EXPECT_TRUE (gst_spreadit_peering_manager_leave_and_wait (
      pair.peer->manager, 10 * GST_SECOND));
  EXPECT_EQ (pair.peer->told ("left"), 1u);
  pair.peer->stop_pulling ();
  EXPECT_EQ (pair.peer->get_stream (), "");
}

TEST (Manager, WhatIsNotStartedDoesNothing)
{
  Managed idle (any_port);
  gst_spreadit_peering_manager_leave (idle.manager);
  gst_spreadit_peering_manager_close (idle.manager);
  EXPECT_TRUE (gst_spreadit_peering_manager_leave_and_wait (idle.manager, 0));
  EXPECT_EQ (gst_spreadit_peering_manager_pull (idle.manager), nullptr);
  EXPECT_EQ (gst_spreadit_peering_manager_get_sdp (idle.manager), nullptr);
  idle.fan_out_burst ();
  GError *raw = nullptr;
  EXPECT_FALSE (
      gst_spreadit_peering_manager_set_sdp (idle.manager, stream_sdp, &raw));
  const Owned<GError> error (raw);
  EXPECT_STREQ (error->message, "publish first");
  const Owned<GstStructure> stats (
      gst_spreadit_peering_manager_get_stats (idle.manager));
  EXPECT_STREQ (gst_structure_get_string (stats.get (), "state"), "idle");
}

// The SDP is the source's.
TEST (Manager, APeerHasNoSdpToSet)
{
  Pair pair;
  pair.begin ();
  ASSERT_TRUE (pair.is_up ());
  EXPECT_FALSE (gst_spreadit_peering_manager_set_sdp (
      pair.peer->manager, stream_sdp, nullptr));
}

TEST (Manager, SaysWhatIsWrongWithItsSettings)
{
  const auto why_not = [] (const char *name, const char *value) {
    Managed manager (any_port);
    g_object_set (manager.manager, name, value, nullptr);
    GError *raw = nullptr;
    EXPECT_FALSE (gst_spreadit_peering_manager_publish (manager.manager, &raw));
    const Owned<GError> error (raw);
    EXPECT_TRUE (
        g_error_matches (raw, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS));
    return std::string (error ? error->message : "");
  };
  EXPECT_EQ (why_not ("uri", ""),
      "no URI set: give one of the form spreadit://HOST[:PORT]/PATH");
  EXPECT_NE (why_not ("uri", "http://h/x"), "");
  EXPECT_EQ (why_not ("listen-address", "nosuchhost.invalid:0"),
      "listen-address 'nosuchhost.invalid:0': give a numeric address of this "
      "host, such as 0.0.0.0:8554");
  EXPECT_NE (why_not ("listen-address", "127.0.0.1"), "");
  EXPECT_NE (why_not ("advertise-address", ":8554"), "");
  EXPECT_EQ (
      why_not ("uri", "spreadit://h/x?id=00000000000000000000000000000001"),
      "'spreadit://h/x?id=00000000000000000000000000000001' names an id, which "
      "proves nothing without TLS; begin with spreadits://");
  EXPECT_NE (why_not ("uri", "spreadits://h/x?id=1")
                 .find ("an id is 32 hexadecimal digits"),
      std::string::npos);
  EXPECT_NE (why_not ("uri", "spreadits://127.0.0.1:0/x?a=b&id="
                             "00000000000000000000000000000001")
                 .find ("names another id than this source's"),
      std::string::npos);
}

// spreadits:// by the public API: the source says its id, and that is all a
// peer needs to know.
TEST (Manager, WithTlsASourceIsKnownByItsId)
{
  Managed source ("spreadits://127.0.0.1:0/live");
  ASSERT_EQ (source.publish (), "");
  gchar *raw = nullptr;
  g_object_get (source.manager, "id", &raw, nullptr);
  const Owned<gchar> id (raw);
  const auto uri =
      "spreadits://127.0.0.1:" + std::to_string (source.port ()) + "/live";
  Managed peer (uri + "?id=" + id.get ());
  ASSERT_EQ (peer.get_stream (), "");
  peer.start_pulling ();
  ASSERT_TRUE (eventually ([&] { return peer.is_receiving (); }));
  EXPECT_TRUE (eventually ([&] {
    source.fan_out_burst ();
    return peer.pulled () > 0;
  }));

  // Nobody that the system trusts has signed for it.
  Managed other (uri);
  ASSERT_EQ (other.get_stream (), "");
  other.start_pulling ();
  EXPECT_TRUE (eventually ([&] { return other.told ("unavailable") == 1; }));
}

// Signals.

// Each of them may be the last that an application wants to hear.
TEST (Manager, MayBeClosedFromWithinAnySignal)
{
  for (const std::string signal : {"state-changed", "media-changed",
           "parent-changed", "left", "ended", "unavailable"}) {
    SCOPED_TRACE (signal);
    Pair pair;
    if (signal == "unavailable")
      g_object_set (
          pair.peer->manager, "uri", uri_at (free_port ()).c_str (), nullptr);
    std::atomic<unsigned> since = 0;
    auto *manager = pair.peer->manager;
    pair.peer->on_signal ([&, signal] (const std::string &name) {
      if (since > 0)
        ++since; // nothing may be told any more
      if (name != signal)
        return;
      since = 1;
      gst_spreadit_peering_manager_close (manager);
    });
    pair.begin ();
    if (signal == "left" || signal == "ended") {
      ASSERT_TRUE (pair.is_up ());
    }
    if (signal == "left")
      gst_spreadit_peering_manager_leave (manager);
    if (signal == "ended")
      gst_spreadit_peering_manager_leave (pair.source.manager);
    ASSERT_TRUE (eventually ([&] { return since > 0; }));
    EXPECT_TRUE (eventually (
        [&] { return pair.peer->state () == GST_SPREADIT_PEER_STATE_IDLE; }));
    pair.peer->stop_pulling ();
    EXPECT_EQ (pair.peer->told (signal), 1u);
    EXPECT_EQ (since, 1u);
  }
}

TEST (Manager, MayBeUnreffedFromWithinAnySignal)
{
  for (const std::string signal : {"state-changed", "media-changed",
           "parent-changed", "left", "unavailable"}) {
    SCOPED_TRACE (signal);
    Pair pair;
    if (signal == "unavailable")
      g_object_set (
          pair.peer->manager, "uri", uri_at (free_port ()).c_str (), nullptr);
    auto *manager = pair.peer->manager;
    std::atomic<bool> is_gone = false;
    g_object_weak_ref (
        G_OBJECT (manager),
        [] (gpointer gone, GObject *) {
          *static_cast<std::atomic<bool> *> (gone) = true;
        },
        &is_gone);
    pair.peer->on_signal (
        [&, signal, is_ours = true] (const std::string &name) mutable {
          if (name == signal && std::exchange (is_ours, false))
            gst_object_unref (manager);
        });
    EXPECT_EQ (pair.peer->get_stream (), "");
    // Nobody pulls, so what is left has to run by itself.
    if (signal == "left")
      gst_spreadit_peering_manager_leave (manager);
    pair.peer->manager = nullptr;
    EXPECT_TRUE (eventually ([&] { return is_gone.load (); }));
  }
}

// From a handler a session may end and the next begin, on the same port; what
// is left of the old one tells nothing of the new.
TEST (Manager, MayStartAgainFromWithinASignal)
{
  Managed source (uri_at (free_port ()));
  ASSERT_EQ (source.publish (), "");
  std::atomic<unsigned> restarts = 0;
  std::string why_not;
  source.on_signal ([&] (const std::string &name) {
    if (name != "child-added" || restarts == 10)
      return;
    ++restarts;
    gst_spreadit_peering_manager_close (source.manager);
    why_not += source.publish ();
  });
  Managed peer (source.uri ());
  ASSERT_EQ (peer.get_stream (), "");
  peer.start_pulling ();
  EXPECT_TRUE (eventually ([&] { return restarts == 10; }));
  EXPECT_TRUE (eventually ([&] { return peer.is_receiving (); }));
  EXPECT_EQ (why_not, "");
  EXPECT_EQ (source.state (), GST_SPREADIT_PEER_STATE_SOURCE);
  EXPECT_EQ (source.told ("child-removed"), 0u);
}

TEST (Manager, MaySearchAgainFromWithinUnavailable)
{
  Managed peer (uri_at (free_port ()));
  std::atomic<unsigned> rounds = 0;
  std::string why_not;
  peer.on_signal ([&] (const std::string &name) {
    if (name == "unavailable" && ++rounds < 3)
      why_not += peer.get_stream ();
  });
  ASSERT_EQ (peer.get_stream (), "");
  EXPECT_TRUE (eventually ([&] { return rounds == 3; }));
  EXPECT_EQ (why_not, "");
  EXPECT_EQ (peer.told ("unavailable"), 3u);
}

// Leaving, waiting for it and all the rest from a handler: nothing hangs.
TEST (Manager, MayBeAskedAnythingFromWithinASignal)
{
  Pair pair;
  auto *manager = pair.peer->manager;
  std::atomic<bool> has_waited = true;
  pair.peer->on_signal ([&] (const std::string &name) {
    const Owned<GstStructure> stats (
        gst_spreadit_peering_manager_get_stats (manager));
    g_object_set (manager, "max-children", 5u, "upload-bandwidth",
        guint64{1'000'000}, nullptr);
    const Owned<gchar> sdp (gst_spreadit_peering_manager_get_sdp (manager));
    if (name == "parent-changed")
      has_waited =
          gst_spreadit_peering_manager_leave_and_wait (manager, GST_SECOND);
  });
  pair.begin ();
  EXPECT_TRUE (eventually ([&] { return pair.peer->told ("left") == 1; }));
  EXPECT_FALSE (has_waited);
}

// A search under way.

TEST (Manager, MayGoWhileANameIsLookedUp)
{
  for (unsigned i = 0; i < 20; ++i) {
    Managed peer (
        "spreadit://nosuchhost" + std::to_string (i) + ".invalid:8554/live");
    ASSERT_EQ (peer.get_stream (), "");
    if (i % 2)
      gst_object_unref (std::exchange (peer.manager, nullptr));
  }
}

TEST (Manager, MayGoWhileNobodyAnswers)
{
  const RawServer silent ([] (RawClient &asker) { asker.wait_closed (); });
  for (unsigned i = 0; i < 20; ++i) {
    Managed peer (uri_at (silent.port ()));
    ASSERT_EQ (peer.get_stream (), "");
    EXPECT_TRUE (eventually ([&] { return silent.connections () > i; }));
    if (i % 2)
      gst_spreadit_peering_manager_leave (peer.manager);
  }
}

// The tree.

namespace {

// An answer that comes in a context of its own.
class TreeAnswer {
public:
  TreeAnswer () { g_main_context_push_thread_default (context_); }
  ~TreeAnswer ()
  {
    g_main_context_pop_thread_default (context_);
    g_main_context_unref (context_);
    g_clear_pointer (&tree, gst_structure_free);
    g_clear_error (&error);
  }
  TreeAnswer (const TreeAnswer &) = delete;
  TreeAnswer &operator= (const TreeAnswer &) = delete;

  void ask (GstSpreaditPeeringManager *manager, const char *path = nullptr,
      GCancellable *cancellable = nullptr)
  {
    gst_spreadit_peering_manager_query_tree_async (
        manager, path, 64, 100, cancellable,
        [] (GObject *object, GAsyncResult *result, gpointer data) {
          auto *self = static_cast<TreeAnswer *> (data);
          self->tree = gst_spreadit_peering_manager_query_tree_finish (
              GST_SPREADIT_PEERING_MANAGER (object), result, &self->error);
          self->has_come = true;
        },
        this);
  }
  bool wait ()
  {
    return eventually ([this] {
      g_main_context_iteration (context_, FALSE);
      return has_come;
    });
  }
  // Which error of GStreamer's it is; -1: none of them.
  [[nodiscard]] int code () const
  {
    return error && error->domain == GST_RESOURCE_ERROR ? error->code : -1;
  }

  GstStructure *tree = nullptr;
  GError *error = nullptr;
  bool has_come = false;

private:
  GMainContext *const context_ = g_main_context_new ();
};

} // namespace

TEST (ManagerTree, IsToldWithItsPeers)
{
  Pair pair;
  pair.begin ();
  ASSERT_TRUE (pair.is_up ());
  TreeAnswer answer;
  answer.ask (pair.source.manager);
  ASSERT_TRUE (answer.wait ());
  ASSERT_TRUE (answer.tree) << answer.error->message;
  EXPECT_STREQ (gst_structure_get_string (answer.tree, "state"), "source");
  const GValue *children = gst_structure_get_value (answer.tree, "children");
  ASSERT_EQ (gst_value_list_get_size (children), 1u);
  const GstStructure *child =
      gst_value_get_structure (gst_value_list_get_value (children, 0));
  EXPECT_STREQ (gst_structure_get_string (child, "state"), "receiving");
  guint level = 0;
  EXPECT_TRUE (gst_structure_get_uint (child, "level", &level));
  EXPECT_EQ (level, 1u);
  // And from that one down.
  TreeAnswer branch;
  branch.ask (pair.source.manager, gst_structure_get_string (child, "id"));
  ASSERT_TRUE (branch.wait ());
  ASSERT_TRUE (branch.tree) << branch.error->message;
  EXPECT_STREQ (gst_structure_get_string (branch.tree, "id"),
      gst_structure_get_string (child, "id"));
}

TEST (ManagerTree, SaysWhyThereIsNone)
{
  Managed idle (any_port);
  TreeAnswer not_started;
  not_started.ask (idle.manager);
  ASSERT_TRUE (not_started.wait ());
  EXPECT_EQ (not_started.code (), GST_RESOURCE_ERROR_CLOSE);

  Managed source (any_port);
  ASSERT_EQ (source.publish (), "");
  for (const char *bad :
      {"x", "/", "0123", "0123456789abcdef0123456789abcdef//"}) {
    TreeAnswer answer;
    answer.ask (source.manager, bad);
    ASSERT_TRUE (answer.wait ());
    EXPECT_EQ (answer.code (), GST_RESOURCE_ERROR_SETTINGS) << bad;
  }
  TreeAnswer nobody;
  nobody.ask (source.manager, "0123456789abcdef0123456789abcdef");
  ASSERT_TRUE (nobody.wait ());
  EXPECT_EQ (nobody.code (), GST_RESOURCE_ERROR_NOT_FOUND);

  const Owned<GCancellable> cancellable (g_cancellable_new ());
  g_cancellable_cancel (cancellable.get ());
  TreeAnswer cancelled;
  cancelled.ask (source.manager, nullptr, cancellable.get ());
  ASSERT_TRUE (cancelled.wait ());
  EXPECT_TRUE (
      g_error_matches (cancelled.error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
}

// A child that says nothing keeps the answer waiting; the node goes meanwhile.
TEST (ManagerTree, IsAnsweredWhenTheNodeGoes)
{
  Managed source (any_port);
  ASSERT_EQ (source.publish (), "");
  source.fan_out_burst ();
  RawClient silent (static_cast<std::uint16_t> (source.port ()));
  const auto url =
      "rtsp://127.0.0.1:" + std::to_string (source.port ()) + "/live";
  silent.send (to_text (flight (url, subscribe_of (7))));
  ASSERT_TRUE (eventually ([&] { return source.told ("child-added") == 1; }));
  TreeAnswer answer;
  answer.ask (source.manager);
  gst_spreadit_peering_manager_close (source.manager);
  ASSERT_TRUE (answer.wait ());
  EXPECT_EQ (answer.code (), GST_RESOURCE_ERROR_CLOSE);
}

TEST (ManagerTree, TooManyQuestionsAreRefused)
{
  Managed source (any_port);
  ASSERT_EQ (source.publish (), "");
  source.fan_out_burst ();
  RawClient silent (static_cast<std::uint16_t> (source.port ()));
  const auto url =
      "rtsp://127.0.0.1:" + std::to_string (source.port ()) + "/live";
  silent.send (to_text (flight (url, subscribe_of (7))));
  ASSERT_TRUE (eventually ([&] { return source.told ("child-added") == 1; }));
  std::vector<std::unique_ptr<TreeAnswer>> answers;
  for (int i = 0; i < 17; ++i) {
    answers.push_back (std::make_unique<TreeAnswer> ());
    answers.back ()->ask (source.manager);
  }
  ASSERT_TRUE (answers.back ()->wait ());
  EXPECT_EQ (answers.back ()->code (), GST_RESOURCE_ERROR_BUSY);
  gst_spreadit_peering_manager_close (source.manager);
  while (!answers.empty ()) {
    ASSERT_TRUE (answers.back ()->wait ());
    EXPECT_FALSE (answers.back ()->tree);
    answers.pop_back ();
  }
}

} // namespace spreadit::test
