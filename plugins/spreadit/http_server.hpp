// HTTP for an element's node, from a module that is loaded when it is wanted.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include <gst/spreadit/spreadit.h>

#include "http_module.h"
#include "owned.hpp"

namespace spreadit {

class HttpServer {
public:
  // Nothing with an error that says what happened and what to do.
  static std::unique_ptr<HttpServer> open (const gchar *address,
      GstSpreaditPeeringManager *manager, Owned<GError> *error);
  ~HttpServer ();
  HttpServer (const HttpServer &) = delete;
  HttpServer &operator= (const HttpServer &) = delete;

  // Where a browser finds it.
  [[nodiscard]] const gchar *url () const { return module_.get_url (http_); }

private:
  HttpServer (const GstSpreaditHttpModule &module, GstSpreaditHttp *http)
      : module_ (module), http_ (http)
  {
  }

  const GstSpreaditHttpModule &module_;
  GstSpreaditHttp *http_;
};

} // namespace spreadit
