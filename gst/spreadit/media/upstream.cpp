// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/upstream.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "media/limits.hpp"
#include "media/rtcp.hpp"

namespace spreadit::media {

namespace {

// 1/65536 s, as RFC 3611 counts.
using EchoTime = std::chrono::duration<std::uint32_t, std::ratio<1, 65536>>;

// As NTP has it, but of a clock that nobody sets.
std::uint64_t
elapsed_ntp (MonotonicTime now)
{
  using Fraction = std::chrono::duration<double>;
  const auto since = now.time_since_epoch ();
  const auto seconds = std::chrono::floor<std::chrono::seconds> (since);
  const double fraction = Fraction (since - seconds).count ();
  return static_cast<std::uint64_t> (seconds.count ()) << 32 |
         static_cast<std::uint32_t> (fraction * 4294967296.0);
}

} // namespace

void
Upstream::add (LinkKey key, const Address &address, MonotonicTime now,
    std::optional<route::BundledTcp> tcp)
{
  remove (key);
  parents_.push_back ({key, address, std::move (tcp), {}, {}, {}, now});
}

void
Upstream::remove (LinkKey key)
{
  std::erase_if (parents_, [=] (const Parent &p) { return p.key == key; });
}

std::optional<route::BundledTcp>
Upstream::take_tcp (LinkKey key)
{
  const auto it = std::ranges::find (parents_, key, &Parent::key);
  return it == parents_.end () ? std::nullopt
                               : std::exchange (it->tcp, std::nullopt);
}

const Parent *
Upstream::find (LinkKey key) const
{
  const auto it = std::ranges::find (parents_, key, &Parent::key);
  return it == parents_.end () ? nullptr : &*it;
}

bool
Upstream::is_parent (const Address &address) const
{
  return std::ranges::any_of (parents_,
      [&] (const Parent &parent) { return parent.address == address; });
}

void
Upstream::heard (const Address &from, MonotonicTime now)
{
  for (Parent &parent : parents_)
    if (parent.address == from)
      parent.last_seen = now;
}

Taken
Upstream::take (const Address &from, Bytes datagram, const MediaMap &media,
    const Arrival &arrival)
{
  heard (from, arrival.at);
  const auto header = parse_packet (datagram);
  if (!header)
    return Taken::invalid;
  if (const auto *rtp = std::get_if<RtpHeader> (&*header))
    return take_rtp (from, *rtp, media, arrival);
  return take_rtcp (
      from, std::get<RtcpHeader> (*header), datagram, media, arrival.at);
}

Parent *
Upstream::find_parent (const Address &address)
{
  const auto it = std::ranges::find (parents_, address, &Parent::address);
  return it == parents_.end () ? nullptr : &*it;
}

Upstream::Source *
Upstream::find_source (std::uint32_t ssrc)
{
  const auto it = std::ranges::find (sources_, ssrc, &Source::ssrc);
  return it == sources_.end () ? nullptr : &*it;
}

// Whether there is, or can be made, room for `ssrc`. A parent that makes up
// SSRCs must not push the stream's own out: those are not idle.
bool
Upstream::make_room (
    std::uint32_t ssrc, const MediaMap &media, MonotonicTime now)
{
  if (sources_.size () < limits::sources_max)
    return true;
  const bool is_declared = media.is_declared (ssrc);
  auto victim = sources_.end ();
  for (auto it = sources_.begin (); it != sources_.end (); ++it) {
    const bool may_go = now - it->last_packet >= limits::source_idle ||
                        (is_declared && !media.is_declared (it->ssrc));
    if (may_go &&
        (victim == sources_.end () || it->last_packet < victim->last_packet))
      victim = it;
  }
  if (victim == sources_.end ())
    return false;
  lost_of_evicted_ += victim->sequence.lost ();
  sources_.erase (victim);
  return true;
}

Taken
Upstream::take_rtp (const Address &from, const RtpHeader &header,
    const MediaMap &media, const Arrival &arrival)
{
  Source *source = find_source (header.ssrc);
  Sequence::Answer answer{};
  std::uint64_t before = 0;
  if (source) {
    before = source->sequence.highest ();
    answer = source->sequence.insert (header.seq, arrival.at);
    source->last_packet = arrival.at;
    if (source->sequence.highest () > before + 1)
      look_for_gaps (*source, before, arrival.at);
  } else {
    if (!make_room (header.ssrc, media, arrival.at))
      return Taken::invalid;
    source = &sources_.emplace_back (Source{.ssrc = header.ssrc,
        .sequence = Sequence (header.seq, arrival.at),
        .report = {},
        .last_packet = arrival.at});
    answer = {Sequence::Verdict::fresh, source->sequence.highest ()};
  }
  if (answer.verdict == Sequence::Verdict::suspect)
    return Taken::invalid;

  const std::uint32_t clock_rate = media.clock_rate (header);
  for (Parent &parent : parents_)
    if (parent.address == from)
      parent.reception.packet (header, answer.extended, clock_rate, arrival.at);
  if (answer.verdict == Sequence::Verdict::duplicate)
    return Taken::duplicate;
  const Parent *parent = find_parent (from);
  const bool was_missing = answer.extended < source->repair.end ();
  if (was_missing)
    filled (*source, answer.extended, parent, arrival.at);
  if (answer.extended > before && parent && !parent->tcp && repairs_)
    source->tail.newest (answer.extended, header, arrival.at, !was_missing);
  late_ += answer.verdict == Sequence::Verdict::late;
  last_fresh_rtp_ = arrival.at;
  if (source->report)
    delay_.add (arrival.ntp, *source->report, header.rtp_time, clock_rate);
  return Taken::fresh_rtp;
}

// What the source says goes on to everyone; what a parent says as a receiver
// itself ends here (RFC 3550 7.2 lets a translator do so).
Taken
Upstream::take_rtcp (const Address &from, const RtcpHeader &header,
    Bytes datagram, const MediaMap &media, MonotonicTime now)
{
  const bool is_of_source = header.type == rtcp_sr ||
                            media.is_known (header.ssrc) ||
                            find_source (header.ssrc);
  if (!is_of_source) {
    take_feedback (from, datagram, now);
    return Taken::own_rtcp;
  }
  const bool is_fresh = remember_rtcp (datagram);
  for (const SenderReport &report : sender_reports (datagram)) {
    for (Parent &parent : parents_)
      if (parent.address == from)
        parent.reception.sender_report (report, now);
    if (Source *source = find_source (report.ssrc); source && is_fresh)
      source->report = report;
  }
  return is_fresh ? Taken::fresh_rtcp : Taken::duplicate;
}

bool
Upstream::remember_rtcp (Bytes datagram)
{
  const std::size_t hash = std::hash<std::string_view>{}(
      {reinterpret_cast<const char *> (datagram.data ()), datagram.size ()});
  if (std::ranges::find (rtcp_hashes_, hash) != rtcp_hashes_.end ())
    return false;
  if (rtcp_hashes_.size () < limits::rtcp_remembered) {
    rtcp_hashes_.push_back (hash);
  } else {
    rtcp_hashes_[next_rtcp_hash_] = hash;
    next_rtcp_hash_ = (next_rtcp_hash_ + 1) % limits::rtcp_remembered;
  }
  return true;
}

// What the parent says to us, and not for those below.
void
Upstream::take_feedback (const Address &from, Bytes compound, MonotonicTime now)
{
  Parent *parent = find_parent (from);
  for (const TimeEcho &echo : time_echoes (compound)) {
    const EchoTime round_trip (
        static_cast<std::uint32_t> (elapsed_ntp (now) >> 16) - echo.asked -
        echo.held);
    // Longer is a lie, or an answer to nothing.
    if (echo.asker == own_ssrc_ && parent &&
        round_trip < limits::round_trip_max)
      parent->round_trip.add (
          std::chrono::duration_cast<Estimate::Duration> (round_trip));
  }
  if (!repairs_)
    return;
  for (const LossReport &report : third_party_losses (compound))
    if (Source *source = find_source (report.ssrc))
      for (const std::uint16_t seq : report.seqs)
        source->repair.asked_above (
            source->sequence.nearest (seq), report.asker, now, gap_times_);
}

void
Upstream::look_for_gaps (
    Source &source, std::uint64_t highest_before, MonotonicTime now)
{
  const std::uint64_t highest = source.sequence.highest ();
  if (highest - highest_before > limits::dropout_max) {
    source.repair.clear (); // the source has started over, or we were away
    return;
  }
  if (!repairs_)
    return;
  // The first may have been found missing before.
  const std::uint64_t first =
      std::max (highest_before + 1, source.repair.end ());
  if (first >= highest)
    return;
  source.repair.open (first, highest - 1, now, gap_times_);
  add_new_losses (source, first, highest - 1);
}

void
Upstream::look_for_tails (MonotonicTime now)
{
  for (Source &source : sources_)
    if (const auto next = source.tail.take_overdue (now);
        next && *next >= source.repair.end ()) {
      source.repair.open_next (*next, now, gap_times_);
      add_new_losses (source, *next, *next);
    }
}

// They have been opened.
void
Upstream::add_new_losses (
    const Source &source, std::uint64_t first, std::uint64_t last)
{
  for (std::uint64_t n = first; n <= last; ++n) {
    const std::uint32_t asker = source.repair.asker (n);
    auto report = std::ranges::find_if (new_losses_, [&] (const LossReport &r) {
      return r.ssrc == source.ssrc && r.asker == asker;
    });
    if (report == new_losses_.end ())
      report = new_losses_.insert (report, {source.ssrc, {}, asker});
    report->seqs.push_back (static_cast<std::uint16_t> (n));
  }
}

// A packet below the highest came.
void
Upstream::filled (Source &source, std::uint64_t extended, const Parent *from,
    MonotonicTime now)
{
  const auto round_trip =
      from ? from->round_trip.mean_or ({}) : Estimate::Duration{};
  repaired_ += source.repair.close (extended, now, round_trip, gap_times_) ==
               Repair::Came::repaired;
}

// Of those that live, each in turn: one may have lost it, too. Not over TCP,
// where nothing is lost and what is missing was left out for us.
Parent *
Upstream::whom_to_ask (MonotonicTime now)
{
  std::vector<Parent *> alive;
  for (Parent &parent : parents_)
    if (!parent.tcp && parent.last_seen &&
        now - *parent.last_seen < limits::alive_for)
      alive.push_back (&parent);
  if (alive.empty ())
    return nullptr;
  return alive[times_asked_++ % alive.size ()];
}

std::optional<Upstream::Ask>
Upstream::take_due_repairs (MonotonicTime now)
{
  if (now < next_repair ())
    return std::nullopt;
  const Parent *parent = whom_to_ask (now);
  if (!parent) {
    nobody_until_ = now + limits::alive_for;
    for (Source &source : sources_) // what is too old is forgotten all the same
      source.repair.take_due (now, limits::answer_wait_max, 0);
    return std::nullopt;
  }
  look_for_tails (now);
  const auto patience = std::min<Estimate::Duration> (limits::answer_wait_max,
      parent->round_trip.bound_or (limits::round_trip_unknown) +
          limits::answer_slack);
  Ask ask{parent, {}};
  std::size_t left = limits::feedback_entries_max;
  for (Source &source : sources_) {
    auto due = source.repair.take_due (now, patience, left);
    if (due.empty ())
      continue;
    left -= due.size ();
    repairs_asked_ += due.size ();
    ask.losses.push_back ({source.ssrc, std::move (due)});
  }
  if (ask.losses.empty ())
    return std::nullopt;
  return ask;
}

MonotonicTime
Upstream::next_repair () const
{
  MonotonicTime next = MonotonicTime::max ();
  if (!parents_.empty ())
    for (const Source &source : sources_)
      next =
          std::min ({next, source.repair.next (), source.tail.overdue_at ()});
  return std::max (next, nobody_until_);
}

std::vector<std::uint8_t>
Upstream::write_report (Parent &parent, MonotonicTime now)
{
  auto report =
      write_receiver_report (own_ssrc_, parent.reception.take_report (now));
  append_time_request (report, own_ssrc_, elapsed_ntp (now));
  return report;
}

std::vector<HeldPacket>
Upstream::held (MonotonicTime since) const
{
  std::vector<HeldPacket> held;
  for (const Source &source : sources_)
    if (source.sequence.last_fresh () >= since)
      held.push_back ({source.ssrc, source.sequence.held ()});
  return held;
}

std::uint64_t
Upstream::lost (MonotonicTime now)
{
  std::uint64_t lost = lost_of_evicted_;
  for (Source &source : sources_) {
    source.sequence.settle (now);
    lost += source.sequence.lost ();
  }
  return lost;
}

void
Upstream::add_to (DataStats &stats, MonotonicTime now)
{
  stats.packets_lost = lost (now);
  stats.packets_repaired = repaired_;
  stats.packets_late = late_;
  stats.repairs_asked = repairs_asked_;
  stats.delay_p50_ms = delay_.quantile_ms (0.50);
  stats.delay_p99_ms = delay_.quantile_ms (0.99);
  if (!parents_.empty ())
    stats.round_trip = parents_.back ().round_trip.mean ();
}

} // namespace spreadit::media
