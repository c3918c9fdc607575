// SPDX-License-Identifier: LGPL-2.1-or-later
#include "authority.hpp"

#include <cstdlib>
#include <ctime>
#include <fstream>

#include <arpa/inet.h>

namespace spreadit::test {

namespace {

constexpr time_t day = 24 * 3600;

gnutls_x509_privkey_t
new_key ()
{
  gnutls_x509_privkey_t key = nullptr;
  gnutls_x509_privkey_init (&key);
  gnutls_x509_privkey_generate (key, GNUTLS_PK_ECDSA,
      GNUTLS_CURVE_TO_BITS (GNUTLS_ECC_CURVE_SECP256R1), 0);
  return key;
}

gnutls_x509_crt_t
new_certificate (const std::string &name, gnutls_x509_privkey_t key)
{
  gnutls_x509_crt_t certificate = nullptr;
  gnutls_x509_crt_init (&certificate);
  gnutls_x509_crt_set_version (certificate, 3);
  gnutls_x509_crt_set_serial (certificate, "\x01", 1);
  gnutls_x509_crt_set_dn_by_oid (certificate, GNUTLS_OID_X520_COMMON_NAME, 0,
      name.data (), static_cast<unsigned> (name.size ()));
  gnutls_x509_crt_set_activation_time (certificate, time (nullptr) - day);
  gnutls_x509_crt_set_expiration_time (certificate, time (nullptr) + day);
  gnutls_x509_crt_set_key (certificate, key);
  return certificate;
}

std::string
taken (gnutls_datum_t text)
{
  std::string result (reinterpret_cast<char *> (text.data), text.size);
  gnutls_free (text.data);
  return result;
}

} // namespace

ScratchDirectory::ScratchDirectory ()
{
  std::string name =
      (std::filesystem::temp_directory_path () / "spreadit-XXXXXX").string ();
  if (mkdtemp (name.data ()))
    path_ = name;
}

ScratchDirectory::~ScratchDirectory ()
{
  std::error_code ignored;
  if (!path_.empty ())
    std::filesystem::remove_all (path_, ignored);
}

std::string
ScratchDirectory::write (const std::string &name, const std::string &text) const
{
  std::ofstream (path_ / name) << text;
  return file (name);
}

Authority::Authority (const std::string &name)
    : key_ (new_key ()), certificate_ (new_certificate (name, key_))
{
  gnutls_x509_crt_set_basic_constraints (certificate_, 1, -1);
  gnutls_x509_crt_set_key_usage (certificate_, GNUTLS_KEY_KEY_CERT_SIGN);
  gnutls_x509_crt_sign2 (
      certificate_, certificate_, key_, GNUTLS_DIG_SHA256, 0);
}

Authority::~Authority ()
{
  gnutls_x509_crt_deinit (certificate_);
  gnutls_x509_privkey_deinit (key_);
}

std::string
Authority::pem () const
{
  gnutls_datum_t text{};
  gnutls_x509_crt_export2 (certificate_, GNUTLS_X509_FMT_PEM, &text);
  return taken (text);
}

std::string
Authority::sign (const std::string &host) const
{
  gnutls_x509_privkey_t key = new_key ();
  gnutls_x509_crt_t certificate = new_certificate (host, key);
  in_addr address;
  if (inet_pton (AF_INET, host.c_str (), &address) == 1)
    gnutls_x509_crt_set_subject_alt_name (certificate, GNUTLS_SAN_IPADDRESS,
        &address, sizeof address, GNUTLS_FSAN_SET);
  else
    gnutls_x509_crt_set_subject_alt_name (certificate, GNUTLS_SAN_DNSNAME,
        host.data (), static_cast<unsigned> (host.size ()), GNUTLS_FSAN_SET);
  gnutls_x509_crt_sign2 (certificate, certificate_, key_, GNUTLS_DIG_SHA256, 0);
  gnutls_datum_t text{};
  gnutls_x509_crt_export2 (certificate, GNUTLS_X509_FMT_PEM, &text);
  std::string pem = taken (text);
  gnutls_x509_privkey_export2 (key, GNUTLS_X509_FMT_PEM, &text);
  pem += taken (text);
  gnutls_x509_crt_deinit (certificate);
  gnutls_x509_privkey_deinit (key);
  return pem;
}

} // namespace spreadit::test
