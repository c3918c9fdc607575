// core::Message <-> RTSP, in encode.cpp and decode.cpp. CSeq is the caller's
// (set_cseq()).
//
// Decoding takes anything and never asserts. Encoding takes what decoding can
// give: addresses that are empty or parse_address() accepts, lists within
// core/limits.hpp, figures within rtsp/limits.hpp, whole milliseconds. Then
// decode (encode (m)) == m for every core message, except that a Redirect
// in answer to a Subscribe always has the scope `self`, and that a Subscribe
// of a plain player has no encoding of its own.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/vocabulary.hpp"
#include "rtsp/headers.hpp"
#include "rtsp/message.hpp"
#include "rtsp/result.hpp"
#include "rtsp/survey.hpp"
#include "rtsp/transport.hpp"
#include "rtsp/uri.hpp"

namespace spreadit::rtsp {

// Subscribe: three requests in one flight, the answers of which come in the
// same order. `stream` is the URL of the stream at whom we ask. No request of
// the flight has a Session: the connection is the session until the answer
// to SETUP has named it.
Request encode_describe (
    const core::message::Subscribe &subscribe, const Uri &stream);
Request encode_setup (
    const Uri &stream, std::span<const Transport> alternatives);
Request encode_play (const Uri &stream, std::span<const Resume> resume = {});

// Everything sent inside a session: Unsubscribe is TEARDOWN, Redirect is
// REDIRECT; Leaving, Alive, Probe, Verify, Verified, Ended, Yield and Located
// are SET_PARAMETER.
// `session` may be empty: left out. Nothing for Subscribe, Accept, Refuse.
std::optional<Request> encode_request (
    const core::Message &message, const Uri &stream, std::string_view session);
// "Alive, as I said last time": no body.
Request encode_alive_again (const Uri &stream, std::string_view session);
[[nodiscard]] bool is_alive_again (const Request &request);
// Of who dials back: who answers at `stream`?
Request encode_options (const Uri &stream);

// Answers.

// To a plain DESCRIBE. `content_base` is an absolute URL; players resolve the
// a=control attributes of the SDP against it.
Response encode_description (
    std::string_view sdp, std::string_view content_base);
// To a peer's DESCRIBE: the same and who we are, our root path, our standbys.
Response encode_accept (const core::message::Accept &accept,
    std::string_view sdp, std::string_view content_base);
// Adds who answers; for a peer's OPTIONS.
void identify (Response &response, const core::Contact &self);
Response encode_setup_answer (
    const Session &session, const Transport &transport);
Response encode_play_answer (
    const Session &session, std::span<const RtpInfo> info = {});

// 302. `stream` is the URL asked for, the Location has its scheme and path:
// no redirect changes them. Each request of the flight gets the same answer.
Response encode_redirect (
    const core::message::Redirect &redirect, const Uri &stream);
// The same for a plain player: no header of ours, but the hop count of
// `stream` plus one in the query. Refuse instead once hops (stream) has
// reached limits::hops_max.
Response encode_plain_redirect (
    const core::message::Redirect &redirect, const Uri &stream);
// 453, 503, 482, 404, 403, 551 or 400.
Response encode_refuse (const core::message::Refuse &refuse);
// For a Reason of the decoders. For a 551 rather make_unsupported(), which
// names the options.
Response encode_reason (const Reason &reason);

// Requests.

// Ordinary RTSP, for the agent to answer: OPTIONS, a plain DESCRIBE, SETUP,
// PLAY, PAUSE, GET_PARAMETER, a SET_PARAMETER that is not ours, unknown
// methods.
struct NotOurs {
  bool operator== (const NotOurs &) const = default;
};
using DecodedRequest =
    std::variant<core::Message, Reason, NotOurs, Survey, Surveyed>;

// A DESCRIBE that requires org.spreadit.1 is a Subscribe, TEARDOWN is an
// Unsubscribe (a plain player may mean one medium only: look at the URL first),
// REDIRECT is a Redirect, a SET_PARAMETER whose body begins with "message:" is
// one of the others, or a question for the tree (survey.hpp). A Reason is to be
// answered with encode_reason(); the session stays. A request of any kind that
// requires an option we do not know is one. Which stream the URL names is for
// the caller to look at.
DecodedRequest decode_request (const Request &request);

struct SetupRequest {
  std::vector<Transport> alternatives; // empty: answer 461
  std::string session;                 // id; empty: none named
  bool operator== (const SetupRequest &) const = default;
};
// Of a peer or of a plain player.
Result<SetupRequest> decode_setup (const Request &request);

struct PlayRequest {
  std::vector<Resume> resume;
  std::string session; // id; empty: none named
  bool operator== (const PlayRequest &) const = default;
};
Result<PlayRequest> decode_play (const Request &request);

// Answers to our requests. Skip those that is_provisional() first.

struct Answer {
  core::Message message; // Accept, Redirect or Refuse
  std::string note;      // for the log, if it is a Refuse: why
};
// To DESCRIBE. On Accept the SDP is the body of the response. `asked` is the
// URL asked for: a Location that names another path, or leaves or enters TLS,
// is refused as malformed.
Answer decode_describe_answer (const Response &response, const Uri &asked);

// To OPTIONS: who answers. Nothing: no peer of that stream.
std::optional<core::PeerId> decode_options_answer (const Response &response);

struct SetupAnswer {
  Session session;
  Transport transport;
  bool operator== (const SetupAnswer &) const = default;
};
// A Reason has the status of the answer, or 502 if it could not be read.
Result<SetupAnswer> decode_setup_answer (const Response &response);

struct PlayAnswer {
  std::optional<Session> session;
  bool operator== (const PlayAnswer &) const = default;
};
Result<PlayAnswer> decode_play_answer (const Response &response);

// What a status other than 200 says to who asked with DESCRIBE.
core::RefuseReason refuse_reason (unsigned status);

} // namespace spreadit::rtsp
