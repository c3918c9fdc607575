// Whether others can connect to our children: so many dials at once, and few to
// addresses that may be anybody's.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/agent.hpp"

#include <algorithm>

#include "agent/limits.hpp"

namespace spreadit::agent {

void
Agent::perform (const core::action::DialBack &action)
{
  const Link *link = find (action.link);
  const auto where = rtsp::parse_address (action.peer.address);
  const auto *to = std::get_if<rtsp::HostPort> (&where);
  if (!link || !link->connection || !to)
    return dialed_back (action.link, action.peer, core::Reach::unknown);
  DialBack::Question question{
      settings_.uri, action.peer.id, link->connection->remote ()};
  question.stream.host = to->host;
  question.stream.port = to->port;
  question.stream.query.clear ();
  if (dials_.size () >= limits::dials_waiting_max || !may_dial (question))
    return dialed_back (action.link, action.peer, core::Reach::unknown);
  dials_.push_back ({action, std::move (question), nullptr});
  begin_dials ();
}

bool
Agent::may_dial (const DialBack::Question &question)
{
  if (DialBack::is_own_address (question))
    return true;
  const auto now = ControlLoop::now ();
  if (now < next_foreign_dial_)
    return false;
  next_foreign_dial_ =
      std::max (next_foreign_dial_,
          now - limits::foreign_dial_burst * limits::foreign_dial_interval) +
      limits::foreign_dial_interval;
  return true;
}

void
Agent::begin_dials ()
{
  const auto count = std::min (dials_.size (), limits::dial_backs_max);
  for (std::size_t i = 0; i < count; ++i) {
    Dial &dial = dials_[i];
    if (dial.call)
      continue;
    dial.call = std::make_unique<DialBack> (
        dial.question,
        [this, peer = dial.wanted.peer] (
            GSocketConnection *connection) { return adopt (connection, peer); },
        [this, wanted = dial.wanted] (core::Reach reach) {
          const auto link = wanted.link;
          const auto peer = wanted.peer;
          // Frees what calls us, at the end.
          const auto it = std::find_if (dials_.begin (), dials_.end (),
              [link] (const Dial &one) { return one.wanted.link == link; });
          const Dial over = std::move (*it);
          dials_.erase (it);
          begin_dials ();
          dialed_back (link, peer, reach);
        });
  }
}

void
Agent::dialed_back (
    core::LinkId id, const core::Contact &peer, core::Reach reach)
{
  act ([id, address = peer.address, reach] (core::Peer &core,
           core::Instant now) { core.dialed_back (now, id, address, reach); });
}

} // namespace spreadit::agent
