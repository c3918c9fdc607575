// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support.hpp"

#include "media/ring.hpp"

namespace spreadit::media {
namespace {

void
push (Ring &ring, const Datagram &packet, MonotonicTime now)
{
  while (ring.is_full (packet.size (), now))
    ring.pop ();
  ring.push (packet, *parse_packet (packet), std::nullopt, now);
}

Datagram
copy_at (const Ring &ring, std::uint64_t index)
{
  const Bytes bytes = ring.at (index).bytes;
  return {bytes.begin (), bytes.end ()};
}

TEST (Ring, KeepsPacketsByteForByteInOrder)
{
  Ring ring (3s, 1'000'000);
  for (std::uint16_t seq = 0; seq < 1000; ++seq)
    push (ring, rtp (seq, video_ssrc, video_pt, seq), t0);
  ASSERT_EQ (ring.first (), 0u);
  ASSERT_EQ (ring.head (), 1000u);
  for (std::uint16_t seq = 0; seq < 1000; ++seq)
    ASSERT_EQ (copy_at (ring, seq), rtp (seq, video_ssrc, video_pt, seq));
}

TEST (Ring, ForgetsByTime)
{
  Ring ring (3s, 1'000'000);
  push (ring, rtp (0), t0);
  push (ring, rtp (1), t0 + 1s);
  push (ring, rtp (2), t0 + 3s);
  EXPECT_EQ (ring.first (), 0u) << "exactly the duration is still in";
  push (ring, rtp (3), t0 + 3001ms);
  EXPECT_EQ (ring.first (), 1u);
  push (ring, rtp (4), t0 + 1h);
  EXPECT_EQ (ring.first (), 4u);
  EXPECT_EQ (copy_at (ring, 4), rtp (4));
}

TEST (Ring, IsBoundedInBytes)
{
  constexpr std::size_t bytes_max = 100'000;
  Ring ring (1h, bytes_max);
  for (unsigned i = 0; i < 10'000; ++i) {
    push (ring, rtp (static_cast<std::uint16_t> (i), 1, 96, i % 1300), t0);
    ASSERT_LE (ring.bytes (), bytes_max);
    ASSERT_EQ (ring.head (), i + 1);
  }
  EXPECT_GT (ring.bytes (), bytes_max - 2000) << "and uses them";
  for (std::uint64_t i = ring.first (); i < ring.head (); ++i)
    ASSERT_EQ (copy_at (ring, i),
        rtp (static_cast<std::uint16_t> (i), 1, 96, i % 1300));
}

TEST (Ring, CountsSmallPacketsForWhatTheyCost)
{
  Ring ring (1h, 100'000);
  for (unsigned i = 0; i < 20'000; ++i)
    push (ring, rtp (static_cast<std::uint16_t> (i), 1, 96, 0), t0);
  EXPECT_LT (ring.head () - ring.first (), 2000u);
}

TEST (Ring, TakesOnePacketWhateverItsSize)
{
  Ring ring (1h, 1000);
  for (std::uint16_t seq = 0; seq < 5; ++seq)
    push (ring, rtp (seq, 1, 96, 65'000), t0);
  EXPECT_EQ (ring.head () - ring.first (), 1u);
  EXPECT_EQ (copy_at (ring, 4), rtp (4, 1, 96, 65'000));
}

TEST (Ring, KnowsTheNewestOfEachSsrc)
{
  Ring ring (3s, 1'000'000);
  push (ring, rtp (65'535), t0);
  push (ring, rtp (1), t0 + 1ms);
  push (ring, rtp (0), t0 + 2ms); // late: not the newest
  push (ring, rtp (7, audio_ssrc, audio_pt), t0);
  push (ring, sender_report (3, 4, 5), t0);
  auto newest = ring.newest (t0 + 1s);
  ASSERT_EQ (newest.size (), 2u);
  EXPECT_EQ (newest[0].ssrc, video_ssrc);
  EXPECT_EQ (newest[0].seq, 1);
  EXPECT_EQ (newest[1].seq, 7);
  newest = ring.newest (t0 + 3001ms);
  ASSERT_EQ (newest.size (), 1u) << "audio is too old";
  EXPECT_EQ (newest[0].ssrc, video_ssrc);
}

TEST (Ring, RemembersABoundedNumberOfSsrcs)
{
  Ring ring (3s, 1'000'000);
  for (std::uint32_t ssrc = 0; ssrc < 1000; ++ssrc)
    push (ring, rtp (1, ssrc), t0 + std::chrono::microseconds (ssrc));
  const auto newest = ring.newest (t0 + 1s);
  EXPECT_EQ (newest.size (), 64u);
}

TEST (Ring, MediaCanBeAssignedAnew)
{
  Ring ring (3s, 1'000'000);
  push (ring, rtp (0), t0);
  EXPECT_FALSE (ring.at (0).media);
  ring.reassign_media ([] (const Header &) { return std::optional{5ul}; });
  EXPECT_EQ (ring.at (0).media, 5u);
}

} // namespace
} // namespace spreadit::media
