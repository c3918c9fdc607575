// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support.hpp"

#include "media/limits.hpp"

namespace spreadit::media {
namespace {

TEST (Packet, ReadsRtp)
{
  Datagram d = rtp (0xfffe, 0xdeadbeef, 111);
  d[1] |= 0x80; // marker
  const auto header = parse_packet (d);
  ASSERT_TRUE (header && std::holds_alternative<RtpHeader> (*header));
  const auto &h = std::get<RtpHeader> (*header);
  EXPECT_EQ (h.payload_type, 111);
  EXPECT_EQ (h.seq, 0xfffe);
  EXPECT_EQ (h.rtp_time, 0xfffe * 3000u);
  EXPECT_EQ (h.ssrc, 0xdeadbeef);
  EXPECT_EQ (ssrc_of (*header), 0xdeadbeef);
}

TEST (Packet, ReadsSenderReport)
{
  const auto header = parse_packet (sender_report (7, 8, 9));
  ASSERT_TRUE (header && std::holds_alternative<RtcpHeader> (*header));
  EXPECT_EQ (std::get<RtcpHeader> (*header).type, rtcp_sr);
  EXPECT_EQ (ssrc_of (*header), 7u);
}

struct Case {
  const char *what;
  bool is_valid;
  Datagram datagram;
};

Datagram
operator+ (Datagram a, const Datagram &b)
{
  a.insert (a.end (), b.begin (), b.end ());
  return a;
}

const Datagram rtp12 = {0x80, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3};
Datagram
with_byte (Datagram d, std::size_t at, std::uint8_t value)
{
  d.at (at) = value;
  return d;
}
const Datagram rr = {0x80, 201, 0, 1, 0, 0, 0, 5};
const Datagram bye = {0x81, 203, 0, 1, 0, 0, 0, 5};

const Case cases[] = {
    {"nothing", false, {}},
    {"one byte", false, {0x80}},
    {"7 bytes", false, {0x80, 201, 0, 1, 0, 0, 0}},
    {"STUN", false, Datagram{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42} + rtp12},
    {"dummy packet of rtspsrc", false, {0xce, 0xfa, 0xed, 0xfe}},

    {"RTP of 12 bytes", true, rtp12},
    {"RTP of 11 bytes", false, Datagram (rtp12.begin (), rtp12.end () - 1)},
    {"RTP version 1", false, with_byte (rtp12, 0, 0x40)},
    {"RTP version 3", false, with_byte (rtp12, 0, 0xc0)},
    {"CSRC that is not there", false, with_byte (rtp12, 0, 0x81)},
    {"CSRC", true, with_byte (rtp12, 0, 0x81) + Datagram (4)},
    {"15 CSRC, one byte short", false,
        with_byte (rtp12, 0, 0x8f) + Datagram (59)},
    {"extension that is not there", false, with_byte (rtp12, 0, 0x90)},
    {"extension, half its header", false,
        with_byte (rtp12, 0, 0x90) + Datagram{0xbe, 0xde}},
    {"empty extension", true,
        with_byte (rtp12, 0, 0x90) + Datagram{0xbe, 0xde, 0, 0}},
    {"extension of 65535 words", false,
        with_byte (rtp12, 0, 0x90) + Datagram{0xbe, 0xde, 0xff, 0xff}},
    {"extension of one word", true,
        with_byte (rtp12, 0, 0x90) + Datagram{0xbe, 0xde, 0, 1, 0x10, 1, 0, 0}},
    {"extension of one word, one byte short", false,
        with_byte (rtp12, 0, 0x90) + Datagram{0xbe, 0xde, 0, 1, 0x10, 1, 0}},
    // SRTP: the last byte is of the authentication tag.
    {"padding longer than all of it", true,
        with_byte (rtp12, 0, 0xa0) + Datagram{255}},
    {"payload type 63", true, with_byte (rtp12, 1, 63)},
    {"payload type 64", false, with_byte (rtp12, 1, 64)},
    {"payload type 95", false, with_byte (rtp12, 1, 95)},
    {"payload type 64 and marker is RTCP 192", false,
        with_byte (rtp12, 1, 192)},
    {"payload type 96 and marker", true, with_byte (rtp12, 1, 224)},

    {"RR", true, rr},
    {"RR, BYE", true, rr + bye},
    {"BYE first", false, bye + rr},
    {"SDES first", false, with_byte (rr, 1, 202)},
    {"feedback alone, RFC 5506", true, with_byte (rr, 1, 205)},
    {"XR first", false, with_byte (rr, 1, 207)},
    {"RR with padding first", false, with_byte (rr, 0, 0xa0)},
    {"RR of length 0", false, with_byte (rr, 3, 0)},
    {"RR, then one of length 0", true, rr + Datagram{0x80, 203, 0, 0}},
    {"longer than the datagram", false, with_byte (rr, 3, 2)},
    {"length 65535", false, with_byte (with_byte (rr, 2, 0xff), 3, 0xff)},
    {"second one longer than the rest", false, rr + with_byte (bye, 3, 2)},
    {"second one of version 1", false, rr + with_byte (bye, 0, 0x41)},
    {"three bytes at the end", false, rr + Datagram{0x80, 203, 0}},
    {"five bytes at the end", false, rr + Datagram{0x80, 203, 0, 0, 0}},
};

TEST (Packet, IsValidOrNot)
{
  for (const Case &c : cases)
    EXPECT_EQ (parse_packet (c.datagram).has_value (), c.is_valid) << c.what;
}

TEST (Packet, RefusesEveryBeginningOfAnSr)
{
  const Datagram whole = sender_report (1, 2, 3);
  for (std::size_t size = 0; size < whole.size (); ++size)
    EXPECT_FALSE (parse_packet (Bytes (whole).first (size))) << size;
}

TEST (SenderReports, AreReadFromTheWholeCompound)
{
  const auto reports = sender_reports (
      sender_report (1, 0x0123456789abcdef, 3) + bye + sender_report (4, 5, 6));
  ASSERT_EQ (reports.size (), 2u);
  EXPECT_EQ (reports[0].ssrc, 1u);
  EXPECT_EQ (reports[0].ntp, 0x0123456789abcdefu);
  EXPECT_EQ (reports[0].rtp_time, 3u);
  EXPECT_EQ (reports[1].ssrc, 4u);
}

TEST (SenderReports, TooShortForTheirTypeArePassedOver)
{
  const Datagram short_sr = {0x80, 200, 0, 1, 0, 0, 0, 5};
  ASSERT_TRUE (parse_packet (short_sr));
  EXPECT_TRUE (sender_reports (short_sr).empty ());
  EXPECT_TRUE (report_blocks (short_sr).empty ());
}

TEST (ReportBlocks, ComeBackAsWritten)
{
  const ReportBlock block{.ssrc = 1,
      .fraction_lost = 200,
      .cumulative_lost = -5,
      .highest_seq = 0x0001ffff,
      .jitter = 4,
      .last_sr = 5,
      .delay_since_sr = 6};
  const std::vector<ReportBlock> blocks (3, block);
  const auto read = report_blocks (write_receiver_report (9, blocks));
  ASSERT_EQ (read.size (), 3u);
  EXPECT_EQ (read[2].ssrc, 1u);
  EXPECT_EQ (read[2].fraction_lost, 200);
  EXPECT_EQ (read[2].cumulative_lost, -5);
  EXPECT_EQ (read[2].highest_seq, 0x0001ffffu);
  EXPECT_EQ (read[2].jitter, 4u);
  EXPECT_EQ (read[2].last_sr, 5u);
  EXPECT_EQ (read[2].delay_since_sr, 6u);
}

TEST (ReportBlocks, MoreThanFiveBitsAreCut)
{
  const std::vector<ReportBlock> blocks (100);
  const auto report = write_receiver_report (9, blocks);
  EXPECT_TRUE (parse_packet (report));
  EXPECT_EQ (report_blocks (report).size (), limits::report_blocks_max);
}

TEST (ReportBlocks, CountThatIsNotThere)
{
  Datagram liar = rr;
  liar[0] = 0x9f; // 31 blocks in 8 bytes
  ASSERT_TRUE (parse_packet (liar));
  EXPECT_TRUE (report_blocks (liar).empty ());
  EXPECT_TRUE (report_blocks (liar + liar).empty ());
}

TEST (ReceiverReport, WithoutBlocksIsTheLeastThereIs)
{
  EXPECT_EQ (write_receiver_report (5), rr);
}

TEST (Goodbye, IsReceiverReportAndBye)
{
  EXPECT_EQ (write_goodbye (5), rr + bye);
}

} // namespace
} // namespace spreadit::media
