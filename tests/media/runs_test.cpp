// Which datagrams go together, and how they come apart again.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support.hpp"

#include <numeric>

#include "media/limits.hpp"
#include "media/runs.hpp"

namespace spreadit::media {
namespace {

// Lengths of the runs that datagrams of these sizes make.
std::vector<std::size_t>
runs (const std::vector<std::size_t> &sizes, std::size_t segment_max = SIZE_MAX)
{
  static const Datagram memory (70'000);
  std::vector<Bytes> datagrams;
  for (const std::size_t size : sizes)
    datagrams.emplace_back (memory.data (), size);
  std::vector<std::size_t> lengths;
  for (std::span<const Bytes> left = datagrams; !left.empty ();
       left = left.subspan (lengths.back ()))
    lengths.push_back (run_length (left, segment_max));
  return lengths;
}

using Lengths = std::vector<std::size_t>;

TEST (Runs, FragmentsOfAFrameGoTogether)
{
  EXPECT_EQ (runs ({1200, 1200, 1200, 417}), Lengths{4});
  EXPECT_EQ (runs ({1200, 1200, 417, 1200, 1200, 3}), (Lengths{3, 3}));
  EXPECT_EQ (runs ({1200}), Lengths{1});
}

TEST (Runs, EndAtAShorterOne)
{
  EXPECT_EQ (runs ({1200, 100, 100}), (Lengths{2, 1}));
  EXPECT_EQ (runs ({100, 100, 99, 98, 97}), (Lengths{3, 2}));
}

TEST (Runs, EndBeforeALongerOne)
{
  EXPECT_EQ (runs ({100, 1200, 1200}), (Lengths{1, 2}));
  EXPECT_EQ (runs ({160, 160, 161}), (Lengths{2, 1}));
}

TEST (Runs, AudioBetweenVideoBreaksThem)
{
  EXPECT_EQ (runs ({1200, 1200, 160, 1200, 1200}), (Lengths{3, 2}));
}

TEST (Runs, AreBounded)
{
  EXPECT_EQ (runs (Lengths (150, 100)), (Lengths{64, 64, 22}));
  EXPECT_EQ (runs (Lengths (60, 1200)), (Lengths{54, 6})) << "64,800 bytes";
  EXPECT_EQ (runs (Lengths (9, 9000)), (Lengths{7, 2})) << "jumbo";
  EXPECT_EQ (runs ({40'000, 25'507}), Lengths{2}) << "65,507 bytes";
  EXPECT_EQ (runs ({40'000, 25'508}), (Lengths{1, 1}));
  EXPECT_EQ (runs ({65'507, 1}), (Lengths{1, 1}));
  EXPECT_EQ (runs ({65'508, 1}), (Lengths{1, 1})) << "for the kernel to refuse";
}

TEST (Runs, ThoseThatThePathRefusesGoAlone)
{
  EXPECT_EQ (runs ({1400, 1400, 800, 800}, 1399), (Lengths{1, 1, 2}));
  EXPECT_EQ (runs ({1400, 1400, 800, 800}, 1400), (Lengths{3, 1}));
  EXPECT_EQ (runs ({8, 8, 8}, 0), (Lengths{1, 1, 1}));
}

TEST (Runs, EmptyOnesGoAlone)
{
  EXPECT_EQ (runs ({0, 0, 100, 0, 100}), (Lengths{1, 1, 1, 1, 1}));
  EXPECT_EQ (runs ({0}, 0), Lengths{1});
}

TEST (Runs, NeighboursInMemoryAreOnePiece)
{
  const Datagram memory (100), elsewhere (100);
  const Bytes all = memory;
  const std::vector<Bytes> datagrams = {all.first (10), all.subspan (10, 5),
      elsewhere, all.subspan (15, 20), all.subspan (35, 1),
      all.subspan (40, 7)};
  std::vector<iovec> pieces (datagrams.size ());
  pieces.resize (describe_memory (datagrams, pieces));
  Datagram got, expected;
  for (const iovec &piece : pieces)
    got.insert (got.end (), static_cast<std::uint8_t *> (piece.iov_base),
        static_cast<std::uint8_t *> (piece.iov_base) + piece.iov_len);
  for (const Bytes &datagram : datagrams)
    expected.insert (expected.end (), datagram.begin (), datagram.end ());
  EXPECT_EQ (got, expected);
  ASSERT_EQ (pieces.size (), 4u);
  EXPECT_EQ (pieces[0].iov_len, 15u);
  EXPECT_EQ (pieces[2].iov_len, 21u);
}

std::vector<std::size_t>
segments (std::size_t bytes, std::size_t segment)
{
  const Datagram memory (bytes);
  std::vector<std::size_t> sizes;
  std::size_t at = 0;
  for_each_segment (memory, segment, [&] (Bytes datagram) {
    EXPECT_EQ (datagram.data (), memory.data () + at) << "in order, no gap";
    at += datagram.size ();
    sizes.push_back (datagram.size ());
  });
  EXPECT_EQ (at, bytes);
  return sizes;
}

TEST (Runs, ComeApart)
{
  EXPECT_EQ (segments (3600, 1200), (Lengths{1200, 1200, 1200}));
  EXPECT_EQ (segments (2500, 1200), (Lengths{1200, 1200, 100}));
  EXPECT_EQ (segments (1200, 1200), Lengths{1200});
  EXPECT_EQ (segments (700, 1200), Lengths{700});
  EXPECT_EQ (segments (700, 0), Lengths{700}) << "the kernel said nothing";
  EXPECT_EQ (segments (0, 0), Lengths{0}) << "an empty datagram is one";
  EXPECT_EQ (segments (0, 1200), Lengths{0});
}

} // namespace
} // namespace spreadit::media
