// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/branch.hpp"

#include <algorithm>
#include <array>

#include "media/limits.hpp"

namespace spreadit::media {

namespace {

// The sequence number held of the SSRC, if any.
const HeldPacket *
find_held (const std::vector<HeldPacket> &held, std::uint32_t ssrc)
{
  const auto it = std::ranges::find (held, ssrc, &HeldPacket::ssrc);
  return it == held.end () ? nullptr : &*it;
}

bool
is_newer (std::uint16_t seq, std::uint64_t held)
{
  return static_cast<std::int16_t> (static_cast<std::uint16_t> (seq - held)) >
         0;
}

bool
is_missing (const std::vector<HeldPacket> &held, const Packet &packet)
{
  const HeldPacket *last = find_held (held, ssrc_of (packet.header));
  if (!last)
    return false;
  const auto *rtp = std::get_if<RtpHeader> (&packet.header);
  return !rtp || is_newer (rtp->seq, last->extended_seq);
}

// What a child says, no more of it than a stream has.
std::vector<HeldPacket>
bounded (std::vector<HeldPacket> held)
{
  held.resize (std::min (held.size (), limits::sources_max));
  return held;
}

// The first RTP packet that is missing; the head if there is none.
std::uint64_t
resume_index (const std::vector<HeldPacket> &held, const Ring &ring)
{
  if (held.empty ())
    return ring.head ();
  for (std::uint64_t i = ring.first (); i < ring.head (); ++i)
    if (const Packet &packet = ring.at (i);
        std::holds_alternative<RtpHeader> (packet.header) &&
        is_missing (held, packet))
      return i;
  return ring.head ();
}

} // namespace

Branch::Branch (LinkKey key, std::unique_ptr<Output> output,
    const StartAt &start, const Ring &ring)
    : key_ (key), output_ (std::move (output)), stats_{.key = key},
      held_ (bounded (start.held)), cursor_ (resume_index (held_, ring)),
      resume_end_ (ring.head ()), is_paced_ (cursor_ < ring.head ()),
      head_at_last_try_ (ring.head ())
{
}

bool
Branch::is_wanted (const Packet &packet, std::uint64_t index) const
{
  if (!output_->carries (packet))
    return false;
  // From the head at the start on, everything goes out: what is held says
  // nothing about it, it may be of before a wrap of the 16-bit numbers.
  return index >= resume_end_ || is_missing (held_, packet);
}

bool
Branch::send_up_to (const Ring &ring, std::size_t most)
{
  std::array<const Packet *, limits::chunk> packets;
  std::array<std::uint64_t, limits::chunk> indices;
  while (most && lags (ring)) {
    std::size_t count = 0;
    std::uint64_t next = cursor_;
    for (; next < ring.head () && count < std::min (most, packets.size ());
         ++next) {
      const Packet &packet = ring.at (next);
      if (!is_wanted (packet, next))
        continue;
      packets[count] = &packet;
      indices[count++] = next;
    }
    const auto sent = output_->send (std::span (packets).first (count));
    stats_.packets_sent += sent.done - sent.refused;
    stats_.packets_refused += sent.refused;
    stats_.bytes_sent += sent.bytes;
    cursor_ = sent.done < count ? indices[sent.done] : next;
    if (sent.done < count)
      return false;
    most -= count;
  }
  return true;
}

void
Branch::pump (const Ring &ring, MonotonicTime now)
{
  if (!lags (ring) || (is_paced_ && now < next_try_))
    return;
  std::size_t most = SIZE_MAX;
  if (is_paced_) // twice what came, or it would never catch up
    most = std::max<std::size_t> (
        limits::chunk, 2 * (ring.head () - head_at_last_try_));
  const std::uint64_t sent_before = stats_.packets_sent;
  const bool is_open = send_up_to (ring, most);
  if (stats_.packets_sent != sent_before)
    last_sent_ = now;
  if (!lags (ring))
    is_paced_ = false;
  else if (!is_open)
    is_paced_ = true;
  next_try_ = now + limits::pace_interval;
  head_at_last_try_ = ring.head ();
}

void
Branch::before_pop (const Ring &ring)
{
  if (cursor_ != ring.first () || !lags (ring))
    return;
  stats_.packets_dropped += is_wanted (ring.at (cursor_), cursor_);
  ++cursor_;
}

void
Branch::keep_alive (Bytes rtcp, MonotonicTime now)
{
  if (!output_->wants_idle () || now - last_sent_ < limits::data_idle)
    return;
  output_->send_idle (rtcp);
  last_sent_ = now;
}

MonotonicTime
Branch::next_service (const Ring &ring) const
{
  MonotonicTime next = MonotonicTime::max ();
  if (lags (ring))
    next = next_try_;
  if (output_->wants_idle ())
    next = std::min (next, last_sent_ + limits::data_idle);
  return next;
}

void
Branch::rtcp_from_child (Bytes rtcp, const MediaMap &media, MonotonicTime now)
{
  const auto header = parse_packet (rtcp);
  if (!header || !std::holds_alternative<RtcpHeader> (*header))
    return;
  stats_.last_report = now;
  std::optional<unsigned> worst;
  for (const ReportBlock &block : report_blocks (rtcp))
    if (media.is_known (block.ssrc))
      worst = std::max<unsigned> (worst.value_or (0), block.fraction_lost);
  if (worst)
    stats_.lost_fraction = *worst / 256.0;
}

} // namespace spreadit::media
