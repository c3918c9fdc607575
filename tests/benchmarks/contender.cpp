// SPDX-License-Identifier: LGPL-2.1-or-later
#include "contender.hpp"

#include <optional>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "links.hpp"
#include "managed.hpp"
#include "player.hpp"
#include "process.hpp"

namespace spreadit::benchmark {

namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::Managed;

constexpr const char *host = "127.0.0.1";

// Free a moment ago.
std::uint16_t
free_port (int type)
{
  const int fd = socket (AF_INET, type, 0);
  sockaddr_storage storage;
  socklen_t length =
      media::Address::from_ip (host, 0).to_sockaddr (AF_INET, &storage);
  auto *sa = reinterpret_cast<sockaddr *> (&storage);
  bind (fd, sa, length);
  getsockname (fd, sa, &length);
  close (fd);
  return media::Address::from_sockaddr (sa, length).port ();
}

// Connects as soon as somebody listens.
test::RawClient
connect_to (std::uint16_t port)
{
  std::optional<test::RawClient> client;
  eventually ([&] {
    client.emplace (port, host);
    return client->is_open ();
  });
  return std::move (*client);
}

class Separate : public Contender {
public:
  [[nodiscard]] double cpu_seconds () const override
  {
    return process_->cpu_seconds ();
  }
  [[nodiscard]] bool is_running () const override
  {
    return process_->is_running ();
  }

protected:
  Separate (Receivers &receivers, bool coalesce)
      : Contender (receivers), coalesce_ (coalesce)
  {
  }
  const bool coalesce_;
  std::unique_ptr<Process> process_;
};

// Whoever has the stream sent to a UDP port, as a parent of ours would send.
class FedByUdp : public Separate {
public:
  void send (const std::vector<Datagram> &packets) override
  {
    const std::vector<media::Bytes> views (packets.begin (), packets.end ());
    socket_.assume_room ();
    socket_.send (to_, views);
  }

protected:
  FedByUdp (Receivers &receivers, bool coalesce)
      : Separate (receivers, coalesce), port_ (free_port (SOCK_DGRAM))
  {
    socket_.open (media::Address::from_ip (host, 0));
    to_ = socket_.destination (media::Address::from_ip (host, port_));
  }
  const std::uint16_t port_;

private:
  media::UdpSocket socket_;
  media::Destination to_;
};

class MultiUdpSink final : public FedByUdp {
public:
  MultiUdpSink (Receivers &receivers, bool coalesce)
      : FedByUdp (receivers, coalesce)
  {
  }
  std::string start (const Programs &, Transport, unsigned children) override
  {
    std::string clients;
    for (unsigned i = 0; i < children; ++i)
      clients += (i ? ",127.0.0.1:" : "127.0.0.1:") +
                 std::to_string (receivers_.add_udp (coalesce_));
    process_ = std::make_unique<Process> (std::vector<std::string>{
        "gst-launch-1.0", "-q", "udpsrc", "address=127.0.0.1",
        "port=" + std::to_string (port_), "buffer-size=8388608", "!",
        "multiudpsink", "sync=false", "async=false", "clients=" + clients});
    return {};
  }
};

class Bare final : public FedByUdp {
public:
  Bare (Receivers &receivers, bool coalesce, const char *mode)
      : FedByUdp (receivers, coalesce), mode_ (mode)
  {
  }
  std::string start (
      const Programs &programs, Transport transport, unsigned children) override
  {
    std::vector<std::string> arguments = {
        programs.bare, mode_, std::to_string (port_)};
    if (transport == Transport::tcp) {
      const std::uint16_t port = free_port (SOCK_STREAM);
      arguments[1] = "tcp";
      arguments.push_back (std::to_string (port));
      arguments.push_back (std::to_string (children));
      process_ = std::make_unique<Process> (arguments);
      for (unsigned i = 0; i < children; ++i) {
        connections_.push_back (connect_to (port));
        receivers_.add_tcp (connections_.back ().fd ());
      }
      return {};
    }
    for (unsigned i = 0; i < children; ++i)
      arguments.push_back (std::to_string (receivers_.add_udp (coalesce_)));
    process_ = std::make_unique<Process> (arguments);
    return {};
  }

private:
  const char *const mode_;
  std::vector<test::RawClient> connections_;
};

// Plain players: of the server of GStreamer by either way, of ours by TCP.
class Players {
public:
  std::string add (std::uint16_t port, Transport transport,
      Receivers &receivers, bool coalesce)
  {
    test::RawClient &rtsp = connections_.emplace_back (connect_to (port));
    const std::string url =
        "rtsp://127.0.0.1:" + std::to_string (port) + "/live";
    // 503: it is about to get the stream itself.
    unsigned described = 503;
    eventually ([&] {
      described =
          rtsp.ask ("DESCRIBE", url, {{"Accept", "application/sdp"}}).status;
      return described != 503;
    });
    std::string value = "RTP/AVP/TCP;unicast;interleaved=0-1";
    if (transport == Transport::udp)
      value = "RTP/AVP;unicast;client_port=" +
              std::to_string (receivers.add_udp (coalesce)) + "-" +
              std::to_string (rtcp_.emplace_back ().port ());
    const auto set_up =
        rtsp.ask ("SETUP", url + "/stream=0", {{"Transport", value}});
    const auto *session = rtsp::find (set_up.headers, "Session");
    if (described != 200 || set_up.status != 200 || !session)
      return "refused: " + std::to_string (described) + ", " +
             std::to_string (set_up.status);
    rtsp::Request play;
    play.method = "PLAY";
    play.uri = url + "/";
    play.headers = {{"Session", session->substr (0, session->find (';'))},
        {"Range", "npt=0.000-"}};
    if (!rtsp.send (play))
      return "gone";
    if (transport == Transport::tcp)
      receivers.add_tcp (rtsp.fd ());
    return {};
  }

private:
  std::deque<test::RawClient> connections_;
  std::deque<test::RawUdp> rtcp_; // nobody reads it
};

class RtspServer final : public FedByUdp {
public:
  RtspServer (Receivers &receivers, bool coalesce)
      : FedByUdp (receivers, coalesce)
  {
  }
  std::string start (
      const Programs &programs, Transport transport, unsigned children) override
  {
    transport_ = transport;
    children_ = children;
    process_ = std::make_unique<Process> (std::vector<std::string>{
        programs.rtsp_server, std::to_string (port_), std::to_string (rtsp_)});
    return {};
  }
  std::string join (Receivers &receivers) override
  {
    for (unsigned i = 0; i < children_; ++i)
      if (auto why_not = players_.add (rtsp_, transport_, receivers, coalesce_);
          !why_not.empty ())
        return why_not;
    return {};
  }

private:
  const std::uint16_t rtsp_ = free_port (SOCK_STREAM);
  Transport transport_{};
  unsigned children_ = 0;
  Players players_;
};

// gst-spreadit-relay as it ships, the child of a source in this process. Its
// UDP children are peers, who are served on one port and send heart-beats; its
// TCP children are plain players.
class Spreadit final : public Separate {
public:
  Spreadit (Receivers &receivers, bool coalesce)
      : Separate (receivers, coalesce)
  {
  }
  std::string start (
      const Programs &programs, Transport transport, unsigned children) override
  {
    transport_ = transport;
    children_ = children;
    const std::string uri =
        "spreadit://127.0.0.1:" + std::to_string (free_port (SOCK_STREAM)) +
        "/live";
    source_.emplace (uri);
    g_object_set (source_->manager, "max-children", 1, nullptr);
    if (auto why_not = source_->publish (); !why_not.empty ())
      return why_not;
    process_ =
        std::make_unique<Process> (std::vector<std::string>{programs.relay,
            "--quiet", "--listen=127.0.0.1:" + std::to_string (port_),
            "--max-children=" + std::to_string (children), uri});
    return eventually ([&] { return source_->told ("child-added") > 0; })
               ? ""
               : "the relay does not join";
  }
  void send (const std::vector<Datagram> &packets) override
  {
    const auto list = test::to_list (packets);
    gst_spreadit_peering_manager_fan_out (source_->manager, list.get ());
  }
  // The other threads hold the links: heart-beats, a second apart each.
  [[nodiscard]] double data_cpu_seconds () const override
  {
    return process_->cpu_seconds ("intake");
  }
  std::string join (Receivers &receivers) override
  {
    for (unsigned i = 0; i < children_; ++i) {
      const std::string why_not =
          transport_ == Transport::tcp
              ? players_.add (port_, transport_, receivers, coalesce_)
              : links_.add (port_, receivers.add_udp (coalesce_));
      if (!why_not.empty ())
        return why_not;
    }
    return {};
  }

private:
  const std::uint16_t port_ = free_port (SOCK_STREAM);
  Transport transport_{};
  unsigned children_ = 0;
  std::optional<Managed> source_;
  Players players_;
  Links links_;
};

} // namespace

std::unique_ptr<Contender>
make_contender (const std::string &name, const Programs &programs,
    Transport transport, Receivers &receivers, bool coalesce)
{
  if (name == "spreadit")
    return std::make_unique<Spreadit> (receivers, coalesce);
  if (name == "rtsp-server" && !programs.rtsp_server.empty ())
    return std::make_unique<RtspServer> (receivers, coalesce);
  if (name == "bare-gso")
    return std::make_unique<Bare> (receivers, coalesce, "gso");
  if (transport == Transport::tcp)
    return nullptr;
  if (name == "bare-keep")
    return std::make_unique<Bare> (receivers, coalesce, "keep");
  if (name == "bare-mmsg")
    return std::make_unique<Bare> (receivers, coalesce, "mmsg");
  if (name == "multiudpsink")
    return std::make_unique<MultiUdpSink> (receivers, coalesce);
  return nullptr;
}

} // namespace spreadit::benchmark
