/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:gstspreaditpeeringmanager
 * @title: GstSpreaditPeeringManager
 * @short_description: one node of a stream's tree
 *
 * The paper's peering layer (IV): given the URI of a live stream it finds a
 * server for it, opens a data-transfer session, finds another server when that
 * one leaves or fails, and serves children of its own. The application session
 * goes on through all of that.
 *
 * The elements use one; an application that handles packets itself can use one
 * without any element:
 *
 * |[<!-- language="C" -->
 * GstSpreaditPeeringManager *manager = gst_spreadit_peering_manager_new ();
 * g_object_set (manager, "uri", "spreadit://source.example/live", NULL);
 * if (!gst_spreadit_peering_manager_get_stream (manager, &error))
 *   g_error ("%s", error->message);
 * while ((packets = gst_spreadit_peering_manager_pull (manager))) {
 *   // RTP and RTCP as the source sent them; children have been served
 *   gst_buffer_list_unref (packets);
 * }
 * gst_spreadit_peering_manager_leave_and_wait (manager, 3 * GST_SECOND);
 * gst_spreadit_peering_manager_close (manager);
 * ]|
 *
 * Threads: every function is thread-safe. Signals are emitted on the library's
 * control thread with no lock held; handlers may call any function here except
 * those that wait, but must not block: all nodes of the process share that
 * thread. One thread at a time runs gst_spreadit_peering_manager_pull(),
 * gst_spreadit_peering_manager_receive() or what that consists of.
 *
 * Since: 1.0
 */
#include <gst/spreadit/gstspreaditpeeringmanager.h>

#include <string>

#include "agent/control_loop.hpp"
#include "manager/application_session.hpp"
#include "manager/wishes.hpp"
#include "rtsp/uri.hpp"

using namespace std::chrono_literals;
namespace agent = spreadit::agent;
namespace core = spreadit::core;
namespace manager = spreadit::manager;
namespace rtsp = spreadit::rtsp;
using spreadit::Owned;

enum {
  PROP_0,
  PROP_URI,
  PROP_LISTEN_ADDRESS,
  PROP_ADVERTISE_ADDRESS,
  PROP_RELAY,
  PROP_MAX_CHILDREN,
  PROP_UPLOAD_BANDWIDTH,
  PROP_ADD_POLICY,
  PROP_SECOND_ADD_POLICY,
  PROP_DELETE_POLICY,
  PROP_PROXIMITY,
  PROP_MAX_TRIES,
  PROP_ALIVE_INTERVAL,
  PROP_ALIVE_MISSES,
  PROP_RING_DURATION,
  PROP_REPAIR_SHARE,
  PROP_STANDBY,
  PROP_TLS_CERTIFICATE,
  PROP_TLS_CA,
  PROP_LINGER,
  PROP_ID,
  PROP_PORT,
  PROP_STATE,
  PROP_SDP,
  PROP_STATS,
  N_PROPS
};

enum {
  SIGNAL_PARENT_CHANGED,
  SIGNAL_CHILD_ADDED,
  SIGNAL_CHILD_REMOVED,
  SIGNAL_STATE_CHANGED,
  SIGNAL_MEDIA_CHANGED,
  SIGNAL_UNAVAILABLE,
  SIGNAL_ENDED,
  SIGNAL_LEFT,
  SIGNAL_REACH_CHANGED,
  N_SIGNALS
};

static GParamSpec *properties[N_PROPS];
static guint signals[N_SIGNALS];

namespace {

// Emits what a session reports. Outlives the GObject when that goes during a
// signal.
struct Private final : manager::ApplicationSession::Reports {
  explicit Private (GstSpreaditPeeringManager *object)
  {
    g_weak_ref_init (&self, object);
  }
  ~Private () { g_weak_ref_clear (&self); }

  // Weak: the application may drop its last reference at any time.
  GWeakRef self;
  manager::ApplicationSession session{*this};

  template <class... Args> void emit (int signal, Args... args)
  {
    const Owned<GObject> object (G_OBJECT (g_weak_ref_get (&self)));
    if (object)
      g_signal_emit (object.get (), signals[signal], 0, args...);
  }

  void state_changed (
      GstSpreaditPeerState old, GstSpreaditPeerState now) override
  {
    emit (SIGNAL_STATE_CHANGED, old, now);
  }
  void parent_changed (const core::Contact &parent, unsigned level) override
  {
    emit (SIGNAL_PARENT_CHANGED, rtsp::to_string (parent.id).c_str (),
        parent.address.c_str (), level);
  }
  void child_added (const core::Contact &child) override
  {
    emit (SIGNAL_CHILD_ADDED, rtsp::to_string (child.id).c_str (),
        child.address.c_str ());
  }
  void child_removed (const core::Contact &child, bool failed) override
  {
    emit (SIGNAL_CHILD_REMOVED, rtsp::to_string (child.id).c_str (),
        child.address.c_str (), static_cast<gboolean> (failed));
  }
  void reach_changed (bool reachable, const core::Contact &by) override
  {
    emit (SIGNAL_REACH_CHANGED, static_cast<gboolean> (reachable),
        by.address.c_str ());
  }
  void media_changed (const std::string &sdp) override
  {
    emit (SIGNAL_MEDIA_CHANGED, sdp.c_str ());
  }
  void unavailable (const GError *why) override
  {
    emit (SIGNAL_UNAVAILABLE, why);
  }
  void ended () override { emit (SIGNAL_ENDED); }
  void left () override { emit (SIGNAL_LEFT); }
};

} // namespace

struct _GstSpreaditPeeringManager {
  GstObject parent;
  Private *priv; // owned: new in init, given to the control thread at the end
};

G_DEFINE_TYPE (
    GstSpreaditPeeringManager, gst_spreadit_peering_manager, GST_TYPE_OBJECT)

static void
gst_spreadit_peering_manager_init (GstSpreaditPeeringManager *self)
{
  self->priv = new Private (self);
}

static void
gst_spreadit_peering_manager_finalize (GObject *object)
{
  Private *priv = GST_SPREADIT_PEERING_MANAGER (object)->priv;
  priv->session.close ();
  // Posted, so that a report of the node in progress still finds us.
  agent::ControlLoop::get ().post ([priv] { delete priv; });
  G_OBJECT_CLASS (gst_spreadit_peering_manager_parent_class)->finalize (object);
}

static void
gst_spreadit_peering_manager_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  Private *priv = GST_SPREADIT_PEERING_MANAGER (object)->priv;
  const auto text = [&] {
    const gchar *string = g_value_get_string (value);
    return std::string (string ? string : "");
  };
  priv->session.change ([&] (manager::Wishes &wishes) {
    switch (id) {
    case PROP_URI:
      wishes.uri = text ();
      break;
    case PROP_LISTEN_ADDRESS:
      wishes.listen_address = text ();
      break;
    case PROP_ADVERTISE_ADDRESS:
      wishes.advertise_address = text ();
      break;
    case PROP_RELAY:
      wishes.relay = g_value_get_boolean (value);
      break;
    case PROP_MAX_CHILDREN:
      wishes.max_children = g_value_get_uint (value);
      break;
    case PROP_UPLOAD_BANDWIDTH:
      wishes.upload_bandwidth = g_value_get_uint64 (value);
      break;
    case PROP_ADD_POLICY:
      wishes.add_policy = g_value_get_enum (value);
      break;
    case PROP_SECOND_ADD_POLICY:
      wishes.second_add_policy = g_value_get_enum (value);
      break;
    case PROP_DELETE_POLICY:
      wishes.delete_policy = g_value_get_enum (value);
      break;
    case PROP_PROXIMITY:
      wishes.proximity = g_value_get_enum (value);
      break;
    case PROP_MAX_TRIES:
      wishes.max_tries = g_value_get_uint (value);
      break;
    case PROP_ALIVE_INTERVAL:
      wishes.alive_interval_ms = g_value_get_uint (value);
      break;
    case PROP_ALIVE_MISSES:
      wishes.alive_misses = g_value_get_uint (value);
      break;
    case PROP_RING_DURATION:
      wishes.ring_duration_ms = g_value_get_uint (value);
      break;
    case PROP_REPAIR_SHARE:
      wishes.repair_share = g_value_get_uint (value);
      break;
    case PROP_STANDBY:
      wishes.standby = g_value_get_boolean (value);
      break;
    case PROP_TLS_CERTIFICATE:
      wishes.tls_certificate = text ();
      break;
    case PROP_TLS_CA:
      wishes.tls_ca = text ();
      break;
    case PROP_LINGER:
      wishes.linger_ms = g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
    }
  });
}

static void
gst_spreadit_peering_manager_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  Private *priv = GST_SPREADIT_PEERING_MANAGER (object)->priv;
  if (id == PROP_STATS) {
    g_value_take_boxed (value, priv->session.stats ().release ());
    return;
  }
  const manager::Wishes wishes = priv->session.wishes ();
  const auto facts = priv->session.facts ();
  const auto set_text = [&] (const std::string &text) {
    g_value_set_string (value, text.empty () ? nullptr : text.c_str ());
  };
  switch (id) {
  case PROP_URI:
    set_text (wishes.uri);
    break;
  case PROP_LISTEN_ADDRESS:
    set_text (wishes.listen_address);
    break;
  case PROP_ADVERTISE_ADDRESS:
    set_text (wishes.advertise_address);
    break;
  case PROP_RELAY:
    g_value_set_boolean (value, wishes.relay);
    break;
  case PROP_MAX_CHILDREN:
    g_value_set_uint (value, wishes.max_children);
    break;
  case PROP_UPLOAD_BANDWIDTH:
    g_value_set_uint64 (value, wishes.upload_bandwidth);
    break;
  case PROP_ADD_POLICY:
    g_value_set_enum (value, wishes.add_policy);
    break;
  case PROP_SECOND_ADD_POLICY:
    g_value_set_enum (value, wishes.second_add_policy);
    break;
  case PROP_DELETE_POLICY:
    g_value_set_enum (value, wishes.delete_policy);
    break;
  case PROP_PROXIMITY:
    g_value_set_enum (value, wishes.proximity);
    break;
  case PROP_MAX_TRIES:
    g_value_set_uint (value, wishes.max_tries);
    break;
  case PROP_ALIVE_INTERVAL:
    g_value_set_uint (value, wishes.alive_interval_ms);
    break;
  case PROP_ALIVE_MISSES:
    g_value_set_uint (value, wishes.alive_misses);
    break;
  case PROP_RING_DURATION:
    g_value_set_uint (value, wishes.ring_duration_ms);
    break;
  case PROP_REPAIR_SHARE:
    g_value_set_uint (value, wishes.repair_share);
    break;
  case PROP_STANDBY:
    g_value_set_boolean (value, wishes.standby);
    break;
  case PROP_TLS_CERTIFICATE:
    set_text (wishes.tls_certificate);
    break;
  case PROP_TLS_CA:
    set_text (wishes.tls_ca);
    break;
  case PROP_LINGER:
    g_value_set_uint (value, wishes.linger_ms);
    break;
  case PROP_ID:
    if (facts.id != core::PeerId{})
      set_text (rtsp::to_string (facts.id));
    break;
  case PROP_PORT:
    g_value_set_uint (value, facts.port);
    break;
  case PROP_STATE:
    g_value_set_enum (value, facts.state);
    break;
  case PROP_SDP:
    set_text (facts.sdp);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    break;
  }
}

static void
install_properties (GObjectClass *klass)
{
  const auto flags =
      static_cast<GParamFlags> (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  const auto live =
      static_cast<GParamFlags> (flags | GST_PARAM_MUTABLE_PLAYING);
  const auto read_only =
      static_cast<GParamFlags> (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * GstSpreaditPeeringManager:uri:
   *
   * The stream: `spreadit://HOST[:PORT]/PATH`, where host and port are the
   * source's; port 8554 if none is given. A source may say port 0 for any free
   * one. Takes effect at the next start.
   *
   * With `spreadits://`, port 8322, everything between peers goes through TLS,
   * the packets too, interleaved (RFC 2326 10.12). The source proves who it is
   * by a certificate (#GstSpreaditPeeringManager:tls-ca), or, where the URI
   * ends with `?id=` and 32 hexadecimal digits, by being the peer of that
   * #GstSpreaditPeeringManager:id. All others prove to be whom a peer before
   * them has named.
   *
   * Since: 1.0
   */
  properties[PROP_URI] = g_param_spec_string (
      "uri", "URI", "The stream, spreadit://HOST[:PORT]/PATH", nullptr, flags);
  /**
   * GstSpreaditPeeringManager:listen-address:
   *
   * `HOST:PORT` to serve children on; the host numeric, an empty one is every
   * interface, port 0 is any free one. Default: the host and port of the URI
   * for a source, `:0` for a peer that relays.
   *
   * Since: 1.0
   */
  properties[PROP_LISTEN_ADDRESS] = g_param_spec_string ("listen-address",
      "Listen address",
      "HOST:PORT to serve children on, port 0 = any (default: that of the URI "
      "for a source, any for a peer)",
      nullptr, flags);
  /**
   * GstSpreaditPeeringManager:advertise-address:
   *
   * `HOST:PORT` that others are told to reach this node on, where it differs
   * from the listen address: behind a port forwarding.
   *
   * Since: 1.0
   */
  properties[PROP_ADVERTISE_ADDRESS] =
      g_param_spec_string ("advertise-address", "Advertise address",
          "HOST:PORT others reach this node on, if not the listen address",
          nullptr, flags);
  /**
   * GstSpreaditPeeringManager:relay:
   *
   * Whether to pass the stream on. %FALSE is as `max-children=0` and opens no
   * port.
   *
   * Since: 1.0
   */
  properties[PROP_RELAY] = g_param_spec_boolean (
      "relay", "Relay", "Pass the stream on to children", TRUE, live);
  /**
   * GstSpreaditPeeringManager:max-children:
   *
   * Children this node serves at most, plain players included (paper, III-3).
   * A lower number takes effect as children leave.
   *
   * Since: 1.0
   */
  properties[PROP_MAX_CHILDREN] = g_param_spec_uint ("max-children",
      "Max children", "Children served at most, plain players included", 0,
      core::limits::children_max_max, core::limits::children_max_default, live);
  /**
   * GstSpreaditPeeringManager:upload-bandwidth:
   *
   * What this node can send, in bit/s; 0 = unknown. When known, the capacity is
   * floor (upload-bandwidth x 0.9 / rate of the stream) instead of
   * #GstSpreaditPeeringManager:max-children. Parents are told, for
   * %GST_SPREADIT_ADD_POLICY_SMART_BANDWIDTH.
   *
   * Since: 1.0
   */
  properties[PROP_UPLOAD_BANDWIDTH] = g_param_spec_uint64 ("upload-bandwidth",
      "Upload bandwidth",
      "Bit/s this node can send, 0 = unknown; if known, decides the number of "
      "children",
      0, G_MAXUINT64, 0, live);
  /**
   * GstSpreaditPeeringManager:add-policy:
   *
   * Whom a newcomer is sent to when this node is saturated (paper, V-A). The
   * default is not one of the paper's: with it newcomers wait less and trees
   * are lower than with any of those (docs/EVALUATION.md).
   *
   * Since: 1.0
   */
  properties[PROP_ADD_POLICY] = g_param_spec_enum ("add-policy", "Add policy",
      "Whom a newcomer is sent to when saturated", GST_TYPE_SPREADIT_ADD_POLICY,
      GST_SPREADIT_ADD_POLICY_AUTO, live);
  /**
   * GstSpreaditPeeringManager:second-add-policy:
   *
   * With %GST_SPREADIT_ADD_POLICY_SMART_BANDWIDTH: what happens to newcomers
   * with no more upload bandwidth than this node, and while one of the two
   * bandwidths is not known (paper, V-A.5). smart-bandwidth itself counts as
   * round-robin here.
   *
   * Since: 1.0
   */
  properties[PROP_SECOND_ADD_POLICY] = g_param_spec_enum ("second-add-policy",
      "Second add policy",
      "With smart-bandwidth: what happens to newcomers with no more upload",
      GST_TYPE_SPREADIT_ADD_POLICY, GST_SPREADIT_ADD_POLICY_ROUND_ROBIN, live);
  /**
   * GstSpreaditPeeringManager:delete-policy:
   *
   * Where the children go when this node leaves, and where this node goes when
   * its parent fails (paper, V-B).
   *
   * Since: 1.0
   */
  properties[PROP_DELETE_POLICY] =
      g_param_spec_enum ("delete-policy", "Delete policy",
          "Where the children go when this node leaves, and this node when its "
          "parent fails",
          GST_TYPE_SPREADIT_DELETE_POLICY,
          GST_SPREADIT_DELETE_POLICY_GRANDFATHER, live);
  /**
   * GstSpreaditPeeringManager:proximity:
   *
   * How this node finds out where in the network it is, for parents whose add
   * policy places newcomers near each other (paper, V-A.3). Nothing waits for
   * it: it is measured while the node joins, in 2 s at most, and told to the
   * parent then. A node that was sent on before moves once, without a gap.
   *
   * traceroute sends UDP datagrams of some bytes towards the source, ports
   * 33435 and up, and needs no privileges. Where routers do not answer fewer
   * are known. A change takes effect when the source is next connected to.
   *
   * Since: 1.0
   */
  properties[PROP_PROXIMITY] = g_param_spec_enum ("proximity", "Proximity",
      "How this node finds out where in the network it is",
      GST_TYPE_SPREADIT_PROXIMITY, GST_SPREADIT_PROXIMITY_TRACEROUTE, live);
  /**
   * GstSpreaditPeeringManager:max-tries:
   *
   * Peers asked in one search before the stream is unavailable (paper, IV-B).
   *
   * Since: 1.0
   */
  properties[PROP_MAX_TRIES] = g_param_spec_uint ("max-tries", "Max tries",
      "Peers asked in one search for a parent", 1, 1000,
      core::limits::tries_max_default, flags);
  /**
   * GstSpreaditPeeringManager:alive-interval:
   *
   * Milliseconds between two heart-beats on a link (paper, IV-D).
   *
   * Since: 1.0
   */
  properties[PROP_ALIVE_INTERVAL] = g_param_spec_uint ("alive-interval",
      "Alive interval", "Milliseconds between heart-beats", 50, 60000,
      manager::in_ms (core::limits::alive_interval_default), flags);
  /**
   * GstSpreaditPeeringManager:alive-misses:
   *
   * Heart-beats in a row that may be missing before a peer is taken for dead
   * (paper, IV-D).
   *
   * Since: 1.0
   */
  properties[PROP_ALIVE_MISSES] = g_param_spec_uint ("alive-misses",
      "Alive misses", "Missing heart-beats that mean a peer is dead", 1, 100,
      core::limits::alive_misses_default, flags);
  /**
   * GstSpreaditPeeringManager:ring-duration:
   *
   * Milliseconds of the stream kept for children that resume after the loss of
   * their parent.
   *
   * Since: 1.0
   */
  properties[PROP_RING_DURATION] = g_param_spec_uint ("ring-duration",
      "Ring duration", "Milliseconds of the stream kept for resuming children",
      100, 60000, manager::ring_duration_default_ms, flags);
  /**
   * GstSpreaditPeeringManager:repair-share:
   *
   * Of what a child is sent, the percentage it may be sent again when it was
   * lost on the way and the child asks for it (generic NACK, RFC 4585 6.2.1). 0
   * turns repair off: nothing is sent again, and what is lost here is not asked
   * for.
   *
   * Since: 1.0
   */
  properties[PROP_REPAIR_SHARE] =
      g_param_spec_uint ("repair-share", "Repair share",
          "Percent of the stream a child may be sent again; 0 = no repair", 0,
          100, manager::repair_share_default, flags);
  /**
   * GstSpreaditPeeringManager:standby:
   *
   * Whether a connection is kept ready to the peer that is asked first when the
   * parent fails, usually the grandparent: a round trip less without the
   * stream, for a connection every 7 s.
   *
   * Since: 1.0
   */
  properties[PROP_STANDBY] = g_param_spec_boolean ("standby", "Standby",
      "Keep a connection to whom to ask when the parent fails", TRUE, flags);
  /**
   * GstSpreaditPeeringManager:tls-certificate:
   *
   * For `spreadits://`: a PEM file with the certificate of this node, those
   * that signed it, and the private key. The id of the node follows from it, so
   * two nodes of one stream must not share one. Unset, a fresh one is made at
   * each start, signed by nobody but itself: enough for every peer but a source
   * that viewers know by its name. Takes effect at the next start, which fails
   * with #GST_RESOURCE_ERROR_SETTINGS where the file cannot be used.
   *
   * Since: 1.0
   */
  properties[PROP_TLS_CERTIFICATE] =
      g_param_spec_string ("tls-certificate", "TLS certificate",
          "PEM file with this node's certificate and key", nullptr, flags);
  /**
   * GstSpreaditPeeringManager:tls-ca:
   *
   * For `spreadits://`: a PEM file with the certificates of those who may sign
   * for the name of a source; unset: those that the system trusts. Not needed
   * where the URI names the source's id. Takes effect at the next start.
   *
   * Since: 1.0
   */
  properties[PROP_TLS_CA] = g_param_spec_string ("tls-ca", "TLS authorities",
      "PEM file of who may sign for a source; unset = the system's", nullptr,
      flags);
  /**
   * GstSpreaditPeeringManager:linger:
   *
   * Milliseconds a leaver feeds its children on at most, until they have found
   * other parents.
   *
   * Since: 1.0
   */
  properties[PROP_LINGER] = g_param_spec_uint ("linger", "Linger",
      "Milliseconds a leaver goes on feeding its children at most", 0, 60000,
      manager::in_ms (core::limits::linger_max), flags);
  /**
   * GstSpreaditPeeringManager:id:
   *
   * The 128-bit id of this application session, in hexadecimal: random, or with
   * `spreadits://` the first half of the SHA-256 of the node's certificate.
   *
   * Since: 1.0
   */
  properties[PROP_ID] = g_param_spec_string (
      "id", "Id", "Random id of this application session", nullptr, read_only);
  /**
   * GstSpreaditPeeringManager:port:
   *
   * The TCP port children connect to; 0 when there is none.
   *
   * Since: 1.0
   */
  properties[PROP_PORT] = g_param_spec_uint (
      "port", "Port", "TCP port listened on", 0, 65535, 0, read_only);
  /**
   * GstSpreaditPeeringManager:state:
   *
   * Where this node is between being made and having left.
   *
   * Since: 1.0
   */
  properties[PROP_STATE] = g_param_spec_enum ("state", "State",
      "What this node is doing", GST_TYPE_SPREADIT_PEER_STATE,
      GST_SPREADIT_PEER_STATE_IDLE, read_only);
  /**
   * GstSpreaditPeeringManager:sdp:
   *
   * The session description of the stream (RFC 8866) as the source wrote it;
   * %NULL until it is known.
   *
   * Since: 1.0
   */
  properties[PROP_SDP] = g_param_spec_string (
      "sdp", "SDP", "Session description of the stream", nullptr, read_only);
  /**
   * GstSpreaditPeeringManager:stats:
   *
   * A #GstStructure `spreadit-stats`. Counters are #guint64 and count since the
   * start of the application session; times ending in `-ms` are #gdouble
   * milliseconds and missing while not known.
   *
   * - `time`: µs since 1970; `uri`, `id`, `address`: strings
   * - `state`: string, the nick of #GstSpreaditPeerState
   * - `level`: #guint, 0 at the source
   * - `parent`, `parent-id`: strings, empty when there is none;
   *   `parent-transport`: `udp`, or `tcp` where UDP does not get through
   * - `standby`: string, whom the node would ask first if its parent failed,
   * when a connection to it is ready; else empty
   * - `reachable`: #gboolean, whether others can connect to `address`, as the
   *   parent found out by trying; missing while not known, at the source, and
   *   where `max-children` is 0
   * - `add-policy`, `second-add-policy`, `delete-policy`: strings, the nicks of
   *   those in force
   * - `root-path`: #GST_TYPE_LIST of ids, the parent first, the source last
   * - `children`: #GST_TYPE_LIST of structures with `id`, `address`,
   *   `plain-player` (#gboolean), `reachable` (#gboolean, missing while not
   *   known; who is not is offered to nobody), `sent-packets`, `sent-bytes`,
   *   `transport` (`udp` or `tcp`), `dropped-packets` (too late for it),
   *   `dropped-frames` (skipped, over TCP), `repaired-packets` (sent again),
   *   `repaired-bytes`, `repairs-refused` (over
   *   #GstSpreaditPeeringManager:repair-share), `lost-fraction` (#gdouble 0..1,
   *   from its last RTCP report), `rtt-ms`
   * - `packets-received` (RTP, each once), `packets-lost` (not here 1 s after
   *   they were missed), `packets-late` (of those, came after all),
   *   `packets-repaired` (came again because this node asked),
   *   `repairs-asked` (packets, each time), `packets-duplicate`,
   *   `packets-invalid`, `packets-stranger` (from nobody we know)
   * - `rtt-ms`: the way to the parent and back, by RTCP (RFC 3611 4.4, 4.5)
   * - `socket-drops`: what came and was dropped by the system (over TCP by us),
   *   because this
   *   process was too slow to fetch it from a buffer of `socket-buffer` bytes;
   *   that grows with the rate of the stream, up to what `net.core.rmem_max`
   *   allows. A drop may be a run of packets: `packets-lost` has them all
   * - `packets-sent`, to all children, by UDP in `messages-sent` messages to
   * the system: far fewer where it cuts up runs of packets itself (UDP_SEGMENT)
   * - `bytes-in`, `bytes-out`: data; `control-bytes-in`, `control-bytes-out`
   * - `delay-ms`: structure with `p50`, `p99`: packet delay (paper, VI-A), the
   *   source's NTP time to receipt; needs clocks that agree
   * - `path`: structure with `hops` (#guint, routers between the source and
   * this node), `routers` (#GST_TYPE_LIST of 16 hexadecimal digits, from the
   *   source's end; 0 did not answer) and `rtt-ms` to the source; missing until
   *   measured, see #GstSpreaditPeeringManager:proximity
   * - `discover-ms`: time to discover parent (paper, VI-A), of the first search
   * - `first-packet-ms`: from the start to the first RTP packet (paper, II)
   * - `switches`: #guint, changes of parent
   * - `transience-ms`: structure with `last`, `max`, `total` (paper, II)
   * - `subtree`: structure with `peers` (this one included), `levels` below it,
   *   `free` slots, all #guint, and how the stream fares there:
   *   - `measured`: #guint, the peers that the rest is of. A source is not
   *     among them, nor are players, nor who has no stream
   *   - `worst-lost-fraction`, `mean-lost-fraction`: #gdouble 0..1, packets of
   *     the last 10 s that never came, at the peer that loses most and on
   *     average. Missing when nobody measures
   *   - `worst-delay-ms`, `mean-delay-ms`: #gdouble, of each peer the median
   *     that is `p50` of its `delay-ms`. Missing while not known
   *
   *   They come up with heart-beats, so are older by up to one
   *   #GstSpreaditPeeringManager:alive-interval for each level. The worst is in
   *   steps, rounded up: 0.01 % and 5 ms at first, then a seventh to a quarter
   *   each. It falls when it is two steps less. The means are true to a quarter
   *
   * Since: 1.0
   */
  properties[PROP_STATS] = g_param_spec_boxed ("stats", "Statistics",
      "Figures of this node and its links", GST_TYPE_STRUCTURE, read_only);
  g_object_class_install_properties (klass, N_PROPS, properties);
}

static guint
add_signal (const char *name, guint n_params, ...)
{
  va_list types;
  va_start (types, n_params);
  const guint id = g_signal_new_valist (name, GST_TYPE_SPREADIT_PEERING_MANAGER,
      G_SIGNAL_RUN_LAST, nullptr, nullptr, nullptr, nullptr, G_TYPE_NONE,
      n_params, types);
  va_end (types);
  return id;
}

static void
install_signals ()
{
  /**
   * GstSpreaditPeeringManager::parent-changed:
   * @self: the manager
   * @id: the parent's id, in hexadecimal
   * @address: its `host:port`
   * @level: our level now, 1 below the source
   *
   * There is a parent: the first or another one.
   *
   * Since: 1.0
   */
  signals[SIGNAL_PARENT_CHANGED] = add_signal (
      "parent-changed", 3, G_TYPE_STRING, G_TYPE_STRING, G_TYPE_UINT);
  /**
   * GstSpreaditPeeringManager::child-added:
   * @self: the manager
   * @id: the child's id
   * @address: where it can be reached; empty if nowhere
   *
   * A peer or a player has been accepted and is being fed.
   *
   * Since: 1.0
   */
  signals[SIGNAL_CHILD_ADDED] =
      add_signal ("child-added", 2, G_TYPE_STRING, G_TYPE_STRING);
  /**
   * GstSpreaditPeeringManager::child-removed:
   * @self: the manager
   * @id: the child's id
   * @address: where it could be reached
   * @failed: it vanished instead of leaving
   *
   * A child is fed no more.
   *
   * Since: 1.0
   */
  signals[SIGNAL_CHILD_REMOVED] = add_signal (
      "child-removed", 3, G_TYPE_STRING, G_TYPE_STRING, G_TYPE_BOOLEAN);
  /**
   * GstSpreaditPeeringManager::state-changed:
   * @self: the manager
   * @old: the state until now
   * @state: the state from now on
   *
   * #GstSpreaditPeeringManager:state is another one.
   *
   * Since: 1.0
   */
  signals[SIGNAL_STATE_CHANGED] = add_signal ("state-changed", 2,
      GST_TYPE_SPREADIT_PEER_STATE, GST_TYPE_SPREADIT_PEER_STATE);
  /**
   * GstSpreaditPeeringManager::media-changed:
   * @self: the manager
   * @sdp: the session description
   *
   * The stream's session description is known, or is another one.
   *
   * Since: 1.0
   */
  signals[SIGNAL_MEDIA_CHANGED] =
      add_signal ("media-changed", 1, G_TYPE_STRING);
  /**
   * GstSpreaditPeeringManager::unavailable:
   * @self: the manager
   * @error: why, in the domain #GST_RESOURCE_ERROR:
   *   %GST_RESOURCE_ERROR_NO_SPACE_LEFT no peer has room,
   *   %GST_RESOURCE_ERROR_OPEN_READ nobody answers or not SpreadIt,
   *   %GST_RESOURCE_ERROR_NOT_FOUND no such stream,
   *   %GST_RESOURCE_ERROR_NOT_AUTHORIZED not allowed
   *
   * The application session is over (paper, IV-B). Emitted once.
   *
   * Since: 1.0
   */
  signals[SIGNAL_UNAVAILABLE] = add_signal ("unavailable", 1, G_TYPE_ERROR);
  /**
   * GstSpreaditPeeringManager::ended:
   * @self: the manager
   *
   * The source says that the stream is over.
   *
   * Since: 1.0
   */
  signals[SIGNAL_ENDED] = add_signal ("ended", 0);
  /**
   * GstSpreaditPeeringManager::left:
   * @self: the manager
   *
   * What gst_spreadit_peering_manager_leave() began is done: the children have
   * moved or the time to linger is over, every link is closed.
   *
   * Since: 1.0
   */
  signals[SIGNAL_LEFT] = add_signal ("left", 0);
  /**
   * GstSpreaditPeeringManager::reach-changed:
   * @self: the manager
   * @reachable: whether others can connect to this node
   * @by: `host:port` of the parent that has tried
   *
   * The parent has connected to the address that this node names for others, or
   * could not, and it was otherwise before or not known. Who cannot be reached
   * watches all the same, but feeds nobody: open the port, TCP and UDP, or
   * forward it and set #GstSpreaditPeeringManager:advertise-address. It is
   * tried again after 15 s, then less often, and when there is another parent.
   *
   * Since: 1.0
   */
  signals[SIGNAL_REACH_CHANGED] =
      add_signal ("reach-changed", 2, G_TYPE_BOOLEAN, G_TYPE_STRING);
}

static void
gst_spreadit_peering_manager_class_init (GstSpreaditPeeringManagerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  object_class->finalize = gst_spreadit_peering_manager_finalize;
  object_class->set_property = gst_spreadit_peering_manager_set_property;
  object_class->get_property = gst_spreadit_peering_manager_get_property;
  install_properties (object_class);
  install_signals ();
}

/**
 * gst_spreadit_peering_manager_new:
 *
 * Makes a node that listens nowhere and has asked nobody. Set its properties,
 * then call gst_spreadit_peering_manager_get_stream() to join a stream or
 * gst_spreadit_peering_manager_publish() to be its source.
 *
 * Returns: (transfer full): a new manager, not started
 *
 * Since: 1.0
 */
GstSpreaditPeeringManager *
gst_spreadit_peering_manager_new (void)
{
  auto *self = GST_SPREADIT_PEERING_MANAGER (
      g_object_new (GST_TYPE_SPREADIT_PEERING_MANAGER, nullptr));
  return GST_SPREADIT_PEERING_MANAGER (gst_object_ref_sink (self));
}

/**
 * gst_spreadit_peering_manager_get_stream:
 * @self: a manager that is not started, or has left
 * @error: return location for a #GError in the domain #GST_RESOURCE_ERROR:
 *   %GST_RESOURCE_ERROR_SETTINGS a bad URI or address,
 *   %GST_RESOURCE_ERROR_BUSY the listening port is in use or the manager
 *   started, %GST_RESOURCE_ERROR_OPEN_READ_WRITE no UDP port
 *
 * The paper's "get-stream" (IV): begins the application session and returns at
 * once. Ends with #GstSpreaditPeeringManager::parent-changed and packets, or
 * with #GstSpreaditPeeringManager::unavailable.
 *
 * Returns: %TRUE if the search has begun
 *
 * Since: 1.0
 */
gboolean
gst_spreadit_peering_manager_get_stream (
    GstSpreaditPeeringManager *self, GError **error)
{
  g_return_val_if_fail (GST_IS_SPREADIT_PEERING_MANAGER (self), FALSE);
  return self->priv->session.start (false, error);
}

/**
 * gst_spreadit_peering_manager_publish:
 * @self: a manager that is not started, or has left
 * @error: return location for a #GError, as for
 *   gst_spreadit_peering_manager_get_stream()
 *
 * Becomes the source of #GstSpreaditPeeringManager:uri. Who asks for the stream
 * before gst_spreadit_peering_manager_set_sdp() is told to come again soon.
 * Feed it with gst_spreadit_peering_manager_fan_out().
 *
 * Returns: %TRUE if the port is open
 *
 * Since: 1.0
 */
gboolean
gst_spreadit_peering_manager_publish (
    GstSpreaditPeeringManager *self, GError **error)
{
  g_return_val_if_fail (GST_IS_SPREADIT_PEERING_MANAGER (self), FALSE);
  return self->priv->session.start (true, error);
}

/**
 * gst_spreadit_peering_manager_set_sdp:
 * @self: a manager that publishes
 * @sdp: a session description (RFC 8866) with 1 to 32 media of different
 *   payload types, each with a relative a=control; a=ssrc is wanted
 * @error: return location for a #GError, %GST_RESOURCE_ERROR_SETTINGS
 *
 * Says what the stream consists of. From now on joins are answered.
 *
 * Returns: %TRUE unless the text cannot be used
 *
 * Since: 1.0
 */
gboolean
gst_spreadit_peering_manager_set_sdp (
    GstSpreaditPeeringManager *self, const gchar *sdp, GError **error)
{
  g_return_val_if_fail (GST_IS_SPREADIT_PEERING_MANAGER (self), FALSE);
  return self->priv->session.set_description (sdp, error);
}

/**
 * gst_spreadit_peering_manager_leave:
 * @self: a manager
 *
 * Begins to leave: the children are redirected and fed on until they have moved
 * (paper, IV-C), at most #GstSpreaditPeeringManager:linger; so go on pulling.
 * Ends with #GstSpreaditPeeringManager::left. A second call leaves at once. A
 * source tells everyone that the stream is over.
 *
 * Since: 1.0
 */
void
gst_spreadit_peering_manager_leave (GstSpreaditPeeringManager *self)
{
  g_return_if_fail (GST_IS_SPREADIT_PEERING_MANAGER (self));
  self->priv->session.leave ();
}

/**
 * gst_spreadit_peering_manager_leave_and_wait:
 * @self: a manager
 * @timeout: how long to wait at most, in ns; an hour is the longest
 *
 * gst_spreadit_peering_manager_leave(), then waits until that is done. Not from
 * a signal handler of a manager.
 *
 * Returns: %TRUE if it has left, %FALSE if the time was over before
 *
 * Since: 1.0
 */
gboolean
gst_spreadit_peering_manager_leave_and_wait (
    GstSpreaditPeeringManager *self, GstClockTime timeout)
{
  g_return_val_if_fail (GST_IS_SPREADIT_PEERING_MANAGER (self), FALSE);
  self->priv->session.leave ();
  return self->priv->session.wait_left (timeout);
}

/**
 * gst_spreadit_peering_manager_close:
 * @self: a manager
 *
 * Ends everything at once: links, sockets, a pull in progress. Nothing is
 * signalled. Does nothing when not started.
 *
 * Since: 1.0
 */
void
gst_spreadit_peering_manager_close (GstSpreaditPeeringManager *self)
{
  g_return_if_fail (GST_IS_SPREADIT_PEERING_MANAGER (self));
  self->priv->session.close ();
}

/**
 * gst_spreadit_peering_manager_pull:
 * @self: a manager
 *
 * gst_spreadit_peering_manager_receive() and
 * gst_spreadit_peering_manager_fan_out() in one: the children have been served
 * when it returns.
 *
 * Returns: (transfer full) (nullable): packets, or %NULL when flushing, closed
 *   or a source
 *
 * Since: 1.0
 */
GstBufferList *
gst_spreadit_peering_manager_pull (GstSpreaditPeeringManager *self)
{
  g_return_val_if_fail (GST_IS_SPREADIT_PEERING_MANAGER (self), nullptr);
  const auto data = self->priv->session.data_to_receive ();
  if (!data)
    return nullptr;
  GstBufferList *list = data->receive ();
  if (list)
    data->fan_out (list);
  return list;
}

/**
 * gst_spreadit_peering_manager_receive:
 * @self: a manager
 *
 * Waits for packets from the parent and serves the sockets meanwhile: without
 * a thread in here a node is deaf and its lagging children starve. RTP and the
 * source's RTCP (second byte 192 to 223, RFC 5761) in the order they came, each
 * once, byte for byte as the source sent them, without timestamps.
 *
 * Returns: (transfer full) (nullable): packets, or %NULL when flushing, closed
 *   or a source
 *
 * Since: 1.0
 */
GstBufferList *
gst_spreadit_peering_manager_receive (GstSpreaditPeeringManager *self)
{
  g_return_val_if_fail (GST_IS_SPREADIT_PEERING_MANAGER (self), nullptr);
  const auto data = self->priv->session.data_to_receive ();
  return data ? data->receive () : nullptr;
}

/**
 * gst_spreadit_peering_manager_relay:
 * @self: a manager
 * @may_relay: (scope call): asked whenever packets have come
 * @user_data: for @may_relay
 *
 * gst_spreadit_peering_manager_receive() and
 * gst_spreadit_peering_manager_fan_out() for ever, without making buffers: less
 * than half the work. Ends when @may_relay says no.
 *
 * Returns: %TRUE: there may be packets, gst_spreadit_peering_manager_take() has
 *   them; %FALSE when flushing, closed or a source
 *
 * Since: 1.0
 */
gboolean
gst_spreadit_peering_manager_relay (GstSpreaditPeeringManager *self,
    GstSpreaditMayRelayFunc may_relay, gpointer user_data)
{
  g_return_val_if_fail (GST_IS_SPREADIT_PEERING_MANAGER (self), FALSE);
  g_return_val_if_fail (may_relay != nullptr, FALSE);
  const auto data = self->priv->session.data_to_receive ();
  while (data && data->wait ()) {
    if (!may_relay (self, user_data))
      return TRUE;
    data->relay ();
  }
  return FALSE;
}

/**
 * gst_spreadit_peering_manager_take:
 * @self: a manager
 *
 * The packets that are there, as gst_spreadit_peering_manager_receive() has
 * them. Does not wait.
 *
 * Returns: (transfer full) (nullable): packets, or %NULL if none is new
 *
 * Since: 1.0
 */
GstBufferList *
gst_spreadit_peering_manager_take (GstSpreaditPeeringManager *self)
{
  g_return_val_if_fail (GST_IS_SPREADIT_PEERING_MANAGER (self), nullptr);
  const auto data = self->priv->session.data_to_receive ();
  return data ? data->take () : nullptr;
}

/**
 * gst_spreadit_peering_manager_fan_out:
 * @self: a manager
 * @packets: (transfer none): RTP or RTCP packets, one a buffer
 *
 * Sends @packets to every child and keeps them for those that resume. Never
 * waits for a child. Drops them when not started.
 *
 * Since: 1.0
 */
void
gst_spreadit_peering_manager_fan_out (
    GstSpreaditPeeringManager *self, GstBufferList *packets)
{
  g_return_if_fail (GST_IS_SPREADIT_PEERING_MANAGER (self));
  g_return_if_fail (packets != nullptr);
  if (const auto data = self->priv->session.data_path ())
    data->fan_out (packets);
}

/**
 * gst_spreadit_peering_manager_set_flushing:
 * @self: a manager
 * @flushing: %TRUE: receive and pull return %NULL at once
 *
 * To stop the thread that pulls. Holds over restarts until set to %FALSE.
 *
 * Since: 1.0
 */
void
gst_spreadit_peering_manager_set_flushing (
    GstSpreaditPeeringManager *self, gboolean flushing)
{
  g_return_if_fail (GST_IS_SPREADIT_PEERING_MANAGER (self));
  self->priv->session.set_flushing (flushing);
}

/**
 * gst_spreadit_peering_manager_get_sdp:
 * @self: a manager
 *
 * What the stream consists of, as the source describes it (RFC 8866).
 *
 * Returns: (transfer full) (nullable): #GstSpreaditPeeringManager:sdp
 *
 * Since: 1.0
 */
gchar *
gst_spreadit_peering_manager_get_sdp (GstSpreaditPeeringManager *self)
{
  g_return_val_if_fail (GST_IS_SPREADIT_PEERING_MANAGER (self), nullptr);
  const auto sdp = self->priv->session.facts ().sdp;
  return sdp.empty () ? nullptr : g_strdup (sdp.c_str ());
}

/**
 * gst_spreadit_peering_manager_get_stats:
 * @self: a manager
 *
 * How this node fares, now.
 *
 * Returns: (transfer full): #GstSpreaditPeeringManager:stats
 *
 * Since: 1.0
 */
GstStructure *
gst_spreadit_peering_manager_get_stats (GstSpreaditPeeringManager *self)
{
  g_return_val_if_fail (GST_IS_SPREADIT_PEERING_MANAGER (self), nullptr);
  return self->priv->session.stats ().release ();
}

/**
 * gst_spreadit_peering_manager_query_tree_async:
 * @self: a manager that is started
 * @path: (nullable): whom to ask, if not @self: the ids of a child, of a child
 * of that one and so on, as the tree was told last, with `/` between them
 * @depth: levels below that one to tell of, 0 for it alone, 64 at most
 * @max_peers: peers to tell of at most, 1 to 5000; where there are more, those
 *   nearest to whom is asked are told of, and `subtree` says how many there are
 * @cancellable: (nullable): to give up; the answer is then not waited for
 * @callback: (scope async): called when the tree has answered
 * @user_data: for @callback
 *
 * Asks the tree from this node down who is there and how they fare. A node
 * knows its children only; each asks its own on, and answers with what it was
 * told in time. That takes a round trip to the deepest of them when all is
 * well, and 10 seconds at most. It costs the tree 300 bytes a peer on each link
 * on the way up, so ask for what somebody looks at.
 *
 * Thread-safe; @callback comes in the thread-default main context of the
 * caller. May be called from a handler of a signal.
 *
 * Since: 1.0
 */
void
gst_spreadit_peering_manager_query_tree_async (GstSpreaditPeeringManager *self,
    const gchar *path, guint depth, guint max_peers, GCancellable *cancellable,
    GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (GST_IS_SPREADIT_PEERING_MANAGER (self));
  g_return_if_fail (max_peers > 0);
  Owned<GTask> task (g_task_new (self, cancellable, callback, user_data));
  g_task_set_source_tag (
      task.get (), reinterpret_cast<gpointer> (
                       gst_spreadit_peering_manager_query_tree_async));
  self->priv->session.query_tree (
      std::move (task), path ? path : "", depth, max_peers);
}

/**
 * gst_spreadit_peering_manager_query_tree_finish:
 * @self: the manager
 * @result: what the callback was given
 * @error: return location for a #GError: %G_IO_ERROR_CANCELLED, or in the
 * domain #GST_RESOURCE_ERROR: %GST_RESOURCE_ERROR_NOT_FOUND there is nobody at
 * the end of the path, or nobody who answers, %GST_RESOURCE_ERROR_CLOSE not in
 * a tree (any more), %GST_RESOURCE_ERROR_BUSY 16 questions wait already,
 *   %GST_RESOURCE_ERROR_SETTINGS the path is none
 *
 * Each peer is a structure with the fields
 *
 * - `id`, `address`, `level`, `max-children`, `switches`, `packets-received`,
 *   `packets-lost`, `bytes-in`, `bytes-out`, `delay-ms`, `rtt-ms`,
 *   `transience-ms` (its `last` alone) and `subtree`, as in
 *   #GstSpreaditPeeringManager:stats; `delay-ms` and `rtt-ms` where they are
 *   known, and in `subtree` how the stream fares where somebody is below
 * - `state`: string, as #GstSpreaditPeerState
 * - `transport`: `udp` or `tcp`, from its parent
 * - `lost-fraction`: #gdouble 0..1, as it last reported to its parent
 * - `feeds`: #guint, its children
 * - `children`: list of structures, those that are told of
 * - `plain-player`: #gboolean, an RTSP player that is not SpreadIt
 * - `reachable`: #gboolean, whether others can connect to `address`; missing
 *   while not known
 * - `stale`: #gboolean, it has not answered: these are the figures its parent
 * has, without those that only it knows
 *
 * What peers say of themselves is bounded, but not proved.
 *
 * Returns: (transfer full): the peer asked about, or %NULL with @error
 *
 * Since: 1.0
 */
GstStructure *
gst_spreadit_peering_manager_query_tree_finish (
    GstSpreaditPeeringManager *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), nullptr);
  return static_cast<GstStructure *> (
      g_task_propagate_pointer (G_TASK (result), error));
}

/**
 * gst_spreadit_peering_manager_check_uri:
 * @uri: a URI
 * @error: return location for a #GError, %GST_RESOURCE_ERROR_SETTINGS, with one
 *   line that says what is wrong and what is expected
 *
 * Whether @uri is a spreadit: or rtsp: URI that names a stream. Looks at the
 * text only: asks no name server and no peer.
 *
 * Returns: %TRUE if @uri can be used as #GstSpreaditPeeringManager:uri
 *
 * Since: 1.0
 */
gboolean
gst_spreadit_peering_manager_check_uri (const gchar *uri, GError **error)
{
  rtsp::Uri parsed;
  return manager::read_uri (uri ? uri : "", &parsed, error);
}
