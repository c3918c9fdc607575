// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtsp/survey.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "core/limits.hpp"
#include "rtsp/body_lines.hpp"
#include "rtsp/headers.hpp"
#include "rtsp/limits.hpp"

namespace spreadit::rtsp {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::string_view survey_kind = "survey";
constexpr std::string_view surveyed_kind = "surveyed";
constexpr auto any = std::numeric_limits<std::uint64_t>::max ();

constexpr std::array<std::pair<std::string_view, core::PeerState>, 6> states{{
    {"idle", core::PeerState::idle},
    {"discovering", core::PeerState::discovering},
    {"receiving", core::PeerState::receiving},
    {"transient", core::PeerState::transient},
    {"source", core::PeerState::source},
    {"failed", core::PeerState::failed},
}};

Reason
bad (std::string_view what)
{
  return {400, "survey: " + std::string (what)};
}

std::optional<core::PeerState>
parse_state (std::string_view text)
{
  for (const auto &[name, state] : states)
    if (text::iequals (text, name))
      return state;
  return std::nullopt;
}

std::string_view
to_text (core::PeerState state)
{
  for (const auto &[name, one] : states)
    if (one == state)
      return name;
  return "idle";
}

// Out.

class LineWriter {
public:
  LineWriter &add (std::string_view name, std::string_view value)
  {
    if (!text_.empty ())
      text_ += "; ";
    text_.append (name).append ("=").append (value);
    return *this;
  }
  LineWriter &add (
      std::string_view name, std::uint64_t value, std::uint64_t max)
  {
    return add (name, std::to_string (std::min (value, max)));
  }
  LineWriter &flag (std::string_view name, bool is)
  {
    return is ? add (name, "yes") : *this;
  }
  LineWriter &time (
      std::string_view name, const std::optional<microseconds> &value)
  {
    if (!value)
      return *this;
    const auto within =
        std::clamp (*value, microseconds{0}, limits::survey_time_max);
    return add (name, std::to_string (within.count ()));
  }
  std::string take () { return std::move (text_); }

private:
  std::string text_;
};

// What is 0 and what nobody knows is not written.
std::string
write_peer (const SurveyedPeer &peer)
{
  LineWriter line;
  const auto figure = [&line] (std::string_view name, std::uint64_t value,
                          std::uint64_t max = any) {
    if (value > 0)
      line.add (name, value, max);
  };
  line.add ("depth", peer.depth, core::limits::levels_max);
  line.add ("id", to_string (peer.self.id));
  line.add ("address", text::quote (peer.self.address));
  line.add ("state", to_text (peer.state));
  line.flag ("player", peer.player);
  line.flag ("stale", peer.stale);
  line.flag ("tcp", peer.over_tcp);
  if (peer.reach != core::Reach::unknown)
    line.add ("reachable", peer.reach == core::Reach::yes ? "yes" : "no");
  line.add ("level", peer.level, core::limits::levels_max);
  line.add ("peers", peer.subtree.peers, limits::subtree_peers_max);
  figure ("levels", peer.subtree.levels, core::limits::levels_max);
  figure ("free", peer.subtree.free, limits::subtree_free_max);
  figure ("measured", peer.quality.peers, limits::subtree_peers_max);
  figure ("lost-worst-ppm", peer.quality.lost_worst_ppm,
      core::limits::lost_ppm_max);
  figure (
      "lost-mean-ppm", peer.quality.lost_mean_ppm, core::limits::lost_ppm_max);
  figure ("delay-worst-ms", peer.quality.delay_worst_ms, limits::delay_ms_max);
  figure ("delay-mean-ms", peer.quality.delay_mean_ms, limits::delay_ms_max);
  figure ("children", peer.children, core::limits::children_max_max);
  figure ("children-max", peer.children_max, core::limits::children_max_max);
  figure ("received", peer.packets_received);
  figure ("lost", peer.packets_lost);
  figure ("lost-ppm", peer.lost_ppm, 1'000'000);
  figure ("bytes-in", peer.bytes_in);
  figure ("bytes-out", peer.bytes_out);
  figure ("moves", peer.moves);
  line.time ("delay-us", peer.delay);
  line.time ("delay-p99-us", peer.delay_p99);
  line.time ("rtt-us", peer.rtt);
  if (peer.gap > microseconds{0})
    line.time ("gap-us", peer.gap);
  return line.take ();
}

Request
make_request (std::string body, const Uri &stream, std::string_view session)
{
  Request request;
  request.method = "SET_PARAMETER";
  request.uri = wire_url (stream);
  request.headers.push_back ({std::string (header::content_type),
      std::string (media_type::parameters)});
  if (!session.empty ())
    request.headers.push_back (
        {std::string (header::session), std::string (session)});
  request.body = std::move (body);
  return request;
}

std::string
head (std::string_view kind, std::uint64_t token)
{
  std::string body;
  append_line (body, "message", kind);
  append_line (body, "token", std::to_string (token));
  return body;
}

} // namespace

Request
encode_survey (
    const Survey &survey, const Uri &stream, std::string_view session)
{
  std::string body = head (survey_kind, survey.token);
  append_line (body, "depth", std::to_string (survey.depth));
  append_line (body, "peers", std::to_string (survey.peers));
  append_line (body, "wait-ms", std::to_string (survey.wait.count ()));
  if (!survey.path.empty ()) {
    std::string ids;
    for (const auto &id : survey.path)
      ids.append (ids.empty () ? "" : ",").append (to_string (id));
    append_line (body, "path", ids);
  }
  return make_request (std::move (body), stream, session);
}

std::vector<Request>
encode_surveyed (std::uint64_t token, const std::vector<SurveyedPeer> &peers,
    const Uri &stream, std::string_view session)
{
  std::vector<std::string> lines{""};
  std::size_t bytes = 0;
  for (const auto &peer : peers) {
    const std::string line = write_peer (peer);
    bytes += line.size () + 8;
    if (bytes > limits::survey_bytes_max)
      break;
    if (!lines.back ().empty () &&
        lines.back ().size () + line.size () > limits::survey_part_max)
      lines.emplace_back ();
    append_line (lines.back (), "peer", line);
  }
  std::vector<Request> parts;
  for (std::size_t i = 0; i < lines.size (); ++i) {
    std::string body = head (surveyed_kind, token);
    append_line (body, "more", i + 1 < lines.size () ? "yes" : "no");
    parts.push_back (make_request (body + lines[i], stream, session));
  }
  return parts;
}

// In.

namespace {

template <class T>
bool
read_once (std::optional<T> &field, std::string_view text, std::uint64_t max)
{
  if (field)
    return false;
  field = text::parse_decimal<T> (text, max);
  return field.has_value ();
}

// What one line says; each name once.
struct PeerFields {
  std::optional<core::PeerId> id;
  std::optional<std::string> address;
  std::optional<core::PeerState> state;
  std::optional<bool> player, stale, tcp, reachable;
  std::optional<std::uint32_t> depth, level, peers, levels, free, children,
      children_max, lost_ppm, moves, measured, lost_worst, lost_mean,
      delay_worst, delay_mean;
  std::optional<std::uint64_t> received, lost, bytes_in, bytes_out, delay,
      delay_p99, rtt, gap;

  bool take (const text::Parameter &parameter);
};

bool
read_flag (std::optional<bool> &flag, std::string_view text)
{
  if (flag || !(text::iequals (text, "yes") || text::iequals (text, "no")))
    return false;
  flag = text::iequals (text, "yes");
  return true;
}

bool
PeerFields::take (const text::Parameter &parameter)
{
  const std::string_view value = parameter.value;
  const auto is = [&parameter] (std::string_view known) {
    return text::iequals (parameter.name, known);
  };
  constexpr std::uint64_t time_max =
      static_cast<std::uint64_t> (limits::survey_time_max.count ());
  constexpr std::uint64_t any32 = std::numeric_limits<std::uint32_t>::max ();
  if (is ("id"))
    return !id && (id = parse_id (value));
  if (is ("address")) {
    const auto inside = text::unquote (value);
    return inside && !address && (address = contact_address (*inside));
  }
  if (is ("state"))
    return !state && (state = parse_state (value));
  if (is ("player"))
    return read_flag (player, value);
  if (is ("stale"))
    return read_flag (stale, value);
  if (is ("tcp"))
    return read_flag (tcp, value);
  if (is ("reachable"))
    return read_flag (reachable, value);
  if (is ("depth"))
    return read_once (depth, value, core::limits::levels_max);
  if (is ("level"))
    return read_once (level, value, core::limits::levels_max);
  if (is ("peers"))
    return read_once (peers, value, limits::subtree_peers_max);
  if (is ("levels"))
    return read_once (levels, value, core::limits::levels_max);
  if (is ("free"))
    return read_once (free, value, limits::subtree_free_max);
  if (is ("measured"))
    return read_once (measured, value, limits::subtree_peers_max);
  if (is ("lost-worst-ppm"))
    return read_once (lost_worst, value, core::limits::lost_ppm_max);
  if (is ("lost-mean-ppm"))
    return read_once (lost_mean, value, core::limits::lost_ppm_max);
  if (is ("delay-worst-ms"))
    return read_once (delay_worst, value, limits::delay_ms_max);
  if (is ("delay-mean-ms"))
    return read_once (delay_mean, value, limits::delay_ms_max);
  if (is ("children"))
    return read_once (children, value, core::limits::children_max_max);
  if (is ("children-max"))
    return read_once (children_max, value, core::limits::children_max_max);
  if (is ("lost-ppm"))
    return read_once (lost_ppm, value, 1'000'000);
  if (is ("moves"))
    return read_once (moves, value, any32);
  if (is ("received"))
    return read_once (received, value, any);
  if (is ("lost"))
    return read_once (lost, value, any);
  if (is ("bytes-in"))
    return read_once (bytes_in, value, any);
  if (is ("bytes-out"))
    return read_once (bytes_out, value, any);
  if (is ("delay-us"))
    return read_once (delay, value, time_max);
  if (is ("delay-p99-us"))
    return read_once (delay_p99, value, time_max);
  if (is ("rtt-us"))
    return read_once (rtt, value, time_max);
  if (is ("gap-us"))
    return read_once (gap, value, time_max);
  return true; // a later version's
}

Result<SurveyedPeer>
parse_peer_line (std::string_view value)
{
  const auto parameters = text::parse_parameter_list (value);
  if (!parameters)
    return bad ("a peer is NAME=VALUE; NAME=VALUE ...");
  PeerFields fields;
  for (const text::Parameter &parameter : *parameters)
    if (!fields.take (parameter))
      return bad ("no good " + std::string (parameter.name) + ", or two");
  if (!fields.depth || !fields.id || !fields.state)
    return bad ("a peer has depth, id and state");
  if (fields.peers == 0u)
    return bad ("peers counts the peer itself, so is not 0");
  const auto time = [] (const std::optional<std::uint64_t> &field)
      -> std::optional<microseconds> {
    if (!field)
      return std::nullopt;
    return microseconds (static_cast<std::int64_t> (*field));
  };
  SurveyedPeer peer;
  peer.depth = *fields.depth;
  peer.self = {*fields.id, std::move (fields.address).value_or ("")};
  peer.state = *fields.state;
  peer.player = fields.player.value_or (false);
  peer.stale = fields.stale.value_or (false);
  peer.over_tcp = fields.tcp.value_or (false);
  if (fields.reachable)
    peer.reach = *fields.reachable ? core::Reach::yes : core::Reach::no;
  peer.level = fields.level.value_or (0);
  peer.subtree = {fields.peers.value_or (1), fields.levels.value_or (0),
      fields.free.value_or (0)};
  peer.quality = {fields.measured.value_or (0), fields.lost_worst.value_or (0),
      fields.lost_mean.value_or (0), fields.delay_worst.value_or (0),
      fields.delay_mean.value_or (0)};
  peer.children = fields.children.value_or (0);
  peer.children_max = fields.children_max.value_or (0);
  peer.packets_received = fields.received.value_or (0);
  peer.packets_lost = fields.lost.value_or (0);
  peer.bytes_in = fields.bytes_in.value_or (0);
  peer.bytes_out = fields.bytes_out.value_or (0);
  peer.lost_ppm = fields.lost_ppm.value_or (0);
  peer.moves = fields.moves.value_or (0);
  peer.delay = time (fields.delay);
  peer.delay_p99 = time (fields.delay_p99);
  peer.rtt = time (fields.rtt);
  peer.gap = time (fields.gap).value_or (microseconds{0});
  return peer;
}

Result<std::vector<core::PeerId>>
parse_ids (std::string_view value)
{
  std::vector<core::PeerId> ids;
  const auto pieces = text::split (value, ',');
  if (!pieces)
    return bad ("path is a list of ids");
  for (const std::string_view piece : *pieces) {
    const auto id = parse_id (piece);
    if (!id || ids.size () >= core::limits::levels_max)
      return bad ("path is a list of ids, one a level");
    ids.push_back (*id);
  }
  return ids;
}

std::variant<Survey, Surveyed, Reason>
parse_question (std::string_view body)
{
  std::optional<std::uint64_t> token, wait;
  std::optional<std::uint32_t> depth, peers;
  Survey survey;
  while (!body.empty ()) {
    const auto line = take_line (body);
    if (!line)
      return bad ("a line is not NAME: VALUE");
    const auto is = [&line] (std::string_view known) {
      return text::iequals (line->name, known);
    };
    bool good = !is ("message");
    if (is ("token"))
      good = read_once (token, line->value, any);
    else if (is ("depth"))
      good = read_once (depth, line->value, core::limits::levels_max);
    else if (is ("peers"))
      good = read_once (peers, line->value, limits::survey_peers_max);
    else if (is ("wait-ms"))
      good = read_once (wait, line->value,
          static_cast<std::uint64_t> (limits::survey_wait_max.count ()));
    else if (is ("path")) {
      auto ids = parse_ids (line->value);
      if (auto *reason = std::get_if<Reason> (&ids))
        return std::move (*reason);
      good = survey.path.empty ();
      survey.path = std::get<std::vector<core::PeerId>> (std::move (ids));
    }
    if (!good)
      return bad ("no good " + std::string (line->name) + ", or two");
  }
  if (!token || !depth || !peers || !wait || *peers == 0)
    return bad ("something is missing in the question");
  survey.token = *token;
  survey.depth = *depth;
  survey.peers = *peers;
  survey.wait = milliseconds (static_cast<std::int64_t> (*wait));
  return survey;
}

std::variant<Survey, Surveyed, Reason>
parse_answer (std::string_view body)
{
  std::optional<std::uint64_t> token;
  std::optional<bool> more;
  Surveyed surveyed;
  while (!body.empty ()) {
    const auto line = take_line (body);
    if (!line)
      return bad ("a line is not NAME: VALUE");
    const auto is = [&line] (std::string_view known) {
      return text::iequals (line->name, known);
    };
    bool good = !is ("message");
    if (is ("token"))
      good = read_once (token, line->value, any);
    else if (is ("more"))
      good = read_flag (more, line->value);
    else if (is ("peer")) {
      auto peer = parse_peer_line (line->value);
      if (auto *reason = std::get_if<Reason> (&peer))
        return std::move (*reason);
      surveyed.peers.push_back (std::get<SurveyedPeer> (std::move (peer)));
    }
    if (!good)
      return bad ("no good " + std::string (line->name) + ", or two");
  }
  if (!token || !more)
    return bad ("something is missing in the answer");
  surveyed.token = *token;
  surveyed.more = *more;
  return surveyed;
}

} // namespace

bool
is_survey (std::string_view body)
{
  const auto line = take_line (body);
  return line && text::iequals (line->name, "message") &&
         (text::iequals (line->value, survey_kind) ||
             text::iequals (line->value, surveyed_kind));
}

std::variant<Survey, Surveyed, Reason>
parse_survey (std::string_view body)
{
  const auto kind = take_line (body);
  if (kind && text::iequals (kind->value, survey_kind))
    return parse_question (body);
  return parse_answer (body);
}

} // namespace spreadit::rtsp
