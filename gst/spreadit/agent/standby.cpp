// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/standby.hpp"

#include <utility>

#include <gio/gio.h>

#include "agent/control_loop.hpp"
#include "agent/limits.hpp"
#include "agent/log.hpp"
#include "core/limits.hpp"
#include "rtsp/headers.hpp"
#include "rtsp/uri.hpp"
#include "rtsp/writer.hpp"

namespace spreadit::agent {

// Well before the other side closes it as one that became no child.
static_assert (core::limits::standby_interval < limits::unused_connection_max);

// What an asynchronous connect remembers; we may be gone, or aim at somebody
// else, when it ends.
struct Standby::Call {
  std::weak_ptr<Standby *> standby;
  core::Contact target;
};

Standby::Standby (Adopt adopt)
    : adopt_ (std::move (adopt)),
      timer_ (ControlLoop::get ().add_timer ([this] { open (); })),
      alive_ (std::make_shared<Standby *> (this))
{
}

Standby::~Standby ()
{
  close ();
}

void
Standby::close ()
{
  if (connecting_)
    g_cancellable_cancel (connecting_.get ());
  connecting_.reset ();
  for (auto *connection : {&asked_, &ready_})
    if (const auto old = std::exchange (*connection, nullptr)) {
      old->set_handler (nullptr);
      old->close ();
    }
}

void
Standby::aim (const std::optional<core::Contact> &target)
{
  const core::Contact wanted = target.value_or (core::Contact{});
  if (wanted == target_ && (wanted.address.empty () || connecting_ || asked_ ||
                               ready_ || ControlLoop::is_armed (timer_.get ())))
    return;
  close ();
  target_ = wanted;
  ControlLoop::arm (timer_.get (),
      target_.address.empty () ? core::Instant::max () : ControlLoop::now ());
}

std::shared_ptr<Connection>
Standby::take (const std::string &address)
{
  if (!ready_ || address != target_.address)
    return nullptr;
  auto taken = std::exchange (ready_, nullptr);
  taken->set_handler (nullptr);
  close ();
  target_ = {};
  ControlLoop::arm (timer_.get (), core::Instant::max ());
  return taken;
}

// One that is there stays until the next one has been answered on.
void
Standby::open ()
{
  ControlLoop::arm (
      timer_.get (), ControlLoop::now () + core::limits::standby_interval);
  if (connecting_)
    g_cancellable_cancel (connecting_.get ());
  if (const auto unanswered = std::exchange (asked_, nullptr)) {
    unanswered->set_handler (nullptr);
    unanswered->abort ();
    if (const auto old = std::exchange (ready_, nullptr)) {
      old->set_handler (nullptr);
      old->close (); // nor will it answer on this one
    }
  }
  const auto where = rtsp::parse_address (target_.address);
  const auto *to = std::get_if<rtsp::HostPort> (&where);
  if (!to)
    return;
  connecting_.reset (g_cancellable_new ());
  const Owned<GSocketClient> client (g_socket_client_new ());
  g_socket_client_set_enable_proxy (client.get (), FALSE);
  g_socket_client_connect_to_host_async (client.get (), to->host.c_str (),
      to->port, connecting_.get (), on_connected, new Call{alive_, target_});
}

void
Standby::on_connected (
    GObject *source, GAsyncResult *result, gpointer data) noexcept
{
  const std::unique_ptr<Call> call (static_cast<Call *> (data));
  const Owned<GSocketConnection> connection (
      g_socket_client_connect_to_host_finish (
          G_SOCKET_CLIENT (source), result, nullptr));
  const auto standby = call->standby.lock ();
  if (!standby || !connection || (*standby)->target_ != call->target ||
      !(*standby)->connecting_)
    return;
  (*standby)->connecting_.reset ();
  (*standby)->opened ((*standby)->adopt_ (connection.get (), call->target));
}

void
Standby::opened (std::shared_ptr<Connection> connection)
{
  asked_ = std::move (connection);
  asked_->start (this);
  rtsp::Request request;
  request.method = "OPTIONS";
  request.uri = "*";
  rtsp::set_cseq (request.headers, cseq_used);
  if (auto text = rtsp::write (request))
    asked_->write (std::move (*text));
}

void
Standby::on_unit (Connection &from, rtsp::Unit unit)
{
  if (&from != asked_.get () || !std::holds_alternative<rtsp::Response> (unit))
    return;
  const auto old = std::exchange (ready_, std::exchange (asked_, nullptr));
  GST_DEBUG ("standby link to %s is ready", target_.address.c_str ());
  if (old) {
    old->set_handler (nullptr);
    old->close ();
  }
}

void
Standby::on_broken (Connection &from, Connection::Break, const std::string &why)
{
  GST_DEBUG ("standby link to %s: %s", target_.address.c_str (), why.c_str ());
  for (auto *connection : {&asked_, &ready_})
    if (&from == connection->get ())
      (*connection)->set_handler (nullptr), connection->reset ();
}

} // namespace spreadit::agent
