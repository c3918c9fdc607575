// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http/watch.hpp"

#include <atomic>
#include <cstring>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <sys/socket.h>

#include <gst/sdp/gstsdpmessage.h>

#include "http/container.hpp"
#include "http/limits.hpp"
#include "http/owned.hpp"
#include "http/source.hpp"

namespace spreadit::http {

namespace {

// What of the stream a browser plays: one video and one audio of one container.
struct Plan {
  std::vector<const Encoding *> media; // video first
  [[nodiscard]] bool is_mp4 () const
  {
    return g_str_equal (media.front ()->container, "mp4mux");
  }
};

struct FreeSdp {
  void operator() (GstSDPMessage *p) const noexcept
  {
    gst_sdp_message_free (p);
  }
};

// "96 H264/90000"
std::string
rtp_name (const GstSDPMedia *media)
{
  const char *map = gst_sdp_media_get_attribute_val (media, "rtpmap");
  const char *space = map ? std::strchr (map, ' ') : nullptr;
  if (!space)
    return "";
  const std::string name (space + 1);
  return name.substr (0, name.find ('/'));
}

std::variant<Plan, Reply>
plan_of (const char *sdp)
{
  GstSDPMessage *raw = nullptr;
  if (!sdp || gst_sdp_message_new_from_text (sdp, &raw) != GST_SDP_OK)
    return refuse (503, "what the stream consists of is not known yet");
  const std::unique_ptr<GstSDPMessage, FreeSdp> message (raw);
  const Encoding *video = nullptr, *audio = nullptr;
  std::string there;
  for (guint i = 0; i < gst_sdp_message_medias_len (raw); ++i) {
    const std::string name = rtp_name (gst_sdp_message_get_media (raw, i));
    there.append (there.empty () ? "" : ", ").append (name);
    const Encoding *one = find_encoding (name);
    if (one && one->is_video && !video)
      video = one;
    else if (one && !one->is_video && !audio)
      audio = one;
  }
  if (video && audio && !g_str_equal (video->container, audio->container))
    audio = nullptr; // a picture without sound rather than nothing
  Plan plan;
  for (const Encoding *one : {video, audio})
    if (one)
      plan.media.push_back (one);
  if (plan.media.empty ())
    return refuse (
        415, "no browser plays " + there + "; a player does: see the README");
  return plan;
}

// Where this node itself is reached from this host.
std::string
own_uri (const Stream &stream)
{
  char *raw = nullptr;
  guint port = 0;
  g_object_get (stream.manager, "listen-address", &raw, "port", &port, nullptr);
  const Text listen (raw);
  const Owned<GUri> uri (
      g_uri_parse (stream.uri.c_str (), G_URI_FLAGS_ENCODED, nullptr));
  if (!uri || port == 0)
    return stream.uri;
  const auto is_one = [] (const std::string &host) {
    return g_hostname_is_ip_address (host.c_str ()) && host != "0.0.0.0" &&
           host != "::";
  };
  std::string host = listen ? listen.get () : "";
  host = host.substr (0, host.rfind (':'));
  if (host.starts_with ('[') && host.ends_with (']'))
    host = host.substr (1, host.size () - 2);
  int state = 0;
  g_object_get (stream.manager, "state", &state, nullptr);
  if (!is_one (host) && state == GST_SPREADIT_PEER_STATE_SOURCE)
    host = g_uri_get_host (uri.get ());
  if (!is_one (host))
    host = "127.0.0.1";
  const std::string scheme = g_uri_get_scheme (uri.get ());
  std::string node = scheme + "://" +
                     to_string ({host, static_cast<std::uint16_t> (port)}) +
                     g_uri_get_path (uri.get ());
  gchar *id = nullptr;
  g_object_get (stream.manager, "id", &id, nullptr);
  const Text node_id (id);
  if (scheme == "spreadits" && node_id) // it goes by another name here
    node += "?id=" + std::string (node_id.get ());
  return node;
}

} // namespace

// One stream that is watched.
class Show {
public:
  using Over = std::function<void (const std::string &why)>;

  Show (Plan plan, const std::string &uri, Over over);
  ~Show ();
  Show (const Show &) = delete;
  Show &operator= (const Show &) = delete;

  std::optional<Reply> start ();
  void add (const Asked &asked);
  [[nodiscard]] std::size_t viewers () const
  {
    return waiting_.size () + viewers_.size ();
  }
  void refuse_waiting (const Reply &reply);

private:
  // For the sink's thread: who is to be told, and where.
  struct Way {
    std::weak_ptr<Show *> show;
    std::shared_ptr<GMainContext> context;
  };
  struct Gone {
    std::weak_ptr<Show *> show;
    Object<GSocket> socket;
  };

  static void on_removed (const Way &way, GSocket *socket);
  std::string description () const;
  void on_pad (GstPad *pad);
  GstPadProbeReturn on_buffer (GstPad *pad, GstPadProbeInfo *info);
  void tell_type (GstPad *pad);
  void on_message (GstMessage *message);
  void on_ready (const GstStructure *what);
  void seat (const Asked &asked);
  void on_gone (GSocket *socket);
  void watch_idle ();
  void set_timer (guint ms, const char *why);
  void hang_up_on_the_stuck ();

  // A viewer, and when it last took something.
  struct Viewer {
    Object<GSocket> socket;
    Object<GIOStream> stream;
    guint64 taken = 0;
    guint64 made = 0; // all that there was by then
    gint64 since_us = 0;
  };

  const Plan plan_;
  const std::string uri_;
  const Over over_;
  // For what comes from the sink's thread when we may be gone.
  const std::shared_ptr<Show *> alive_ = std::make_shared<Show *> (this);
  Owned<GstElement> pipeline_;
  GstElement *sink_ = nullptr; // in the pipeline
  Source timer_;
  const char *timer_why_ = "";

  // Streaming thread.
  Splitter splitter_;
  bool told_ = false;
  std::atomic<guint64> made_ = 0; // bytes

  // Main context.
  std::string type_, head_; // known: there is something to see
  std::vector<Asked> waiting_;
  std::map<GSocket *, Viewer> viewers_;
  Source patience_;
};

Show::Show (Plan plan, const std::string &uri, Over over)
    : plan_ (std::move (plan)), uri_ (uri), over_ (std::move (over)),
      splitter_ (plan_.is_mp4 (), plan_.media.front ()->is_video ? 1 : 0)
{
}

Show::~Show ()
{
  *alive_ = nullptr;
  if (!pipeline_)
    return;
  const Owned<GstBus> bus (
      gst_pipeline_get_bus (GST_PIPELINE (pipeline_.get ())));
  gst_bus_remove_watch (bus.get ());
  gst_element_set_state (pipeline_.get (), GST_STATE_NULL);
}

std::string
Show::description () const
{
  std::string text =
      "multisocketsink name=out sync=false async=false "
      "enable-last-sample=false "
      "sync-method=latest-keyframe unit-format=bytes units-max=" +
      std::to_string (limits::viewer_lag_max_bytes) + " ";
  text +=
      plan_.is_mp4 ()
          ? "mp4mux name=mux streamable=true fragment-duration=250"
          : "webmmux name=mux streamable=true min-cluster-duration=250000000";
  text += " ! out. spreaditsrc name=src relay=false ";
  for (std::size_t i = 0; i < plan_.media.size (); ++i)
    text += "identity name=in" + std::to_string (i) + " silent=true ! " +
            plan_.media[i]->chain +
            " ! queue max-size-buffers=0 max-size-time=3000000000 ! mux." +
            (plan_.media[i]->is_video ? "video_0 " : "audio_0 ");
  return text;
}

// Why not; nothing if it has begun.
std::optional<Reply>
Show::start ()
{
  GError *raw = nullptr;
  pipeline_.reset (gst_parse_launch_full (
      description ().c_str (), nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &raw));
  if (!pipeline_) {
    const Owned<GError> error (raw);
    return refuse (503, std::string ("cannot show it: ") + error->message +
                            "; install GStreamer's good and bad plugins");
  }
  gst_object_ref_sink (pipeline_.get ());
  const auto get = [this] (const char *name) {
    return Owned<GstElement> (
        gst_bin_get_by_name (GST_BIN (pipeline_.get ()), name));
  };
  const auto source = get ("src");
  const auto mux = get ("mux");
  sink_ = get ("out").get (); // the pipeline has it
  g_object_set (source.get (), "uri", uri_.c_str (), nullptr);
  g_signal_connect (source.get (), "pad-added",
      G_CALLBACK (
          +[] (GstElement *, GstPad *pad, Show *self) { self->on_pad (pad); }),
      this);
  const auto removed = +[] (GstElement *, GSocket *socket, gpointer data) {
    on_removed (*static_cast<Way *> (data), socket);
  };
  g_signal_connect_data (
      sink_, "client-socket-removed", G_CALLBACK (removed),
      new Way{alive_, own_context ()},
      [] (gpointer data, GClosure *) { delete static_cast<Way *> (data); },
      G_CONNECT_DEFAULT);
  const Owned<GstPad> pad (gst_element_get_static_pad (mux.get (), "src"));
  gst_pad_add_probe (
      pad.get (), GST_PAD_PROBE_TYPE_BUFFER,
      [] (GstPad *one, GstPadProbeInfo *info, gpointer self) {
        return static_cast<Show *> (self)->on_buffer (one, info);
      },
      this, nullptr);
  const Owned<GstBus> bus (
      gst_pipeline_get_bus (GST_PIPELINE (pipeline_.get ())));
  gst_bus_add_watch (
      bus.get (),
      [] (GstBus *, GstMessage *message, gpointer self) -> gboolean {
        static_cast<Show *> (self)->on_message (message);
        return G_SOURCE_CONTINUE;
      },
      this);
  set_timer (limits::begin_max_ms, "nothing to see has come in time");
  if (gst_element_set_state (pipeline_.get (), GST_STATE_PLAYING) ==
      GST_STATE_CHANGE_FAILURE)
    return refuse (503, "cannot join this node to show its stream");
  return std::nullopt;
}

// On a thread of the sink; what is ours is looked at in our context.
void
Show::on_removed (const Way &way, GSocket *socket)
{
  post (
      way.context.get (),
      [] (gpointer data) -> gboolean {
        const Gone &gone = *static_cast<Gone *> (data);
        const auto still = gone.show.lock ();
        if (still && *still)
          (*still)->on_gone (gone.socket.get ());
        return G_SOURCE_REMOVE;
      },
      new Gone{way.show, keep (socket)},
      [] (gpointer data) { delete static_cast<Gone *> (data); });
}

// Of the source, on a streaming thread: to its chain, or to nowhere.
void
Show::on_pad (GstPad *pad)
{
  const Owned<GstCaps> caps (gst_pad_query_caps (pad, nullptr));
  const char *name = gst_structure_get_string (
      gst_caps_get_structure (caps.get (), 0), "encoding-name");
  for (std::size_t i = 0; name && i < plan_.media.size (); ++i) {
    if (plan_.media[i] != find_encoding (name))
      continue;
    const Owned<GstElement> first (gst_bin_get_by_name (
        GST_BIN (pipeline_.get ()), ("in" + std::to_string (i)).c_str ()));
    const Owned<GstPad> sink (
        gst_element_get_static_pad (first.get (), "sink"));
    if (!gst_pad_is_linked (sink.get ())) {
      gst_pad_link (pad, sink.get ());
      return;
    }
  }
  GstElement *nowhere = gst_element_factory_make ("fakesink", nullptr);
  g_object_set (nowhere, "sync", FALSE, "async", FALSE, nullptr);
  gst_bin_add (GST_BIN (pipeline_.get ()), nowhere);
  gst_element_sync_state_with_parent (nowhere);
  const Owned<GstPad> sink (gst_element_get_static_pad (nowhere, "sink"));
  gst_pad_link (pad, sink.get ());
}

// From the muxer, on a streaming thread.
GstPadProbeReturn
Show::on_buffer (GstPad *pad, GstPadProbeInfo *info)
{
  GstBuffer *out = splitter_.push (std::exchange (
      *reinterpret_cast<GstBuffer **> (&GST_PAD_PROBE_INFO_DATA (info)),
      nullptr));
  if (!out)
    return GST_PAD_PROBE_HANDLED;
  if (!std::exchange (told_, true))
    tell_type (pad);
  made_ += gst_buffer_get_size (out);
  GST_PAD_PROBE_INFO_DATA (info) = out;
  return GST_PAD_PROBE_OK;
}

void
Show::tell_type (GstPad *pad)
{
  const Owned<GstElement> mux (gst_pad_get_parent_element (pad));
  std::string codecs;
  for (const char *name : {"video_0", "audio_0"}) {
    const Owned<GstPad> sink (gst_element_get_static_pad (mux.get (), name));
    const Owned<GstCaps> caps (
        sink ? gst_pad_get_current_caps (sink.get ()) : nullptr);
    if (const std::string one = caps ? codec_name (caps.get ()) : "";
        !one.empty ())
      codecs.append (codecs.empty () ? "" : ", ").append (one);
  }
  const bool has_video = plan_.media.front ()->is_video;
  const std::string type = std::string (has_video ? "video/" : "audio/") +
                           (plan_.is_mp4 () ? "mp4" : "webm") + "; codecs=\"" +
                           codecs + "\"";
  const std::string &head = splitter_.head ();
  GBytes *bytes = g_bytes_new (head.data (), head.size ());
  gst_element_post_message (pipeline_.get (),
      gst_message_new_application (GST_OBJECT (pipeline_.get ()),
          gst_structure_new ("ready", "type", G_TYPE_STRING, type.c_str (),
              "head", G_TYPE_BYTES, bytes, nullptr)));
  g_bytes_unref (bytes);
}

void
Show::on_message (GstMessage *message)
{
  switch (GST_MESSAGE_TYPE (message)) {
  case GST_MESSAGE_APPLICATION:
    on_ready (gst_message_get_structure (message));
    break;
  case GST_MESSAGE_ERROR: {
    GError *raw = nullptr;
    gst_message_parse_error (message, &raw, nullptr);
    const Owned<GError> error (raw);
    over_ (error->message);
    break; // we may be gone
  }
  case GST_MESSAGE_EOS:
    over_ ("the stream has ended");
    break;
  case GST_MESSAGE_LATENCY:
    gst_bin_recalculate_latency (GST_BIN (pipeline_.get ()));
    break;
  default:
    break;
  }
}

void
Show::on_ready (const GstStructure *what)
{
  type_ = gst_structure_get_string (what, "type");
  const auto *bytes = static_cast<GBytes *> (
      g_value_get_boxed (gst_structure_get_value (what, "head")));
  gsize size = 0;
  const auto *data = static_cast<const char *> (
      g_bytes_get_data (const_cast<GBytes *> (bytes), &size));
  head_.assign (data, size);
  set_timer (0, "");
  for (const Asked &asked : std::exchange (waiting_, {}))
    seat (asked);
  watch_idle ();
}

void
Show::add (const Asked &asked)
{
  if (type_.empty ()) {
    waiting_.push_back (asked);
    return;
  }
  set_timer (0, "");
  seat (asked);
  watch_idle ();
}

// The connection is the sink's from now on. A response without length, to the
// end of the connection.
void
Show::seat (const Asked &asked)
{
  auto [socket, stream] = asked.take_connection ();
  if (!socket || !stream)
    return;
  const std::string first =
      "HTTP/1.1 200 OK\r\nContent-Type: " + type_ +
      "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
      "Cross-Origin-Resource-Policy: same-origin\r\nConnection: close\r\n\r\n" +
      head_;
  // A fresh socket takes that at once.
  if (g_socket_send_with_blocking (socket.get (), first.data (), first.size (),
          FALSE, nullptr, nullptr) != static_cast<gssize> (first.size ()))
    return;
  // GIO's connections are not, and the sink writes to all from one thread.
  g_socket_set_blocking (socket.get (), FALSE);
  g_socket_set_option (socket.get (), SOL_SOCKET, SO_SNDBUF,
      limits::viewer_send_buffer, nullptr);
  GSocket *key = socket.get ();
  viewers_[key] = {.socket = std::move (socket),
      .stream = std::move (stream),
      .made = made_,
      .since_us = g_get_monotonic_time ()};
  if (!patience_)
    patience_ = add_timeout (
        limits::viewer_look_ms,
        [] (gpointer self) -> gboolean {
          static_cast<Show *> (self)->hang_up_on_the_stuck ();
          return G_SOURCE_CONTINUE;
        },
        this);
  g_signal_emit_by_name (sink_, "add", key);
}

// The sink has a timeout of its own, but when several are over it at once it
// counts the buffer at hand once more for everyone with each that it drops
// (1.22, gst_multi_handle_sink_queue_buffer), and drops those that read as
// well. A stream that stays away is nobody's fault.
void
Show::hang_up_on_the_stuck ()
{
  const gint64 now = g_get_monotonic_time ();
  const guint64 made = made_;
  std::vector<Object<GSocket>> stuck;
  for (auto &[socket, viewer] : viewers_) {
    GstStructure *raw = nullptr;
    g_signal_emit_by_name (sink_, "get-stats", socket, &raw);
    const Owned<GstStructure> stats (raw);
    guint64 taken = viewer.taken;
    if (stats)
      gst_structure_get_uint64 (stats.get (), "bytes-sent", &taken);
    if (taken != viewer.taken || made == viewer.made) {
      viewer.taken = taken;
      viewer.made = made;
      viewer.since_us = now;
    } else if (now - viewer.since_us > limits::viewer_stalls_max_us) {
      stuck.push_back (keep (socket));
    }
  }
  for (const auto &socket : stuck)
    g_signal_emit_by_name (sink_, "remove", socket.get ());
}

void
Show::on_gone (GSocket *socket)
{
  viewers_.erase (socket);
  watch_idle ();
}

void
Show::refuse_waiting (const Reply &reply)
{
  for (const Asked &asked : std::exchange (waiting_, {}))
    asked.answer (reply);
}

void
Show::watch_idle ()
{
  if (viewers () == 0)
    set_timer (limits::unwatched_max_ms, "nobody watches");
}

// 0: none.
void
Show::set_timer (guint ms, const char *why)
{
  timer_.reset ();
  timer_why_ = why;
  if (ms == 0)
    return;
  timer_ = add_timeout (
      ms,
      [] (gpointer data) -> gboolean {
        auto *self = static_cast<Show *> (data);
        self->timer_.reset ();
        self->over_ (self->timer_why_);
        return G_SOURCE_REMOVE;
      },
      this);
}

struct Watch::Impl {
  std::map<std::string, std::unique_ptr<Show>> shows; // by the stream's URI

  // Its last words for those who wait; then it goes, but not from within.
  void end (const std::string &uri, const std::string &why)
  {
    const auto it = shows.find (uri);
    if (it == shows.end ())
      return;
    it->second->refuse_waiting (refuse (503, "cannot show it: " + why));
    std::unique_ptr<Show> gone = std::move (it->second);
    shows.erase (it);
    post (
        own_context ().get (),
        [] (gpointer) -> gboolean { return G_SOURCE_REMOVE; }, gone.release (),
        [] (gpointer show) { delete static_cast<Show *> (show); });
  }
};

Watch::Watch () : impl_ (std::make_unique<Impl> ()) {}

Watch::~Watch () = default;

std::size_t
Watch::viewers () const
{
  std::size_t count = 0;
  for (const auto &[uri, show] : impl_->shows)
    count += show->viewers ();
  return count;
}

void
Watch::add (const Stream &stream, const Asked &asked)
{
  if (asked.is_head ()) {
    asked.answer (refuse (405, "only GET; it is an endless answer"));
    return;
  }
  if (viewers () >= limits::viewers_max) {
    asked.answer (refuse (503, "as many watch here as may, " +
                                   std::to_string (limits::viewers_max) +
                                   "; join with a player instead"));
    return;
  }
  auto &shows = impl_->shows;
  auto it = shows.find (stream.uri);
  if (it == shows.end ()) {
    if (shows.size () >= limits::shows_max) {
      asked.answer (refuse (503, "as many streams are watched here as may be"));
      return;
    }
    const Text sdp (gst_spreadit_peering_manager_get_sdp (stream.manager));
    auto plan = plan_of (sdp.get ());
    if (auto *reply = std::get_if<Reply> (&plan)) {
      asked.answer (*reply);
      return;
    }
    auto show = std::make_unique<Show> (std::get<Plan> (std::move (plan)),
        own_uri (stream),
        [impl = impl_.get (), uri = stream.uri] (
            const std::string &why) { impl->end (uri, why); });
    if (const auto why = show->start ()) {
      asked.answer (*why);
      return;
    }
    it = shows.emplace (stream.uri, std::move (show)).first;
  }
  it->second->add (asked);
}

} // namespace spreadit::http
