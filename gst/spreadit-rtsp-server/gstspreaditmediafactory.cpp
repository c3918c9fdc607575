/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:gstspreaditmediafactory
 * @title: GstSpreaditMediaFactory
 * @short_description: a SpreadIt stream in an RTSP server
 *
 * Has a server that is built on gst-rtsp-server offer a stream that is passed
 * on from peer to peer:
 *
 * |[<!-- language="C" -->
 * factory = gst_spreadit_media_factory_new ("spreadit://source.example/live");
 * gst_spreadit_media_factory_join (factory);
 * gst_rtsp_mount_points_add_factory (
 *     mounts, "/live", GST_RTSP_MEDIA_FACTORY (factory));
 * ]|
 *
 * The stream is joined once for all players, by a #GstElement `spreaditsrc`
 * that passes it on to other peers, too; see
 * #GstSpreaditMediaFactory:source. Players get the RTP packets of the source as
 * they are, with their SSRC, sequence numbers and timestamps; its sender
 * reports say the source's NTP time; the SDP has the source's formats and
 * parameter sets. None of that changes when the parent does. What comes out of
 * order is put in order, so a packet that is lost holds up those behind it for
 * the `latency` of the source element at most.
 *
 * A player gets a session description when the stream is there, otherwise an
 * answer that says why not: 404 there is no such stream, 453 no peer has room,
 * 403 not allowed, 503 anything else, with the reason in words in the status
 * line.
 *
 * When the stream ends players are told by RTCP BYE, and go. Over UDP that may
 * be lost, and some players end by nothing else but the end of their
 * connection: the media's boolean `ended` says that there is nothing more to
 * come, and a server that wants to be sure closes the connections of those that
 * are still there some seconds later, as gst-spreadit-relay does.
 *
 * Each player has a media of its own by default, and begins with a key frame;
 * none can hold up another. gst_rtsp_media_factory_set_shared() has all players
 * share one, which takes fewer threads: then, only the first one begins with a
 * key frame.
 *
 * gst-rtsp-server makes a media in the thread of the client that asks for it.
 * After gst_spreadit_media_factory_join() that takes no time. Without it, the
 * stream is joined when the first player asks for it, who waits for
 * #GstSpreaditMediaFactory:wait-time at most; every other client of that thread
 * waits, too. A server that does this wants a thread for each client:
 * `gst_rtsp_thread_pool_set_max_threads (pool, -1)`.
 *
 * Thread-safe. Signals are emitted in a thread of the factory. Disposing of the
 * last reference leaves the stream, which takes until the children of the
 * source element have moved (`linger`, 2 s at most by default).
 *
 * Since: 1.0
 */
#include "gstspreaditmediafactory.h"

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "feed.hpp"
#include "gstspreaditmedia.h"
#include "gstspreaditrtpsource.h"
#include "media_link.hpp"

GST_DEBUG_CATEGORY (gst_spreadit_media_factory_debug);
#define GST_CAT_DEFAULT gst_spreadit_media_factory_debug

using namespace spreadit::rtsp_server;

enum {
  PROP_0,
  PROP_URI,
  PROP_SOURCE,
  PROP_IDLE_TIMEOUT,
  PROP_WAIT_TIME,
  N_PROPS
};

enum { SIGNAL_JOINED, SIGNAL_LEFT, N_SIGNALS };

static GParamSpec *properties[N_PROPS];
static guint signals[N_SIGNALS];

namespace {

constexpr guint idle_timeout_default_ms = 10000;
// The search of a peer for a parent is over by then, one way or another.
constexpr guint wait_time_default_ms = 10000;

// Emits what a feed reports, in its thread; a feed may outlive the factory, as
// long as a player has a media of it.
class Emitter {
public:
  explicit Emitter (GstSpreaditMediaFactory *self)
  {
    g_weak_ref_init (&object_, self);
  }
  ~Emitter () { g_weak_ref_clear (&object_); }
  Emitter (const Emitter &) = delete;
  Emitter &operator= (const Emitter &) = delete;

  template <class... Args>
  void emit (GstElement *element, int signal, Args... args)
  {
    auto *self = static_cast<GObject *> (g_weak_ref_get (&object_));
    if (!self)
      return;
    g_signal_emit (self, signals[signal], 0, args...);
    // Elsewhere: if it is the last, the feed ends, which waits for its thread.
    gst_element_call_async (
        element, [] (GstElement *, gpointer) {}, self, g_object_unref);
  }

private:
  GWeakRef object_;
};

struct Private {
  std::shared_ptr<Feed> feed; // null where spreaditsrc is not installed
  Owned<GstElement> source;
  // Floating; within construct(), of which there is one at a time.
  GstElement *element = nullptr;

  std::mutex lock; // guards what follows
  std::string uri;
  guint idle_timeout_ms = idle_timeout_default_ms;
  guint wait_time_ms = wait_time_default_ms;
};

} // namespace

struct _GstSpreaditMediaFactory {
  GstRTSPMediaFactory parent;
  Private *priv; // owned: new in init, delete in finalize
};

G_DEFINE_TYPE_WITH_CODE (GstSpreaditMediaFactory, gst_spreadit_media_factory,
    GST_TYPE_RTSP_MEDIA_FACTORY,
    GST_DEBUG_CATEGORY_INIT (gst_spreadit_media_factory_debug,
        "spreaditmediafactory", 0, "SpreadIt streams in RTSP servers"))

namespace {

// Answers with reasons. gst-rtsp-server makes of a factory that has nothing a
// 400 without a word; its answer is amended on the way out.

struct Amendment {
  GstRTSPStatusCode status;
  std::string reason;
};

void
amend (GstRTSPClient *client, GstRTSPContext *, GstRTSPMessage *message,
    gpointer data) noexcept
{
  const auto &amendment = *static_cast<Amendment *> (data);
  if (gst_rtsp_message_get_type (message) == GST_RTSP_MESSAGE_RESPONSE &&
      message->type_data.response.code >= GST_RTSP_STS_BAD_REQUEST) {
    message->type_data.response.code = amendment.status;
    g_free (message->type_data.response.reason);
    const bool elsewhere = amendment.status < GST_RTSP_STS_BAD_REQUEST;
    message->type_data.response.reason =
        g_strdup (elsewhere ? gst_rtsp_status_as_text (amendment.status)
                            : amendment.reason.c_str ());
    if (elsewhere)
      gst_rtsp_message_add_header (
          message, GST_RTSP_HDR_LOCATION, amendment.reason.c_str ());
  }
  g_signal_handlers_disconnect_matched (
      client, G_SIGNAL_MATCH_DATA, 0, 0, nullptr, nullptr, data);
}

// A status line is one line.
std::string
one_line (std::string text)
{
  for (char &c : text)
    if (static_cast<unsigned char> (c) < ' ')
      c = ' ';
  return text;
}

Feed::Clock::duration
wait_time (Private &priv)
{
  const std::lock_guard guard (priv.lock);
  return std::chrono::milliseconds (priv.wait_time_ms);
}

// GstRTSPMediaFactory.

GstElement *
make_element (const Offer &offer, std::vector<Owned<GstAppSrc>> &sources)
{
  GstElement *bin = gst_bin_new (nullptr);
  for (std::size_t i = 0; i < offer.media.size (); ++i) {
    const std::string name = "pay" + std::to_string (i); // what it looks for
    GstElement *source =
        gst_spreadit_rtp_source_new (name.c_str (), offer.media[i].caps.get ());
    gst_bin_add (GST_BIN (bin), source);
    sources.emplace_back (GST_APP_SRC (gst_object_ref (source)));
  }
  return bin;
}

// Asked by the parent's construct.
GstElement *
create_element (GstRTSPMediaFactory *factory, const GstRTSPUrl *) noexcept
{
  return std::exchange (
      GST_SPREADIT_MEDIA_FACTORY (factory)->priv->element, nullptr);
}

GstRTSPMedia *
construct (GstRTSPMediaFactory *factory, const GstRTSPUrl *url) noexcept
{
  Private &priv = *GST_SPREADIT_MEDIA_FACTORY (factory)->priv;
  GstRTSPContext *context = gst_rtsp_context_get_current ();
  if (!priv.feed) {
    gst_spreadit_media_factory_refuse (context,
        GST_RTSP_STS_INTERNAL_SERVER_ERROR,
        "The element spreaditsrc is not installed");
    return nullptr;
  }
  auto opened = priv.feed->open (wait_time (priv));
  if (auto *refusal = std::get_if<Refusal> (&opened)) {
    GST_INFO_OBJECT (factory, "refusing: %s", refusal->reason.c_str ());
    gst_spreadit_media_factory_refuse (
        context, refusal->status, refusal->reason.c_str ());
    return nullptr;
  }
  const auto &offer = std::get<Offer> (opened);
  std::vector<Owned<GstAppSrc>> sources;
  priv.element = make_element (offer, sources);
  GstRTSPMedia *media =
      GST_RTSP_MEDIA_FACTORY_CLASS (gst_spreadit_media_factory_parent_class)
          ->construct (factory, url);
  if (!media)
    return nullptr;
  MediaLink link;
  link.feed = priv.feed;
  link.outlet = priv.feed->attach (offer.session, std::move (sources));
  link.cname = offer.cname;
  for (const auto &medium : offer.media)
    link.clocks.push_back (medium.clock);
  const bool attached = link.outlet != 0;
  link_media (GST_SPREADIT_MEDIA (media), std::move (link));
  if (attached)
    return media;
  gst_spreadit_media_factory_refuse (
      context, GST_RTSP_STS_SERVICE_UNAVAILABLE, "The stream has just ended");
  g_object_unref (media);
  return nullptr;
}

// Where media are shared: one for all who play one join, whatever query they
// ask with; none that is left over from the join before.
gchar *
gen_key (GstRTSPMediaFactory *factory, const GstRTSPUrl *) noexcept
{
  Private &priv = *GST_SPREADIT_MEDIA_FACTORY (factory)->priv;
  const unsigned session = priv.feed ? priv.feed->session () : 0;
  return session ? g_strdup_printf ("%u", session) : nullptr;
}

// GObject.

void
set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec) noexcept
{
  Private &priv = *GST_SPREADIT_MEDIA_FACTORY (object)->priv;
  const std::lock_guard guard (priv.lock);
  switch (id) {
  case PROP_URI: {
    const gchar *uri = g_value_get_string (value);
    priv.uri = uri ? uri : "";
    if (priv.source)
      g_object_set (priv.source.get (), "uri", uri, nullptr);
    break;
  }
  case PROP_IDLE_TIMEOUT:
    priv.idle_timeout_ms = g_value_get_uint (value);
    if (priv.feed)
      priv.feed->set_idle_time (
          std::chrono::milliseconds (priv.idle_timeout_ms));
    break;
  case PROP_WAIT_TIME:
    priv.wait_time_ms = g_value_get_uint (value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

void
get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec) noexcept
{
  Private &priv = *GST_SPREADIT_MEDIA_FACTORY (object)->priv;
  const std::lock_guard guard (priv.lock);
  switch (id) {
  case PROP_URI:
    g_value_set_string (value, priv.uri.c_str ());
    break;
  case PROP_SOURCE:
    g_value_set_object (value, priv.source.get ());
    break;
  case PROP_IDLE_TIMEOUT:
    g_value_set_uint (value, priv.idle_timeout_ms);
    break;
  case PROP_WAIT_TIME:
    g_value_set_uint (value, priv.wait_time_ms);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

void
finalize (GObject *object) noexcept
{
  Private *priv = GST_SPREADIT_MEDIA_FACTORY (object)->priv;
  priv->feed.reset (); // ends its thread, unless a player has a media of it
  delete priv;
  G_OBJECT_CLASS (gst_spreadit_media_factory_parent_class)->finalize (object);
}

void
install_properties (GObjectClass *klass)
{
  const auto flags = GParamFlags (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  /**
   * GstSpreaditMediaFactory:uri:
   *
   * The stream: `spreadit://HOST[:PORT]/PATH`. Takes effect at the next join.
   *
   * Since: 1.0
   */
  properties[PROP_URI] = g_param_spec_string (
      "uri", "URI", "The stream, spreadit://HOST[:PORT]/PATH", nullptr, flags);
  /**
   * GstSpreaditMediaFactory:source:
   *
   * The `spreaditsrc` that joins the stream, for its properties (what it passes
   * on to how many peers, where it listens), its `manager` and `stats`.
   * Changing its state is up to the factory. %NULL where that element is not
   * installed.
   *
   * Since: 1.0
   */
  properties[PROP_SOURCE] = g_param_spec_object ("source", "Source",
      "The spreaditsrc that joins the stream", GST_TYPE_ELEMENT,
      GParamFlags (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  /**
   * GstSpreaditMediaFactory:idle-timeout:
   *
   * Milliseconds after the last player until a stream that was joined for
   * players is left.
   *
   * Since: 1.0
   */
  properties[PROP_IDLE_TIMEOUT] = g_param_spec_uint ("idle-timeout",
      "Idle timeout", "Milliseconds without players after which to leave", 0,
      G_MAXINT, idle_timeout_default_ms, flags);
  /**
   * GstSpreaditMediaFactory:wait-time:
   *
   * Milliseconds a player, and with it the thread that serves it, waits at most
   * for a stream that is joined because of it. 0: it is refused, and has to
   * come again.
   *
   * Since: 1.0
   */
  properties[PROP_WAIT_TIME] = g_param_spec_uint ("wait-time", "Wait time",
      "Milliseconds a player waits at most while the stream is joined", 0,
      G_MAXINT, wait_time_default_ms, flags);
  g_object_class_install_properties (klass, N_PROPS, properties);
}

void
install_signals ()
{
  /**
   * GstSpreaditMediaFactory::joined:
   * @self: the factory
   *
   * The stream is there: players can have it.
   *
   * Since: 1.0
   */
  signals[SIGNAL_JOINED] =
      g_signal_new ("joined", GST_TYPE_SPREADIT_MEDIA_FACTORY,
          G_SIGNAL_RUN_LAST, 0, nullptr, nullptr, nullptr, G_TYPE_NONE, 0);
  /**
   * GstSpreaditMediaFactory::left:
   * @self: the factory
   * @error: (nullable): why, unless it was because nobody wanted it any more
   *
   * The stream is left, or could not be joined. Players have been told that it
   * is over.
   *
   * Since: 1.0
   */
  signals[SIGNAL_LEFT] =
      g_signal_new ("left", GST_TYPE_SPREADIT_MEDIA_FACTORY, G_SIGNAL_RUN_LAST,
          0, nullptr, nullptr, nullptr, G_TYPE_NONE, 1, G_TYPE_ERROR);
}

} // namespace

static void
gst_spreadit_media_factory_class_init (GstSpreaditMediaFactoryClass *klass)
{
  auto *object_class = G_OBJECT_CLASS (klass);
  auto *factory_class = GST_RTSP_MEDIA_FACTORY_CLASS (klass);
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;
  factory_class->construct = construct;
  factory_class->create_element = create_element;
  factory_class->gen_key = gen_key;
  install_properties (object_class);
  install_signals ();
}

static void
gst_spreadit_media_factory_init (GstSpreaditMediaFactory *self)
{
  Private *priv = self->priv = new Private;
  gst_rtsp_media_factory_set_media_gtype (
      GST_RTSP_MEDIA_FACTORY (self), GST_TYPE_SPREADIT_MEDIA);
  gst_rtsp_media_factory_set_protocols (GST_RTSP_MEDIA_FACTORY (self),
      GstRTSPLowerTrans (GST_RTSP_LOWER_TRANS_UDP | GST_RTSP_LOWER_TRANS_TCP));
  GstElement *source = gst_element_factory_make ("spreaditsrc", nullptr);
  if (!source)
    return;
  g_object_set (source, "add-reference-timestamp-meta", TRUE, nullptr);
  priv->source.reset (GST_ELEMENT (gst_object_ref_sink (source)));
  auto emitter = std::make_shared<Emitter> (self);
  priv->feed = std::make_shared<Feed> (
      Owned<GstElement> (GST_ELEMENT (gst_object_ref (source))),
      Feed::Reports{
          [emitter, source] { emitter->emit (source, SIGNAL_JOINED); },
          [emitter, source] (const GError *why) {
            emitter->emit (source, SIGNAL_LEFT, why);
          }});
}

/**
 * gst_spreadit_media_factory_new:
 * @uri: the stream, `spreadit://HOST[:PORT]/PATH`
 *
 * What a bad URI is refused for, players are told. Thread-safe.
 *
 * Returns: (transfer full): a factory that joins the stream when a player asks
 *   for it
 *
 * Since: 1.0
 */
GstSpreaditMediaFactory *
gst_spreadit_media_factory_new (const gchar *uri)
{
  return static_cast<GstSpreaditMediaFactory *> (
      g_object_new (GST_TYPE_SPREADIT_MEDIA_FACTORY, "uri", uri, nullptr));
}

/**
 * gst_spreadit_media_factory_join:
 * @self: a factory
 *
 * Joins the stream and stays, whether there are players or not, until
 * gst_spreadit_media_factory_leave(). When it is over or cannot be had, that is
 * tried again, after 2 s each time. Returns at once; the next player is told
 * how far it has got. Thread-safe.
 *
 * Since: 1.0
 */
void
gst_spreadit_media_factory_join (GstSpreaditMediaFactory *self)
{
  g_return_if_fail (GST_IS_SPREADIT_MEDIA_FACTORY (self));
  if (self->priv->feed)
    self->priv->feed->join ();
}

/**
 * gst_spreadit_media_factory_leave:
 * @self: a factory
 *
 * Leaves the stream; to players it has ended. Returns at once, and
 * #GstSpreaditMediaFactory::left tells when the children have moved. The next
 * player that asks for it has it joined again. Thread-safe.
 *
 * Since: 1.0
 */
void
gst_spreadit_media_factory_leave (GstSpreaditMediaFactory *self)
{
  g_return_if_fail (GST_IS_SPREADIT_MEDIA_FACTORY (self));
  if (self->priv->feed)
    self->priv->feed->leave ();
}

/**
 * gst_spreadit_media_factory_refuse: (skip)
 * @context: (nullable): what is being answered,
 *   gst_rtsp_context_get_current()
 * @status: an error, or a redirection with its Location as @reason
 * @reason: for people
 *
 * Has the error that gst-rtsp-server is about to answer the request with be
 * this one. For factories of an application's own whose `construct` gives
 * nothing, which otherwise is "400 Bad Request". In the client's thread.
 *
 * Since: 1.0
 */
void
gst_spreadit_media_factory_refuse (
    GstRTSPContext *context, GstRTSPStatusCode status, const gchar *reason)
{
  g_return_if_fail (reason);
  if (!context || !context->client)
    return;
  auto *amendment = new Amendment{status, one_line (reason)};
  g_signal_connect_data (
      context->client, "send-message", G_CALLBACK (amend), amendment,
      [] (gpointer data, GClosure *) noexcept {
        delete static_cast<Amendment *> (data);
      },
      GConnectFlags (0));
}
