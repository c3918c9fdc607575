// Peers over loopback: bundled links.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "node.hpp"

#include "media/limits.hpp"

#include <algorithm>
#include <atomic>
#include <random>

namespace spreadit::media {
namespace {

std::vector<Datagram>
stream (unsigned count, unsigned first = 1)
{
  std::mt19937 random (count);
  std::vector<Datagram> packets;
  for (unsigned seq = first; seq < first + count; ++seq) {
    packets.push_back (rtp (static_cast<std::uint16_t> (seq), video_ssrc,
        video_pt, random () % 1400));
    if (seq % 10 == 0)
      packets.push_back (sender_report (video_ssrc, seq, seq * 3000));
  }
  return packets;
}

void
send_all (Node &source, const std::vector<Datagram> &packets)
{
  GstBufferList *list = gst_buffer_list_new ();
  for (const Datagram &packet : packets)
    gst_buffer_list_add (list, new_buffer (packet));
  source->fan_out (list);
  gst_buffer_list_unref (list);
}

// Address of the sockets, and what of the kernel the relay may use.
class Families
    : public testing::TestWithParam<std::tuple<const char *, bool, bool>> {};
INSTANTIATE_TEST_SUITE_P (DataPath, Families,
    testing::Combine (testing::Values ("127.0.0.1", "::1"), testing::Bool (),
        testing::Bool ()));

TEST_P (Families, ForwardsByteForByteToTheGrandchild)
{
  const auto [ip, segment, coalesce] = GetParam ();
  if (DataPath probe ({.local = Address::from_ip (ip, 0)});
      !probe.open ().empty ())
    GTEST_SKIP () << ip << " is not to be had here";
  Node source (ip), child (ip, {segment, coalesce}), grandchild (ip);
  child.hear (source, 1);
  grandchild.hear (child, 1);
  child.feed (grandchild, 2);
  source.feed (child, 2);
  const auto packets = stream (1000);
  for (std::size_t i = 0; i < packets.size (); i += 20) {
    send_all (source, {packets.begin () + static_cast<long> (i),
                          packets.begin () + static_cast<long> (std::min (
                                                 i + 20, packets.size ()))});
    ASSERT_TRUE (grandchild.waits_for (std::min (i + 20, packets.size ())));
  }
  // It passes on before it has them itself.
  ASSERT_TRUE (child.waits_for (packets.size ()));
  EXPECT_TRUE (are_same (child.got (), packets));
  EXPECT_TRUE (are_same (grandchild.got (), packets));
  const DataStats stats = grandchild->stats ();
  EXPECT_EQ (stats.packets_received, 1000u);
  EXPECT_EQ (stats.packets_duplicate, 0u);
  EXPECT_EQ (stats.packets_invalid, 0u);
  EXPECT_EQ (stats.packets_stranger, 0u);
  EXPECT_EQ (stats.packets_lost, 0u);
  EXPECT_EQ (child->stats ().packets_sent, packets.size ());
  EXPECT_EQ (child->stats ().bytes_sent, source->stats ().bytes_sent);
}

TEST (DataPath, AFrameIsOneMessageToEachChild)
{
  Node source;
  Foreign one, other;
  std::vector<Datagram> frame;
  for (std::uint16_t seq = 1; seq <= 17; ++seq)
    frame.push_back (
        rtp (seq, video_ssrc, video_pt, seq < 17 ? 1200 - 12 : 300));
  source->start_feeding (LinkKey{1}, route::Bundled{one.address ()}, {});
  source->start_feeding (LinkKey{2}, route::Bundled{other.address ()}, {});
  EXPECT_EQ (one.receive ().size (), 8u) << "the sign of life at the start";
  EXPECT_EQ (other.receive ().size (), 8u);
  send_all (source, frame);
  for (const Datagram &packet : frame) {
    EXPECT_TRUE (one.receives (packet));
    EXPECT_TRUE (other.receives (packet));
  }
  const DataStats stats = source->stats ();
  EXPECT_EQ (stats.packets_sent, 2 * 17u);
  UdpSocket probe;
  ASSERT_EQ (probe.open ({}), "");
  if (!probe.can_segment ())
    GTEST_SKIP () << "this kernel has no UDP_SEGMENT";
  EXPECT_LT (stats.messages_sent, 17u) << "signs of life are some, too";
}

TEST (DataPath, PassesOnWithoutBuffers)
{
  Node source, child (Node::straight), leaf;
  child.hear (source, 1);
  leaf.hear (child, 1);
  child.feed (leaf, 2);
  source.feed (child, 2);
  const auto packets = stream (1000);
  for (auto it = packets.begin (); it != packets.end (); it += 100) {
    send_all (source, {it, it + 100});
    source.send (*it);
    const auto count = static_cast<std::size_t> (it - packets.begin ()) + 100;
    ASSERT_TRUE (leaf.waits_for (count));
  }
  EXPECT_TRUE (are_same (leaf.got (), packets));
  EXPECT_TRUE (
      eventually ([&] { return child->stats ().packets_duplicate == 11; }));
  const DataStats stats = child->stats ();
  EXPECT_EQ (stats.packets_received, 1000u);
  EXPECT_EQ (stats.packets_sent, packets.size ());
  EXPECT_EQ (stats.bytes_stream, stats.bytes_sent);
  EXPECT_TRUE (child->has_data ());
}

TEST (DataPath, PassesOnWhatOvertookTheAnswerOfANewParent)
{
  Foreign parent;
  Node child (Node::straight), leaf;
  child.feed (leaf, 2); // first, or a report of the leaf is a stranger's
  leaf.hear (child, 1);
  for (std::uint16_t seq = 1; seq <= 100; ++seq)
    parent.send (child.address (), rtp (seq));
  ASSERT_TRUE (
      eventually ([&] { return child->stats ().packets_stranger == 100; }));
  child->receive_from (LinkKey{1}, parent.address ());
  ASSERT_TRUE (leaf.waits_for (100)) << "without another packet";
  parent.send (child.address (), rtp (101));
  ASSERT_TRUE (leaf.waits_for (101));
  for (std::uint16_t seq = 1; seq <= 101; ++seq)
    EXPECT_EQ (leaf.got ()[seq - 1u], rtp (seq));
}

TEST (DataPath, SaysHowMuchItsSocketHolds)
{
  EXPECT_GT (Node ()->stats ().receive_buffer, 100'000u);
}

TEST (DataPath, BothFamiliesInOneSocket)
{
  DataPath both ({});
  ASSERT_EQ (both.open (), "");
  Foreign child;
  both.start_feeding (LinkKey{1}, route::Bundled{child.address ()}, {});
  GstBuffer *buffer = new_buffer (rtp (1));
  both.fan_out (buffer);
  gst_buffer_unref (buffer);
  EXPECT_EQ (child.receive (), rtp (1));
  EXPECT_EQ (child.last_from (), Address::from_ip ("127.0.0.1", both.port ()));
}

TEST (DataPath, SaysWhyItCannotOpen)
{
  Node taken;
  DataPath second ({.local = taken.address ()});
  EXPECT_NE (
      second.open ().find (std::to_string (taken->port ())), std::string::npos);
}

TEST (DataPath, TwoParentsDeliverOnce)
{
  Node one, other, child;
  child.hear (one, 1);
  child.hear (other, 2);
  one.feed (child, 3);
  other.feed (child, 3);
  const auto packets = stream (100);
  for (const Datagram &packet : packets) {
    one.send (packet);
    other.send (packet);
  }
  EXPECT_TRUE (eventually (
      [&] { return child->stats ().packets_duplicate == packets.size (); }));
  auto got = child.got ();
  EXPECT_EQ (got.size (), packets.size ());
  EXPECT_EQ (child->stats ().packets_received, 100u);
  for (const Datagram &packet : packets)
    EXPECT_EQ (std::ranges::count (got, packet), 1);
}

TEST (DataPath, ResumesFromTheRingOfANewParent)
{
  Node old_parent, new_parent, child;
  child.hear (old_parent, 1);
  old_parent.feed (child, 1);
  const auto packets = stream (900);
  const std::size_t crash = 300;
  for (std::size_t i = 0; i < packets.size (); ++i) {
    if (i < crash) {
      old_parent.send (packets[i]);
      ASSERT_TRUE (child.waits_for (i + 1));
    }
    new_parent.send (packets[i]);
  }
  old_parent->stop_feeding (LinkKey{1}, false);
  child->stop_receiving (LinkKey{1});
  const auto held = child->held ();
  ASSERT_EQ (held.size (), 1u);

  child.hear (new_parent, 2);
  new_parent.feed (child, 1, held);
  ASSERT_TRUE (child.waits_for (packets.size ()));
  EXPECT_TRUE (are_same (child.got (), packets))
      << "paced, in order, nothing missing";
  EXPECT_EQ (child->stats ().packets_duplicate, 0u) << "nothing twice";
  new_parent.send (rtp (2000));
  EXPECT_TRUE (child.waits_for (packets.size () + 1)) << "and then live";
}

TEST (DataPath, ReplacesABranchOfTheSameKey)
{
  Node source, first, second;
  first.hear (source, 1);
  second.hear (source, 1);
  source.feed (first, 1);
  source.feed (second, 1);
  source.send (rtp (1));
  EXPECT_TRUE (second.waits_for (1));
  EXPECT_EQ (source->stats ().children.size (), 1u);
  EXPECT_TRUE (first.got ().empty ());
}

TEST (DataPath, IgnoresStrangers)
{
  Node source, child;
  Foreign stranger;
  child.hear (source, 1);
  stranger.send (child.address (), rtp (1));
  stranger.send (child.address (), sender_report (video_ssrc, 1, 1));
  stranger.send (child.address (), {});
  stranger.send (child.address (), Datagram (5000));
  EXPECT_TRUE (
      eventually ([&] { return child->stats ().packets_stranger == 4; }));
  EXPECT_TRUE (child.got ().empty ());
  EXPECT_FALSE (child->last_new_packet ());
  EXPECT_EQ (child->stats ().bytes_received, 0u);
}

TEST (DataPath, KeepsWhatOvertakesTheAnswerOfANewParent)
{
  Foreign parent, stranger;
  Node child;
  parent.send (child.address (), rtp (1));
  stranger.send (child.address (), rtp (2));
  parent.send (child.address (), {1, 2, 3});
  parent.send (child.address (), {0x40, 96}); // no packet either
  parent.send (child.address (), sender_report (video_ssrc, 1, 2));
  ASSERT_TRUE (
      eventually ([&] { return child->stats ().packets_stranger == 5; }));
  child->receive_from (LinkKey{1}, parent.address ());
  parent.send (child.address (), rtp (4));
  ASSERT_TRUE (child.waits_for (3));
  EXPECT_TRUE (are_same (
      child.got (), {rtp (1), sender_report (video_ssrc, 1, 2), rtp (4)}));
  EXPECT_TRUE (child->last_seen (LinkKey{1}));
  EXPECT_EQ (child->stats ().packets_received, 2u);
  EXPECT_EQ (child->stats ().packets_stranger, 3u);
}

TEST (DataPath, CountsWhatTheKernelDropped)
{
  Foreign parent;
  Node child;
  child->receive_from (LinkKey{1}, parent.address ());
  child.stop ();
  for (unsigned seq = 0; seq < 20'000; ++seq) // far more than 4 MiB
    parent.send (
        child.address (), rtp (static_cast<std::uint16_t> (seq), 1, 96, 1200));
  child.start ();
  // The kernel tells with the first packet that finds room again.
  unsigned seq = 20'000;
  EXPECT_TRUE (eventually ([&] {
    parent.send (child.address (), rtp (static_cast<std::uint16_t> (++seq)));
    return child->stats ().socket_drops > 0;
  }));
}

TEST (DataPath, HearsAParentOnlyAsLongAsItIsOne)
{
  Foreign parent;
  Node child;
  child->receive_from (LinkKey{1}, parent.address ());
  EXPECT_FALSE (child->last_seen (LinkKey{1}));
  parent.send (child.address (), rtp (1));
  ASSERT_TRUE (child.waits_for (1));
  EXPECT_TRUE (child->last_seen (LinkKey{1}));
  EXPECT_TRUE (child->last_new_packet ());
  child->stop_receiving (LinkKey{1});
  parent.send (child.address (), rtp (2));
  EXPECT_TRUE (
      eventually ([&] { return child->stats ().packets_stranger == 1; }));
  EXPECT_EQ (child.got ().size (), 1u);
  EXPECT_FALSE (child->last_seen (LinkKey{1}));
}

TEST (DataPath, CountsWhatIsNoPacket)
{
  Foreign parent;
  Node child;
  child->receive_from (LinkKey{1}, parent.address ());
  parent.send (child.address (), {1, 2, 3});
  parent.send (child.address (), {});
  EXPECT_TRUE (
      eventually ([&] { return child->stats ().packets_invalid == 2; }));
  EXPECT_TRUE (child->last_seen (LinkKey{1})) << "but the parent lives";
}

TEST (DataPath, TakesTheLongestDatagrams)
{
  Foreign parent;
  Node child;
  child->receive_from (LinkKey{1}, parent.address ());
  const Datagram packet = rtp (1, video_ssrc, video_pt, 65'507 - 12);
  parent.send (child.address (), packet);
  ASSERT_TRUE (child.waits_for (1));
  EXPECT_EQ (child.got ()[0], packet);
  EXPECT_EQ (child->stats ().packets_invalid, 0u);
}

TEST (DataPath, SendsASignOfLifeToWhomNothingIsSent)
{
  Node source;
  Foreign child;
  const auto start = MonotonicTime::clock::now ();
  source->start_feeding (LinkKey{1}, route::Bundled{child.address ()}, {});
  const Datagram idle = child.receive ();
  EXPECT_EQ (idle.size (), 8u);
  EXPECT_TRUE (parse_packet (idle));
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ (child.receive (), idle) << "the same SSRC";
  const auto took = MonotonicTime::clock::now () - start;
  EXPECT_GE (took, 9.5 * media::limits::data_idle)
      << "not more often than it must";
  EXPECT_LT (took, 20s);
  EXPECT_EQ (source->stats ().packets_sent, 0u) << "not of the stream";
}

TEST (DataPath, SendsNoSignOfLifeBesideTheStream)
{
  Node source;
  Foreign child;
  source->start_feeding (LinkKey{1}, route::Bundled{child.address ()}, {});
  EXPECT_EQ (child.receive ().size (), 8u) << "at once";
  unsigned idle = 0;
  const auto start = MonotonicTime::clock::now ();
  auto slowest = 0ns;
  for (std::uint16_t seq = 1; seq <= 30; ++seq) {
    const auto before = MonotonicTime::clock::now ();
    source.send (rtp (seq));
    while (child.receive () != rtp (seq))
      ++idle;
    std::this_thread::sleep_until (before + 20ms);
    slowest = std::max<std::chrono::nanoseconds> (
        slowest, MonotonicTime::clock::now () - before);
  }
  if (slowest >= limits::data_idle)
    GTEST_SKIP () << "the machine is too busy to tell";
  EXPECT_EQ (idle, 0u);
  EXPECT_GE (MonotonicTime::clock::now () - start, 600ms);
}

TEST (DataPath, AParentLearnsWhatItsChildLoses)
{
  Foreign parent;
  Node child;
  child->receive_from (LinkKey{1}, parent.address ());
  const Datagram hello = parent.receive ();
  EXPECT_TRUE (time_request (hello)) << "at once, to open NATs";
  for (std::uint16_t seq = 0; seq < 400; seq += 2) // every second one is lost
    parent.send (child.address (), rtp (seq));
  ASSERT_TRUE (child.waits_for (200));
  ReportBlock block;
  while (block.cumulative_lost < 199) {
    const Datagram report = parent.receive ();
    ASSERT_FALSE (report.empty ());
    for (const ReportBlock &b : report_blocks (report))
      block = b;
  }
  EXPECT_EQ (block.ssrc, video_ssrc);
  EXPECT_EQ (block.cumulative_lost, 199);
  EXPECT_GT (block.fraction_lost, 0);
  EXPECT_EQ (block.highest_seq & 0xffff, 398u);
}

TEST (DataPath, AParentSeesTheReportsOfItsChildren)
{
  Node source, child;
  source.feed (child, 7); // first: the child reports as soon as it hears
  child.hear (source, 1);
  for (const Datagram &packet : stream (50))
    source.send (packet);
  ASSERT_TRUE (child.waits_for (50));
  EXPECT_TRUE (eventually ([&] {
    const auto children = source->stats ().children;
    return children.size () == 1 && children[0].last_report.has_value ();
  }));
  EXPECT_EQ (source->stats ().children[0].key, LinkKey{7});
  EXPECT_EQ (source->stats ().children[0].lost_fraction, 0);
  EXPECT_EQ (source->stats ().packets_stranger, 0u);
  EXPECT_EQ (child->stats ().packets_invalid, 0u);
}

TEST (DataPath, OnePacketThatCannotBeSentHurtsNobody)
{
  Node source, child;
  child.hear (source, 1);
  source.feed (child, 1);
  source->start_feeding (LinkKey{2},
      route::Bundled{Address::from_ip ("::1", 9)}, {}); // not on this socket
  source.send (rtp (1));
  source.send (rtp (2, video_ssrc, video_pt, 65'520)); // > 65507
  source.send (rtp (3));
  ASSERT_TRUE (child.waits_for (2));
  EXPECT_TRUE (are_same (child.got (), {rtp (1), rtp (3)}));
  const auto children = source->stats ().children;
  ASSERT_EQ (children.size (), 2u);
  EXPECT_EQ (children[0].packets_sent, 2u);
  EXPECT_EQ (children[0].packets_refused, 1u);
  EXPECT_EQ (children[1].packets_refused, 3u);
}

TEST (DataPath, StopsAndStartsAgain)
{
  Node source, child;
  child.hear (source, 1);
  source.feed (child, 1);
  source.send (rtp (1));
  ASSERT_TRUE (child.waits_for (1));
  for (std::uint16_t i = 2; i < 20; ++i) {
    child.stop ();
    EXPECT_EQ (child->receive (), nullptr) << "until it is told otherwise";
    child.start ();
    source.send (rtp (i));
    ASSERT_TRUE (child.waits_for (i));
  }
}

TEST (DataPath, CanGoAwayWithItsBuffersStillInUse)
{
  Foreign parent;
  GstBufferList *list = nullptr;
  {
    DataPath child ({.local = Address::from_ip ("127.0.0.1", 0)});
    ASSERT_EQ (child.open (), "");
    child.receive_from (LinkKey{1}, parent.address ());
    parent.send (Address::from_ip ("127.0.0.1", child.port ()), rtp (1));
    list = child.receive ();
  }
  ASSERT_NE (list, nullptr);
  EXPECT_EQ (bytes_of (gst_buffer_list_get (list, 0)), rtp (1));
  gst_buffer_list_unref (list);
}

TEST (DataPath, HasDataOnceThereIsSome)
{
  Node source;
  EXPECT_FALSE (source->has_data ());
  source.send ({1, 2, 3});
  EXPECT_FALSE (source->has_data ());
  EXPECT_EQ (source->stats ().packets_invalid, 1u);
  source.send (rtp (1));
  EXPECT_TRUE (source->has_data ());
  const auto next = source->next_packets ();
  ASSERT_EQ (next.size (), 1u);
  EXPECT_EQ (next[0].ssrc, video_ssrc);
  EXPECT_EQ (next[0].seq, 2);
  EXPECT_EQ (next[0].rtp_time, 3000u);
}

TEST (DataPath, TakesBuffersOfSeveralMemories)
{
  Node source, child;
  child.hear (source, 1);
  source.feed (child, 1);
  const Datagram packet = rtp (1);
  GstBuffer *buffer = gst_buffer_new_memdup (packet.data (), 12);
  buffer = gst_buffer_append (
      buffer, gst_buffer_new_memdup (packet.data () + 12, packet.size () - 12));
  ASSERT_EQ (gst_buffer_n_memory (buffer), 2u);
  source->fan_out (buffer);
  gst_buffer_unref (buffer);
  ASSERT_TRUE (child.waits_for (1));
  EXPECT_EQ (child.got ()[0], packet);
}

TEST (DataPath, MeasuresTheDelayFromTheSource)
{
  Foreign parent;
  Node child;
  child->receive_from (LinkKey{1}, parent.address ());
  timespec wall;
  clock_gettime (CLOCK_REALTIME, &wall);
  const std::uint64_t ntp =
      (static_cast<std::uint64_t> (wall.tv_sec) + 2'208'988'800) << 32;
  parent.send (child.address (), rtp (1));
  parent.send (child.address (), sender_report (video_ssrc, ntp, 6000));
  parent.send (child.address (), rtp (2)); // sampled at 6000
  ASSERT_TRUE (child.waits_for (3));
  const DataStats stats = child->stats ();
  ASSERT_TRUE (stats.delay_p50_ms);
  EXPECT_GE (*stats.delay_p50_ms, 0);
  EXPECT_LT (*stats.delay_p99_ms, 60'000);
}

// The connection to a parent; keeps what we say to it.
struct LinkSink : InterleavedSink {
  bool write_frame (
      std::uint8_t channel, const std::uint8_t *data, std::size_t size) override
  {
    const std::lock_guard guard (lock);
    said.push_back ({channel, {data, data + size}});
    return true;
  }
  std::mutex lock;
  std::vector<std::pair<std::uint8_t, Datagram>> said;
};

TEST (DataPath, AParentMaySendOverItsLink)
{
  Node relay, child;
  child.hear (relay, 1);
  relay.feed (child, 1);
  const auto link = std::make_shared<LinkSink> ();
  const LinkKey parent{9};
  const Datagram early = rtp (1);
  relay->take_from_link (parent, early.data (), early.size ());
  relay->receive_from (parent, Address::from_ip ("127.0.0.1", 9), {link, 3});
  EXPECT_FALSE (relay->last_seen (parent));
  std::vector<Datagram> sent;
  for (std::uint16_t seq = 2; seq < 300; ++seq) {
    sent.push_back (rtp (seq));
    for (int twice = 0; twice < 2; ++twice)
      relay->take_from_link (
          parent, sent.back ().data (), sent.back ().size ());
    // The data thread sleeps each time.
    ASSERT_TRUE (child.waits_for (sent.size ()));
  }
  EXPECT_TRUE (relay.waits_for (sent.size ()));
  EXPECT_TRUE (are_same (relay.got (), sent));
  EXPECT_TRUE (are_same (child.got (), sent));
  EXPECT_TRUE (relay->last_seen (parent));
  EXPECT_EQ (relay->stats ().packets_duplicate, sent.size ());
  // Receiver reports go back the same way.
  EXPECT_TRUE (eventually ([&] {
    const std::lock_guard guard (link->lock);
    return std::ranges::any_of (link->said, [] (const auto &one) {
      return one.first == 3 && !report_blocks (one.second).empty ();
    });
  }));
  relay->stop_receiving (parent);
  EXPECT_EQ (link.use_count (), 1) << "let go of";
  relay->take_from_link (parent, early.data (), early.size ());
  EXPECT_EQ (relay->stats ().packets_received, sent.size ());
}

TEST (DataPath, TellsOnceOfAPacketFromAParent)
{
  Foreign parent, stranger;
  Node child;
  std::atomic<unsigned> told = 0;
  const auto count = [&told] { ++told; };
  child->receive_from (LinkKey{1}, parent.address ());
  parent.send (child.address (), rtp (1));
  ASSERT_TRUE (child.waits_for (1));
  child->tell_of_packet (count); // of the next
  stranger.send (child.address (), rtp (2));
  ASSERT_TRUE (
      eventually ([&] { return child->stats ().packets_stranger == 1; }));
  EXPECT_EQ (told, 0u);
  parent.send (child.address (), {1, 2, 3}); // a sign of life, too
  EXPECT_TRUE (eventually ([&] { return told == 1; }));
  parent.send (child.address (), rtp (3));
  ASSERT_TRUE (child.waits_for (2));
  EXPECT_EQ (told, 1u);
}

// It may call back: no lock is held.
TEST (DataPath, TellsOfPacketsWhereverTheyCameFrom)
{
  Foreign early;
  Node child;
  std::optional<MonotonicTime> seen;
  early.send (child.address (), rtp (1));
  ASSERT_TRUE (
      eventually ([&] { return child->stats ().packets_stranger == 1; }));
  child->tell_of_packet ([&] { seen = child->last_seen (LinkKey{1}); });
  child->receive_from (LinkKey{1}, early.address ());
  EXPECT_TRUE (seen) << "it had overtaken the answer";

  const LinkKey by_tcp{2};
  child->receive_from (by_tcp, Address::from_ip ("127.0.0.1", 9),
      {std::make_shared<LinkSink> (), 0});
  seen.reset ();
  child->tell_of_packet ([&] { seen = child->last_seen (by_tcp); });
  const Datagram packet = rtp (2);
  child->take_from_link (by_tcp, packet.data (), packet.size ());
  EXPECT_TRUE (seen);
}

// Nobody fetches them: a bound, as the receive buffer is one for UDP. A sign of
// life they are.
TEST (DataPath, ALinkIsNoEndlessBuffer)
{
  Node relay;
  relay.stop ();
  const LinkKey parent{9};
  relay->receive_from (parent, Address::from_ip ("127.0.0.1", 9),
      {std::make_shared<LinkSink> (), 0});
  std::size_t count = 0;
  for (; count < 60'000; ++count) {
    const Datagram packet =
        rtp (static_cast<std::uint16_t> (count), video_ssrc, video_pt, 1000);
    relay->take_from_link (parent, packet.data (), packet.size ());
  }
  const auto stats = relay->stats ();
  EXPECT_GT (stats.socket_drops, 0u);
  EXPECT_EQ (stats.packets_received + stats.socket_drops, count);
  EXPECT_GE (stats.packets_received, limits::link_bytes_max / 1012);
  relay.start ();
  EXPECT_TRUE (relay.waits_for (stats.packets_received));
}

} // namespace
} // namespace spreadit::media
