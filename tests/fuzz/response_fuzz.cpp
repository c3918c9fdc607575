// A stream of answers, each read as the answer to each request of a flight.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fuzz.hpp"
#include "rtsp/codec.hpp"
#include "rtsp/parser.hpp"
#include "rtsp/writer.hpp"

using namespace spreadit;
using namespace spreadit::rtsp;
using fuzz::require;

namespace {

const Uri asked{Scheme::spreadit, "10.0.0.1", 8554, "/live", ""};

Response
send (Response response)
{
  set_cseq (response.headers, 7);
  const auto bytes = write (response);
  require (bytes.has_value (), "what is encoded can be written");
  Parser parser;
  parser.push (*bytes);
  auto next = parser.next ();
  auto *unit = std::get_if<Unit> (&next);
  require (unit && std::holds_alternative<Response> (*unit), "and read");
  return std::get<Response> (std::move (*unit));
}

void
check_describe (const Response &response, const Uri &stream)
{
  const auto answer = decode_describe_answer (response, stream);
  Response again;
  if (const auto *accept = std::get_if<core::message::Accept> (&answer.message))
    again =
        encode_accept (*accept, response.body, "rtsp://10.0.0.1:8554/live/");
  else if (const auto *redirect =
               std::get_if<core::message::Redirect> (&answer.message))
    again = encode_redirect (*redirect, stream);
  else
    again = encode_refuse (std::get<core::message::Refuse> (answer.message));
  require (
      decode_describe_answer (send (again), stream).message == answer.message,
      "an answer comes back");
}

void
check (const Response &response)
{
  check_describe (response, asked);
  Uri secure = asked;
  secure.scheme = Scheme::rtsps;
  check_describe (response, secure);

  if (const auto id = decode_options_answer (response)) {
    Response again = make_response (200);
    identify (again, {*id, {}});
    require (decode_options_answer (send (again)) == id, "an id comes back");
  }

  const auto setup = decode_setup_answer (response);
  if (const auto *answer = std::get_if<SetupAnswer> (&setup)) {
    const auto again = decode_setup_answer (
        send (encode_setup_answer (answer->session, answer->transport)));
    require (std::get<SetupAnswer> (again).session == answer->session,
        "a session comes back");
  }
  const auto play = decode_play_answer (response);
  if (const auto *answer = std::get_if<PlayAnswer> (&play);
      answer && answer->session)
    require (decode_play_answer (send (encode_play_answer (
                 *answer->session))) == Result<PlayAnswer> (*answer),
        "an answer to PLAY comes back");
}

} // namespace

extern "C" int
LLVMFuzzerTestOneInput (const std::uint8_t *data, std::size_t size)
{
  Parser parser;
  parser.push (fuzz::as_text (data, size));
  for (;;) {
    const auto next = parser.next ();
    const auto *unit = std::get_if<Unit> (&next);
    if (!unit)
      return 0;
    if (const auto *response = std::get_if<Response> (unit))
      check (*response);
  }
}
