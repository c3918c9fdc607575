// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/peer_route.hpp"

namespace spreadit::agent {

std::optional<media::Route>
route_to_peer (std::span<const rtsp::Transport> offers, Lowers lowers,
    const media::Address &child,
    const std::shared_ptr<media::InterleavedSink> &link)
{
  for (const rtsp::Transport &offer : offers) {
    if (!offer.bundle)
      continue;
    if (offer.lower == rtsp::Lower::udp && offer.client_port &&
        lowers == Lowers::udp_or_tcp)
      return media::route::Bundled{child.with_port (offer.client_port->first)};
    if (offer.lower == rtsp::Lower::tcp && offer.interleaved)
      return media::route::BundledTcp{link, offer.interleaved->first};
  }
  return std::nullopt;
}

bool
is_good (const rtsp::Transport &answer, Lowers lowers, bool may_be_tcp)
{
  if (answer.lower == rtsp::Lower::udp)
    return lowers == Lowers::udp_or_tcp && answer.server_port.has_value ();
  return may_be_tcp && answer.bundle && answer.interleaved;
}

bool
is_over_tcp (const std::optional<media::Route> &route)
{
  return route &&
         (std::holds_alternative<media::route::BundledTcp> (*route) ||
             std::holds_alternative<media::route::Interleaved> (*route));
}

} // namespace spreadit::agent
