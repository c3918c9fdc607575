// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtsp/parser.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "rtsp/text.hpp"

namespace spreadit::rtsp {

namespace {

constexpr std::string_view version_1_0 = "RTSP/1.0";

// NAME "/" 1*DIGIT "." 1*DIGIT: a version, if not ours.
bool
is_version (std::string_view word)
{
  const auto slash = word.find ('/');
  if (slash == std::string_view::npos)
    return false;
  const std::string_view number = word.substr (slash + 1);
  const auto dot = number.find ('.');
  if (dot == std::string_view::npos)
    return false;
  const auto all_digits = [] (std::string_view s) {
    return !s.empty () && std::all_of (s.begin (), s.end (), text::is_digit);
  };
  return text::is_token (word.substr (0, slash)) &&
         all_digits (number.substr (0, dot)) &&
         all_digits (number.substr (dot + 1));
}

// The word before the first space, which is taken away with it.
std::string_view
take_word (std::string_view &rest)
{
  const auto space = rest.find (' ');
  const std::string_view word = rest.substr (0, space);
  rest = space == std::string_view::npos ? std::string_view ()
                                         : rest.substr (space + 1);
  return word;
}

std::string
not_rtsp (std::string_view start)
{
  if (start.front () == '\x16')
    return "not RTSP but TLS, on a port without it";
  if (start.front () == '\x15') // an alert: what a server says to RTSP
    return "not RTSP but TLS; a stream there is spreadits://";
  if (start.starts_with ("HTTP/"))
    return "not RTSP but HTTP";
  if (start.front () == '\n')
    return "a line ends with LF alone, not with CR LF";
  return "not RTSP: a message begins with a method or with RTSP/1.0";
}

} // namespace

void
Parser::push (std::string_view bytes)
{
  if (std::holds_alternative<Error> (state_))
    return;
  // Who takes one unit a push never sees NeedMore. Moving no more bytes than
  // were taken keeps that linear too.
  if (pos_ >= buffer_.size () - pos_) {
    buffer_.erase (0, pos_);
    scan_ -= std::min (scan_, pos_);
    pos_ = 0;
  }
  buffer_.append (bytes);
}

void
Parser::push (std::span<const std::uint8_t> bytes)
{
  push (std::string_view (
      reinterpret_cast<const char *> (bytes.data ()), bytes.size ()));
}

Parser::Next
Parser::next ()
{
  for (;;) {
    Step out =
        std::visit ([this] (auto &state) { return step (state); }, state_);
    if (out)
      return std::move (*out);
  }
}

// What is left is one unfinished line, body or packet. It is moved once here;
// until it is finished pos_ stays 0.
Parser::Step
Parser::need_more ()
{
  buffer_.erase (0, pos_);
  scan_ -= std::min (scan_, pos_);
  pos_ = 0;
  return NeedMore{};
}

void
Parser::skip (std::size_t bytes)
{
  pos_ += bytes;
  scan_ = std::max (scan_, pos_);
}

Parser::Step
Parser::fail (Error error)
{
  buffer_ = {};
  pos_ = scan_ = 0;
  state_ = error;
  return error;
}

Parser::Step
Parser::fail_head (Head &head, unsigned status, std::string text)
{
  Error error{status, std::move (text), std::nullopt};
  if (head.verdict)
    error = *head.verdict;
  if (const auto *request = std::get_if<Request> (&head.message))
    error.cseq = cseq (request->headers);
  else
    error.status = 0;
  return fail (std::move (error));
}

// The same bytes give the same outcome however they were cut: a line is too
// long by its length alone, and that is told first.
std::variant<Parser::Line, Parser::Incomplete, Parser::TooLong, Parser::BadEnd>
Parser::take_line (std::size_t max)
{
  const auto lf = buffer_.find ('\n', scan_);
  if (lf == std::string::npos) {
    scan_ = buffer_.size ();
    if (buffered () > max + 1) // the last one may be the CR
      return TooLong{};
    return Incomplete{};
  }
  std::string_view line (buffer_.data () + pos_, lf - pos_);
  const bool has_cr = line.ends_with ('\r');
  if (has_cr)
    line.remove_suffix (1);
  if (line.size () > max)
    return TooLong{};
  if (!has_cr)
    return BadEnd{};
  skip (lf + 1 - pos_);
  return Line{line};
}

Parser::Step
Parser::step (Idle &idle)
{
  if (buffered () == 0)
    return need_more ();
  const std::string_view start (buffer_.data () + pos_, buffered ());
  if (start.front () == '$') {
    if (start.size () < 4)
      return need_more ();
    const auto byte = [start] (std::size_t i) {
      return static_cast<std::uint8_t> (start[i]);
    };
    const Packet packet{byte (1), byte (2) * std::size_t{256} + byte (3)};
    skip (4);
    state_ = packet;
    return std::nullopt;
  }
  if (start.front () != '\r' && !text::is_token_char (start.front ()))
    return fail ({400, not_rtsp (start), {}});

  const auto taken = take_line (limits::request_line_max);
  if (std::holds_alternative<Incomplete> (taken))
    return need_more ();
  const unsigned blame = start.starts_with ("RTSP/") ? 0 : 1;
  if (std::holds_alternative<TooLong> (taken))
    return fail ({414 * blame, "the first line is too long", {}});
  if (std::holds_alternative<BadEnd> (taken))
    return fail (
        {400 * blame, "the first line ends with LF alone, not with CR LF", {}});
  const std::string_view line = std::get<Line> (taken).text;
  if (!line.empty ())
    return first_line (line);
  if (++idle.empty_lines > limits::empty_lines_max)
    return fail ({400, "too many empty lines before a message", {}});
  return std::nullopt;
}

Parser::Step
Parser::first_line (std::string_view line)
{
  return line.starts_with ("RTSP/") ? status_line (line) : request_line (line);
}

// Request-Line = Method SP Request-URI SP RTSP-Version CRLF
Parser::Step
Parser::request_line (std::string_view line)
{
  Head head;
  Request request;
  std::string_view rest = line;
  request.method = take_word (rest);
  request.uri = take_word (rest);
  if (line.starts_with ("HTTP/"))
    return fail ({400, not_rtsp (line), {}});
  if (!text::is_token (request.method) ||
      request.method.size () > limits::method_max)
    return fail ({400, "the request line has no good method", {}});
  if (!text::is_visible (request.uri))
    return fail ({400, "the request line has no good URL", {}});
  if (rest != version_1_0) {
    if (!is_version (rest))
      return fail ({400, "the request line does not end with RTSP/1.0", {}});
    head.verdict = Error{505, "only RTSP/1.0 is spoken here", {}};
  }
  head.message = std::move (request);
  state_ = std::move (head);
  return std::nullopt;
}

// Status-Line = RTSP-Version SP Status-Code SP Reason-Phrase CRLF
Parser::Step
Parser::status_line (std::string_view line)
{
  std::string_view rest = line;
  const std::string_view version = take_word (rest);
  if (version != version_1_0)
    return fail ({0, "an answer is not RTSP/1.0", {}});
  const auto status =
      rest.size () >= 4 && rest[3] == ' '
          ? text::parse_decimal<unsigned> (rest.substr (0, 3), 599)
          : std::nullopt;
  if (!status || *status < 100)
    return fail ({0, "an answer has no good status code", {}});
  rest.remove_prefix (4);
  if (!text::is_printable (rest) || rest.size () > limits::reason_phrase_max)
    return fail ({0, "an answer has no good reason phrase", {}});
  Response response;
  response.status = *status;
  response.reason = rest;
  state_ = Head{std::move (response), 0, std::nullopt};
  return std::nullopt;
}

Parser::Step
Parser::step (Head &head)
{
  const auto taken = take_line (limits::header_line_max);
  if (std::holds_alternative<Incomplete> (taken))
    return need_more ();
  if (std::holds_alternative<TooLong> (taken))
    return fail_head (head, 413, "a header line is too long");
  if (std::holds_alternative<BadEnd> (taken))
    return fail_head (
        head, 400, "a header line ends with LF alone, not with CR LF");
  const std::string_view line = std::get<Line> (taken).text;
  return line.empty () ? end_of_head (head) : header_line (head, line);
}

Parser::Step
Parser::header_line (Head &head, std::string_view line)
{
  Headers &headers =
      std::visit ([] (auto &message) -> Headers & { return message.headers; },
          head.message);
  head.bytes += line.size () + 2;
  if (head.bytes > limits::header_bytes_max ||
      headers.size () == limits::headers_max)
    return fail_head (head, 413, "too many headers");
  if (line.front () == ' ' || line.front () == '\t')
    return fail_head (head, 400, "a header line is folded");
  const auto colon = line.find (':');
  const std::string_view name = line.substr (0, colon);
  if (colon == std::string_view::npos || !text::is_token (name))
    return fail_head (head, 400, "a header line is not NAME: VALUE");
  const std::string_view value = text::trim (line.substr (colon + 1));
  if (!text::is_printable (value))
    return fail_head (head, 400, "a header has control characters");
  headers.push_back ({std::string (name), std::string (value)});
  return std::nullopt;
}

namespace {

// Nothing: no length is given, or one that is no number or differs from
// another one.
std::optional<std::uint64_t>
content_length (const Headers &headers)
{
  std::optional<std::uint64_t> length;
  for (const Header &header : headers) {
    if (!text::iequals (header.name, "Content-Length"))
      continue;
    const auto value = text::parse_decimal<std::uint64_t> (
        header.value, std::numeric_limits<std::uint64_t>::max ());
    if (!value || (length && length != value))
      return std::nullopt;
    length = value;
  }
  return length;
}

} // namespace

Parser::Step
Parser::end_of_head (Head &head)
{
  const bool is_request = std::holds_alternative<Request> (head.message);
  const Headers &headers =
      std::visit ([] (auto &message) -> Headers & { return message.headers; },
          head.message);
  if (head.verdict)
    return fail_head (head, 0, {});
  const bool has_cseq = find (headers, "CSeq") != nullptr;
  if (is_request && !has_cseq)
    return fail_head (head, 400, "a request has no CSeq");
  if (has_cseq && !cseq (headers))
    return fail_head (head, 400, "CSeq is not one decimal number");
  std::uint64_t length = 0;
  if (find (headers, "Content-Length")) {
    const auto given = content_length (headers);
    if (!given)
      return fail_head (head, 400, "Content-Length is not one decimal number");
    if (*given > limits::body_max)
      return fail_head (head, 413, "the body is too long");
    length = *given;
  }
  Body body{std::move (head.message), static_cast<std::size_t> (length)};
  state_ = std::move (body);
  return std::nullopt;
}

Parser::Step
Parser::step (Body &body)
{
  if (buffered () < body.length)
    return need_more ();
  return std::visit (
      [this, length = body.length] (auto &message) -> Step {
        message.body.assign (buffer_, pos_, length);
        skip (length);
        Unit unit = std::move (message);
        state_ = Idle{};
        return unit;
      },
      body.message);
}

Parser::Step
Parser::step (Packet &packet)
{
  if (buffered () < packet.length)
    return need_more ();
  const auto begin = buffer_.begin () + static_cast<std::ptrdiff_t> (pos_);
  Interleaved unit{packet.channel,
      {begin, begin + static_cast<std::ptrdiff_t> (packet.length)}};
  skip (packet.length);
  state_ = Idle{};
  return Unit (std::move (unit));
}

Parser::Step
Parser::step (Error &error)
{
  return error;
}

} // namespace spreadit::rtsp
