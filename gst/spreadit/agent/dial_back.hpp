// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/connection.hpp"
#include "core/vocabulary.hpp"
#include "rtsp/uri.hpp"
#include "util/owned.hpp"

namespace spreadit::agent {

// Whether others can connect to a child: one TCP connection to the address that
// it names, one OPTIONS, and the answer has to come from the peer of that id.
//
// It connects to what a stranger says, so never into where that one could not
// look itself: to an address of this host, link or network only if the child's
// own connection comes from there. Control thread.
class DialBack final : Connection::Handler {
public:
  struct Question {
    rtsp::Uri stream; // host and port: as the child names them
    core::PeerId id;
    media::Address seen_from; // where the child's connection comes from
  };
  // How to speak on the connection.
  using Adopt =
      std::function<std::shared_ptr<Connection> (GSocketConnection *)>;
  using Done = std::function<void (core::Reach reach)>;

  // Begins at once. `done` is called from the loop, once, at most
  // limits::dial_back_max later, and may destroy us; not at all when we are
  // destroyed before.
  DialBack (Question question, Adopt adopt, Done done);
  ~DialBack ();
  DialBack (const DialBack &) = delete;
  DialBack &operator= (const DialBack &) = delete;

  // Whether that is where the connection comes from.
  [[nodiscard]] static bool is_own_address (const Question &question);
  // Of those that a name has, whom to ask: unspecified if nobody.
  [[nodiscard]] static media::Address choose (
      const std::vector<media::Address> &addresses,
      const media::Address &seen_from);
  // What it means that nobody answers there. From inside a network the way to
  // its outer address is often closed, which says nothing about others.
  [[nodiscard]] static core::Reach silence_of (
      const media::Address &address, const media::Address &seen_from);

private:
  struct Call;

  void resolve ();
  void connect (const media::Address &address);
  void opened (std::shared_ptr<Connection> connection);
  void on_unit (Connection &from, rtsp::Unit unit) override;
  void on_broken (
      Connection &from, Connection::Break how, const std::string &why) override;
  void nobody (const std::string &why);
  void finish (core::Reach reach);

  static void on_resolved (
      GObject *source, GAsyncResult *result, gpointer data) noexcept;
  static void on_connected (
      GObject *source, GAsyncResult *result, gpointer data) noexcept;

  const Question question_;
  Adopt adopt_;
  Done done_;
  media::Address address_; // whom we ask
  std::string why_ = "no answer in time";
  Owned<GCancellable> calling_;
  std::shared_ptr<Connection> connection_;
  Owned<GSource> timer_;
  std::shared_ptr<DialBack *> alive_; // for calls that end after us
};

} // namespace spreadit::agent
