// What is told of a tree: the whole, and what is different from the look
// before.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http/snapshot.hpp"

#include <gst/gst.h>
#include <gtest/gtest.h>

#include "http/owned.hpp"

using namespace spreadit::http;
using spreadit::http::Owned;

namespace {

using Tree = Owned<GstStructure>;

template <class... Trees>
Tree
peer (const char *id, int level, Trees... children)
{
  GValue list = G_VALUE_INIT;
  g_value_init (&list, GST_TYPE_LIST);
  [[maybe_unused]] const auto add = [&list] (Tree child) {
    GValue value = G_VALUE_INIT;
    g_value_init (&value, GST_TYPE_STRUCTURE);
    g_value_take_boxed (&value, child.release ());
    gst_value_list_append_and_take_value (&list, &value);
  };
  (add (std::move (children)), ...);
  Tree tree (gst_structure_new (
      "peer", "id", G_TYPE_STRING, id, "level", G_TYPE_INT, level, nullptr));
  gst_structure_take_value (tree.get (), "children", &list);
  return tree;
}

std::string
moves (const Changes &changes)
{
  std::string text;
  for (const auto &move : changes.moves)
    text += move.id + ":" + move.from + ">" + move.to + " ";
  return text;
}

} // namespace

TEST (Snapshot, IsFlatAndParentsComeFirst)
{
  const auto tree = peer ("s", 0, peer ("a", 1, peer ("c", 2)), peer ("b", 1));
  const auto snapshot = Snapshot::of (tree.get ());
  EXPECT_EQ (snapshot.order, (std::vector<std::string>{"s", "a", "c", "b"}));
  EXPECT_EQ (snapshot.peers.at ("c").parent, "a");
  EXPECT_EQ (peers_json (snapshot, {"s", "c"}),
      R"([{"id":"s","level":0,"parent":""},{"id":"c","level":2,"parent":"a"}])");
  EXPECT_EQ (peers_json (snapshot, {}), "[]");
  EXPECT_TRUE (Snapshot::of (nullptr).order.empty ());
}

TEST (Snapshot, TellsWhatHasChanged)
{
  const auto before = Snapshot::of (
      peer ("s", 0, peer ("a", 1, peer ("c", 2)), peer ("b", 1)).get ());
  EXPECT_TRUE (compare (before, before).changed.empty ());
  EXPECT_EQ (moves (compare (before, before)), "");

  // a is gone, c has moved to b, d is new.
  const auto now = Snapshot::of (
      peer ("s", 0, peer ("b", 1, peer ("c", 2)), peer ("d", 1)).get ());
  const auto changes = compare (before, now);
  EXPECT_EQ (changes.changed, (std::vector<std::string>{"c", "d"}));
  EXPECT_EQ (changes.gone, std::vector<std::string>{"a"});
  EXPECT_EQ (moves (changes), "c:a>b d:>s a:s> ");

  const auto other = Snapshot::of (
      peer ("s", 0, peer ("a", 7, peer ("c", 2)), peer ("b", 1)).get ());
  EXPECT_EQ (compare (before, other).changed, std::vector<std::string>{"a"});
  EXPECT_EQ (compare (Snapshot{}, now).moves.size (), 3u);
}

int
main (int argc, char **argv)
{
  gst_init (nullptr, nullptr);
  testing::InitGoogleTest (&argc, argv);
  return RUN_ALL_TESTS ();
}
