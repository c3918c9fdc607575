// A stream of requests, each decoded in every way there is. A message that was
// decoded must come back from its own encoding.
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

const Uri somewhere{Scheme::spreadit, "10.0.0.1", 8554, "/live", ""};

// Through the writer and the parser, as it would go.
Request
send (Request request)
{
  set_cseq (request.headers, 7);
  const auto bytes = write (request);
  require (bytes.has_value (), "what is encoded can be written");
  Parser parser;
  parser.push (*bytes);
  auto next = parser.next ();
  auto *unit = std::get_if<Unit> (&next);
  require (unit && std::holds_alternative<Request> (*unit), "and read");
  return std::get<Request> (std::move (*unit));
}

void
check_message (const core::Message &message, const Request &request)
{
  if (const auto *subscribe = std::get_if<core::message::Subscribe> (&message))
    require (decode_request (send (encode_describe (*subscribe, somewhere))) ==
                 DecodedRequest (message),
        "a Subscribe comes back");
  Uri stream = somewhere;
  if (const auto uri = parse_uri (request.uri);
      std::holds_alternative<Uri> (uri))
    stream = std::get<Uri> (uri);
  if (const auto again = encode_request (message, stream, "12345678"))
    require (decode_request (send (*again)) == DecodedRequest (message),
        "a message in a session comes back");
}

// One part or several: together they tell the same.
void
check_surveyed (const Surveyed &surveyed)
{
  std::vector<SurveyedPeer> told;
  bool more = true;
  for (const auto &part :
      encode_surveyed (surveyed.token, surveyed.peers, somewhere, "12345678")) {
    require (more, "the last part is the last");
    const auto again = decode_request (send (part));
    const auto *read = std::get_if<Surveyed> (&again);
    require (read && read->token == surveyed.token, "a part comes back");
    told.insert (told.end (), read->peers.begin (), read->peers.end ());
    more = read->more;
  }
  require (!more, "the last part says so");
  require (told == surveyed.peers, "an answer comes back");
}

void
check (const Request &request)
{
  const auto decoded = decode_request (request);
  if (const auto *message = std::get_if<core::Message> (&decoded))
    check_message (*message, request);
  if (const auto *reason = std::get_if<Reason> (&decoded)) {
    require (write (encode_reason (*reason)).has_value (),
        "a reason can be answered");
    require (write (make_unsupported (unknown_options (request))).has_value (),
        "and so can unknown options");
  }

  if (const auto *survey = std::get_if<Survey> (&decoded))
    require (decode_request (send (
                 encode_survey (*survey, somewhere, "12345678"))) == decoded,
        "a question for the tree comes back");
  if (const auto *surveyed = std::get_if<Surveyed> (&decoded))
    check_surveyed (*surveyed);

  const auto setup = decode_setup (request);
  const auto *asked = std::get_if<SetupRequest> (&setup);
  if (asked && !asked->alternatives.empty ()) {
    const auto again =
        decode_setup (send (encode_setup (somewhere, asked->alternatives)));
    require (
        std::holds_alternative<SetupRequest> (again), "a SETUP reads back");
  }
  const auto play = decode_play (request);
  if (const auto *wanted = std::get_if<PlayRequest> (&play)) {
    const auto again =
        decode_play (send (encode_play (somewhere, wanted->resume)));
    require (std::get<PlayRequest> (again).resume == wanted->resume,
        "a Resume comes back");
  }
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
    if (const auto *request = std::get_if<Request> (unit))
      check (*request);
  }
}
