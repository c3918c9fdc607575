// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtsp/uri.hpp"

#include <gtest/gtest.h>

#include "rtsp/limits.hpp"

using namespace spreadit::rtsp;

namespace {

Uri
good (std::string_view text)
{
  const auto parsed = parse_uri (text);
  const auto *reason = std::get_if<Reason> (&parsed);
  EXPECT_EQ (reason, nullptr) << text << ": " << reason->text;
  return reason ? Uri{} : std::get<Uri> (parsed);
}

// What is wrong, without the form that was expected.
std::string
bad (const Result<Uri> &parsed)
{
  const auto *reason = std::get_if<Reason> (&parsed);
  if (!reason)
    return "nothing";
  EXPECT_EQ (reason->status, 400u);
  const auto end = reason->text.find ("; the form is spreadit://HOST");
  EXPECT_NE (end, std::string::npos) << reason->text;
  EXPECT_EQ (reason->text.find ('\n'), std::string::npos);
  return reason->text.substr (0, end);
}

std::string
bad_address (const Result<HostPort> &parsed)
{
  const auto *reason = std::get_if<Reason> (&parsed);
  return reason ? reason->text : "nothing";
}

} // namespace

TEST (Uri, NamesASourceAndAStream)
{
  EXPECT_EQ (good ("spreadit://source.example:8555/live/1?a=b"),
      (Uri{Scheme::spreadit, "source.example", 8555, "/live/1", "a=b"}));
  EXPECT_EQ (good ("SpreadIt://H/x").scheme, Scheme::spreadit);
  EXPECT_EQ (good ("spreadit://[::1]:1/x").host, "::1");
  EXPECT_EQ (good ("rtsp://[2001:db8::7]/x").host, "2001:db8::7");
  EXPECT_EQ (good ("rtsp://10.0.0.1:65535/x").port, 65'535);
  EXPECT_EQ (good ("spreadit://0.0.0.0:0/live").port, 0);
  EXPECT_EQ (good ("spreadit://my_host-1.local./x").host, "my_host-1.local.");
}

TEST (Uri, DefaultPorts)
{
  EXPECT_EQ (good ("spreadit://h/x").port, 8554);
  EXPECT_EQ (good ("rtsp://h/x").port, 554);
  EXPECT_EQ (good ("spreadits://h/x").port, 8322);
  EXPECT_EQ (good ("rtsps://h/x").port, 8322);
}

TEST (Uri, PercentEncodingIsKept)
{
  const Uri uri = good ("spreadit://h/caf%C3%A9/%2f?q=%20");
  EXPECT_EQ (uri.path, "/caf%C3%A9/%2f");
  EXPECT_EQ (uri.query, "q=%20");
  EXPECT_EQ (to_string (uri), "spreadit://h:8554/caf%C3%A9/%2f?q=%20");
}

TEST (Uri, WritesThePortAlways)
{
  for (const char *text : {"spreadit://h:8554/x", "spreadits://[::1]:8322/x?y",
           "rtsp://10.0.0.1:554/a/b", "rtsps://h:1/x"}) {
    EXPECT_EQ (to_string (good (text)), text);
    EXPECT_EQ (good (to_string (good (text))), good (text));
  }
}

TEST (Uri, OnTheWireIsRtsp)
{
  EXPECT_EQ (wire_url (good ("spreadit://h/x?y")), "rtsp://h:8554/x");
  EXPECT_EQ (wire_url (good ("spreadits://[::1]/x")), "rtsps://[::1]:8322/x");
}

TEST (Uri, SaysWhatIsWrong)
{
  const std::string user =
      "a user name or password in the URL is not supported";
  const std::string host = "the host is neither a name nor an IP address";
  const std::string port = "the port is not a number from 0 to 65535";
  const std::string ipv6 = "there is no good IPv6 address between the brackets";
  const std::string chars =
      "the URL has characters that must be percent-encoded";
  const std::string path = "the URL names no stream, its path is empty";
  const std::pair<std::string, std::string> table[] = {
      {"", "this is no URL"},
      {"source.example:8554/live", "this is no URL"},
      {"spreadit:/h/x", "this is no URL"},
      {"http://h/x", "the scheme is none of spreadit, spreadits, rtsp, rtsps"},
      {"://h/x", "the scheme is none of spreadit, spreadits, rtsp, rtsps"},
      {" spreadit://h/x",
          "the scheme is none of spreadit, spreadits, rtsp, rtsps"},
      {"spreadit://", "the URL names no host"},
      {"spreadit:///live", "the URL names no host"},
      {"spreadit://:8554/live", "the URL names no host"},
      {"spreadit://h", path},
      {"spreadit://h/", path},
      {"spreadit://h?x", path},
      {"spreadit://h:8554", path},
      {"spreadit://joe:pw@h/x", user},
      {"spreadit://joe@h/x", user},
      {"spreadit://h/x#t", "the URL has a fragment (#)"},
      {"spreadit://h:/x", port},
      {"spreadit://h:65536/x", port},
      {"spreadit://h:-1/x", port},
      {"spreadit://h:+1/x", port},
      {"spreadit://h:12a/x", port},
      {"spreadit://::1/x", "an IPv6 address must be in brackets, as in [::1]"},
      {"spreadit://[::1/x", "the bracket of the IPv6 address is not closed"},
      {"spreadit://[::g]/x", ipv6},
      {"spreadit://[]/x", ipv6},
      {"spreadit://[10.0.0.1]/x", ipv6},
      {"spreadit://[fe80::1%25eth0]/x", ipv6},
      {"spreadit://[::1" + std::string (1, '\0') + "]/x", ipv6},
      {"spreadit://[::1]8554/x",
          "something other than a port follows the IPv6 address"},
      {"spreadit://300.1.1.1/x", host},
      {"spreadit://1.2.3/x", host},
      {"spreadit://h h/x", host},
      {"spreadit://h%41/x", host},
      {"spreadit://caf\xc3\xa9/x", host},
      {"spreadit://" + std::string (254, 'h') + "/x", host},
      {"spreadit://h/x y", chars},
      {"spreadit://h/\"", chars},
      {"spreadit://h/x\r\nX: y", chars},
      {"spreadit://h/" + std::string (1, '\0'), chars},
      {"spreadit://h/caf\xc3\xa9", chars},
      {"spreadit://h/%4", chars},
      {"spreadit://h/%", chars},
      {"spreadit://h/%zz", chars},
      {"spreadit://h/x?<>", chars},
      {"spreadit://h/" + std::string (limits::uri_max, 'x'),
          "the URL is too long"},
  };
  for (const auto &[text, reason] : table)
    EXPECT_EQ (bad (parse_uri (text)), reason) << text;
}

TEST (HostPort, SplitsAndJoins)
{
  const std::pair<const char *, HostPort> table[] = {
      {"0.0.0.0:8554", {"0.0.0.0", 8554}},
      {"[::]:0", {"::", 0}},
      {":8554", {"", 8554}},
      {"host.example:1", {"host.example", 1}},
  };
  for (const auto &[text, expected] : table) {
    const auto split = split_host_port (text);
    ASSERT_TRUE (std::holds_alternative<HostPort> (split)) << text;
    EXPECT_EQ (std::get<HostPort> (split), expected);
    EXPECT_EQ (join_host_port (expected.host, expected.port), text);
  }
}

TEST (HostPort, SaysWhatIsWrong)
{
  EXPECT_EQ (bad_address (split_host_port ("")),
      "the address has no port; the form is HOST:PORT");
  EXPECT_EQ (bad_address (split_host_port ("0.0.0.0")),
      "the address has no port; the form is HOST:PORT");
  EXPECT_EQ (bad_address (split_host_port ("::1:8554")),
      "an IPv6 address must be in brackets, as in [::1]; "
      "the form is HOST:PORT");
  for (const char *text : {"h:", "h:x", "h:65536", "[::1]", "[::1]:", "[x]:1",
           "h/x:1", "h :1", "h: 1", "@h:1"})
    EXPECT_NE (bad_address (split_host_port (text)), "nothing") << text;
}

TEST (HostPort, AnAddressToConnectToIsComplete)
{
  EXPECT_EQ (bad_address (parse_address ("h:1")), "nothing");
  EXPECT_EQ (bad_address (parse_address (":1")),
      "the address has no host; the form is HOST:PORT");
  EXPECT_EQ (bad_address (parse_address ("h:0")),
      "nobody can be reached at port 0; the form is HOST:PORT");
}

TEST (HostPort, ContactsHaveOneSpelling)
{
  EXPECT_EQ (contact_address (""), "");
  EXPECT_EQ (contact_address ("h:08554"), "h:8554");
  EXPECT_EQ (contact_address ("h"), std::nullopt);
  EXPECT_EQ (
      contact_address ("[::1" + std::string (1, '\0') + "x]:1"), std::nullopt);
}

TEST (Hops, AreCountedInTheQuery)
{
  const Uri fresh = good ("rtsp://h/x");
  EXPECT_EQ (hops (fresh), 0u);
  const Uri once = with_hops (fresh, 1);
  EXPECT_EQ (to_string (once), "rtsp://h:554/x?spreadit-hops=1");
  EXPECT_EQ (hops (once), 1u);
  EXPECT_EQ (hops (with_hops (once, 2)), 2u);
  EXPECT_EQ (with_hops (once, 2).query, "spreadit-hops=2");
  EXPECT_EQ (without_hops (once), fresh);
}

TEST (Hops, LeaveTheRestOfTheQueryAlone)
{
  const Uri uri = good ("rtsp://h/x?a=1&spreadit-hops=3&b=2&spreadit-hopsy=1");
  EXPECT_EQ (hops (uri), 3u);
  EXPECT_EQ (without_hops (uri).query, "a=1&b=2&spreadit-hopsy=1");
  EXPECT_EQ (
      with_hops (uri, 4).query, "a=1&b=2&spreadit-hopsy=1&spreadit-hops=4");
}

// Who tampers with the count has had all the redirects there are.
TEST (Hops, UnreadableIsTheMost)
{
  for (const char *query :
      {"spreadit-hops=", "spreadit-hops", "spreadit-hops=x", "spreadit-hops=-1",
          "spreadit-hops=99999999999999999999", "spreadit-hops=33",
          "spreadit-hops=0&spreadit-hops=x"})
    EXPECT_EQ (
        hops (good (std::string ("rtsp://h/x?") + query)), limits::hops_max)
        << query;
  EXPECT_EQ (hops (good ("rtsp://h/x?spreadit-hops=5&spreadit-hops=2")), 5u);
}
