// Runs a target on every file of the directories named, in order of their
// names. Stops where the target does; 1 if there was nothing to run.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "fuzz.hpp"

namespace {

void
replay (const std::filesystem::path &file)
{
  std::ifstream stream (file, std::ios::binary);
  const std::vector<char> bytes ((std::istreambuf_iterator<char> (stream)), {});
  std::printf ("%s\n", file.filename ().c_str ());
  std::fflush (stdout); // what is last is what crashed
  LLVMFuzzerTestOneInput (
      reinterpret_cast<const std::uint8_t *> (bytes.data ()), bytes.size ());
}

} // namespace

int
main (int argc, char **argv)
{
  std::vector<std::filesystem::path> files;
  for (int i = 1; i < argc; ++i)
    for (const auto &entry : std::filesystem::directory_iterator (argv[i]))
      if (entry.is_regular_file ())
        files.push_back (entry.path ());
  std::sort (files.begin (), files.end ());
  for (const auto &file : files)
    replay (file);
  std::printf ("%zu inputs replayed\n", files.size ());
  return files.empty () ? 1 : 0;
}
