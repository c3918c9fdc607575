// What the agent reads of an SDP, its own application's or a stranger's.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <random>

#include <gtest/gtest.h>

#include "agent/description.hpp"
#include "stream.hpp"

namespace spreadit::test {

namespace {

using agent::Description;

const std::string head = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n";

std::string
why_not (std::string text)
{
  const auto parsed = agent::parse_description (std::move (text));
  const auto *why = std::get_if<std::string> (&parsed);
  return why ? *why : "";
}

Description
good (const std::string &media)
{
  auto parsed = agent::parse_description (head + media);
  auto *description = std::get_if<Description> (&parsed);
  EXPECT_TRUE (description) << std::get<std::string> (parsed);
  return description ? *description : Description{};
}

} // namespace

TEST (Description, KeepsTheTextAndReadsTheMedia)
{
  auto parsed = agent::parse_description (stream_sdp);
  const auto &description = std::get<Description> (parsed);
  EXPECT_EQ (description.text, stream_sdp);
  ASSERT_EQ (description.media.size (), 2u);
  EXPECT_EQ (description.media[0].control, "stream=0");
  EXPECT_EQ (description.media[0].data.payload_type, video_pt);
  EXPECT_EQ (description.media[0].data.clock_rate, 90'000u);
  EXPECT_EQ (description.media[0].data.ssrc, video_ssrc);
  EXPECT_EQ (description.media[1].control, "stream=1");
  EXPECT_EQ (description.media[1].data.clock_rate, 48'000u);
  EXPECT_EQ (description.media[1].data.ssrc, audio_ssrc);
}

// RFC 3551: they need no a=rtpmap.
TEST (Description, KnowsTheClocksOfStaticPayloadTypes)
{
  const auto description = good ("m=audio 0 RTP/AVP 0\r\na=control:a\r\n"
                                 "m=video 0 RTP/AVP 26\r\na=control:v\r\n"
                                 "m=video 0 RTP/AVP 99\r\na=control:w\r\n");
  EXPECT_EQ (description.media[0].data.clock_rate, 8000u);
  EXPECT_EQ (description.media[1].data.clock_rate, 90'000u);
  EXPECT_EQ (description.media[2].data.clock_rate, 0u); // unknown
  EXPECT_EQ (description.media[2].data.ssrc, std::nullopt);
}

TEST (Description, KnowsTheCodecs)
{
  const auto description = std::get<agent::Description> (
      agent::parse_description ("v=0\r\no=- 0 1 IN IP4 0.0.0.0\r\ns=x\r\n"
                                "t=0 0\r\n"
                                "m=video 0 RTP/AVPF 96\r\n"
                                "a=rtpmap:97 VP8/90000\r\n"
                                "a=rtpmap:96 h264/90000\r\n"
                                "m=audio 0 RTP/AVPF 0\r\n"
                                "m=video 0 RTP/AVPF 98\r\n"
                                "a=rtpmap:98\r\n"));
  ASSERT_EQ (description.media.size (), 3u);
  EXPECT_EQ (description.media[0].data.encoding, "H264");
  EXPECT_EQ (description.media[0].data.clock_rate, 90'000u);
  EXPECT_EQ (description.media[1].data.encoding, "");
  EXPECT_EQ (description.media[2].data.encoding, "");
  EXPECT_EQ (description.media[2].data.clock_rate, 0u);
}

TEST (Description, SaysWhatIsWrong)
{
  const std::string one = "m=video 0 RTP/AVP 96\r\na=control:v\r\n";
  EXPECT_EQ (why_not (""), "the SDP is empty");
  EXPECT_EQ (why_not (head), "the SDP has 0 media, expected 1 to 32");
  EXPECT_EQ (why_not (head + "m=text 0 TCP x\r\n"),
      "medium 0 of the SDP has no RTP payload type");
  EXPECT_EQ (why_not (head + one + "m=video 0 RTP/AVP 96\r\na=control:w\r\n"),
      "two media of the SDP have payload type 96");
  EXPECT_EQ (why_not (head + one + "m=video 0 RTP/AVP 97\r\na=control:v\r\n"),
      "two media of the SDP have a=control:v");
  for (const char *control :
      {"rtsp://other/v", "*", "/v", "", "a b", "a,b", "a;seq=1", "a?b", "\x80"})
    EXPECT_EQ (why_not (head + "m=video 0 RTP/AVP 96\r\na=control:" + control +
                        "\r\n"),
        "a=control of medium 0 of the SDP is not relative")
        << control;
  std::string many;
  for (unsigned i = 0; i < 33; ++i)
    many += "m=video 0 RTP/AVP " + std::to_string (64 + i) + "\r\n";
  EXPECT_EQ (why_not (head + many), "the SDP has 33 media, expected 1 to 32");
  EXPECT_EQ (why_not (head + one + "a=x:" + std::string (70'000, 'x') + "\r\n"),
      "the SDP is longer than 65536 bytes");
}

TEST (Description, SurvivesAnything)
{
  std::mt19937 random (1);
  const std::string whole = stream_sdp;
  for (std::size_t length = 1; length < whole.size (); ++length)
    (void)agent::parse_description (whole.substr (0, length));
  for (unsigned i = 0; i < 5000; ++i) {
    std::string text = whole;
    for (unsigned changes = 1 + random () % 8; changes > 0; --changes)
      text[random () % text.size ()] = static_cast<char> (random ());
    (void)agent::parse_description (std::move (text));
  }
}

} // namespace spreadit::test
