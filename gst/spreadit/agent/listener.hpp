// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <variant>

#include "agent/connection.hpp"
#include "agent/watch.hpp"
#include "core/vocabulary.hpp"
#include "rtsp/uri.hpp"

namespace spreadit::agent {

// One listening address. Nodes of one process that ask for the same one share
// it: each stream has a path, the first request of a connection names it.
// Control thread only.
class Listener {
public:
  struct Stream {
    // `first` is the first request that named the stream's path; the
    // connection has no handler any more.
    virtual void on_incoming (
        std::shared_ptr<Connection> connection, rtsp::Request first) = 0;
    // Descriptors are short: gives one back, if there is one to spare.
    virtual bool make_room () = 0;

  protected:
    ~Stream () = default;
  };

  // A listener on `at` (an empty host: every interface, port 0: any free one),
  // or one line that says why not. `stream` gets the connections that ask for
  // `path` until remove(). With `identity` it speaks TLS: the certificate is
  // shown before the path is named, so all streams of a listener have one.
  static std::variant<std::shared_ptr<Listener>, std::string> open (
      const rtsp::HostPort &at, const std::string &path, Stream &stream,
      std::shared_ptr<const Identity> identity);
  ~Listener ();
  Listener (const Listener &) = delete;
  Listener &operator= (const Listener &) = delete;

  void remove (Stream &stream);
  [[nodiscard]] std::uint16_t port () const { return port_; }
  // Bound to every interface: its own address says nothing to others.
  [[nodiscard]] bool is_wildcard () const { return wildcard_; }

private:
  // A connection that has not named a stream yet.
  struct Newcomer final : Connection::Handler {
    Newcomer (Listener &owner, std::shared_ptr<Connection> it)
        : listener (owner), connection (std::move (it))
    {
    }
    void on_unit (Connection &from, rtsp::Unit unit) override;
    void on_broken (Connection &from, Connection::Break how,
        const std::string &why) override;

    Listener &listener;
    std::shared_ptr<Connection> connection;
    core::Instant deadline;
  };

  Listener () = default;
  std::string bind (const rtsp::HostPort &at);
  void watch_socket ();
  void look_away ();
  void accept_some ();
  void cannot_accept (const GError *error);
  bool make_room ();
  void on_request (Newcomer &newcomer, rtsp::Request request);
  void forget (Newcomer &newcomer);
  void expire ();
  Stream *find_stream (const std::string &path) const;

  std::string key_;                          // its address, in one spelling
  std::shared_ptr<const Identity> identity_; // with TLS
  std::uint16_t port_ = 0;
  bool wildcard_ = false;
  Owned<GSocket> socket_;
  Watch accept_watch_;          // of socket_
  Owned<GSource> accept_timer_; // to look again after a pause
  bool accept_failed_ = false;  // since the last one that was accepted
  Owned<GSource> expire_timer_;
  std::map<std::string, Stream *> streams_;        // by path
  std::list<std::unique_ptr<Newcomer>> newcomers_; // oldest first
};

} // namespace spreadit::agent
