// Prometheus text: units, types, escaping.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http/metrics.hpp"

#include <clocale>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "http/owned.hpp"

using namespace spreadit::http;
using spreadit::http::Owned;

namespace {

Owned<GstStructure>
stats (const char *uri, double delay_ms)
{
  Owned<GstStructure> one (gst_structure_new ("stats", "uri", G_TYPE_STRING,
      uri, "state", G_TYPE_STRING, "receiving", "level", G_TYPE_UINT, 2,
      "packets-lost", G_TYPE_UINT64, G_MAXUINT64, nullptr));
  Owned<GstStructure> delay (gst_structure_new ("delay-ms", "p50",
      G_TYPE_DOUBLE, delay_ms, "p99", G_TYPE_DOUBLE, NAN, nullptr));
  gst_structure_set (
      one.get (), "delay-ms", GST_TYPE_STRUCTURE, delay.get (), nullptr);
  Owned<GstStructure> subtree (gst_structure_new ("subtree", "measured",
      G_TYPE_UINT, 6, "worst-lost-fraction", G_TYPE_DOUBLE, 0.02,
      "mean-lost-fraction", G_TYPE_DOUBLE, 0.0005, "worst-delay-ms",
      G_TYPE_DOUBLE, 80.0, nullptr));
  gst_structure_set (
      one.get (), "subtree", GST_TYPE_STRUCTURE, subtree.get (), nullptr);
  return one;
}

std::string
text_of (const std::vector<Owned<GstStructure>> &streams)
{
  std::vector<const GstStructure *> borrowed;
  for (const auto &one : streams)
    borrowed.push_back (one.get ());
  return metrics (borrowed, {3, 2, 1});
}

bool
has_line (const std::string &text, const std::string &line)
{
  return text.find ("\n" + line + "\n") != std::string::npos;
}

} // namespace

// Known to be so, known not to be, not known.
TEST (Metrics, SayWhetherOthersGetThere)
{
  std::vector<Owned<GstStructure>> streams;
  for (const char *uri : {"spreadit://a/x", "spreadit://b/x", "spreadit://c/x"})
    streams.push_back (stats (uri, 1));
  gst_structure_set (
      streams[0].get (), "reachable", G_TYPE_BOOLEAN, TRUE, nullptr);
  gst_structure_set (
      streams[1].get (), "reachable", G_TYPE_BOOLEAN, FALSE, nullptr);
  const auto text = text_of (streams);
  EXPECT_TRUE (
      has_line (text, "spreadit_reachable{stream=\"spreadit://a/x\"} 1"));
  EXPECT_TRUE (
      has_line (text, "spreadit_reachable{stream=\"spreadit://b/x\"} 0"));
  EXPECT_EQ (text.find ("spreadit_reachable{stream=\"spreadit://c/x\"}"),
      std::string::npos);
}

TEST (Metrics, AreInBaseUnitsByStream)
{
  std::vector<Owned<GstStructure>> streams;
  streams.push_back (stats ("spreadit://a/x", 12.5));
  streams.push_back (stats ("spreadit://b/y", 1));
  const auto text = text_of (streams);
  EXPECT_TRUE (has_line (
      text, "spreadit_delay_median_seconds{stream=\"spreadit://a/x\"} 0.0125"));
  EXPECT_TRUE (has_line (text, "spreadit_level{stream=\"spreadit://b/y\"} 2"));
  EXPECT_TRUE (has_line (
      text, "spreadit_state{stream=\"spreadit://a/x\",state=\"receiving\"} 1"));
  EXPECT_TRUE (has_line (text, "spreadit_http_connections 3"));
  EXPECT_TRUE (has_line (text, "# TYPE spreadit_lost_packets_total counter"));
  for (const char *line : {"spreadit_tree_measured_peers{stream=\"%s\"} 6",
           "spreadit_tree_lost_ratio_max{stream=\"%s\"} 0.02",
           "spreadit_tree_lost_ratio_mean{stream=\"%s\"} 5e-04",
           "spreadit_tree_delay_max_seconds{stream=\"%s\"} 0.08"}) {
    std::string filled = line;
    filled.replace (filled.find ("%s"), 2, "spreadit://a/x");
    EXPECT_TRUE (has_line (text, filled)) << filled << '\n' << text;
  }
  // What is not known is not there.
  EXPECT_EQ (
      text.find ("spreadit_tree_delay_mean_seconds{"), std::string::npos);
  EXPECT_EQ (text.find ("spreadit_delay_p99_seconds{"), std::string::npos);
  EXPECT_EQ (text.find ("nan"), std::string::npos);
  EXPECT_EQ (text.find ("spreadit_parent_rtt_seconds{"), std::string::npos);
  EXPECT_EQ (text.back (), '\n');
}

TEST (Metrics, EscapeTheStream)
{
  std::vector<Owned<GstStructure>> streams;
  streams.push_back (stats ("a\"b\\c\nd", 1));
  EXPECT_TRUE (has_line (
      text_of (streams), "spreadit_level{stream=\"a\\\"b\\\\c\\nd\"} 2"));
}

TEST (Metrics, DoNotSpeakTheLocale)
{
  if (!std::setlocale (LC_NUMERIC, "de_DE.UTF-8"))
    GTEST_SKIP () << "no locale with another decimal point";
  std::vector<Owned<GstStructure>> streams;
  streams.push_back (stats ("x", 12.5));
  EXPECT_TRUE (has_line (
      text_of (streams), "spreadit_delay_median_seconds{stream=\"x\"} 0.0125"));
}

int
main (int argc, char **argv)
{
  gst_init (nullptr, nullptr);
  testing::InitGoogleTest (&argc, argv);
  return RUN_ALL_TESTS ();
}
