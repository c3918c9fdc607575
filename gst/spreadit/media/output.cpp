// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/output.hpp"

#include <algorithm>
#include <array>
#include <cassert>

#include "media/limits.hpp"
#include "media/rtcp.hpp"

namespace spreadit::media {

namespace {

// As many as the connection takes, each on the channel that `channel_of` says.
template <class Function>
UdpSocket::Sent
send_frames (InterleavedSink &sink, std::span<const Packet *const> packets,
    Function channel_of)
{
  std::array<InterleavedSink::Frame, limits::chunk> frames;
  assert (packets.size () <= frames.size ());
  std::ranges::transform (packets, frames.begin (), [&] (const Packet *p) {
    return InterleavedSink::Frame{channel_of (*p), p->bytes};
  });
  UdpSocket::Sent sent;
  sent.done = sink.write_frames (std::span (frames).first (packets.size ()));
  for (const Packet *packet : packets.first (sent.done))
    sent.bytes += packet->bytes.size ();
  return sent;
}

class BundledOutput final : public Output {
public:
  BundledOutput (const route::Bundled &route, UdpSocket &socket)
      : socket_ (socket), address_ (route.to),
        to_ (socket.destination (route.to))
  {
  }

  bool carries (const Packet &) const override { return true; }

  UdpSocket::Sent send (std::span<const Packet *const> packets) override
  {
    std::array<Bytes, limits::chunk> datagrams;
    assert (packets.size () <= datagrams.size ());
    std::ranges::transform (packets, datagrams.begin (), &Packet::bytes);
    return socket_.send (to_, std::span (datagrams).first (packets.size ()));
  }

  Destination *bundled () override { return &to_; }
  bool wants_idle () const override { return true; }
  void send_idle (Bytes rtcp) override { socket_.send (to_, {&rtcp, 1}); }

  std::vector<Address> addresses () const override { return {address_}; }

private:
  UdpSocket &socket_;
  const Address address_;
  Destination to_;
};

class BundledTcpOutput final : public Output {
public:
  explicit BundledTcpOutput (const route::BundledTcp &route) : route_ (route) {}

  bool carries (const Packet &) const override { return true; }
  bool is_queue () const override { return true; }

  UdpSocket::Sent send (std::span<const Packet *const> packets) override
  {
    return send_frames (*route_.sink, packets,
        [this] (const Packet &) { return route_.channel; });
  }

  bool wants_idle () const override { return true; }
  void send_idle (Bytes rtcp) override
  {
    route_.sink->write_frame (route_.channel, rtcp.data (), rtcp.size ());
  }

private:
  const route::BundledTcp route_;
};

class PortPairsOutput final : public Output {
public:
  PortPairsOutput (const route::PortPairs &route, Sockets &sockets)
      : sockets_ (sockets)
  {
    for (const auto &pair : route.pairs)
      pairs_.push_back ({pair, sockets.plain_rtp.destination (pair.rtp),
          sockets.plain_rtcp.destination (pair.rtcp)});
  }

  bool carries (const Packet &packet) const override
  {
    return packet.media && std::ranges::any_of (pairs_, [&] (const Pair &pair) {
      return pair.route.media == *packet.media;
    });
  }

  // In runs that go the same way.
  UdpSocket::Sent send (std::span<const Packet *const> packets) override
  {
    UdpSocket::Sent sent;
    while (sent.done < packets.size ()) {
      const auto left = packets.subspan (sent.done);
      std::array<Bytes, limits::chunk> run;
      std::size_t length = 0;
      while (length < std::min (left.size (), run.size ()) &&
             goes_with (*left[0], *left[length])) {
        run[length] = left[length]->bytes;
        ++length;
      }
      const auto now = send_run (*left[0], std::span (run).first (length));
      sent.done += now.done;
      sent.refused += now.refused;
      sent.bytes += now.bytes;
      if (now.done < length)
        break;
    }
    return sent;
  }

  void send_goodbye (const MediaMap &media) override
  {
    for (Pair &pair : pairs_) {
      const auto ssrc = media.ssrc_of (pair.route.media);
      if (!ssrc)
        continue;
      const auto goodbye = write_goodbye (*ssrc);
      const Bytes datagram = goodbye;
      sockets_.plain_rtcp.send (pair.rtcp, {&datagram, 1});
    }
  }

  std::vector<Address> addresses () const override
  {
    std::vector<Address> addresses;
    for (const Pair &pair : pairs_) {
      addresses.push_back (pair.route.rtp);
      addresses.push_back (pair.route.rtcp);
    }
    return addresses;
  }

private:
  struct Pair {
    route::PortPairs::Pair route;
    Destination rtp, rtcp;
  };

  // Null: not asked for.
  Pair *find (std::size_t media)
  {
    for (Pair &pair : pairs_)
      if (pair.route.media == media)
        return &pair;
    return nullptr;
  }

  static bool goes_with (const Packet &a, const Packet &b)
  {
    return a.media == b.media && a.header.index () == b.header.index ();
  }

  UdpSocket::Sent send_run (const Packet &first, std::span<const Bytes> run)
  {
    Pair &pair = *find (*first.media);
    return std::holds_alternative<RtpHeader> (first.header)
               ? sockets_.plain_rtp.send (pair.rtp, run)
               : sockets_.plain_rtcp.send (pair.rtcp, run);
  }

  Sockets &sockets_;
  std::vector<Pair> pairs_;
};

class InterleavedOutput final : public Output {
public:
  explicit InterleavedOutput (const route::Interleaved &route) : route_ (route)
  {
  }

  bool carries (const Packet &packet) const override
  {
    return packet.media && find (*packet.media);
  }
  bool carries_media (std::size_t media) const override { return find (media); }
  bool is_queue () const override { return true; }

  UdpSocket::Sent send (std::span<const Packet *const> packets) override
  {
    return send_frames (*route_.sink, packets, [this] (const Packet &packet) {
      const auto &channel = *find (*packet.media);
      const bool is_rtp = std::holds_alternative<RtpHeader> (packet.header);
      return is_rtp ? channel.rtp : channel.rtcp;
    });
  }

  void send_goodbye (const MediaMap &media) override
  {
    for (const auto &channel : route_.channels) {
      const auto ssrc = media.ssrc_of (channel.media);
      if (!ssrc)
        continue;
      const auto goodbye = write_goodbye (*ssrc);
      route_.sink->write_frame (channel.rtcp, goodbye.data (), goodbye.size ());
    }
  }

private:
  const route::Interleaved::Channel *find (std::size_t media) const
  {
    for (const auto &channel : route_.channels)
      if (channel.media == media)
        return &channel;
    return nullptr;
  }

  const route::Interleaved route_;
};

template <class... F> struct Overloaded : F... {
  using F::operator()...;
};
template <class... F> Overloaded (F...) -> Overloaded<F...>;

} // namespace

std::unique_ptr<Output>
Output::make (const Route &route, Sockets &sockets)
{
  return std::visit (
      Overloaded{[&] (const route::Bundled &r) -> std::unique_ptr<Output> {
                   return std::make_unique<BundledOutput> (r, sockets.bundle);
                 },
          [&] (const route::BundledTcp &r) -> std::unique_ptr<Output> {
            return std::make_unique<BundledTcpOutput> (r);
          },
          [&] (const route::PortPairs &r) -> std::unique_ptr<Output> {
            return std::make_unique<PortPairsOutput> (r, sockets);
          },
          [&] (const route::Interleaved &r) -> std::unique_ptr<Output> {
            return std::make_unique<InterleavedOutput> (r);
          }},
      route);
}

} // namespace spreadit::media
