// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http/server.hpp"

#include <algorithm>
#include <cstring>

#include "http/limits.hpp"
#include "http/json.hpp"
#include "http/source.hpp"

namespace spreadit::http {

namespace {

// Nothing but our own files, and nobody may frame the page.
constexpr const char *content_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; media-src 'self' blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

void
respond (SoupServerMessage *message, const Reply &reply)
{
  SoupMessageHeaders *headers =
      soup_server_message_get_response_headers (message);
  soup_message_headers_replace (headers, "Cache-Control", "no-store");
  soup_message_headers_replace (headers, "X-Content-Type-Options", "nosniff");
  soup_message_headers_replace (headers, "Referrer-Policy", "no-referrer");
  soup_message_headers_replace (
      headers, "Cross-Origin-Resource-Policy", "same-origin");
  soup_message_headers_replace (
      headers, "Content-Security-Policy", content_policy);
  soup_server_message_set_status (message, reply.status, nullptr);
  soup_server_message_set_response (message, reply.type.c_str (),
      SOUP_MEMORY_COPY, reply.body.data (), reply.body.size ());
}

// Before the body is read, so that none is.
void
reject (SoupServerMessage *message, unsigned status, std::string_view what)
{
  respond (message, refuse (status, what));
  soup_message_headers_replace (
      soup_server_message_get_response_headers (message), "Connection",
      "close");
  soup_message_body_set_accumulate (
      soup_server_message_get_request_body (message), FALSE);
}

bool
is_local (SoupServerMessage *message)
{
  GSocketAddress *local = soup_server_message_get_local_address (message);
  return local && G_IS_INET_SOCKET_ADDRESS (local) &&
         g_inet_address_get_is_loopback (
             g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (local)));
}

bool
is_websocket (SoupServerMessage *message)
{
  return std::strcmp (g_uri_get_path (soup_server_message_get_uri (message)),
             Server::websocket_path) == 0 &&
         soup_message_headers_header_equals (
             soup_server_message_get_request_headers (message), "Upgrade",
             "websocket");
}

Query
read_query (GHashTable *table)
{
  Query query;
  GHashTableIter iter;
  gpointer key = nullptr, value = nullptr;
  if (!table)
    return query;
  g_hash_table_iter_init (&iter, table);
  while (g_hash_table_iter_next (&iter, &key, &value))
    query[static_cast<const char *> (key)] = static_cast<const char *> (value);
  return query;
}

} // namespace

Reply
refuse (unsigned status, std::string_view what)
{
  const Owned<JsonBuilder> builder (json_builder_new ());
  json_builder_begin_object (builder.get ());
  json_builder_set_member_name (builder.get (), "error");
  json_builder_begin_object (builder.get ());
  json_builder_set_member_name (builder.get (), "status");
  json_builder_add_int_value (builder.get (), status);
  json_builder_set_member_name (builder.get (), "what");
  json_builder_add_string_value (builder.get (), std::string (what).c_str ());
  json_builder_end_object (builder.get ());
  json_builder_end_object (builder.get ());
  return {status, "application/json", to_text (builder.get ()) + "\n"};
}

Asked::Asked (
    SoupServerMessage *message, std::string path, Query query, Take take)
    : message_ (static_cast<SoupServerMessage *> (g_object_ref (message)),
          [] (SoupServerMessage *one) { g_object_unref (one); }),
      path_ (std::move (path)), query_ (std::move (query)),
      take_ (std::move (take))
{
  soup_server_message_pause (message);
}

void
Asked::answer (const Reply &reply) const
{
  respond (message_.get (), reply);
  soup_server_message_unpause (message_.get ());
}

bool
Asked::is_head () const
{
  return std::strcmp (
             soup_server_message_get_method (message_.get ()), "HEAD") == 0;
}

Asked::Connection
Asked::take_connection () const
{
  Object<GSocket> socket = take_ (message_.get ());
  if (!socket)
    return {};
  return {std::move (socket),
      Object<GIOStream> (
          soup_server_message_steal_connection (message_.get ()))};
}

struct Server::Impl {
  // One that libsoup, or who took it, still holds.
  struct Open {
    GSocketConnection *connection; // borrowed: watched by a weak reference
    GSocket *socket;               // of it
    std::int64_t since_us;         // when it became busy, or idle
    bool busy = false;
    bool taken = false; // a WebSocket or a viewer: bounded elsewhere
  };

  Handlers handlers;
  Address address;
  Object<SoupServer> soup;
  Object<GSocketService> service;
  // By the address we gave libsoup with it: of a connection that it has not
  // accepted itself a message tells nothing else.
  using Name = const GSocketAddress *;
  std::map<Name, Open> open;
  Source sweeper;

  ~Impl ();
  std::string listen (const Address &wanted);
  void on_incoming (GSocketConnection *connection);
  bool make_room ();
  std::map<Name, Open>::iterator find (SoupWebsocketConnection *socket);
  Object<GSocket> take (SoupServerMessage *message);
  void sweep ();
  void check (SoupServerMessage *message);
  void mark (SoupServerMessage *message, bool busy);
  static void forget (gpointer self, GObject *connection) noexcept;
};

Server::Impl::~Impl ()
{
  sweeper.reset ();
  if (service) {
    g_signal_handlers_disconnect_by_data (service.get (), this);
    g_socket_service_stop (service.get ());
    g_socket_listener_close (G_SOCKET_LISTENER (service.get ()));
  }
  for (auto &[name, one] : open) {
    g_object_weak_unref (G_OBJECT (one.connection), forget, this);
    g_socket_shutdown (one.socket, TRUE, TRUE, nullptr);
  }
  if (soup) {
    g_signal_handlers_disconnect_by_data (soup.get (), this);
    soup_server_disconnect (soup.get ());
  }
}

void
Server::Impl::forget (gpointer self, GObject *connection) noexcept
{
  auto &open = static_cast<Impl *> (self)->open;
  std::erase_if (open, [connection] (const auto &one) {
    return G_OBJECT (one.second.connection) == connection;
  });
}

// The one that has been of no use for longest goes.
bool
Server::Impl::make_room ()
{
  const auto it = std::min_element (
      open.begin (), open.end (), [] (const auto &a, const auto &b) {
        const auto key = [] (const Open &one) {
          return std::pair (one.busy || one.taken, one.since_us);
        };
        return key (a.second) < key (b.second);
      });
  if (it == open.end () || it->second.busy || it->second.taken)
    return false;
  // libsoup reads the end, and drops it.
  g_socket_shutdown (it->second.socket, TRUE, TRUE, nullptr);
  it->second.taken = true;
  return true;
}

void
Server::Impl::on_incoming (GSocketConnection *connection)
{
  if (open.size () >= limits::connections_max && !make_room ())
    return;
  // Those that were shut down are still there for a moment.
  if (open.size () >= 2 * limits::connections_max)
    return;
  GSocket *socket = g_socket_connection_get_socket (connection);
  const Object<GSocketAddress> local (
      g_socket_connection_get_local_address (connection, nullptr));
  const Object<GSocketAddress> remote (
      g_socket_connection_get_remote_address (connection, nullptr));
  if (!local || !remote)
    return;
  g_object_weak_ref (G_OBJECT (connection), forget, this);
  open[remote.get ()] = {connection, socket, g_get_monotonic_time ()};
  if (!soup_server_accept_iostream (soup.get (), G_IO_STREAM (connection),
          local.get (), remote.get (), nullptr))
    g_socket_shutdown (socket, TRUE, TRUE, nullptr);
}

Object<GSocket>
Server::Impl::take (SoupServerMessage *message)
{
  const auto it = open.find (soup_server_message_get_remote_address (message));
  if (it == open.end ())
    return nullptr;
  it->second.taken = true;
  return keep (it->second.socket);
}

// libsoup wraps the connection, and does not say of its wrap what is in it.
std::map<Server::Impl::Name, Server::Impl::Open>::iterator
Server::Impl::find (SoupWebsocketConnection *socket)
{
  GIOStream *wrap = soup_websocket_connection_get_io_stream (socket);
  GIOStream *inner = nullptr;
  if (wrap &&
      g_object_class_find_property (G_OBJECT_GET_CLASS (wrap), "base-iostream"))
    g_object_get (wrap, "base-iostream", &inner, nullptr);
  const Object<GIOStream> owned (inner);
  const auto is_it = [&] (const auto &one) {
    return G_IO_STREAM (one.second.connection) == (inner ? inner : wrap);
  };
  return std::find_if (open.begin (), open.end (), is_it);
}

void
Server::Impl::sweep ()
{
  const auto now = g_get_monotonic_time ();
  for (auto &[name, one] : open) {
    const auto max = one.busy ? limits::busy_max_us : limits::idle_max_us;
    if (one.taken || now - one.since_us < max)
      continue;
    g_socket_shutdown (one.socket, TRUE, TRUE, nullptr);
    one.taken = true;
  }
}

void
Server::Impl::mark (SoupServerMessage *message, bool busy)
{
  const auto it = open.find (soup_server_message_get_remote_address (message));
  if (it == open.end ())
    return;
  it->second.busy = busy;
  it->second.since_us = g_get_monotonic_time ();
}

// Whether it is worth an answer at all. Sets one if not.
void
Server::Impl::check (SoupServerMessage *message)
{
  mark (message, true);
  SoupMessageHeaders *headers =
      soup_server_message_get_request_headers (message);
  const char *host = soup_message_headers_get_one (headers, "Host");
  const char *origin = soup_message_headers_get_one (headers, "Origin");
  const char *method = soup_server_message_get_method (message);
  const char *query = g_uri_get_query (soup_server_message_get_uri (message));
  if (is_local (message) && (!host || !names_loopback (host))) {
    reject (message, 403,
        "the Host header names another host than this one; open "
        "http://localhost with the port");
  } else if (origin && !is_same_origin (origin, host ? host : "")) {
    reject (message, 403, "pages of other sites have no business here");
  } else if (std::strcmp (method, "GET") != 0 &&
             std::strcmp (method, "HEAD") != 0) {
    reject (message, 405, "only GET and HEAD; nothing can be changed here");
    soup_message_headers_replace (
        soup_server_message_get_response_headers (message), "Allow",
        "GET, HEAD");
  } else if (soup_message_headers_get_content_length (headers) > 0 ||
             soup_message_headers_get_encoding (headers) ==
                 SOUP_ENCODING_CHUNKED) {
    reject (message, 413, "a request here has no body");
  } else if (query && std::strlen (query) > limits::query_max) {
    reject (message, 414, "the query is too long");
  }
}

// Why not; empty if it listens.
std::string
Server::Impl::listen (const Address &wanted)
{
  address = wanted;
  soup.reset (soup_server_new (
      "server-header", "gst-spreadit-relay/" SPREADIT_VERSION, nullptr));
  service.reset (g_socket_service_new ());
  const Object<GSocketAddress> where (g_inet_socket_address_new_from_string (
      address.host.c_str (), address.port));
  GSocketAddress *effective = nullptr;
  GError *raw = nullptr;
  if (!g_socket_listener_add_address (G_SOCKET_LISTENER (service.get ()),
          where.get (), G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, nullptr,
          &effective, &raw)) {
    const Owned<GError> error (raw);
    const bool taken =
        g_error_matches (error.get (), G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
    return "cannot serve HTTP at " + to_string (address) + ": " +
           (taken ? "the port is in use; end what uses it or give another"
                  : error->message);
  }
  const Object<GSocketAddress> owned (effective);
  address.port =
      g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (owned.get ()));

  const auto early =
      +[] (SoupServer *, SoupServerMessage *message, const char *, GHashTable *,
           gpointer self) { static_cast<Impl *> (self)->check (message); };
  const auto get = +[] (SoupServer *, SoupServerMessage *message,
                        const char *path, GHashTable *query, gpointer self) {
    // Asked before a WebSocket is made; who answers then makes none.
    if (is_websocket (message))
      return;
    static_cast<Impl *> (self)->handlers.get (Asked (
        message, path, read_query (query), [self] (SoupServerMessage *one) {
          return static_cast<Impl *> (self)->take (one);
        }));
  };
  soup_server_add_early_handler (soup.get (), nullptr, early, this, nullptr);
  soup_server_add_handler (soup.get (), nullptr, get, this, nullptr);
  // The longest path that fits has the request, all of it.
  soup_server_add_early_handler (
      soup.get (), websocket_path, early, this, nullptr);
  soup_server_add_handler (soup.get (), websocket_path, get, this, nullptr);
  soup_server_add_websocket_handler (
      soup.get (), websocket_path, nullptr, nullptr,
      [] (SoupServer *, SoupServerMessage *message, const char *,
          SoupWebsocketConnection *connection, gpointer data) {
        auto *self = static_cast<Impl *> (data);
        const auto it = self->find (connection);
        if (it == self->open.end ()) // gone meanwhile
          return;
        it->second.taken = true;
        GHashTable *table = nullptr;
        const char *query =
            g_uri_get_query (soup_server_message_get_uri (message));
        if (query)
          table = soup_form_decode (query);
        self->handlers.listen (
            connection, it->second.socket, read_query (table));
        g_clear_pointer (&table, g_hash_table_unref);
      },
      this, nullptr);
  const auto done = +[] (SoupServer *, SoupServerMessage *message, Impl *self) {
    self->mark (message, false);
  };
  g_signal_connect (soup.get (), "request-finished", G_CALLBACK (done), this);
  g_signal_connect (soup.get (), "request-aborted", G_CALLBACK (done), this);
  g_signal_connect (service.get (), "incoming",
      G_CALLBACK (+[] (GSocketService *, GSocketConnection *connection,
                       GObject *, Impl *self) -> gboolean {
        self->on_incoming (connection);
        return TRUE;
      }),
      this);
  sweeper = add_timeout (
      1000,
      [] (gpointer self) -> gboolean {
        static_cast<Impl *> (self)->sweep ();
        return G_SOURCE_CONTINUE;
      },
      this);
  g_socket_service_start (service.get ());
  return "";
}

Server::Server (std::unique_ptr<Impl> impl) : impl_ (std::move (impl)) {}

Server::~Server () = default;

std::variant<std::unique_ptr<Server>, std::string>
Server::open (const Address &address, Handlers handlers)
{
  auto impl = std::make_unique<Impl> ();
  impl->handlers = std::move (handlers);
  if (const std::string why = impl->listen (address); !why.empty ())
    return why;
  return std::unique_ptr<Server> (new Server (std::move (impl)));
}

const Address &
Server::address () const
{
  return impl_->address;
}

std::size_t
Server::connections () const
{
  return impl_->open.size ();
}

} // namespace spreadit::http
