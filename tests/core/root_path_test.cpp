// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench.hpp"

using namespace spreadit::core;

namespace {

TEST (RootPath, IsAListFromTheParentToTheSource)
{
  const RootPath path{contact (4), contact (3), contact (2)};
  EXPECT_EQ (path.size (), 3u);
  EXPECT_EQ (path.front (), contact (4));
  EXPECT_EQ (path[1], contact (3));
  EXPECT_EQ (path.back (), contact (2));
  EXPECT_EQ (path.contacts (),
      (std::vector<Contact>{contact (4), contact (3), contact (2)}));
  EXPECT_EQ (RootPath (path.contacts ()), path);
  EXPECT_TRUE (RootPath ().empty ());
  EXPECT_EQ (RootPath ().size (), 0u);
  EXPECT_EQ (RootPath ().begin (), RootPath ().end ());
}

TEST (RootPath, OfAChildIsOneStepMore)
{
  const RootPath above{contact (3), contact (2)};
  const RootPath path (contact (4), above);
  EXPECT_EQ (path, (RootPath{contact (4), contact (3), contact (2)}));
  EXPECT_EQ (path.above (), above);
  EXPECT_TRUE (path.is_through (contact (4), above));
  EXPECT_FALSE (path.is_through (contact (5), above));
  EXPECT_FALSE (path.is_through (contact (4), {}));
  EXPECT_FALSE (RootPath ().is_through (contact (4), {}));
}

TEST (RootPath, IsComparedByWhatItSays)
{
  const RootPath path{contact (4), contact (3)};
  EXPECT_EQ (path, (RootPath{contact (4), contact (3)}));
  EXPECT_NE (path, (RootPath{contact (4)}));
  EXPECT_NE (path, (RootPath{contact (4), contact (5)}));
  EXPECT_NE (path, (RootPath{contact (5), contact (3)}));
  RootPath copy = path;
  copy.clear ();
  EXPECT_EQ (path.size (), 2u) << "a copy is one's own";
}

} // namespace
