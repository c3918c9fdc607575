// Everything at once, for ThreadSanitizer.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "node.hpp"

#include <atomic>

namespace spreadit::media {
namespace {

struct Bin : InterleavedSink {
  bool write_frame (std::uint8_t, const std::uint8_t *, std::size_t) override
  {
    return ++calls % 7 != 0; // full now and then
  }
  std::atomic<unsigned> calls = 0;
};

TEST (Threads, ControlDoesWhatItLikesWhileDataFlows)
{
  Node source, relay, leaf;
  relay.hear (source, 1);
  leaf.hear (relay, 1);
  source.feed (relay, 1);
  relay.feed (leaf, 1);
  std::atomic<bool> is_over = false;
  std::thread data ([&] {
    for (std::uint16_t seq = 0; !is_over; ++seq) {
      source.send (rtp (seq));
      if (seq % 64 == 0)
        source.send (sender_report (video_ssrc, seq, seq));
      std::this_thread::sleep_for (50us);
    }
  });
  std::size_t seen = 0;
  std::thread watch ([&] {
    while (!is_over) {
      seen += relay->stats ().children.size ();
      seen += relay->held ().size ();
      seen += relay->next_packets ().size ();
      seen += relay->last_seen (LinkKey{1}).has_value ();
      seen += relay->last_new_packet ().has_value ();
      seen += relay->has_data ();
      std::this_thread::sleep_for (100us);
    }
  });
  auto bin = std::make_shared<Bin> ();
  for (unsigned round = 0; round < 200; ++round) {
    const unsigned key = 2 + round % 3;
    switch (round % 5) {
    case 0:
      relay->start_feeding (
          LinkKey{key}, route::Interleaved{bin, {{0, 0, 1}}}, {});
      break;
    case 1:
      relay->plain_ports ();
      relay->start_feeding (LinkKey{key},
          route::PortPairs{
              {{0, leaf.address (), leaf.address ().with_port (9)}}},
          {relay->held ()});
      break;
    case 2:
      relay->stop_feeding (LinkKey{key}, round % 2);
      break;
    case 3:
      relay.hear (leaf, 9);
      relay->set_media (video_and_audio);
      break;
    case 4:
      relay->stop_receiving (LinkKey{9});
      relay.feed (leaf, 1, leaf->held ());
      if (round % 20 == 4) {
        leaf.stop ();
        leaf.start ();
      }
      break;
    }
    std::this_thread::sleep_for (1ms);
  }
  const std::size_t before = leaf.got ().size ();
  EXPECT_TRUE (leaf.waits_for (before + 10)) << "still alive";
  is_over = true;
  data.join ();
  watch.join ();
  EXPECT_GT (seen, 0u);
}

TEST (Threads, UnblockWakesAtAnyMoment)
{
  DataPath data ({.local = Address::from_ip ("127.0.0.1", 0)});
  ASSERT_EQ (data.open (), "");
  for (int i = 0; i < 200; ++i) {
    std::thread thread ([&] { EXPECT_EQ (data.receive (), nullptr); });
    if (i % 2)
      std::this_thread::sleep_for (100us);
    data.unblock (true);
    thread.join ();
    data.unblock (false);
  }
}

} // namespace
} // namespace spreadit::media
