// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/connection.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "agent/control_loop.hpp"
#include "agent/limits.hpp"
#include "media/limits.hpp"
#include "rtsp/writer.hpp"

namespace spreadit::agent {

namespace {

media::Address
to_address (GSocketAddress *address)
{
  sockaddr_storage storage{};
  const auto size = g_socket_address_get_native_size (address);
  if (size <= 0 ||
      !g_socket_address_to_native (address, &storage, sizeof storage, nullptr))
    return {};
  return media::Address::from_sockaddr (
      reinterpret_cast<const sockaddr *> (&storage),
      static_cast<socklen_t> (size));
}

void
set_option (GSocket *socket, int level, int option, int value)
{
  // Best effort: a system without one of these is slower to find a dead host,
  // the heart-beats still do.
  g_socket_set_option (socket, level, option, value, nullptr);
}

void
set_tcp_options (GSocket *socket)
{
  set_option (socket, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option (socket, IPPROTO_TCP, TCP_USER_TIMEOUT,
      static_cast<int> (limits::tcp_user_timeout_ms));
  set_option (socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT,
      static_cast<int> (limits::tcp_unsent_max));
  g_socket_set_keepalive (socket, TRUE);
  set_option (socket, IPPROTO_TCP, TCP_KEEPIDLE, limits::tcp_keepalive_idle_s);
  set_option (
      socket, IPPROTO_TCP, TCP_KEEPINTVL, limits::tcp_keepalive_interval_s);
  set_option (socket, IPPROTO_TCP, TCP_KEEPCNT, limits::tcp_keepalive_probes);
}

} // namespace

std::shared_ptr<Connection>
Connection::adopt (GSocketConnection *socket_connection)
{
  std::shared_ptr<Connection> self (new Connection);
  GSocket *socket = g_socket_connection_get_socket (socket_connection);
  g_socket_set_blocking (socket, FALSE);
  set_tcp_options (socket);
  if (const Owned<GSocketAddress> address{
          g_socket_connection_get_local_address (socket_connection, nullptr)})
    self->local_ = to_address (address.get ());
  if (const Owned<GSocketAddress> address{
          g_socket_connection_get_remote_address (socket_connection, nullptr)})
    self->remote_ = to_address (address.get ());
  self->stream_.reset (
      G_SOCKET_CONNECTION (g_object_ref (G_OBJECT (socket_connection))));
  self->fd_ = g_socket_get_fd (socket);
  return self;
}

std::shared_ptr<Connection>
Connection::adopt_secure (GSocketConnection *socket_connection,
    std::shared_ptr<const Identity> own, Expected expected)
{
  auto self = adopt (socket_connection);
  self->tls_ =
      TlsSession::connect (self->fd_, std::move (own), std::move (expected));
  return self;
}

std::shared_ptr<Connection>
Connection::adopt_secure (
    GSocketConnection *socket_connection, std::shared_ptr<const Identity> own)
{
  auto self = adopt (socket_connection);
  self->tls_ = TlsSession::accept (self->fd_, std::move (own));
  return self;
}

Connection::~Connection () = default;

void
Connection::start (Handler *handler)
{
  handler_ = handler;
  watch_input ();
  // Ours to begin. Not from here: it may fail, and who starts us may not be
  // ready for that.
  if (tls_)
    ControlLoop::get ().post ([weak = weak_from_this ()] {
      if (const auto self = weak.lock ())
        self->on_writable ();
    });
}

bool
Connection::has_input () const
{
  char byte;
  return recv (fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

std::optional<core::PeerId>
Connection::proved_id () const
{
  return tls_ ? tls_->peer () : std::nullopt;
}

void
Connection::watch_input ()
{
  const bool is_on =
      watch_.start (fd_, [weak = weak_from_this ()] (Watch::Ready ready) {
        const auto self = weak.lock ();
        if (self && ready.input)
          self->on_readable ();
        if (self && ready.output && self->watch_.is_on ())
          self->on_writable ();
      });
  if (is_on)
    return;
  // Not from here: who starts us may not be ready for that.
  ControlLoop::get ().post (
      [weak = weak_from_this (), why = std::string (std::strerror (errno))] {
        if (const auto self = weak.lock ())
          self->fail ("cannot be listened to: " + why);
      });
}

void
Connection::watch_output ()
{
  {
    const std::lock_guard lock (out_lock_);
    if (phase_ == Phase::closed || output_broken_)
      return;
  }
  watch_.want_output (true);
}

void
Connection::on_readable ()
{
  char buffer[16 * 1024];
  if (!shake_hands ())
    return;
  // Bounded, so that one flooding link leaves the loop to the others. Without a
  // watch we were finished meanwhile, and the descriptor is somebody else's.
  for (unsigned turn = 0; turn < 4 && watch_.is_on (); ++turn) {
    std::string why_not;
    const auto n = read_some (buffer, sizeof buffer, why_not);
    if (!n)
      return;
    if (*n <= 0) {
      fail (*n == 0 ? "closed by the other side" : why_not);
      return;
    }
    if (!handler_)
      continue; // closing: read and forget until the other side's FIN
    text_in_ += static_cast<std::uint64_t> (*n);
    parser_.push (std::string_view (buffer, static_cast<std::size_t> (*n)));
    if (!drain_parser ())
      return;
    if (!tls_ && static_cast<std::size_t> (*n) < sizeof buffer)
      return;
  }
}

// How many bytes, 0 at the end; nothing: none are there yet. Negative: broken.
std::optional<std::ptrdiff_t>
Connection::read_some (char *buffer, std::size_t size, std::string &why_not)
{
  if (tls_ && !alerted_) {
    const std::lock_guard lock (out_lock_);
    const auto n = tls_->read (buffer, size);
    why_not = tls_->why ();
    return n;
  }
  const auto n = recv (fd_, buffer, size, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return std::nullopt;
  if (n < 0)
    why_not = std::strerror (errno);
  return n;
}

bool
Connection::shake_hands ()
{
  if (!tls_ || tls_->is_ready () || alerted_)
    return true;
  auto state = TlsSession::Handshake::failed;
  std::string why;
  {
    const std::lock_guard lock (out_lock_);
    if (phase_ == Phase::closed)
      return false;
    state = tls_->handshake ();
    why = tls_->why ();
    if (state == TlsSession::Handshake::wants_output)
      want_output_locked ();
    // What waited is written at once.
    if (state == TlsSession::Handshake::done && !flush_locked ())
      output_broken_ = true;
  }
  switch (state) {
  case TlsSession::Handshake::done:
    return true;
  case TlsSession::Handshake::wants_input:
  case TlsSession::Handshake::wants_output:
    return false;
  case TlsSession::Handshake::untrusted:
    fail_alerted (why, Break::untrusted);
    return false;
  case TlsSession::Handshake::not_tls:
    fail (why, Break::not_rtsp);
    return false;
  case TlsSession::Handshake::failed:
    break;
  }
  fail_alerted (why);
  return false;
}

// False: the connection is not to be read from any more.
bool
Connection::drain_parser ()
{
  while (handler_) {
    auto next = parser_.next ();
    if (std::holds_alternative<rtsp::Parser::NeedMore> (next))
      return true;
    if (const auto *error = std::get_if<rtsp::Parser::Error> (&next)) {
      answer_parse_error (*error);
      Handler *handler = std::exchange (handler_, nullptr);
      handler->on_broken (*this, Break::not_rtsp, error->text);
      close ();
      return false;
    }
    auto &unit = std::get<rtsp::Unit> (next);
    if (const auto *frame = std::get_if<rtsp::Interleaved> (&unit))
      text_in_ -= 4 + frame->payload.size ();
    handler_->on_unit (*this, std::move (unit));
  }
  return true;
}

void
Connection::answer_parse_error (const rtsp::Parser::Error &error)
{
  if (error.status == 0)
    return;
  auto response = rtsp::make_response (error.status);
  if (error.cseq)
    rtsp::set_cseq (response.headers, *error.cseq);
  if (auto text = rtsp::write (response))
    write (std::move (*text));
}

void
Connection::fail (const std::string &why, Break how)
{
  Handler *handler = std::exchange (handler_, nullptr);
  const auto keep = shared_from_this ();
  finish ();
  if (handler)
    handler->on_broken (*this, how, why);
}

// The alert says what was wrong, and who spoke without TLS knows by it: it is
// not to be lost by a reset, which closing brings about while the other side's
// flight is still coming in.
void
Connection::fail_alerted (const std::string &why, Break how)
{
  alerted_ = true;
  Handler *handler = std::exchange (handler_, nullptr);
  const auto keep = shared_from_this ();
  watch_.want_output (false);
  {
    const std::lock_guard lock (out_lock_);
    pending_.clear ();
    written_ = 0;
  }
  close ();
  if (handler)
    handler->on_broken (*this, how, why);
}

void
Connection::write (std::string text)
{
  bool broken = false;
  {
    const std::lock_guard lock (out_lock_);
    if (phase_ != Phase::open || output_broken_)
      return;
    text_out_ += text.size ();
    pending_ += text;
    broken = pending_.size () - written_ > limits::pending_text_max ||
             !flush_locked ();
    output_broken_ = output_broken_ || broken;
  }
  // Not from within the caller's call: it may be in the middle of a change.
  if (broken)
    ControlLoop::get ().post ([weak = weak_from_this ()] {
      if (const auto self = weak.lock ())
        self->fail ("cannot be written to");
    });
}

bool
Connection::write_frame (
    std::uint8_t channel, const std::uint8_t *data, std::size_t size)
{
  const Frame frame{channel, {data, size}};
  return write_frames ({&frame, 1}) == 1;
}

std::size_t
Connection::write_frames (std::span<const Frame> frames)
{
  const std::lock_guard lock (out_lock_);
  std::size_t taken = 0;
  while (taken < frames.size () && phase_ == Phase::open && !output_broken_) {
    const auto left = frames.subspan (taken);
    // What waits, waits in the ring, where it can be skipped.
    if (!pending_.empty () && flush_locked () && !pending_.empty ())
      return taken;
    std::optional<std::size_t> n = 0;
    if (pending_.empty () && !tls_)
      n = send_frames_locked (left);
    else
      n = keep_frames_locked (left);
    // Broken is for the control thread to find out (on_readable sees the
    // reset).
    output_broken_ = !n || !flush_locked ();
    if (n && !*n)
      return taken;
    taken += n.value_or (0);
  }
  return frames.size ();
}

namespace {

std::array<char, 4>
frame_header (const Connection::Frame &frame)
{
  const std::size_t size = frame.bytes.size ();
  return {'$', static_cast<char> (frame.channel), static_cast<char> (size >> 8),
      static_cast<char> (size & 0xff)};
}

// RFC 2326 10.12 has two bytes for the length. A longer packet is dropped.
bool
fits (const Connection::Frame &frame)
{
  return frame.bytes.size () <= 0xffff;
}

} // namespace

std::size_t
Connection::keep_frames_locked (std::span<const Frame> frames)
{
  std::size_t taken = 0;
  for (; taken < frames.size () &&
         pending_.size () - written_ <= limits::pending_frame_max;
       ++taken) {
    const Frame &frame = frames[taken];
    if (!fits (frame))
      continue;
    const auto header = frame_header (frame);
    pending_.append (header.data (), header.size ());
    pending_.append (reinterpret_cast<const char *> (frame.bytes.data ()),
        frame.bytes.size ());
  }
  return taken;
}

std::optional<std::size_t>
Connection::send_frames_locked (std::span<const Frame> frames)
{
  constexpr std::size_t most = media::limits::chunk;
  std::array<std::array<char, 4>, most> headers;
  std::array<iovec, 2 * most> pieces;
  frames = frames.first (std::min (frames.size (), most));
  std::size_t count = 0;
  for (const Frame &frame : frames) {
    if (!fits (frame))
      continue;
    auto &header = headers[count / 2] = frame_header (frame);
    pieces[count++] = {header.data (), header.size ()};
    // The kernel only reads from it, whatever the type says.
    pieces[count++] = {
        const_cast<std::uint8_t *> (frame.bytes.data ()), frame.bytes.size ()};
  }
  msghdr message{};
  message.msg_iov = pieces.data ();
  message.msg_iovlen = count;
  const auto n = sendmsg (fd_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n < 0 && errno != EAGAIN && errno != EINTR)
    return std::nullopt;
  // Whole frames that went, and the rest of the one that did not.
  std::size_t taken = 0, left = n < 0 ? 0 : static_cast<std::size_t> (n);
  for (; taken < frames.size (); ++taken) {
    const std::size_t size =
        fits (frames[taken]) ? 4 + frames[taken].bytes.size () : 0;
    if (left < size)
      break;
    left -= size;
  }
  if (left == 0)
    return taken;
  keep_frames_locked (frames.subspan (taken, 1));
  written_ = left;
  return taken + 1;
}

std::ptrdiff_t
Connection::write_some_locked (const char *data, std::size_t size)
{
  if (tls_)
    return tls_->write (data, size);
  const auto n = send (fd_, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : n;
}

// False: broken. What cannot be written now stays pending.
bool
Connection::flush_locked ()
{
  if (tls_ && !tls_->is_ready ())
    return true; // shake_hands() comes back to it
  while (written_ < pending_.size ()) {
    const auto n = write_some_locked (
        pending_.data () + written_, pending_.size () - written_);
    if (n < 0)
      return false;
    if (n == 0) {
      want_output_locked ();
      return true;
    }
    written_ += static_cast<std::size_t> (n);
  }
  pending_.clear ();
  written_ = 0;
  return true;
}

void
Connection::want_output_locked ()
{
  if (output_wanted_)
    return;
  output_wanted_ = true;
  ControlLoop::get ().post ([weak = weak_from_this ()] {
    if (const auto self = weak.lock ())
      self->watch_output ();
  });
}

void
Connection::on_writable ()
{
  if (tls_ && !tls_->is_ready ()) {
    {
      const std::lock_guard lock (out_lock_);
      output_wanted_ = false; // it may wait for input next
    }
    watch_.want_output (false);
    if (!shake_hands ())
      return;
  }
  bool broken = false, done = false;
  {
    const std::lock_guard lock (out_lock_);
    if (phase_ == Phase::closed)
      return;              // start() had us called
    output_wanted_ = true; // flush_locked() need not ask for us again
    broken = output_broken_ || !flush_locked ();
    done = !broken && pending_.empty ();
    if (written_ > limits::pending_frame_max) {
      pending_.erase (0, written_);
      written_ = 0;
    }
    if (done)
      output_wanted_ = false;
  }
  if (broken) {
    fail ("cannot be written to");
    return;
  }
  if (!done)
    return;
  watch_.want_output (false);
  bool draining = false;
  {
    const std::lock_guard lock (out_lock_);
    draining = phase_ == Phase::draining;
  }
  if (draining)
    shutdown_output ();
}

void
Connection::close ()
{
  handler_ = nullptr;
  bool flushed = false;
  {
    const std::lock_guard lock (out_lock_);
    if (phase_ != Phase::open)
      return;
    phase_ = Phase::draining;
    flushed = output_broken_ || pending_.empty ();
  }
  // Nothing was said that a reset could destroy.
  if (text_out_ == 0 && !alerted_) {
    finish ();
    return;
  }
  // Holds itself until the other side has closed or the time is over.
  linger_timer_ = ControlLoop::get ().add_timer (
      [self = shared_from_this ()] { self->finish (); });
  ControlLoop::arm (
      linger_timer_.get (), ControlLoop::now () + limits::close_linger_max);
  if (!watch_.is_on ())
    watch_input ();
  if (flushed)
    shutdown_output ();
}

void
Connection::abort ()
{
  handler_ = nullptr;
  finish ();
}

void
Connection::shutdown_output ()
{
  if (tls_) {
    const std::lock_guard lock (out_lock_);
    tls_->say_goodbye ();
  }
  g_socket_shutdown (
      g_socket_connection_get_socket (stream_.get ()), FALSE, TRUE, nullptr);
}

void
Connection::finish ()
{
  const auto keep = shared_from_this ();
  watch_.stop ();
  {
    const std::lock_guard lock (out_lock_);
    phase_ = Phase::closed;
    g_io_stream_close (G_IO_STREAM (stream_.get ()), nullptr, nullptr);
  }
  linger_timer_.reset ();
}

} // namespace spreadit::agent
