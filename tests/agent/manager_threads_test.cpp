// Every function of GstSpreaditPeeringManager is thread-safe: the more threads
// at once, the better for finding out.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include "managed.hpp"

namespace spreadit::test {

namespace {

constexpr const char *any_port = "spreadit://127.0.0.1:0/live";

// Runs `what` over and over in a thread of its own.
class Busy {
public:
  explicit Busy (std::function<void ()> what)
      : thread_ ([this, what = std::move (what)] {
          while (!done_) {
            what ();
            ++rounds_;
            ring_bell ();
          }
        })
  {
  }
  ~Busy ()
  {
    done_ = true;
    thread_.join ();
  }
  [[nodiscard]] unsigned rounds () const { return rounds_; }

private:
  std::atomic<bool> done_ = false;
  std::atomic<unsigned> rounds_ = 0;
  std::thread thread_;
};

void
read_everything (GstSpreaditPeeringManager *manager)
{
  gchar *id = nullptr, *sdp = nullptr, *uri = nullptr;
  guint port = 0;
  GstSpreaditPeerState state;
  GstStructure *stats = nullptr;
  g_object_get (manager, "id", &id, "sdp", &sdp, "uri", &uri, "port", &port,
      "state", &state, "stats", &stats, nullptr);
  g_free (id);
  g_free (sdp);
  g_free (uri);
  gst_structure_free (stats);
}

void
change_everything (GstSpreaditPeeringManager *manager, unsigned round)
{
  g_object_set (manager, "max-children", 1 + round % 4, "relay", round % 5 != 0,
      "upload-bandwidth", guint64{round % 3} * 10'000'000, "add-policy",
      round % 2, "delete-policy", round % 4, "linger", round % 50, "max-tries",
      1 + round % 32, nullptr);
}

} // namespace

TEST (ManagerThreads, StatsAndPropertiesWhileEverythingChanges)
{
  Managed source (any_port);
  ASSERT_EQ (source.publish (), "");
  Managed peer (source.uri ());
  Managed below (source.uri ());
  unsigned changes = 0;
  const Busy publisher ([&] { source.fan_out_burst (); });
  const Busy reader ([&] {
    for (auto *manager : {source.manager, peer.manager, below.manager})
      read_everything (manager);
  });
  const Busy changer ([&] {
    ++changes;
    for (auto *manager : {source.manager, peer.manager, below.manager})
      change_everything (manager, changes);
  });
  for (unsigned i = 0; i < 20; ++i) {
    for (Managed *one : {&peer, &below}) {
      ASSERT_EQ (one->get_stream (), "");
      one->start_pulling ();
    }
    EXPECT_TRUE (eventually ([&] {
      return peer.told ("state-changed") > i &&
             below.told ("state-changed") > i;
    }));
    for (Managed *one : {&peer, &below}) {
      one->stop_pulling ();
      gst_spreadit_peering_manager_close (one->manager);
    }
  }
  EXPECT_TRUE (eventually (
      [&] { return reader.rounds () > 0 && changer.rounds () > 0; }));
}

// Two applications in one process know nothing of each other.
TEST (ManagerThreads, TwoManagersAtOnce)
{
  std::atomic<unsigned> done = 0;
  const auto live = [&done] {
    Managed source (any_port);
    ASSERT_EQ (source.publish (), "");
    for (unsigned i = 0; i < 20; ++i) {
      Managed peer (source.uri ());
      ASSERT_EQ (peer.get_stream (), "");
      peer.start_pulling ();
      ASSERT_TRUE (eventually ([&] { return peer.is_receiving (); }));
      source.fan_out_burst ();
      ASSERT_TRUE (eventually ([&] { return peer.pulled () >= 4; }));
      EXPECT_TRUE (gst_spreadit_peering_manager_leave_and_wait (
          peer.manager, 10 * GST_SECOND));
    }
    ++done;
  };
  std::thread one (live), two (live);
  one.join ();
  two.join ();
  EXPECT_EQ (done, 2u);
}

// Of two that start or stop at the same time one comes first.
TEST (ManagerThreads, OneManagerInManyHands)
{
  Managed source (any_port);
  ASSERT_EQ (source.publish (), "");
  Managed peer (source.uri ());
  auto *manager = peer.manager;
  {
    const Busy starter (
        [&] { gst_spreadit_peering_manager_get_stream (manager, nullptr); });
    const Busy publisher (
        [&] { gst_spreadit_peering_manager_publish (manager, nullptr); });
    const Busy leaver ([&] { gst_spreadit_peering_manager_leave (manager); });
    const Busy waiter ([&] {
      gst_spreadit_peering_manager_leave_and_wait (manager, 10 * GST_MSECOND);
    });
    const Busy closer ([&] { gst_spreadit_peering_manager_close (manager); });
    const Busy reader ([&] { read_everything (manager); });
    const Busy flusher ([&] {
      gst_spreadit_peering_manager_set_flushing (manager, TRUE);
      gst_spreadit_peering_manager_set_flushing (manager, FALSE);
    });
    const Busy puller ([&] {
      if (auto *list = gst_spreadit_peering_manager_pull (manager))
        gst_buffer_list_unref (list);
    });
    EXPECT_TRUE (eventually (
        [&] { return starter.rounds () > 300 && closer.rounds () > 300; }));
    // For the one that may be in pull() now.
    gst_spreadit_peering_manager_set_flushing (manager, TRUE);
    gst_spreadit_peering_manager_close (manager);
  }
  gst_spreadit_peering_manager_close (manager);
  EXPECT_EQ (peer.state (), GST_SPREADIT_PEER_STATE_IDLE);
}

} // namespace spreadit::test
