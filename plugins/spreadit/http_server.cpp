// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http_server.hpp"

#include <mutex>
#include <string>

#include <dlfcn.h>

namespace spreadit {

namespace {

constexpr const gchar *libsoup_2 = "libsoup-2.4.so.1";

Owned<GError>
problem (GstResourceError code, const std::string &what)
{
  return Owned<GError> (
      g_error_new_literal (GST_RESOURCE_ERROR, code, what.c_str ()));
}

// libsoup 3 would end the process.
bool
has_libsoup_2 ()
{
  void *there = dlopen (libsoup_2, RTLD_LAZY | RTLD_NOLOAD);
  if (there)
    dlclose (there);
  return there != nullptr;
}

std::string
module_path ()
{
  const gchar *folder = g_getenv ("GST_SPREADIT_MODULE_PATH");
  return std::string (folder ? folder : SPREADIT_MODULE_DIR) +
         "/libspreadit-http.so";
}

// Never unloaded: it has types and threads of libraries that cannot be.
const GstSpreaditHttpModule *
load (Owned<GError> *error)
{
  static std::mutex lock;
  static const GstSpreaditHttpModule *loaded = nullptr;
  const std::lock_guard guard (lock);
  if (loaded)
    return loaded;
  if (has_libsoup_2 ()) {
    *error = problem (GST_RESOURCE_ERROR_FAILED,
        std::string ("cannot serve HTTP: something else in this process uses "
                     "libsoup 2 (") +
            libsoup_2 +
            "), which cannot be together with libsoup 3; leave http-address "
            "unset, or have gst-spreadit-relay --http relay the stream");
    return nullptr;
  }
  const std::string path = module_path ();
  void *module = dlopen (path.c_str (), RTLD_NOW | RTLD_LOCAL);
  if (!module) {
    const gchar *why = dlerror ();
    *error = problem (GST_RESOURCE_ERROR_NOT_FOUND,
        std::string ("cannot serve HTTP: ") + (why ? why : path.c_str ()) +
            "; install the HTTP module of SpreadIt (Debian: "
            "gstreamer1.0-spreadit-http), or leave http-address unset");
    return nullptr;
  }
  const auto get = reinterpret_cast<GstSpreaditHttpModuleGet> (
      dlsym (module, GST_SPREADIT_HTTP_MODULE_SYMBOL));
  const GstSpreaditHttpModule *found = get ? get () : nullptr;
  if (!found || found->version != GST_SPREADIT_HTTP_MODULE_VERSION) {
    *error = problem (GST_RESOURCE_ERROR_FAILED,
        "cannot serve HTTP: " + path +
            " is of another version than this plugin; install both of the "
            "same, or leave http-address unset");
    return nullptr;
  }
  loaded = found;
  return loaded;
}

} // namespace

std::unique_ptr<HttpServer>
HttpServer::open (const gchar *address, GstSpreaditPeeringManager *manager,
    Owned<GError> *error)
{
  const GstSpreaditHttpModule *module = load (error);
  if (!module)
    return nullptr;
  GError *why = nullptr;
  GstSpreaditHttp *http = module->open (address, manager, &why);
  if (!http) {
    error->reset (why);
    return nullptr;
  }
  return std::unique_ptr<HttpServer> (new HttpServer (*module, http));
}

HttpServer::~HttpServer ()
{
  module_.close (http_);
}

} // namespace spreadit
