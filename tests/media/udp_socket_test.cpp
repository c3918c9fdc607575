// Runs to several children, and everything that may go wrong on the way.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel.hpp"

#include <random>

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "media/intake.hpp"
#include "media/runs.hpp"

namespace spreadit::media {
namespace {

using Datagrams = std::vector<Datagram>;

// Each unlike all others.
Datagrams
datagrams (const std::vector<std::size_t> &sizes)
{
  Datagrams all;
  for (std::size_t i = 0; i < sizes.size (); ++i) {
    Datagram &datagram = all.emplace_back (sizes[i]);
    for (std::size_t at = 0; at < sizes[i]; ++at)
      datagram[at] = static_cast<std::uint8_t> (at % 251 + i);
  }
  return all;
}

std::vector<Bytes>
views (const Datagrams &all)
{
  return {all.begin (), all.end ()};
}

class UdpSocketTest : public testing::Test {
protected:
  UdpSocketTest ()
  {
    EXPECT_EQ (socket_.open (Address::from_ip ("127.0.0.1", 0)), "");
    socket_.set_send_call (kernel_.send_call ());
    if (!socket_.can_segment ())
      skip_ = true;
  }
  void SetUp () override
  {
    if (skip_)
      GTEST_SKIP () << "this kernel has no UDP_SEGMENT";
  }

  Destination to (std::uint16_t port) const
  {
    return socket_.destination (Address::from_ip ("127.0.0.1", port));
  }

  Kernel kernel_;
  UdpSocket socket_;
  bool skip_ = false;
};

TEST_F (UdpSocketTest, OneCallForRunsAndChildren)
{
  const auto all = datagrams ({1200, 1200, 1200, 500, 160, 1200, 1200, 9});
  const auto bytes = views (all);
  std::vector<Destination> children = {to (1), to (2), to (3)};
  std::vector<UdpSocket::Delivery> deliveries;
  for (Destination &child : children)
    deliveries.push_back ({&child, bytes});
  socket_.send (deliveries);
  for (std::uint16_t port = 1; port <= 3; ++port)
    EXPECT_TRUE (are_same (kernel_.delivered[port], all));
  for (const auto &delivery : deliveries) {
    EXPECT_EQ (delivery.sent.done, all.size ());
    EXPECT_EQ (delivery.sent.refused, 0u);
    EXPECT_EQ (delivery.sent.bytes, 3 * 1200u + 500 + 160 + 2409);
  }
  EXPECT_EQ (kernel_.calls, 1u);
  EXPECT_EQ (kernel_.messages, 3 * 3u);
  EXPECT_EQ (socket_.messages_sent (), 9u);
}

TEST_F (UdpSocketTest, MoreThanOneCallHolds)
{
  const auto all = datagrams (std::vector<std::size_t> (64, 100));
  const auto bytes = views (all);
  std::vector<Destination> children;
  for (std::uint16_t port = 1; port <= 100; ++port)
    children.push_back (to (port));
  std::vector<UdpSocket::Delivery> deliveries;
  for (Destination &child : children)
    deliveries.push_back ({&child, bytes});
  socket_.send (deliveries);
  for (std::uint16_t port = 1; port <= 100; ++port)
    ASSERT_TRUE (are_same (kernel_.delivered[port], all)) << port;
  EXPECT_EQ (kernel_.messages, 100u);
}

TEST_F (UdpSocketTest, WithoutOffloadEachGoesAlone)
{
  UdpSocket plain;
  ASSERT_EQ (
      plain.open (Address::from_ip ("127.0.0.1", 0), {false, false}), "");
  EXPECT_FALSE (plain.can_segment ());
  plain.set_send_call (kernel_.send_call ());
  const auto all = datagrams ({1200, 1200, 1200, 500});
  Destination child = to (1);
  EXPECT_EQ (plain.send (child, views (all)).done, 4u);
  EXPECT_TRUE (are_same (kernel_.delivered[1], all));
  EXPECT_EQ (kernel_.runs, 0u);
  EXPECT_EQ (kernel_.messages, 4u);
}

class Refused : public UdpSocketTest,
                public testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P (UdpSocket, Refused,
    testing::Values (EIO, EINVAL, EMSGSIZE, ENOPROTOOPT, EOPNOTSUPP),
    [] (const auto &info) {
      return std::string (strerrorname_np (info.param));
    });

// The packets in hand are neither lost nor sent twice, those before and after
// stay in order, and no run is tried there again.
TEST_P (Refused, RunsGoOnOneByOne)
{
  kernel_.answer = [] (const Kernel::Message &message) {
    return message.port == 2 && message.segment ? GetParam () : 0;
  };
  const auto all = datagrams ({160, 1200, 1200, 1200, 500});
  const auto bytes = views (all);
  std::vector<Destination> children = {to (1), to (2), to (3)};
  std::vector<UdpSocket::Delivery> deliveries;
  for (Destination &child : children)
    deliveries.push_back ({&child, bytes});
  socket_.send (deliveries);
  for (std::uint16_t port = 1; port <= 3; ++port)
    EXPECT_TRUE (are_same (kernel_.delivered[port], all)) << port;
  for (const auto &delivery : deliveries) {
    EXPECT_EQ (delivery.sent.done, all.size ());
    EXPECT_EQ (delivery.sent.refused, 0u);
  }
  const bool is_of_socket =
      GetParam () == ENOPROTOOPT || GetParam () == EOPNOTSUPP;
  EXPECT_EQ (socket_.can_segment (), !is_of_socket);
  EXPECT_EQ (kernel_.runs, is_of_socket ? 1u : 2u) << "others keep theirs";

  kernel_.calls = 0;
  EXPECT_EQ (socket_.send (children[1], bytes).done, all.size ());
  EXPECT_EQ (kernel_.calls, 1u) << "it is known by now";
}

TEST_F (UdpSocketTest, AShortPathKeepsRunsThatFit)
{
  // A path MTU of 1280; longer datagrams are fragmented, segments are not.
  kernel_.answer = [] (const Kernel::Message &message) {
    return message.segment > 1280 - 28 ? EMSGSIZE : 0;
  };
  const auto all = datagrams ({1400, 1400, 1400, 600, 1200, 1200, 1200, 70});
  Destination child = to (1);
  EXPECT_EQ (socket_.send (child, views (all)).done, all.size ());
  EXPECT_TRUE (are_same (kernel_.delivered[1], all));
  EXPECT_EQ (kernel_.runs, 1u);
  EXPECT_EQ (kernel_.messages, 5u);
}

TEST_F (UdpSocketTest, AFullBufferSaysHowFarItCame)
{
  unsigned room = 2;
  kernel_.answer = [&] (const Kernel::Message &) {
    return room ? --room, 0 : EAGAIN;
  };
  const auto all = datagrams ({1200, 100, 1200, 100, 1200, 100});
  const auto bytes = views (all);
  std::vector<Destination> children = {to (1), to (2)};
  std::vector<UdpSocket::Delivery> deliveries = {
      {&children[0], bytes}, {&children[1], bytes}};
  socket_.send (deliveries);
  EXPECT_EQ (deliveries[0].sent.done, 4u) << "two runs";
  EXPECT_EQ (deliveries[0].sent.bytes, 2600u);
  EXPECT_EQ (deliveries[1].sent.done, 0u);
  const unsigned calls = kernel_.calls;
  EXPECT_EQ (socket_.send (children[1], bytes).done, 0u);
  EXPECT_EQ (kernel_.calls, calls) << "does not ask in vain";

  room = 100;
  socket_.assume_room ();
  EXPECT_EQ (
      socket_.send (children[0], std::span (bytes).subspan (4)).done, 2u);
  EXPECT_EQ (socket_.send (children[1], bytes).done, 6u);
  EXPECT_TRUE (are_same (kernel_.delivered[1], all));
  EXPECT_TRUE (are_same (kernel_.delivered[2], all));
}

// An ICMP error of one child is told to whoever sends next.
TEST_F (UdpSocketTest, AClosedPortCostsOthersNothing)
{
  bool is_pending = false;
  kernel_.answer = [&] (const Kernel::Message &message) {
    if (std::exchange (is_pending, false))
      return ECONNREFUSED;
    is_pending = message.port == 1;
    return 0;
  };
  const auto all = datagrams ({1200, 1200, 100, 1200, 1200, 100});
  const auto bytes = views (all);
  std::vector<Destination> children = {to (1), to (2), to (1), to (3)};
  std::vector<UdpSocket::Delivery> deliveries;
  for (Destination &child : children)
    deliveries.push_back ({&child, bytes});
  socket_.send (deliveries);
  for (const auto &delivery : deliveries) {
    EXPECT_EQ (delivery.sent.done, all.size ());
    EXPECT_EQ (delivery.sent.refused, 0u);
  }
  EXPECT_TRUE (are_same (kernel_.delivered[2], all));
  EXPECT_TRUE (are_same (kernel_.delivered[3], all));
  EXPECT_EQ (kernel_.delivered[1].size (), 2 * all.size ());
  EXPECT_EQ (children[1].segment_max, SIZE_MAX);
}

TEST_F (UdpSocketTest, ADestinationThatIsAlwaysRefusedIsPassedOver)
{
  for (const int error : {ECONNREFUSED, EPERM, ENETUNREACH, EINVAL, 0}) {
    SCOPED_TRACE (error);
    kernel_.delivered.clear ();
    kernel_.answer = [&] (const Kernel::Message &message) {
      return message.port == 2 ? error : 0;
    };
    const auto all = datagrams ({1200, 1200, 100, 50});
    const auto bytes = views (all);
    std::vector<Destination> children = {to (1), to (2), to (3)};
    std::vector<UdpSocket::Delivery> deliveries;
    for (Destination &child : children)
      deliveries.push_back ({&child, bytes});
    socket_.send (deliveries);
    EXPECT_EQ (deliveries[1].sent.done, 4u);
    EXPECT_EQ (deliveries[1].sent.refused, error ? 4u : 0u);
    EXPECT_EQ (deliveries[1].sent.bytes, error ? 0u : 2550u);
    EXPECT_TRUE (are_same (kernel_.delivered[1], all));
    EXPECT_TRUE (are_same (kernel_.delivered[3], all));
  }
}

TEST_F (UdpSocketTest, ACallThatDoesNothingEnds)
{
  socket_.set_send_call ([] (int, mmsghdr *, unsigned) { return 0; });
  const auto all = datagrams ({1200, 1200, 100});
  Destination child = to (1);
  const auto sent = socket_.send (child, views (all));
  EXPECT_EQ (sent.done, 3u);
  EXPECT_EQ (sent.refused, 3u);
}

TEST_F (UdpSocketTest, AnUnreachableFamilyIsRefused)
{
  Destination none = socket_.destination (Address::from_ip ("::1", 9));
  Destination child = to (1);
  const auto all = datagrams ({1200, 1200});
  const auto bytes = views (all);
  std::vector<UdpSocket::Delivery> deliveries = {
      {&none, bytes}, {&child, bytes}};
  socket_.send (deliveries);
  EXPECT_EQ (deliveries[0].sent.refused, 2u);
  EXPECT_TRUE (are_same (kernel_.delivered[1], all));
}

// Every child gets everything once and in order, whatever the kernel does.
TEST_F (UdpSocketTest, SurvivesAMoodyKernel)
{
  for (unsigned seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE ("seed " + std::to_string (seed));
    std::mt19937 random (seed);
    const auto one_in = [&] (unsigned n) { return random () % n == 0; };
    kernel_ = {};
    UdpSocket socket;
    ASSERT_EQ (socket.open (Address::from_ip ("127.0.0.1", 0)), "");
    socket.set_send_call (kernel_.send_call ());
    bool was_refused = false;
    kernel_.answer = [&] (const Kernel::Message &message) {
      // An ICMP error is told once, not at every try.
      const bool again = std::exchange (was_refused, false);
      if (!again && one_in (20))
        return was_refused = true, ECONNREFUSED;
      kernel_.messages_max = random () % 8 + 1;
      if (one_in (20))
        return EAGAIN;
      if (one_in (20))
        return EINTR;
      if (message.port == 1 && message.segment > 1000)
        return EINVAL;
      if (message.port == 2 && message.segment)
        return EIO;
      return message.segment && one_in (500) ? ENOPROTOOPT : 0;
    };
    std::vector<std::size_t> sizes;
    while (sizes.size () < 200)
      sizes.insert (sizes.end (), random () % 30 + 1, random () % 1500);
    const auto all = datagrams (sizes);
    const auto bytes = views (all);
    std::vector<Destination> children = {to (1), to (2), to (3), to (4)};
    std::array<std::size_t, 4> done{};
    while (std::ranges::any_of (
        done, [&] (std::size_t n) { return n < all.size (); })) {
      socket.assume_room ();
      std::vector<UdpSocket::Delivery> deliveries;
      for (std::size_t i = 0; i < children.size (); ++i) {
        const auto left = std::span (bytes).subspan (done[i]);
        deliveries.push_back ({&children[i],
            left.first (std::min<std::size_t> (left.size (), 64))});
      }
      socket.send (deliveries);
      for (std::size_t i = 0; i < children.size (); ++i) {
        ASSERT_EQ (deliveries[i].sent.refused, 0u);
        done[i] += deliveries[i].sent.done;
      }
    }
    for (std::uint16_t port = 1; port <= 4; ++port)
      ASSERT_TRUE (are_same (kernel_.delivered[port], all)) << port;
  }
}

// -- With the kernel that is here

// What `sizes` are received as, through real sockets of `ip`.
void
expect_round_trip (const char *ip, const std::vector<std::size_t> &sizes,
    bool coalesce, std::uint64_t *messages = nullptr)
{
  UdpSocket sender, receiver;
  if (!sender.open (Address::from_ip (ip, 0)).empty ())
    GTEST_SKIP () << ip << " is not to be had here";
  ASSERT_EQ (receiver.open (Address::from_ip (ip, 0), {true, coalesce}), "");
  Destination to = sender.destination (Address::from_ip (ip, receiver.port ()));
  const auto all = datagrams (sizes);
  const auto sent = sender.send (to, views (all));
  ASSERT_EQ (sent.done, all.size ());
  ASSERT_EQ (sent.refused, 0u);
  Intake intake;
  Datagrams got;
  while (got.size () < all.size ()) {
    const std::size_t count = intake.receive (receiver.fd ());
    ASSERT_GT (count, 0u) << "loopback does not wait; got " << got.size ();
    for (std::size_t i = 0; i < count; ++i) {
      const auto [from, bytes, segment] = intake.at (i);
      EXPECT_EQ (from, Address::from_ip (ip, sender.port ()));
      for_each_segment (bytes, segment, [&] (Bytes datagram) {
        got.emplace_back (datagram.begin (), datagram.end ());
      });
    }
  }
  EXPECT_TRUE (are_same (got, all));
  EXPECT_EQ (intake.dropped (), 0u);
  if (messages)
    *messages = sender.messages_sent ();
}

std::vector<std::size_t>
mixed_sizes ()
{
  std::vector<std::size_t> sizes (70, 1200);
  sizes.insert (sizes.end (), {333, 160, 160, 160, 1400, 1400, 28, 0, 9000,
                                  9000, 9000, 512, 1, 1, 1, 60'000});
  return sizes;
}

class Loopback : public testing::TestWithParam<std::tuple<const char *, bool>> {
};
INSTANTIATE_TEST_SUITE_P (UdpSocket, Loopback,
    testing::Combine (testing::Values ("127.0.0.1", "::1"), testing::Bool ()));

TEST_P (Loopback, CarriesAllSizes)
{
  const auto [ip, coalesce] = GetParam ();
  expect_round_trip (ip, mixed_sizes (), coalesce);
}

// In a network of its own whose loopback has this MTU; without the right to
// make one, nothing is done.
void
in_network_with_mtu (int mtu, const std::function<void ()> &test)
{
  bool is_made = false;
  std::thread thread ([&] {
    if (unshare (CLONE_NEWNET) < 0)
      return;
    const int fd = socket (AF_INET, SOCK_DGRAM, 0);
    ifreq request{};
    std::strcpy (request.ifr_name, "lo");
    request.ifr_mtu = mtu;
    is_made = ioctl (fd, SIOCSIFMTU, &request) == 0;
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    is_made = is_made && ioctl (fd, SIOCSIFFLAGS, &request) == 0;
    close (fd);
    if (is_made)
      test ();
  });
  thread.join ();
  if (!is_made)
    GTEST_SKIP () << "may not make a network namespace";
}

TEST (UdpSocket, FitsTheMtu)
{
  for (const int mtu : {1280, 1500, 9000})
    in_network_with_mtu (mtu, [=] {
      SCOPED_TRACE (mtu);
      for (const bool coalesce : {false, true}) {
        expect_round_trip ("127.0.0.1", mixed_sizes (), coalesce);
        // So short a run would fit; only its segments do not.
        std::uint64_t messages = 0;
        const auto size = static_cast<std::size_t> (mtu);
        expect_round_trip (
            "127.0.0.1", {size, size, size, 50}, coalesce, &messages);
        EXPECT_EQ (messages, 4u) << "found out that runs do not fit";
      }
    });
}

TEST (UdpSocket, BuffersGrowButDoNotShrink)
{
  UdpSocket socket;
  ASSERT_EQ (socket.open (Address::from_ip ("127.0.0.1", 0)), "");
  const std::size_t before = socket.receive_buffer ();
  EXPECT_GT (before, 0u);
  socket.enlarge_buffers (1000, 1000);
  EXPECT_EQ (socket.receive_buffer (), before);
  socket.enlarge_buffers (32 << 20, 32 << 20);
  EXPECT_GE (socket.receive_buffer (), before);
}

} // namespace
} // namespace spreadit::media
