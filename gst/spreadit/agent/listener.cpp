// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/listener.hpp"

#include <algorithm>
#include <utility>

#include "agent/control_loop.hpp"
#include "agent/limits.hpp"
#include "agent/log.hpp"
#include "agent/own_address.hpp"
#include "agent/plain_player.hpp"
#include "rtsp/writer.hpp"

namespace spreadit::agent {

namespace {

// By "host:port". Control thread only.
std::map<std::string, std::weak_ptr<Listener>> &
shared_listeners ()
{
  static auto *listeners = new std::map<std::string, std::weak_ptr<Listener>>;
  return *listeners;
}

void
answer (Connection &connection, const rtsp::Request &request,
    rtsp::Response response)
{
  if (const auto cseq = rtsp::cseq (request.headers))
    rtsp::set_cseq (response.headers, *cseq);
  if (auto text = rtsp::write (response))
    connection.write (std::move (*text));
}

Owned<GSocket>
make_socket (GSocketFamily family, GSocketAddress *address, GError **error)
{
  Owned<GSocket> socket (g_socket_new (
      family, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, error));
  if (!socket)
    return nullptr;
  g_socket_set_listen_backlog (socket.get (), limits::listen_backlog);
  g_socket_set_blocking (socket.get (), FALSE);
  if (!g_socket_bind (socket.get (), address, TRUE, error) ||
      !g_socket_listen (socket.get (), error))
    return nullptr;
  return socket;
}

// Nothing, or what is different about one that is there.
const char *
cannot_share (const Identity *there, const Identity *wanted)
{
  if (there && !wanted)
    return ", with TLS; choose another port for a stream without";
  if (!there && wanted)
    return ", without TLS; choose another port for a stream with it";
  if (there && there->id () != wanted->id ())
    return ", with another certificate; choose another port";
  return nullptr;
}

} // namespace

std::variant<std::shared_ptr<Listener>, std::string>
Listener::open (const rtsp::HostPort &at, const std::string &path,
    Stream &stream, std::shared_ptr<const Identity> identity)
{
  const std::string key = rtsp::join_host_port (bind_host (at.host), at.port);
  const auto it = shared_listeners ().find (key);
  if (it != shared_listeners ().end ())
    if (const auto existing = it->second.lock ()) {
      if (existing->streams_.contains (path))
        return "this program already has a stream at " +
               rtsp::join_host_port (at.host, at.port) + path;
      if (const auto *why =
              cannot_share (existing->identity_.get (), identity.get ()))
        return "this program already listens on " +
               rtsp::join_host_port (at.host, at.port) + why;
      existing->streams_[path] = &stream;
      return existing;
    }
  std::shared_ptr<Listener> self (new Listener);
  if (auto why = self->bind (at); !why.empty ())
    return why;
  self->key_ = rtsp::join_host_port (bind_host (at.host), self->port_);
  self->identity_ = std::move (identity);
  self->streams_[path] = &stream;
  shared_listeners ()[self->key_] = self;
  return self;
}

Listener::~Listener ()
{
  const auto it = shared_listeners ().find (key_);
  if (it != shared_listeners ().end () && it->second.expired ())
    shared_listeners ().erase (it);
  for (const auto &newcomer : newcomers_)
    newcomer->connection->close ();
}

// Answers what went wrong; empty: nothing.
std::string
Listener::bind (const rtsp::HostPort &at)
{
  const std::string host = bind_host (at.host);
  wildcard_ = host == "::";
  Owned<GSocketAddress> address (
      g_inet_socket_address_new_from_string (host.c_str (), at.port));
  if (!address)
    return "cannot listen on '" + at.host +
           "': give a numeric address of this host, such as 0.0.0.0:8554";
  GError *raw = nullptr;
  socket_ = make_socket (
      g_socket_address_get_family (address.get ()), address.get (), &raw);
  Owned<GError> error (raw);
  if (!socket_ && wildcard_ && at.host != "::" &&
      !g_error_matches (raw, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE)) {
    // A host without IPv6.
    address.reset (g_inet_socket_address_new_from_string ("0.0.0.0", at.port));
    raw = nullptr;
    socket_ = make_socket (G_SOCKET_FAMILY_IPV4, address.get (), &raw);
    error.reset (raw);
  }
  if (!socket_) {
    const std::string where = rtsp::join_host_port (at.host, at.port);
    if (g_error_matches (error.get (), G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE))
      return "port in use: something else listens on " + where +
             "; stop it or choose another port";
    if (g_error_matches (
            error.get (), G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED))
      return "not allowed to listen on " + where +
             "; ports below 1024 are the administrator's, choose another";
    return "cannot listen on " + where + ": " + error->message;
  }
  const Owned<GSocketAddress> bound (
      g_socket_get_local_address (socket_.get (), nullptr));
  if (bound && G_IS_INET_SOCKET_ADDRESS (bound.get ()))
    port_ =
        g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound.get ()));

  accept_timer_ = ControlLoop::get ().add_timer ([this] { watch_socket (); });
  expire_timer_ = ControlLoop::get ().add_timer ([this] { expire (); });
  watch_socket ();
  return {};
}

void
Listener::watch_socket ()
{
  const int fd = g_socket_get_fd (socket_.get ());
  if (!accept_watch_.start (fd, [this] (Watch::Ready) { accept_some (); }))
    look_away ();
}

// For a moment.
void
Listener::look_away ()
{
  accept_watch_.stop ();
  ControlLoop::arm (
      accept_timer_.get (), ControlLoop::now () + limits::accept_pause);
}

void
Listener::remove (Stream &stream)
{
  std::erase_if (
      streams_, [&] (const auto &entry) { return entry.second == &stream; });
}

void
Listener::accept_some ()
{
  for (unsigned i = 0; i < limits::accepts_per_turn; ++i) {
    GError *raw = nullptr;
    const Owned<GSocket> socket (
        g_socket_accept (socket_.get (), nullptr, &raw));
    const Owned<GError> error (raw);
    if (!socket) {
      if (!g_error_matches (raw, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        cannot_accept (raw);
      return;
    }
    accept_failed_ = false;
    const Owned<GSocketConnection> connection (
        g_socket_connection_factory_create_connection (socket.get ()));
    auto newcomer = std::make_unique<Newcomer> (*this,
        identity_ ? Connection::adopt_secure (connection.get (), identity_)
                  : Connection::adopt (connection.get ()));
    newcomer->deadline = ControlLoop::now () + limits::unused_connection_max;
    newcomer->connection->start (newcomer.get ());
    if (newcomers_.empty ())
      ControlLoop::arm (expire_timer_.get (), newcomer->deadline);
    newcomers_.push_back (std::move (newcomer));
    if (newcomers_.size () > limits::unused_connections_max)
      forget (*newcomers_.front ());
  }
}

// Said once, not ten times a second.
void
Listener::cannot_accept (const GError *error)
{
  // Out of descriptors the kernel says so although nobody waits.
  if (!g_socket_condition_check (socket_.get (), G_IO_IN))
    return;
  if (!std::exchange (accept_failed_, true))
    GST_WARNING ("accept on port %u: %s", port_, error->message);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES) &&
      make_room ())
    return;
  look_away ();
}

// Whoever has waited longest for nothing gives way. Not who has said something
// that we have not read: it is read before we are here again.
bool
Listener::make_room ()
{
  const auto silent = std::ranges::find_if (newcomers_,
      [] (const auto &other) { return !other->connection->has_input (); });
  if (silent != newcomers_.end ()) {
    (*silent)->connection->abort ();
    newcomers_.erase (silent);
    return true;
  }
  return std::any_of (streams_.begin (), streams_.end (),
             [] (const auto &entry) { return entry.second->make_room (); }) ||
         !newcomers_.empty ();
}

void
Listener::Newcomer::on_unit (Connection &from, rtsp::Unit unit)
{
  if (auto *request = std::get_if<rtsp::Request> (&unit))
    listener.on_request (*this, std::move (*request));
  else
    listener.forget (*this);
}

void
Listener::Newcomer::on_broken (
    Connection &, Connection::Break, const std::string &)
{
  listener.forget (*this);
}

void
Listener::on_request (Newcomer &newcomer, rtsp::Request request)
{
  const auto connection = newcomer.connection;
  Stream *stream = nullptr;
  if (request.uri != "*") {
    const auto uri = rtsp::parse_uri (request.uri);
    if (const auto *parsed = std::get_if<rtsp::Uri> (&uri))
      stream = find_stream (parsed->path);
  }
  if (stream) {
    connection->set_handler (nullptr);
    std::erase_if (newcomers_,
        [&] (const auto &other) { return other.get () == &newcomer; });
    stream->on_incoming (connection, std::move (request));
    return;
  }
  // OPTIONS is answered by any node, whatever it carries.
  answer (*connection, request,
      request.method == "OPTIONS" ? options_answer ()
                                  : rtsp::make_response (404));
}

void
Listener::forget (Newcomer &newcomer)
{
  const auto connection = newcomer.connection;
  connection->set_handler (nullptr);
  std::erase_if (newcomers_,
      [&] (const auto &other) { return other.get () == &newcomer; });
  connection->close ();
}

void
Listener::expire ()
{
  const auto now = ControlLoop::now ();
  while (!newcomers_.empty () && newcomers_.front ()->deadline <= now)
    forget (*newcomers_.front ());
  ControlLoop::arm (expire_timer_.get (), newcomers_.empty ()
                                              ? core::Instant::max ()
                                              : newcomers_.front ()->deadline);
}

// The longest path that is `path` or a folder of it.
Listener::Stream *
Listener::find_stream (const std::string &path) const
{
  Stream *found = nullptr;
  std::size_t longest = 0;
  for (const auto &[prefix, stream] : streams_)
    if (is_below (path, prefix) && prefix.size () >= longest) {
      found = stream;
      longest = prefix.size ();
    }
  return found;
}

} // namespace spreadit::agent
