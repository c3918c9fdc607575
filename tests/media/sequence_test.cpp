// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support.hpp"

#include "media/limits.hpp"
#include "media/sequence.hpp"

namespace spreadit::media {
namespace {

constexpr auto fresh = Sequence::Verdict::fresh;
constexpr auto late = Sequence::Verdict::late;
constexpr auto duplicate = Sequence::Verdict::duplicate;
constexpr auto suspect = Sequence::Verdict::suspect;

TEST (Sequence, TakesEachNumberOnce)
{
  Sequence s (10, t0);
  EXPECT_EQ (s.insert (10, t0).verdict, duplicate);
  EXPECT_EQ (s.insert (11, t0).verdict, fresh);
  EXPECT_EQ (s.insert (13, t0).verdict, fresh);
  EXPECT_EQ (s.insert (12, t0).verdict, fresh) << "late";
  for (std::uint16_t seq : {10, 11, 12, 13})
    EXPECT_EQ (s.insert (seq, t0).verdict, duplicate) << seq;
}

TEST (Sequence, GoesOnAcrossTheWrapManyTimes)
{
  Sequence s (65'530, t0);
  std::uint64_t last = s.highest ();
  for (int i = 1; i < 200'000; ++i) {
    const auto seq = static_cast<std::uint16_t> (65'530 + i);
    const auto answer = s.insert (seq, t0);
    ASSERT_EQ (answer.verdict, fresh) << i;
    ASSERT_EQ (answer.extended, ++last);
    ASSERT_EQ (s.insert (seq, t0).verdict, duplicate) << i;
  }
}

TEST (Sequence, TakesWhatCameBeforeTheFirst)
{
  Sequence s (2, t0);
  EXPECT_EQ (s.insert (65'535, t0).verdict, fresh);
  EXPECT_EQ (s.insert (65'535, t0).verdict, duplicate);
  EXPECT_EQ (s.highest (), 65'536u + 2);
}

TEST (Sequence, CountsAGapAsLostOnlyWhenItIsOld)
{
  Sequence s (10, t0);
  s.insert (15, t0); // 11 to 14 are missing
  s.insert (12, t0 + 500ms);
  s.settle (t0 + 999ms);
  EXPECT_EQ (s.lost (), 0u);
  s.settle (t0 + 1s);
  EXPECT_EQ (s.lost (), 3u);
  EXPECT_EQ (s.insert (13, t0 + 2s).verdict, late) << "but of use";
  EXPECT_EQ (s.lost (), 3u) << "a counter never goes back";
}

TEST (Sequence, CountsAGapAsLostWhenItIsFarBehind)
{
  Sequence s (0, t0);
  s.insert (2, t0);
  for (unsigned seq = 3; seq < 2 + limits::lost_behind; ++seq)
    s.insert (static_cast<std::uint16_t> (seq), t0);
  EXPECT_EQ (s.lost (), 1u);
}

TEST (Sequence, RemembersABoundedNumberOfGaps)
{
  Sequence s (0, t0);
  for (unsigned i = 1; i <= limits::gaps_max + 10; ++i)
    s.insert (static_cast<std::uint16_t> (2 * i), t0);
  EXPECT_EQ (s.lost (), 10u);
}

TEST (Sequence, HoldsEverythingUpToTheFirstOpenGap)
{
  Sequence s (10, t0);
  EXPECT_EQ (s.held (), 65'536u + 10);
  s.insert (12, t0);
  s.insert (14, t0);
  EXPECT_EQ (s.held (), 65'536u + 10);
  s.insert (11, t0);
  EXPECT_EQ (s.held (), 65'536u + 12);
  s.settle (t0 + 1s);
  EXPECT_EQ (s.held (), 65'536u + 14) << "what is lost is not waited for";
}

TEST (Sequence, BelievesALongJumpWhenTheNextOneFollows)
{
  Sequence s (0, t0);
  s.insert (2, t0);
  EXPECT_EQ (s.insert (10'000, t0).verdict, suspect);
  EXPECT_EQ (s.insert (3, t0).verdict, fresh) << "a stray: all is as it was";
  EXPECT_EQ (s.insert (10'001, t0).verdict, suspect);
  const auto answer = s.insert (10'002, t0);
  EXPECT_EQ (answer.verdict, fresh);
  EXPECT_EQ (answer.extended, 2 * 65'536u + 10'002) << "upwards";
  EXPECT_EQ (s.lost (), 1u) << "the gap before, not the jump";
  EXPECT_EQ (s.insert (10'002, t0).verdict, duplicate);
}

TEST (Sequence, BelievesALongJumpAfterSilence)
{
  Sequence s (0, t0);
  EXPECT_EQ (s.insert (10'000, t0 + 1s).verdict, fresh) << "we were away";
  s.settle (t0 + 2s);
  EXPECT_EQ (s.lost (), 9'999u);
}

TEST (Sequence, TakesAParentThatLagsForDuplicates)
{
  Sequence s (0, t0);
  for (std::uint16_t seq = 1; seq < 5000; ++seq)
    s.insert (seq, t0);
  for (std::uint16_t seq = 1000; seq < 5000; ++seq)
    ASSERT_EQ (s.insert (seq, t0 + 3s).verdict, duplicate) << seq;
  EXPECT_EQ (s.insert (5000, t0 + 3s).verdict, fresh);
}

TEST (Sequence, StartsOverWhenTheSourceDid)
{
  Sequence s (20'000, t0);
  for (std::uint16_t seq = 20'001; seq < 30'000; ++seq)
    s.insert (seq, t0);
  const auto later = t0 + limits::restart_silence;
  EXPECT_EQ (s.insert (20'500, later).verdict, suspect);
  const auto answer = s.insert (20'501, later);
  EXPECT_EQ (answer.verdict, fresh);
  EXPECT_EQ (answer.extended, 2 * 65'536u + 20'501);
  EXPECT_EQ (s.insert (20'502, later).verdict, fresh);
}

TEST (Sequence, DropsWhatIsOlderThanTheWindow)
{
  Sequence s (0, t0);
  for (unsigned seq = 1; seq < 40'000; ++seq)
    s.insert (static_cast<std::uint16_t> (seq), t0);
  // 0 is 39,999 behind: as 16 bits go, that is 25,537 ahead.
  EXPECT_EQ (s.insert (0, t0).verdict, suspect);
}

} // namespace
} // namespace spreadit::media
