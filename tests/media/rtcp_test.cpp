// Feedback and time, as RFC 4585, RFC 6642 and RFC 3611 write them.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support.hpp"

#include <numeric>

#include "media/limits.hpp"
#include "media/rtcp.hpp"

namespace spreadit::media {
namespace {

using Seqs = std::vector<std::uint16_t>;

TEST (Rtcp, WritesANackAsTheRfcHasIt)
{
  const LossReport losses[] = {{0x01020304, {10, 11, 26, 27}}};
  const Datagram nack = write_nack (0xaabbccdd, losses);
  // RTPFB, FMT 1, 4 words after the first.
  const Datagram expected = {0x81, 205, 0, 4, 0xaa, 0xbb, 0xcc, 0xdd, 1, 2, 3,
      4, //
      0, 10, 0x80, 0x01, 0, 27, 0, 0};
  EXPECT_EQ (nack, expected);
}

TEST (Rtcp, ReadsWhatItWrote)
{
  const LossReport losses[] = {
      {video_ssrc, {1, 2, 18, 19, 500, 65'535}}, {audio_ssrc, {7}}};
  const auto read = nacks (write_nack (1, losses));
  ASSERT_EQ (read.size (), 2u);
  EXPECT_EQ (read[0].ssrc, video_ssrc);
  EXPECT_EQ (read[0].seqs, losses[0].seqs);
  EXPECT_EQ (read[1].ssrc, audio_ssrc);
  EXPECT_EQ (read[1].seqs, losses[1].seqs);
  EXPECT_TRUE (third_party_losses (write_nack (1, losses)).empty ());
  EXPECT_TRUE (nacks (write_third_party_loss (1, losses)).empty ());
  EXPECT_EQ (
      third_party_losses (write_third_party_loss (1, losses)).size (), 2u);
}

TEST (Rtcp, MasksGoOnAcrossTheWrap)
{
  const LossReport losses[] = {{video_ssrc, {65'530, 65'535, 0, 9, 10}}};
  const Datagram nack = write_nack (1, losses);
  EXPECT_EQ (nack.size (), 12u + 4) << "one entry";
  EXPECT_EQ (nacks (nack)[0].seqs, losses[0].seqs);
}

TEST (Rtcp, FeedbackFitsAnyPath)
{
  Seqs far_apart (10'000);
  std::iota (far_apart.begin (), far_apart.end (), std::uint16_t{});
  for (std::uint16_t &seq : far_apart)
    seq = static_cast<std::uint16_t> (seq * 20);
  const LossReport losses[] = {{video_ssrc, far_apart}, {audio_ssrc, {1}}};
  const Datagram nack = write_nack (1, losses);
  EXPECT_LE (nack.size (), 1200u);
  const auto read = nacks (nack);
  ASSERT_EQ (read.size (), 1u);
  EXPECT_EQ (read[0].seqs.size (), limits::feedback_entries_max);
}

TEST (Rtcp, OfNothingLostNothingIsSaid)
{
  EXPECT_TRUE (write_nack (1, {}).empty ());
}

TEST (Rtcp, FeedbackThatEndsTooEarlyIsPassedOver)
{
  Datagram nack = write_nack (1, std::vector<LossReport>{{video_ssrc, {5}}});
  nack.resize (8); // without the SSRC it is about
  nack[3] = 1;
  ASSERT_TRUE (parse_packet (nack));
  EXPECT_TRUE (nacks (nack).empty ());
}

TEST (Rtcp, OfMoreThanAnybodyWritesTheFirstAreRead)
{
  Datagram nack = {0x81, rtcp_rtpfb};
  constexpr unsigned entries = 16'000;
  put16 (nack, 2 + entries);
  put32 (nack, 1);
  put32 (nack, video_ssrc);
  for (unsigned i = 0; i < entries; ++i)
    put32 (nack, i << 16 | 0xffff);
  ASSERT_TRUE (parse_packet (nack));
  EXPECT_EQ (nacks (nack)[0].seqs.size (), 17 * limits::feedback_entries_max);
}

TEST (Rtcp, AsksForTheTimeAndIsAnswered)
{
  Datagram report = write_receiver_report (42);
  append_time_request (report, 42, 0x1111'2222'3333'4444);
  const auto asked = time_request (report);
  ASSERT_TRUE (asked);
  EXPECT_EQ (asked->asker, 42u);
  EXPECT_EQ (asked->asked, 0x2222'3333u);
  const auto echoes = time_echoes (write_time_echo (7, {42, 0x2222'3333, 9}));
  ASSERT_EQ (echoes.size (), 1u);
  EXPECT_EQ (echoes[0].asker, 42u);
  EXPECT_EQ (echoes[0].asked, 0x2222'3333u);
  EXPECT_EQ (echoes[0].held, 9u);
  EXPECT_FALSE (time_request (write_receiver_report (42)));
}

TEST (Rtcp, AnExtendedBlockThatIsTooLongIsPassedOver)
{
  Datagram report = write_receiver_report (42);
  append_time_request (report, 42, 1);
  report[8 + 8 + 3] = 3; // a word more than there is
  ASSERT_TRUE (parse_packet (report));
  EXPECT_FALSE (time_request (report));
}

} // namespace
} // namespace spreadit::media
