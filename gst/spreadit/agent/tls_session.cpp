// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/tls_session.hpp"

#include <utility>

#include <gio/gio.h>

#include "rtsp/headers.hpp"

namespace spreadit::agent {

namespace {

constexpr const char *priorities =
    "NORMAL:-VERS-TLS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

// Nobody has that many to say at once.
constexpr unsigned warnings_max = 16;

bool
must_wait (ssize_t result)
{
  return result == GNUTLS_E_AGAIN || result == GNUTLS_E_INTERRUPTED;
}

// What a server says that has no TLS, a version older than 1.2, or none in
// common, read as TLS.
bool
is_no_tls (int error)
{
  return error == GNUTLS_E_UNEXPECTED_PACKET_LENGTH ||
         error == GNUTLS_E_UNSUPPORTED_VERSION_PACKET ||
         error == GNUTLS_E_UNEXPECTED_PACKET ||
         error == GNUTLS_E_RECORD_OVERFLOW;
}

} // namespace

std::unique_ptr<TlsSession>
TlsSession::connect (int fd, std::shared_ptr<const Identity> own,
    std::optional<Expected> expected)
{
  std::unique_ptr<TlsSession> self (new TlsSession);
  self->own_ = std::move (own);
  self->expected_ = std::move (expected);
  self->is_client_ = true;
  // Ours is signed by nobody the other side could name, and is to be sent all
  // the same: it shows that our id is ours.
  self->begin (fd, GNUTLS_CLIENT | GNUTLS_FORCE_CLIENT_CERT);
  const std::string host = self->expected_ ? self->expected_->host : "";
  if (!host.empty () && !g_hostname_is_ip_address (host.c_str ()))
    gnutls_server_name_set (
        self->session_, GNUTLS_NAME_DNS, host.data (), host.size ());
  return self;
}

std::unique_ptr<TlsSession>
TlsSession::accept (int fd, std::shared_ptr<const Identity> own)
{
  std::unique_ptr<TlsSession> self (new TlsSession);
  self->own_ = std::move (own);
  self->begin (fd, GNUTLS_SERVER);
  // Of a peer; a plain player need not have one.
  gnutls_certificate_server_set_request (self->session_, GNUTLS_CERT_REQUEST);
  gnutls_certificate_send_x509_rdn_sequence (self->session_, 1); // from anyone
  return self;
}

void
TlsSession::begin (int fd, unsigned flags)
{
  gnutls_init (&session_, flags | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
  gnutls_priority_set_direct (session_, priorities, nullptr);
  gnutls_credentials_set (
      session_, GNUTLS_CRD_CERTIFICATE, own_->credentials ());
  gnutls_transport_set_int (session_, fd);
  // Whoever waits for it has a bound of its own.
  gnutls_handshake_set_timeout (session_, 0);
}

TlsSession::~TlsSession ()
{
  gnutls_deinit (session_);
}

TlsSession::Handshake
TlsSession::handshake ()
{
  for (unsigned warnings = 0; warnings < warnings_max; ++warnings) {
    const int error = gnutls_handshake (session_);
    if (error == GNUTLS_E_SUCCESS)
      return check ();
    if (must_wait (error))
      return gnutls_record_get_direction (session_) ? Handshake::wants_output
                                                    : Handshake::wants_input;
    if (!gnutls_error_is_fatal (error))
      continue; // a warning
    if (is_no_tls (error) && is_client_) {
      why_ = "not TLS; a stream there is spreadit://";
      return Handshake::not_tls;
    }
    why_ = std::string ("TLS: ") + gnutls_strerror (error);
    if (error == GNUTLS_E_FATAL_ALERT_RECEIVED)
      why_ += std::string (": ") +
              gnutls_alert_get_name (gnutls_alert_get (session_));
    gnutls_alert_send_appropriate (session_, error); // as far as it goes
    return Handshake::failed;
  }
  why_ = "TLS: warnings without end";
  return Handshake::failed;
}

TlsSession::Handshake
TlsSession::check ()
{
  unsigned count = 0;
  const gnutls_datum_t *chain = gnutls_certificate_get_peers (session_, &count);
  if (chain && count > 0)
    peer_ = id_of_certificate ({chain[0].data, chain[0].size});
  if (expected_) {
    const bool is_named = peer_ && expected_->id == peer_;
    if (!is_named && !peer_)
      why_ = "it has no certificate";
    else if (!is_named && !expected_->trust)
      why_ = "its certificate is that of " + rtsp::to_string (*peer_) +
             ", another peer";
    else if (!is_named)
      why_ = expected_->trust->why_not ({chain, count}, expected_->host);
    if (!is_named && !why_.empty ()) {
      gnutls_alert_send (session_, GNUTLS_AL_FATAL, GNUTLS_A_BAD_CERTIFICATE);
      return Handshake::untrusted;
    }
  }
  ready_ = true;
  return Handshake::done;
}

std::optional<std::ptrdiff_t>
TlsSession::read (char *buffer, std::size_t size)
{
  for (unsigned warnings = 0; warnings < warnings_max; ++warnings) {
    const ssize_t n = gnutls_record_recv (session_, buffer, size);
    if (n >= 0)
      return n;
    if (must_wait (n))
      return std::nullopt;
    if (n == GNUTLS_E_PREMATURE_TERMINATION)
      return 0; // RTSP says itself where its messages end
    // A warning, or of TLS 1.2 the wish to begin anew, which need not be
    // granted.
    if (n == GNUTLS_E_REHANDSHAKE ||
        !gnutls_error_is_fatal (static_cast<int> (n)))
      continue;
    why_ = std::string ("TLS: ") + gnutls_strerror (static_cast<int> (n));
    return n;
  }
  why_ = "TLS: warnings without end";
  return GNUTLS_E_WARNING_ALERT_RECEIVED;
}

std::ptrdiff_t
TlsSession::write (const char *data, std::size_t size)
{
  // The record is made already: it goes, whatever stands behind it now.
  const ssize_t n = write_waits_ ? gnutls_record_send (session_, nullptr, 0)
                                 : gnutls_record_send (session_, data, size);
  write_waits_ = must_wait (n);
  return write_waits_ ? 0 : n;
}

void
TlsSession::say_goodbye ()
{
  if (ready_)
    gnutls_bye (session_, GNUTLS_SHUT_WR); // if the socket takes it
}

} // namespace spreadit::agent
