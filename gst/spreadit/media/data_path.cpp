// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/data_path.hpp"

#include <algorithm>
#include <utility>

#include "media/data_path_impl.hpp"
#include "media/limits.hpp"

namespace spreadit::media {

namespace {

constexpr Poller::Tags bundle_tag = 1, plain_rtp_tag = 2, plain_rtcp_tag = 4;

MonotonicTime
now ()
{
  return MonotonicTime::clock::now ();
}

} // namespace

DataPath::DataPath (Config config) : impl_ (std::make_unique<Impl> (config)) {}

DataPath::~DataPath ()
{
  if (impl_->redeemed.list)
    gst_buffer_list_unref (impl_->redeemed.list);
}

std::string
DataPath::open ()
{
  const std::lock_guard guard (impl_->lock);
  std::string error = impl_->poller.open ();
  if (error.empty ())
    error =
        impl_->sockets.bundle.open (impl_->config.local, impl_->config.offload);
  if (error.empty ())
    impl_->poller.add (impl_->sockets.bundle.fd (), bundle_tag);
  return error;
}

std::uint16_t
DataPath::port () const
{
  const std::lock_guard guard (impl_->lock);
  return impl_->sockets.bundle.port ();
}

std::optional<std::pair<std::uint16_t, std::uint16_t>>
DataPath::plain_ports ()
{
  const std::lock_guard guard (impl_->lock);
  Sockets &sockets = impl_->sockets;
  if (!sockets.plain_rtp.port ()) {
    const Config &config = impl_->config;
    if (!sockets.open_plain (config.local, config.offload))
      return std::nullopt;
    impl_->poller.add (sockets.plain_rtp.fd (), plain_rtp_tag);
    impl_->poller.add (sockets.plain_rtcp.fd (), plain_rtcp_tag);
  }
  return std::pair{sockets.plain_rtp.port (), sockets.plain_rtcp.port ()};
}

// -- Control

void
DataPath::set_media (std::vector<MediaDescription> media)
{
  const std::lock_guard guard (impl_->lock);
  impl_->fan_out.set_media (std::move (media));
}

void
DataPath::set_uplink_bps (std::uint64_t bps)
{
  const std::lock_guard guard (impl_->lock);
  impl_->fan_out.set_uplink_bps (bps);
}

void
DataPath::start_feeding (LinkKey key, Route route, StartAt start)
{
  std::unique_ptr<Branch> old; // destroyed without the lock
  const std::lock_guard guard (impl_->lock);
  old = impl_->fan_out.stop (key, false, now ());
  impl_->fan_out.start (key, route, start);
  impl_->serve_at (now ());
}

void
DataPath::stop_feeding (LinkKey key, bool bye)
{
  std::unique_ptr<Branch> old; // destroyed without the lock
  const std::lock_guard guard (impl_->lock);
  old = impl_->fan_out.stop (key, bye, now ());
}

void
DataPath::say_goodbye (const Route &route)
{
  const std::lock_guard guard (impl_->lock);
  impl_->fan_out.say_goodbye (route);
}

void
DataPath::receive_from (LinkKey key, Address from)
{
  std::unique_lock guard (impl_->lock);
  impl_->upstream.add (key, from, now ());
  impl_->redeem (from);
  impl_->serve_at (now ());
  impl_->tell_if_heard (guard);
}

void
DataPath::receive_from (LinkKey key, Address from, route::BundledTcp tcp)
{
  std::optional<route::BundledTcp> old; // destroyed without the lock
  const std::lock_guard guard (impl_->lock);
  old = impl_->upstream.take_tcp (key);
  impl_->upstream.add (key, from, now (), std::move (tcp));
  impl_->serve_at (now ());
}

void
DataPath::take_from_link (LinkKey key, const std::uint8_t *data, std::size_t n)
{
  std::unique_lock guard (impl_->lock);
  impl_->take_from_link (key, {data, n});
  impl_->tell_if_heard (guard);
}

void
DataPath::stop_receiving (LinkKey key)
{
  std::optional<route::BundledTcp> old; // destroyed without the lock
  const std::lock_guard guard (impl_->lock);
  old = impl_->upstream.take_tcp (key);
  impl_->upstream.remove (key);
}

std::optional<MonotonicTime>
DataPath::last_seen (LinkKey key) const
{
  const std::lock_guard guard (impl_->lock);
  const Parent *parent = impl_->upstream.find (key);
  return parent ? parent->last_seen : std::nullopt;
}

void
DataPath::tell_of_packet (std::function<void ()> tell)
{
  const std::lock_guard guard (impl_->lock);
  impl_->is_heard = false;
  std::swap (impl_->tell, tell); // the old one is destroyed without the lock
}

std::optional<MonotonicTime>
DataPath::last_new_packet () const
{
  const std::lock_guard guard (impl_->lock);
  return impl_->upstream.last_fresh_rtp ();
}

std::vector<HeldPacket>
DataPath::held () const
{
  const std::lock_guard guard (impl_->lock);
  return impl_->upstream.held (now () - impl_->config.ring_duration);
}

std::vector<NextPacket>
DataPath::next_packets () const
{
  const std::lock_guard guard (impl_->lock);
  return impl_->fan_out.next_packets (now ());
}

void
DataPath::rtcp_from_child (LinkKey key, const std::uint8_t *data, std::size_t n)
{
  const std::lock_guard guard (impl_->lock);
  impl_->fan_out.take_from_child (key, {data, n}, now ());
}

DataStats
DataPath::stats () const
{
  const std::lock_guard guard (impl_->lock);
  DataStats stats = impl_->counters;
  impl_->upstream.add_to (stats, now ());
  impl_->fan_out.add_to (stats);
  stats.receive_buffer = impl_->sockets.bundle.receive_buffer ();
  stats.messages_sent = impl_->sockets.messages_sent ();
  return stats;
}

bool
DataPath::has_data () const
{
  const std::lock_guard guard (impl_->lock);
  return impl_->has_data;
}

// -- Data

void
DataPath::unblock (bool flushing)
{
  impl_->is_flushing = flushing;
  impl_->poller.wake ();
}

GstBufferList *
DataPath::receive ()
{
  while (wait ())
    if (GstBufferList *fresh = take ())
      return fresh;
  return nullptr;
}

bool
DataPath::wait ()
{
  while (!impl_->is_flushing) {
    const auto deadline = impl_->serve ();
    if (!deadline)
      return true;
    const Poller::Tags ready = impl_->poller.wait (*deadline);
    if (ready & plain_rtp_tag)
      impl_->receive_plain (impl_->sockets.plain_rtp, impl_->plain_rtp_intake);
    if (ready & plain_rtcp_tag)
      impl_->receive_plain (
          impl_->sockets.plain_rtcp, impl_->plain_rtcp_intake);
    if (ready & bundle_tag)
      return true;
  }
  return false;
}

GstBufferList *
DataPath::take ()
{
  Fresh fresh{false};
  impl_->receive_bundle (fresh);
  return fresh.list;
}

void
DataPath::relay ()
{
  Fresh fresh{true};
  impl_->receive_bundle (fresh);
}

void
DataPath::fan_out (GstBufferList *list)
{
  const guint count = gst_buffer_list_length (list);
  for (guint done = 0; done < count;) {
    // Others may come in between.
    const std::lock_guard guard (impl_->lock);
    const guint end =
        std::min (count, done + static_cast<guint> (limits::chunk));
    const MonotonicTime at = now ();
    for (; done < end; ++done)
      impl_->put (gst_buffer_list_get (list, done), at);
    impl_->serve_at (impl_->fan_out.pump (at));
    impl_->size_buffers (at); // a source may have no other occasion
  }
}

void
DataPath::fan_out (GstBuffer *packet)
{
  const std::lock_guard guard (impl_->lock);
  const MonotonicTime at = now ();
  impl_->put (packet, at);
  impl_->serve_at (impl_->fan_out.pump (at));
}

} // namespace spreadit::media
