// Heart-beats that say nothing new, and who leaves them out.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench.hpp"

using namespace spreadit::core;

namespace {

struct Quiet : Bench {
  static Config quiet ()
  {
    Config config = config_of (3);
    config.idle_beats = false;
    return config;
  }
  Quiet () : Bench (quiet ())
  {
    parent = settle_deep ();
    child = join (10);
  }
  void vouch (Instant until)
  {
    peer.message_seen (now, parent, until);
    drain ();
    peer.message_seen (now, child, until);
    drain ();
    peer.data_seen (now, parent, until);
    drain ();
  }
  LinkId parent, child;
};

TEST (IdleBeats, ComeEverySecondOrdinarily)
{
  Bench bench;
  const LinkId parent = bench.settle ();
  bench.pass (10s);
  std::size_t beats = 0;
  for (const Action &action : bench.actions)
    if (const auto *send = std::get_if<action::Send> (&action))
      beats += send->link == parent ? 1 : 0;
  EXPECT_EQ (beats, 10u);
}

TEST (IdleBeats, AreLeftOutAndNothingIsEverDue)
{
  Quiet quiet;
  quiet.vouch (quiet.now + 1h);
  quiet.pass (30min, /* neighbours_live */ false);
  EXPECT_FALSE (quiet.said<message::Alive> ());
  EXPECT_GT (quiet.peer.next_timeout (), quiet.now + 25min);
  EXPECT_EQ (quiet.peer.state (), PeerState::receiving);
  EXPECT_EQ (quiet.peer.children ().size (), 1u);
}

TEST (IdleBeats, NewsAreToldAsEver)
{
  Quiet quiet;
  quiet.vouch (quiet.now + 1h);
  quiet.pass (10s, false);
  auto alive = quiet.alive (10);
  alive.subtree = {7, 2, 5};
  quiet.now += 500ms; // no beat was just now
  quiet.hear (quiet.child, alive);
  const auto *told = quiet.said<message::Alive> (quiet.parent);
  ASSERT_TRUE (told);
  EXPECT_EQ (told->subtree.peers, 8u);
}

TEST (IdleBeats, WhoFallsSilentIsMissedAfterItsLastOne)
{
  Quiet quiet;
  quiet.vouch (quiet.now + 1h);
  quiet.pass (10s, false);
  const Instant last = quiet.now - 300ms;
  quiet.peer.message_seen (quiet.now, quiet.child, last);
  quiet.drain ();
  EXPECT_EQ (quiet.peer.next_timeout (), last + 3s);
  quiet.pass (2699ms, false);
  EXPECT_EQ (quiet.peer.children ().size (), 1u);
  quiet.pass (1ms, false);
  EXPECT_TRUE (quiet.peer.children ().empty ());
}

TEST (IdleBeats, TheirTimesGoOn)
{
  Quiet quiet;
  quiet.vouch (quiet.now + 1h);
  const Instant first = quiet.peer.next_beat (quiet.now);
  quiet.pass (2500ms, false);
  EXPECT_EQ (quiet.peer.next_beat (quiet.now), first + 2s);
  quiet.peer.beat (quiet.now);
  quiet.drain ();
  EXPECT_TRUE (quiet.said<message::Alive> (quiet.parent));
  EXPECT_TRUE (quiet.said<message::Alive> (quiet.child));
}

} // namespace
