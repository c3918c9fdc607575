// Children without sockets, in virtual time.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support.hpp"

#include <map>

#include "media/fan_out.hpp"
#include "media/limits.hpp"

namespace spreadit::media {
namespace {

constexpr auto ring_duration = 3s;
constexpr std::uint8_t video_channel = 0, audio_channel = 2;

// A connection that takes `room` frames more.
struct FakeSink : InterleavedSink {
  bool write_frame (
      std::uint8_t channel, const std::uint8_t *data, std::size_t size) override
  {
    if (!room)
      return false;
    --room;
    frames.push_back ({channel, {data, data + size}});
    return true;
  }

  std::vector<std::uint16_t> seqs (std::uint8_t channel = video_channel) const
  {
    std::vector<std::uint16_t> out;
    for (const auto &[c, packet] : frames)
      if (c == channel)
        out.push_back (seq_of (packet));
    return out;
  }

  std::size_t room = SIZE_MAX;
  std::vector<std::pair<std::uint8_t, Datagram>> frames;
};

class FanOutTest : public testing::Test {
protected:
  // The queue of a child over TCP is longer than the ring.
  explicit FanOutTest (MonotonicTime::duration tcp_queue_max = 1h)
      : fan_out_ ({.ring_duration = ring_duration,
                      .ring_bytes_max = 1 << 20,
                      .branch = {.queue_max = tcp_queue_max}},
            sockets_)
  {
    fan_out_.set_media (video_and_audio);
  }

  std::shared_ptr<FakeSink> add_child (
      unsigned key, std::vector<HeldPacket> held = {})
  {
    auto sink = std::make_shared<FakeSink> ();
    fan_out_.start (LinkKey{key},
        route::Interleaved{sink, {{0, video_channel, video_channel + 1},
                                     {1, audio_channel, audio_channel + 1}}},
        {std::move (held)});
    return sink;
  }

  void send (const Datagram &packet)
  {
    ASSERT_TRUE (fan_out_.put (packet, now_));
    fan_out_.pump (now_);
  }
  void send_seqs (unsigned first, unsigned last)
  {
    for (unsigned seq = first; seq <= last; ++seq)
      send (rtp (static_cast<std::uint16_t> (seq)));
  }
  // As the service loop does.
  void run_for (std::chrono::nanoseconds time)
  {
    const MonotonicTime end = now_ + time;
    for (;;) {
      const MonotonicTime next = fan_out_.serve (idle_, now_);
      ASSERT_GT (next, now_) << "a busy loop";
      if (next > end)
        break;
      now_ = next;
    }
    now_ = end;
  }
  ChildStats stats_of (unsigned key)
  {
    return fan_out_.find (LinkKey{key})->stats ();
  }

  MonotonicTime now_ = t0;
  Sockets sockets_;
  FanOut fan_out_;
  const Datagram idle_ = write_receiver_report (4711);
};

std::vector<std::uint16_t>
numbers (unsigned first, unsigned last)
{
  std::vector<std::uint16_t> out;
  for (unsigned n = first; n <= last; ++n)
    out.push_back (static_cast<std::uint16_t> (n));
  return out;
}

TEST_F (FanOutTest, ANewChildStartsLive)
{
  send_seqs (1, 10);
  const auto child = add_child (1);
  send_seqs (11, 20);
  EXPECT_EQ (child->seqs (), numbers (11, 20));
  EXPECT_EQ (stats_of (1).packets_sent, 10u);
  EXPECT_EQ (stats_of (1).bytes_sent, 10 * rtp (1).size ());
}

TEST_F (FanOutTest, EachMediumHasItsChannels)
{
  const auto child = add_child (1);
  send (rtp (1, video_ssrc, video_pt));
  send (rtp (2, audio_ssrc, audio_pt));
  send (sender_report (audio_ssrc, 1, 2));
  send (sender_report (video_ssrc, 1, 2));
  send (sender_report (99, 1, 2)); // of no medium
  send (rtp (3, 99, 35));          // neither
  std::vector<int> channels;
  for (const auto &frame : child->frames)
    channels.push_back (frame.first);
  EXPECT_EQ (channels, (std::vector{0, 2, 3, 1}));
}

TEST_F (FanOutTest, MediaMayBecomeKnownLater)
{
  fan_out_.set_media ({});
  for (std::uint16_t seq = 1; seq <= 10; ++seq)
    send (rtp (seq, audio_ssrc, audio_pt));
  fan_out_.set_media (video_and_audio);
  const auto child = add_child (1, {{audio_ssrc, 5}});
  run_for (100ms);
  EXPECT_EQ (child->seqs (audio_channel), numbers (6, 10))
      << "in the ring, too";
}

TEST_F (FanOutTest, RefusesWhatIsNoPacket)
{
  EXPECT_FALSE (fan_out_.put (Datagram{1, 2, 3}, now_));
  Datagram huge = rtp (1, video_ssrc, video_pt, limits::datagram_size_max);
  EXPECT_FALSE (fan_out_.put (huge, now_));
  EXPECT_EQ (fan_out_.ring ().head (), 0u);
}

TEST_F (FanOutTest, AStalledChildDoesNotDelayTheOthers)
{
  const auto stalled = add_child (1), good = add_child (2);
  stalled->room = 5;
  for (unsigned seq = 1; seq <= 100; ++seq, now_ += 10ms)
    send_seqs (seq, seq);
  EXPECT_EQ (good->seqs (), numbers (1, 100));
  EXPECT_EQ (stalled->seqs (), numbers (1, 5));
  stalled->room = SIZE_MAX;
  run_for (100ms);
  EXPECT_EQ (stalled->seqs (), numbers (1, 100)) << "within the ring: no loss";
  EXPECT_EQ (stats_of (1).packets_dropped, 0u);
}

TEST_F (FanOutTest, AStalledChildLosesOnlyWhatFellOffTheRing)
{
  const auto stalled = add_child (1);
  stalled->room = 5;
  for (unsigned seq = 1; seq <= 1000; ++seq, now_ += 10ms)
    send_seqs (seq, seq);
  // The ring holds 3 s and both ends: 301 packets, 700 to 1000.
  EXPECT_EQ (stats_of (1).packets_dropped, 1000u - 5 - 301);
  stalled->room = SIZE_MAX;
  run_for (300ms);
  auto expected = numbers (1, 5);
  for (const auto seq : numbers (700, 1000))
    expected.push_back (seq);
  EXPECT_EQ (stalled->seqs (), expected);
}

TEST_F (FanOutTest, WhatAChildDidNotAskForIsNoDrop)
{
  auto sink = std::make_shared<FakeSink> ();
  fan_out_.start (LinkKey{1},
      route::Interleaved{sink, {{0, video_channel, video_channel + 1}}}, {});
  sink->room = 0;
  for (unsigned i = 0; i < 1000; ++i, now_ += 10ms)
    send (rtp (static_cast<std::uint16_t> (i), audio_ssrc, audio_pt));
  EXPECT_EQ (stats_of (1).packets_dropped, 0u);
}

TEST_F (FanOutTest, ResumeSendsExactlyWhatIsMissing)
{
  for (unsigned seq = 65'500; seq < 65'600; ++seq) {
    send_seqs (seq, seq);
    send (rtp (static_cast<std::uint16_t> (seq), audio_ssrc, audio_pt));
    send (rtp (static_cast<std::uint16_t> (seq), 99, video_pt));
  }
  // Whatever cycle the other end counts from.
  const auto child =
      add_child (1, {{video_ssrc, 7 * 65'536 + 65'530}, {audio_ssrc, 65'590}});
  run_for (1s);
  send_seqs (65'600, 65'601);
  EXPECT_EQ (child->seqs (), numbers (65'531, 65'601)) << "across the wrap";
  EXPECT_EQ (child->seqs (audio_channel), numbers (65'591, 65'599));
}

TEST_F (FanOutTest, ResumeFillsAGapBehindTheNewest)
{
  send_seqs (1, 10);
  send_seqs (12, 20);
  send_seqs (11, 11); // came late
  const auto child = add_child (1, {{video_ssrc, 10}});
  run_for (1s);
  auto expected = numbers (12, 20);
  expected.push_back (11);
  EXPECT_EQ (child->seqs (), expected) << "in the order of arrival";
}

TEST_F (FanOutTest, ResumeOfOneWhoIsAheadIsLive)
{
  send_seqs (1, 100);
  const auto child = add_child (1, {{video_ssrc, 150}});
  run_for (1s);
  EXPECT_TRUE (child->frames.empty ());
  send_seqs (101, 110);
  EXPECT_EQ (child->seqs (), numbers (101, 110))
      << "no skipping of live packets on the word of a child";
}

TEST_F (FanOutTest, ResumeOfAnUnknownSsrcIsLive)
{
  send_seqs (1, 100);
  const auto child = add_child (1, {{99, 50}});
  run_for (1s);
  send_seqs (101, 101);
  EXPECT_EQ (child->seqs (), numbers (101, 101));
}

TEST_F (FanOutTest, ResumeListensToNoMoreThanAStreamHas)
{
  send_seqs (1, 10);
  std::vector<HeldPacket> held;
  for (std::uint32_t ssrc = 1; ssrc <= 100'000; ++ssrc)
    held.push_back ({ssrc, 5});
  held.push_back ({video_ssrc, 5});
  const auto child = add_child (1, std::move (held));
  run_for (1s);
  EXPECT_TRUE (child->frames.empty ());
}

TEST_F (FanOutTest, ResumeBringsTheSenderReportsOfTheTime)
{
  send_seqs (1, 10);
  send (sender_report (video_ssrc, 1, 2));
  send (sender_report (audio_ssrc, 1, 2));
  const auto child = add_child (1, {{video_ssrc, 5}});
  run_for (1s);
  ASSERT_EQ (child->frames.size (), 6u);
  EXPECT_EQ (child->frames.back ().first, video_channel + 1);
}

TEST_F (FanOutTest, ALongResumeIsPaced)
{
  send_seqs (1, 1000);
  const auto child = add_child (1, {{video_ssrc, 0}});
  std::size_t before = 0;
  for (; child->frames.size () < 1000; now_ += limits::pace_interval) {
    fan_out_.serve (idle_, now_);
    ASSERT_GT (child->frames.size (), before);
    ASSERT_LE (child->frames.size (), before + limits::chunk);
    before = child->frames.size ();
    fan_out_.pump (now_ + 1ms); // a packet comes for the others
    ASSERT_EQ (child->frames.size (), before) << "no sooner for that";
  }
  EXPECT_EQ (child->seqs (), numbers (1, 1000));
}

TEST_F (FanOutTest, ALongResumeOfAFastStreamCatchesUp)
{
  send_seqs (1, 1000);
  const auto child = add_child (1, {{video_ssrc, 0}});
  unsigned seq = 1000;
  // 100 packets in each interval, more than the least that is paced.
  for (int i = 0; i < 50; ++i, now_ += limits::pace_interval) {
    for (int j = 0; j < 100; ++j)
      send_seqs (seq + 1, seq + 1), ++seq;
    fan_out_.serve (idle_, now_);
  }
  EXPECT_EQ (child->seqs (), numbers (1, seq));
}

// A second of a stream of 500 packets/s was missed by five children at once.
// Alone each would get four times the stream; the uplink has 1,000 packets/s
// beyond what the other two children need.
TEST_F (FanOutTest, WhoeverResumesSharesWhatTheUplinkCanSpare)
{
  constexpr unsigned before = 500, resuming = 5, fed = 2;
  std::vector<std::shared_ptr<FakeSink>> sinks;
  for (unsigned key = 0; key < fed; ++key)
    sinks.push_back (add_child (key));
  unsigned seq = 0;
  const auto stream_for = [&] (std::chrono::milliseconds time) {
    for (auto left = time; left > 0ms; left -= 2ms) {
      send_seqs (seq + 1, seq + 1), ++seq;
      run_for (2ms);
    }
  };
  stream_for (1s);
  ASSERT_EQ (seq, before);
  const auto bits = 8 * (rtp (1).size () + limits::udp_overhead);
  fan_out_.set_uplink_bps ((1000 + fed * 500) * bits);
  std::vector<std::shared_ptr<FakeSink>> behind;
  for (unsigned key = fed; key < fed + resuming; ++key)
    behind.push_back (add_child (key, {{video_ssrc, 0}}));
  stream_for (100ms);
  std::size_t sent = 0;
  for (const auto &sink : behind)
    sent += sink->frames.size ();
  // A tenth more than the stream each, because 200 packets/s would be too few
  // ever to catch up.
  EXPECT_NEAR (static_cast<double> (sent), resuming * 55, resuming * 8);
  for (const auto &sink : sinks)
    EXPECT_EQ (sink->seqs (), numbers (1, seq)) << "the others have it all";

  // One alone has all of it: 1,000 packets/s.
  for (unsigned key = fed + 1; key < fed + resuming; ++key)
    fan_out_.stop (LinkKey{key}, false, now_);
  const auto so_far = behind[0]->frames.size ();
  stream_for (100ms);
  EXPECT_NEAR (
      static_cast<double> (behind[0]->frames.size () - so_far), 100, 8);
  stream_for (1s);
  EXPECT_EQ (behind[0]->seqs (), numbers (1, seq));
}

TEST_F (FanOutTest, ABurstIsNotPaced)
{
  const auto child = add_child (1);
  for (unsigned seq = 1; seq <= limits::chunk * 4; ++seq)
    fan_out_.put (rtp (static_cast<std::uint16_t> (seq)), now_);
  fan_out_.pump (now_);
  EXPECT_EQ (child->seqs (), numbers (1, limits::chunk * 4));
}

TEST_F (FanOutTest, NobodyLagsNothingToDo)
{
  const auto child = add_child (1);
  send_seqs (1, 10);
  EXPECT_EQ (fan_out_.serve (idle_, now_), MonotonicTime::max ());
  child->room = 0;
  send_seqs (11, 11);
  EXPECT_EQ (fan_out_.serve (idle_, now_), now_ + limits::pace_interval);
}

TEST_F (FanOutTest, GoodbyeGoesToEachMediumWhoseSsrcIsKnown)
{
  const auto child = add_child (1), other = add_child (2);
  fan_out_.stop (LinkKey{1}, true, now_);
  ASSERT_EQ (child->frames.size (), 1u) << "nothing of audio has come";
  EXPECT_EQ (child->frames[0].first, video_channel + 1);
  EXPECT_EQ (child->frames[0].second, write_goodbye (video_ssrc));
  EXPECT_TRUE (other->frames.empty ());

  send (rtp (1, audio_ssrc, audio_pt));
  other->frames.clear ();
  fan_out_.stop (LinkKey{2}, true, now_);
  ASSERT_EQ (other->frames.size (), 2u);
  EXPECT_EQ (other->frames[1].first, audio_channel + 1);
  EXPECT_EQ (other->frames[1].second, write_goodbye (audio_ssrc));
}

TEST_F (FanOutTest, WithoutGoodbyeNothingIsSaid)
{
  const auto child = add_child (1);
  EXPECT_TRUE (fan_out_.stop (LinkKey{1}, false, now_));
  EXPECT_FALSE (fan_out_.stop (LinkKey{1}, false, now_)) << "gone";
  send_seqs (1, 10);
  EXPECT_TRUE (child->frames.empty ());
}

TEST_F (FanOutTest, WhatGoneChildrenGotStaysCounted)
{
  add_child (1);
  add_child (2);
  send_seqs (1, 10);
  fan_out_.stop (LinkKey{1}, false, now_);
  DataStats stats;
  fan_out_.add_to (stats);
  EXPECT_EQ (stats.packets_sent, 20u);
  EXPECT_EQ (stats.children.size (), 1u);
}

TEST_F (FanOutTest, AChildsReportSaysHowMuchItLoses)
{
  add_child (1);
  Branch &branch = *fan_out_.find (LinkKey{1});
  const auto report = [&] (std::vector<ReportBlock> blocks) {
    branch.rtcp_from_child (
        write_receiver_report (5, blocks), fan_out_.media (), now_);
  };
  EXPECT_FALSE (branch.stats ().last_report);
  branch.rtcp_from_child (rtp (1), fan_out_.media (), now_);
  branch.rtcp_from_child (Datagram{1, 2, 3}, fan_out_.media (), now_);
  EXPECT_FALSE (branch.stats ().last_report) << "no RTCP";
  report ({{.ssrc = video_ssrc, .fraction_lost = 64},
      {.ssrc = 99, .fraction_lost = 255}});
  EXPECT_EQ (branch.stats ().lost_fraction, 0.25) << "99 is not ours";
  EXPECT_EQ (branch.stats ().last_report, now_);
  report ({});
  EXPECT_EQ (branch.stats ().lost_fraction, 0.25) << "it says nothing of that";
  report ({{.ssrc = video_ssrc, .fraction_lost = 0}});
  EXPECT_EQ (branch.stats ().lost_fraction, 0);
}

// A camera of 25 pictures a second, two packets each, and audio every 40 ms. A
// key frame brings its parameter set in a packet of its own.
class SlowChildTest : public FanOutTest {
protected:
  SlowChildTest () : FanOutTest (limits::tcp_queue_max) { set_codec ("H264"); }

  static constexpr auto interval = 40ms;

  void set_codec (const char *codec)
  {
    fan_out_.set_media ({{video_pt, 90'000, video_ssrc, codec},
        {audio_pt, 48'000, audio_ssrc}});
  }
  Datagram video (std::uint8_t nal_unit)
  {
    Datagram packet = rtp (video_seq_++, video_ssrc, video_pt, 0);
    for (std::size_t i = 0; i < 4; ++i) // the picture's time
      packet[4 + i] = static_cast<std::uint8_t> (picture_ >> (24 - 8 * i));
    packet.insert (packet.end (), {nal_unit, 0x88, 0, 0});
    return packet;
  }
  // Key frames are `gop` pictures apart, the first is one.
  void run (std::chrono::milliseconds time, unsigned gop)
  {
    for (const MonotonicTime end = now_ + time; now_ < end;
         run_for (interval)) {
      const bool is_key = picture_ % gop == 0;
      if (is_key)
        key_seqs_.push_back (video_seq_);
      send (video (is_key ? 0x67 : 0x41));
      send (video (is_key ? 0x65 : 0x41));
      send (rtp (audio_seq_++, audio_ssrc, audio_pt));
      ++picture_;
    }
  }
  // Of what came in order, where numbers are missing: the first that came
  // behind each gap.
  static std::vector<std::uint16_t> resumptions (
      const std::vector<std::uint16_t> &seqs)
  {
    std::vector<std::uint16_t> out;
    for (std::size_t i = 1; i < seqs.size (); ++i)
      if (seqs[i] != seqs[i - 1] + 1)
        out.push_back (seqs[i]);
    return out;
  }
  void expect_all_accounted_for (const FakeSink &sink)
  {
    EXPECT_EQ (sink.frames.size () + stats_of (1).packets_dropped,
        std::size_t{video_seq_} + audio_seq_);
  }

  std::uint16_t video_seq_ = 0, audio_seq_ = 0;
  std::uint32_t picture_ = 0;
  std::vector<std::uint16_t> key_seqs_;
};

// It begins with history, and takes a third of what comes.
TEST_F (SlowChildTest, SkipsIfItNeverCatchesUpWithHistory)
{
  run (1s, 10);
  const auto slow = add_child (1, {{video_ssrc, 0}, {audio_ssrc, 0}});
  slow->room = 0;
  for (int picture = 0; picture < 300; ++picture) {
    slow->room += 1;
    run (interval, 10);
  }
  EXPECT_GT (stats_of (1).frames_dropped, 100u);
  const auto after_gaps = resumptions (slow->seqs ());
  EXPECT_GT (after_gaps.size (), 3u);
  for (const std::uint16_t seq : after_gaps)
    EXPECT_EQ (std::ranges::count (key_seqs_, seq), 1) << seq;
}

TEST_F (SlowChildTest, GoesOnWithTheNewestKeyFrame)
{
  const auto slow = add_child (1), good = add_child (2);
  run (200ms, 10);
  slow->room = 1; // the first half of a picture
  run (1500ms, 10);
  slow->room = SIZE_MAX;
  run (1s, 10);

  EXPECT_EQ (good->seqs (), numbers (0, video_seq_ - 1u));
  EXPECT_EQ (good->seqs (audio_channel), numbers (0, audio_seq_ - 1u));
  EXPECT_EQ (stats_of (2).packets_dropped, 0u);

  const auto again = resumptions (slow->seqs ());
  ASSERT_EQ (again.size (), 1u);
  EXPECT_NE (std::ranges::find (key_seqs_, again[0]), key_seqs_.end ())
      << again[0] << ": its parameter set comes with it";
  EXPECT_EQ (slow->seqs ().back (), video_seq_ - 1u);
  EXPECT_EQ (resumptions (slow->seqs (audio_channel)).size (), 1u);
  expect_all_accounted_for (*slow);
  // Two packets a picture, one a piece of audio; of one picture half was sent.
  const auto dropped = stats_of (1);
  EXPECT_EQ (dropped.frames_dropped, (dropped.packets_dropped + 2) / 3 * 2);
}

TEST_F (SlowChildTest, WaitsForAKeyFrameWhileAudioGoesOn)
{
  const auto slow = add_child (1);
  run (200ms, 100);
  slow->room = 0;
  run (1400ms, 100);
  slow->room = SIZE_MAX;
  run (1s, 100);
  EXPECT_EQ (resumptions (slow->seqs ()).size (), 0u) << "no key frame yet";
  EXPECT_EQ (resumptions (slow->seqs (audio_channel)).size (), 1u);
  EXPECT_EQ (slow->seqs (audio_channel).back (), audio_seq_ - 1u);
  run (3s, 100);
  ASSERT_EQ (key_seqs_.size (), 2u);
  EXPECT_EQ (resumptions (slow->seqs ()), (std::vector{key_seqs_[1]}));
  EXPECT_EQ (slow->seqs ().back (), video_seq_ - 1u);
  EXPECT_EQ (resumptions (slow->seqs (audio_channel)).size (), 1u);
  expect_all_accounted_for (*slow);
}

TEST_F (SlowChildTest, OfAnUnknownCodecGoesOnWithTheNewest)
{
  set_codec ("");
  const auto slow = add_child (1);
  run (200ms, 100);
  slow->room = 0;
  run (1400ms, 100);
  slow->room = SIZE_MAX;
  run (200ms, 100);
  EXPECT_EQ (resumptions (slow->seqs ()).size (), 1u);
  EXPECT_EQ (slow->seqs ().back (), video_seq_ - 1u);
  expect_all_accounted_for (*slow);
}

TEST_F (SlowChildTest, WaitsForNoKeyFrameThatNeverComes)
{
  const auto slow = add_child (1);
  run (200ms, 100'000);
  slow->room = 0;
  run (1400ms, 100'000);
  slow->room = SIZE_MAX;
  run (limits::random_access_max + 1s, 100'000);
  EXPECT_EQ (resumptions (slow->seqs ()).size (), 1u);
  EXPECT_EQ (slow->seqs ().back (), video_seq_ - 1u);
  expect_all_accounted_for (*slow);
}

TEST_F (SlowChildTest, IsNeverFurtherBehindThanItMayBe)
{
  const auto slow = add_child (1);
  slow->room = 0;
  run (20s, 10);
  const auto waiting = video_seq_;
  slow->room = 1;
  run_for (limits::pace_interval);
  ASSERT_EQ (slow->seqs ().size (), 1u);
  const auto behind = (waiting - slow->seqs ()[0]) / 2 * interval;
  EXPECT_LE (behind, limits::tcp_queue_max + interval);
}

// What it lags behind is history, and it was promised that.
TEST_F (SlowChildTest, ResumesFromAsFarBackAsTheRingReaches)
{
  run (2900ms, 10);
  const auto child = add_child (1, {{video_ssrc, 0}, {audio_ssrc, 0}});
  child->room = 0;
  run_for (50ms);
  child->room = SIZE_MAX;
  run (200ms, 10);
  EXPECT_EQ (child->seqs (), numbers (1, video_seq_ - 1u));
  EXPECT_EQ (child->seqs (audio_channel), numbers (1, audio_seq_ - 1u));
  EXPECT_EQ (stats_of (1).packets_dropped, 0u);
}

// A peer over TCP is a child like any other over TCP.
TEST_F (SlowChildTest, MayBeAPeer)
{
  const auto sink = std::make_shared<FakeSink> ();
  fan_out_.start (LinkKey{1}, route::BundledTcp{sink, video_channel}, {});
  run (200ms, 10);
  const auto before = sink->frames.size ();
  sink->room = 0;
  run (1400ms, 10);
  sink->room = SIZE_MAX;
  run (200ms, 10);
  EXPECT_GT (sink->frames.size (), before);
  EXPECT_GT (stats_of (1).frames_dropped, 0u);
  expect_all_accounted_for (*sink);
  // In silence it hears of us on the same channel.
  const auto quiet = sink->frames.size ();
  run_for (limits::data_idle * 4);
  ASSERT_GT (sink->frames.size (), quiet);
  EXPECT_EQ (sink->frames.back ().first, video_channel);
  EXPECT_EQ (sink->frames.back ().second, idle_);
}

} // namespace
} // namespace spreadit::media
