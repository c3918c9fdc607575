// Nodes leave, crash and freeze; whoever is below them goes on without a gap.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include <gtest/gtest.h>

#include "player.hpp"

namespace spreadit::test {

namespace {

constexpr unsigned rounds = 20;

NodeOptions
with_room_for (unsigned children_max)
{
  NodeOptions options;
  options.children_max = children_max;
  return options;
}

using Nodes = std::vector<std::unique_ptr<Node>>;

// A chain that loses its first peer over and over, and gets a new last one.
class RollingChain : public testing::Test {
protected:
  RollingChain ()
  {
    source_->start_publishing ();
    chain_ = chain (*source_, 3);
  }

  // The first is gone: the second must be where it was.
  void expect_healed ()
  {
    gone_ = std::move (chain_.front ());
    chain_.erase (chain_.begin ());
    ASSERT_TRUE (
        eventually ([&] { return chain_[0]->is_child_of (*source_); }));
    ASSERT_TRUE (
        eventually ([&] { return chain_[1]->is_child_of (*chain_[0]); }));
    chain_.push_back (Node::peer (*source_, with_room_for (1)));
    ASSERT_TRUE (
        eventually ([&] { return chain_[2]->is_child_of (*chain_[1]); }));
    for (const auto &node : chain_)
      ASSERT_TRUE (source_->reaches (*node));
  }
  // To be called when the packets of all rounds are there.
  void expect_no_gap ()
  {
    source_->stop_publishing ();
    for (const auto &node : chain_) {
      EXPECT_TRUE (source_->reaches (*node));
      EXPECT_EQ (source_->faults_of (*node), "");
      EXPECT_EQ (node->stats ().data.packets_lost, 0u);
    }
  }

  const std::unique_ptr<Node> source_ = Node::source (with_room_for (1));
  Nodes chain_;
  std::unique_ptr<Node> gone_;
};

} // namespace

TEST_F (RollingChain, AGracefulLeaveLosesNothing)
{
  for (unsigned round = 0; round < rounds; ++round) {
    SCOPED_TRACE ("round " + std::to_string (round));
    ASSERT_TRUE (chain_.front ()->leave_and_wait ());
    ASSERT_NO_FATAL_FAILURE (expect_healed ());
    // It was served up to the end.
    EXPECT_EQ (source_->faults_of (*gone_), "");
    // Nobody below was without the stream for a moment.
    for (const auto &node : chain_)
      EXPECT_EQ (node->stats ().transience_total.count (), 0);
  }
  expect_no_gap ();
}

TEST_F (RollingChain, ACrashLosesNothingThatTheRingHas)
{
  for (unsigned round = 0; round < rounds; ++round) {
    SCOPED_TRACE ("round " + std::to_string (round));
    chain_.front ()->crash ();
    ASSERT_NO_FATAL_FAILURE (expect_healed ());
    EXPECT_EQ (source_->faults_of (*gone_), "");
  }
  expect_no_gap ();
}

// Its connection stands, its heart-beats come, but no packet.
TEST_F (RollingChain, AFrozenParentIsFoundByItsSilence)
{
  for (unsigned round = 0; round < 3; ++round) {
    SCOPED_TRACE ("round " + std::to_string (round));
    chain_.front ()->freeze ();
    // Its place is taken until it is gone itself; it notices nothing.
    ASSERT_TRUE (eventually (
        [&] { return chain_[1]->state () == core::PeerState::transient; }));
    chain_.front ()->crash ();
    ASSERT_NO_FATAL_FAILURE (expect_healed ());
  }
  expect_no_gap ();
}

// With room elsewhere nobody has to wait for the frozen one to go.
TEST (Moving, TheChildOfAFrozenParentFindsAnother)
{
  const auto source = Node::source (with_room_for (2));
  source->start_publishing ();
  const auto frozen = Node::peer (*source, with_room_for (1));
  ASSERT_TRUE (eventually ([&] { return frozen->is_child_of (*source); }));
  source->set_children_max (1);
  const auto child = Node::peer (*source);
  ASSERT_TRUE (eventually ([&] { return child->is_child_of (*frozen); }));
  source->set_children_max (2);
  const auto before = Clock::now ();
  frozen->freeze ();
  ASSERT_TRUE (eventually ([&] { return child->is_child_of (*source); }));
  RecordProperty (
      "ms-to-new-parent", static_cast<int> ((Clock::now () - before) / 1ms));
  source->stop_publishing ();
  EXPECT_TRUE (source->reaches (*child));
  EXPECT_EQ (source->faults_of (*child), "");
}

// All the children of a leaver move at once, a child of theirs goes along.
TEST (Moving, ALeaverWithManyChildrenMovesThemAll)
{
  const auto source = Node::source (with_room_for (4));
  source->start_publishing ();
  source->set_children_max (1);
  const auto leaver = Node::peer (*source, with_room_for (3));
  ASSERT_TRUE (eventually ([&] { return leaver->is_child_of (*source); }));
  Nodes children;
  for (unsigned i = 0; i < 3; ++i) {
    children.push_back (Node::peer (*source, with_room_for (1)));
    ASSERT_TRUE (
        eventually ([&] { return children.back ()->is_child_of (*leaver); }));
  }
  const auto grandchild = Node::peer (*source, with_room_for (1));
  ASSERT_TRUE (eventually ([&] { return grandchild->is_receiving (); }));
  const auto its_parent = grandchild->parent_address ();

  source->set_children_max (4);
  ASSERT_TRUE (leaver->leave_and_wait ());
  for (const auto &child : children)
    ASSERT_TRUE (eventually ([&] { return child->is_child_of (*source); }));
  source->stop_publishing ();
  for (const auto &child : children) {
    EXPECT_TRUE (source->reaches (*child));
    EXPECT_EQ (source->faults_of (*child), "");
  }
  EXPECT_TRUE (source->reaches (*grandchild));
  EXPECT_EQ (source->faults_of (*grandchild), "");
  EXPECT_EQ (grandchild->parent_address (), its_parent);
  EXPECT_EQ (grandchild->count ("parent changed"), 1u);
}

// A plain player below a peer that loses its parent sees nothing of it.
TEST_F (RollingChain, APlayerBelowNoticesNothing)
{
  chain_.back ()->set_children_max (2);
  Player player (*chain_.back ());
  ASSERT_TRUE (player.plays_over_tcp ());
  for (unsigned round = 0; round < 2; ++round) {
    const auto gone = std::move (chain_.front ());
    chain_.erase (chain_.begin ());
    gone->crash ();
    ASSERT_TRUE (
        eventually ([&] { return chain_[0]->is_child_of (*source_); }));
    ASSERT_TRUE (source_->reaches (*chain_.back ()));
  }
  source_->stop_publishing ();
  const auto newest = source_->record ().newest ();
  Record got;
  ASSERT_TRUE (eventually ([&] {
    (void)player.rtsp.receive (10ms);
    for (; !player.rtsp.frames.empty (); player.rtsp.frames.pop_front ())
      got.add (player.rtsp.frames.front ().payload);
    return std::all_of (newest.begin (), newest.end (),
        [&] (const auto &packet) { return got.has (packet); });
  }));
  EXPECT_EQ (source_->record ().faults (got), "");
}

// The new parent's packets may come before the answers that say who it is: the
// ring is sent at once, and the control thread has many to serve. None of them
// may be lost.
TEST (Moving, ManyResumesAtOnceLoseNothing)
{
  constexpr unsigned children_max = 12;
  const auto source = Node::source (with_room_for (1));
  source->start_publishing ();
  for (unsigned round = 0; round < 5; ++round) {
    SCOPED_TRACE ("round " + std::to_string (round));
    source->set_children_max (1);
    const auto middle = Node::peer (*source, with_room_for (children_max));
    ASSERT_TRUE (eventually ([&] { return middle->is_child_of (*source); }));
    Nodes peers;
    for (unsigned i = 0; i < children_max; ++i)
      peers.push_back (Node::peer (*source, with_room_for (0)));
    for (const auto &peer : peers)
      ASSERT_TRUE (eventually ([&] { return peer->is_child_of (*middle); }));

    // Half a second of the stream is missing before they notice.
    source->set_children_max (children_max + 1);
    middle->freeze ();
    for (const auto &peer : peers)
      ASSERT_TRUE (eventually ([&] { return peer->is_child_of (*source); }));
    for (const auto &peer : peers) {
      EXPECT_TRUE (source->reaches (*peer));
      EXPECT_TRUE (
          eventually ([&] { return source->faults_of (*peer).empty (); }, 2s))
          << source->faults_of (*peer) << peer->stats ().data.packets_stranger
          << " from strangers";
    }
  }
}

} // namespace spreadit::test
