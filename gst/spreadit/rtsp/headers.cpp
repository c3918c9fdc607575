// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtsp/headers.hpp"

#include <algorithm>
#include <limits>
#include <span>
#include <utility>

#include "core/limits.hpp"
#include "rtsp/limits.hpp"
#include "rtsp/text.hpp"
#include "rtsp/uri.hpp"

namespace spreadit::rtsp {

namespace {

Reason
bad (std::string_view header, std::string_view what)
{
  return {400, std::string (header) + ": " + std::string (what)};
}

// Sets `out` unless it was set before or `text` is no number up to `max`.
bool
read_once (
    std::optional<std::uint32_t> &out, std::string_view text, std::uint32_t max)
{
  if (out)
    return false;
  out = text::parse_decimal<std::uint32_t> (text, max);
  return out.has_value ();
}

std::string
write_contact (const core::Contact &contact)
{
  return to_string (contact.id) + '@' + text::quote (contact.address);
}

std::optional<std::string>
read_quoted_address (std::string_view quoted)
{
  const auto address = text::unquote (quoted);
  return address ? contact_address (*address) : std::nullopt;
}

std::optional<core::Contact>
parse_contact (std::string_view text)
{
  const auto at = text.find ('@');
  if (at == std::string_view::npos)
    return std::nullopt;
  const auto id = parse_id (text.substr (0, at));
  auto address = read_quoted_address (text.substr (at + 1));
  if (!id || !address)
    return std::nullopt;
  return core::Contact{*id, std::move (*address)};
}

} // namespace

std::string
to_string (const core::PeerId &id)
{
  return text::to_hex (id.high, 16) + text::to_hex (id.low, 16);
}

std::optional<core::PeerId>
parse_id (std::string_view text)
{
  if (text.size () != 32)
    return std::nullopt;
  const auto high = text::parse_hex (text.substr (0, 16), 16);
  const auto low = text::parse_hex (text.substr (16), 16);
  if (!high || !low)
    return std::nullopt;
  return core::PeerId{*high, *low};
}

Result<PeerHeader>
parse_peer (std::string_view value)
{
  const auto parameters = text::parse_parameter_list (value);
  if (!parameters)
    return bad (header::peer, "not NAME=VALUE; NAME=VALUE ...");

  std::optional<core::PeerId> id;
  std::optional<std::string> address;
  std::optional<std::uint32_t> version, children_max, children_free, peers,
      levels, tree_delay;
  std::optional<std::uint64_t> uplink_bps;
  std::optional<bool> reachable;
  for (const text::Parameter &parameter : *parameters) {
    bool good = true;
    const auto is = [&parameter] (std::string_view known) {
      return text::iequals (parameter.name, known);
    };
    if (is ("id"))
      good = !id && (id = parse_id (parameter.value));
    else if (is ("address"))
      good = !address && (address = read_quoted_address (parameter.value));
    else if (is ("version"))
      good = read_once (
          version, parameter.value, std::numeric_limits<std::uint32_t>::max ());
    else if (is ("children-max"))
      good = read_once (
          children_max, parameter.value, core::limits::children_max_max);
    else if (is ("children-free"))
      good =
          read_once (children_free, parameter.value, limits::subtree_free_max);
    else if (is ("peers"))
      good = read_once (peers, parameter.value, limits::subtree_peers_max);
    else if (is ("levels"))
      good = read_once (levels, parameter.value, core::limits::levels_max);
    else if (is ("uplink-bps"))
      good = !uplink_bps && (uplink_bps = text::parse_decimal<std::uint64_t> (
                                 parameter.value, limits::uplink_bps_max));
    else if (is ("reachable"))
      good = !reachable && (reachable = text::parse_yes_no (parameter.value));
    else if (is ("tree-delay"))
      good = read_once (
          tree_delay, parameter.value, core::limits::tree_delay_max_ms);
    if (!good)
      return bad (
          header::peer, "no good " + std::string (parameter.name) + ", or two");
  }
  if (!id || *id == core::PeerId{})
    return bad (header::peer, "no id");
  if (version.value_or (0) == 0)
    return bad (header::peer, "no version");
  if (peers == 0u)
    return bad (header::peer, "peers counts the peer itself, so is not 0");

  PeerHeader peer;
  peer.self = {*id, address.value_or ("")};
  peer.version = *version;
  peer.children_max = children_max.value_or (0);
  peer.subtree = {
      peers.value_or (1), levels.value_or (0), children_free.value_or (0)};
  peer.uplink_bps = uplink_bps.value_or (0);
  peer.unreachable = reachable == false;
  peer.tree_delay_ms = tree_delay.value_or (0);
  return peer;
}

std::string
peer_identity (const core::Contact &self)
{
  return "id=" + to_string (self.id) +
         "; address=" + text::quote (self.address) + "; version=1";
}

std::string
to_string (const PeerHeader &peer)
{
  // Ours may count further than others read.
  const auto figure = [] (std::uint32_t value, std::uint32_t max) {
    return std::to_string (std::min (value, max));
  };
  std::string out =
      "id=" + to_string (peer.self.id) +
      "; address=" + text::quote (peer.self.address) +
      "; version=" + std::to_string (peer.version) + "; children-max=" +
      figure (peer.children_max, core::limits::children_max_max) +
      "; children-free=" +
      figure (peer.subtree.free, limits::subtree_free_max) +
      "; peers=" + figure (peer.subtree.peers, limits::subtree_peers_max) +
      "; levels=" + figure (peer.subtree.levels, core::limits::levels_max);
  if (peer.uplink_bps > 0)
    out += "; uplink-bps=" + std::to_string (std::min<std::uint64_t> (
                                 peer.uplink_bps, limits::uplink_bps_max));
  if (peer.unreachable)
    out += "; reachable=no";
  return out;
}

namespace {

std::optional<core::JoinReason>
parse_join_reason (std::string_view text)
{
  if (text::iequals (text, "first"))
    return core::JoinReason::first;
  if (text::iequals (text, "redirected"))
    return core::JoinReason::redirected;
  if (text::iequals (text, "parent-lost"))
    return core::JoinReason::parent_lost;
  if (text::iequals (text, "rising"))
    return core::JoinReason::rising;
  return std::nullopt;
}

std::string_view
join_reason_name (core::JoinReason reason)
{
  switch (reason) {
  case core::JoinReason::first:
    return "first";
  case core::JoinReason::redirected:
    return "redirected";
  case core::JoinReason::parent_lost:
    return "parent-lost";
  case core::JoinReason::rising:
    return "rising";
  }
  return {};
}

std::optional<std::vector<core::PeerId>>
parse_avoid (std::string_view text)
{
  std::vector<core::PeerId> ids;
  const auto pieces = text::split (text, ',');
  if (!pieces)
    return std::nullopt;
  for (std::string_view piece : *pieces) {
    const auto id = parse_id (piece);
    if (!id)
      return std::nullopt;
    if (ids.size () < core::limits::avoid_max)
      ids.push_back (*id);
  }
  return ids;
}

} // namespace

Result<JoinHeader>
parse_join (std::string_view value)
{
  const auto parameters = text::parse_parameter_list (value);
  if (!parameters)
    return bad (header::join, "not NAME=VALUE; NAME=VALUE ...");

  std::optional<core::JoinReason> reason;
  std::optional<std::uint32_t> tries;
  std::optional<std::vector<core::PeerId>> avoid;
  std::optional<core::PeerId> lost;
  std::optional<std::uint32_t> level;
  for (const text::Parameter &parameter : *parameters) {
    bool good = true;
    if (text::iequals (parameter.name, "reason"))
      good = !reason && (reason = parse_join_reason (parameter.value));
    else if (text::iequals (parameter.name, "tries"))
      good = read_once (tries, parameter.value, limits::tries_max);
    else if (text::iequals (parameter.name, "avoid"))
      good = !avoid && (avoid = parse_avoid (parameter.value));
    else if (text::iequals (parameter.name, "lost"))
      good = !lost && (lost = parse_id (parameter.value));
    else if (text::iequals (parameter.name, "level"))
      good = read_once (level, parameter.value,
          static_cast<std::uint32_t> (core::limits::levels_max));
    if (!good)
      return bad (
          header::join, "no good " + std::string (parameter.name) + ", or two");
  }
  JoinHeader join;
  join.reason = reason.value_or (core::JoinReason::first);
  join.tries = tries.value_or (0);
  if (avoid)
    join.avoid = std::move (*avoid);
  join.lost = lost;
  join.level = level.value_or (0);
  return join;
}

std::string
to_string (const JoinHeader &join)
{
  std::string out =
      "reason=" + std::string (join_reason_name (join.reason)) +
      "; tries=" + std::to_string (std::min (join.tries, limits::tries_max));
  const auto avoid = std::min (join.avoid.size (), core::limits::avoid_max);
  for (std::size_t i = 0; i < avoid; ++i) {
    out += i == 0 ? "; avoid=" : ",";
    out += to_string (join.avoid[i]);
  }
  if (join.lost)
    out += "; lost=" + to_string (*join.lost);
  if (join.level > 0)
    out += "; level=" + std::to_string (std::min<std::size_t> (
                            join.level, core::limits::levels_max));
  return out;
}

std::optional<std::vector<std::uint64_t>>
parse_routers (std::string_view text)
{
  std::vector<std::uint64_t> routers;
  if (text::trim (text).empty ())
    return routers;
  const auto pieces = text::split (text, ',');
  if (!pieces || pieces->size () > core::limits::routers_max)
    return std::nullopt;
  for (std::string_view piece : *pieces) {
    const auto router = text::parse_hex (piece, 16);
    if (!router)
      return std::nullopt;
    routers.push_back (*router);
  }
  return routers;
}

std::string
write_routers (std::span<const std::uint64_t> routers)
{
  std::string out;
  const auto count = std::min (routers.size (), core::limits::routers_max);
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0)
      out += ',';
    out += text::to_hex (routers[i], 16);
  }
  return out;
}

std::optional<core::Duration>
parse_rtt (std::string_view text)
{
  const auto us =
      text::parse_decimal<std::uint64_t> (text, limits::rtt_max.count ());
  if (!us)
    return std::nullopt;
  return std::chrono::microseconds (*us);
}

std::string
write_rtt (core::Duration rtt)
{
  const auto us = std::chrono::duration_cast<std::chrono::microseconds> (rtt);
  return std::to_string (std::clamp<std::chrono::microseconds> (
      us, std::chrono::microseconds{0}, limits::rtt_max)
                             .count ());
}

Result<core::NetworkPath>
parse_path (std::string_view value)
{
  const auto parameters = text::parse_parameter_list (value);
  if (!parameters)
    return bad (header::path, "not NAME=VALUE; NAME=VALUE ...");

  std::optional<std::vector<std::uint64_t>> routers;
  std::optional<core::Duration> rtt;
  for (const text::Parameter &parameter : *parameters) {
    bool good = true;
    if (text::iequals (parameter.name, "routers"))
      good = !routers && (routers = parse_routers (parameter.value));
    else if (text::iequals (parameter.name, "rtt-us"))
      good = !rtt && (rtt = parse_rtt (parameter.value));
    if (!good)
      return bad (
          header::path, "no good " + std::string (parameter.name) + ", or two");
  }
  core::NetworkPath path;
  if (routers)
    path.routers = std::move (*routers);
  path.rtt = rtt.value_or (core::Duration{});
  return path;
}

std::string
to_string (const core::NetworkPath &path)
{
  std::string out = "rtt-us=" + write_rtt (path.rtt);
  if (!path.routers.empty ())
    out += "; routers=" + write_routers (path.routers);
  return out;
}

Result<std::vector<core::Contact>>
parse_contacts (std::string_view value, std::size_t max)
{
  const Reason wrong{400, "a list of peers is not ID@\"HOST:PORT\", ..."};
  std::vector<core::Contact> contacts;
  if (text::trim (value).empty ())
    return contacts;
  const auto pieces = text::split (value, ',');
  if (!pieces)
    return wrong;
  if (pieces->size () > max)
    return Reason{400,
        "a list of peers has more than " + std::to_string (max) + " entries"};
  for (std::string_view piece : *pieces) {
    auto contact = parse_contact (piece);
    if (!contact)
      return wrong;
    contacts.push_back (std::move (*contact));
  }
  return contacts;
}

std::vector<std::string>
write_contacts (std::span<const core::Contact> contacts)
{
  std::vector<std::string> lines;
  for (const core::Contact &contact : contacts) {
    const std::string text = write_contact (contact);
    if (lines.empty () ||
        lines.back ().size () + 2 + text.size () > limits::list_line_max)
      lines.push_back (text);
    else
      lines.back ().append (", ").append (text);
  }
  return lines;
}

std::optional<core::Opening>
parse_opening (std::string_view text)
{
  // The address is a quoted string, the first and only one.
  const auto end = text.rfind ('"');
  if (end == std::string_view::npos)
    return std::nullopt;
  auto contact = parse_contact (text.substr (0, end + 1));
  if (!contact || contact->address.empty ())
    return std::nullopt;
  core::Opening opening;
  opening.contact = std::move (*contact);
  std::string_view rest = text::trim (text.substr (end + 1));
  if (rest.empty ())
    return opening;
  if (rest.front () != ';')
    return std::nullopt;
  const auto parameters = text::parse_parameter_list (rest.substr (1));
  if (!parameters)
    return std::nullopt;
  std::optional<std::uint32_t> depth, free, width, delay;
  std::optional<std::uint64_t> age;
  std::optional<std::vector<std::uint64_t>> via;
  for (const text::Parameter &parameter : *parameters) {
    const auto number = [&] (auto &field, std::uint64_t max) {
      using Number = typename std::decay_t<decltype (field)>::value_type;
      return !field &&
             (field = text::parse_decimal<Number> (parameter.value, max));
    };
    bool good = true;
    if (text::iequals (parameter.name, "depth"))
      good = number (depth, core::limits::levels_max);
    else if (text::iequals (parameter.name, "free"))
      good = number (free, core::limits::children_max_max);
    else if (text::iequals (parameter.name, "width"))
      good = number (width, limits::width_max);
    else if (text::iequals (parameter.name, "delay"))
      good = number (delay, core::limits::tree_delay_max_ms);
    else if (text::iequals (parameter.name, "age"))
      good = number (age, limits::age_max.count ());
    else if (text::iequals (parameter.name, "via"))
      good = !via && (via = parse_routers (parameter.value)) &&
             via->size () <= core::Vicinity::routers_max;
    if (!good)
      return std::nullopt;
  }
  opening.depth = depth.value_or (0);
  opening.free = free.value_or (0);
  opening.width_min = width.value_or (0);
  opening.tree_delay_ms = delay.value_or (0);
  opening.age = std::chrono::seconds (age.value_or (0));
  if (via)
    std::ranges::copy (*via, opening.vicinity.routers.begin ());
  return opening;
}

std::string
write_opening (const core::Opening &opening)
{
  const auto age = std::chrono::floor<std::chrono::seconds> (opening.age);
  std::string out = write_contact (opening.contact) +
                    ";depth=" + std::to_string (opening.depth) +
                    ";free=" + std::to_string (opening.free) +
                    ";width=" + std::to_string (opening.width_min) + ";age=" +
                    std::to_string (std::clamp (age, std::chrono::seconds (0),
                        std::chrono::seconds (limits::age_max))
                                        .count ());
  if (opening.tree_delay_ms > 0)
    out += ";delay=" + std::to_string (opening.tree_delay_ms);
  if (const auto known = opening.vicinity.known (); !known.empty ())
    out += ";via=" + write_routers (known);
  return out;
}

std::optional<core::Quality>
parse_quality (std::string_view text)
{
  const auto parameters = text::parse_parameter_list (text);
  if (!parameters)
    return std::nullopt;
  std::optional<std::uint32_t> peers, lost_worst, lost_mean, delay_worst,
      delay_mean;
  for (const text::Parameter &parameter : *parameters) {
    const auto is = [&parameter] (std::string_view known) {
      return text::iequals (parameter.name, known);
    };
    bool good = true;
    if (is ("peers"))
      good = read_once (peers, parameter.value, limits::subtree_peers_max);
    else if (is ("lost-worst-ppm"))
      good =
          read_once (lost_worst, parameter.value, core::limits::lost_ppm_max);
    else if (is ("lost-mean-ppm"))
      good = read_once (lost_mean, parameter.value, core::limits::lost_ppm_max);
    else if (is ("delay-worst-ms"))
      good = read_once (delay_worst, parameter.value, limits::delay_ms_max);
    else if (is ("delay-mean-ms"))
      good = read_once (delay_mean, parameter.value, limits::delay_ms_max);
    if (!good)
      return std::nullopt;
  }
  if (peers.value_or (0) == 0)
    return std::nullopt;
  return core::Quality{*peers, lost_worst.value_or (0), lost_mean.value_or (0),
      delay_worst.value_or (0), delay_mean.value_or (0)};
}

std::string
write_quality (const core::Quality &quality)
{
  // Ours may count further than others read.
  std::string out = "peers=" + std::to_string (std::min (
                                   quality.peers, limits::subtree_peers_max));
  const auto figure = [&out] (const char *name, std::uint32_t value,
                          std::uint32_t max) {
    if (value > 0)
      out.append (";").append (name).append ("=").append (
          std::to_string (std::min (value, max)));
  };
  figure ("lost-worst-ppm", quality.lost_worst_ppm, core::limits::lost_ppm_max);
  figure ("lost-mean-ppm", quality.lost_mean_ppm, core::limits::lost_ppm_max);
  figure ("delay-worst-ms", quality.delay_worst_ms, limits::delay_ms_max);
  figure ("delay-mean-ms", quality.delay_mean_ms, limits::delay_ms_max);
  return out;
}

namespace {

std::optional<Resume>
parse_resume_entry (std::string_view text)
{
  const auto parameters = text::parse_parameter_list (text);
  if (!parameters)
    return std::nullopt;
  std::optional<std::uint64_t> ssrc, seq;
  for (const text::Parameter &parameter : *parameters) {
    bool good = true;
    if (text::iequals (parameter.name, "ssrc"))
      good = !ssrc && (ssrc = text::parse_hex (parameter.value, 8));
    else if (text::iequals (parameter.name, "seq"))
      good = !seq && (seq = text::parse_decimal<std::uint64_t> (parameter.value,
                          std::numeric_limits<std::uint64_t>::max ()));
    if (!good)
      return std::nullopt;
  }
  if (!ssrc || !seq)
    return std::nullopt;
  return Resume{static_cast<std::uint32_t> (*ssrc), *seq};
}

} // namespace

Result<std::vector<Resume>>
parse_resume (std::string_view value)
{
  std::vector<Resume> entries;
  const auto pieces = text::split (value, ',');
  if (!pieces)
    return bad (header::resume, "a quoted string is not closed");
  if (pieces->size () > limits::resume_max)
    return bad (header::resume, "too many entries");
  for (std::string_view piece : *pieces) {
    const auto entry = parse_resume_entry (piece);
    if (!entry)
      return bad (header::resume, "not ssrc=8HEX; seq=NUMBER, ...");
    const bool twice = std::any_of (entries.begin (), entries.end (),
        [&entry] (const Resume &other) { return other.ssrc == entry->ssrc; });
    if (twice)
      return bad (header::resume, "one SSRC comes twice");
    entries.push_back (*entry);
  }
  return entries;
}

std::string
to_string (std::span<const Resume> resume)
{
  std::string out;
  for (const Resume &entry : resume) {
    if (!out.empty ())
      out += ", ";
    out += "ssrc=" + text::to_hex (entry.ssrc, 8) +
           "; seq=" + std::to_string (entry.extended_seq);
  }
  return out;
}

std::optional<Session>
parse_session (std::string_view value)
{
  Session session;
  const auto semicolon = value.find (';');
  session.id = text::trim (value.substr (0, semicolon));
  if (session.id.empty () || session.id.size () > limits::session_id_max)
    return std::nullopt;
  for (char c : session.id)
    if (!text::is_alpha (c) && !text::is_digit (c) &&
        std::string_view ("$-_.+").find (c) == std::string_view::npos)
      return std::nullopt;
  if (semicolon == std::string_view::npos)
    return session;
  const auto parameters = text::parse_parameter_list (value.substr (semicolon));
  if (!parameters)
    return std::nullopt;
  for (const text::Parameter &parameter : *parameters) {
    if (!text::iequals (parameter.name, "timeout"))
      continue;
    const auto seconds = text::parse_decimal<unsigned> (parameter.value,
        static_cast<std::uint64_t> (limits::session_timeout_max.count ()));
    if (!seconds)
      return std::nullopt;
    session.timeout = std::chrono::seconds{*seconds};
  }
  return session;
}

std::string
to_string (const Session &session)
{
  return session.id + ";timeout=" + std::to_string (session.timeout.count ());
}

std::string
to_string (std::span<const RtpInfo> info)
{
  std::string out;
  for (const RtpInfo &stream : info) {
    if (!out.empty ())
      out += ',';
    out += "url=" + stream.url;
    if (stream.seq)
      out += ";seq=" + std::to_string (*stream.seq);
    if (stream.rtptime)
      out += ";rtptime=" + std::to_string (*stream.rtptime);
  }
  return out;
}

namespace {

template <class Visit>
void
for_each_option (const Request &request, Visit visit)
{
  const std::string list = find_list (request.headers, header::require);
  std::string_view rest = list;
  while (!rest.empty ()) {
    const auto end = std::min (rest.find (','), rest.size ());
    const std::string_view option = text::trim (rest.substr (0, end));
    if (!option.empty ())
      visit (option);
    rest.remove_prefix (std::min (end + 1, rest.size ()));
  }
}

} // namespace

std::vector<std::string>
unknown_options (const Request &request)
{
  std::vector<std::string> unknown;
  for_each_option (request, [&unknown] (std::string_view option) {
    if (option != option_tag)
      unknown.emplace_back (option);
  });
  return unknown;
}

Response
make_unsupported (std::span<const std::string> options)
{
  Response response = make_response (551);
  std::string list;
  for (const std::string &option : options) {
    if (list.size () + 2 + option.size () > limits::list_line_max)
      break;
    if (!list.empty ())
      list += ", ";
    list += option;
  }
  response.headers.push_back (
      {std::string (header::unsupported), std::move (list)});
  return response;
}

bool
is_spreadit (const Request &request)
{
  bool ours = false;
  for_each_option (request, [&ours] (std::string_view option) {
    ours = ours || option == option_tag;
  });
  return ours;
}

} // namespace spreadit::rtsp
