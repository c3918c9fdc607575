// The question for the tree and its answer.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtsp/survey.hpp"

#include <gtest/gtest.h>

#include "core/limits.hpp"
#include "rtsp/codec.hpp"
#include "rtsp/limits.hpp"

using namespace spreadit;
using namespace spreadit::rtsp;
using namespace std::chrono_literals;

namespace {

const Uri stream{Scheme::spreadit, "10.0.0.1", 8554, "/live", ""};
const std::string id = "0123456789abcdeffedcba9876543210";
const std::string question =
    "message: survey\r\ntoken: 7\r\ndepth: 2\r\npeers: 50\r\nwait-ms: 900\r\n";
const std::string answer = "message: surveyed\r\ntoken: 7\r\nmore: no\r\n";

std::string
peer_line (const std::string &more = "")
{
  return "peer: depth=0; id=" + id + "; state=receiving" + more + "\r\n";
}

// 200, or the status it is refused with.
unsigned
status_of (const std::string &body)
{
  const auto result = parse_survey (body);
  const auto *reason = std::get_if<Reason> (&result);
  return reason ? reason->status : 200;
}

SurveyedPeer
everything ()
{
  SurveyedPeer peer;
  peer.self = {{0x0123456789abcdef, 0xfedcba9876543210}, "[2001:db8::2]:8554"};
  peer.state = core::PeerState::transient;
  peer.player = peer.stale = peer.over_tcp = true;
  peer.reach = core::Reach::no;
  peer.level = 3;
  peer.subtree = {9, 2, 7};
  peer.quality = {8, 20'000, 350, 80, 33};
  peer.children = 2;
  peer.children_max = 5;
  peer.packets_received = 1'000'000'000'000;
  peer.packets_lost = 3;
  peer.bytes_in = 17;
  peer.bytes_out = 19;
  peer.lost_ppm = 1'000'000;
  peer.moves = 4;
  peer.delay = 1800us;
  peer.delay_p99 = 0us;
  peer.rtt = 900us;
  peer.gap = 250'000us;
  return peer;
}

} // namespace

TEST (Survey, QuestionComesBack)
{
  Survey survey{7, 2, 50, 900ms, {{0x0123456789abcdef, 0xfedcba9876543210}}};
  const auto request = encode_survey (survey, stream, "1234");
  EXPECT_EQ (request.body, question + "path: " + id + "\r\n");
  EXPECT_EQ (decode_request (request), DecodedRequest (survey));
  survey.path.clear ();
  EXPECT_EQ (decode_request (encode_survey (survey, stream, "")),
      DecodedRequest (survey));
}

TEST (Survey, AnswerComesBack)
{
  const Surveyed surveyed{7, false, {everything (), SurveyedPeer{}}};
  const auto parts = encode_surveyed (7, surveyed.peers, stream, "1234");
  ASSERT_EQ (parts.size (), 1u);
  EXPECT_EQ (decode_request (parts[0]), DecodedRequest (surveyed));

  const auto nobody = encode_surveyed (7, {}, stream, "1234");
  ASSERT_EQ (nobody.size (), 1u);
  EXPECT_EQ (nobody[0].body, answer);
}

TEST (Survey, WhatIsNotSaidIsNothing)
{
  const auto read = parse_survey (answer + peer_line ());
  SurveyedPeer peer;
  peer.self.id = {0x0123456789abcdef, 0xfedcba9876543210};
  EXPECT_EQ (std::get<Surveyed> (read).peers, std::vector{peer});
}

TEST (Survey, ALongAnswerComesInParts)
{
  const std::vector<SurveyedPeer> peers (400, everything ());
  const auto parts = encode_surveyed (7, peers, stream, "");
  EXPECT_GT (parts.size (), 3u);
  std::size_t told = 0;
  for (std::size_t i = 0; i < parts.size (); ++i) {
    EXPECT_LE (parts[i].body.size (), limits::body_max);
    const auto decoded = decode_request (parts[i]);
    const auto &part = std::get<Surveyed> (decoded);
    EXPECT_EQ (part.more, i + 1 < parts.size ());
    told += part.peers.size ();
  }
  EXPECT_EQ (told, peers.size ());
}

TEST (Survey, AnAnswerThatIsTooLongLosesItsEnd)
{
  const std::vector<SurveyedPeer> peers (5000, everything ());
  const auto parts = encode_surveyed (7, peers, stream, "");
  EXPECT_LE (parts.size (), limits::survey_parts_max);
  std::size_t bytes = 0;
  for (const auto &part : parts)
    bytes += part.body.size ();
  EXPECT_LT (bytes, limits::survey_bytes_max + parts.size () * 64);
  EXPECT_FALSE (std::get<Surveyed> (decode_request (parts.back ())).more);
}

TEST (Survey, ALaterVersionMaySayMore)
{
  EXPECT_EQ (status_of (question + "colour: blue\r\n"), 200u);
  EXPECT_EQ (status_of (answer + "colour: blue\r\n"), 200u);
  EXPECT_EQ (
      status_of (answer + peer_line ("; colour=blue; colour=red")), 200u);
  EXPECT_EQ (status_of ("MESSAGE: Surveyed\r\nTOKEN: 7\r\nMore: NO\r\n"), 200u);
}

TEST (Survey, OthersAreNotOurs)
{
  EXPECT_TRUE (is_survey (question));
  EXPECT_TRUE (is_survey (answer));
  EXPECT_FALSE (is_survey ("message: leaving\r\n"));
  EXPECT_FALSE (is_survey ("message: surveys\r\n"));
  EXPECT_FALSE (is_survey ("token: 7\r\nmessage: survey\r\n"));
  EXPECT_FALSE (is_survey ("message: survey"));
}

TEST (Survey, RefusesBadQuestions)
{
  const auto without = [] (const std::string &line) {
    std::string body = question;
    const auto at = body.find (line);
    return body.erase (at, body.find ("\r\n", at) + 2 - at);
  };
  for (const char *line : {"token", "depth", "peers", "wait-ms"}) {
    EXPECT_EQ (status_of (without (line)), 400u) << line;
    EXPECT_EQ (status_of (question + line + ": 1\r\n"), 400u) << line;
  }
  std::string deep = "path: " + id;
  for (std::size_t i = 0; i < core::limits::levels_max; ++i)
    deep += "," + id;
  for (const std::string &bad : {
           without ("depth") + "depth: 65\r\n",
           without ("depth") + "depth: -1\r\n",
           without ("peers") + "peers: 0\r\n",
           without ("peers") + "peers: 5001\r\n",
           without ("wait-ms") + "wait-ms: 10001\r\n",
           without ("token") + "token: x\r\n",
           question + "path: \r\n",
           question + "path: x\r\n",
           question + "path: " + id + ",\r\n",
           question + deep + "\r\n",
           question + "path: " + id + "\r\npath: " + id + "\r\n",
           question + "message: survey\r\n",
           question + "x\r\n",
           question + "depth: 1",
       })
    EXPECT_EQ (status_of (bad), 400u) << bad;
}

TEST (Survey, RefusesBadAnswers)
{
  const std::string end = "\r\n";
  for (const std::string &bad : {
           std::string ("message: surveyed\r\ntoken: 7\r\n"),
           std::string ("message: surveyed\r\nmore: no\r\n"),
           answer + "more: yes\r\n",
           answer + "token: 8\r\n",
           answer + "peer: \r\n",
           answer + "peer: depth=0; id=" + id + end,
           answer + "peer: depth=0; state=source" + end,
           answer + "peer: id=" + id + "; state=source" + end,
           answer + "peer: depth=65; id=" + id + "; state=source" + end,
           answer + "peer: depth=0; id=" + id + "; state=asleep" + end,
           answer + "peer: depth=0; id=1; state=source" + end,
           answer + peer_line ("; depth=0"),
           answer + peer_line ("; address=10.0.0.1:1"),
           answer + peer_line ("; address=\"no port\""),
           answer + peer_line ("; address=\"h:1"),
           answer + peer_line ("; peers=0"),
           answer + peer_line ("; peers=100000001"),
           answer + peer_line ("; level=65"),
           answer + peer_line ("; children=10001"),
           answer + peer_line ("; lost-ppm=1000001"),
           answer + peer_line ("; measured=100000001"),
           answer + peer_line ("; lost-worst-ppm=1000001"),
           answer + peer_line ("; lost-mean-ppm=1000001"),
           answer + peer_line ("; delay-worst-ms=3600001"),
           answer + peer_line ("; delay-mean-ms=3600001"),
           answer + peer_line ("; delay-mean-ms=1; delay-mean-ms=1"),
           answer + peer_line ("; received=-1"),
           answer + peer_line ("; received=18446744073709551616"),
           answer + peer_line ("; delay-us=86400000001"),
           answer + peer_line ("; stale=1"),
           answer + peer_line ("; stale=yes; stale=yes"),
           answer + peer_line ("; reachable=unknown"),
       })
    EXPECT_EQ (status_of (bad), 400u) << bad;
}
