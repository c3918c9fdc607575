// Where to serve, and whom a request may say it is for.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http/address.hpp"

#include <gtest/gtest.h>

using namespace spreadit::http;

TEST (Address, WithoutAHostIsTheLoopback)
{
  for (const char *text : {"8080", ":8080", "localhost:8080", "127.0.0.1:8080"})
    EXPECT_EQ (parse_address (text), (Address{"127.0.0.1", 8080})) << text;
  EXPECT_EQ (parse_address ("0.0.0.0:0"), (Address{"0.0.0.0", 0}));
  EXPECT_EQ (parse_address ("[::]:8080"), (Address{"::", 8080}));
  EXPECT_EQ (to_string ({"::1", 80}), "[::1]:80");
  EXPECT_EQ (to_string ({"10.0.0.1", 80}), "10.0.0.1:80");
}

TEST (Address, RefusesWhatIsNone)
{
  for (const char *text : {"", ":", "x", "-1", "65536", "8080x", "host:8080",
           "::1:8080", "[::1]", "[::1]8080", "[::1:8080", "::1]:8080",
           "10.0.0.1:", "10.0.0.1", "[]:80", "http://127.0.0.1:80"})
    EXPECT_FALSE (parse_address (text).has_value ()) << text;
}

TEST (Host, OfTheLoopbackHasToNameIt)
{
  for (const char *host : {"localhost", "LocalHost:1", "127.0.0.1",
           "127.1.2.3:8080", "[::1]", "[::1]:8080"})
    EXPECT_TRUE (names_loopback (host)) << host;
  for (const char *host : {"", "evil.example", "localhost.evil.example",
           "127.0.0.1.evil.example:80", "evil.example:127", "10.0.0.1", "[::1",
           "[::1]x", "localhost:80x", "127.0.0.1:", "0.0.0.0"})
    EXPECT_FALSE (names_loopback (host)) << host;
}

TEST (Origin, IsThePageThatTheHostServed)
{
  EXPECT_TRUE (is_same_origin ("http://localhost:8080", "localhost:8080"));
  EXPECT_TRUE (is_same_origin ("HTTP://LocalHost:8080", "localhost:8080"));
  for (const char *origin : {"", "null", "http://", "http://evil.example",
           "https://localhost:8080", "http://localhost", "localhost:8080",
           "http://localhost:8080.evil.example"})
    EXPECT_FALSE (is_same_origin (origin, "localhost:8080")) << origin;
  EXPECT_FALSE (is_same_origin ("http://", ""));
}
