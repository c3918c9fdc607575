// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "agent/tls_session.hpp"
#include "agent/watch.hpp"
#include "media/address.hpp"
#include "media/interleaved_sink.hpp"
#include "rtsp/parser.hpp"
#include "util/owned.hpp"

namespace spreadit::agent {

// One RTSP connection, either end of it: requests go both ways and interleaved
// frames beside them. Reads on the control thread into the parser; control text
// and data frames share one output buffer, written without blocking. With TLS
// or without; what is written before the handshake is over waits for it.
class Connection : public media::InterleavedSink,
                   public std::enable_shared_from_this<Connection> {
public:
  // Why there is no more to come.
  enum class Break {
    gone,      // closed by the other side, or dead
    not_rtsp,  // it says what cannot be read
    untrusted, // it is not whom we expected; it has been told nothing
  };
  // Called on the control thread. The connection stays valid during the call
  // even when it is closed from there.
  struct Handler {
    virtual void on_unit (Connection &from, rtsp::Unit unit) = 0;
    // No more will come. Not called after close() or set_handler (nullptr).
    virtual void on_broken (
        Connection &from, Break how, const std::string &why) = 0;

  protected:
    ~Handler () = default;
  };

  static std::shared_ptr<Connection> adopt (
      GSocketConnection *socket_connection);
  // With TLS: we have connected, and expect somebody; we have been connected
  // to.
  static std::shared_ptr<Connection> adopt_secure (
      GSocketConnection *socket_connection, std::shared_ptr<const Identity> own,
      Expected expected);
  static std::shared_ptr<Connection> adopt_secure (
      GSocketConnection *socket_connection,
      std::shared_ptr<const Identity> own);
  ~Connection () override;

  // Control thread.
  void start (Handler *handler);
  void set_handler (Handler *handler) { handler_ = handler; }
  void write (std::string text);
  // Delivers what was written, says goodbye (FIN), waits a moment for the other
  // side to do the same and closes. Nothing is reported any more.
  void close ();
  // Gives the descriptor back at once.
  void abort ();

  [[nodiscard]] media::Address local () const { return local_; }
  [[nodiscard]] media::Address remote () const { return remote_; }
  // Something has come that was not read yet.
  [[nodiscard]] bool has_input () const;
  [[nodiscard]] bool is_secure () const { return tls_ != nullptr; }
  // Of the other side, proved by its certificate. Nothing without TLS, before
  // anything was read, or where it showed none.
  [[nodiscard]] std::optional<core::PeerId> proved_id () const;
  // Of text; frames are data.
  [[nodiscard]] std::uint64_t bytes_in () const
  {
    return text_in_ - parser_.buffered ();
  }
  [[nodiscard]] std::uint64_t bytes_out () const { return text_out_; }

  // Any thread.
  bool write_frame (std::uint8_t channel, const std::uint8_t *data,
      std::size_t size) override;
  std::size_t write_frames (std::span<const Frame> frames) override;

private:
  enum class Phase { open, draining, closed };

  Connection () = default;
  void watch_input ();
  void watch_output ();
  void on_readable ();
  void on_writable ();
  // False: it goes on later, or has failed.
  bool shake_hands ();
  std::optional<std::ptrdiff_t> read_some (
      char *buffer, std::size_t size, std::string &why_not);
  bool drain_parser ();
  void answer_parse_error (const rtsp::Parser::Error &error);
  void fail (const std::string &why, Break how = Break::gone);
  void fail_alerted (const std::string &why, Break how = Break::gone);
  void shutdown_output ();
  void finish ();
  // Both with out_lock_ held.
  bool flush_locked ();
  // How many bytes, 0 if it has to wait; -1: broken.
  std::ptrdiff_t write_some_locked (const char *data, std::size_t size);
  // Straight from where they are, as far as the socket takes them; what it
  // breaks off in becomes pending. How many; nothing if broken.
  std::optional<std::size_t> send_frames_locked (std::span<const Frame> frames);
  // Makes them pending, as many as may be. How many.
  std::size_t keep_frames_locked (std::span<const Frame> frames);
  void want_output_locked ();

  Owned<GSocketConnection> stream_;
  int fd_ = -1; // of stream_
  media::Address local_, remote_;
  Handler *handler_ = nullptr;
  rtsp::Parser parser_;
  Watch watch_; // of fd_, from start() or close() to finish()
  Owned<GSource> linger_timer_;
  std::uint64_t text_in_ = 0;
  std::uint64_t text_out_ = 0;
  // A TLS handshake has ended in an alert: the session is not to be used any
  // more. Control thread only.
  bool alerted_ = false;

  std::mutex out_lock_; // guards what follows
  // Reading too: it may have something to write (RFC 8446 4.6.3). The pointer
  // itself never changes.
  std::unique_ptr<TlsSession> tls_;
  std::string pending_;        // accepted, not yet written
  std::size_t written_ = 0;    // of pending_
  bool output_wanted_ = false; // a watch is there or on its way
  bool output_broken_ = false;
  Phase phase_ = Phase::open;
};

} // namespace spreadit::agent
