// Who signs certificates in tests.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <string>

#include <gnutls/x509.h>

namespace spreadit::test {

// A directory of our own under the system's, gone with us.
class ScratchDirectory {
public:
  ScratchDirectory ();
  ~ScratchDirectory ();
  ScratchDirectory (const ScratchDirectory &) = delete;
  ScratchDirectory &operator= (const ScratchDirectory &) = delete;
  [[nodiscard]] std::string file (const std::string &name) const
  {
    return (path_ / name).string ();
  }
  // Its name.
  [[nodiscard]] std::string write (
      const std::string &name, const std::string &text) const;

private:
  std::filesystem::path path_;
};

class Authority {
public:
  explicit Authority (const std::string &name = "Tests");
  ~Authority ();
  Authority (const Authority &) = delete;
  Authority &operator= (const Authority &) = delete;

  [[nodiscard]] std::string pem () const; // of its own certificate
  // Certificate and key of `host`, a name or an IPv4 address.
  [[nodiscard]] std::string sign (const std::string &host) const;

private:
  gnutls_x509_privkey_t key_ = nullptr;
  gnutls_x509_crt_t certificate_ = nullptr;
};

} // namespace spreadit::test
