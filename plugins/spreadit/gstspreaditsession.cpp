// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstspreaditsession.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "http_server.hpp"
#include "owned.hpp"

GST_DEBUG_CATEGORY_STATIC (spreadit_session_debug);
#define GST_CAT_DEFAULT spreadit_session_debug

using namespace spreadit;

namespace {

using Manager = GstSpreaditPeeringManager;

// To say goodbye to a parent takes one round trip; one that does not answer is
// not worth more of the user's patience than this.
constexpr GstClockTime farewell_max = 500 * GST_MSECOND;
// Beyond `linger`: plain players have 4 s to play what they hold.
constexpr GstClockTime linger_slack = 4500 * GST_MSECOND;

// Shared with the signal handlers, which may still be running on the control
// thread when the session is freed.
struct Shared {
  GWeakRef owner;
  GstSpreaditSessionEvents events{};
  GstSpreaditRole role = GST_SPREADIT_ROLE_PEER;
  // Between begin and close of a session that this element is in charge of.
  std::atomic<bool> reporting{false};
  std::atomic<bool> opening{false}; // progress `open` started, not ended
  std::atomic<bool> over{false};
  std::atomic<bool> transient{false};
  std::atomic<gint64> transient_since{0}; // g_get_monotonic_time ()
  std::atomic<guint> children{0};

  Shared (GstElement *element) { g_weak_ref_init (&owner, element); }
  ~Shared () { g_weak_ref_clear (&owner); }
  Shared (const Shared &) = delete;
  Shared &operator= (const Shared &) = delete;

  Owned<GstElement> get_owner ()
  {
    return Owned<GstElement> (
        static_cast<GstElement *> (g_weak_ref_get (&owner)));
  }
};
using SharedPtr = std::shared_ptr<Shared>;

} // namespace

struct _GstSpreaditSession {
  GstElement *owner; // borrowed: it owns us
  SharedPtr shared;
  std::mutex lock;        // guards what follows
  Owned<Manager> manager; // never null
  std::vector<gulong> handlers;
  bool in_charge = true;
  Owned<gchar> http_address;        // null: none
  std::unique_ptr<HttpServer> http; // state changes only
};

namespace {

// Messages.

void
post_structure (GstElement *owner, GstStructure *structure)
{
  gst_element_post_message (
      owner, gst_message_new_element (GST_OBJECT (owner), structure));
}

void
post_progress (GstElement *owner, GstProgressType type, const gchar *text)
{
  gst_element_post_message (
      owner, gst_message_new_progress (GST_OBJECT (owner), type, "open", text));
}

void
end_opening (
    Shared &shared, GstElement *owner, GstProgressType type, const gchar *text)
{
  if (shared.opening.exchange (false))
    post_progress (owner, type, text);
}

// The same domain, code and text, so that an application can tell "no peer has
// room" from "no such stream".
void
post_error (GstElement *owner, const GError *error, const gchar *debug)
{
  gst_element_message_full (owner, GST_MESSAGE_ERROR, error->domain,
      error->code, g_strdup (error->message), g_strdup (debug), __FILE__,
      GST_FUNCTION, __LINE__);
}

// Signal handlers (control thread).

void
on_parent_changed (Manager *, const gchar *id, const gchar *address,
    guint level, gpointer data) noexcept
{
  Shared &shared = **static_cast<SharedPtr *> (data);
  const auto owner = shared.get_owner ();
  if (!owner || !shared.reporting)
    return;
  GST_INFO_OBJECT (owner.get (), "parent is now %s at %s, we are on level %u",
      id, address, level);
  end_opening (
      shared, owner.get (), GST_PROGRESS_TYPE_COMPLETE, "Found a parent");
  post_structure (
      owner.get (), gst_structure_new ("spreadit-parent-changed", "id",
                        G_TYPE_STRING, id, "address", G_TYPE_STRING, address,
                        "level", G_TYPE_UINT, level, nullptr));
}

void
on_child_added (Manager *, const gchar *, const gchar *, gpointer data) noexcept
{
  ++(*static_cast<SharedPtr *> (data))->children;
}

void
on_child_removed (
    Manager *, const gchar *, const gchar *, gboolean, gpointer data) noexcept
{
  auto &children = (*static_cast<SharedPtr *> (data))->children;
  guint n = children;
  while (n > 0 && !children.compare_exchange_weak (n, n - 1))
    ;
}

void
on_state_changed (Manager *, GstSpreaditPeerState from, GstSpreaditPeerState to,
    gpointer data) noexcept
{
  Shared &shared = **static_cast<SharedPtr *> (data);
  const auto owner = shared.get_owner ();
  if (!owner)
    return;
  const bool was_transient =
      shared.transient.exchange (to == GST_SPREADIT_PEER_STATE_TRANSIENT);
  if (shared.transient && !was_transient) {
    shared.transient_since = g_get_monotonic_time ();
    if (shared.reporting)
      post_structure (
          owner.get (), gst_structure_new_empty ("spreadit-transient"));
  } else if (was_transient && to == GST_SPREADIT_PEER_STATE_RECEIVING) {
    const guint64 ms =
        (g_get_monotonic_time () - shared.transient_since) / 1000;
    if (shared.reporting)
      post_structure (
          owner.get (), gst_structure_new ("spreadit-recovered",
                            "transience-ms", G_TYPE_UINT64, ms, nullptr));
  }
  if (shared.events.state_changed)
    shared.events.state_changed (owner.get (), to);
}

void
on_media_changed (Manager *, const gchar *sdp, gpointer data) noexcept
{
  Shared &shared = **static_cast<SharedPtr *> (data);
  const auto owner = shared.get_owner ();
  if (!owner)
    return;
  GST_DEBUG_OBJECT (owner.get (), "media are now\n%s", sdp);
  if (shared.events.media_changed)
    shared.events.media_changed (owner.get (), sdp);
}

void
on_unavailable (Manager *, const GError *error, gpointer data) noexcept
{
  Shared &shared = **static_cast<SharedPtr *> (data);
  const auto owner = shared.get_owner ();
  if (!owner || shared.over.exchange (true))
    return;
  if (shared.reporting) {
    end_opening (shared, owner.get (), GST_PROGRESS_TYPE_ERROR, error->message);
    post_error (owner.get (), error, "the application session is over");
  }
  if (shared.events.over)
    shared.events.over (owner.get (), TRUE);
}

void
on_ended (Manager *, gpointer data) noexcept
{
  Shared &shared = **static_cast<SharedPtr *> (data);
  const auto owner = shared.get_owner ();
  if (!owner || shared.over.exchange (true))
    return;
  GST_INFO_OBJECT (owner.get (), "the source has ended the stream");
  if (shared.events.over)
    shared.events.over (owner.get (), FALSE);
}

void
drop_shared (gpointer data, GClosure *) noexcept
{
  delete static_cast<SharedPtr *> (data);
}

void
disconnect (GstSpreaditSession &session)
{
  for (const gulong id : session.handlers)
    g_signal_handler_disconnect (session.manager.get (), id);
  session.handlers.clear ();
}

void
connect (GstSpreaditSession &session)
{
  const auto add = [&session] (const gchar *signal, auto handler) {
    session.handlers.push_back (g_signal_connect_data (session.manager.get (),
        signal, G_CALLBACK (handler), new SharedPtr (session.shared),
        drop_shared, GConnectFlags (0)));
  };
  add ("parent-changed", on_parent_changed);
  add ("child-added", on_child_added);
  add ("child-removed", on_child_removed);
  add ("state-changed", on_state_changed);
  add ("media-changed", on_media_changed);
  add ("unavailable", on_unavailable);
  add ("ended", on_ended);
}

// The application session.

bool
begin (GstSpreaditSession &session, Manager *manager)
{
  Shared &shared = *session.shared;
  const bool is_peer = shared.role == GST_SPREADIT_ROLE_PEER;
  shared.over = false;
  shared.transient = false;
  shared.children = 0;
  gst_spreadit_peering_manager_set_flushing (manager, FALSE);
  if (!session.in_charge)
    return true;

  shared.reporting = true;
  if (is_peer) {
    shared.opening = true;
    post_progress (
        session.owner, GST_PROGRESS_TYPE_START, "Looking for a parent");
  }
  GError *failure = nullptr;
  const bool ok =
      is_peer ? gst_spreadit_peering_manager_get_stream (manager, &failure)
              : gst_spreadit_peering_manager_publish (manager, &failure);
  const Owned<GError> error (failure);
  if (ok)
    return true;
  end_opening (shared, session.owner, GST_PROGRESS_TYPE_ERROR, error->message);
  post_error (session.owner, error.get (), "could not begin");
  shared.reporting = false;
  return false;
}

// The data flows meanwhile, so that children miss nothing on their way.
void
leave (GstSpreaditSession &session, Manager *manager)
{
  Shared &shared = *session.shared;
  if (!session.in_charge || !shared.reporting || shared.over)
    return;
  guint linger_ms = 0;
  g_object_get (manager, "linger", &linger_ms, nullptr);
  const GstClockTime patience =
      shared.children ? linger_ms * GST_MSECOND + linger_slack : farewell_max;
  if (!gst_spreadit_peering_manager_leave_and_wait (manager, patience))
    GST_WARNING_OBJECT (session.owner,
        "not everybody has moved within %" GST_TIME_FORMAT,
        GST_TIME_ARGS (patience));
}

void
close (GstSpreaditSession &session, Manager *manager)
{
  if (!session.in_charge || !session.shared->reporting.exchange (false))
    return;
  gst_spreadit_peering_manager_close (manager);
  end_opening (*session.shared, session.owner, GST_PROGRESS_TYPE_CANCELED,
      "No longer looking for a parent");
}

// HTTP.

// Once there is a node to tell of. Posts the error when it cannot be served:
// who asks for it wants to see something.
bool
open_http (GstSpreaditSession &session, Manager *manager)
{
  Owned<gchar> address;
  {
    const std::lock_guard guard (session.lock);
    address.reset (g_strdup (session.http_address.get ()));
  }
  if (!address || !*address)
    return true;
  Owned<GError> error;
  session.http = HttpServer::open (address.get (), manager, &error);
  if (!session.http) {
    post_error (session.owner, error.get (), "http-address is set");
    return false;
  }
  GST_INFO_OBJECT (session.owner, "HTTP at %s", session.http->url ());
  post_structure (
      session.owner, gst_structure_new ("spreadit-http", "url", G_TYPE_STRING,
                         session.http->url (), nullptr));
  return true;
}

// Properties.

constexpr const gchar *http_address_name = "http-address";

constexpr std::array<std::string_view, 4> internals = {
    "id", "port", "state", "sdp"}; // reached through `manager`
// A source has no parent to look for and always relays.
constexpr std::array<std::string_view, 3> for_peers_only = {
    "relay", "max-tries", "standby"};

template <std::size_t n>
bool
contains (const std::array<std::string_view, n> &names, std::string_view name)
{
  return std::find (names.begin (), names.end (), name) != names.end ();
}

// A param spec belongs to one class: this makes another of the same name, range
// and words, so that the manager stays the one place that says them. Null for a
// type that no session property has.
GParamSpec *
clone (GParamSpec *spec)
{
  const gchar *name = spec->name;
  const gchar *nick = g_param_spec_get_nick (spec);
  const gchar *blurb = g_param_spec_get_blurb (spec);
  const GParamFlags flags = spec->flags;
  if (G_IS_PARAM_SPEC_BOOLEAN (spec))
    return g_param_spec_boolean (
        name, nick, blurb, G_PARAM_SPEC_BOOLEAN (spec)->default_value, flags);
  if (auto *uint =
          G_IS_PARAM_SPEC_UINT (spec) ? G_PARAM_SPEC_UINT (spec) : nullptr)
    return g_param_spec_uint (name, nick, blurb, uint->minimum, uint->maximum,
        uint->default_value, flags);
  if (auto *uint64 =
          G_IS_PARAM_SPEC_UINT64 (spec) ? G_PARAM_SPEC_UINT64 (spec) : nullptr)
    return g_param_spec_uint64 (name, nick, blurb, uint64->minimum,
        uint64->maximum, uint64->default_value, flags);
  if (G_IS_PARAM_SPEC_STRING (spec))
    return g_param_spec_string (
        name, nick, blurb, G_PARAM_SPEC_STRING (spec)->default_value, flags);
  if (G_IS_PARAM_SPEC_ENUM (spec))
    return g_param_spec_enum (name, nick, blurb, spec->value_type,
        G_PARAM_SPEC_ENUM (spec)->default_value, flags);
  if (G_IS_PARAM_SPEC_BOXED (spec))
    return g_param_spec_boxed (name, nick, blurb, spec->value_type, flags);
  return nullptr;
}

} // namespace

void
gst_spreadit_session_install_properties (
    GObjectClass *klass, GstSpreaditRole role, guint first_id)
{
  auto *manager_class = static_cast<GObjectClass *> (
      g_type_class_ref (GST_TYPE_SPREADIT_PEERING_MANAGER));
  guint n = 0;
  GParamSpec **specs = g_object_class_list_properties (manager_class, &n);
  guint id = first_id;
  for (guint i = 0; i < n; ++i) {
    GParamSpec *spec = specs[i];
    if (spec->owner_type != GST_TYPE_SPREADIT_PEERING_MANAGER ||
        contains (internals, spec->name) ||
        (role == GST_SPREADIT_ROLE_SOURCE &&
            contains (for_peers_only, spec->name)))
      continue;
    if (GParamSpec *own = clone (spec))
      g_object_class_install_property (klass, id++, own);
  }
  g_free (specs);
  g_type_class_unref (manager_class);
  g_object_class_install_property (klass, id,
      g_param_spec_string (http_address_name, "HTTP address",
          "[HOST:]PORT to serve a live page, JSON and metrics of this node at "
          "over HTTP; without a host on the loopback. Port 0: any free one. "
          "NULL: nowhere. Read when going to PAUSED",
          nullptr,
          GParamFlags (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                       GST_PARAM_MUTABLE_READY)));
}

void
gst_spreadit_session_set_property (
    GstSpreaditSession *session, const GValue *value, GParamSpec *pspec)
{
  if (!g_strcmp0 (pspec->name, http_address_name)) {
    const std::lock_guard guard (session->lock);
    session->http_address.reset (g_value_dup_string (value));
    return;
  }
  // A running session would go on with the old one.
  if (!g_strcmp0 (pspec->name, "uri") &&
      GST_STATE (session->owner) > GST_STATE_READY) {
    GST_WARNING_OBJECT (
        session->owner, "the uri can only be set in NULL or READY");
    return;
  }
  const Owned<Manager> manager (gst_spreadit_session_get_manager (session));
  g_object_set_property (G_OBJECT (manager.get ()), pspec->name, value);
}

void
gst_spreadit_session_get_property (
    GstSpreaditSession *session, GValue *value, GParamSpec *pspec)
{
  if (!g_strcmp0 (pspec->name, http_address_name)) {
    const std::lock_guard guard (session->lock);
    g_value_set_string (value, session->http_address.get ());
    return;
  }
  const Owned<Manager> manager (gst_spreadit_session_get_manager (session));
  g_object_get_property (G_OBJECT (manager.get ()), pspec->name, value);
}

GstSpreaditSession *
gst_spreadit_session_new (GstElement *owner, GstSpreaditRole role,
    const GstSpreaditSessionEvents *events)
{
  static std::once_flag once;
  std::call_once (once, [] {
    GST_DEBUG_CATEGORY_INIT (spreadit_session_debug, "spreaditsession", 0,
        "SpreadIt sessions of elements");
  });
  auto *session = new GstSpreaditSession;
  session->owner = owner;
  session->shared = std::make_shared<Shared> (owner);
  session->shared->role = role;
  if (events)
    session->shared->events = *events;
  session->manager.reset (gst_spreadit_peering_manager_new ());
  connect (*session);
  return session;
}

void
gst_spreadit_session_free (GstSpreaditSession *session)
{
  disconnect (*session);
  delete session;
}

GstSpreaditPeeringManager *
gst_spreadit_session_get_manager (GstSpreaditSession *session)
{
  const std::lock_guard guard (session->lock);
  return ref (session->manager.get ()).release ();
}

void
gst_spreadit_session_set_manager (
    GstSpreaditSession *session, GstSpreaditPeeringManager *manager)
{
  const std::lock_guard guard (session->lock);
  disconnect (*session);
  session->in_charge = manager == nullptr;
  session->manager = manager
                         ? ref (manager)
                         : Owned<Manager> (gst_spreadit_peering_manager_new ());
  connect (*session);
}

GstStateChangeReturn
gst_spreadit_session_change_state (GstSpreaditSession *session,
    GstElementClass *parent_class, GstStateChange transition)
{
  const Owned<Manager> manager (gst_spreadit_session_get_manager (session));
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED &&
      !begin (*session, manager.get ()))
    return GST_STATE_CHANGE_FAILURE;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED &&
      !open_http (*session, manager.get ())) {
    close (*session, manager.get ());
    return GST_STATE_CHANGE_FAILURE;
  }
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    // Who watches in the page is a child that would have to be moved.
    session->http.reset ();
    leave (*session, manager.get ());
  }

  GstStateChangeReturn result =
      parent_class->change_state (session->owner, transition);

  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY ||
      (transition == GST_STATE_CHANGE_READY_TO_PAUSED &&
          result == GST_STATE_CHANGE_FAILURE)) {
    session->http.reset ();
    close (*session, manager.get ());
  }
  if (result != GST_STATE_CHANGE_FAILURE &&
      (transition == GST_STATE_CHANGE_READY_TO_PAUSED ||
          transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED))
    result = session->shared->role == GST_SPREADIT_ROLE_PEER
                 ? GST_STATE_CHANGE_NO_PREROLL
                 : GST_STATE_CHANGE_SUCCESS;
  return result;
}

void
gst_spreadit_session_leave (GstSpreaditSession *session)
{
  const Owned<Manager> manager (gst_spreadit_session_get_manager (session));
  if (session->shared->reporting)
    gst_spreadit_peering_manager_leave (manager.get ());
}
