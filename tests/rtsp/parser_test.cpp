// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtsp/parser.hpp"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

using namespace spreadit::rtsp;

namespace {

using Next = Parser::Next;

// Everything but NeedMore that comes out of `stream`, cut into pieces of at
// most `piece` bytes.
std::vector<Next>
read_all (std::string_view stream, std::size_t piece = std::string_view::npos)
{
  Parser parser;
  std::vector<Next> out;
  while (!stream.empty ()) {
    parser.push (stream.substr (0, piece));
    stream.remove_prefix (std::min (piece, stream.size ()));
    for (;;) {
      Next next = parser.next ();
      if (std::holds_alternative<Parser::NeedMore> (next))
        break;
      out.push_back (std::move (next));
      if (std::holds_alternative<Parser::Error> (out.back ()))
        return out;
    }
    EXPECT_LE (parser.buffered (), limits::unit_max);
  }
  return out;
}

template <class T>
T
only (std::string_view stream)
{
  const auto out = read_all (stream);
  EXPECT_EQ (out.size (), 1u);
  const auto *unit = out.empty () ? nullptr : std::get_if<Unit> (&out[0]);
  const auto *message = unit ? std::get_if<T> (unit) : nullptr;
  EXPECT_NE (message, nullptr);
  return message ? *message : T{};
}

Parser::Error
error_of (std::string_view stream)
{
  const auto out = read_all (stream);
  const auto *error =
      out.empty () ? nullptr : std::get_if<Parser::Error> (&out.back ());
  return error ? *error : Parser::Error{999, "no error", {}};
}

std::string
get (std::string_view headers)
{
  return "OPTIONS rtsp://a:8554/live RTSP/1.0\r\n" + std::string (headers) +
         "\r\n";
}

} // namespace

TEST (Parser, ReadsWhatFfmpegSendsFirst)
{
  const auto request =
      only<Request> ("OPTIONS rtsp://127.0.0.1:8554/live RTSP/1.0\r\n"
                     "CSeq: 1\r\n"
                     "User-Agent: Lavf59.27.100\r\n"
                     "\r\n");
  EXPECT_EQ (request.method, "OPTIONS");
  EXPECT_EQ (request.uri, "rtsp://127.0.0.1:8554/live");
  ASSERT_EQ (request.headers.size (), 2u);
  EXPECT_EQ (request.headers[1], (Header{"User-Agent", "Lavf59.27.100"}));
  EXPECT_EQ (cseq (request.headers), 1u);
  EXPECT_TRUE (request.body.empty ());
}

TEST (Parser, TakesBytesAsWellAsText)
{
  const std::vector<std::uint8_t> bytes = {'$', 9, 0, 1, 0xff};
  Parser parser;
  parser.push (bytes);
  EXPECT_EQ (parser.next (), Next (Unit (Interleaved{9, {0xff}})));
  EXPECT_EQ (parser.next (), Next (Parser::NeedMore{}));
}

TEST (Parser, KeepsMethodsAndHeadersItDoesNotKnow)
{
  const auto request = only<Request> (
      "FROBNICATE * RTSP/1.0\r\nCSeq:7\r\nX-Odd:  spaced \t out\t \r\n\r\n");
  EXPECT_EQ (request.method, "FROBNICATE");
  EXPECT_EQ (request.headers[1], (Header{"X-Odd", "spaced \t out"}));
}

TEST (Parser, ReadsAnswersBodiesAndPacketsFromOneStream)
{
  const auto out =
      read_all ("RTSP/1.0 200 OK\r\nCSeq: 3\r\nContent-Length: 5\r\n\r\nv=0\r\n"
                "$" +
                std::string ("\x01\x00\x04"
                             "abcd",
                    7) +
                "$" + std::string ("\x02\x00\x00", 3) +
                "\r\n"
                "TEARDOWN rtsp://a/b RTSP/1.0\r\ncseq: 4\r\n\r\n");
  ASSERT_EQ (out.size (), 4u);
  const auto &response = std::get<Response> (std::get<Unit> (out[0]));
  EXPECT_EQ (response.status, 200u);
  EXPECT_EQ (response.reason, "OK");
  EXPECT_EQ (response.body, "v=0\r\n");
  const Interleaved packet{1, {'a', 'b', 'c', 'd'}};
  EXPECT_EQ (std::get<Unit> (out[1]), Unit (packet));
  EXPECT_EQ (std::get<Unit> (out[2]), Unit (Interleaved{2, {}}));
  EXPECT_EQ (std::get<Request> (std::get<Unit> (out[3])).method, "TEARDOWN");
}

TEST (Parser, DollarInsideABodyIsNotAPacket)
{
  const auto request = only<Request> (
      get ("CSeq: 1\r\nContent-Length: 8\r\n") + "$\x01\x02\x03$$$$");
  EXPECT_EQ (request.body, "$\x01\x02\x03$$$$");
}

// ffmpeg answers requests it does not know "501 Not Implemented" without CSeq.
TEST (Parser, LetsAnAnswerWithoutCSeqPass)
{
  const auto response = only<Response> ("RTSP/1.0 501 Not Implemented\r\n\r\n");
  EXPECT_EQ (response.status, 501u);
  EXPECT_EQ (cseq (response.headers), std::nullopt);
}

TEST (Parser, TakesAnEmptyReasonPhrase)
{
  EXPECT_EQ (only<Response> ("RTSP/1.0 200 \r\nCSeq: 1\r\n\r\n").reason, "");
}

TEST (Parser, SameContentLengthTwiceIsHarmless)
{
  EXPECT_EQ (only<Request> (get ("CSeq: 1\r\nContent-Length: 2\r\n"
                                 "content-length: 2\r\n") +
                            "ab")
                 .body,
      "ab");
}

TEST (Parser, AnErrorIsForEver)
{
  Parser parser;
  parser.push ("hello\r\n");
  const Next first = parser.next ();
  ASSERT_TRUE (std::holds_alternative<Parser::Error> (first));
  parser.push (get ("CSeq: 1\r\n"));
  EXPECT_EQ (parser.next (), first);
  EXPECT_EQ (parser.buffered (), 0u);
}

TEST (Parser, WhatCameBeforeAnErrorIsStillGiven)
{
  const auto out = read_all (get ("CSeq: 1\r\n") + "\r\nrubbish\r\n");
  ASSERT_EQ (out.size (), 2u);
  EXPECT_TRUE (std::holds_alternative<Unit> (out[0]));
  EXPECT_TRUE (std::holds_alternative<Parser::Error> (out[1]));
}

TEST (Parser, AnErrorNamesTheCSeqItIsAbout)
{
  EXPECT_EQ (error_of (get ("CSeq: 17\r\nContent-Length: x\r\n")).cseq, 17u);
  EXPECT_EQ (error_of ("PLAY rtsp://a/b RTSP/2.0\r\nCSeq: 5\r\n\r\n"),
      (Parser::Error{505, "only RTSP/1.0 is spoken here", 5}));
}

namespace {

struct Bad {
  const char *what;
  std::string stream;
  unsigned status;
};

const std::string nul (1, '\0');

const std::vector<Bad> bad_streams = {
    {"LF alone", "OPTIONS * RTSP/1.0\nCSeq: 1\n\n", 400},
    {"LF alone after a header", "OPTIONS * RTSP/1.0\r\nCSeq: 1\n\r\n", 400},
    {"LF first", "\n\nOPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n", 400},
    {"CR alone", "OPTIONS * RTSP/1.0\rCSeq: 1\r\n\r\n", 400},
    {"CR CR LF", "OPTIONS * RTSP/1.0\r\r\nCSeq: 1\r\n\r\n", 400},
    {"CR in a value", get ("CSeq: 1\r\nX: a\rb\r\n"), 400},
    {"two spaces", "OPTIONS  * RTSP/1.0\r\nCSeq: 1\r\n\r\n", 400},
    {"two spaces at the end", "OPTIONS *  RTSP/1.0\r\nCSeq: 1\r\n\r\n", 400},
    {"space in front", " OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n", 400},
    {"space behind", "OPTIONS * RTSP/1.0 \r\nCSeq: 1\r\n\r\n", 400},
    {"tab between words", "OPTIONS\t* RTSP/1.0\r\nCSeq: 1\r\n\r\n", 400},
    {"no URL", "OPTIONS RTSP/1.0\r\nCSeq: 1\r\n\r\n", 400},
    {"no version", "OPTIONS rtsp://a/b\r\nCSeq: 1\r\n\r\n", 400},
    {"method alone", "OPTIONS\r\nCSeq: 1\r\n\r\n", 400},
    {"bad method", "OPT(ONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n", 400},
    {"endless method", std::string (33, 'M') + " * RTSP/1.0\r\nCSeq: 1\r\n\r\n",
        400},
    {"raw UTF-8 URL", "OPTIONS rtsp://a/caf\xc3\xa9 RTSP/1.0\r\n\r\n", 400},
    {"NUL in the URL", "OPTIONS rtsp://a/" + nul + " RTSP/1.0\r\n\r\n", 400},
    {"NUL first", nul + "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n", 400},
    {"lower case version", "OPTIONS * rtsp/1.0\r\nCSeq: 1\r\n\r\n", 505},
    {"RTSP/2.0", "OPTIONS * RTSP/2.0\r\nCSeq: 1\r\n\r\n", 505},
    {"RTSP/1.1", "OPTIONS * RTSP/1.1\r\nCSeq: 1\r\n\r\n", 505},
    {"RTSP/1.0.0", "OPTIONS * RTSP/1.0.0\r\nCSeq: 1\r\n\r\n", 400},
    {"RTSP/1.", "OPTIONS * RTSP/1.\r\nCSeq: 1\r\n\r\n", 400},
    {"a browser", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 505},
    {"a web server", "HTTP/1.1 400 Bad Request\r\n\r\n", 400},
    {"TLS", "\x16\x03\x01\x02", 400},
    {"a TLS alert", "\x15\x03\x03", 400},
    {"SSH", "SSH-2.0-OpenSSH_9.2\r\n", 400},
    {"folded", get ("CSeq: 1\r\nX: a\r\n b\r\n"), 400},
    {"folded with tab", get ("CSeq: 1\r\nX: a\r\n\tb\r\n"), 400},
    {"space before colon", get ("CSeq : 1\r\n"), 400},
    {"no colon", get ("CSeq 1\r\n"), 400},
    {"no name", get ("CSeq: 1\r\n: x\r\n"), 400},
    {"NUL in a value", get ("CSeq: 1\r\nX: a" + nul + "\r\n"), 400},
    {"escape in a value", get ("CSeq: 1\r\nX: \x1b[2J\r\n"), 400},
    {"DEL in a value", get ("CSeq: 1\r\nX: \x7f\r\n"), 400},
    {"no CSeq", get (""), 400},
    {"CSeq empty", get ("CSeq:\r\n"), 400},
    {"CSeq negative", get ("CSeq: -1\r\n"), 400},
    {"CSeq signed", get ("CSeq: +1\r\n"), 400},
    {"CSeq hexadecimal", get ("CSeq: 0x1\r\n"), 400},
    {"CSeq with rest", get ("CSeq: 1 OPTIONS\r\n"), 400},
    {"CSeq too big", get ("CSeq: 4294967296\r\n"), 400},
    {"CSeq twice", get ("CSeq: 1\r\nCSeq: 2\r\n"), 400},
    {"length negative", get ("CSeq: 1\r\nContent-Length: -1\r\n"), 400},
    {"length signed", get ("CSeq: 1\r\nContent-Length: +1\r\n"), 400},
    {"length list", get ("CSeq: 1\r\nContent-Length: 1, 1\r\n"), 400},
    {"length empty", get ("CSeq: 1\r\nContent-Length: \r\n"), 400},
    {"lengths differ",
        get ("CSeq: 1\r\nContent-Length: 1\r\nContent-Length: 2\r\n"), 400},
    {"length beyond 64 bits",
        get ("CSeq: 1\r\nContent-Length: 18446744073709551617\r\n"), 400},
    {"body too long", get ("CSeq: 1\r\nContent-Length: 65537\r\n"), 413},
    {"URL too long",
        "OPTIONS rtsp://a/" + std::string (9000, 'x') + " RTSP/1.0\r\n", 414},
    {"header line too long",
        get ("CSeq: 1\r\nX: " + std::string (8190, 'x') + "\r\n"), 413},
    {"endless header line", get ("CSeq: 1\r\nX: " + std::string (9000, 'x')),
        413},
    {"answer of RTSP/2.0", "RTSP/2.0 200 OK\r\n\r\n", 0},
    {"answer without status", "RTSP/1.0 OK\r\n\r\n", 0},
    {"answer with two digits", "RTSP/1.0 20 OK\r\n\r\n", 0},
    {"answer with four digits", "RTSP/1.0 2000 OK\r\n\r\n", 0},
    {"answer 099", "RTSP/1.0 099 OK\r\n\r\n", 0},
    {"answer 600", "RTSP/1.0 600 OK\r\n\r\n", 0},
    {"answer without space", "RTSP/1.0 200\r\n\r\n", 0},
    {"answer with NUL", "RTSP/1.0 200 O" + nul + "K\r\n\r\n", 0},
    {"answer line too long", "RTSP/1.0 200 " + std::string (9000, 'x') + "\r\n",
        0},
    {"answer with LF alone", "RTSP/1.0 200 OK\n\n", 0},
    {"answer with bad header", "RTSP/1.0 200 OK\r\nno colon\r\n\r\n", 0},
    {"answer with bad CSeq", "RTSP/1.0 200 OK\r\nCSeq: x\r\n\r\n", 0},
};

std::string
many_headers (std::size_t count)
{
  std::string lines = "CSeq: 1\r\n";
  for (std::size_t i = 1; i < count; ++i)
    lines += "X-" + std::to_string (i) + ": y\r\n";
  return get (lines);
}

std::string
empty_lines (unsigned count)
{
  std::string stream;
  for (unsigned i = 0; i < count; ++i)
    stream += "\r\n";
  return stream + get ("CSeq: 1\r\n");
}

} // namespace

TEST (Parser, RefusesWhatIsNotStrictlyRtsp)
{
  for (const Bad &bad : bad_streams) {
    SCOPED_TRACE (bad.what);
    const auto error = error_of (bad.stream);
    EXPECT_EQ (error.status, bad.status) << error.text;
    EXPECT_FALSE (error.text.empty ());
  }
}

TEST (Parser, LimitsAreWhatTheySay)
{
  only<Request> (many_headers (limits::headers_max));
  EXPECT_EQ (error_of (many_headers (limits::headers_max + 1)).status, 413u);
  only<Request> (empty_lines (limits::empty_lines_max));
  EXPECT_EQ (error_of (empty_lines (limits::empty_lines_max + 1)).status, 400u);

  const std::string longest (limits::header_line_max - 2, 'x');
  only<Request> (get ("CSeq: 1\r\nX:" + longest + "\r\n"));
  EXPECT_EQ (error_of (get ("CSeq: 1\r\nX:" + longest + "x\r\n")).status, 413u);
  const std::string four = "A:" + longest + "\r\nB:" + longest +
                           "\r\nC:" + longest + "\r\nD:" + longest + "\r\n";
  EXPECT_EQ (error_of (get ("CSeq: 1\r\n" + four)).status, 413u);

  const std::string url (limits::request_line_max - 17, 'x');
  only<Request> ("OPTIONS " + url + " RTSP/1.0\r\nCSeq: 1\r\n\r\n");
  EXPECT_EQ (
      error_of ("OPTIONS x" + url + " RTSP/1.0\r\nCSeq: 1\r\n\r\n").status,
      414u);

  const std::string body (limits::body_max, '\0');
  EXPECT_EQ (
      only<Request> (get ("CSeq: 1\r\nContent-Length: 65536\r\n") + body).body,
      body);
  std::string packet = "$" + std::string ("\x05\xff\xff", 3);
  packet.append (limits::interleaved_max, 'p');
  EXPECT_EQ (only<Interleaved> (packet).payload.size (), 65'535u);
}

// However a stream is cut, the same comes out of it.
TEST (Parser, CutsDoNotMatter)
{
  std::vector<std::string> streams;
  for (const Bad &bad : bad_streams)
    streams.push_back (get ("CSeq: 3\r\n") + bad.stream);
  streams.push_back (many_headers (limits::headers_max));
  streams.push_back (many_headers (limits::headers_max + 1));
  streams.push_back (empty_lines (limits::empty_lines_max + 1));
  streams.push_back (
      get ("CSeq: 1\r\nContent-Length: 3\r\n") + "a\r\n" + "$" +
      std::string ("\x00\x00\x02", 3) + "xy" + "\r\n\r\n" +
      "RTSP/1.0 302 Moved Temporarily\r\nLocation: rtsp://a:1/b\r\n\r\n");
  for (const std::string &stream : streams) {
    SCOPED_TRACE (stream.substr (0, 200));
    const auto whole = read_all (stream);
    for (std::size_t piece : {1, 2, 3, 5, 7, 64, 1000})
      EXPECT_EQ (read_all (stream, piece), whole) << "pieces of " << piece;
  }
}

TEST (Parser, RandomCutsDoNotMatter)
{
  const std::string unit = get ("CSeq: 1\r\nContent-Length: 20\r\n") +
                           "01234567890123456789" + "$" +
                           std::string ("\x00\x00\x06", 3) + "\r\n\r\n$$" +
                           "RTSP/1.0 200 OK\r\nCSeq: 9\r\n\r\n";
  std::string stream;
  for (int i = 0; i < 50; ++i)
    stream += unit;
  const auto whole = read_all (stream);
  ASSERT_EQ (whole.size (), 150u);
  for (unsigned seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE ("seed " + std::to_string (seed));
    std::mt19937 random (seed);
    Parser parser;
    std::vector<Next> out;
    for (std::size_t at = 0; at < stream.size ();) {
      const std::size_t piece = 1 + random () % 300;
      parser.push (std::string_view (stream).substr (at, piece));
      at += piece;
      // Sometimes one is taken, sometimes all there are.
      do {
        Next next = parser.next ();
        if (std::holds_alternative<Parser::NeedMore> (next))
          break;
        out.push_back (std::move (next));
      } while (random () % 4 != 0);
    }
    for (Next next = parser.next ();
         !std::holds_alternative<Parser::NeedMore> (next);
         next = parser.next ())
      out.push_back (std::move (next));
    EXPECT_EQ (out, whole);
    EXPECT_EQ (parser.buffered (), 0u);
  }
}

// A bound on memory for every kind of unfinished unit, fed byte by byte. Were
// a byte looked at anew each time, this would take minutes.
TEST (Parser, UnfinishedUnitsAreBounded)
{
  const std::vector<std::string> beginnings = {
      "OPTIONS rtsp://",
      "OPTIONS * RTSP/1.0\r\nX: ",
      get ("CSeq: 1\r\nContent-Length: 65536\r\n"),
      "$" + std::string ("\x00\xff\xff", 3),
  };
  for (const std::string &beginning : beginnings) {
    Parser parser;
    parser.push (beginning);
    std::size_t most = 0;
    for (int i = 0; i < 2'000'000; ++i) {
      parser.push ("$");
      (void)parser.next ();
      most = std::max (most, parser.buffered ());
    }
    EXPECT_LE (most, limits::unit_max);
  }
}

TEST (Parser, WhoTakesOneUnitAPushKeepsABoundedBuffer)
{
  Parser parser;
  const std::string one = get ("CSeq: 1\r\n");
  parser.push (one);
  for (int i = 0; i < 100'000; ++i) {
    parser.push (one);
    ASSERT_TRUE (std::holds_alternative<Unit> (parser.next ()));
    ASSERT_EQ (parser.buffered (), one.size ());
  }
}
