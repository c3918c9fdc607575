// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtsp/message.hpp"

#include <gtest/gtest.h>

using namespace spreadit::rtsp;

TEST (Headers, AreFoundWithoutCase)
{
  const Headers headers = {
      {"cseq", "4"}, {"Require", "a"}, {"REQUIRE", "b"}, {"Require", ""}};
  ASSERT_NE (find (headers, "CSeq"), nullptr);
  EXPECT_EQ (*find (headers, "CSEQ"), "4");
  EXPECT_EQ (*find (headers, "require"), "a");
  EXPECT_EQ (find (headers, "Session"), nullptr);
  EXPECT_EQ (find_list (headers, "Require"), "a, b");
  EXPECT_EQ (find_list (headers, "Session"), "");
}

TEST (Headers, SetReplacesAllOfThatName)
{
  Headers headers = {{"A", "1"}, {"b", "2"}, {"a", "3"}, {"C", "4"}};
  set (headers, "a", "5");
  EXPECT_EQ (headers, (Headers{{"A", "5"}, {"b", "2"}, {"C", "4"}}));
  set (headers, "D", "6");
  EXPECT_EQ (headers.back (), (Header{"D", "6"}));
}

TEST (Headers, CSeqIsPutFirst)
{
  Headers headers = {{"A", "1"}};
  set_cseq (headers, 4'294'967'295u);
  EXPECT_EQ (headers, (Headers{{"CSeq", "4294967295"}, {"A", "1"}}));
  EXPECT_EQ (cseq (headers), 4'294'967'295u);
  set_cseq (headers, 2);
  EXPECT_EQ (headers, (Headers{{"CSeq", "2"}, {"A", "1"}}));
}

TEST (Headers, CSeqIsOneDecimalNumber)
{
  EXPECT_EQ (cseq ({}), std::nullopt);
  EXPECT_EQ (cseq ({{"CSeq", "1"}, {"cseq", "1"}}), 1u);
  EXPECT_EQ (cseq ({{"CSeq", "1"}, {"cseq", "2"}}), std::nullopt);
  for (const char *bad : {"", "-1", "+1", "1x", "0x1", " 1", "4294967296"})
    EXPECT_EQ (cseq ({{"CSeq", bad}}), std::nullopt) << bad;
}

TEST (Response, HasTheUsualPhrase)
{
  EXPECT_EQ (
      make_response (453), (Response{453, "Not Enough Bandwidth", {}, {}}));
  EXPECT_EQ (reason_phrase (482), "Loop Detected");
  EXPECT_EQ (reason_phrase (299), "Unknown");
  EXPECT_TRUE (is_provisional (make_response (100)));
  EXPECT_FALSE (is_provisional (make_response (200)));
}
