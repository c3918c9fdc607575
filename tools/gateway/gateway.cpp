// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gateway.hpp"

#include <atomic>
#include <mutex>
#include <utility>

#include <gst/spreadit-rtsp-server/spreadit-rtsp-server.h>

#include "gateway_path.hpp"
#include "gateway_record.hpp"
#include "gatewaymounts.h"
#include "owned.hpp"
#include "relay_settings.hpp"
#include "stats_line.hpp"

namespace spreadit::relay {

namespace {

// Players: each has a thread, and a media has some more.
constexpr guint clients_max = 128;
// A stream is forgotten so long after it was left and nobody asked for it; so
// streams that are not there use up the limit of those joined at once, and
// nobody has us knock at one door after the other.
constexpr gint64 forget_time_us = 5 * G_USEC_PER_SEC;
// Beyond `linger`, as for streams of the command line.
constexpr guint leave_grace_ms = 5000;
// Players that are still there so long after their stream has ended are hung up
// on: over UDP, RTCP BYE may have been lost, and without it ffmpeg ends only
// when its connection does. rtspsrc ends when what it holds, 2 s unless told
// otherwise, has been played.
constexpr gint64 farewell_us = 5 * G_USEC_PER_SEC;
// Where sources listen unless told otherwise.
constexpr const char *publish_address = "0.0.0.0:8554";
// SDP of a publisher is the largest there is to come.
constexpr guint content_length_max = 64 * 1024;

struct GUnref {
  void operator() (gpointer p) const noexcept { g_object_unref (p); }
};
template <class T> using Object = std::unique_ptr<T, GUnref>;

// Since when a media has had nothing more to come; 0: it goes on.
gint64
ended_at (GstRTSPMedia *media, gint64 now)
{
  static const GQuark seen = g_quark_from_static_string ("spreadit-ended-at");
  if (!g_object_class_find_property (G_OBJECT_GET_CLASS (media), "ended"))
    return 0;
  gboolean ended = FALSE;
  g_object_get (media, "ended", &ended, nullptr);
  if (!ended)
    return 0;
  auto *at =
      static_cast<gint64 *> (g_object_get_qdata (G_OBJECT (media), seen));
  if (!at) {
    at = g_new (gint64, 1);
    *at = now;
    g_object_set_qdata_full (G_OBJECT (media), seen, at, g_free);
  }
  return *at;
}

// Whether one of the client's media has ended for too long.
bool
overstays (GstRTSPClient *client, gint64 now)
{
  struct Look {
    gint64 now;
    bool found;
  } look{now, false};
  g_list_free_full (
      gst_rtsp_client_session_filter (
          client,
          [] (GstRTSPClient *, GstRTSPSession *session, gpointer data) {
            g_list_free_full (
                gst_rtsp_session_filter (
                    session,
                    [] (GstRTSPSession *, GstRTSPSessionMedia *media,
                        gpointer data) {
                      auto &look = *static_cast<Look *> (data);
                      const gint64 at = ended_at (
                          gst_rtsp_session_media_get_media (media), look.now);
                      look.found |= at && look.now - at >= farewell_us;
                      return GST_RTSP_FILTER_KEEP;
                    },
                    data),
                g_object_unref);
            return GST_RTSP_FILTER_KEEP;
          },
          &look),
      g_object_unref);
  return look.found;
}

bool
is_loopback (GstRTSPContext *context)
{
  const gchar *ip =
      context->conn ? gst_rtsp_connection_get_ip (context->conn) : nullptr;
  GInetAddress *address = ip ? g_inet_address_new_from_string (ip) : nullptr;
  const Object<GInetAddress> owned (address);
  return address && g_inet_address_get_is_loopback (address);
}

} // namespace

struct Gateway::Impl {
  // A stream that players may have, and its node.
  struct Stream {
    Impl *gateway;
    std::string path;
    std::string uri;
    bool named; // of the config: stays for ever
    Object<GstSpreaditMediaFactory> factory;
    Owned<GstElement> source;
    Owned<GstSpreaditPeeringManager> manager;
    std::atomic<gint64> asked_us{0}; // when last

    [[nodiscard]] bool is_joined () const
    {
      GstState state = GST_STATE_NULL, pending = GST_STATE_VOID_PENDING;
      gst_element_get_state (source.get (), &state, &pending, 0);
      return state > GST_STATE_READY || pending > GST_STATE_READY;
    }
  };

  GatewayOptions options;
  Callbacks callbacks;
  Object<GstRTSPServer> server;
  Object<GatewayMounts> mounts;
  // Of connections; outlives us in the handlers of clients.
  using Count = std::shared_ptr<std::atomic<guint>>;
  Count clients = std::make_shared<std::atomic<guint>> (0);
  int port = 0;
  guint listening = 0; // GSource
  guint housekeeping = 0;
  guint deadline = 0;
  std::function<void ()> left;

  // Guards what follows; what serves a client comes here, too.
  std::mutex lock;
  std::map<std::string, std::shared_ptr<Stream>> streams;           // by path
  std::map<std::string, std::shared_ptr<Publication>> publications; // too
  bool leaving = false;

  ~Impl ();
  std::string listen ();
  void on_asked (const gchar *path, GstRTSPContext *context);
  std::shared_ptr<Stream> make_stream (
      const std::string &path, const std::string &uri, bool named);
  void add_publication (const std::string &path);
  [[nodiscard]] bool has_room () const;
  void say_later (const std::string &uri, const std::string &what);
  void hang_up () const;
  void keep_house ();
  void leave ();
};

// Reports of a stream come on threads of the library.
void
Gateway::Impl::say_later (const std::string &uri, const std::string &what)
{
  struct Line {
    Impl *self;
    std::string uri, what;
  };
  g_idle_add_full (
      G_PRIORITY_DEFAULT,
      [] (gpointer data) -> gboolean {
        auto *line = static_cast<Line *> (data);
        line->self->callbacks.say (line->uri, line->what);
        return G_SOURCE_REMOVE;
      },
      new Line{this, uri, what},
      [] (gpointer data) { delete static_cast<Line *> (data); });
}

std::shared_ptr<Gateway::Impl::Stream>
Gateway::Impl::make_stream (
    const std::string &path, const std::string &uri, bool named)
{
  auto stream = std::make_shared<Stream> ();
  stream->gateway = this;
  stream->path = path;
  stream->uri = uri;
  stream->named = named;
  stream->factory.reset (gst_spreadit_media_factory_new (uri.c_str ()));
  GstSpreaditMediaFactory *factory = stream->factory.get ();
  g_object_set (
      factory, "idle-timeout", options.idle_timeout_s * 1000, nullptr);
  GstElement *source = nullptr;
  g_object_get (factory, "source", &source, nullptr);
  stream->source.reset (source);
  GstSpreaditPeeringManager *manager = nullptr;
  g_object_get (source, "manager", &manager, nullptr);
  stream->manager.reset (manager);
  for (const auto &[name, value] : options.settings)
    set_or_reset (source, find_setting (name)->property, value);

  // They go with the factory and the manager, which the stream owns.
  g_signal_connect (factory, "joined",
      G_CALLBACK (+[] (GstSpreaditMediaFactory *, Stream *s) {
        s->gateway->say_later (s->uri, "joined, players may have it");
      }),
      stream.get ());
  g_signal_connect (factory, "left",
      G_CALLBACK (
          +[] (GstSpreaditMediaFactory *, const GError *error, Stream *s) {
            s->gateway->say_later (
                s->uri, error ? error->message : "left, nobody plays it");
          }),
      stream.get ());
  g_signal_connect (manager, "parent-changed",
      G_CALLBACK (+[] (GstSpreaditPeeringManager *, const char *,
                       const char *address, guint level, Stream *s) {
        s->gateway->say_later (s->uri, std::string ("a child of ") + address +
                                           " at level " +
                                           std::to_string (level));
      }),
      stream.get ());
  streams[path] = stream;
  gst_rtsp_mount_points_add_factory (GST_RTSP_MOUNT_POINTS (mounts.get ()),
      path.c_str (), GST_RTSP_MEDIA_FACTORY (g_object_ref (factory)));
  return stream;
}

void
Gateway::Impl::add_publication (const std::string &path)
{
  const auto listen = options.settings.find ("listen");
  const std::string uri =
      "spreadit://" +
      (listen == options.settings.end () ? publish_address : listen->second) +
      path;
  auto publication = std::make_shared<Publication> (uri, options.settings,
      [this, uri] (const std::string &what) { say_later (uri, what); });
  gst_rtsp_mount_points_add_factory (GST_RTSP_MOUNT_POINTS (mounts.get ()),
      path.c_str (), make_record_factory (publication));
  publications[path] = std::move (publication);
}

// For one more stream that players name.
bool
Gateway::Impl::has_room () const
{
  unsigned taken = 0;
  for (const auto &[path, stream] : streams)
    taken += !stream->named;
  return taken < options.streams_max;
}

// In the thread of a client, before it looks for a factory.
void
Gateway::Impl::on_asked (const gchar *path, GstRTSPContext *context)
{
  const auto refuse = [context] (
                          GstRTSPStatusCode status, const std::string &reason) {
    gst_spreadit_media_factory_refuse (context, status, reason.c_str ());
  };
  const std::lock_guard guard (lock);
  if (leaving)
    return refuse (GST_RTSP_STS_SERVICE_UNAVAILABLE, "The gateway is leaving");
  if (auto known = streams.find (path); known != streams.end ()) {
    known->second->asked_us = g_get_monotonic_time ();
    return;
  }
  if (publications.contains (path))
    return;
  const std::string uri = stream_of_path (path);
  if (context->method != GST_RTSP_DESCRIBE)
    return refuse (GST_RTSP_STS_FORBIDDEN,
        "Not to be published here; --gateway-publish allows it");
  if (uri.empty ())
    return refuse (GST_RTSP_STS_NOT_FOUND,
        "No such mount; streams are at /HOST[:PORT]/PATH");
  if (!is_loopback (context))
    return refuse (GST_RTSP_STS_FORBIDDEN,
        "Only players on this machine may name any stream; a named mount "
        "serves others");
  if (!has_room ())
    return refuse (GST_RTSP_STS_NOT_ENOUGH_BANDWIDTH,
        "The gateway has " + std::to_string (options.streams_max) +
            " streams already; --gateway-streams allows more");
  make_stream (path, uri, false)->asked_us = g_get_monotonic_time ();
}

// They are told to go; those that do not are not waited for.
void
Gateway::Impl::hang_up () const
{
  gint64 now = g_get_monotonic_time ();
  GList *overstaying = gst_rtsp_server_client_filter (
      server.get (),
      [] (GstRTSPServer *, GstRTSPClient *client, gpointer at) {
        return overstays (client, *static_cast<gint64 *> (at))
                   ? GST_RTSP_FILTER_REF
                   : GST_RTSP_FILTER_KEEP;
      },
      &now);
  for (GList *one = overstaying; one; one = one->next)
    gst_rtsp_client_close (GST_RTSP_CLIENT (one->data));
  g_list_free_full (overstaying, g_object_unref);
}

// Each second.
void
Gateway::Impl::keep_house ()
{
  hang_up ();
  const Object<GstRTSPSessionPool> pool (
      gst_rtsp_server_get_session_pool (server.get ()));
  gst_rtsp_session_pool_cleanup (pool.get ());
  std::vector<std::shared_ptr<Stream>> forgotten; // freed without the lock
  const std::lock_guard guard (lock);
  const gint64 now = g_get_monotonic_time ();
  for (auto i = streams.begin (); i != streams.end ();) {
    const auto &stream = i->second;
    if (stream->named || stream->is_joined () ||
        now - stream->asked_us < forget_time_us) {
      ++i;
      continue;
    }
    gst_rtsp_mount_points_remove_factory (
        GST_RTSP_MOUNT_POINTS (mounts.get ()), stream->path.c_str ());
    forgotten.push_back (stream);
    i = streams.erase (i);
  }
}

std::string
Gateway::Impl::listen ()
{
  server.reset (gst_rtsp_server_new ());
  gst_rtsp_server_set_address (server.get (), options.host.c_str ());
  gst_rtsp_server_set_service (
      server.get (), std::to_string (options.port).c_str ());
  gst_rtsp_server_set_backlog (server.get (), 64);
  mounts.reset (gateway_mounts_new (
      [] (const gchar *path, GstRTSPContext *context, gpointer self) {
        static_cast<Impl *> (self)->on_asked (path, context);
      },
      this));
  gst_rtsp_server_set_mount_points (
      server.get (), GST_RTSP_MOUNT_POINTS (mounts.get ()));
  // A thread each: one that waits for its stream holds up nobody.
  const Object<GstRTSPThreadPool> threads (
      gst_rtsp_server_get_thread_pool (server.get ()));
  gst_rtsp_thread_pool_set_max_threads (threads.get (), -1);
  const Object<GstRTSPSessionPool> sessions (
      gst_rtsp_server_get_session_pool (server.get ()));
  gst_rtsp_session_pool_set_max_sessions (sessions.get (), clients_max);
  gst_rtsp_server_set_content_length_limit (server.get (), content_length_max);

  // A connection has a thread, whether it says something or not.
  g_signal_connect (server.get (), "client-connected",
      G_CALLBACK (+[] (GstRTSPServer *, GstRTSPClient *client, Impl *self) {
        if (*self->clients >= clients_max) {
          // Once it has been given its thread, which goes with it.
          g_idle_add_full (
              G_PRIORITY_DEFAULT,
              [] (gpointer refused) -> gboolean {
                gst_rtsp_client_close (GST_RTSP_CLIENT (refused));
                return G_SOURCE_REMOVE;
              },
              g_object_ref (client), g_object_unref);
          return;
        }
        ++*self->clients;
        g_signal_connect_data (
            client, "closed",
            G_CALLBACK (+[] (GstRTSPClient *, Count *count) { --**count; }),
            new Count (self->clients),
            [] (gpointer count, GClosure *) {
              delete static_cast<Count *> (count);
            },
            GConnectFlags (0));
      }),
      this);

  GError *error = nullptr;
  GSource *source =
      gst_rtsp_server_create_source (server.get (), nullptr, &error);
  if (!source) {
    const Owned<GError> owned (error);
    return "cannot listen on " + options.host + " port " +
           std::to_string (options.port) + ": " + owned->message +
           "; --gateway=HOST:PORT takes another one";
  }
  port = gst_rtsp_server_get_bound_port (server.get ());
  listening = g_source_attach (source, nullptr);
  g_source_unref (source);
  housekeeping = g_timeout_add_seconds (
      1,
      [] (gpointer self) -> gboolean {
        static_cast<Impl *> (self)->keep_house ();
        return G_SOURCE_CONTINUE;
      },
      this);
  return "";
}

void
Gateway::Impl::leave ()
{
  g_source_remove (std::exchange (listening, 0));
  guint linger_ms = 0;
  {
    const std::lock_guard guard (lock);
    leaving = true;
    for (const auto &[path, stream] : streams) {
      gst_spreadit_media_factory_leave (stream->factory.get ());
      guint ms = 0;
      g_object_get (stream->manager.get (), "linger", &ms, nullptr);
      linger_ms = MAX (linger_ms, ms);
    }
    for (const auto &[path, publication] : publications)
      publication->leave ();
  }
  const gint64 until =
      g_get_monotonic_time () + (linger_ms + leave_grace_ms) * gint64 (1000);
  struct Wait {
    Impl *self;
    gint64 until;
  };
  deadline = g_timeout_add_full (
      G_PRIORITY_DEFAULT, 50,
      [] (gpointer data) -> gboolean {
        auto *wait = static_cast<Wait *> (data);
        bool joined = false;
        {
          const std::lock_guard guard (wait->self->lock);
          for (const auto &[path, stream] : wait->self->streams)
            joined |= stream->is_joined ();
          for (const auto &[path, publication] : wait->self->publications)
            joined |= !publication->has_left ();
        }
        if (joined && g_get_monotonic_time () < wait->until)
          return G_SOURCE_CONTINUE;
        wait->self->deadline = 0;
        // What is said comes later, too.
        g_idle_add (
            [] (gpointer impl) -> gboolean {
              static_cast<Impl *> (impl)->left ();
              return G_SOURCE_REMOVE;
            },
            wait->self);
        return G_SOURCE_REMOVE;
      },
      new Wait{this, until},
      [] (gpointer data) { delete static_cast<Wait *> (data); });
}

Gateway::Impl::~Impl ()
{
  for (const guint source : {listening, housekeeping, deadline})
    if (source)
      g_source_remove (source);
  if (mounts)
    gateway_mounts_forget (mounts.get ());
  // Clients first: they hold media, which are fed by the streams.
  if (server)
    gst_rtsp_server_client_filter (
        server.get (),
        [] (GstRTSPServer *, GstRTSPClient *, gpointer) {
          return GST_RTSP_FILTER_REMOVE;
        },
        nullptr);
  server.reset ();
  for (const auto &[path, stream] : streams) {
    g_signal_handlers_disconnect_by_data (
        stream->factory.get (), stream.get ());
    g_signal_handlers_disconnect_by_data (
        stream->manager.get (), stream.get ());
    gst_spreadit_peering_manager_close (stream->manager.get ());
  }
}

Gateway::Gateway (std::unique_ptr<Impl> impl) : impl_ (std::move (impl)) {}

Gateway::~Gateway () = default;

std::variant<std::unique_ptr<Gateway>, std::string>
Gateway::make (GatewayOptions options, Callbacks callbacks)
{
  const Owned<GstElementFactory> factory (
      gst_element_factory_find ("spreaditsrc"));
  if (!factory)
    return "element spreaditsrc is not installed; set GST_PLUGIN_PATH to where "
           "the plugin is";
  auto impl = std::make_unique<Impl> ();
  impl->options = std::move (options);
  impl->callbacks = std::move (callbacks);
  const std::string wrong = impl->listen ();
  if (!wrong.empty ())
    return wrong;
  for (const auto &[path, uri] : impl->options.mounts)
    impl->make_stream (path, uri, true);
  for (const std::string &path : impl->options.publish)
    impl->add_publication (path);
  return std::unique_ptr<Gateway> (new Gateway (std::move (impl)));
}

std::string
Gateway::address () const
{
  const std::string &host = impl_->options.host;
  const bool bracketed = host.find (':') != std::string::npos;
  return "rtsp://" + (bracketed ? "[" + host + "]" : host) + ":" +
         std::to_string (impl_->port);
}

void
Gateway::leave (std::function<void ()> left)
{
  impl_->left = std::move (left);
  impl_->leave ();
}

void
Gateway::apply (const std::map<std::string, std::string, std::less<>> &changes)
{
  const std::lock_guard guard (impl_->lock);
  for (const auto &[name, value] : changes) {
    const char *property = find_setting (name)->property;
    for (const auto &[path, stream] : impl_->streams)
      set_or_reset (stream->source.get (), property, value);
    for (const auto &[path, publication] : impl_->publications)
      publication->apply (name, value);
    if (value.empty ())
      impl_->options.settings.erase (name);
    else
      impl_->options.settings[name] = value;
  }
}

std::vector<std::string>
Gateway::stats () const
{
  std::vector<std::string> lines;
  const std::lock_guard guard (impl_->lock);
  for (const auto &[path, stream] : impl_->streams) {
    if (!stream->is_joined ())
      continue;
    GstStructure *stats = nullptr;
    g_object_get (stream->source.get (), "stats", &stats, nullptr);
    const Owned<GstStructure> owned (stats);
    if (stats)
      lines.push_back (stats_line (stats));
  }
  for (const auto &[path, publication] : impl_->publications)
    if (std::string line = publication->stats (); !line.empty ())
      lines.push_back (std::move (line));
  return lines;
}

} // namespace spreadit::relay
