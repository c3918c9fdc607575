// Random messages go out as bytes, are cut at random, and must come back as
// they were. The seed is printed when they do not.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "core/limits.hpp"
#include "core/rng.hpp"
#include "rtsp/codec.hpp"
#include "rtsp/limits.hpp"
#include "rtsp/parser.hpp"
#include "rtsp/writer.hpp"

using namespace spreadit;
using namespace spreadit::rtsp;

namespace {

constexpr unsigned seeds = 3000;

// Every value a core message may have within the limits, ends included.
class Dice {
public:
  explicit Dice (std::uint64_t seed) : rng_ (seed) {}

  std::uint64_t bits () { return rng_.next (); }
  std::uint64_t below (std::uint64_t bound) { return rng_.below (bound); }
  bool flip () { return below (2) == 0; }
  // [min, max], both of them often
  std::uint32_t number (std::uint32_t min, std::uint32_t max)
  {
    switch (below (4)) {
    case 0:
      return min;
    case 1:
      return max;
    default:
      return static_cast<std::uint32_t> (
          min + below (std::uint64_t{max} - min + 1));
    }
  }
  core::PeerId id () { return {bits (), bits () | 1}; }
  core::PeerId any_id () { return below (8) == 0 ? core::PeerId{} : id (); }

  std::string host ()
  {
    switch (below (4)) {
    case 0:
      return "10." + std::to_string (below (256)) + ".0." +
             std::to_string (below (256));
    case 1:
      return flip () ? "::1" : "2001:db8:0:1:2:3:4:5";
    case 2:
      return std::string (limits::host_max, 'h');
    default:
      return "peer-" + std::to_string (below (1000)) + ".example";
    }
  }
  std::string address ()
  {
    return join_host_port (
        host (), static_cast<std::uint16_t> (number (1, 65'535)));
  }
  std::string any_address () { return below (8) == 0 ? "" : address (); }
  core::Contact contact () { return {id (), any_address ()}; }
  std::vector<core::Contact> contacts (std::size_t max)
  {
    std::vector<core::Contact> list (
        number (0, static_cast<std::uint32_t> (max)));
    for (core::Contact &entry : list)
      entry = {any_id (), any_address ()};
    return list;
  }
  core::Subtree subtree ()
  {
    return {number (1, limits::subtree_peers_max),
        number (0, core::limits::levels_max),
        number (0, limits::subtree_free_max)};
  }
  core::Quality quality ()
  {
    if (flip ())
      return {};
    return {number (1, limits::subtree_peers_max),
        number (0, core::limits::lost_ppm_max),
        number (0, core::limits::lost_ppm_max),
        number (0, limits::delay_ms_max), number (0, limits::delay_ms_max)};
  }
  Uri stream ()
  {
    Uri uri;
    uri.scheme = static_cast<Scheme> (below (4));
    uri.host = host ();
    uri.port = static_cast<std::uint16_t> (number (1, 65'535));
    uri.path = flip () ? "/live" : "/a%20b/c;d,e=f";
    if (flip ())
      uri.query = "x=y";
    return uri;
  }
  core::NetworkPath path ()
  {
    core::NetworkPath path;
    path.routers.resize (number (0, core::limits::routers_max));
    for (std::uint64_t &router : path.routers)
      router = flip () ? bits () : 0;
    path.rtt = std::chrono::microseconds (
        number (0, static_cast<std::uint32_t> (limits::rtt_max.count ())));
    return path;
  }
  std::string session () { return flip () ? "" : "s-" + to_string (id ()); }

private:
  core::Rng rng_;
};

core::message::Subscribe
random_subscribe (Dice &dice)
{
  core::message::Subscribe subscribe;
  subscribe.self = dice.contact ();
  subscribe.children_max = dice.number (0, core::limits::children_max_max);
  subscribe.subtree = dice.subtree ();
  subscribe.reason = static_cast<core::JoinReason> (dice.below (3));
  subscribe.tries = dice.number (0, limits::tries_max);
  subscribe.avoid.resize (dice.number (0, core::limits::avoid_max));
  for (core::PeerId &id : subscribe.avoid)
    id = dice.any_id ();
  if (dice.flip ())
    subscribe.lost = dice.any_id ();
  subscribe.uplink_bps = dice.below (limits::uplink_bps_max + 1);
  subscribe.unreachable = dice.flip ();
  if (dice.flip ())
    subscribe.path = dice.path ();
  return subscribe;
}

core::message::Alive
random_alive (Dice &dice)
{
  core::message::Alive alive;
  alive.self = dice.contact ();
  alive.children_max = dice.number (0, core::limits::children_max_max);
  alive.subtree = dice.subtree ();
  alive.receiving = dice.flip ();
  alive.root_path = core::RootPath (dice.contacts (core::limits::levels_max));
  alive.standby = dice.contacts (core::limits::standby_max);
  alive.quality = dice.quality ();
  alive.reachable = static_cast<core::Reach> (dice.below (3));
  alive.tree_delay_ms = dice.number (0, core::limits::tree_delay_max_ms);
  return alive;
}

core::message::Redirect
random_redirect (Dice &dice)
{
  return {{dice.any_id (), dice.address ()},
      dice.flip () ? core::RedirectScope::self : core::RedirectScope::subtree};
}

core::Message
random_in_session (Dice &dice)
{
  switch (dice.below (10)) {
  case 0:
    return core::message::Unsubscribe{};
  case 1:
    return core::message::Leaving{};
  case 2:
    return core::message::Ended{};
  case 3:
    return core::message::Verify{dice.any_id (), dice.bits ()};
  case 4:
    return core::message::Verified{dice.bits (), dice.flip ()};
  case 5:
    return core::message::Probe{};
  case 6:
    return random_redirect (dice);
  case 7:
    return core::message::Yield{dice.any_id ()};
  case 8:
    return core::message::Located{dice.path ()};
  default:
    return random_alive (dice);
  }
}

core::Message
random_answer (Dice &dice)
{
  switch (dice.below (3)) {
  case 0: {
    core::message::Accept accept;
    accept.self = dice.contact ();
    accept.root_path =
        core::RootPath (dice.contacts (core::limits::levels_max));
    accept.standby = dice.contacts (core::limits::standby_max);
    accept.tree_delay_ms = dice.number (0, core::limits::tree_delay_max_ms);
    return accept;
  }
  case 1: {
    core::message::Redirect redirect = random_redirect (dice);
    redirect.scope = core::RedirectScope::self;
    return redirect;
  }
  default: {
    core::message::Refuse refuse;
    refuse.reason = static_cast<core::RefuseReason> (dice.below (7));
    if (dice.flip ())
      refuse.retry_after =
          std::chrono::milliseconds{dice.number (0, 3'600'000)};
    return refuse;
  }
  }
}

// Out as bytes and back, in pieces.
template <class T>
T
over_the_wire (Dice &dice, T message)
{
  const auto cseq = static_cast<std::uint32_t> (dice.bits ());
  set_cseq (message.headers, cseq);
  const auto bytes = write (message);
  EXPECT_TRUE (bytes);
  Parser parser;
  std::string_view rest = bytes ? *bytes : std::string_view ();
  while (!rest.empty ()) {
    const auto piece =
        std::min<std::size_t> (rest.size (), 1 + dice.below (2000));
    parser.push (rest.substr (0, piece));
    rest.remove_prefix (piece);
    auto next = parser.next ();
    EXPECT_EQ (std::holds_alternative<Unit> (next), rest.empty ());
    if (auto *unit = std::get_if<Unit> (&next)) {
      T received = std::get<T> (std::move (*unit));
      EXPECT_EQ (rtsp::cseq (received.headers), cseq);
      return received;
    }
  }
  ADD_FAILURE () << "nothing came out";
  return {};
}

Transport
random_transport (Dice &dice)
{
  Transport transport;
  transport.profile = dice.flip () ? Profile::avp : Profile::avpf;
  transport.lower = dice.flip () ? Lower::udp : Lower::tcp;
  transport.unicast = dice.flip ();
  transport.rtcp_mux = dice.flip ();
  transport.bundle = dice.flip ();
  const auto ports = [&dice] {
    const auto first = static_cast<std::uint16_t> (dice.number (1, 65'535));
    return PortRange{
        first, static_cast<std::uint16_t> (dice.number (first, 65'535))};
  };
  if (dice.flip ())
    transport.client_port = ports ();
  if (dice.flip ())
    transport.server_port = ports ();
  if (dice.flip ()) {
    const auto first = static_cast<std::uint8_t> (dice.number (0, 255));
    transport.interleaved = ChannelRange{
        first, static_cast<std::uint8_t> (dice.number (first, 255))};
  }
  if (dice.flip ())
    transport.source = dice.host ();
  if (dice.flip ())
    transport.ssrc = static_cast<std::uint32_t> (dice.bits ());
  transport.mode =
      dice.flip () ? Transport::Mode::unset : Transport::Mode::play;
  return transport;
}

} // namespace

TEST (RoundTrip, Subscribe)
{
  for (unsigned seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE ("seed " + std::to_string (seed));
    Dice dice (seed);
    const core::Message message = random_subscribe (dice);
    const Request request = over_the_wire (
        dice, encode_describe (std::get<core::message::Subscribe> (message),
                  dice.stream ()));
    ASSERT_TRUE (is_spreadit (request));
    ASSERT_EQ (decode_request (request), DecodedRequest (message));
  }
}

TEST (RoundTrip, MessagesInSession)
{
  for (unsigned seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE ("seed " + std::to_string (seed));
    Dice dice (seed);
    const core::Message message = random_in_session (dice);
    const auto request =
        encode_request (message, dice.stream (), dice.session ());
    ASSERT_TRUE (request);
    ASSERT_EQ (decode_request (over_the_wire (dice, *request)),
        DecodedRequest (message));
  }
}

TEST (RoundTrip, Answers)
{
  for (unsigned seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE ("seed " + std::to_string (seed));
    Dice dice (seed);
    const core::Message message = random_answer (dice);
    const Uri stream = dice.stream ();
    const std::string sdp (dice.number (1, limits::body_max), 's');
    Response response;
    if (const auto *accept = std::get_if<core::message::Accept> (&message))
      response = encode_accept (*accept, sdp, wire_url (stream) + "/");
    else if (const auto *redirect =
                 std::get_if<core::message::Redirect> (&message))
      response = encode_redirect (*redirect, stream);
    else
      response = encode_refuse (std::get<core::message::Refuse> (message));
    response = over_the_wire (dice, response);
    ASSERT_EQ (decode_describe_answer (response, stream).message, message);
    if (std::holds_alternative<core::message::Accept> (message)) {
      ASSERT_EQ (response.body, sdp);
    }
  }
}

TEST (RoundTrip, SetupAndPlay)
{
  for (unsigned seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE ("seed " + std::to_string (seed));
    Dice dice (seed);
    std::vector<Transport> alternatives (dice.number (1, 8));
    for (Transport &transport : alternatives)
      transport = random_transport (dice);
    ASSERT_EQ (decode_setup (over_the_wire (
                   dice, encode_setup (dice.stream (), alternatives))),
        Result<SetupRequest> (SetupRequest{alternatives, ""}));

    std::vector<Resume> resume (dice.number (0, limits::resume_max));
    for (std::size_t i = 0; i < resume.size (); ++i)
      resume[i] = {static_cast<std::uint32_t> ((dice.below (1 << 20) << 6) + i),
          dice.bits ()};
    ASSERT_EQ (decode_play (
                   over_the_wire (dice, encode_play (dice.stream (), resume))),
        Result<PlayRequest> (PlayRequest{resume, ""}));

    const Session session{"s" + to_string (dice.id ()),
        std::chrono::seconds{dice.number (0, 86'400)}};
    ASSERT_EQ (decode_setup_answer (over_the_wire (
                   dice, encode_setup_answer (session, alternatives.front ()))),
        Result<SetupAnswer> (SetupAnswer{session, alternatives.front ()}));
    ASSERT_EQ (
        decode_play_answer (over_the_wire (dice, encode_play_answer (session))),
        Result<PlayAnswer> (PlayAnswer{session}));
  }
}

TEST (RoundTrip, Urls)
{
  for (unsigned seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE ("seed " + std::to_string (seed));
    Dice dice (seed);
    const Uri uri = dice.stream ();
    ASSERT_EQ (parse_uri (to_string (uri)), Result<Uri> (uri));
    const auto count = dice.number (0, limits::hops_max);
    ASSERT_EQ (hops (with_hops (uri, count)), count);
    ASSERT_EQ (without_hops (with_hops (uri, count)), uri);
  }
}
