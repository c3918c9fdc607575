// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/branch.hpp"

#include <algorithm>
#include <array>

#include "media/limits.hpp"
#include "media/rtcp.hpp"

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

// How many packets at a time somebody gets who has missed some.
std::size_t
paced_packets (const Ring &ring)
{
  const auto span =
      ring.at (ring.head () - 1).arrival - ring.at (ring.first ()).arrival;
  if (span <= limits::pace_interval)
    return limits::pace_min;
  const auto rate =
      static_cast<double> (ring.head () - ring.first ()) *
      (limits::pace_interval / std::chrono::duration<double> (span));
  return std::clamp (static_cast<std::size_t> (limits::pace_factor * rate),
      limits::pace_min, limits::chunk);
}

} // namespace

Branch::Branch (LinkKey key, std::unique_ptr<Output> output,
    const StartAt &start, const Ring &ring, const MediaMap &media,
    const Bounds &bounds)
    : key_ (key), output_ (std::move (output)), stats_{.key = key},
      held_ (bounded (start.held)), cursor_ (resume_index (held_, ring)),
      resume_end_ (ring.head ()), media_ (media), bounds_ (bounds),
      skip_ (*output_), is_resuming_ (cursor_ < ring.head ()),
      is_paced_ (is_resuming_), head_at_last_try_ (ring.head ())
{
}

bool
Branch::is_wanted (const Packet &packet, std::uint64_t index) const
{
  if (!output_->carries (packet) || skip_.drops (packet, index))
    return false;
  // From the head at the start on, everything goes out: what is held says
  // nothing about it, it may be of before a wrap of the 16-bit numbers.
  return index >= resume_end_ || is_missing (held_, packet);
}

ChildStats
Branch::stats () const
{
  ChildStats stats = stats_;
  stats.packets_dropped += skip_.packets ();
  stats.frames_dropped = skip_.frames ();
  return stats;
}

// One that resumes may lag as far as the ring reaches, until it is here.
void
Branch::skip_what_is_late (const Ring &ring, MonotonicTime now)
{
  skip_.look (ring, media_, cursor_);
  if (output_->is_queue () && !is_resuming_ && lags (ring) &&
      now - ring.at (cursor_).arrival > bounds_.queue_max)
    cursor_ = skip_.begin (ring, media_, cursor_, now);
}

void
Branch::begin_pump (
    const Ring &ring, MonotonicTime now, std::optional<double> spare)
{
  skip_what_is_late (ring, now);
  if (!is_paced_ && caught_up_ == MonotonicTime{})
    caught_up_ = now;
  is_pumped_ = lags (ring) && (!is_paced_ || now >= next_try_);
  has_sent_ = false;
  is_open_ = true;
  budget_ = is_pumped_ ? SIZE_MAX : 0;
  if (is_pumped_ && is_paced_) // twice what came, or it would never catch up
    budget_ = std::max<std::size_t> (
        paced_packets (ring), 2 * (ring.head () - head_at_last_try_));
  if (is_pumped_ && is_paced_ && spare) {
    credit (*spare, now);
    budget_ = std::min (budget_, static_cast<std::size_t> (pace_credit_));
  }
}

// For the time since it was last given any: what was not used in a long pause
// is no right to a burst.
void
Branch::credit (double spare, MonotonicTime now)
{
  const std::chrono::duration<double> since =
      std::clamp<MonotonicTime::duration> (
          now - credited_, limits::pace_interval, 4 * limits::pace_interval);
  credited_ = now;
  pace_credit_ =
      std::min (pace_credit_ + spare * since.count (), double{limits::chunk});
}

std::size_t
Branch::take (const Ring &ring, std::span<const Packet *, limits::chunk> out)
{
  const std::size_t most = std::min (budget_, out.size ());
  taken_ = 0;
  taken_end_ = cursor_;
  for (; taken_end_ < ring.head () && taken_ < most; ++taken_end_)
    if (const Packet &packet = ring.at (taken_end_);
        is_wanted (packet, taken_end_))
      out[taken_++] = &packet;
  if (!taken_ && most)
    cursor_ = taken_end_; // past what it does not want
  return taken_;
}

void
Branch::settle (const Ring &ring, const UdpSocket::Sent &sent)
{
  stats_.packets_sent += sent.done - sent.refused;
  stats_.packets_refused += sent.refused;
  stats_.bytes_sent += sent.bytes;
  repair_credit_ = std::min (limits::repair_burst_bytes,
      repair_credit_ + bounds_.repair_share * static_cast<double> (sent.bytes));
  pace_credit_ = std::max (pace_credit_ - static_cast<double> (sent.done), 0.0);
  has_sent_ = has_sent_ || sent.done > sent.refused;
  if (sent.done == taken_) {
    cursor_ = taken_end_;
    budget_ -= taken_;
    return;
  }
  is_open_ = false;
  budget_ = 0;
  // To the first that has not gone.
  for (std::size_t done = sent.done;; ++cursor_)
    if (is_wanted (ring.at (cursor_), cursor_) && !done--)
      return;
}

void
Branch::end_pump (const Ring &ring, MonotonicTime now)
{
  if (!is_pumped_)
    return;
  if (has_sent_)
    last_sent_ = now;
  if (!lags (ring)) {
    if (is_paced_)
      caught_up_ = now;
    is_paced_ = is_resuming_ = false;
  } else if (!is_open_) {
    is_paced_ = true;
  }
  next_try_ = now + limits::pace_interval;
  head_at_last_try_ = ring.head ();
}

void
Branch::pump (const Ring &ring, MonotonicTime now)
{
  std::array<const Packet *, limits::chunk> packets;
  begin_pump (ring, now);
  while (const std::size_t count = take (ring, packets))
    settle (ring, output_->send (std::span (packets).first (count)));
  end_pump (ring, now);
}

void
Branch::before_pop (const Ring &ring)
{
  if (cursor_ != ring.first () || !lags (ring))
    return;
  is_resuming_ = false; // it is too slow for that
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
Branch::send_again (
    const Ring &ring, std::span<const LossReport> losses, MonotonicTime now)
{
  if (!bounds_.repair_share)
    return;
  std::array<const Packet *, limits::chunk> packets;
  std::size_t count = 0;
  const auto flush = [&] {
    const auto sent = output_->send (std::span (packets).first (count));
    stats_.packets_repaired += sent.done - sent.refused;
    stats_.bytes_repaired += sent.bytes;
    count = 0;
  };
  const auto on_its_way = round_trip_.least_or ({});
  while (
      !answers_.empty () && (now - answers_.front ().at >= on_its_way ||
                                answers_.size () > limits::answers_remembered))
    answers_.pop_front ();
  for (const LossReport &report : losses)
    for (const std::uint16_t seq : report.seqs) {
      const auto index = ring.find (report.ssrc, seq);
      if (!index || *index >= cursor_)
        continue; // not to be had, or on its way
      const Packet &packet = ring.at (*index);
      // It asked before the packet can have reached it: we were without it,
      // too. Or before the answer can.
      if (now - packet.arrival < on_its_way ||
          std::ranges::find (answers_, *index, &Answer::index) !=
              answers_.end ())
        continue;
      const auto cost = static_cast<double> (packet.bytes.size ());
      if (cost > repair_credit_) {
        ++stats_.repairs_refused;
        continue;
      }
      repair_credit_ -= cost;
      answers_.push_back ({*index, now});
      packets[count++] = &packet;
      if (count == packets.size ())
        flush ();
    }
  if (count)
    flush ();
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
