// RTSP messages as plain text. Not GstRTSPMessage: that one loses the text of
// methods it does not know and hides the CSeq.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace spreadit::rtsp {

struct Header {
  std::string name;  // as received; compared without case
  std::string value; // without white space around it
  bool operator== (const Header &) const = default;
};
using Headers = std::vector<Header>;

struct Request {
  std::string method; // case-sensitive, any token
  std::string uri;    // as received: absolute, or "*"
  Headers headers;
  std::string body;
  bool operator== (const Request &) const = default;
};

struct Response {
  unsigned status = 200;
  std::string reason; // may be empty; says nothing a program should read
  Headers headers;
  std::string body;
  bool operator== (const Response &) const = default;
};

// One '$' frame (RFC 2326, 10.12).
struct Interleaved {
  std::uint8_t channel = 0;
  std::vector<std::uint8_t> payload;
  bool operator== (const Interleaved &) const = default;
};

using Unit = std::variant<Request, Response, Interleaved>;

// The first header of that name, or nullptr.
const std::string *find (const Headers &headers, std::string_view name);

// All values of that name, joined by ", " (RFC 2326, 4.2: a list may be spread
// over several lines); empty if there is none.
std::string find_list (const Headers &headers, std::string_view name);

// Replaces every header of that name by one, in the place of the first.
void set (Headers &headers, std::string_view name, std::string value);

// Empty if there is none, several that differ, or no decimal number below 2^32.
// Parser lets no request without a good CSeq pass; an answer it does, because
// ffmpeg answers requests it does not know without one.
std::optional<std::uint32_t> cseq (const Headers &headers);

// Replaces CSeq, or puts it first.
void set_cseq (Headers &headers, std::uint32_t cseq);

// "Not Found" for 404; "Unknown" for what RFC 2326 and this project do not use.
std::string_view reason_phrase (unsigned status);

// An answer with the usual reason phrase and nothing else.
Response make_response (unsigned status);

// 1xx: the answer proper is still to come.
inline bool
is_provisional (const Response &response)
{
  return response.status < 200;
}

} // namespace spreadit::rtsp
