// The link in readiness to whom an orphan asks first.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include "tunnel.hpp"

namespace spreadit::test {

namespace {

NodeOptions
with_room_for (unsigned children_max)
{
  NodeOptions options;
  options.children_max = children_max;
  return options;
}

std::string
address (const Node &node)
{
  return "127.0.0.1:" + std::to_string (node.port ());
}

} // namespace

// The source for who is a level below its child; the grandfather further down.
TEST (Standby, IsReadyAndIsTheLinkThatIsAskedOn)
{
  const auto options = with_room_for (1);
  const auto source = Node::source (options);
  auto levels = chain (*source, 3, options);
  EXPECT_TRUE (eventually (
      [&] { return levels[1]->stats ().standby == address (*source); }));
  EXPECT_TRUE (eventually (
      [&] { return levels[2]->stats ().standby == address (*levels[0]); }));
  EXPECT_EQ (levels[0]->stats ().standby, "") << "its parent is the source";

  // It is the link that is asked on, and there is another one after it.
  source->start_publishing ();
  levels[1]->crash ();
  ASSERT_TRUE (
      eventually ([&] { return levels[2]->is_child_of (*levels[0]); }));
  ASSERT_TRUE (source->reaches (*levels[2]));
  EXPECT_TRUE (eventually (
      [&] { return levels[2]->stats ().standby == address (*source); }));
  levels[0]->crash ();
  ASSERT_TRUE (eventually ([&] { return levels[2]->is_child_of (*source); }));
  EXPECT_TRUE (
      eventually ([&] { return levels[2]->stats ().standby.empty (); }));
  source->stop_publishing ();
  ASSERT_TRUE (source->reaches (*levels[2]));
  EXPECT_EQ (source->faults_of (*levels[2]), "");
}

// The other side may hang up on it at the very moment we ask. That says nothing
// about the peer, which is asked again, and it is the same try.
TEST (Standby, ThatBreaksAsItIsUsedIsNoRefusal)
{
  Tunnel way;
  NodeOptions options = with_room_for (1);
  options.advertise = way.address ();
  const auto source = Node::source (options);
  way.lead_to (*source);
  const auto victim = Node::peer (*source, with_room_for (1));
  ASSERT_TRUE (eventually ([&] { return victim->is_receiving (); }));
  const auto peer = Node::peer (way.uri (), with_room_for (1));
  ASSERT_TRUE (eventually ([&] { return peer->is_child_of (*victim); }));
  ASSERT_TRUE (
      eventually ([&] { return peer->stats ().standby == way.address (); }));

  const auto before = way.tries ().size ();
  way.break_next_later_flight ();
  victim->crash ();
  ASSERT_TRUE (eventually ([&] {
    return peer->parent_address () == way.address () && peer->is_receiving ();
  }));
  EXPECT_TRUE (way.has_broken ());
  const auto tries = way.tries ();
  ASSERT_GE (tries.size (), before + 2);
  EXPECT_EQ (tries[before + 1], tries[before]);
  EXPECT_TRUE (source->reaches (*peer));
}

TEST (Standby, NoneWhereItIsNotWanted)
{
  NodeOptions options = with_room_for (1);
  const auto source = Node::source (options);
  options.standby = false;
  const auto levels = chain (*source, 2, options);
  EXPECT_EQ (levels[1]->stats ().standby, "");
  levels[0]->crash ();
  ASSERT_TRUE (eventually ([&] { return levels[1]->is_child_of (*source); }));
}

} // namespace spreadit::test
