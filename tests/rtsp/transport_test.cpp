// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtsp/transport.hpp"

#include <gtest/gtest.h>

using namespace spreadit::rtsp;

namespace {

std::vector<Transport>
good (std::string_view value)
{
  auto parsed = parse_transports (value);
  const auto *reason = std::get_if<Reason> (&parsed);
  EXPECT_EQ (reason, nullptr) << value << ": " << reason->text;
  return reason ? std::vector<Transport>{}
                : std::get<std::vector<Transport>> (parsed);
}

} // namespace

TEST (Transport, BetweenPeersIsBundled)
{
  EXPECT_EQ (to_string (peer_transport_udp (40000)),
      "RTP/AVPF;unicast;RTCP-mux;bundle;client_port=40000");
  EXPECT_EQ (to_string (peer_transport_tcp (0)),
      "RTP/AVPF/TCP;unicast;RTCP-mux;bundle;interleaved=0");
  EXPECT_EQ (good ("RTP/AVPF;unicast;RTCP-mux;bundle;client_port=40000"),
      std::vector{peer_transport_udp (40000)});
}

TEST (Transport, KeepsTheOrderOfAlternatives)
{
  const Transport both[] = {peer_transport_udp (40000), peer_transport_tcp (2)};
  EXPECT_EQ (to_string (both),
      "RTP/AVPF;unicast;RTCP-mux;bundle;client_port=40000, "
      "RTP/AVPF/TCP;unicast;RTCP-mux;bundle;interleaved=2");
  EXPECT_EQ (
      good (to_string (both)), (std::vector<Transport>{both[0], both[1]}));
}

TEST (Transport, ReadsWhatPlayersSend)
{
  Transport ffmpeg;
  ffmpeg.unicast = true;
  ffmpeg.client_port = PortRange{24086, 24087};
  EXPECT_EQ (good ("RTP/AVP/UDP;unicast;client_port=24086-24087"),
      std::vector{ffmpeg});

  Transport mpv;
  mpv.lower = Lower::tcp;
  mpv.unicast = true;
  mpv.interleaved = ChannelRange{0, 1};
  EXPECT_EQ (good ("RTP/AVP/TCP;unicast;interleaved=0-1"), std::vector{mpv});

  // rtspsrc, when it may choose: the multicast alternative stays in the list,
  // without unicast.
  const auto rtspsrc =
      good ("RTP/AVP;unicast;client_port=5000-5001, "
            "RTP/AVP;multicast;client_port=5000-5001,"
            "RTP/AVP/TCP;unicast;interleaved=0-1;mode=\"PLAY\"");
  ASSERT_EQ (rtspsrc.size (), 3u);
  EXPECT_TRUE (rtspsrc[0].unicast);
  EXPECT_FALSE (rtspsrc[1].unicast);
  EXPECT_EQ (rtspsrc[2].lower, Lower::tcp);
  EXPECT_EQ (rtspsrc[2].mode, Transport::Mode::play);
}

TEST (Transport, LeavesOutWhatItCannotUse)
{
  EXPECT_TRUE (good ("RTP/SAVP;unicast;client_port=1-2").empty ());
  EXPECT_TRUE (good ("RTP/SAVPF, RAW/RAW/UDP, RTP/AVPX, MP2T/H2221").empty ());
  EXPECT_EQ (good ("RTP/SAVP;unicast, RTP/AVP;unicast").size (), 1u);
}

TEST (Transport, IgnoresParametersItDoesNotKnow)
{
  const auto list = good ("rtp/avp;UNICAST;destination=10.0.0.9;ttl=1;"
                          "x-odd=\"a,b;c=\\\"d\";append;layers=2");
  ASSERT_EQ (list.size (), 1u);
  Transport expected;
  expected.unicast = true;
  EXPECT_EQ (list[0], expected);
}

TEST (Transport, Modes)
{
  using Mode = Transport::Mode;
  EXPECT_EQ (good ("RTP/AVP;mode=PLAY")[0].mode, Mode::play);
  EXPECT_EQ (good ("RTP/AVP;mode=\"play\"")[0].mode, Mode::play);
  EXPECT_EQ (good ("RTP/AVP;mode=record")[0].mode, Mode::other);
  EXPECT_EQ (good ("RTP/AVP;mode=\"PLAY,RECORD\"")[0].mode, Mode::other);
  EXPECT_EQ (good ("RTP/AVP")[0].mode, Mode::unset);
}

TEST (Transport, WritesAnAnswerThatReadsBack)
{
  Transport answer;
  answer.unicast = true;
  answer.client_port = PortRange{5000, 5001};
  answer.server_port = PortRange{6000, 6001};
  answer.source = "2001:db8::1";
  answer.ssrc = 0xdeadbeef;
  answer.mode = Transport::Mode::play;
  EXPECT_EQ (to_string (answer),
      "RTP/AVP;unicast;source=2001:db8::1;client_port=5000-5001;"
      "server_port=6000-6001;ssrc=deadbeef;mode=\"PLAY\"");
  EXPECT_EQ (good (to_string (answer)), std::vector{answer});
}

TEST (Transport, RefusesBadValuesOfWhatItKnows)
{
  for (const char *value : {
           "",
           ",",
           ";unicast",
           "RTP/AVP;unicast,",
           "RTP/AVP;client_port",
           "RTP/AVP;client_port=",
           "RTP/AVP;client_port=0",
           "RTP/AVP;client_port=0-1",
           "RTP/AVP;client_port=2-1",
           "RTP/AVP;client_port=1-",
           "RTP/AVP;client_port=-1",
           "RTP/AVP;client_port=1-2-3",
           "RTP/AVP;client_port=65535-65536",
           "RTP/AVP;client_port=1;client_port=2",
           "RTP/AVP;server_port=x",
           "RTP/AVP/TCP;interleaved=255-256",
           "RTP/AVP/TCP;interleaved=1-0",
           "RTP/AVP/TCP;interleaved=0;interleaved=0",
           "RTP/AVP;ssrc=1234567",
           "RTP/AVP;ssrc=123456789",
           "RTP/AVP;ssrc=0x123456",
           "RTP/AVP;source=",
           "RTP/AVP;source=a b",
           "RTP/AVP;source=\"a\"",
           "RTP/AVP;source=::g",
           "RTP/AVP;mode=\"PLAY",
           "RTP/AVP;mode=\"PL\"AY\"",
           "RTP/AVP;mode=PLAY;mode=PLAY",
           "RTP/AVP;unicast;multicast",
           "RTP/AVP;b@d=1",
           "RTP/AVP;=1",
           "RTP/AVP,RTP/AVP,RTP/AVP,RTP/AVP,RTP/AVP,RTP/AVP,RTP/AVP,RTP/AVP,"
           "RTP/AVP",
       })
    EXPECT_TRUE (std::holds_alternative<Reason> (parse_transports (value)))
        << value;
}
