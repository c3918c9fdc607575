// core::Message -> RTSP.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtsp/codec.hpp"

#include <algorithm>
#include <chrono>

#include "rtsp/parameters.hpp"

namespace spreadit::rtsp {

namespace {

using std::chrono::milliseconds;

constexpr std::string_view live_range = "npt=now-";

void
add (Headers &headers, std::string_view name, std::string_view value)
{
  headers.push_back ({std::string (name), std::string (value)});
}

void
add_contacts (Headers &headers, std::string_view name,
    std::span<const core::Contact> contacts)
{
  for (const std::string &line : write_contacts (contacts))
    add (headers, name, line);
}

Request
make_request (std::string_view method, const Uri &stream)
{
  Request request;
  request.method = method;
  request.uri = wire_url (stream);
  return request;
}

std::string
location (const Uri &stream, std::string_view address)
{
  return std::string (to_string (stream.scheme)) + "://" +
         std::string (address) + stream.path;
}

} // namespace

// Requests out.

Request
encode_describe (const core::message::Subscribe &subscribe, const Uri &stream)
{
  PeerHeader peer;
  peer.self = subscribe.self;
  peer.children_max = subscribe.children_max;
  peer.subtree = subscribe.subtree;
  peer.uplink_bps = subscribe.uplink_bps;
  peer.unreachable = subscribe.unreachable;
  JoinHeader join;
  join.reason = subscribe.reason;
  join.tries = subscribe.tries;
  join.avoid = subscribe.avoid;
  join.lost = subscribe.lost;
  join.level = subscribe.level;

  Request request = make_request ("DESCRIBE", stream);
  add (request.headers, header::require, option_tag);
  add (request.headers, header::accept, media_type::sdp);
  add (request.headers, header::peer, to_string (peer));
  add (request.headers, header::join, to_string (join));
  if (subscribe.path)
    add (request.headers, header::path, to_string (*subscribe.path));
  return request;
}

Request
encode_setup (const Uri &stream, std::span<const Transport> alternatives)
{
  Request request = make_request ("SETUP", stream);
  add (request.headers, header::require, option_tag);
  add (request.headers, header::transport, to_string (alternatives));
  return request;
}

Request
encode_play (const Uri &stream, std::span<const Resume> resume)
{
  Request request = make_request ("PLAY", stream);
  add (request.headers, header::require, option_tag);
  add (request.headers, header::range, live_range);
  if (!resume.empty ())
    add (request.headers, header::resume, to_string (resume));
  return request;
}

std::optional<Request>
encode_request (
    const core::Message &message, const Uri &stream, std::string_view session)
{
  Request request;
  if (std::holds_alternative<core::message::Unsubscribe> (message)) {
    request = make_request ("TEARDOWN", stream);
  } else if (const auto *redirect =
                 std::get_if<core::message::Redirect> (&message)) {
    request = make_request ("REDIRECT", stream);
    add (request.headers, header::location,
        location (stream, redirect->target.address));
    add (request.headers, header::target, to_string (redirect->target.id));
    add (request.headers, header::scope,
        redirect->scope == core::RedirectScope::subtree ? "subtree" : "self");
  } else {
    request = make_request ("SET_PARAMETER", stream);
    request.body = write_parameters (message);
    if (request.body.empty ())
      return std::nullopt;
    add (request.headers, header::content_type, media_type::parameters);
  }
  if (!session.empty ())
    add (request.headers, header::session, session);
  return request;
}

Request
encode_alive_again (const Uri &stream, std::string_view session)
{
  Request request = make_request ("SET_PARAMETER", stream);
  if (!session.empty ())
    add (request.headers, header::session, session);
  return request;
}

Request
encode_options (const Uri &stream)
{
  Request request = make_request ("OPTIONS", stream);
  add (request.headers, header::require, option_tag);
  return request;
}

bool
is_alive_again (const Request &request)
{
  return request.method == "SET_PARAMETER" && request.body.empty ();
}

// Answers out.

Response
encode_description (std::string_view sdp, std::string_view content_base)
{
  Response response = make_response (200);
  add (response.headers, header::content_type, media_type::sdp);
  add (response.headers, header::content_base, content_base);
  response.body = sdp;
  return response;
}

Response
encode_accept (const core::message::Accept &accept, std::string_view sdp,
    std::string_view content_base)
{
  Response response = encode_description (sdp, content_base);
  std::string peer = peer_identity (accept.self);
  if (accept.children_max > 0)
    peer += "; children-max=" + std::to_string (accept.children_max);
  if (accept.tree_delay_ms > 0)
    peer += "; tree-delay=" + std::to_string (accept.tree_delay_ms);
  add (response.headers, header::peer, std::move (peer));
  add_contacts (
      response.headers, header::root_path, accept.root_path.contacts ());
  add_contacts (response.headers, header::standby, accept.standby);
  return response;
}

void
identify (Response &response, const core::Contact &self)
{
  add (response.headers, header::peer, peer_identity (self));
}

Response
encode_setup_answer (const Session &session, const Transport &transport)
{
  Response response = make_response (200);
  add (response.headers, header::session, to_string (session));
  add (response.headers, header::transport, to_string (transport));
  return response;
}

Response
encode_play_answer (const Session &session, std::span<const RtpInfo> info)
{
  Response response = make_response (200);
  add (response.headers, header::session, to_string (session));
  add (response.headers, header::range, live_range);
  if (!info.empty ())
    add (response.headers, header::rtp_info, to_string (info));
  return response;
}

Response
encode_redirect (const core::message::Redirect &redirect, const Uri &stream)
{
  Response response = make_response (302);
  add (response.headers, header::location,
      location (stream, redirect.target.address));
  add (response.headers, header::target, to_string (redirect.target.id));
  if (redirect.provisional)
    add (response.headers, header::provisional, "path");
  return response;
}

Response
encode_plain_redirect (
    const core::message::Redirect &redirect, const Uri &stream)
{
  Response response = make_response (302);
  add (response.headers, header::location,
      location (stream, redirect.target.address) + '?' +
          with_hops (stream, hops (stream) + 1).query);
  return response;
}

Response
encode_refuse (const core::message::Refuse &refuse)
{
  unsigned status = 400;
  switch (refuse.reason) {
  case core::RefuseReason::saturated:
    status = 453;
    break;
  case core::RefuseReason::not_receiving:
    status = 503;
    break;
  case core::RefuseReason::loop:
    status = 482;
    break;
  case core::RefuseReason::no_stream:
    status = 404;
    break;
  case core::RefuseReason::not_allowed:
    status = 403;
    break;
  case core::RefuseReason::not_spreadit:
    status = 551;
    break;
  case core::RefuseReason::malformed:
  case core::RefuseReason::not_trusted:
    break;
  }
  Response response = make_response (status);
  if (status == 551)
    add (response.headers, header::unsupported, option_tag);
  if (refuse.retry_after) {
    const auto wait = std::max (
        std::chrono::ceil<milliseconds> (*refuse.retry_after), milliseconds{0});
    const auto seconds = std::chrono::ceil<std::chrono::seconds> (wait);
    add (response.headers, header::retry_after,
        std::to_string (seconds.count ()));
    add (response.headers, header::retry_after_ms,
        std::to_string (wait.count ()));
  }
  return response;
}

Response
encode_reason (const Reason &reason)
{
  return make_response (reason.status);
}

} // namespace spreadit::rtsp
