// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtsp/message.hpp"

#include <algorithm>
#include <limits>

#include "rtsp/text.hpp"

namespace spreadit::rtsp {

const std::string *
find (const Headers &headers, std::string_view name)
{
  for (const Header &header : headers)
    if (text::iequals (header.name, name))
      return &header.value;
  return nullptr;
}

std::string
find_list (const Headers &headers, std::string_view name)
{
  std::string joined;
  for (const Header &header : headers) {
    if (!text::iequals (header.name, name) || header.value.empty ())
      continue;
    if (!joined.empty ())
      joined += ", ";
    joined += header.value;
  }
  return joined;
}

void
set (Headers &headers, std::string_view name, std::string value)
{
  const auto is_named = [name] (const Header &header) {
    return text::iequals (header.name, name);
  };
  const auto first = std::find_if (headers.begin (), headers.end (), is_named);
  if (first == headers.end ()) {
    headers.push_back ({std::string (name), std::move (value)});
    return;
  }
  first->value = std::move (value);
  headers.erase (
      std::remove_if (first + 1, headers.end (), is_named), headers.end ());
}

std::optional<std::uint32_t>
cseq (const Headers &headers)
{
  const std::string *first = find (headers, "CSeq");
  if (!first)
    return std::nullopt;
  for (const Header &header : headers)
    if (text::iequals (header.name, "CSeq") && header.value != *first)
      return std::nullopt;
  return text::parse_decimal<std::uint32_t> (
      *first, std::numeric_limits<std::uint32_t>::max ());
}

void
set_cseq (Headers &headers, std::uint32_t cseq)
{
  if (!find (headers, "CSeq"))
    headers.insert (headers.begin (), {"CSeq", {}});
  set (headers, "CSeq", std::to_string (cseq));
}

std::string_view
reason_phrase (unsigned status)
{
  switch (status) { // RFC 2326, 7.1.1
  case 100:
    return "Continue";
  case 200:
    return "OK";
  case 301:
    return "Moved Permanently";
  case 302:
    return "Moved Temporarily";
  case 400:
    return "Bad Request";
  case 401:
    return "Unauthorized";
  case 403:
    return "Forbidden";
  case 404:
    return "Not Found";
  case 405:
    return "Method Not Allowed";
  case 406:
    return "Not Acceptable";
  case 408:
    return "Request Time-out";
  case 413:
    return "Request Entity Too Large";
  case 414:
    return "Request-URI Too Large";
  case 415:
    return "Unsupported Media Type";
  case 451:
    return "Parameter Not Understood";
  case 453:
    return "Not Enough Bandwidth";
  case 454:
    return "Session Not Found";
  case 455:
    return "Method Not Valid in This State";
  case 457:
    return "Invalid Range";
  case 459:
    return "Aggregate operation not allowed";
  case 460:
    return "Only aggregate operation allowed";
  case 461:
    return "Unsupported transport";
  case 482:
    return "Loop Detected"; // ours, see docs/protocol.md
  case 500:
    return "Internal Server Error";
  case 501:
    return "Not Implemented";
  case 502:
    return "Bad Gateway";
  case 503:
    return "Service Unavailable";
  case 504:
    return "Gateway Time-out";
  case 505:
    return "RTSP Version not supported";
  case 551:
    return "Option not supported";
  default:
    return "Unknown";
  }
}

Response
make_response (unsigned status)
{
  Response response;
  response.status = status;
  response.reason = reason_phrase (status);
  return response;
}

} // namespace spreadit::rtsp
