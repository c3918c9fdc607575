// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtsp/parameters.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <span>
#include <utility>

#include "core/limits.hpp"
#include "rtsp/body_lines.hpp"
#include "rtsp/headers.hpp"
#include "rtsp/limits.hpp"
#include "rtsp/text.hpp"
#include "rtsp/uri.hpp"

namespace spreadit::rtsp {

namespace {

Reason
bad (std::string_view what)
{
  return {400, "text/parameters: " + std::string (what)};
}

void
append (std::string &body, std::string_view name, std::string_view value)
{
  append_line (body, name, value);
}

void
append (std::string &body, std::string_view name, std::uint64_t value,
    std::uint64_t max = std::numeric_limits<std::uint64_t>::max ())
{
  append (body, name, std::to_string (std::min (value, max)));
}

void
append (std::string &body, std::string_view name,
    std::span<const core::Contact> contacts)
{
  for (const std::string &line : write_contacts (contacts))
    append (body, name, line);
}

std::string_view
yes_no (bool value)
{
  return value ? "yes" : "no";
}

struct Writer {
  std::string operator() (const core::message::Leaving &) const
  {
    return "message: leaving\r\n";
  }
  std::string operator() (const core::message::Ended &) const
  {
    return "message: ended\r\n";
  }
  std::string operator() (const core::message::Probe &) const
  {
    return "message: probe\r\n";
  }
  std::string operator() (const core::message::Verify &verify) const
  {
    std::string body = "message: verify\r\n";
    append (body, "mover", to_string (verify.mover));
    append (body, "token", verify.token);
    return body;
  }
  std::string operator() (const core::message::Verified &verified) const
  {
    std::string body = "message: verified\r\n";
    append (body, "token", verified.token);
    append (body, "ok", yes_no (verified.ok));
    return body;
  }
  std::string operator() (const core::message::Yield &yield) const
  {
    std::string body = "message: yield\r\n";
    append (body, "to", to_string (yield.to));
    return body;
  }
  std::string operator() (const core::message::Located &located) const
  {
    std::string body = "message: located\r\n";
    append (body, "rtt-us", write_rtt (located.path.rtt));
    append (body, "routers", write_routers (located.path.routers));
    return body;
  }
  std::string operator() (const core::message::Alive &alive) const
  {
    std::string body = "message: alive\r\n";
    append (body, "id", to_string (alive.self.id));
    append (body, "address", alive.self.address);
    // Ours may count further than others read.
    append (body, "children-max", alive.children_max,
        core::limits::children_max_max);
    append (body, "peers", alive.subtree.peers, limits::subtree_peers_max);
    append (body, "levels", alive.subtree.levels, core::limits::levels_max);
    append (body, "free", alive.subtree.free, limits::subtree_free_max);
    append (body, "receiving", yes_no (alive.receiving));
    append (body, "root-path", alive.root_path.contacts ());
    append (body, "standby", alive.standby);
    for (const core::Opening &opening : alive.openings)
      append (body, "opening", write_opening (opening));
    if (alive.quality.peers > 0)
      append (body, "quality", write_quality (alive.quality));
    if (alive.reachable != core::Reach::unknown)
      append (body, "reachable", yes_no (alive.reachable == core::Reach::yes));
    if (alive.tree_delay_ms > 0)
      append (body, "tree-delay", alive.tree_delay_ms,
          core::limits::tree_delay_max_ms);
    return body;
  }
  template <class Other> std::string operator() (const Other &) const
  {
    return {};
  }
};

// Every name of every kind; a kind takes from it what it needs.
struct Fields {
  std::optional<core::PeerId> id, mover, to;
  std::optional<std::string> address;
  std::optional<std::uint32_t> children_max, peers, levels, free, tree_delay;
  std::optional<bool> receiving, reachable, ok;
  std::optional<std::uint64_t> token;
  std::optional<core::Duration> rtt;
  std::optional<std::vector<std::uint64_t>> routers;
  std::string root_path, standby;
  std::vector<core::Opening> openings;
  std::optional<core::Quality> quality;

  // False: known, but its value is wrong or it came before.
  bool take (const BodyLine &line);
};

template <class T>
bool
set_once (std::optional<T> &field, std::optional<T> value)
{
  if (field)
    return false;
  field = std::move (value);
  return field.has_value ();
}

bool
set_number (std::optional<std::uint32_t> &field, std::string_view text,
    std::uint64_t max)
{
  return set_once (field, text::parse_decimal<std::uint32_t> (text, max));
}

bool
append_list (std::string &list, std::string_view value)
{
  if (value.empty ())
    return true;
  if (!list.empty ())
    list += ", ";
  list += value;
  return true;
}

bool
Fields::take (const BodyLine &line)
{
  const std::string_view value = line.value;
  const auto is = [&line] (std::string_view known) {
    return text::iequals (line.name, known);
  };
  if (is ("id"))
    return set_once (id, parse_id (value));
  if (is ("mover"))
    return set_once (mover, parse_id (value));
  if (is ("address"))
    return set_once (address, contact_address (value));
  if (is ("children-max"))
    return set_number (children_max, value, core::limits::children_max_max);
  if (is ("peers"))
    return set_number (peers, value, limits::subtree_peers_max);
  if (is ("levels"))
    return set_number (levels, value, core::limits::levels_max);
  if (is ("free"))
    return set_number (free, value, limits::subtree_free_max);
  if (is ("tree-delay"))
    return set_number (tree_delay, value, core::limits::tree_delay_max_ms);
  if (is ("receiving"))
    return set_once (receiving, text::parse_yes_no (value));
  if (is ("reachable"))
    return set_once (reachable, text::parse_yes_no (value));
  if (is ("ok"))
    return set_once (ok, text::parse_yes_no (value));
  if (is ("token"))
    return set_once (token, text::parse_decimal<std::uint64_t> (value,
                                std::numeric_limits<std::uint64_t>::max ()));
  if (is ("to"))
    return set_once (to, parse_id (value));
  if (is ("rtt-us"))
    return set_once (rtt, parse_rtt (value));
  if (is ("routers"))
    return set_once (routers, parse_routers (value));
  if (is ("root-path"))
    return append_list (root_path, value);
  if (is ("standby"))
    return append_list (standby, value);
  if (is ("quality"))
    return set_once (quality, parse_quality (value));
  if (is ("opening")) {
    auto opening = parse_opening (value);
    // More are a hint that we do not need.
    if (opening && openings.size () < core::limits::openings_max)
      openings.push_back (std::move (*opening));
    return opening.has_value ();
  }
  return !is ("message");
}

Result<core::Message>
make_alive (Fields &fields)
{
  if (!fields.id || *fields.id == core::PeerId{} || !fields.address ||
      !fields.children_max || !fields.peers || !fields.levels || !fields.free ||
      !fields.receiving)
    return bad ("something is missing in an alive message");
  if (*fields.peers == 0)
    return bad ("peers counts the peer itself, so is not 0");
  auto root_path = parse_contacts (fields.root_path, core::limits::levels_max);
  auto standby = parse_contacts (fields.standby, core::limits::levels_max);
  if (const auto *reason = std::get_if<Reason> (&root_path))
    return *reason;
  if (const auto *reason = std::get_if<Reason> (&standby))
    return *reason;

  core::message::Alive alive;
  alive.self = {*fields.id, std::move (*fields.address)};
  alive.children_max = *fields.children_max;
  alive.subtree = {*fields.peers, *fields.levels, *fields.free};
  alive.receiving = *fields.receiving;
  alive.root_path =
      core::RootPath (std::get<std::vector<core::Contact>> (root_path));
  alive.standby = std::get<std::vector<core::Contact>> (std::move (standby));
  if (alive.standby.size () > core::limits::standby_max)
    alive.standby.resize (core::limits::standby_max); // a hint, no more
  alive.openings = std::move (fields.openings);
  alive.quality = fields.quality.value_or (core::Quality{});
  if (fields.reachable)
    alive.reachable = *fields.reachable ? core::Reach::yes : core::Reach::no;
  alive.tree_delay_ms = fields.tree_delay.value_or (0);
  return core::Message (std::move (alive));
}

} // namespace

std::string
write_parameters (const core::Message &message)
{
  return std::visit (Writer{}, message);
}

bool
has_message (std::string_view body)
{
  return text::iequals (body.substr (0, 8), "message:");
}

Result<core::Message>
parse_parameters (std::string_view body)
{
  const auto kind = take_line (body);
  if (!kind || !text::iequals (kind->name, "message"))
    return bad ("the first line is not message: KIND");
  Fields fields;
  while (!body.empty ()) {
    const auto line = take_line (body);
    if (!line)
      return bad ("a line is not NAME: VALUE");
    if (!fields.take (*line))
      return bad ("no good " + std::string (line->name) + ", or two");
  }

  const auto is = [&kind] (std::string_view known) {
    return text::iequals (kind->value, known);
  };
  if (is ("alive"))
    return make_alive (fields);
  if (is ("leaving"))
    return core::Message (core::message::Leaving{});
  if (is ("ended"))
    return core::Message (core::message::Ended{});
  if (is ("probe"))
    return core::Message (core::message::Probe{});
  if (is ("verify")) {
    if (!fields.mover || !fields.token)
      return bad ("something is missing in a verify message");
    return core::Message (core::message::Verify{*fields.mover, *fields.token});
  }
  if (is ("verified")) {
    if (!fields.token || !fields.ok)
      return bad ("something is missing in a verified message");
    return core::Message (core::message::Verified{*fields.token, *fields.ok});
  }
  if (is ("yield")) {
    if (!fields.to)
      return bad ("something is missing in a yield message");
    return core::Message (core::message::Yield{*fields.to});
  }
  if (is ("located")) {
    if (!fields.rtt || !fields.routers)
      return bad ("something is missing in a located message");
    return core::Message (
        core::message::Located{{std::move (*fields.routers), *fields.rtt}});
  }
  return Reason{451, "text/parameters: an unknown kind of message"};
}

} // namespace spreadit::rtsp
