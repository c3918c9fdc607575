// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/identity.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <fstream>
#include <iterator>
#include <vector>

#include <gio/gio.h>
#include <gnutls/crypto.h>

namespace spreadit::agent {

namespace {

// A chain longer than that is nobody's (GnuTLS reads 16 by default).
constexpr unsigned chain_max = 16;

std::string
words (int error)
{
  return gnutls_strerror (error);
}

// Its text, or why not, in the system's words: GnuTLS has less to say.
std::variant<std::string, std::string>
read_file (const std::string &name)
{
  using Result = std::variant<std::string, std::string>;
  std::ifstream file (name, std::ios::binary);
  if (!file)
    return Result (std::in_place_index<1>, g_strerror (errno));
  return Result (std::in_place_index<0>, std::istreambuf_iterator<char> (file),
      std::istreambuf_iterator<char> ());
}

gnutls_datum_t
datum_of (std::string &text)
{
  return {reinterpret_cast<unsigned char *> (text.data ()),
      static_cast<unsigned> (text.size ())};
}

// Owners of GnuTLS's handles.
struct Certificate {
  Certificate () { gnutls_x509_crt_init (&it); }
  ~Certificate () { gnutls_x509_crt_deinit (it); }
  Certificate (const Certificate &) = delete;
  Certificate &operator= (const Certificate &) = delete;
  gnutls_x509_crt_t it = nullptr;
};
struct PrivateKey {
  PrivateKey () { gnutls_x509_privkey_init (&it); }
  ~PrivateKey () { gnutls_x509_privkey_deinit (it); }
  PrivateKey (const PrivateKey &) = delete;
  PrivateKey &operator= (const PrivateKey &) = delete;
  gnutls_x509_privkey_t it = nullptr;
};

// The first that fails is told.
int
sign_by_itself (gnutls_x509_crt_t certificate, gnutls_x509_privkey_t key)
{
  std::array<unsigned char, 16> serial;
  const char name[] = "SpreadIt peer";
  int error = gnutls_rnd (GNUTLS_RND_NONCE, serial.data (), serial.size ());
  serial[0] &= 0x7f; // a positive number (RFC 5280 4.1.2.2)
  const auto then = [&error] (int next) {
    if (error >= 0)
      error = next;
  };
  then (gnutls_x509_crt_set_version (certificate, 3));
  then (
      gnutls_x509_crt_set_serial (certificate, serial.data (), serial.size ()));
  then (gnutls_x509_crt_set_dn_by_oid (
      certificate, GNUTLS_OID_X520_COMMON_NAME, 0, name, sizeof name - 1));
  // Who reads it goes by the id. A host whose clock is wrong is still served.
  then (gnutls_x509_crt_set_activation_time (certificate, 0));
  then (gnutls_x509_crt_set_expiration_time (
      certificate, static_cast<time_t> (-1)));
  then (gnutls_x509_crt_set_key_usage (
      certificate, GNUTLS_KEY_DIGITAL_SIGNATURE));
  then (gnutls_x509_crt_set_key (certificate, key));
  then (gnutls_x509_crt_sign2 (
      certificate, certificate, key, GNUTLS_DIG_SHA256, 0));
  return error;
}

} // namespace

core::PeerId
id_of_certificate (std::span<const std::uint8_t> der)
{
  std::array<std::uint8_t, 32> digest{};
  gnutls_hash_fast (
      GNUTLS_DIG_SHA256, der.data (), der.size (), digest.data ());
  core::PeerId id;
  for (std::size_t i = 0; i < 8; ++i) {
    id.high = id.high << 8 | digest[i];
    id.low = id.low << 8 | digest[8 + i];
  }
  return id;
}

std::variant<std::shared_ptr<const Identity>, std::string>
Identity::load (const std::string &file)
{
  auto text = read_file (file);
  if (const auto *why = std::get_if<1> (&text))
    return "cannot read '" + file + "': " + *why;
  const gnutls_datum_t pem = datum_of (std::get<0> (text));
  std::shared_ptr<Identity> self (new Identity);
  gnutls_certificate_allocate_credentials (&self->credentials_);
  const int error = gnutls_certificate_set_x509_key_mem2 (
      self->credentials_, &pem, &pem, GNUTLS_X509_FMT_PEM, nullptr, 0);
  if (error < 0)
    return "'" + file +
           "' is no certificate with its key, in PEM: " + words (error);
  if (auto why = self->read_id (); !why.empty ())
    return "'" + file + "': " + why;
  return self;
}

std::variant<std::shared_ptr<const Identity>, std::string>
Identity::make ()
{
  std::shared_ptr<Identity> self (new Identity);
  gnutls_certificate_allocate_credentials (&self->credentials_);
  Certificate certificate;
  const PrivateKey key;
  int error = gnutls_x509_privkey_generate (key.it, GNUTLS_PK_ECDSA,
      GNUTLS_CURVE_TO_BITS (GNUTLS_ECC_CURVE_SECP256R1), 0);
  if (error >= 0)
    error = sign_by_itself (certificate.it, key.it);
  if (error >= 0)
    error = gnutls_certificate_set_x509_key (
        self->credentials_, &certificate.it, 1, key.it);
  if (error < 0)
    return "cannot make a certificate: " + words (error);
  if (auto why = self->read_id (); !why.empty ())
    return why;
  return self;
}

Identity::~Identity ()
{
  if (credentials_)
    gnutls_certificate_free_credentials (credentials_);
}

std::string
Identity::read_id ()
{
  gnutls_datum_t der{};
  const int error = gnutls_certificate_get_crt_raw (credentials_, 0, 0, &der);
  if (error < 0)
    return "no certificate in it: " + words (error);
  id_ = id_of_certificate ({der.data, der.size});
  return {};
}

std::variant<std::shared_ptr<const Trust>, std::string>
Trust::load (const std::string &file)
{
  std::shared_ptr<Trust> self (new Trust);
  gnutls_x509_trust_list_init (&self->list_, 0);
  if (file.empty ()) {
    // A system that trusts nobody: said when it matters.
    gnutls_x509_trust_list_add_system_trust (self->list_, 0, 0);
    return self;
  }
  auto text = read_file (file);
  if (const auto *why = std::get_if<1> (&text))
    return "cannot read '" + file + "': " + *why;
  const gnutls_datum_t pem = datum_of (std::get<0> (text));
  const int count = gnutls_x509_trust_list_add_trust_mem (
      self->list_, &pem, nullptr, GNUTLS_X509_FMT_PEM, 0, 0);
  if (count < 0)
    return "'" + file + "' has no certificates in PEM: " + words (count);
  if (count == 0)
    return "there is no certificate in '" + file + "'";
  return self;
}

Trust::~Trust ()
{
  if (list_)
    gnutls_x509_trust_list_deinit (list_, 1);
}

std::string
Trust::why_not (
    std::span<const gnutls_datum_t> chain, const std::string &host) const
{
  std::vector<gnutls_x509_crt_t> certificates;
  int error = 0;
  for (const auto &der :
      chain.first (std::min<std::size_t> (chain.size (), chain_max))) {
    gnutls_x509_crt_t one = nullptr;
    gnutls_x509_crt_init (&one);
    certificates.push_back (one);
    error = std::min (
        error, gnutls_x509_crt_import (one, &der, GNUTLS_X509_FMT_DER));
  }
  unsigned status = 0;
  if (error >= 0) {
    gnutls_typed_vdata_st name{};
    name.type = GNUTLS_DT_DNS_HOSTNAME;
    name.data = reinterpret_cast<unsigned char *> (
        const_cast<char *> (host.c_str ())); // only read
    error = gnutls_x509_trust_list_verify_crt2 (list_, certificates.data (),
        static_cast<unsigned> (certificates.size ()), &name, 1, 0, &status,
        nullptr);
  }
  for (auto *one : certificates)
    gnutls_x509_crt_deinit (one);
  if (error < 0)
    return words (error);
  if (status == 0)
    return {};
  gnutls_datum_t text{};
  std::string why = "it is not trusted";
  if (gnutls_certificate_verification_status_print (
          status, GNUTLS_CRT_X509, &text, 0) >= 0) {
    why.assign (reinterpret_cast<const char *> (text.data), text.size);
    gnutls_free (text.data);
    while (!why.empty () && (why.back () == ' ' || why.back () == '.'))
      why.pop_back ();
  }
  return why;
}

} // namespace spreadit::agent
