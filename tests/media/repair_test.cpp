// When a packet that is missing is asked for.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support.hpp"

#include "media/limits.hpp"
#include "media/repair.hpp"

namespace spreadit::media {
namespace {

using Seqs = std::vector<std::uint16_t>;
using Came = Repair::Came;

constexpr auto round_trip = 20ms;

class RepairTest : public testing::Test {
protected:
  void open (std::uint64_t first, std::uint64_t last)
  {
    repair_.open (first, last, now_, times_);
  }
  Came close (std::uint64_t extended)
  {
    return repair_.close (extended, now_, round_trip, times_);
  }
  void asked_above (std::uint64_t extended, std::uint32_t asker = 1)
  {
    repair_.asked_above (extended, asker, now_, times_);
  }
  Seqs due (std::size_t most = 1000)
  {
    return repair_.take_due (now_, round_trip, most);
  }
  // To when there is something to ask for; what that is.
  Seqs next_due ()
  {
    for (int i = 0; i < 100 && repair_.next () < MonotonicTime::max (); ++i) {
      now_ = std::max (now_, repair_.next ());
      if (Seqs seqs = due (); !seqs.empty ())
        return seqs;
    }
    return {};
  }

  Repair repair_;
  GapTimes times_;
  MonotonicTime now_ = t0;
};

TEST_F (RepairTest, HasNothingToDoAsLongAsNothingIsMissing)
{
  EXPECT_EQ (repair_.next (), MonotonicTime::max ());
  EXPECT_EQ (due (), Seqs{});
}

TEST_F (RepairTest, AsksAfterAMomentAndAgainWhenNoAnswerCame)
{
  open (100, 102);
  EXPECT_EQ (due (), Seqs{}) << "they may only be late";
  EXPECT_EQ (next_due (), (Seqs{100, 101, 102}));
  EXPECT_EQ (now_, t0 + limits::reorder_wait_min);
  EXPECT_EQ (due (), Seqs{});
  EXPECT_EQ (next_due (), (Seqs{100, 101, 102}));
  EXPECT_EQ (now_, t0 + limits::reorder_wait_min + round_trip);
  now_ += round_trip / 2;
  EXPECT_EQ (close (101), Came::repaired);
  EXPECT_EQ (next_due (), (Seqs{100, 102}));
}

TEST_F (RepairTest, AsksALimitedNumberOfTimesAndForgetsWhatIsLost)
{
  open (7, 7);
  unsigned tries = 0;
  while (!next_due ().empty ())
    ++tries;
  EXPECT_EQ (tries, limits::repair_tries_max);
  EXPECT_GE (now_, t0 + limits::lost_after);
  EXPECT_EQ (repair_.next (), MonotonicTime::max ());
  EXPECT_EQ (close (7), Came::unexpected);
}

TEST_F (RepairTest, AsksTwiceWhereTheWayIsLong)
{
  open (7, 7);
  now_ += limits::reorder_wait_min;
  EXPECT_EQ (repair_.take_due (now_, 100ms, 10), Seqs{7});
  EXPECT_EQ (repair_.next (), now_ + limits::asked_twice_after);
  now_ = repair_.next ();
  EXPECT_EQ (repair_.take_due (now_, 100ms, 10), Seqs{7});
  EXPECT_EQ (repair_.next (), now_ + 100ms - limits::asked_twice_after);
  now_ += 60ms;
  EXPECT_EQ (close (7), Came::repaired);
}

TEST_F (RepairTest, LearnsHowLongReorderingTakes)
{
  for (std::uint64_t n = 1; n <= 20; ++n) {
    open (n, n);
    now_ += 8ms;
    due ();
    EXPECT_EQ (close (n), Came::by_itself) << n;
    now_ += 10ms;
  }
  const MonotonicTime opened = now_;
  open (50, 50);
  next_due ();
  EXPECT_GE (now_ - opened, 8ms);
  EXPECT_LE (now_ - opened, limits::reorder_wait_max);
}

TEST_F (RepairTest, WaitsForNothingWhereGapsAreLosses)
{
  for (std::uint64_t n = 1; n <= 200; ++n) {
    open (n, n);
    if (n % 20 == 0) { // one in twenty comes by itself
      now_ += 1ms;
      EXPECT_EQ (close (n), Came::by_itself);
      continue;
    }
    EXPECT_EQ (next_due (), Seqs{static_cast<std::uint16_t> (n)});
    now_ += round_trip;
    EXPECT_EQ (close (n), Came::repaired);
  }
  const MonotonicTime opened = now_;
  open (500, 500);
  next_due ();
  EXPECT_LE (now_ - opened, 2 * limits::reorder_wait_min);
}

TEST_F (RepairTest, WhatComesSoonerThanAnAnswerCanCameByItself)
{
  open (1, 1);
  next_due ();
  now_ += round_trip / 4;
  EXPECT_EQ (close (1), Came::by_itself);
}

// A picture's packets may be paced: that one came late says nothing of how
// packets overtake each other.
TEST_F (RepairTest, LearnsNothingFromWhatWasOnlyGuessedToBeMissing)
{
  for (std::uint64_t n = 1; n <= 20; ++n) {
    repair_.open_next (n, now_, times_);
    EXPECT_EQ (repair_.end (), n + 1);
    now_ += 30ms;
    EXPECT_EQ (close (n), Came::by_itself);
  }
  EXPECT_EQ (repair_.end (), 0u);
  EXPECT_EQ (times_.reordered.mean (), std::nullopt);
}

TEST_F (RepairTest, LeavesToThoseAboveWhatTheyAskFor)
{
  open (1, 2);
  asked_above (1);
  EXPECT_EQ (next_due (), Seqs{2});
  now_ = t0 + limits::third_party_wait - 1ms;
  for (const std::uint16_t seq : due ())
    EXPECT_EQ (seq, 2);
  now_ += 2ms;
  const Seqs seqs = due ();
  EXPECT_EQ (std::ranges::count (seqs, 1), 1)
      << "perhaps it was lost on the last hop, too";
}

TEST_F (RepairTest, HearsOfALossAboveBeforeItMissesThePacket)
{
  asked_above (1);
  open (1, 1);
  due ();
  now_ += limits::third_party_wait - 1ms;
  EXPECT_EQ (due (), Seqs{});
  EXPECT_EQ (close (1), Came::by_itself);
}

TEST_F (RepairTest, LearnsHowLongThoseAboveTake)
{
  for (std::uint64_t n = 1; n <= 50; ++n) {
    open (n, n);
    asked_above (n);
    now_ += 30ms;
    EXPECT_EQ (due (), Seqs{});
    EXPECT_EQ (close (n), Came::by_itself);
  }
  const MonotonicTime announced = now_;
  open (100, 100);
  asked_above (100);
  EXPECT_EQ (next_due (), Seqs{100});
  EXPECT_GE (now_ - announced, 30ms);
  EXPECT_LT (now_ - announced, 45ms);
}

// One that is beside the source, and one behind a satellite.
TEST_F (RepairTest, LearnsOfEachAskerHowLongItTakes)
{
  for (std::uint64_t n = 1; n <= 100; n += 2) {
    open (n, n + 1);
    asked_above (n, 1);
    asked_above (n + 1, 2);
    now_ += 10ms;
    close (n);
    now_ += 140ms;
    close (n + 1);
  }
  const MonotonicTime told = now_;
  open (1000, 1001);
  asked_above (1000, 1);
  asked_above (1001, 2);
  EXPECT_EQ (repair_.asker (1000), 1u);
  EXPECT_EQ (repair_.asker (1001), 2u);
  EXPECT_EQ (next_due (), Seqs{1000});
  EXPECT_LE (now_ - told, 25ms);
  close (1000);
  EXPECT_EQ (next_due (), Seqs{1001});
  EXPECT_GE (now_ - told, 150ms);
  EXPECT_LE (now_ - told, 190ms);
}

TEST_F (RepairTest, AFloodOfAskersIsForgotten)
{
  for (std::uint32_t asker = 1; asker <= 10'000; ++asker)
    times_.third_party.add (asker, 200ms);
  EXPECT_EQ (times_.third_party.wait (10'000), 300ms) << "seen once";
  EXPECT_LT (times_.third_party.wait (1), 205ms) << "as anybody's";
}

TEST_F (RepairTest, OfAnOutageOnlyTheNewestAreAskedFor)
{
  open (1, 10'000);
  now_ += limits::reorder_wait_max;
  const Seqs seqs = due (100'000);
  ASSERT_EQ (seqs.size (), limits::repair_missing_max);
  EXPECT_EQ (seqs.back (), 10'000);
}

TEST_F (RepairTest, AsksForSomeAtATime)
{
  open (1, 10);
  now_ += limits::reorder_wait_max;
  EXPECT_EQ (due (4), (Seqs{1, 2, 3, 4}));
  EXPECT_LE (repair_.next (), now_);
  EXPECT_EQ (due (100), (Seqs{5, 6, 7, 8, 9, 10}));
}

TEST_F (RepairTest, AnAnnouncementIsGoodForASecond)
{
  asked_above (1);
  now_ += limits::lost_after + 1ms;
  open (1, 1);
  const MonotonicTime opened = now_;
  EXPECT_EQ (next_due (), Seqs{1});
  EXPECT_EQ (now_, opened + limits::reorder_wait_min);
}

TEST_F (RepairTest, AFloodOfAnnouncementsIsForgotten)
{
  for (std::uint64_t n = 0; n < 100'000; ++n)
    asked_above (n);
  open (1, 1);
  EXPECT_EQ (next_due (), Seqs{1}) << "of the oldest nothing is known any more";
  EXPECT_EQ (now_, t0 + limits::reorder_wait_min);
}

} // namespace
} // namespace spreadit::media
