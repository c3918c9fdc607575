// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sim/wire_size.hpp"

#include <span>

namespace spreadit::sim {

namespace {

using namespace core;

constexpr std::size_t url = 40; // rtsp://ADDRESS/live and RTSP/1.0
constexpr std::size_t contact = 32 + 1 + 2 + address_size + 2;
constexpr std::size_t plain_answer = packet_headers + 30; // 200, CSeq

std::size_t
list (std::string_view name, std::size_t count)
{
  return count == 0 ? 0 : name.size () + 2 + count * contact;
}

// A SET_PARAMETER with its answer.
std::size_t
parameters (std::size_t body)
{
  return packet_headers + 14 + url + 87 + body + plain_answer;
}

std::size_t
openings (std::span<const Opening> openings)
{
  std::size_t size = openings.size () * (contact + 9 + 32);
  for (const Opening &opening : openings) {
    size += opening.tree_delay_ms > 0 ? 10 : 0;
    if (const auto known = opening.vicinity.known (); !known.empty ())
      size += 4 + 17 * known.size ();
  }
  return size;
}

// A simulated peer measures nothing, so tells nothing of it: the stream is
// flows here, not packets.
std::size_t
quality (const Quality &quality)
{
  if (quality.peers == 0)
    return 0;
  return 20 + (quality.lost_worst_ppm > 0 ? 20 : 0) +
         (quality.lost_mean_ppm > 0 ? 18 : 0) +
         (quality.delay_worst_ms > 0 ? 18 : 0) +
         (quality.delay_mean_ms > 0 ? 17 : 0);
}

struct Sizes {
  std::size_t operator() (const message::Subscribe &ask) const
  {
    std::size_t size = packet_headers + 9 + url + 75; // DESCRIBE
    size += 160 + address_size;                       // SpreadIt-Peer
    size += 40 + ask.avoid.size () * 33 + (ask.lost ? 38 : 0) +
            (ask.level > 0 ? 9 : 0);
    size += ask.uplink_bps > 0 ? 20 : 0;
    if (ask.path)
      size += 40 + ask.path->routers.size () * 17;
    size += 78 + url + 48 + url; // SETUP, PLAY
    return size;
  }
  std::size_t operator() (const message::Accept &accept) const
  {
    return packet_headers + 660 + // SDP and three answers
           (accept.tree_delay_ms > 0 ? 16 : 0) +
           list ("SpreadIt-Root-Path", accept.root_path.size ()) +
           list ("SpreadIt-Standby", accept.standby.size ());
  }
  std::size_t operator() (const message::Refuse &) const
  {
    return packet_headers + 3 * 50;
  }
  std::size_t operator() (const message::Redirect &redirect) const
  {
    return packet_headers +
           3 * (40 + 45 + 52 + (redirect.provisional ? 28 : 0));
  }
  std::size_t operator() (const message::Unsubscribe &) const
  {
    return packet_headers + 9 + url + 30 + plain_answer;
  }
  std::size_t operator() (const message::Alive &alive) const
  {
    return parameters (
        130 + address_size + list ("root-path", alive.root_path.size ()) +
        list ("standby", alive.standby.size ()) + openings (alive.openings) +
        quality (alive.quality) + (alive.tree_delay_ms > 0 ? 17 : 0));
  }
  std::size_t operator() (const message::Verify &) const
  {
    return parameters (75);
  }
  std::size_t operator() (const message::Located &located) const
  {
    return parameters (45 + located.path.routers.size () * 17);
  }
  template <class Other> std::size_t operator() (const Other &) const
  {
    return parameters (40);
  }
};

} // namespace

std::size_t
wire_size (const core::Message &message)
{
  return std::visit (Sizes{}, message);
}

} // namespace spreadit::sim
