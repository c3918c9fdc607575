// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtsp/headers.hpp"

#include <gtest/gtest.h>

#include "core/limits.hpp"
#include "rtsp/limits.hpp"

using namespace spreadit;
using namespace spreadit::rtsp;

namespace {

const core::PeerId id{0x0123456789abcdef, 0xfedcba9876543210};
const std::string id_text = "0123456789abcdeffedcba9876543210";
const std::string other_text = "00000000000000000000000000000002";

template <class T>
bool
is_bad (const Result<T> &result)
{
  return std::holds_alternative<Reason> (result);
}

Request
requiring (std::initializer_list<const char *> values)
{
  Request request{"DESCRIBE", "rtsp://h:1/x", {}, {}};
  for (const char *value : values)
    request.headers.push_back ({"Require", value});
  return request;
}

} // namespace

TEST (PeerId, Is32HexadecimalDigits)
{
  EXPECT_EQ (to_string (id), id_text);
  EXPECT_EQ (parse_id (id_text), id);
  EXPECT_EQ (parse_id ("0123456789ABCDEFFEDCBA9876543210"), id);
  EXPECT_EQ (to_string (core::PeerId{0, 2}), other_text);
  for (const std::string &bad :
      {std::string (), id_text + "0", id_text.substr (1),
          " " + id_text.substr (1), "0x" + id_text.substr (2),
          std::string (32, 'g'), "-" + id_text.substr (1)})
    EXPECT_EQ (parse_id (bad), std::nullopt) << bad;
}

TEST (PeerHeader, OfASubscribe)
{
  PeerHeader peer;
  peer.self = {id, "10.0.0.7:8554"};
  peer.children_max = 3;
  peer.subtree = {5, 2, 4};
  EXPECT_EQ (to_string (peer),
      "id=" + id_text +
          "; address=\"10.0.0.7:8554\"; version=1; children-max=3; "
          "children-free=4; peers=5; levels=2");
  EXPECT_EQ (std::get<PeerHeader> (parse_peer (to_string (peer))), peer);
  peer.uplink_bps = 2'000'000;
  EXPECT_TRUE (to_string (peer).ends_with ("; uplink-bps=2000000"));
  EXPECT_EQ (std::get<PeerHeader> (parse_peer (to_string (peer))), peer);
  peer.unreachable = true;
  EXPECT_TRUE (to_string (peer).ends_with ("; reachable=no"));
  EXPECT_EQ (std::get<PeerHeader> (parse_peer (to_string (peer))), peer);
  EXPECT_FALSE (std::get<PeerHeader> (
      parse_peer ("id=" + id_text + "; version=1; reachable=YES"))
                    .unreachable);
}

TEST (PeerHeader, OfAnAcceptHasIdentityOnly)
{
  const auto text = peer_identity ({id, "[::1]:8554"});
  EXPECT_EQ (text, "id=" + id_text + "; address=\"[::1]:8554\"; version=1");
  const auto peer = std::get<PeerHeader> (parse_peer (text));
  EXPECT_EQ (peer.self, (core::Contact{id, "[::1]:8554"}));
  EXPECT_EQ (peer.subtree, (core::Subtree{1, 0, 0}));
}

TEST (PeerHeader, OfALaterVersionIsReadAsOurs)
{
  const auto peer = std::get<PeerHeader> (parse_peer (
      "ID=" + id_text + ";version=7;uplink-bps=1;new=\"a;b\";flag"));
  EXPECT_EQ (peer.version, 7u);
  EXPECT_EQ (peer.self, (core::Contact{id, ""}));
}

TEST (PeerHeader, RefusesBadValues)
{
  const std::string start = "id=" + id_text + "; version=1";
  EXPECT_FALSE (is_bad (parse_peer (start)));
  for (const std::string &bad : {
           std::string (),
           std::string ("version=1"),
           "id=" + id_text,
           "id=" + id_text + "; version=0",
           "id=" + id_text + "; version=-1",
           "id=\"" + id_text + "\"; version=1",
           "id=" + std::string (32, '0') + "; version=1",
           start + "; id=" + other_text,
           start + "; version=1",
           start + "; address=h:1",
           start + "; address=\"h\"",
           start + "; address=\":1\"",
           start + "; address=\"h:0\"",
           start + "; address=\"h:1",
           start + "; address=\"h:1\"; address=\"h:1\"",
           start + "; address=\"rtsp://h:1\"",
           start + "; children-max",
           start + "; children-max=",
           start + "; children-max=10001",
           start + "; children-free=-1",
           start + "; peers=0",
           start + "; peers=100000001",
           start + "; peers=1.0",
           start + "; levels=65",
           start + "; le vels=1",
           start + "; reachable",
           start + "; reachable=perhaps",
           start + "; reachable=no; reachable=no",
       })
    EXPECT_TRUE (is_bad (parse_peer (bad))) << bad;
}

TEST (JoinHeader, SaysWhy)
{
  JoinHeader join;
  EXPECT_EQ (to_string (join), "reason=first; tries=0");
  join = {core::JoinReason::parent_lost, 4, {id, {0, 2}}, id};
  EXPECT_EQ (to_string (join), "reason=parent-lost; tries=4; avoid=" + id_text +
                                   "," + other_text + "; lost=" + id_text);
  EXPECT_EQ (std::get<JoinHeader> (parse_join (to_string (join))), join);
  EXPECT_EQ (std::get<JoinHeader> (parse_join ("")), JoinHeader{});
  join = {core::JoinReason::rising, 0, {}, std::nullopt, 7};
  EXPECT_EQ (to_string (join), "reason=rising; tries=0; level=7");
  EXPECT_EQ (std::get<JoinHeader> (parse_join (to_string (join))), join);
}

TEST (JoinHeader, ReadsTheNewestOfALongList)
{
  std::string text = "avoid=" + id_text;
  for (int i = 0; i < 20; ++i)
    text += "," + other_text;
  const auto join = std::get<JoinHeader> (parse_join (text));
  ASSERT_EQ (join.avoid.size (), core::limits::avoid_max);
  EXPECT_EQ (join.avoid[0], id);
}

TEST (JoinHeader, RefusesBadValues)
{
  for (const std::string &bad :
      {std::string ("reason=bored"), std::string ("reason"),
          std::string ("reason=first; reason=first"), std::string ("tries=x"),
          std::string ("tries=10001"), std::string ("avoid="),
          std::string ("avoid=1"), "avoid=" + id_text + ",",
          "avoid=" + id_text + ";avoid=" + id_text, std::string ("level="),
          std::string ("level=65"), std::string ("level=1; level=1"),
          std::string ("lost="), "lost=" + id_text + "," + id_text,
          "lost=" + id_text + ";lost=" + id_text, std::string ("x=\"")})
    EXPECT_TRUE (is_bad (parse_join (bad))) << bad;
}

TEST (PathHeader, IsATraceroute)
{
  core::NetworkPath path;
  EXPECT_EQ (to_string (path), "rtt-us=0");
  EXPECT_EQ (std::get<core::NetworkPath> (parse_path ("rtt-us=0")), path);
  path.routers = {0x0a000001, core::NetworkPath::silent};
  path.rtt = std::chrono::microseconds (12'345);
  EXPECT_EQ (to_string (path),
      "rtt-us=12345; routers=000000000a000001,0000000000000000");
  EXPECT_EQ (std::get<core::NetworkPath> (parse_path (to_string (path))), path);
  EXPECT_EQ (std::get<core::NetworkPath> (parse_path (
                 "seen=2; routers = 000000000A000001 , 0000000000000000;"
                 "RTT-us=12345")),
      path);
}

TEST (PathHeader, RefusesBadValues)
{
  std::string many = "routers=0000000000000001";
  for (std::size_t i = 0; i < core::limits::routers_max; ++i)
    many += ",0000000000000001";
  for (const std::string &bad :
      {std::string ("routers=1"), std::string ("routers=000000000000000g"),
          std::string ("routers=0000000000000001,"),
          std::string ("rtt-us=fast"), std::string ("rtt-us=-1"),
          std::string ("rtt-us=10000001"), std::string ("rtt-us=1; rtt-us=1"),
          std::string ("rtt-us=\"1"), many}) {
    const auto result = parse_path (bad);
    const auto *reason = std::get_if<Reason> (&result);
    ASSERT_TRUE (reason) << bad;
    EXPECT_EQ (reason->status, 400u) << bad;
  }
}

TEST (Contacts, AreAList)
{
  const std::vector<core::Contact> contacts = {
      {id, "10.0.0.1:8554"}, {{0, 2}, "[::1]:1"}, {{}, ""}};
  const auto lines = write_contacts (contacts);
  ASSERT_EQ (lines.size (), 1u);
  EXPECT_EQ (lines[0], id_text + "@\"10.0.0.1:8554\", " + other_text +
                           "@\"[::1]:1\", " + std::string (32, '0') + "@\"\"");
  EXPECT_EQ (
      std::get<std::vector<core::Contact>> (parse_contacts (lines[0], 3)),
      contacts);
  EXPECT_TRUE (is_bad (parse_contacts (lines[0], 2)));
  EXPECT_TRUE (write_contacts ({}).empty ());
  EXPECT_TRUE (
      std::get<std::vector<core::Contact>> (parse_contacts (" ", 3)).empty ());
}

TEST (Contacts, ALongListGoesOnInFurtherLines)
{
  const std::vector<core::Contact> path (core::limits::levels_max,
      {id, std::string (limits::host_max, 'h') + ":65535"});
  const auto lines = write_contacts (path);
  EXPECT_GT (lines.size (), 1u);
  Headers headers;
  for (const std::string &line : lines) {
    EXPECT_LE (line.size (), limits::list_line_max);
    headers.push_back ({"SpreadIt-Root-Path", line});
  }
  EXPECT_EQ (std::get<std::vector<core::Contact>> (parse_contacts (
                 find_list (headers, header::root_path), path.size ())),
      path);
}

TEST (Contacts, RefusesBadOnes)
{
  for (const std::string &bad : {std::string (","), id_text, id_text + "@",
           id_text + "@h:1", std::string ("@\"h:1\""), id_text + "@\"h:1\",",
           id_text + "@\"h\"", id_text + " @\"h:1\"", id_text + "@\"h:1\\\"\"",
           id_text + "@\"h:1\" x", id_text + "@\"h:1"})
    EXPECT_TRUE (is_bad (parse_contacts (bad, 64))) << bad;
}

TEST (Resume, NamesTheNewestPacketOfEachSsrc)
{
  const std::vector<Resume> resume = {
      {0x0000beef, 131'077}, {0xffffffff, 18'446'744'073'709'551'615u}};
  const auto text = to_string (resume);
  EXPECT_EQ (text, "ssrc=0000beef; seq=131077, "
                   "ssrc=ffffffff; seq=18446744073709551615");
  EXPECT_EQ (std::get<std::vector<Resume>> (parse_resume (text)), resume);
  EXPECT_EQ (
      std::get<std::vector<Resume>> (parse_resume ("SEQ=1;x=y;SSRC=0000BEEF")),
      (std::vector<Resume>{{0xbeef, 1}}));
}

TEST (Resume, RefusesBadValues)
{
  std::string many = "ssrc=00000000; seq=1";
  for (unsigned i = 1; i <= limits::resume_max; ++i)
    many += ", ssrc=000000" + std::to_string (10 + i) + "; seq=1";
  for (const std::string &bad :
      {std::string (), std::string (","), std::string ("ssrc=0000beef"),
          std::string ("seq=1"), std::string ("ssrc=beef; seq=1"),
          std::string ("ssrc=0000beef; seq=-1"),
          std::string ("ssrc=0000beef; seq=18446744073709551616"),
          std::string ("ssrc=0000beef; seq=1; seq=1"),
          std::string ("ssrc=0000beef; seq=1, ssrc=0000BEEF; seq=2"), many})
    EXPECT_TRUE (is_bad (parse_resume (bad))) << bad;
}

TEST (Session, HasAnIdAndATimeout)
{
  const Session session{"k1-$_.+Z", std::chrono::seconds{30}};
  EXPECT_EQ (to_string (session), "k1-$_.+Z;timeout=30");
  EXPECT_EQ (parse_session (to_string (session)), session);
  EXPECT_EQ (parse_session ("12345678"), (Session{"12345678"}));
  EXPECT_EQ (parse_session ("1 ; x=y; timeout=5")->timeout.count (), 5);
  for (const std::string &bad :
      {std::string (), std::string (";timeout=1"), std::string ("a b"),
          std::string ("a;timeout=x"), std::string ("a;timeout=86401"),
          std::string ("a\"b"), std::string (limits::session_id_max + 1, 'a')})
    EXPECT_EQ (parse_session (bad), std::nullopt) << bad;
}

TEST (RtpInfo, IsAList)
{
  const RtpInfo info[] = {{"rtsp://h:1/x/stream=0", 65'535, 4'294'967'295u},
      {"rtsp://h:1/x/stream=1", std::nullopt, std::nullopt}};
  EXPECT_EQ (to_string (info),
      "url=rtsp://h:1/x/stream=0;seq=65535;rtptime=4294967295,"
      "url=rtsp://h:1/x/stream=1");
}

TEST (Require, TellsPeersFromPlayers)
{
  EXPECT_FALSE (is_spreadit (requiring ({})));
  EXPECT_FALSE (is_spreadit (requiring ({"org.spreadit.10"})));
  EXPECT_TRUE (is_spreadit (requiring ({"org.spreadit.1"})));
  EXPECT_TRUE (is_spreadit (requiring ({"a, org.spreadit.1 ,b"})));
  EXPECT_TRUE (is_spreadit (requiring ({"a", "org.spreadit.1"})));
}

TEST (Require, NamesWhatWeDoNotKnow)
{
  EXPECT_TRUE (unknown_options (requiring ({"org.spreadit.1,, "})).empty ());
  const auto unknown =
      unknown_options (requiring ({"a, org.spreadit.1", "org.spreadit.2"}));
  EXPECT_EQ (unknown, (std::vector<std::string>{"a", "org.spreadit.2"}));
  const Response response = make_unsupported (unknown);
  EXPECT_EQ (response.status, 551u);
  EXPECT_EQ (*find (response.headers, "Unsupported"), "a, org.spreadit.2");
  const std::vector<std::string> flood (100, std::string (1000, 'x'));
  EXPECT_LE (find (make_unsupported (flood).headers, "Unsupported")->size (),
      limits::list_line_max);
}
