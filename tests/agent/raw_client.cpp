// SPDX-License-Identifier: LGPL-2.1-or-later
#include "raw_client.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "media/address.hpp"
#include "rtsp/writer.hpp"

namespace spreadit::test {

namespace {

bool
wait_for (int fd, short events, Clock::time_point deadline)
{
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds> (deadline - Clock::now ());
    pollfd one{fd, events, 0};
    const int n = poll (&one, 1, static_cast<int> (std::max (left, 0ms) / 1ms));
    if (n > 0)
      return true;
    if (n == 0 || errno != EINTR)
      return false;
  }
}

} // namespace

RawClient::RawClient (std::uint16_t port, const std::string &host)
{
  const auto address = media::Address::from_ip (host, port);
  sockaddr_storage storage;
  const auto length = address.to_sockaddr (address.family (), &storage);
  fd_ = socket (address.family (), SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0 ||
      connect (fd_, reinterpret_cast<sockaddr *> (&storage), length) < 0) {
    close ();
    return;
  }
  fcntl (fd_, F_SETFL, O_NONBLOCK);
}

RawClient::RawClient (RawClient &&other) noexcept
    : fd_ (std::exchange (other.fd_, -1)), tls_ (std::move (other.tls_))
{
}

RawClient &
RawClient::operator= (RawClient &&other) noexcept
{
  std::swap (fd_, other.fd_);
  std::swap (tls_, other.tls_);
  return *this;
}

RawClient::~RawClient ()
{
  close ();
}

void
RawClient::close ()
{
  if (fd_ >= 0)
    ::close (std::exchange (fd_, -1));
}

bool
RawClient::secure (
    std::shared_ptr<const agent::Identity> own, Clock::duration limit)
{
  tls_ = agent::TlsSession::connect (fd_, std::move (own), std::nullopt);
  return shake_hands (limit);
}

bool
RawClient::secure_as_server (
    std::shared_ptr<const agent::Identity> own, Clock::duration limit)
{
  tls_ = agent::TlsSession::accept (fd_, std::move (own));
  return shake_hands (limit);
}

bool
RawClient::shake_hands (Clock::duration limit)
{
  using Handshake = agent::TlsSession::Handshake;
  const auto deadline = Clock::now () + limit;
  for (;;) {
    const auto state = tls_->handshake ();
    if (state == Handshake::done)
      return true;
    if (state != Handshake::wants_input && state != Handshake::wants_output)
      return false;
    if (!wait_for (
            fd_, state == Handshake::wants_input ? POLLIN : POLLOUT, deadline))
      return false;
  }
}

void
RawClient::half_close ()
{
  shutdown (fd_, SHUT_WR);
}

void
RawClient::reset ()
{
  const linger now{1, 0};
  setsockopt (fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close ();
}

bool
RawClient::send (std::string_view bytes, Clock::duration limit)
{
  const auto deadline = Clock::now () + limit;
  while (!bytes.empty ()) {
    const auto n =
        tls_ ? tls_->write (bytes.data (), bytes.size ())
             : ::send (fd_, bytes.data (), bytes.size (), MSG_NOSIGNAL);
    const bool must_wait = tls_ ? n == 0 : n < 0 && errno == EAGAIN;
    if (n > 0)
      bytes.remove_prefix (static_cast<std::size_t> (n));
    else if (!must_wait || !wait_for (fd_, POLLOUT, deadline))
      return false;
  }
  return true;
}

bool
RawClient::send (rtsp::Request request)
{
  if (!rtsp::cseq (request.headers))
    rtsp::set_cseq (request.headers, next_cseq_++);
  const auto text = rtsp::write (request);
  return text && send (*text);
}

bool
RawClient::send (rtsp::Response response, const rtsp::Request &to)
{
  if (const auto cseq = rtsp::cseq (to.headers))
    rtsp::set_cseq (response.headers, *cseq);
  const auto text = rtsp::write (response);
  return text && send (*text);
}

bool
RawClient::fill (Clock::time_point deadline)
{
  char buffer[16 * 1024];
  while (tls_ && end_ == End::none) {
    const auto n = tls_->read (buffer, sizeof buffer);
    if (!n && wait_for (fd_, POLLIN, deadline))
      continue;
    if (!n)
      return false;
    if (*n > 0) {
      parser_.push (std::string_view (buffer, static_cast<std::size_t> (*n)));
      return true;
    }
    end_ = *n == 0 ? End::fin : End::reset;
  }
  if (fd_ < 0 || end_ != End::none || !wait_for (fd_, POLLIN, deadline))
    return false;
  const auto n = recv (fd_, buffer, sizeof buffer, 0);
  if (n > 0) {
    parser_.push (std::string_view (buffer, static_cast<std::size_t> (n)));
    return true;
  }
  end_ = n == 0 ? End::fin : End::reset;
  return false;
}

std::optional<rtsp::Unit>
RawClient::receive (Clock::duration limit)
{
  const auto deadline = Clock::now () + limit;
  for (;;) {
    auto next = parser_.next ();
    if (auto *unit = std::get_if<rtsp::Unit> (&next)) {
      auto *frame = std::get_if<rtsp::Interleaved> (unit);
      if (!frame)
        return std::move (*unit);
      frames.push_back (std::move (*frame));
    } else if (std::holds_alternative<rtsp::Parser::Error> (next)) {
      return std::nullopt;
    } else if (!fill (deadline)) {
      return std::nullopt;
    }
  }
}

rtsp::Response
RawClient::receive_response (Clock::duration limit)
{
  while (auto unit = receive (limit)) {
    if (auto *response = std::get_if<rtsp::Response> (&*unit))
      return std::move (*response);
    passed_over.push_back (std::move (std::get<rtsp::Request> (*unit)));
  }
  return rtsp::make_response (0);
}

rtsp::Request
RawClient::receive_request (Clock::duration limit)
{
  while (auto unit = receive (limit))
    if (auto *request = std::get_if<rtsp::Request> (&*unit))
      return std::move (*request);
  return {};
}

rtsp::Response
RawClient::ask (const std::string &method, const std::string &url,
    rtsp::Headers headers, std::string body)
{
  if (!send (rtsp::Request{method, url, std::move (headers), std::move (body)}))
    return rtsp::make_response (0);
  return receive_response ();
}

std::optional<rtsp::Interleaved>
RawClient::receive_frame (std::uint8_t channel, Clock::duration limit)
{
  const auto deadline = Clock::now () + limit;
  for (;;) {
    while (!frames.empty ()) {
      auto frame = std::move (frames.front ());
      frames.pop_front ();
      if (frame.channel == channel)
        return frame;
    }
    auto next = parser_.next ();
    if (auto *unit = std::get_if<rtsp::Unit> (&next)) {
      if (auto *frame = std::get_if<rtsp::Interleaved> (unit))
        frames.push_back (std::move (*frame));
      else if (auto *request = std::get_if<rtsp::Request> (unit))
        passed_over.push_back (std::move (*request));
    } else if (std::holds_alternative<rtsp::Parser::Error> (next) ||
               !fill (deadline)) {
      return std::nullopt;
    }
  }
}

RawClient::End
RawClient::wait_closed (Clock::duration limit)
{
  const auto deadline = Clock::now () + limit;
  while (fill (deadline)) {
  }
  return end_;
}

std::vector<rtsp::Request>
flight (const std::string &url, const core::message::Subscribe &ask,
    std::uint16_t udp_port)
{
  auto uri = std::get<rtsp::Uri> (rtsp::parse_uri (url));
  const rtsp::Transport transport[] = {rtsp::peer_transport_udp (udp_port)};
  std::vector<rtsp::Request> requests = {rtsp::encode_describe (ask, uri),
      rtsp::encode_setup (uri, transport), rtsp::encode_play (uri)};
  for (std::size_t i = 0; i < requests.size (); ++i)
    rtsp::set_cseq (requests[i].headers, static_cast<std::uint32_t> (i + 1));
  return requests;
}

std::string
to_text (const std::vector<rtsp::Request> &requests)
{
  std::string text;
  for (const auto &request : requests)
    text += rtsp::write (request).value_or ("");
  return text;
}

core::message::Subscribe
subscribe_of (std::uint64_t low_id)
{
  core::message::Subscribe ask;
  ask.self = {{0xf00d, low_id}, "127.0.0.1:9"};
  return ask;
}

RawUdp::RawUdp (std::uint16_t port)
{
  fd_ = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons (port);
  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  auto *sa = reinterpret_cast<sockaddr *> (&address);
  socklen_t length = sizeof address;
  if (bind (fd_, sa, length) < 0 || getsockname (fd_, sa, &length) < 0) {
    ::close (std::exchange (fd_, -1));
    return;
  }
  port_ = ntohs (address.sin_port);
}

RawUdp::RawUdp (RawUdp &&other) noexcept
    : fd_ (std::exchange (other.fd_, -1)), port_ (other.port_)
{
}

RawUdp::~RawUdp ()
{
  if (fd_ >= 0)
    ::close (fd_);
}

std::vector<std::uint8_t>
RawUdp::receive (Clock::duration limit)
{
  if (!wait_for (fd_, POLLIN, Clock::now () + limit))
    return {};
  std::vector<std::uint8_t> packet (64 * 1024);
  const auto n = recv (fd_, packet.data (), packet.size (), 0);
  packet.resize (n > 0 ? static_cast<std::size_t> (n) : 0);
  return packet;
}

void
RawUdp::send (const std::vector<std::uint8_t> &bytes, std::uint16_t to) const
{
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons (to);
  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  sendto (fd_, bytes.data (), bytes.size (), 0,
      reinterpret_cast<sockaddr *> (&address), sizeof address);
}

UdpPair
UdpPair::open ()
{
  for (;;) {
    RawUdp rtp;
    if (rtp.port () % 2)
      continue;
    RawUdp rtcp (static_cast<std::uint16_t> (rtp.port () + 1));
    if (rtcp.is_open ())
      return {std::move (rtp), std::move (rtcp)};
  }
}

std::string
UdpPair::client_port () const
{
  return "client_port=" + std::to_string (rtp.port ()) + "-" +
         std::to_string (rtcp.port ());
}

} // namespace spreadit::test
