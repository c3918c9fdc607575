// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>

#include "agent/connection.hpp"

namespace spreadit::agent {

// Plain players over UDP whose node leaves. They have been sent RTCP BYE, and
// end when what they hold has been played; rtspsrc takes a connection that
// closes before that for a fault, tries to connect again and fails. So theirs
// stay open until they close them, or until limits::farewell_max; and a BYE may
// be lost, so it is said again.
//
// And those that have said TEARDOWN: rtspsrc 1.22 may say it before the PAUSE
// of its own change of state, and takes a connection that is closed by then for
// a fault, too. Theirs stay open for limits::torn_down_max. Control thread
// only.
class Farewell {
public:
  // `over` is called each time the last one has gone.
  explicit Farewell (std::function<void ()> over) : over_ (std::move (over)) {}

  // `say_goodbye` says it again; none: nothing has to be said.
  void add (std::shared_ptr<Connection> connection, std::string session,
      bool torn_down, std::function<void ()> say_goodbye);
  [[nodiscard]] bool empty () const { return guests_.empty (); }

private:
  struct Guest final : Connection::Handler {
    Guest (Farewell &host, std::shared_ptr<Connection> it, std::string name,
        std::function<void ()> again)
        : farewell (host), connection (std::move (it)),
          session (std::move (name)), say_goodbye (std::move (again))
    {
    }
    ~Guest ();
    void on_unit (Connection &from, rtsp::Unit unit) override;
    void on_broken (Connection &from, Connection::Break how,
        const std::string &why) override;

    Farewell &farewell;
    std::shared_ptr<Connection> connection;
    std::string session;
    std::function<void ()> say_goodbye;
    core::Instant until{};
    Owned<GSource> timer;
  };
  static void close_soon (Guest &guest, bool torn_down);
  static void arm (Guest &guest);
  void on_timer (Guest &guest);
  void remove (const Guest &guest);

  std::function<void ()> over_;
  std::list<Guest> guests_;
};

} // namespace spreadit::agent
