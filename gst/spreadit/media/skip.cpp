// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/skip.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "media/limits.hpp"

namespace spreadit::media {

namespace {

const RtpHeader *
rtp_of (const Packet &packet)
{
  return std::get_if<RtpHeader> (&packet.header);
}

bool
is_of (const Packet &packet, std::size_t media)
{
  return packet.media == media && rtp_of (packet);
}

// The first packet of the newest key frame that begins behind `cursor`, with
// the parameter sets that belong to it.
std::optional<std::uint64_t>
newest_point (const Ring &ring, std::uint64_t cursor, std::size_t media,
    BeginsRandomAccess begins)
{
  for (std::uint64_t i = ring.head (); i-- > cursor;) {
    if (!is_of (ring.at (i), media) ||
        !begins (rtp_payload (ring.at (i).bytes)))
      continue;
    std::uint64_t first = i;
    for (std::uint64_t j = i; j-- > cursor;)
      if (is_of (ring.at (j), media) &&
          rtp_of (ring.at (j))->rtp_time == rtp_of (ring.at (i))->rtp_time)
        first = j;
    if (first > cursor)
      return first;
    return std::nullopt;
  }
  return std::nullopt;
}

} // namespace

std::uint64_t
Skip::begin (const Ring &ring, const MediaMap &media, std::uint64_t cursor,
    MonotonicTime now)
{
  const auto was_closed = std::exchange (closed_, {});
  std::uint64_t next = ring.head ();
  for (std::size_t i = 0; i < media.media ().size (); ++i) {
    const BeginsRandomAccess begins = media.random_access (i);
    if (!begins || !output_.carries_media (i))
      continue;
    Closed closed{i, now};
    if (const auto point = newest_point (ring, cursor, i, begins))
      closed.until = *point;
    for (const Closed &old : was_closed)
      if (old.media == i)
        closed.since = old.since;
    next = std::min (next, closed.until);
    closed_.push_back (closed);
  }
  // What was dropped before has been counted.
  for (std::uint64_t i = cursor; i < ring.head (); ++i) {
    const Packet &packet = ring.at (i);
    const bool is_counted =
        std::ranges::any_of (was_closed, [&] (const Closed &old) {
          return is_of (packet, old.media) && i < old.until;
        });
    if (!is_counted && (i < next || drops (packet, i)))
      count (packet);
  }
  looked_at_ = ring.head ();
  std::erase_if (
      closed_, [=] (const Closed &closed) { return closed.until <= next; });
  return next;
}

void
Skip::look (const Ring &ring, const MediaMap &media, std::uint64_t cursor)
{
  if (is_over ())
    return;
  for (std::uint64_t i = std::max (looked_at_, ring.first ()); i < ring.head ();
       ++i) {
    const Packet &packet = ring.at (i);
    Closed *closed = find (packet);
    if (!closed || closed->until <= i)
      continue;
    const BeginsRandomAccess begins = media.random_access (closed->media);
    if (!begins || begins (rtp_payload (packet.bytes)) ||
        packet.arrival - closed->since > limits::random_access_max)
      closed->until = i;
    else
      count (packet);
  }
  looked_at_ = ring.head ();
  std::erase_if (
      closed_, [=] (const Closed &closed) { return closed.until <= cursor; });
}

bool
Skip::drops (const Packet &packet, std::uint64_t index) const
{
  return std::ranges::any_of (closed_, [&] (const Closed &closed) {
    return is_of (packet, closed.media) && index < closed.until;
  });
}

Skip::Closed *
Skip::find (const Packet &packet)
{
  const auto it = std::ranges::find_if (closed_,
      [&] (const Closed &closed) { return is_of (packet, closed.media); });
  return it == closed_.end () ? nullptr : &*it;
}

void
Skip::count (const Packet &packet)
{
  if (!output_.carries (packet))
    return;
  ++packets_;
  const RtpHeader *rtp = rtp_of (packet);
  if (!rtp)
    return;
  const auto it = std::ranges::find (last_, rtp->ssrc, &LastFrame::ssrc);
  if (it == last_.end ()) {
    if (last_.size () == limits::sources_max)
      last_.erase (last_.begin ());
    last_.push_back ({rtp->ssrc, rtp->rtp_time});
  } else if (std::exchange (it->rtp_time, rtp->rtp_time) == rtp->rtp_time) {
    return;
  }
  ++frames_;
}

} // namespace spreadit::media
