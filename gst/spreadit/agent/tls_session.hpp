// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include <gnutls/gnutls.h>

#include "agent/identity.hpp"
#include "core/vocabulary.hpp"

namespace spreadit::agent {

// Who the other side of a connection of ours has to be. Either is enough:
// `id`, which whoever named the peer to us vouches for; or, where `trust` is
// given, a certificate that its authorities have signed for `host`.
struct Expected {
  std::optional<core::PeerId> id;
  std::shared_ptr<const Trust> trust;
  std::string host;
};

// TLS 1.2 or newer over a connected socket that does not block: nothing here
// waits. One thread at a time.
//
// GnuTLS itself and not GTlsConnection, whose handshake, asynchronous or not,
// holds a thread of the process's pool until the other side is done with it
// (docs/decisions/0024).
class TlsSession {
public:
  // `fd` stays the caller's and open as long as we are.
  // Nothing expected: anyone will do.
  static std::unique_ptr<TlsSession> connect (int fd,
      std::shared_ptr<const Identity> own, std::optional<Expected> expected);
  static std::unique_ptr<TlsSession> accept (
      int fd, std::shared_ptr<const Identity> own);
  ~TlsSession ();
  TlsSession (const TlsSession &) = delete;
  TlsSession &operator= (const TlsSession &) = delete;

  enum class Handshake {
    done,
    wants_input,
    wants_output,
    failed,    // why() says how
    not_tls,   // nor will it ever be
    untrusted, // it is not whom we expected; why() says how
  };
  // To be called until it is neither of the two that want something.
  Handshake handshake ();
  [[nodiscard]] bool is_ready () const { return ready_; }

  // How many bytes; 0: the other side has said goodbye, or hung up. Nothing:
  // there is none yet. Negative: broken, why() says how.
  std::optional<std::ptrdiff_t> read (char *buffer, std::size_t size);
  // How many bytes were taken; 0: it has to wait, and the same bytes are to
  // come again, perhaps with more behind them. Negative: broken.
  std::ptrdiff_t write (const char *data, std::size_t size);
  // Nothing more will be written.
  void say_goodbye ();

  // What the other side's certificate proves, once ready; nothing: it has none.
  [[nodiscard]] std::optional<core::PeerId> peer () const { return peer_; }
  [[nodiscard]] const std::string &why () const { return why_; }

private:
  TlsSession () = default;
  void begin (int fd, unsigned flags);
  Handshake check ();

  gnutls_session_t session_ = nullptr;
  std::shared_ptr<const Identity> own_; // the session reads from it
  std::optional<Expected> expected_;    // of a connection of ours
  bool is_client_ = false;
  std::optional<core::PeerId> peer_;
  bool ready_ = false;
  bool write_waits_ = false;
  std::string why_;
};

} // namespace spreadit::agent
