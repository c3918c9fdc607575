// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtsp/writer.hpp"

#include "rtsp/limits.hpp"
#include "rtsp/text.hpp"

namespace spreadit::rtsp {

namespace {

// The header lines, the empty one and the body.
bool
append_rest (std::string &out, const Headers &headers, const std::string &body)
{
  std::size_t lines = 0;
  std::size_t bytes = 0;
  const auto add = [&] (std::string_view name, std::string_view value) {
    const std::size_t length = name.size () + 2 + value.size ();
    if (!text::is_token (name) || !text::is_printable (value) ||
        text::trim (value) != value || length > limits::header_line_max)
      return false;
    bytes += length + 2;
    ++lines;
    out.append (name).append (": ").append (value).append ("\r\n");
    return true;
  };

  for (const Header &header : headers)
    if (!text::iequals (header.name, "Content-Length") &&
        !add (header.name, header.value))
      return false;
  if (!body.empty () && !add ("Content-Length", std::to_string (body.size ())))
    return false;
  if (lines > limits::headers_max || bytes > limits::header_bytes_max ||
      body.size () > limits::body_max)
    return false;
  out.append ("\r\n").append (body);
  return true;
}

} // namespace

std::optional<std::string>
write (const Request &request)
{
  // A '$' is a token character, but would begin an interleaved packet.
  if (!text::is_token (request.method) || request.method.front () == '$' ||
      request.method.size () > limits::method_max ||
      !text::is_visible (request.uri))
    return std::nullopt;
  std::string out = request.method + ' ' + request.uri + " RTSP/1.0";
  if (out.size () > limits::request_line_max || !cseq (request.headers))
    return std::nullopt;
  out += "\r\n";
  if (!append_rest (out, request.headers, request.body))
    return std::nullopt;
  return out;
}

std::optional<std::string>
write (const Response &response)
{
  if (response.status < 100 || response.status > 599 ||
      !text::is_printable (response.reason) ||
      response.reason.size () > limits::reason_phrase_max)
    return std::nullopt;
  if (find (response.headers, "CSeq") && !cseq (response.headers))
    return std::nullopt;
  std::string out = "RTSP/1.0 " + std::to_string (response.status) + ' ' +
                    response.reason + "\r\n";
  if (!append_rest (out, response.headers, response.body))
    return std::nullopt;
  return out;
}

std::array<std::uint8_t, 4>
interleaved_header (std::uint8_t channel, std::uint16_t length)
{
  return {'$', channel, static_cast<std::uint8_t> (length >> 8),
      static_cast<std::uint8_t> (length & 0xff)};
}

std::optional<std::string>
write (const Interleaved &packet)
{
  if (packet.payload.size () > limits::interleaved_max)
    return std::nullopt;
  const auto header = interleaved_header (
      packet.channel, static_cast<std::uint16_t> (packet.payload.size ()));
  std::string out (header.begin (), header.end ());
  out.append (packet.payload.begin (), packet.payload.end ());
  return out;
}

} // namespace spreadit::rtsp
