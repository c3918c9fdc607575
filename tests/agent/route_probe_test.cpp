// The traceroute, as far as it gets on one host without privileges; the rest is
// in tests/netlab/proximity_test.py.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <atomic>
#include <optional>

#include <gtest/gtest.h>

#include "agent/limits.hpp"
#include "agent/route_probe.hpp"
#include "node.hpp"

namespace spreadit::test {
namespace {

using agent::ControlLoop;
using agent::RouteProbe;
using media::Address;
using Routers = std::vector<std::uint64_t>;

// What one traceroute found.
struct Probing {
  explicit Probing (const char *ip)
  {
    ControlLoop::get ().call ([&] {
      probe = std::make_unique<RouteProbe> (
          Address::from_ip (ip, 8554), 1ms, [this] (core::NetworkPath path) {
            probe.reset (); // may be done from there
            found = std::move (path.routers);
            ++calls;
            ring_bell ();
          });
    });
  }
  ~Probing () { stop (); }
  void stop ()
  {
    ControlLoop::get ().call ([this] { probe.reset (); });
  }

  std::unique_ptr<RouteProbe> probe; // control thread only
  Routers found;
  std::atomic<unsigned> calls = 0;
};

TEST (RouteProbe, ThereIsNoRouterToOurselves)
{
  for (const char *ip : {"127.0.0.1", "::1"}) {
    const auto began = Clock::now ();
    Probing probing (ip);
    EXPECT_TRUE (eventually ([&] { return probing.calls > 0; })) << ip;
    EXPECT_TRUE (probing.found.empty ()) << ip;
    EXPECT_EQ (probing.calls, 1u);
    std::printf ("%s: %.1f ms\n", ip,
        std::chrono::duration<double, std::milli> (Clock::now () - began)
            .count ());
  }
}

// Reserved (RFC 1112, RFC 6666), no host is there: no way, nobody answers, or
// only our own gateway does.
TEST (RouteProbe, EndsWhereNobodyAnswers)
{
  for (const char *ip : {"240.0.0.1", "100::1"}) {
    Probing probing (ip);
    EXPECT_TRUE (eventually ([&] { return probing.calls > 0; })) << ip;
    EXPECT_LE (probing.found.size (), agent::Trace::hops_max) << ip;
  }
}

TEST (RouteProbe, StopsAtOnce)
{
  Probing probing ("240.0.0.1");
  probing.stop ();
  const unsigned calls = probing.calls; // it may have been quicker
  EXPECT_TRUE (steadily ([&] { return probing.calls == calls; }, 300ms));
}

TEST (RouteProbe, AnyNumberAtATime)
{
  std::vector<std::unique_ptr<Probing>> all;
  for (unsigned i = 0; i < 200; ++i)
    all.push_back (std::make_unique<Probing> ("127.0.0.1"));
  for (const auto &one : all)
    EXPECT_TRUE (eventually ([&] { return one->calls == 1; }));
}

TEST (Proximity, IsKnownSoonAfterTheJoinAndToldToTheParent)
{
  const auto source = Node::source ();
  ASSERT_TRUE (source->stats ().path) << "all ways lead to it";
  source->start_publishing ();
  const auto peer = Node::peer (*source);
  EXPECT_TRUE (eventually ([&] { return peer->stats ().path.has_value (); }));
  EXPECT_TRUE (peer->stats ().path->routers.empty ());
  EXPECT_GT (peer->stats ().path->rtt, core::Duration::zero ());
  EXPECT_TRUE (eventually ([&] { return peer->is_receiving (); }));
}

TEST (Proximity, ByRoundTripNeedsNoProbe)
{
  NodeOptions options;
  options.proximity = agent::Proximity::rtt;
  const auto source = Node::source ();
  source->start_publishing ();
  const auto peer = Node::peer (*source, options);
  EXPECT_TRUE (eventually ([&] { return peer->is_receiving (); }));
  ASSERT_TRUE (peer->stats ().path);
  EXPECT_GT (peer->stats ().path->rtt, core::Duration::zero ());
}

TEST (Proximity, CanBeOff)
{
  NodeOptions options;
  options.proximity = agent::Proximity::none;
  const auto source = Node::source ();
  source->start_publishing ();
  const auto peer = Node::peer (*source, options);
  EXPECT_TRUE (eventually ([&] { return peer->is_receiving (); }));
  EXPECT_FALSE (peer->stats ().path);
}

// It goes on beside the join, and nothing of it may come after us.
TEST (Proximity, WhoLeavesMeanwhileLeaves)
{
  const auto source = Node::source ();
  source->start_publishing ();
  for (unsigned i = 0; i < 20; ++i) {
    const auto peer = Node::peer (*source);
    if (i % 2) {
      EXPECT_TRUE (peer->leave_and_wait ());
    }
  }
}

} // namespace
} // namespace spreadit::test
