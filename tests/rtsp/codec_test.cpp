// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtsp/codec.hpp"

#include <gtest/gtest.h>

#include "core/limits.hpp"
#include "rtsp/limits.hpp"
#include "rtsp/writer.hpp"

using namespace spreadit;
using namespace spreadit::rtsp;
using namespace std::chrono_literals;

namespace {

using core::RefuseReason;

const core::PeerId id_a{0, 0xa};
const core::PeerId id_b{0, 0xb};
const std::string hex_a = "0000000000000000000000000000000a";
const std::string hex_b = "0000000000000000000000000000000b";

const Uri stream{Scheme::spreadit, "10.0.0.1", 8554, "/live", ""};
const Uri secure_stream{Scheme::spreadits, "10.0.0.1", 8322, "/live", ""};
const Uri player_url{Scheme::rtsp, "10.0.0.1", 8554, "/live", ""};

const std::string sdp = "v=0\r\n";

std::string
text (Request request, std::uint32_t cseq = 1)
{
  set_cseq (request.headers, cseq);
  return write (request).value_or ("not writable");
}

std::string
text (Response response, std::uint32_t cseq = 1)
{
  set_cseq (response.headers, cseq);
  return write (response).value_or ("not writable");
}

// What a Refuse says; malformed also stands for anything that is no Refuse.
RefuseReason
refusal (const Answer &answer)
{
  const auto *refuse = std::get_if<core::message::Refuse> (&answer.message);
  EXPECT_NE (refuse, nullptr);
  EXPECT_FALSE (answer.note.empty ());
  return refuse ? refuse->reason : RefuseReason::malformed;
}

unsigned
status_of (const DecodedRequest &decoded)
{
  const auto *reason = std::get_if<Reason> (&decoded);
  return reason ? reason->status : 200;
}

Response
accepted ()
{
  return encode_accept (
      {{id_a, "10.0.0.1:8554"}, {}, {}}, sdp, "rtsp://10.0.0.1:8554/live/");
}

Request
subscribing ()
{
  core::message::Subscribe subscribe;
  subscribe.self = {id_b, "10.0.0.2:8554"};
  return encode_describe (subscribe, stream);
}

Response
moved (const std::string &location)
{
  Response response = make_response (302);
  response.headers.push_back ({"Location", location});
  return response;
}

} // namespace

TEST (Codec, SubscribeIsOneFlightOfThreeRequests)
{
  core::message::Subscribe subscribe;
  subscribe.self = {id_b, "10.0.0.2:8554"};
  subscribe.children_max = 3;
  subscribe.subtree = {5, 2, 4};
  subscribe.reason = core::JoinReason::parent_lost;
  subscribe.tries = 2;
  subscribe.avoid = {id_a};
  subscribe.lost = id_a;
  const Transport transport[] = {peer_transport_udp (40000)};
  const Resume resume[] = {{0x1234, 70'000}};

  EXPECT_EQ (text (encode_describe (subscribe, stream), 1),
      "DESCRIBE rtsp://10.0.0.1:8554/live RTSP/1.0\r\n"
      "CSeq: 1\r\n"
      "Require: org.spreadit.1\r\n"
      "Accept: application/sdp\r\n"
      "SpreadIt-Peer: id=" +
          hex_b +
          "; address=\"10.0.0.2:8554\"; version=1; "
          "children-max=3; children-free=4; peers=5; levels=2\r\n"
          "SpreadIt-Join: reason=parent-lost; tries=2; avoid=" +
          hex_a + "; lost=" + hex_a +
          "\r\n"
          "\r\n");
  EXPECT_EQ (text (encode_setup (stream, transport), 2),
      "SETUP rtsp://10.0.0.1:8554/live RTSP/1.0\r\n"
      "CSeq: 2\r\n"
      "Require: org.spreadit.1\r\n"
      "Transport: RTP/AVPF;unicast;RTCP-mux;bundle;client_port=40000\r\n"
      "\r\n");
  EXPECT_EQ (text (encode_play (stream, resume), 3),
      "PLAY rtsp://10.0.0.1:8554/live RTSP/1.0\r\n"
      "CSeq: 3\r\n"
      "Require: org.spreadit.1\r\n"
      "Range: npt=now-\r\n"
      "SpreadIt-Resume: ssrc=00001234; seq=70000\r\n"
      "\r\n");

  EXPECT_EQ (std::get<core::Message> (
                 decode_request (encode_describe (subscribe, stream))),
      core::Message (subscribe));
  EXPECT_EQ (
      std::get<SetupRequest> (decode_setup (encode_setup (stream, transport))),
      (SetupRequest{{transport[0]}, ""}));
  EXPECT_EQ (std::get<PlayRequest> (decode_play (encode_play (stream, resume))),
      (PlayRequest{{resume[0]}, ""}));
}

TEST (Codec, AcceptIsThreeAnswers)
{
  const core::message::Accept accept = {{id_b, "10.0.0.2:8554"},
      {{id_a, "10.0.0.1:8554"}}, {{id_a, "10.0.0.1:8554"}}};
  const Response described =
      encode_accept (accept, sdp, "rtsp://10.0.0.2:8554/live/");
  EXPECT_EQ (
      text (described, 1), "RTSP/1.0 200 OK\r\n"
                           "CSeq: 1\r\n"
                           "Content-Type: application/sdp\r\n"
                           "Content-Base: rtsp://10.0.0.2:8554/live/\r\n"
                           "SpreadIt-Peer: id=" +
                               hex_b +
                               "; address=\"10.0.0.2:8554\"; version=1\r\n"
                               "SpreadIt-Root-Path: " +
                               hex_a +
                               "@\"10.0.0.1:8554\"\r\n"
                               "SpreadIt-Standby: " +
                               hex_a +
                               "@\"10.0.0.1:8554\"\r\n"
                               "Content-Length: 5\r\n"
                               "\r\n"
                               "v=0\r\n");
  EXPECT_EQ (decode_describe_answer (described, stream).message,
      core::Message (accept));

  Transport transport = peer_transport_udp (40000);
  transport.server_port = PortRange{50000, 50000};
  const Session session{"c0ffee11", 60s};
  const Response set_up = encode_setup_answer (session, transport);
  EXPECT_EQ (text (set_up, 2),
      "RTSP/1.0 200 OK\r\n"
      "CSeq: 2\r\n"
      "Session: c0ffee11;timeout=60\r\n"
      "Transport: RTP/AVPF;unicast;RTCP-mux;bundle;client_port=40000;"
      "server_port=50000\r\n"
      "\r\n");
  EXPECT_EQ (std::get<SetupAnswer> (decode_setup_answer (set_up)),
      (SetupAnswer{session, transport}));

  const RtpInfo info[] = {{"rtsp://10.0.0.2:8554/live/stream=0", 7, 90'000}};
  const Response playing = encode_play_answer (session, info);
  EXPECT_EQ (text (playing, 3),
      "RTSP/1.0 200 OK\r\n"
      "CSeq: 3\r\n"
      "Session: c0ffee11;timeout=60\r\n"
      "Range: npt=now-\r\n"
      "RTP-Info: url=rtsp://10.0.0.2:8554/live/stream=0;seq=7;"
      "rtptime=90000\r\n"
      "\r\n");
  EXPECT_EQ (
      std::get<PlayAnswer> (decode_play_answer (playing)), PlayAnswer{session});
}

TEST (Codec, APlainPlayerSeesPlainRtspOnly)
{
  const Response response =
      encode_description (sdp, "rtsp://10.0.0.1:8554/live/");
  for (const Header &header : response.headers)
    EXPECT_FALSE (header.name.starts_with ("SpreadIt")) << header.name;
  const Response redirect = encode_plain_redirect (
      {{id_b, "10.0.0.2:8554"}, core::RedirectScope::self}, player_url);
  EXPECT_EQ (text (redirect),
      "RTSP/1.0 302 Moved Temporarily\r\n"
      "CSeq: 1\r\n"
      "Location: rtsp://10.0.0.2:8554/live?spreadit-hops=1\r\n"
      "\r\n");
}

TEST (Codec, APlainPlayerIsCountedFromHopToHop)
{
  Uri asked = player_url;
  asked.query = "token=x";
  for (unsigned hop = 1; hop <= 3; ++hop) {
    const Response redirect = encode_plain_redirect (
        {{id_b, "[::1]:1"}, core::RedirectScope::self}, asked);
    const auto next = parse_uri (*find (redirect.headers, "Location"));
    asked = std::get<Uri> (next);
    EXPECT_EQ (hops (asked), hop);
    EXPECT_EQ (without_hops (asked).query, "token=x");
  }
}

TEST (Codec, RedirectWhileOpening)
{
  const core::message::Redirect redirect{
      {id_b, "[2001:db8::7]:9000"}, core::RedirectScope::self};
  const Response response = encode_redirect (redirect, stream);
  EXPECT_EQ (text (response), "RTSP/1.0 302 Moved Temporarily\r\n"
                              "CSeq: 1\r\n"
                              "Location: spreadit://[2001:db8::7]:9000/live\r\n"
                              "SpreadIt-Target: " +
                                  hex_b +
                                  "\r\n"
                                  "\r\n");
  EXPECT_EQ (decode_describe_answer (response, stream).message,
      core::Message (redirect));
}

TEST (Codec, ARedirectWithoutTheAskersPathSaysSo)
{
  const core::message::Redirect redirect{{id_b, "10.0.0.9:8554"},
      core::RedirectScope::self, /* provisional */ true};
  Response response = encode_redirect (redirect, stream);
  ASSERT_TRUE (find (response.headers, "SpreadIt-Provisional"));
  EXPECT_EQ (decode_describe_answer (response, stream).message,
      core::Message (redirect));
  // Something of a later revision that is not ours to give.
  response.headers.back ().value = "weight";
  const auto other = decode_describe_answer (response, stream);
  EXPECT_FALSE (std::get<core::message::Redirect> (other.message).provisional);
  // Players know nothing of it.
  EXPECT_FALSE (find (encode_plain_redirect (redirect, player_url).headers,
      "SpreadIt-Provisional"));
}

// As from a redirector in front of the source that is not SpreadIt.
TEST (Codec, RedirectByAddressAlone)
{
  for (const char *location :
      {"rtsp://10.0.0.9:8554/live", "spreadit://10.0.0.9/live"}) {
    const auto answer = decode_describe_answer (moved (location), stream);
    const auto &redirect = std::get<core::message::Redirect> (answer.message);
    EXPECT_EQ (redirect.target, (core::Contact{{}, "10.0.0.9:8554"}));
  }
}

TEST (Codec, ARedirectKeepsSchemeAndStream)
{
  Response bad_target = moved ("rtsp://10.0.0.9:8554/live");
  bad_target.headers.push_back ({"SpreadIt-Target", "somebody"});
  for (const Response &response :
      {moved ("rtsps://10.0.0.9:8554/live"), moved ("spreadits://h/live"),
          moved ("http://10.0.0.9/live"), moved ("rtsp://10.0.0.9:8554/other"),
          moved ("rtsp://10.0.0.9:0/live"), moved ("/live"), moved (""),
          make_response (302), bad_target})
    EXPECT_EQ (refusal (decode_describe_answer (response, stream)),
        RefuseReason::malformed);
  EXPECT_EQ (refusal (decode_describe_answer (
                 moved ("rtsp://h:1/live"), secure_stream)),
      RefuseReason::malformed);
}

TEST (Codec, RedirectInSession)
{
  const core::message::Redirect redirect{
      {id_b, "10.0.0.2:8554"}, core::RedirectScope::subtree};
  const auto request = encode_request (redirect, stream, "c0ffee11");
  ASSERT_TRUE (request);
  EXPECT_EQ (
      text (*request, 9), "REDIRECT rtsp://10.0.0.1:8554/live RTSP/1.0\r\n"
                          "CSeq: 9\r\n"
                          "Location: spreadit://10.0.0.2:8554/live\r\n"
                          "SpreadIt-Target: " +
                              hex_b +
                              "\r\n"
                              "SpreadIt-Scope: subtree\r\n"
                              "Session: c0ffee11\r\n"
                              "\r\n");
  EXPECT_EQ (std::get<core::Message> (decode_request (*request)),
      core::Message (redirect));
}

TEST (Codec, BadRedirectRequests)
{
  const auto good = encode_request (
      core::message::Redirect{{id_b, "10.0.0.2:8554"}, {}}, stream, "");
  const std::pair<const char *, const char *> changes[] = {
      {"Location", "spreadits://10.0.0.2:8554/live"},
      {"Location", "spreadit://10.0.0.2:8554/other"},
      {"Location", ""},
      {"SpreadIt-Target", "x"},
      {"SpreadIt-Scope", "everybody"},
  };
  for (const auto &[name, value] : changes) {
    Request request = *good;
    set (request.headers, name, value);
    EXPECT_EQ (status_of (decode_request (request)), 400u) << name << value;
  }
  Request request = *good;
  request.uri = "*";
  EXPECT_EQ (status_of (decode_request (request)), 400u);
}

TEST (Codec, EveryRefusalHasItsStatus)
{
  const std::pair<RefuseReason, unsigned> table[] = {
      {RefuseReason::saturated, 453},
      {RefuseReason::not_receiving, 503},
      {RefuseReason::loop, 482},
      {RefuseReason::no_stream, 404},
      {RefuseReason::not_allowed, 403},
      {RefuseReason::not_spreadit, 551},
      {RefuseReason::malformed, 400},
  };
  for (const auto &[reason, status] : table) {
    const Response response = encode_refuse ({reason, std::nullopt});
    EXPECT_EQ (response.status, status);
    EXPECT_EQ (refusal (decode_describe_answer (response, stream)), reason);
  }
}

TEST (Codec, ComeBackLater)
{
  const core::message::Refuse refuse{RefuseReason::not_receiving, 1100ms};
  const Response response = encode_refuse (refuse);
  EXPECT_EQ (text (response), "RTSP/1.0 503 Service Unavailable\r\n"
                              "CSeq: 1\r\n"
                              "Retry-After: 2\r\n"
                              "SpreadIt-Retry-After-Ms: 1100\r\n"
                              "\r\n");
  EXPECT_EQ (decode_describe_answer (response, stream).message,
      core::Message (refuse));
}

TEST (Codec, RetryAfterIsBounded)
{
  const auto wait = [] (const char *name, const char *value) {
    Response response = make_response (503);
    response.headers.push_back ({name, value});
    return std::get<core::message::Refuse> (
        decode_describe_answer (response, stream).message)
        .retry_after;
  };
  EXPECT_EQ (wait ("Retry-After", "3"), 3s);
  EXPECT_EQ (wait ("Retry-After", "18446744073709551615"), 1h);
  EXPECT_EQ (wait ("SpreadIt-Retry-After-Ms", "18446744073709551615"), 1h);
  EXPECT_EQ (wait ("SpreadIt-Retry-After-Ms", "0"), 0s);
  EXPECT_EQ (wait ("Retry-After", "18446744073709551616"), std::nullopt);
  EXPECT_EQ (
      wait ("Retry-After", "Fri, 31 Dec 1999 23:59:59 GMT"), std::nullopt);
  EXPECT_EQ (
      encode_refuse ({RefuseReason::saturated, -1s}).headers[1].value, "0");
  EXPECT_EQ (
      encode_refuse ({RefuseReason::saturated, 1ns}).headers[1].value, "1");
}

TEST (Codec, OtherServersSayWhatTheyAre)
{
  const std::pair<unsigned, RefuseReason> table[] = {
      {551, RefuseReason::not_spreadit},
      {501, RefuseReason::not_spreadit},
      {405, RefuseReason::not_spreadit},
      {406, RefuseReason::not_spreadit},
      {505, RefuseReason::not_spreadit},
      {401, RefuseReason::not_allowed},
      {403, RefuseReason::not_allowed},
      {410, RefuseReason::no_stream},
      {500, RefuseReason::not_receiving},
      {502, RefuseReason::not_receiving},
      {408, RefuseReason::not_receiving},
      {400, RefuseReason::malformed},
      {454, RefuseReason::malformed},
      {300, RefuseReason::malformed},
      {305, RefuseReason::malformed},
      {201, RefuseReason::malformed},
  };
  for (const auto &[status, reason] : table)
    EXPECT_EQ (
        refusal (decode_describe_answer (make_response (status), stream)),
        reason)
        << status;
  EXPECT_EQ (refusal (decode_describe_answer (
                 encode_description (sdp, "rtsp://h/"), stream)),
      RefuseReason::not_spreadit);
}

TEST (Codec, BadAcceptsAreMalformed)
{
  const std::pair<const char *, const char *> changes[] = {
      {"SpreadIt-Peer", "id=1; version=1"},
      {"SpreadIt-Root-Path", "nobody"},
      {"SpreadIt-Standby", "nobody"},
      {"Content-Type", "text/html"},
  };
  for (const auto &[name, value] : changes) {
    Response response = accepted ();
    set (response.headers, name, value);
    EXPECT_EQ (refusal (decode_describe_answer (response, stream)),
        RefuseReason::malformed)
        << name;
  }
  Response response = accepted ();
  response.body.clear ();
  EXPECT_EQ (refusal (decode_describe_answer (response, stream)),
      RefuseReason::malformed);
  response = accepted ();
  response.headers.push_back ({"SpreadIt-Peer", "id=" + hex_b + "; version=1"});
  EXPECT_EQ (refusal (decode_describe_answer (response, stream)),
      RefuseReason::malformed);
}

TEST (Codec, AcceptToleratesMore)
{
  Response response = accepted ();
  set (response.headers, "Content-Type", "Application/SDP ; charset=utf-8");
  std::string many = hex_b + "@\"h:1\"";
  for (int i = 0; i < 9; ++i)
    many += ", " + hex_b + "@\"h:1\"";
  set (response.headers, "SpreadIt-Standby", many);
  response.headers.push_back ({"SpreadIt-Weather", "fine"});
  const auto answer = decode_describe_answer (response, stream);
  EXPECT_EQ (std::get<core::message::Accept> (answer.message).standby.size (),
      core::limits::standby_max);
}

TEST (Codec, SessionMessages)
{
  const auto teardown =
      encode_request (core::message::Unsubscribe{}, stream, "c0ffee11");
  EXPECT_EQ (text (*teardown, 4),
      "TEARDOWN rtsp://10.0.0.1:8554/live RTSP/1.0\r\n"
      "CSeq: 4\r\n"
      "Session: c0ffee11\r\n"
      "\r\n");
  const auto leaving =
      encode_request (core::message::Leaving{}, secure_stream, "");
  EXPECT_EQ (text (*leaving, 5),
      "SET_PARAMETER rtsps://10.0.0.1:8322/live RTSP/1.0\r\n"
      "CSeq: 5\r\n"
      "Content-Type: text/parameters\r\n"
      "Content-Length: 18\r\n"
      "\r\n"
      "message: leaving\r\n");
  EXPECT_EQ (std::get<core::Message> (decode_request (*leaving)),
      core::Message (core::message::Leaving{}));
  EXPECT_FALSE (encode_request (core::message::Subscribe{}, stream, ""));
  EXPECT_FALSE (encode_request (core::message::Accept{}, stream, ""));
  EXPECT_FALSE (encode_request (core::message::Refuse{}, stream, ""));
}

TEST (Codec, OptionsOfWhoDialsBack)
{
  const Uri there{Scheme::spreadit, "10.0.0.3", 8554, "/live", ""};
  const Request request = encode_options (there);
  EXPECT_EQ (request.method, "OPTIONS");
  EXPECT_EQ (request.uri, "rtsp://10.0.0.3:8554/live");
  EXPECT_TRUE (is_spreadit (request));
  EXPECT_TRUE (std::holds_alternative<NotOurs> (decode_request (request)));

  const core::Contact self{{7, 9}, "10.0.0.3:8554"};
  Response answer = make_response (200);
  EXPECT_EQ (decode_options_answer (answer), std::nullopt);
  identify (answer, self);
  EXPECT_EQ (decode_options_answer (answer), self.id);
  Response twice = answer;
  identify (twice, self);
  EXPECT_EQ (decode_options_answer (twice), std::nullopt);
  answer.status = 404;
  EXPECT_EQ (decode_options_answer (answer), std::nullopt);
  for (const char *bad : {"", "id=7; version=1", "version=1",
           "id=00000000000000000000000000000000; version=1"}) {
    Response odd = make_response (200);
    set (odd.headers, header::peer, bad);
    EXPECT_EQ (decode_options_answer (odd), std::nullopt) << bad;
  }
}

TEST (Codec, OrdinaryRtspIsNotOurs)
{
  for (const char *method : {"OPTIONS", "DESCRIBE", "SETUP", "PLAY", "PAUSE",
           "GET_PARAMETER", "SET_PARAMETER", "ANNOUNCE", "RECORD", "teardown"})
    EXPECT_EQ (decode_request ({method, "rtsp://h:1/x", {}, {}}),
        DecodedRequest (NotOurs{}))
        << method;
  Request request{"SET_PARAMETER", "rtsp://h:1/x",
      {{"Content-Type", "text/parameters"}}, "barparam: barstuff\r\n"};
  EXPECT_EQ (decode_request (request), DecodedRequest (NotOurs{}));
  request.body = "message: leaving\r\n";
  EXPECT_EQ (decode_request (request),
      DecodedRequest (core::Message (core::message::Leaving{})));
  set (request.headers, "Content-Type", "text/plain");
  EXPECT_EQ (decode_request (request), DecodedRequest (NotOurs{}));
}

TEST (Codec, BadSubscribes)
{
  EXPECT_EQ (status_of (decode_request (subscribing ())), 200u);
  Request request = subscribing ();
  set (request.headers, "Require", "org.spreadit.1, org.spreadit.2");
  EXPECT_EQ (status_of (decode_request (request)), 551u);
  request = {"DESCRIBE", "rtsp://h:1/x", {{"Require", "org.spreadit.1"}}, {}};
  EXPECT_EQ (status_of (decode_request (request)), 400u);
  request = subscribing ();
  set (request.headers, "SpreadIt-Peer", "x");
  EXPECT_EQ (status_of (decode_request (request)), 400u);
  request = subscribing ();
  set (request.headers, "SpreadIt-Join", "reason=x");
  EXPECT_EQ (status_of (decode_request (request)), 400u);
  for (const char *name : {"SpreadIt-Peer", "SpreadIt-Join"}) {
    request = subscribing ();
    request.headers.push_back ({name, *find (request.headers, name)});
    EXPECT_EQ (status_of (decode_request (request)), 400u) << name;
  }
}

TEST (Codec, BadSetupsAndPlays)
{
  const auto setup = [] (Headers headers) {
    const auto result =
        decode_setup ({"SETUP", "rtsp://h:1/x", std::move (headers), {}});
    const auto *reason = std::get_if<Reason> (&result);
    return reason ? reason->status : 200;
  };
  EXPECT_EQ (setup ({}), 400u);
  EXPECT_EQ (setup ({{"Transport", "RTP/AVP;client_port=0"}}), 400u);
  EXPECT_EQ (setup ({{"Transport", "RTP/AVP"}, {"Session", "a b"}}), 454u);
  EXPECT_EQ (setup ({{"Transport", "RTP/SAVP"}}), 200u);

  const auto play = [] (Headers headers) {
    const auto result =
        decode_play ({"PLAY", "rtsp://h:1/x", std::move (headers), {}});
    const auto *reason = std::get_if<Reason> (&result);
    return reason ? reason->status : 200;
  };
  EXPECT_EQ (play ({}), 200u);
  EXPECT_EQ (play ({{"Session", "12345678;timeout=x"}}), 454u);
  EXPECT_EQ (play ({{"SpreadIt-Resume", ""}}), 400u);
}

TEST (Codec, BadSetupAndPlayAnswers)
{
  const auto setup = [] (unsigned status, Headers headers) {
    const auto result =
        decode_setup_answer ({status, "", std::move (headers), {}});
    const auto *reason = std::get_if<Reason> (&result);
    return reason ? reason->status : 200;
  };
  const Header session{"Session", "12345678"};
  EXPECT_EQ (setup (200, {session, {"Transport", "RTP/AVPF"}}), 200u);
  EXPECT_EQ (setup (461, {}), 461u);
  EXPECT_EQ (setup (200, {session}), 502u);
  EXPECT_EQ (setup (200, {{"Transport", "RTP/AVPF"}}), 502u);
  EXPECT_EQ (setup (200, {session, {"Transport", "RTP/SAVP"}}), 502u);
  EXPECT_EQ (setup (200, {session, {"Transport", "RTP/AVP,RTP/AVP"}}), 502u);
  EXPECT_EQ (setup (200, {session, {"Transport", "RTP/AVP;ssrc=x"}}), 502u);

  EXPECT_EQ (std::get<PlayAnswer> (decode_play_answer (make_response (200))),
      PlayAnswer{});
  EXPECT_EQ (
      std::get<Reason> (decode_play_answer (make_response (455))).status, 455u);
  EXPECT_EQ (std::get<Reason> (
                 decode_play_answer ({200, "", {{"Session", "a b"}}, {}}))
                 .status,
      502u);
}

// A core may count further than the wire does.
TEST (Codec, FiguresAreWrittenWithinTheLimits)
{
  core::message::Subscribe subscribe;
  subscribe.self = {id_b, ""};
  subscribe.children_max = subscribe.tries = 4'294'967'295u;
  subscribe.subtree = {4'294'967'295u, 4'294'967'295u, 4'294'967'295u};
  subscribe.avoid.resize (100, id_a);
  EXPECT_EQ (
      status_of (decode_request (encode_describe (subscribe, stream))), 200u);
  core::message::Alive alive;
  alive.self = subscribe.self;
  alive.children_max = subscribe.children_max;
  alive.subtree = subscribe.subtree;
  alive.quality = {4'294'967'295u, 4'294'967'295u, 4'294'967'295u,
      4'294'967'295u, 4'294'967'295u};
  EXPECT_EQ (
      status_of (decode_request (*encode_request (alive, stream, ""))), 200u);
}

TEST (Codec, AReasonBecomesAnAnswer)
{
  EXPECT_EQ (encode_reason ({451, "whatever\r\n"}), make_response (451));
}
