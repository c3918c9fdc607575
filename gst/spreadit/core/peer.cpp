// The contract, each verb: do it, then tell whoever has to know.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cassert>

#include "core/peer_impl.hpp"

namespace spreadit::core {

Peer::Peer (Config config) : impl_ (std::make_unique<Impl> (std::move (config)))
{
}

Peer::~Peer () = default;

void
Peer::become_source (Instant now)
{
  assert (impl_->upstream.is_unused ());
  impl_->node.since = now;
  impl_->upstream.become_source ();
  impl_->settle_accounts (now);
}

void
Peer::set_stream_ready (Instant now, bool ready)
{
  impl_->upstream.set_stream_ready (ready);
  impl_->settle_accounts (now);
}

void
Peer::subscribe (Instant now, Contact source)
{
  assert (impl_->upstream.is_unused ());
  impl_->node.since = now;
  impl_->upstream.subscribe (now, std::move (source));
  impl_->settle_accounts (now);
}

void
Peer::unsubscribe (Instant now)
{
  impl_->unsubscribe (now);
  impl_->settle_accounts (now);
}

void
Peer::end_stream (Instant now)
{
  impl_->end_stream (now);
  impl_->settle_accounts (now);
}

void
Peer::link_opened (Instant now, LinkId link)
{
  impl_->upstream.link_opened (now, link);
  impl_->settle_accounts (now);
}

void
Peer::link_closed (Instant now, LinkId link)
{
  if (impl_->upstream.owns (link))
    impl_->upstream.link_closed (now, link);
  else
    impl_->downstream.link_closed (now, link);
  impl_->settle_accounts (now);
}

void
Peer::handle_message (Instant now, LinkId link, const Message &message)
{
  if (impl_->upstream.owns (link))
    impl_->upstream.handle_message (now, link, message);
  else
    impl_->handle_child (now, link, message);
  impl_->settle_accounts (now);
}

void
Peer::data_seen (Instant now, LinkId link, Instant came)
{
  if (impl_->upstream.data_seen (now, link, came))
    impl_->settle_accounts (now);
}

void
Peer::data_over_tcp (LinkId link)
{
  impl_->upstream.data_over_tcp (link);
}

void
Peer::message_seen (Instant now, LinkId link, Instant came)
{
  if (impl_->upstream.owns (link))
    impl_->upstream.message_seen (link, came);
  else
    impl_->downstream.message_seen (now, link, came);
  impl_->settle_accounts (now);
}

void
Peer::round_trip_seen (Instant now, LinkId link, Duration round_trip)
{
  impl_->upstream.round_trip_seen (link, round_trip);
  impl_->settle_accounts (now);
}

void
Peer::dialed_back (
    Instant now, LinkId link, const std::string &address, Reach reach)
{
  impl_->dialed_back (now, link, address, reach);
  impl_->settle_accounts (now);
}

void
Peer::beat (Instant now)
{
  impl_->beat (now);
  impl_->settle_accounts (now);
}

void
Peer::handle_timeout (Instant now)
{
  impl_->handle_timeout (now);
  impl_->settle_accounts (now);
}

void
Peer::set_children_max (Instant now, unsigned children_max)
{
  impl_->node.config.children_max =
      std::min (children_max, limits::children_max_max);
  impl_->settle_accounts (now);
}

void
Peer::set_add_policy (AddPolicyKind kind)
{
  impl_->set_add_policy (kind);
}

void
Peer::set_second_add_policy (AddPolicyKind kind)
{
  impl_->node.config.second_add_policy = kind;
  impl_->set_add_policy (impl_->node.config.add_policy);
}

void
Peer::set_delete_policy (DeletePolicyKind kind)
{
  impl_->node.config.delete_policy = kind;
  impl_->upstream.set_delete_policy (make_delete_policy (kind));
}

void
Peer::set_address (std::string address)
{
  if (address != impl_->node.config.address)
    impl_->node.reachable = Reach::unknown;
  impl_->node.config.address = std::move (address);
}

void
Peer::set_uplink_bps (std::uint64_t uplink_bps)
{
  impl_->node.config.uplink_bps = uplink_bps;
}

void
Peer::set_path (Instant now, NetworkPath path)
{
  impl_->node.config.path = std::move (path);
  impl_->upstream.located (now);
  impl_->settle_accounts (now);
}

void
Peer::set_reception (Instant now, const std::optional<Reception> &reception)
{
  impl_->set_reception (reception);
  impl_->settle_accounts (now);
}

std::optional<Action>
Peer::poll_action ()
{
  return impl_->node.outbox.poll ();
}

Instant
Peer::next_timeout () const
{
  Instant due = std::min (
      impl_->upstream.next_timeout (), impl_->downstream.next_timeout ());
  const bool has_news = !impl_->parent_knows ();
  if (has_news)
    due = std::min (due, impl_->report_at);
  if (has_news || impl_->node.config.idle_beats ||
      !impl_->parent_knows_quality ())
    due = std::min (due, impl_->beat_at);
  return due;
}

const Config &
Peer::config () const
{
  return impl_->node.config;
}

PeerState
Peer::state () const
{
  return impl_->upstream.state ();
}

Contact
Peer::self () const
{
  return impl_->node.self ();
}

std::optional<Contact>
Peer::parent () const
{
  return impl_->upstream.parent ();
}

std::optional<LinkId>
Peer::parent_link () const
{
  return impl_->upstream.parent_link ();
}

std::vector<LinkId>
Peer::data_links () const
{
  return impl_->upstream.data_links ();
}

std::optional<Contact>
Peer::standby () const
{
  return impl_->upstream.standby ();
}

const RootPath &
Peer::root_path () const
{
  return impl_->upstream.root_path ();
}

Reach
Peer::reachable () const
{
  return impl_->node.reachable;
}

unsigned
Peer::level () const
{
  return static_cast<unsigned> (impl_->upstream.root_path ().size ());
}

std::vector<ChildInfo>
Peer::children () const
{
  return impl_->downstream.children ();
}

Subtree
Peer::subtree () const
{
  return impl_->news_up ().subtree;
}

Quality
Peer::quality () const
{
  return impl_->quality ();
}

bool
Peer::feeds_too_many () const
{
  return impl_->downstream.feeds_too_many ();
}

Instant
Peer::next_beat (Instant now) const
{
  return impl_->next_beat (now);
}

unsigned
Peer::tries () const
{
  return impl_->upstream.tries ();
}

void
Peer::check_invariants () const
{
  impl_->check_invariants ();
}

} // namespace spreadit::core
