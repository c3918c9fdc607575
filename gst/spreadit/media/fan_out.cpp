// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/fan_out.hpp"

#include <algorithm>
#include <utility>

#include "media/limits.hpp"

namespace spreadit::media {

FanOut::FanOut (std::chrono::milliseconds ring_duration,
    std::size_t ring_bytes_max, Sockets &sockets)
    : sockets_ (sockets), ring_ (ring_duration, ring_bytes_max)
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
  return true;
}

MonotonicTime
FanOut::pump (MonotonicTime now)
{
  sockets_.assume_room ();
  MonotonicTime next = MonotonicTime::max ();
  ++first_to_pump_;
  for (std::size_t i = 0; i < branches_.size (); ++i) {
    Branch &branch = *branches_[(first_to_pump_ + i) % branches_.size ()];
    branch.pump (ring_, now);
    if (branch.lags (ring_))
      next = std::min (next, branch.next_service (ring_));
  }
  return next;
}

MonotonicTime
FanOut::serve (Bytes idle_rtcp, MonotonicTime now)
{
  pump (now);
  MonotonicTime next = MonotonicTime::max ();
  for (const auto &branch : branches_) {
    branch->keep_alive (idle_rtcp, now);
    next = std::min (next, branch->next_service (ring_));
  }
  return next;
}

void
FanOut::start (LinkKey key, const Route &route, const StartAt &start)
{
  auto branch = std::make_unique<Branch> (
      key, Output::make (route, sockets_), start, ring_);
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
    it->second->rtcp_from_child (datagram, media_, now);
  return begin != end;
}

void
FanOut::add_to (DataStats &stats) const
{
  stats.packets_sent += packets_sent_to_gone_;
  stats.bytes_sent += bytes_sent_to_gone_;
  for (const auto &branch : branches_) {
    stats.packets_sent += branch->stats ().packets_sent;
    stats.bytes_sent += branch->stats ().bytes_sent;
    stats.children.push_back (branch->stats ());
  }
}

} // namespace spreadit::media
