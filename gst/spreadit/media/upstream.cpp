// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/upstream.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "media/limits.hpp"

namespace spreadit::media {

void
Upstream::add (LinkKey key, const Address &address, MonotonicTime now,
    std::optional<route::BundledTcp> tcp)
{
  remove (key);
  parents_.push_back ({key, address, std::move (tcp), {}, {}, now});
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
  if (source) {
    answer = source->sequence.insert (header.seq, arrival.at);
    source->last_packet = arrival.at;
  } else {
    if (!make_room (header.ssrc, media, arrival.at))
      return Taken::invalid;
    source = &sources_.emplace_back (
        Source{header.ssrc, Sequence (header.seq, arrival.at), {}, arrival.at});
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
  if (!is_of_source)
    return Taken::own_rtcp;
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

} // namespace spreadit::media
