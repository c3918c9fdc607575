// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/dial_back.hpp"

#include <utility>

#include <gio/gio.h>

#include "agent/control_loop.hpp"
#include "agent/limits.hpp"
#include "agent/log.hpp"
#include "agent/own_address.hpp"
#include "rtsp/codec.hpp"
#include "rtsp/writer.hpp"

namespace spreadit::agent {

// What an asynchronous call remembers; we may be gone when it ends.
struct DialBack::Call {
  std::weak_ptr<DialBack *> dial_back;
};

namespace {

media::Address
to_address (GInetAddress *inet, std::uint16_t port)
{
  const Owned<gchar> text (g_inet_address_to_string (inet));
  return media::Address::from_ip (text.get (), port);
}

Owned<GSocketAddress>
to_gsocket_address (const media::Address &address)
{
  return Owned<GSocketAddress> (g_inet_socket_address_new_from_string (
      address.ip ().c_str (), address.port ()));
}

} // namespace

DialBack::DialBack (Question question, Adopt adopt, Done done)
    : question_ (std::move (question)), adopt_ (std::move (adopt)),
      done_ (std::move (done)), calling_ (g_cancellable_new ()),
      timer_ (ControlLoop::get ().add_timer (
          [this] { nobody (std::exchange (why_, {})); })),
      alive_ (std::make_shared<DialBack *> (this))
{
  ControlLoop::arm (timer_.get (), ControlLoop::now () + limits::dial_back_max);
  const auto literal =
      media::Address::from_ip (question_.stream.host, question_.stream.port);
  if (literal.is_unspecified ())
    resolve ();
  else
    connect (choose ({literal}, question_.seen_from));
}

DialBack::~DialBack ()
{
  g_cancellable_cancel (calling_.get ());
  if (connection_) {
    connection_->set_handler (nullptr);
    connection_->close ();
  }
}

bool
DialBack::is_own_address (const Question &question)
{
  return media::Address::from_ip (question.stream.host, 0) ==
             question.seen_from.with_port (0) &&
         !question.seen_from.is_unspecified ();
}

// One: a name that has many shall not have us knock at many doors. Of the
// family in which the child and we can talk, if there is such a one.
media::Address
DialBack::choose (const std::vector<media::Address> &addresses,
    const media::Address &seen_from)
{
  media::Address other;
  for (const auto &address : addresses) {
    if (scope_of (address) == Scope::none ||
        scope_of (address) < scope_of (seen_from))
      continue;
    if (address.family () == seen_from.family ())
      return address;
    if (other.is_unspecified ())
      other = address;
  }
  return other;
}

core::Reach
DialBack::silence_of (
    const media::Address &address, const media::Address &seen_from)
{
  return scope_of (address) > scope_of (seen_from) ? core::Reach::unknown
                                                   : core::Reach::no;
}

void
DialBack::resolve ()
{
  GResolver *resolver = g_resolver_get_default ();
  g_resolver_lookup_by_name_async (resolver, question_.stream.host.c_str (),
      calling_.get (), on_resolved, new Call{alive_});
  g_object_unref (resolver);
}

void
DialBack::on_resolved (
    GObject *source, GAsyncResult *result, gpointer data) noexcept
{
  const std::unique_ptr<Call> call (static_cast<Call *> (data));
  GList *found =
      g_resolver_lookup_by_name_finish (G_RESOLVER (source), result, nullptr);
  if (const auto self = call->dial_back.lock ()) {
    std::vector<media::Address> addresses;
    for (GList *one = found; one; one = one->next)
      addresses.push_back (to_address (static_cast<GInetAddress *> (one->data),
          (*self)->question_.stream.port));
    (*self)->connect (choose (addresses, (*self)->question_.seen_from));
  }
  g_resolver_free_addresses (found);
}

void
DialBack::connect (const media::Address &address)
{
  address_ = address;
  const auto where = to_gsocket_address (address);
  if (address.is_unspecified () || !where) {
    why_ = "that is nobody's address for others";
    // Not from within the constructor.
    ControlLoop::arm (timer_.get (), ControlLoop::now ());
    return;
  }
  const Owned<GSocketClient> client (g_socket_client_new ());
  g_socket_client_set_enable_proxy (client.get (), FALSE);
  g_socket_client_connect_async (client.get (),
      G_SOCKET_CONNECTABLE (where.get ()), calling_.get (), on_connected,
      new Call{alive_});
}

void
DialBack::on_connected (
    GObject *source, GAsyncResult *result, gpointer data) noexcept
{
  const std::unique_ptr<Call> call (static_cast<Call *> (data));
  GError *raw = nullptr;
  const Owned<GSocketConnection> connection (
      g_socket_client_connect_finish (G_SOCKET_CLIENT (source), result, &raw));
  const Owned<GError> error (raw);
  const auto self = call->dial_back.lock ();
  if (!self)
    return;
  if (connection)
    (*self)->opened ((*self)->adopt_ (connection.get ()));
  else
    (*self)->nobody (error->message);
}

void
DialBack::opened (std::shared_ptr<Connection> connection)
{
  connection_ = std::move (connection);
  connection_->start (this);
  auto request = rtsp::encode_options (question_.stream);
  rtsp::set_cseq (request.headers, 1);
  if (auto text = rtsp::write (request))
    connection_->write (std::move (*text));
}

void
DialBack::on_unit (Connection &, rtsp::Unit unit)
{
  const auto *response = std::get_if<rtsp::Response> (&unit);
  if (!response)
    return nobody ("says something else");
  if (rtsp::is_provisional (*response))
    return;
  if (rtsp::decode_options_answer (*response) != question_.id)
    return nobody ("somebody else answers");
  finish (core::Reach::yes);
}

void
DialBack::on_broken (Connection &, Connection::Break, const std::string &why)
{
  nobody (why);
}

void
DialBack::nobody (const std::string &why)
{
  GST_INFO ("dialled back to %s, port %u: %s", question_.stream.host.c_str (),
      question_.stream.port, why.c_str ());
  finish (silence_of (address_, question_.seen_from));
}

void
DialBack::finish (core::Reach reach)
{
  ControlLoop::arm (timer_.get (), core::Instant::max ());
  if (const auto done = std::exchange (done_, nullptr))
    done (reach);
}

} // namespace spreadit::agent
