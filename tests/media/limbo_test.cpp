// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support.hpp"

#include "media/limbo.hpp"
#include "media/limits.hpp"

namespace spreadit::media {
namespace {

const Address one = Address::from_ip ("10.0.0.1", 1);
const Address other = Address::from_ip ("10.0.0.2", 1);

TEST (Limbo, GivesEachItsOwnInOrderOnce)
{
  Limbo limbo;
  limbo.put (one, rtp (1), t0);
  limbo.put (other, rtp (2), t0);
  limbo.put (one, rtp (3), t0);
  EXPECT_TRUE (are_same (limbo.take (one, t0), {rtp (1), rtp (3)}));
  EXPECT_TRUE (are_same (limbo.take (one, t0), {}));
  EXPECT_TRUE (are_same (limbo.take (other, t0), {rtp (2)}));
  EXPECT_EQ (limbo.size (), 0u);
}

TEST (Limbo, ForgetsWhatIsOld)
{
  Limbo limbo;
  limbo.put (one, rtp (1), t0);
  limbo.put (one, rtp (2), t0 + 1ms);
  EXPECT_TRUE (
      are_same (limbo.take (one, t0 + 1ms + limits::limbo_age), {rtp (2)}));
}

TEST (Limbo, IsBounded)
{
  Limbo limbo;
  for (unsigned seq = 0; seq < 3 * limits::limbo_max; ++seq)
    limbo.put (one, rtp (static_cast<std::uint16_t> (seq)), t0);
  const auto packets = limbo.take (one, t0);
  ASSERT_EQ (packets.size (), limits::limbo_max);
  EXPECT_EQ (packets[0], rtp (2 * limits::limbo_max)) << "the oldest go first";
}

TEST (Limbo, IsBoundedInBytes)
{
  constexpr std::size_t size = 60'000;
  Limbo limbo;
  for (std::uint16_t seq = 0; seq < 200; ++seq)
    limbo.put (one, rtp (seq, video_ssrc, video_pt, size), t0);
  EXPECT_LE (limbo.size () * size, limits::limbo_bytes_max);
  EXPECT_GE ((limbo.size () + 2) * size, limits::limbo_bytes_max);
}

} // namespace
} // namespace spreadit::media
