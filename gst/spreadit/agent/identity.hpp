// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <variant>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "core/vocabulary.hpp"

namespace spreadit::agent {

// The id that a certificate proves: the first 128 bits of the SHA-256 of its
// DER. A redirect that names an id thereby vouches for the certificate
// (docs/protocol.md, "TLS").
core::PeerId id_of_certificate (std::span<const std::uint8_t> der);

// The certificate and key of a node that speaks TLS. Made once, then read only:
// any thread.
class Identity {
public:
  // PEM: the certificate, those that signed it, and the private key. Or one
  // line that says what is wrong with it.
  static std::variant<std::shared_ptr<const Identity>, std::string> load (
      const std::string &file);
  // Signed by nobody but itself; its key has never been anywhere else.
  static std::variant<std::shared_ptr<const Identity>, std::string> make ();
  ~Identity ();
  Identity (const Identity &) = delete;
  Identity &operator= (const Identity &) = delete;

  [[nodiscard]] core::PeerId id () const { return id_; }
  [[nodiscard]] gnutls_certificate_credentials_t credentials () const
  {
    return credentials_;
  }

private:
  Identity () = default;
  // The first certificate of the credentials. Empty, or what is wrong.
  std::string read_id ();

  gnutls_certificate_credentials_t credentials_ = nullptr;
  core::PeerId id_;
};

// Who may vouch for the source of a stream, whose id nobody has named. Made
// once, then read only: any thread.
class Trust {
public:
  // The authorities in a PEM file; an empty name: those of the system. Or one
  // line that says what is wrong with it.
  static std::variant<std::shared_ptr<const Trust>, std::string> load (
      const std::string &file);
  ~Trust ();
  Trust (const Trust &) = delete;
  Trust &operator= (const Trust &) = delete;

  // Empty, or why `chain` (DER, the leaf first) is not that of `host`.
  [[nodiscard]] std::string why_not (
      std::span<const gnutls_datum_t> chain, const std::string &host) const;

private:
  Trust () = default;

  gnutls_x509_trust_list_t list_ = nullptr;
};

} // namespace spreadit::agent
