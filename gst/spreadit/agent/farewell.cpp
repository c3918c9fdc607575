// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/farewell.hpp"

#include <algorithm>

#include "agent/control_loop.hpp"
#include "agent/limits.hpp"
#include "rtsp/headers.hpp"
#include "rtsp/writer.hpp"

namespace spreadit::agent {

Farewell::Guest::~Guest ()
{
  connection->close ();
}

void
Farewell::add (std::shared_ptr<Connection> connection, std::string session,
    bool torn_down, std::function<void ()> say_goodbye)
{
  if (guests_.size () >= limits::farewells_max)
    guests_.pop_front ();
  Guest &guest = guests_.emplace_back (*this, std::move (connection),
      std::move (session), std::move (say_goodbye));
  guest.connection->set_handler (&guest);
  guest.timer =
      ControlLoop::get ().add_timer ([this, &guest] { on_timer (guest); });
  close_soon (guest, torn_down);
}

void
Farewell::close_soon (Guest &guest, bool torn_down)
{
  guest.until = ControlLoop::now () +
                (torn_down ? limits::torn_down_max : limits::farewell_max);
  if (torn_down)
    guest.say_goodbye = nullptr;
  arm (guest);
}

void
Farewell::arm (Guest &guest)
{
  const auto next = ControlLoop::now () + limits::goodbye_interval;
  ControlLoop::arm (guest.timer.get (),
      guest.say_goodbye ? std::min (next, guest.until) : guest.until);
}

void
Farewell::on_timer (Guest &guest)
{
  if (ControlLoop::now () >= guest.until) {
    remove (guest);
    return;
  }
  guest.say_goodbye ();
  arm (guest);
}

void
Farewell::Guest::on_unit (Connection &from, rtsp::Unit unit)
{
  const auto *request = std::get_if<rtsp::Request> (&unit);
  if (!request)
    return;
  // rtspsrc says PAUSE and TEARDOWN. For anything else there is no session any
  // more.
  const bool known =
      request->method == "TEARDOWN" || request->method == "OPTIONS" ||
      request->method == "PAUSE" || request->method == "GET_PARAMETER" ||
      request->method == "SET_PARAMETER";
  auto response = rtsp::make_response (known ? 200 : 454);
  if (const auto cseq = rtsp::cseq (request->headers))
    rtsp::set_cseq (response.headers, *cseq);
  if (!session.empty ())
    rtsp::set (response.headers, rtsp::header::session, session);
  if (auto text = rtsp::write (response))
    from.write (std::move (*text));
  if (request->method == "TEARDOWN")
    close_soon (*this, true);
}

void
Farewell::Guest::on_broken (
    Connection &, Connection::Break, const std::string &)
{
  farewell.remove (*this);
}

void
Farewell::remove (const Guest &guest)
{
  guests_.remove_if ([&] (const Guest &one) { return &one == &guest; });
  if (guests_.empty ())
    over_ ();
}

} // namespace spreadit::agent
