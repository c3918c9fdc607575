// The HTTP server of an element's node: gst/spreadit/http on a thread of its
// own, so that an application needs no main loop for it.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "http/address.hpp"
#include "http/moves.hpp"
#include "http/owned.hpp"
#include "http/site.hpp"
#include "http/source.hpp"
#include "http_module.h"

namespace {

using namespace spreadit::http;
using Manager = GstSpreaditPeeringManager;

// Of the thread, and of signal handlers that may still run when it ends.
struct Desk {
  explicit Desk (Manager *one)
      : manager (static_cast<Manager *> (gst_object_ref (one)))
  {
  }
  const Context context{g_main_context_new ()};
  const Owned<Manager> manager;
  std::atomic<bool> over = false;
  std::unique_ptr<Site> site; // the thread's
};

// The node's stream as its stats name it; none before and after the session.
std::vector<Stream>
streams_of (const Desk &desk)
{
  const Owned<GstStructure> stats (
      gst_spreadit_peering_manager_get_stats (desk.manager.get ()));
  const char *uri = gst_structure_get_string (stats.get (), "uri");
  if (!uri || !*uri)
    return {};
  return {Stream{uri, desk.manager.get ()}};
}

// Control thread.
void
tell (const std::shared_ptr<Desk> &desk, std::string what)
{
  struct Word {
    std::weak_ptr<Desk> desk;
    std::string what;
  };
  post (
      desk->context.get (),
      [] (gpointer data) -> gboolean {
        const Word &word = *static_cast<Word *> (data);
        const auto desk = word.desk.lock ();
        if (desk && desk->site)
          for (const Stream &stream : streams_of (*desk))
            desk->site->moved (stream.uri, word.what);
        return G_SOURCE_REMOVE;
      },
      new Word{desk, std::move (what)},
      [] (gpointer data) { delete static_cast<Word *> (data); });
}

using DeskPtr = std::shared_ptr<Desk>;

const DeskPtr &
desk_of (gpointer data)
{
  return *static_cast<DeskPtr *> (data);
}

void
on_parent_changed (Manager *, const gchar *, const gchar *address, guint level,
    gpointer data) noexcept
{
  tell (desk_of (data), parent_words (address, level));
}

void
on_child_added (
    Manager *, const gchar *, const gchar *address, gpointer data) noexcept
{
  tell (desk_of (data), child_words (address));
}

void
on_child_removed (Manager *, const gchar *, const gchar *address,
    gboolean failed, gpointer data) noexcept
{
  tell (desk_of (data), gone_words (address, failed));
}

void
on_state_changed (Manager *, GstSpreaditPeerState, GstSpreaditPeerState state,
    gpointer data) noexcept
{
  if (state == GST_SPREADIT_PEER_STATE_TRANSIENT)
    tell (desk_of (data), transient_words);
}

// Where it is served, or why not.
using Opened = std::variant<std::string, GError *>;

Opened
open_site (Desk &desk, const Address &address)
{
  auto opened = Site::open (address, [&desk] { return streams_of (desk); });
  if (const auto *why = std::get_if<std::string> (&opened))
    return g_error_new_literal (
        GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ_WRITE, why->c_str ());
  desk.site = std::get<std::unique_ptr<Site>> (std::move (opened));
  return desk.site->url ();
}

void
serve (const DeskPtr &desk, const Address &address,
    std::promise<Opened> opened) noexcept
{
  GMainContext *context = desk->context.get ();
  g_main_context_push_thread_default (context);
  opened.set_value (open_site (*desk, address));
  while (desk->site && !desk->over)
    g_main_context_iteration (context, TRUE);
  desk->site.reset ();
  while (g_main_context_iteration (context, FALSE))
    ; // what it has left for later
  g_main_context_pop_thread_default (context);
}

} // namespace

struct _GstSpreaditHttp {
  DeskPtr desk;
  std::string url;
  std::thread thread;
  std::vector<gulong> handlers;
};

namespace {

void
close_http (GstSpreaditHttp *http) noexcept
{
  Desk &desk = *http->desk;
  for (const gulong id : http->handlers)
    g_signal_handler_disconnect (desk.manager.get (), id);
  desk.over = true;
  g_main_context_wakeup (desk.context.get ());
  http->thread.join ();
  delete http;
}

void
connect (GstSpreaditHttp &http)
{
  const auto add = [&http] (const gchar *signal, auto handler) {
    http.handlers.push_back (g_signal_connect_data (
        http.desk->manager.get (), signal, G_CALLBACK (handler),
        new DeskPtr (http.desk),
        [] (gpointer data, GClosure *) {
          delete static_cast<DeskPtr *> (data);
        },
        GConnectFlags (0)));
  };
  add ("parent-changed", on_parent_changed);
  add ("child-added", on_child_added);
  add ("child-removed", on_child_removed);
  add ("state-changed", on_state_changed);
}

GstSpreaditHttp *
open_http (const gchar *text, Manager *manager, GError **error) noexcept
{
  const auto address = parse_address (text);
  if (!address) {
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
        "http-address is '%s'; give a port, or an address of this host and a "
        "port as in 127.0.0.1:8080",
        text);
    return nullptr;
  }
  auto http = std::make_unique<GstSpreaditHttp> ();
  http->desk = std::make_shared<Desk> (manager);
  std::promise<Opened> promise;
  auto future = promise.get_future ();
  http->thread = std::thread (serve, http->desk, *address, std::move (promise));
  const Opened opened = future.get ();
  if (auto *const *why = std::get_if<GError *> (&opened)) {
    g_propagate_error (error, *why);
    http->thread.join ();
    return nullptr;
  }
  http->url = std::get<std::string> (opened);
  connect (*http);
  return http.release ();
}

const gchar *
get_url (GstSpreaditHttp *http) noexcept
{
  return http->url.c_str ();
}

} // namespace

extern "C" {

GST_PLUGIN_EXPORT const GstSpreaditHttpModule *
gst_spreadit_http_module (void)
{
  static constexpr GstSpreaditHttpModule module = {
      GST_SPREADIT_HTTP_MODULE_VERSION, open_http, get_url, close_http};
  return &module;
}

} // extern "C"
