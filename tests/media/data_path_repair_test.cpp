// Repair between real sockets: who asks whom for what, and who is answered.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "node.hpp"

#include <memory>

#include "media/limits.hpp"
#include "media/rtcp.hpp"

namespace spreadit::media {
namespace {

using Seqs = std::vector<std::uint16_t>;

Datagram
nack (std::uint32_t ssrc, Seqs seqs)
{
  const LossReport losses[] = {{ssrc, std::move (seqs)}};
  return write_nack (9, losses);
}

// The next one, past other reports; empty if there is none.
Seqs
next_nack (Foreign &parent)
{
  for (;;) {
    const Datagram datagram = parent.receive ();
    if (datagram.empty ())
      return {};
    if (const auto losses = nacks (datagram); !losses.empty ())
      return losses[0].seqs;
  }
}

ChildStats
child_of (Node &node)
{
  const auto stats = node->stats ();
  EXPECT_EQ (stats.children.size (), 1u);
  return stats.children.at (0);
}

TEST (DataPathRepair, AsksItsParentForWhatIsMissing)
{
  Node child;
  Foreign parent;
  child->receive_from (LinkKey{1}, parent.address ());
  for (const std::uint16_t seq : {1, 2, 5})
    parent.send (child.address (), rtp (seq));
  EXPECT_EQ (next_nack (parent), (Seqs{3, 4}));
  EXPECT_EQ (next_nack (parent), (Seqs{3, 4})) << "the answer may be lost";
  parent.send (child.address (), rtp (4));
  parent.send (child.address (), rtp (3));
  EXPECT_TRUE (child.waits_for (5));
  EXPECT_EQ (child->stats ().packets_repaired, 2u);
  EXPECT_GE (child->stats ().repairs_asked, 4u);
  EXPECT_EQ (child->stats ().packets_lost, 0u);
}

TEST (DataPathRepair, AsksForTheEndOfAPictureThatNothingFollows)
{
  Node child;
  Foreign parent;
  child->receive_from (LinkKey{1}, parent.address ());
  std::uint16_t seq = 0;
  for (std::uint32_t picture = 1; picture <= 20; ++picture)
    for (const bool is_last : {false, true})
      parent.send (
          child.address (), of_picture (++seq, picture * 3600, is_last));
  parent.send (child.address (), of_picture (41, 21 * 3600, false));
  EXPECT_EQ (next_nack (parent), (Seqs{42}));
  parent.send (child.address (), of_picture (42, 21 * 3600, true));
  EXPECT_TRUE (child.waits_for (42));
  EXPECT_EQ (child->stats ().packets_lost, 0u);
}

TEST (DataPathRepair, SendsAgainWhatAChildAsksFor)
{
  Node parent;
  Foreign child, other;
  parent->start_feeding (LinkKey{1}, route::Bundled{child.address ()}, {});
  for (const std::uint16_t seq : {1, 2, 3})
    parent.send (rtp (seq));
  EXPECT_TRUE (child.receives (rtp (3)));
  other.send (parent.address (), nack (video_ssrc, {2})); // no child
  child.send (parent.address (), nack (video_ssrc, {2, 77}));
  EXPECT_TRUE (child.receives (rtp (2)));
  child.send (parent.address (), nack (audio_ssrc, {1}));
  child.send (parent.address (), nack (video_ssrc, {1}));
  EXPECT_TRUE (child.receives (rtp (1)));
  EXPECT_EQ (child_of (parent).packets_repaired, 2u);
  EXPECT_EQ (child_of (parent).packets_sent, 3u) << "these are not among them";
}

TEST (DataPathRepair, TellsItsChildrenWhatItIsWithoutBeforeTheyMissIt)
{
  for (const bool is_straight : {false, true}) {
    const auto made = is_straight ? std::make_unique<Node> (Node::straight)
                                  : std::make_unique<Node> ();
    Node &middle = *made;
    Foreign parent, child;
    middle->start_feeding (LinkKey{2}, route::Bundled{child.address ()}, {});
    middle->receive_from (LinkKey{1}, parent.address ());
    for (const std::uint16_t seq : {1, 4})
      parent.send (middle.address (), rtp (seq));
    Seqs told;
    for (;;) {
      const Datagram datagram = child.receive ();
      ASSERT_FALSE (datagram.empty ());
      if (datagram == rtp (4))
        break;
      for (const auto &report : third_party_losses (datagram))
        told.insert (told.end (), report.seqs.begin (), report.seqs.end ());
    }
    EXPECT_EQ (told, (Seqs{2, 3})) << (is_straight ? "straight" : "by buffers");
  }
}

TEST (DataPathRepair, PassesOnWhoAsksForWhatIsMissingAbove)
{
  Node middle;
  Foreign parent, child;
  middle->start_feeding (LinkKey{2}, route::Bundled{child.address ()}, {});
  middle->receive_from (LinkKey{1}, parent.address ());
  parent.send (middle.address (), rtp (1));
  const LossReport above[] = {{video_ssrc, {2}}};
  parent.send (middle.address (), write_third_party_loss (77, above));
  parent.send (middle.address (), rtp (4)); // 3 is missing here only
  std::vector<LossReport> told;
  for (;;) {
    const Datagram datagram = child.receive ();
    ASSERT_FALSE (datagram.empty ());
    if (datagram == rtp (4))
      break;
    for (const auto &report : third_party_losses (datagram))
      told.push_back (report);
  }
  ASSERT_EQ (told.size (), 2u);
  EXPECT_EQ (told[0].asker, 77u);
  EXPECT_EQ (told[0].seqs, Seqs{2});
  EXPECT_NE (told[1].asker, 77u);
  EXPECT_EQ (told[1].seqs, Seqs{3});
}

TEST (DataPathRepair, AChildGetsNoMoreThanItsShareAgain)
{
  Node parent;
  Foreign child;
  parent->start_feeding (LinkKey{1}, route::Bundled{child.address ()}, {});
  const Datagram large = rtp (1, video_ssrc, video_pt, 1200);
  parent.send (large);
  EXPECT_TRUE (child.receives (large));
  const auto wanted =
      static_cast<unsigned> (limits::repair_burst_bytes / 1212 + 50);
  for (unsigned i = 0; i < wanted; ++i)
    child.send (parent.address (), nack (video_ssrc, {1}));
  EXPECT_TRUE (
      eventually ([&] { return child_of (parent).repairs_refused > 0; }));
  EXPECT_LE (child_of (parent).bytes_repaired,
      static_cast<std::uint64_t> (limits::repair_burst_bytes) + 1212);
  // The stream itself is not held up.
  child.drain ();
  parent.send (rtp (2));
  EXPECT_TRUE (child.receives (rtp (2)));
}

TEST (DataPathRepair, AQuestionThatCrossesThePacketIsNotAnswered)
{
  Node parent;
  Foreign child;
  parent->start_feeding (LinkKey{1}, route::Bundled{child.address ()}, {});
  const auto began = MonotonicTime::clock::now ();
  parent.send (sender_report (video_ssrc, 0x1111'2222'3333'0000, 0));
  // Nothing but signs of life for a second: so far away is the child.
  while (MonotonicTime::clock::now () - began < 1s)
    ASSERT_FALSE (child.receive ().empty ());
  const ReportBlock block{.ssrc = video_ssrc, .last_sr = 0x2222'3333};
  child.send (parent.address (), write_receiver_report (9, {&block, 1}));
  parent.send (rtp (1));
  const auto sent = MonotonicTime::clock::now ();
  ASSERT_TRUE (child.receives (rtp (1)));
  const auto is_answered = [&] {
    child.send (parent.address (), nack (video_ssrc, {1}));
    Datagram question = write_receiver_report (9);
    append_time_request (question, 9, 1ull << 32);
    child.send (parent.address (), question);
    bool is_here = false;
    for (;;) {
      const Datagram datagram = child.receive ();
      is_here = is_here || datagram == rtp (1);
      if (datagram.empty () || !time_echoes (datagram).empty ())
        return is_here;
    }
  };
  const bool is_crossed = is_answered ();
  if (MonotonicTime::clock::now () - sent > 500ms)
    GTEST_SKIP () << "the machine is too busy to tell";
  EXPECT_FALSE (is_crossed);
  // Later it is a loss, and asked for twice it is sent once.
  while (MonotonicTime::clock::now () - sent < 1500ms)
    ASSERT_FALSE (child.receive ().empty ());
  const auto asked = MonotonicTime::clock::now ();
  EXPECT_TRUE (is_answered ());
  const bool is_again = is_answered ();
  if (MonotonicTime::clock::now () - asked > 500ms)
    GTEST_SKIP () << "the machine is too busy to tell";
  EXPECT_FALSE (is_again);
}

// A newcomer's report may name one that it was sent as history.
TEST (DataPathRepair, AReportOfHistoryDoesNotTellHowFarAChildIs)
{
  Node parent;
  Foreign child, idler;
  parent.send (rtp (1));
  parent.send (sender_report (video_ssrc, 0x1111'2222'3333'0000, 0));
  parent->start_feeding (LinkKey{2}, route::Bundled{idler.address ()}, {});
  const auto began = MonotonicTime::clock::now ();
  while (MonotonicTime::clock::now () - began < 1s) // of signs of life
    ASSERT_FALSE (idler.receive ().empty ());
  parent->start_feeding (
      LinkKey{1}, route::Bundled{child.address ()}, {{{video_ssrc, 0}}});
  ASSERT_TRUE (
      child.receives (sender_report (video_ssrc, 0x1111'2222'3333'0000, 0)));
  const ReportBlock block{.ssrc = video_ssrc, .last_sr = 0x2222'3333};
  child.send (parent.address (), write_receiver_report (9, {&block, 1}));
  parent.send (rtp (2));
  ASSERT_TRUE (child.receives (rtp (2)));
  child.send (parent.address (), nack (video_ssrc, {2}));
  EXPECT_TRUE (child.receives (rtp (2))) << "at once";
}

TEST (DataPathRepair, WithoutAShareNobodyAsksOrAnswers)
{
  Node parent (Node::Repair{0}), middle (Node::Repair{0});
  Foreign child;
  parent->start_feeding (LinkKey{1}, route::Bundled{child.address ()}, {});
  parent.send (rtp (1));
  parent.send (rtp (2));
  EXPECT_TRUE (child.receives (rtp (2)));
  child.send (parent.address (), nack (video_ssrc, {1}));
  Datagram question = write_receiver_report (9);
  append_time_request (question, 9, 1ull << 32);
  child.send (parent.address (), question);
  for (;;) { // the answer to what came after the NACK
    const Datagram datagram = child.receive ();
    ASSERT_FALSE (datagram.empty ());
    ASSERT_NE (datagram, rtp (1));
    if (!time_echoes (datagram).empty ())
      break;
  }
  EXPECT_EQ (child_of (parent).packets_repaired, 0u);

  middle->receive_from (LinkKey{1}, child.address ());
  child.send (middle.address (), rtp (1));
  child.send (middle.address (), rtp (3));
  EXPECT_TRUE (middle.waits_for (2));
  EXPECT_TRUE (eventually ([&] { return middle->stats ().packets_lost == 1; }));
  EXPECT_EQ (middle->stats ().repairs_asked, 0u);
}

TEST (DataPathRepair, CountsWhatComesTooLate)
{
  Node child;
  Foreign parent;
  child->receive_from (LinkKey{1}, parent.address ());
  parent.send (child.address (), rtp (1));
  parent.send (child.address (), rtp (3));
  EXPECT_TRUE (eventually ([&] { return child->stats ().packets_lost == 1; }));
  parent.send (child.address (), rtp (2));
  EXPECT_TRUE (child.waits_for (3)) << "it may be of use to someone";
  EXPECT_EQ (child->stats ().packets_late, 1u);
  EXPECT_EQ (child->stats ().packets_repaired, 0u);
}

TEST (DataPathRepair, KnowsHowFarItsParentIs)
{
  Node parent, child;
  parent.feed (child, 1);
  child.hear (parent, 1);
  EXPECT_TRUE (
      eventually ([&] { return child->stats ().round_trip.has_value (); }));
  EXPECT_LT (child->stats ().round_trip, limits::round_trip_max);
  EXPECT_FALSE (parent->stats ().round_trip);
}

} // namespace
} // namespace spreadit::media
