// Every example in docs/protocol.md is read: the page cannot say what the code
// does not do.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rtsp/codec.hpp"
#include "rtsp/parser.hpp"

using namespace spreadit;
using namespace spreadit::rtsp;

namespace {

// The blocks marked as rtsp, with line ends as on the wire.
std::vector<std::string>
examples ()
{
  std::vector<std::string> blocks;
  std::ifstream page (PROTOCOL_MD);
  bool inside = false;
  for (std::string line; std::getline (page, line);) {
    if (line == "```rtsp")
      blocks.emplace_back ();
    else if (inside && line != "```")
      blocks.back () += line + "\r\n";
    inside = line == "```rtsp" || (inside && line != "```");
  }
  return blocks;
}

void
check (const Request &request)
{
  const auto decoded = decode_request (request);
  const auto *reason = std::get_if<Reason> (&decoded);
  EXPECT_EQ (reason, nullptr) << reason->text;
  if (is_spreadit (request) && request.method == "DESCRIBE") {
    EXPECT_TRUE (std::holds_alternative<core::Message> (decoded));
  } else if (request.method == "SETUP") {
    EXPECT_TRUE (std::holds_alternative<SetupRequest> (decode_setup (request)));
  } else if (request.method == "PLAY") {
    EXPECT_TRUE (std::holds_alternative<PlayRequest> (decode_play (request)));
  } else if (request.method == "SET_PARAMETER") {
    EXPECT_FALSE (std::holds_alternative<NotOurs> (decoded));
  }
}

void
check (const Response &response)
{
  const Uri asked{Scheme::spreadit, "10.0.0.1", 8554, "/live", ""};
  if (find (response.headers, "Content-Base") ||
      find (response.headers, "Location")) {
    const auto answer = decode_describe_answer (response, asked);
    const auto *refuse = std::get_if<core::message::Refuse> (&answer.message);
    if (refuse) {
      EXPECT_EQ (refuse->reason, core::RefuseReason::not_spreadit)
          << answer.note;
    }
  }
  if (find (response.headers, "Public") &&
      find (response.headers, "SpreadIt-Peer")) {
    EXPECT_TRUE (decode_options_answer (response));
  }
  if (find (response.headers, "Transport")) {
    EXPECT_TRUE (
        std::holds_alternative<SetupAnswer> (decode_setup_answer (response)));
  }
}

void
check (const Interleaved &)
{
  ADD_FAILURE () << "there are no packets on the page";
}

} // namespace

TEST (ProtocolPage, EveryExampleIsRead)
{
  const auto blocks = examples ();
  EXPECT_GT (blocks.size (), 30u) << "is this the page? " << PROTOCOL_MD;
  for (const std::string &block : blocks) {
    SCOPED_TRACE (block);
    Parser parser;
    parser.push (block);
    unsigned units = 0;
    for (;;) {
      const auto next = parser.next ();
      const auto *unit = std::get_if<Unit> (&next);
      if (!unit)
        break;
      ++units;
      std::visit ([] (const auto &message) { check (message); }, *unit);
    }
    EXPECT_GT (units, 0u);
    EXPECT_EQ (parser.next (), Parser::Next (Parser::NeedMore{}));
    EXPECT_EQ (parser.buffered (), 0u) << "something is left over";
  }
}
