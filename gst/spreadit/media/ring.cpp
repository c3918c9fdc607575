// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/ring.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "media/limits.hpp"

namespace spreadit::media {

namespace {
// Any packet fits. Small, so that an idle relay holds little.
constexpr std::size_t chunk_bytes = limits::datagram_size_max;
constexpr std::size_t slots_at_first = 256;

std::size_t
cost (std::size_t size)
{
  return size + sizeof (Packet);
}
} // namespace

Ring::Ring (std::chrono::milliseconds duration, std::size_t bytes_max)
    : duration_ (duration), bytes_max_ (bytes_max), slots_ (slots_at_first)
{
}

const Packet &
Ring::at (std::uint64_t index) const
{
  assert (index >= first_ && index < head_);
  return slots_[index & mask ()];
}

bool
Ring::is_full (std::size_t size, MonotonicTime now) const
{
  if (is_empty ())
    return false;
  const auto age = now - at (first_).arrival;
  const bool is_kept = first_ >= kept_from_ && age <= limits::gop_max;
  return bytes_ + cost (size) > bytes_max_ || (age > duration_ && !is_kept);
}

void
Ring::pop ()
{
  assert (!is_empty ());
  bytes_ -= cost (at (first_).bytes.size ());
  ++first_;
  if (chunks_.front ().end > first_)
    return;
  if (chunks_.size () == 1) {
    chunks_.front ().used = 0;
    return;
  }
  spare_ = std::move (chunks_.front ());
  chunks_.pop_front ();
}

void
Ring::push (Bytes bytes, const Header &header, std::optional<std::size_t> media,
    MonotonicTime now)
{
  assert (bytes.size () <= chunk_bytes);
  if (head_ - first_ == slots_.size ())
    grow ();
  std::uint8_t *copy = allocate (bytes.size ());
  std::memcpy (copy, bytes.data (), bytes.size ());
  slot (head_) = {{copy, bytes.size ()}, header, media, now};
  bytes_ += cost (bytes.size ());
  chunks_.back ().end = ++head_;
  if (const auto *rtp = std::get_if<RtpHeader> (&header))
    remember (*rtp, head_ - 1, now);
}

std::uint8_t *
Ring::allocate (std::size_t size)
{
  if (chunks_.empty () || chunks_.back ().used + size > chunk_bytes) {
    if (spare_) {
      spare_->used = 0;
      chunks_.push_back (std::move (*spare_));
      spare_.reset ();
    } else {
      // Not make_unique(): no need to clear it.
      chunks_.push_back (
          {std::unique_ptr<std::uint8_t[]> (new std::uint8_t[chunk_bytes])});
    }
  }
  Chunk &chunk = chunks_.back ();
  std::uint8_t *memory = chunk.memory.get () + chunk.used;
  chunk.used += size;
  return memory;
}

void
Ring::grow ()
{
  std::vector<Packet> larger (slots_.size () * 2);
  for (std::uint64_t i = first_; i < head_; ++i)
    larger[i & (larger.size () - 1)] = slot (i);
  slots_ = std::move (larger);
  for (Source &source : sources_)
    source.where.assign (slots_.size (), 0);
  for (std::uint64_t i = first_; i < head_; ++i)
    if (const auto *rtp = std::get_if<RtpHeader> (&slot (i).header))
      for (Source &source : sources_)
        if (source.newest.ssrc == rtp->ssrc)
          source.where[rtp->seq & mask ()] = static_cast<std::uint32_t> (i);
}

Ring::Source *
Ring::source_of (const RtpHeader &header, MonotonicTime now)
{
  const auto it = std::ranges::find (sources_, header.ssrc,
      [] (const Source &source) { return source.newest.ssrc; });
  if (it != sources_.end ()) {
    const bool is_newer =
        static_cast<std::int16_t> (
            static_cast<std::uint16_t> (header.seq - it->newest.seq)) > 0;
    if (is_newer || now - it->arrival > duration_) {
      it->newest = header;
      it->arrival = now;
    }
    return &*it;
  }
  if (sources_.size () == limits::sources_max)
    sources_.erase (std::ranges::min_element (sources_, {}, &Source::arrival));
  return &sources_.emplace_back (
      Source{header, now, std::vector<std::uint32_t> (slots_.size ())});
}

void
Ring::remember (const RtpHeader &header, std::uint64_t index, MonotonicTime now)
{
  Source *source = source_of (header, now);
  source->where[header.seq & mask ()] = static_cast<std::uint32_t> (index);
}

std::optional<std::uint64_t>
Ring::find (std::uint32_t ssrc, std::uint16_t seq) const
{
  const auto source = std::ranges::find (
      sources_, ssrc, [] (const Source &s) { return s.newest.ssrc; });
  if (source == sources_.end () || is_empty ())
    return std::nullopt;
  // How far before the head.
  const auto behind = static_cast<std::uint32_t> (
      static_cast<std::uint32_t> (head_) - source->where[seq & mask ()]);
  if (!behind || behind > head_ - first_)
    return std::nullopt;
  const std::uint64_t index = head_ - behind;
  const auto *rtp = std::get_if<RtpHeader> (&at (index).header);
  if (!rtp || rtp->ssrc != ssrc || rtp->seq != seq)
    return std::nullopt;
  return index;
}

std::vector<RtpHeader>
Ring::newest (MonotonicTime now) const
{
  std::vector<RtpHeader> headers;
  for (const Source &source : sources_)
    if (now - source.arrival <= duration_)
      headers.push_back (source.newest);
  return headers;
}

} // namespace spreadit::media
