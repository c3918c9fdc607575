// Where the payload of an RTP packet lies. What begins a key frame is tested
// where pictures are: tests/check/key_frames_test.cpp.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/random_access.hpp"

#include "support.hpp"

namespace spreadit::media {
namespace {

Datagram
payload_of (const Datagram &packet)
{
  const auto payload = rtp_payload (packet);
  return {payload.begin (), payload.end ()};
}

Datagram
with (Datagram packet, std::uint8_t flags, const Datagram &more)
{
  packet[0] |= flags;
  packet.insert (packet.end (), more.begin (), more.end ());
  return packet;
}

TEST (RandomAccess, ThePayloadIsBehindWhateverTheHeaderHas)
{
  const Datagram plain = rtp (1, video_ssrc, video_pt, 0);
  EXPECT_EQ (payload_of (with (plain, 0, {7, 8, 9})), (Datagram{7, 8, 9}));
  const Datagram csrcs = {1, 1, 1, 1, 2, 2, 2, 2};
  EXPECT_EQ (payload_of (with (with (plain, 2, csrcs), 0, {7})), Datagram{7});
  const Datagram extension = {0xbe, 0xde, 0, 1, 3, 3, 3, 3};
  EXPECT_EQ (
      payload_of (with (with (plain, 0x10, extension), 0, {7})), Datagram{7});
  EXPECT_EQ (payload_of (with (plain, 0x20, {7, 0, 0, 3})), Datagram{7});
}

TEST (RandomAccess, WhatDoesNotAddUpHasNone)
{
  const Datagram plain = rtp (1, video_ssrc, video_pt, 0);
  EXPECT_EQ (payload_of (plain), Datagram{});
  EXPECT_EQ (payload_of ({0x80, 96}), Datagram{});
  EXPECT_EQ (payload_of (with (plain, 0x0f, {7})), Datagram{});
  EXPECT_EQ (payload_of (with (plain, 0x10, {0, 0, 0, 9, 7})), Datagram{});
  EXPECT_EQ (payload_of (with (plain, 0x20, {7, 9})), Datagram{});
}

TEST (RandomAccess, IsKnownOfSomeCodecs)
{
  EXPECT_NE (random_access_of ("H264"), nullptr);
  EXPECT_NE (random_access_of ("H265"), nullptr);
  EXPECT_NE (random_access_of ("VP8"), nullptr);
  EXPECT_NE (random_access_of ("VP9"), nullptr);
  EXPECT_EQ (random_access_of ("OPUS"), nullptr);
  EXPECT_EQ (random_access_of (""), nullptr);
}

} // namespace
} // namespace spreadit::media
