// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstspreaditrtpsource.h"

#include <chrono>
#include <condition_variable>
#include <mutex>

#include <gst/rtp/rtp.h>

using namespace std::chrono_literals;

namespace {

enum { PROP_0, PROP_PT, PROP_MTU, PROP_STATS };

// Kept between DESCRIBE and PLAY, and while paused: some seconds.
constexpr guint64 backlog_bytes_max = 8 * 1024 * 1024;
// 100 Mbit/s: a stream may have that, and a player that reads can take it. All
// of a backlog at once overflows its socket, which has some 200 kB.
constexpr gsize chunk_bytes = 64 * 1024;
constexpr auto chunk_time = 5ms;

using Clock = std::chrono::steady_clock;

struct Private {
  guint payload_type = 96;
  // Of the streaming thread.
  Clock::time_point chunk_began;
  gsize chunk_sent = 0;

  std::mutex lock; // guards what follows
  std::condition_variable woken;
  bool flushing = false;
  guint clock_rate = 0;
  guint seqnum = 0; // of the newest packet, and its times
  guint timestamp = 0;
  GstClockTime running_time = GST_CLOCK_TIME_NONE;
};

} // namespace

struct _GstSpreaditRtpSource {
  GstAppSrc parent;
  Private *priv; // owned: new in init, delete in finalize
};

G_DEFINE_TYPE (GstSpreaditRtpSource, gst_spreadit_rtp_source, GST_TYPE_APP_SRC)

namespace {

void
pace (Private &priv, gsize size)
{
  const auto now = Clock::now ();
  if (now - priv.chunk_began >= chunk_time) {
    priv.chunk_began = now;
    priv.chunk_sent = 0;
  } else if (priv.chunk_sent >= chunk_bytes) {
    std::unique_lock guard (priv.lock);
    priv.woken.wait_until (guard, priv.chunk_began + chunk_time,
        [&priv] { return priv.flushing; });
    priv.chunk_began = Clock::now ();
    priv.chunk_sent = 0;
  }
  priv.chunk_sent += size;
}

// For RTP-Info, where a player comes whose transport has sent nothing yet.
void
remember (GstBaseSrc *source, Private &priv, GstBuffer *packet)
{
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  if (!gst_rtp_buffer_map (packet, GST_MAP_READ, &rtp))
    return;
  const guint seqnum = gst_rtp_buffer_get_seq (&rtp);
  const guint timestamp = gst_rtp_buffer_get_timestamp (&rtp);
  gst_rtp_buffer_unmap (&rtp);
  GstClock *clock = gst_element_get_clock (GST_ELEMENT (source));
  GstClockTime running_time = GST_CLOCK_TIME_NONE;
  if (clock) {
    running_time = gst_clock_get_time (clock) -
                   gst_element_get_base_time (GST_ELEMENT (source));
    gst_object_unref (clock);
  }
  const std::lock_guard guard (priv.lock);
  priv.seqnum = seqnum;
  priv.timestamp = timestamp;
  priv.running_time = running_time;
}

// Under the names that rtpbasepayload has for them.
GstStructure *
stats (Private &priv)
{
  const std::lock_guard guard (priv.lock);
  return gst_structure_new ("application/x-rtp-payload-stats", "clock-rate",
      G_TYPE_UINT, priv.clock_rate, "running-time", G_TYPE_UINT64,
      priv.running_time, "seqnum-offset", G_TYPE_UINT, priv.seqnum, "timestamp",
      G_TYPE_UINT, priv.timestamp, nullptr);
}

GstFlowReturn
create (
    GstBaseSrc *source, guint64 offset, guint size, GstBuffer **buffer) noexcept
{
  const GstFlowReturn flow =
      GST_BASE_SRC_CLASS (gst_spreadit_rtp_source_parent_class)
          ->create (source, offset, size, buffer);
  if (flow == GST_FLOW_OK && *buffer) {
    Private &priv = *GST_SPREADIT_RTP_SOURCE (source)->priv;
    pace (priv, gst_buffer_get_size (*buffer));
    remember (source, priv, *buffer);
  }
  return flow;
}

void
set_flushing (GstBaseSrc *source, bool flushing)
{
  Private &priv = *GST_SPREADIT_RTP_SOURCE (source)->priv;
  {
    const std::lock_guard guard (priv.lock);
    priv.flushing = flushing;
  }
  priv.woken.notify_all ();
}

gboolean
unlock (GstBaseSrc *source) noexcept
{
  set_flushing (source, true);
  return GST_BASE_SRC_CLASS (gst_spreadit_rtp_source_parent_class)
      ->unlock (source);
}

gboolean
unlock_stop (GstBaseSrc *source) noexcept
{
  set_flushing (source, false);
  return GST_BASE_SRC_CLASS (gst_spreadit_rtp_source_parent_class)
      ->unlock_stop (source);
}

void
set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec) noexcept
{
  switch (id) {
  case PROP_PT:
    GST_SPREADIT_RTP_SOURCE (object)->priv->payload_type =
        g_value_get_uint (value);
    break;
  case PROP_MTU: // a player's Blocksize: packets are what they are
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

void
get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec) noexcept
{
  switch (id) {
  case PROP_PT:
    g_value_set_uint (
        value, GST_SPREADIT_RTP_SOURCE (object)->priv->payload_type);
    break;
  case PROP_MTU:
    g_value_set_uint (value, 1400);
    break;
  case PROP_STATS:
    g_value_take_boxed (value, stats (*GST_SPREADIT_RTP_SOURCE (object)->priv));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

void
finalize (GObject *object) noexcept
{
  delete GST_SPREADIT_RTP_SOURCE (object)->priv;
  G_OBJECT_CLASS (gst_spreadit_rtp_source_parent_class)->finalize (object);
}

} // namespace

static void
gst_spreadit_rtp_source_class_init (GstSpreaditRtpSourceClass *klass)
{
  auto *object_class = G_OBJECT_CLASS (klass);
  auto *source_class = GST_BASE_SRC_CLASS (klass);
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;
  source_class->create = create;
  source_class->unlock = unlock;
  source_class->unlock_stop = unlock_stop;
  const auto flags = GParamFlags (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  // What gst-rtsp-server asks of a payloader.
  g_object_class_install_property (object_class, PROP_PT,
      g_param_spec_uint (
          "pt", "Payload type", "Of the packets pushed", 0, 127, 96, flags));
  g_object_class_install_property (object_class, PROP_MTU,
      g_param_spec_uint ("mtu", "MTU",
          "Has no effect: packets stay as they are", 28, G_MAXUINT, 1400,
          flags));
  g_object_class_install_property (object_class, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics", "Of the newest packet",
          GST_TYPE_STRUCTURE,
          GParamFlags (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
}

static void
gst_spreadit_rtp_source_init (GstSpreaditRtpSource *self)
{
  self->priv = new Private;
}

GstElement *
gst_spreadit_rtp_source_new (const gchar *name, GstCaps *caps)
{
  gint payload_type = 96;
  gst_structure_get_int (
      gst_caps_get_structure (caps, 0), "payload", &payload_type);
  // No timestamps: what waits for the clock behind this would have nothing to
  // gain and, as sinks come and go while it runs, base time to get wrong.
  auto *self = static_cast<GstElement *> (
      g_object_new (GST_TYPE_SPREADIT_RTP_SOURCE, "name", name, "caps", caps,
          "is-live", TRUE, "format", GST_FORMAT_TIME, "max-bytes",
          backlog_bytes_max, "pt", guint (payload_type), nullptr));
  gst_util_set_object_arg (G_OBJECT (self), "leaky-type", "downstream");
  gint clock_rate = 0;
  gst_structure_get_int (
      gst_caps_get_structure (caps, 0), "clock-rate", &clock_rate);
  GST_SPREADIT_RTP_SOURCE (self)->priv->clock_rate = MAX (clock_rate, 0);
  return self;
}
