// SPDX-License-Identifier: LGPL-2.1-or-later
#include <limits>

#include <gtest/gtest.h>

#include <gst/spreadit/spreadit.h>

#include "stats_line.hpp"

using spreadit::relay::stats_line;

namespace {

// What `structure` becomes; frees it.
std::string
line_of (GstStructure *structure)
{
  const std::string line = stats_line (structure);
  gst_structure_free (structure);
  return line;
}

void
append (GValue *list, GstStructure *structure)
{
  GValue value = G_VALUE_INIT;
  g_value_init (&value, GST_TYPE_STRUCTURE);
  g_value_take_boxed (&value, structure);
  gst_value_list_append_and_take_value (list, &value);
}

} // namespace

TEST (StatsLine, KeepsNamesAndOrder)
{
  EXPECT_EQ (line_of (gst_structure_new ("stats", "time", G_TYPE_UINT64,
                 guint64{1700000000000000}, "uri", G_TYPE_STRING,
                 "spreadit://a/b", "level", G_TYPE_UINT, 2u, "bytes-in",
                 G_TYPE_UINT64, guint64{5000000000}, nullptr)),
      R"({"time":1700000000000000,"uri":"spreadit://a/b","level":2,)"
      R"("bytes-in":5000000000})");
}

TEST (StatsLine, NestsStructuresAndLists)
{
  GstStructure *stats = gst_structure_new_empty ("stats");
  GValue children = G_VALUE_INIT;
  g_value_init (&children, GST_TYPE_LIST);
  append (&children,
      gst_structure_new ("child", "id", G_TYPE_STRING, "ab", "plain-player",
          G_TYPE_BOOLEAN, TRUE, "rtt-ms", G_TYPE_DOUBLE, 0.5, nullptr));
  append (&children, gst_structure_new ("child", "id", G_TYPE_STRING, "cd",
                         "plain-player", G_TYPE_BOOLEAN, FALSE, nullptr));
  gst_structure_take_value (stats, "children", &children);
  GValue path = G_VALUE_INIT;
  g_value_init (&path, GST_TYPE_LIST);
  gst_structure_take_value (stats, "root-path", &path);
  GstStructure *delay =
      gst_structure_new ("delay", "p50", G_TYPE_DOUBLE, 0.25, nullptr);
  gst_structure_set (stats, "delay-ms", GST_TYPE_STRUCTURE, delay, nullptr);
  gst_structure_free (delay);
  EXPECT_EQ (line_of (stats),
      R"({"children":[{"id":"ab","plain-player":true,"rtt-ms":0.5},)"
      R"({"id":"cd","plain-player":false}],"root-path":[],)"
      R"("delay-ms":{"p50":0.25}})");
}

TEST (StatsLine, IsOneLineOfValidJsonWhateverTheText)
{
  const std::string line = line_of (gst_structure_new ("stats", "uri",
      G_TYPE_STRING, "a\"b\\c\nd\te", "none", G_TYPE_STRING, nullptr, nullptr));
  EXPECT_EQ (line, R"({"uri":"a\"b\\c\nd\te","none":""})");
}

TEST (StatsLine, KnowsNumbersThatJsonDoesNot)
{
  EXPECT_EQ (line_of (gst_structure_new ("stats", "a", G_TYPE_DOUBLE,
                 std::numeric_limits<double>::quiet_NaN (), "b", G_TYPE_DOUBLE,
                 std::numeric_limits<double>::infinity (), "c", G_TYPE_UINT64,
                 G_MAXUINT64, "d", G_TYPE_INT, -1, nullptr)),
      R"({"a":null,"b":null,"c":9223372036854775807,"d":-1})");
}

TEST (StatsLine, WritesEnumsByNick)
{
  EXPECT_EQ (line_of (gst_structure_new ("stats", "state",
                 GST_TYPE_SPREADIT_PEER_STATE,
                 GST_SPREADIT_PEER_STATE_TRANSIENT, nullptr)),
      R"({"state":"transient"})");
}

int
main (int argc, char **argv)
{
  gst_init (nullptr, nullptr);
  testing::InitGoogleTest (&argc, argv);
  return RUN_ALL_TESTS ();
}
