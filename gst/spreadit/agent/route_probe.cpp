// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/route_probe.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/limits.hpp"
#include "agent/log.hpp"

namespace spreadit::agent {

namespace {

// Each hop has a port of its own, since the port is all that a router has to
// send back (RFC 792: the header and 64 bits). traceroute's own ports: those
// who filter know what it is, and nobody listens there.
constexpr std::uint16_t first_port = 33434;

// For whoever looks at packets.
constexpr char payload[] = "SpreadIt traceroute";

bool
set (int fd, int level, int option, int value)
{
  return setsockopt (fd, level, option, &value, sizeof value) == 0;
}

media::Address
address_of (const sockaddr *sa)
{
  switch (sa->sa_family) {
  case AF_INET:
    return media::Address::from_sockaddr (sa, sizeof (sockaddr_in));
  case AF_INET6:
    return media::Address::from_sockaddr (sa, sizeof (sockaddr_in6));
  default:
    return {};
  }
}

const sock_extended_err *
find_error (msghdr *message)
{
  for (cmsghdr *part = CMSG_FIRSTHDR (message); part;
       part = CMSG_NXTHDR (message, part))
    if ((part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_RECVERR) ||
        (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_RECVERR))
      return reinterpret_cast<const sock_extended_err *> (CMSG_DATA (part));
  return nullptr;
}

bool
is_expiry (const sock_extended_err &error)
{
  return error.ee_origin == SO_EE_ORIGIN_ICMP
             ? error.ee_type == ICMP_TIME_EXCEEDED
             : error.ee_type == ICMP6_TIME_EXCEEDED;
}

bool
is_end (const sock_extended_err &error)
{
  return error.ee_origin == SO_EE_ORIGIN_ICMP
             ? error.ee_type == ICMP_DEST_UNREACH
             : error.ee_type == ICMP6_DST_UNREACH;
}

} // namespace

RouteProbe::RouteProbe (
    const media::Address &destination, core::Duration round_trip, Done done)
    : destination_ (destination), round_trip_ (round_trip),
      round_ (std::clamp<core::Duration> (
          2 * round_trip, limits::route_round_min, limits::route_round_max)),
      done_ (std::move (done)), trace_ (destination),
      until_ (ControlLoop::now () + limits::route_probe_max),
      timer_ (ControlLoop::get ().add_timer ([this] { go_on (); }))
{
  if (open ()) {
    send_window ();
  } else {
    until_ = ControlLoop::now ();
    ControlLoop::arm (timer_.get (), until_);
  }
}

RouteProbe::~RouteProbe ()
{
  watch_.stop ();
  if (fd_ >= 0)
    ::close (fd_);
}

bool
RouteProbe::open ()
{
  const bool is_v4 = destination_.is_ipv4 ();
  fd_ = socket (destination_.family (),
      SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
  if (fd_ < 0 || !(is_v4 ? set (fd_, IPPROTO_IP, IP_RECVERR, 1)
                         : set (fd_, IPPROTO_IPV6, IPV6_RECVERR, 1))) {
    GST_INFO ("no traceroute: %s", g_strerror (errno));
    return false;
  }
  // An error counts as input.
  return watch_.start (fd_, [this] (Watch::Ready) { on_readable (); });
}

void
RouteProbe::send_window ()
{
  first_ = sent_;
  sent_ = std::min (first_ + limits::route_window, Trace::hops_max + 1);
  bool any = false;
  for (unsigned hop = first_; hop < sent_; ++hop)
    any = send (hop) || any;
  const auto now = ControlLoop::now ();
  if (!any) // no way, or not allowed
    until_ = now;
  ControlLoop::arm (timer_.get (), std::min (now + round_, until_));
}

bool
RouteProbe::send (unsigned hop)
{
  const bool is_v4 = destination_.is_ipv4 ();
  const auto hops = static_cast<int> (hop);
  if (!(is_v4 ? set (fd_, IPPROTO_IP, IP_TTL, hops)
              : set (fd_, IPPROTO_IPV6, IPV6_UNICAST_HOPS, hops)))
    return false;
  sockaddr_storage to{};
  const socklen_t length =
      destination_.with_port (static_cast<std::uint16_t> (first_port + hop))
          .to_sockaddr (destination_.family (), &to);
  sent_at_[hop] = ControlLoop::now ();
  // What earlier ones met is reported by the next one, which is then not sent.
  for (unsigned attempt = 0; attempt < 3; ++attempt)
    if (sendto (fd_, payload, sizeof payload - 1, 0,
            reinterpret_cast<const sockaddr *> (&to), length) >= 0)
      return true;
  return false;
}

void
RouteProbe::on_readable ()
{
  // A stranger who floods us gets this much of the loop's time and no more.
  for (unsigned i = 0; i < limits::route_window; ++i)
    if (!read_error ())
      break;
  // Or the loop would come back for an error that has been read.
  int pending = 0;
  socklen_t length = sizeof pending;
  getsockopt (fd_, SOL_SOCKET, SO_ERROR, &pending, &length);
  char text[sizeof payload]; // nobody has a reason to write to us
  while (recv (fd_, text, sizeof text, MSG_DONTWAIT) >= 0)
    if (++errors_ > limits::route_errors_max)
      break;
  if (errors_ > limits::route_errors_max)
    return finish ();
  if (trace_.are_answered (first_, is_second_try_ ? trace_.reach () : sent_))
    go_on ();
}

// Whether there was one.
bool
RouteProbe::read_error ()
{
  sockaddr_storage to{};
  char text[sizeof payload];
  iovec data{text, sizeof text};
  alignas (cmsghdr) char control[512];
  msghdr message{};
  message.msg_name = &to;
  message.msg_namelen = sizeof to;
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (recvmsg (fd_, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
    return false;
  ++errors_;
  const auto *error = find_error (&message);
  if (!error || (error->ee_origin != SO_EE_ORIGIN_ICMP &&
                    error->ee_origin != SO_EE_ORIGIN_ICMP6))
    return true;
  const auto asked = address_of (reinterpret_cast<const sockaddr *> (&to));
  const unsigned hop = static_cast<unsigned> (asked.port ()) - first_port;
  // Only for what we have sent.
  if (asked.with_port (0) != destination_.with_port (0) || hop >= sent_)
    return true;
  const auto router = address_of (SO_EE_OFFENDER (error));
  if (router.with_port (0) == destination_.with_port (0))
    measure (hop);
  if (is_expiry (*error))
    trace_.expired (hop, router);
  else if (is_end (*error))
    trace_.ended (hop, router);
  return true;
}

void
RouteProbe::measure (unsigned hop)
{
  const auto took = ControlLoop::now () - sent_at_[hop];
  round_trip_ = round_trip_ == core::Duration::zero ()
                    ? took
                    : std::min (round_trip_, took);
}

// All of the window have been answered, or it has had its time.
void
RouteProbe::go_on ()
{
  const auto now = ControlLoop::now ();
  if (now >= until_)
    return finish ();
  // A whole window of silence: nothing comes from beyond.
  const bool is_far_enough = trace_.reach () <= first_ ||
                             trace_.reach () < sent_ ||
                             sent_ > Trace::hops_max || is_second_try_;
  if (!is_far_enough)
    return send_window ();
  if (std::exchange (is_second_try_, true) ||
      trace_.are_answered (1, trace_.reach ()))
    return finish ();
  // Some may only have been lost.
  first_ = 1;
  for (unsigned hop = 1; hop < trace_.reach (); ++hop)
    if (!trace_.is_answered (hop))
      send (hop);
  ControlLoop::arm (timer_.get (), std::min (now + round_, until_));
}

void
RouteProbe::finish ()
{
  watch_.stop ();
  ControlLoop::arm (timer_.get (), core::Instant::max ());
  if (const Done done = std::exchange (done_, nullptr))
    done ({trace_.routers (), round_trip_});
}

} // namespace spreadit::agent
