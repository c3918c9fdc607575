// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/connection.hpp"
#include "core/vocabulary.hpp"
#include "util/owned.hpp"

namespace spreadit::agent {

// A connection in readiness to whom the core will ask first when the parent
// fails, so that the asking takes one round trip and not two.
//
// The other side sees a connection that asks for nothing, and closes it after
// limits::unused_connection_max: so it is opened anew before that, which also
// shows whether anyone is still there; an OPTIONS shows that it is not frozen.
// Control thread.
class Standby : Connection::Handler {
public:
  // How to speak on a connection that goes to somebody.
  using Adopt = std::function<std::shared_ptr<Connection> (
      GSocketConnection *, const core::Contact &)>;
  explicit Standby (Adopt adopt);
  ~Standby ();
  Standby (const Standby &) = delete;
  Standby &operator= (const Standby &) = delete;

  // Whom; nobody.
  void aim (const std::optional<core::Contact> &target);
  // The connection, if it goes there and was answered on. It is the caller's
  // then, and there is none until aim() is called again.
  std::shared_ptr<Connection> take (const std::string &address);
  // Requests that it has seen; the next CSeq is one more.
  static constexpr std::uint32_t cseq_used = 1;
  // The address it goes to; empty: there is none that was answered on.
  [[nodiscard]] std::string ready () const
  {
    return ready_ ? target_.address : std::string ();
  }

private:
  struct Call;

  void open ();
  void opened (std::shared_ptr<Connection> connection);
  void on_unit (Connection &from, rtsp::Unit unit) override;
  void on_broken (
      Connection &from, Connection::Break how, const std::string &why) override;
  void close ();

  static void on_connected (
      GObject *source, GAsyncResult *result, gpointer data) noexcept;

  Adopt adopt_;
  core::Contact target_; // without an address: nobody
  std::shared_ptr<Connection> asked_, ready_;
  Owned<GCancellable> connecting_;
  Owned<GSource> timer_;
  std::shared_ptr<Standby *> alive_; // for calls that end after us
};

} // namespace spreadit::agent
