// Hostile datagrams, alone and in a row: the parser and all that keeps state
// about what a parent sends.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "media/limits.hpp"
#include "media/upstream.hpp"

using namespace spreadit::media;

namespace {

// What is written is what was read, as far as there is room for it.
void
check_losses (Bytes datagram)
{
  const auto losses = nacks (datagram);
  const auto written = write_nack (1, losses);
  std::size_t count = 0, count_read = 0;
  for (const auto &report : losses)
    count += report.seqs.size ();
  for (const auto &report : nacks (written))
    count_read += report.seqs.size ();
  if (count_read > count ||
      written.size () > 8 + 16 * limits::feedback_entries_max)
    std::abort ();
}

void
check_parsers (Bytes datagram)
{
  const auto header = parse_packet (datagram);
  if (!header || !std::holds_alternative<RtcpHeader> (*header))
    return;
  sender_reports (datagram);
  const auto blocks = report_blocks (datagram);
  if (blocks.size () * 24 > datagram.size ())
    std::abort ();
  const auto report = write_receiver_report (1, blocks);
  const auto read = report_blocks (report);
  if (read.size () != std::min (blocks.size (), limits::report_blocks_max))
    std::abort ();
  check_losses (datagram);
  time_echoes (datagram);
  if (const auto asked = time_request (datagram)) {
    const auto echo = write_time_echo (1, *asked);
    if (time_echoes (echo).size () != 1)
      std::abort ();
  }
}

} // namespace

// The input is datagrams, each after a byte with its length and one with the
// time since the one before in 8 ms.
extern "C" int
LLVMFuzzerTestOneInput (const std::uint8_t *data, std::size_t size)
{
  check_parsers ({data, size});

  const Address parent = Address::from_ip ("10.0.0.1", 1);
  MonotonicTime now = MonotonicTime{} + std::chrono::hours (1);
  MediaMap media;
  media.set ({{96, 90'000, 1}, {97, 48'000, {}}});
  Upstream upstream (7);
  upstream.add (LinkKey{1}, parent, now);
  Bytes rest (data, size);
  std::uint64_t fresh = 0;
  while (rest.size () >= 2) {
    upstream.take_new_losses ();
    if (const auto ask = upstream.take_due_repairs (now))
      write_nack (7, ask->losses);
    now += std::chrono::milliseconds (8) * rest[1];
    const std::size_t length =
        std::min<std::size_t> (rest[0], rest.size () - 2);
    // A copy, so that AddressSanitizer sees where it ends.
    const std::vector<std::uint8_t> datagram (
        rest.begin () + 2, rest.begin () + 2 + static_cast<long> (length));
    rest = rest.subspan (2 + length);
    const Taken taken =
        upstream.take (parent, datagram, media, {now, fresh << 32});
    if (taken == Taken::fresh_rtp) {
      ++fresh;
      media.learn (*parse_packet (datagram));
      // Whatever it was, the same once more is not fresh.
      if (upstream.take (parent, datagram, media, {now, 0}) == Taken::fresh_rtp)
        std::abort ();
    }
  }
  if (upstream.held (now).size () > limits::sources_max)
    std::abort ();
  upstream.lost (now);
  if (upstream.parents ()[0].reception.take_report (now).size () >
      limits::report_blocks_max)
    std::abort ();
  return 0;
}
