// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtsp/writer.hpp"

#include <functional>

#include <gtest/gtest.h>

#include "rtsp/limits.hpp"
#include "rtsp/parser.hpp"

using namespace spreadit::rtsp;

namespace {

Request
good_request ()
{
  return {"PLAY", "rtsp://a:8554/live", {{"CSeq", "1"}}, ""};
}

Response
good_response ()
{
  return {200, "OK", {{"CSeq", "1"}}, ""};
}

const std::string nul (1, '\0');

} // namespace

TEST (Writer, WritesARequest)
{
  EXPECT_EQ (write (good_request ()),
      "PLAY rtsp://a:8554/live RTSP/1.0\r\nCSeq: 1\r\n\r\n");
}

TEST (Writer, AddsTheLengthOfABody)
{
  Response response = good_response ();
  response.body = "v=0\r\n";
  response.headers.push_back ({"content-length", "99"});
  EXPECT_EQ (write (response), "RTSP/1.0 200 OK\r\n"
                               "CSeq: 1\r\n"
                               "Content-Length: 5\r\n"
                               "\r\n"
                               "v=0\r\n");
}

TEST (Writer, FramesAPacket)
{
  EXPECT_EQ (write (Interleaved{3, {'x', 0, 'y'}}),
      "$" + std::string ("\x03\x00\x03x\x00y", 6));
  EXPECT_EQ (interleaved_header (7, 0x1234),
      (std::array<std::uint8_t, 4>{'$', 7, 0x12, 0x34}));
  EXPECT_EQ (
      write (Interleaved{0, std::vector<std::uint8_t> (65'536)}), std::nullopt);
}

TEST (Writer, RefusesWhatWouldNotReadBack)
{
  using Change = std::function<void (Request &)>;
  const std::pair<const char *, Change> changes[] = {
      {"CR LF in a value",
          [] (Request &r) {
            r.headers.push_back ({"X", "a\r\nY: b"});
          }},
      {"LF in a value",
          [] (Request &r) {
            r.headers.push_back ({"X", "a\nb"});
          }},
      {"CR in a value",
          [] (Request &r) {
            r.headers.push_back ({"X", "a\rb"});
          }},
      {"NUL in a value",
          [] (Request &r) {
            r.headers.push_back ({"X", nul});
          }},
      {"space around a value",
          [] (Request &r) {
            r.headers.push_back ({"X", " a"});
          }},
      {"CR LF in a name",
          [] (Request &r) {
            r.headers.push_back ({"X\r\nY", "a"});
          }},
      {"colon in a name",
          [] (Request &r) {
            r.headers.push_back ({"X:", "a"});
          }},
      {"no name",
          [] (Request &r) {
            r.headers.push_back ({"", "a"});
          }},
      {"no CSeq", [] (Request &r) { r.headers.clear (); }},
      {"two CSeq",
          [] (Request &r) {
            r.headers.push_back ({"cseq", "2"});
          }},
      {"CR LF in the URL", [] (Request &r) { r.uri += "\r\nX: y"; }},
      {"space in the URL", [] (Request &r) { r.uri += " x"; }},
      {"no URL", [] (Request &r) { r.uri.clear (); }},
      {"no method", [] (Request &r) { r.method.clear (); }},
      {"space in the method", [] (Request &r) { r.method = "PL AY"; }},
      {"method like a packet", [] (Request &r) { r.method = "$PLAY"; }},
      {"method like an answer", [] (Request &r) { r.method = "RTSP/1.0"; }},
      {"method too long",
          [] (Request &r) { r.method.assign (limits::method_max + 1, 'A'); }},
      {"URL too long",
          [] (Request &r) { r.uri.assign (limits::request_line_max, 'x'); }},
      {"header line too long",
          [] (Request &r) {
            r.headers.push_back (
                {"X", std::string (limits::header_line_max, 'x')});
          }},
      {"too many headers",
          [] (Request &r) {
            r.headers.insert (r.headers.end (), limits::headers_max, {"X", ""});
          }},
      {"too many header bytes",
          [] (Request &r) {
            r.headers.insert (
                r.headers.end (), 5, {"X", std::string (8000, 'x')});
          }},
      {"body too long",
          [] (Request &r) { r.body.assign (limits::body_max + 1, 'x'); }},
  };
  for (const auto &[what, change] : changes) {
    Request request = good_request ();
    change (request);
    EXPECT_EQ (write (request), std::nullopt) << what;
  }
}

TEST (Writer, RefusesBadStatusLines)
{
  Response response = good_response ();
  response.reason = "OK\r\nX: y";
  EXPECT_EQ (write (response), std::nullopt);
  response = good_response ();
  response.status = 99;
  EXPECT_EQ (write (response), std::nullopt);
  response.status = 600;
  EXPECT_EQ (write (response), std::nullopt);
  response = good_response ();
  response.reason.assign (limits::reason_phrase_max + 1, 'x');
  EXPECT_EQ (write (response), std::nullopt);
  response = good_response ();
  set (response.headers, "CSeq", "x");
  EXPECT_EQ (write (response), std::nullopt);
}

// A header block of exactly the size and number allowed passes both ways.
TEST (Writer, TheLimitsAreTheParsers)
{
  Request request = good_request ();
  request.body.assign (limits::body_max, '$');
  while (request.headers.size () < limits::headers_max - 1)
    request.headers.push_back ({"X", "y"});
  const auto bytes = write (request);
  ASSERT_TRUE (bytes);
  Parser parser;
  parser.push (*bytes);
  request.headers.push_back ({"Content-Length", "65536"});
  EXPECT_EQ (parser.next (), Parser::Next (Unit (request)));
}
