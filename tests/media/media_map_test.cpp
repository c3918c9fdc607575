// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support.hpp"

#include "media/limits.hpp"
#include "media/media_map.hpp"

namespace spreadit::media {
namespace {

Header
rtp_header (std::uint32_t ssrc, std::uint8_t payload_type)
{
  return RtpHeader{.payload_type = payload_type, .ssrc = ssrc};
}

Header
rtcp_header (std::uint32_t ssrc)
{
  return RtcpHeader{rtcp_sr, ssrc};
}

TEST (MediaMap, KnowsNothingAtFirst)
{
  MediaMap map;
  EXPECT_FALSE (map.learn (rtp_header (1, video_pt)));
  EXPECT_FALSE (map.ssrc_of (0));
  EXPECT_EQ (map.clock_rate (rtp_header (1, video_pt)), 0u);
}

TEST (MediaMap, FindsByDeclaredSsrc)
{
  MediaMap map;
  map.set (video_and_audio);
  EXPECT_EQ (map.find (rtcp_header (video_ssrc)), 0u);
  EXPECT_EQ (map.find (rtp_header (video_ssrc, 33)), 0u);
  EXPECT_TRUE (map.is_declared (video_ssrc));
  EXPECT_EQ (map.ssrc_of (0), video_ssrc);
}

TEST (MediaMap, LearnsFromPayloadTypes)
{
  MediaMap map;
  map.set (video_and_audio);
  EXPECT_FALSE (map.find (rtcp_header (audio_ssrc)));
  EXPECT_EQ (map.learn (rtp_header (audio_ssrc, audio_pt)), 1u);
  EXPECT_EQ (map.find (rtcp_header (audio_ssrc)), 1u);
  EXPECT_EQ (map.ssrc_of (1), audio_ssrc);
  EXPECT_FALSE (map.is_declared (audio_ssrc));
  EXPECT_TRUE (map.is_known (audio_ssrc));
  EXPECT_EQ (map.clock_rate (rtp_header (audio_ssrc, audio_pt)), 48'000u);
  map.learn (rtp_header (77, audio_pt));
  EXPECT_EQ (map.ssrc_of (1), 77u) << "the one learnt last";
}

TEST (MediaMap, DoesNotLearnWithoutBound)
{
  MediaMap map;
  map.set (video_and_audio);
  for (std::uint32_t ssrc = 1; ssrc <= 1000; ++ssrc)
    map.learn (rtp_header (ssrc, audio_pt));
  EXPECT_TRUE (map.is_known (1000));
  EXPECT_TRUE (map.is_known (1000 - limits::sources_max + 1));
  EXPECT_FALSE (map.is_known (1000 - limits::sources_max));
}

} // namespace
} // namespace spreadit::media
