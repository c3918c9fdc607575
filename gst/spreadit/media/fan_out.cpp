// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/fan_out.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "media/limits.hpp"

namespace spreadit::media {

FanOut::FanOut (const Config &config, Sockets &sockets)
    : config_ (config), sockets_ (sockets),
      ring_ (config.ring_duration, config.ring_bytes_max)
{
}

void
FanOut::set_media (std::vector<MediaDescription> media)
{
  media_.set (std::move (media));
  ring_.reassign_media (
      [this] (const Header &header) { return media_.learn (header); });
}

bool
FanOut::put (Bytes packet, MonotonicTime now)
{
  const auto header = parse_packet (packet);
  if (!header || packet.size () > limits::datagram_size_max)
    return false;
  while (ring_.is_full (packet.size (), now)) {
    for (const auto &branch : branches_)
      branch->before_pop (ring_);
    ring_.pop ();
  }
  ring_.push (packet, *header, media_.learn (*header), now);
  if (const auto *rtp = std::get_if<RtpHeader> (&*header))
    look_for_random_access (*rtp, packet);
  else
    for (const SenderReport &report : sender_reports (packet))
      sent_reports_.add (report, now);
  return true;
}

void
FanOut::look_for_random_access (const RtpHeader &header, Bytes packet)
{
  constexpr std::uint8_t independent = 0x20; // RFC 9626 3.1, the I bit
  const std::uint64_t index = ring_.head () - 1;
  bool is_independent = false;
  if (const unsigned marking = media_.frame_marking (header)) {
    const Bytes mark = header_extension (packet, marking);
    if (mark.empty ())
      return;
    is_independent = mark[0] & independent;
  } else {
    const auto media = ring_.at (index).media;
    const auto begins = media ? media_.random_access (*media) : nullptr;
    if (!begins)
      return;
    is_independent = begins (rtp_payload (packet));
  }
  if (random_access_.take (header, index, is_independent))
    ring_.keep_from (
        random_access_.last (ring_.first ()).value_or (UINT64_MAX));
}

std::vector<NextPacket>
FanOut::next_packets (MonotonicTime now) const
{
  std::vector<NextPacket> next;
  for (const RtpHeader &newest : ring_.newest (now))
    next.push_back ({newest.ssrc, static_cast<std::uint16_t> (newest.seq + 1),
        newest.rtp_time});
  const auto begin = random_access_.last (ring_.first ());
  if (!begin || *begin < ring_.first ())
    return next;
  // Of each SSRC the first one from there on.
  std::size_t open = next.size ();
  std::vector<bool> is_found (next.size ());
  for (std::uint64_t i = *begin; i < ring_.head () && open; ++i) {
    const auto *rtp = std::get_if<RtpHeader> (&ring_.at (i).header);
    if (!rtp)
      continue;
    const auto it = std::ranges::find (next, rtp->ssrc, &NextPacket::ssrc);
    const auto place = static_cast<std::size_t> (it - next.begin ());
    if (it == next.end () || is_found[place])
      continue;
    *it = {rtp->ssrc, rtp->seq, rtp->rtp_time};
    is_found[place] = true;
    --open;
  }
  // Its first packet may have been lost, and have come when it was sent again.
  for (std::uint64_t i = *begin; i < ring_.head (); ++i) {
    const auto *rtp = std::get_if<RtpHeader> (&ring_.at (i).header);
    if (!rtp)
      continue;
    const auto it = std::ranges::find (next, rtp->ssrc, &NextPacket::ssrc);
    if (it != next.end () && it->rtp_time == rtp->rtp_time &&
        static_cast<std::int16_t> (
            static_cast<std::uint16_t> (rtp->seq - it->seq)) < 0)
      it->seq = rtp->seq;
  }
  return next;
}

// Of the uplink, for those who lag.
std::optional<double>
FanOut::spare_for_each () const
{
  if (!uplink_.is_known ())
    return std::nullopt;
  const auto fed = static_cast<std::size_t> (std::ranges::count_if (
      branches_, [] (const auto &branch) { return branch->keeps_up (); }));
  return uplink_.spare (ring_, fed, branches_.size () - fed);
}

MonotonicTime
FanOut::pump (MonotonicTime now)
{
  sockets_.assume_room ();
  ++first_to_pump_;
  const auto spare = spare_for_each ();
  for (const auto &branch : branches_)
    branch->begin_pump (ring_, now, spare);
  while (send_chunks ())
    ;
  MonotonicTime next = MonotonicTime::max ();
  for (const auto &branch : branches_) {
    branch->end_pump (ring_, now);
    if (branch->lags (ring_))
      next = std::min (next, branch->next_service (ring_));
  }
  return next;
}

// The next chunk to each child that may have one, to peers all at once. Whether
// there were any.
bool
FanOut::send_chunks ()
{
  deliveries_.clear ();
  receivers_.clear ();
  datagrams_.clear ();
  datagrams_.reserve (branches_.size () * limits::chunk); // spans stay good
  bool is_any = false;
  for (std::size_t i = 0; i < branches_.size (); ++i) {
    Branch &branch = in_turn (i);
    std::array<const Packet *, limits::chunk> memory;
    const auto packets = std::span (memory).first (branch.take (ring_, memory));
    if (packets.empty ())
      continue;
    is_any = true;
    if (Destination *to = branch.output ().bundled ()) {
      const std::size_t first = datagrams_.size ();
      for (const Packet *packet : packets)
        datagrams_.push_back (packet->bytes);
      deliveries_.push_back ({to, std::span (datagrams_).subspan (first)});
      receivers_.push_back (&branch);
    } else {
      branch.settle (ring_, branch.output ().send (packets));
    }
  }
  sockets_.bundle.send (deliveries_);
  for (std::size_t i = 0; i < deliveries_.size (); ++i)
    receivers_[i]->settle (ring_, deliveries_[i].sent);
  return is_any;
}

MonotonicTime
FanOut::serve (Bytes idle_rtcp, MonotonicTime now)
{
  pump (now);
  for (const auto &branch : branches_)
    branch->keep_alive (idle_rtcp, now);
  return next_service ();
}

MonotonicTime
FanOut::next_service () const
{
  MonotonicTime next = MonotonicTime::max ();
  for (const auto &branch : branches_)
    next = std::min (next, branch->next_service (ring_));
  return next;
}

void
FanOut::start (LinkKey key, const Route &route, const StartAt &start)
{
  auto branch = std::make_unique<Branch> (key, Output::make (route, sockets_),
      start, ring_, media_, config_.branch);
  for (const Address &address : branch->output ().addresses ())
    by_address_.emplace (address, branch.get ());
  branches_.push_back (std::move (branch));
}

std::unique_ptr<Branch>
FanOut::stop (LinkKey key, bool bye, MonotonicTime now)
{
  const auto it = std::ranges::find (branches_, key, &Branch::key);
  if (it == branches_.end ())
    return nullptr;
  std::unique_ptr<Branch> branch = std::move (*it);
  branches_.erase (it);
  forget_addresses (*branch);
  if (bye) {
    sockets_.assume_room ();
    branch->pump (ring_, now);
    branch->output ().send_goodbye (media_);
  }
  packets_sent_to_gone_ += branch->stats ().packets_sent;
  bytes_sent_to_gone_ += branch->stats ().bytes_sent;
  return branch;
}

void
FanOut::say_goodbye (const Route &route)
{
  sockets_.assume_room ();
  Output::make (route, sockets_)->send_goodbye (media_);
}

void
FanOut::forget_addresses (Branch &branch)
{
  for (const Address &address : branch.output ().addresses ()) {
    auto [it, end] = by_address_.equal_range (address);
    while (it != end)
      it = it->second == &branch ? by_address_.erase (it) : std::next (it);
  }
}

Branch *
FanOut::find (LinkKey key) const
{
  const auto it = std::ranges::find (branches_, key, &Branch::key);
  return it == branches_.end () ? nullptr : it->get ();
}

bool
FanOut::take_from_child (const Address &from, Bytes datagram, MonotonicTime now)
{
  const auto [begin, end] = by_address_.equal_range (from);
  for (auto it = begin; it != end; ++it)
    take_rtcp (*it->second, datagram, now);
  return begin != end;
}

void
FanOut::take_from_child (LinkKey key, Bytes rtcp, MonotonicTime now)
{
  if (Branch *branch = find (key))
    take_rtcp (*branch, rtcp, now);
}

void
FanOut::take_rtcp (Branch &branch, Bytes rtcp, MonotonicTime now)
{
  branch.rtcp_from_child (rtcp, media_, now);
  const auto header = parse_packet (rtcp);
  if (!branch.output ().wants_idle () || !header ||
      !std::holds_alternative<RtcpHeader> (*header))
    return;
  if (branch.keeps_up ())
    for (const ReportBlock &block : report_blocks (rtcp))
      if (const auto round_trip =
              sent_reports_.round_trip (block, branch.keeps_up_since (), now))
        branch.measured (*round_trip);
  sockets_.assume_room ();
  branch.send_again (ring_, nacks (rtcp), now);
  if (const auto asked = time_request (rtcp))
    branch.output ().send_idle (write_time_echo (config_.own_ssrc, *asked));
}

void
FanOut::announce_losses (std::span<const LossReport> losses)
{
  const auto rtcp = write_third_party_loss (config_.own_ssrc, losses);
  sockets_.assume_room ();
  for (const auto &branch : branches_)
    if (branch->output ().wants_idle () && branch->keeps_up ())
      branch->output ().send_idle (rtcp);
}

std::uint64_t
FanOut::bytes_sent () const
{
  std::uint64_t bytes = bytes_sent_to_gone_;
  for (const auto &branch : branches_)
    bytes += branch->stats ().bytes_sent;
  return bytes;
}

void
FanOut::add_to (DataStats &stats) const
{
  stats.packets_sent += packets_sent_to_gone_;
  stats.bytes_sent += bytes_sent ();
  for (const auto &branch : branches_) {
    stats.packets_sent += branch->stats ().packets_sent;
    stats.children.push_back (branch->stats ());
  }
}

} // namespace spreadit::media
