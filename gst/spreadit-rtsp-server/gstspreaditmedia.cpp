// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstspreaditmedia.h"

#include <atomic>
#include <cstdio>
#include <optional>
#include <utility>

#include "media_link.hpp"

using namespace spreadit::rtsp_server;

namespace {

constexpr guint64 report_interval_ns = 1 * GST_SECOND; // as spreaditsink does

enum { PROP_0, PROP_ENDED };

struct Private {
  std::optional<MediaLink> link;
  std::atomic<unsigned> outlet{0}; // 0: none

  ~Private () { unlink (); }
  void unlink ()
  {
    if (const unsigned id = outlet.exchange (0))
      link->feed->detach (id);
  }
  [[nodiscard]] bool has_ended () const
  {
    const unsigned id = outlet;
    return id && !link->feed->feeds (id);
  }
};

} // namespace

struct _GstSpreaditMedia {
  GstRTSPMedia parent;
  Private *priv; // owned: new in init, delete in finalize
};

G_DEFINE_TYPE (GstSpreaditMedia, gst_spreadit_media, GST_TYPE_RTSP_MEDIA)

namespace {

GstPadProbeReturn
on_rtcp (GstPad *, GstPadProbeInfo *info, gpointer data) noexcept
{
  const auto &clock = *static_cast<std::shared_ptr<SourceClock> *> (data);
  GstBuffer *packet = clock->correct (GST_PAD_PROBE_INFO_BUFFER (info));
  GST_PAD_PROBE_INFO_DATA (info) = packet;
  // Gone already, so not GST_PAD_PROBE_DROP, which would drop it once more.
  return packet ? GST_PAD_PROBE_OK : GST_PAD_PROBE_HANDLED;
}

// A player cannot keep sound and picture in step before it has seen a report of
// both; the default is 5 s.
void
report_often (GstElement *rtpbin, unsigned stream)
{
  GObject *session = nullptr;
  g_signal_emit_by_name (rtpbin, "get-internal-session", stream, &session);
  if (!session)
    return;
  g_object_set (session, "rtcp-min-interval", report_interval_ns, nullptr);
  g_object_unref (session);
}

// "send_rtcp_src_<stream>"
void
on_pad_added (GstElement *rtpbin, GstPad *pad, gpointer data) noexcept
{
  const Private &priv = *GST_SPREADIT_MEDIA (data)->priv;
  unsigned stream = 0;
  if (std::sscanf (GST_PAD_NAME (pad), "send_rtcp_src_%u", &stream) != 1 ||
      !priv.link || stream >= priv.link->clocks.size ())
    return;
  report_often (rtpbin, stream);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_rtcp,
      new std::shared_ptr<SourceClock> (priv.link->clocks[stream]),
      [] (gpointer clock) noexcept {
        delete static_cast<std::shared_ptr<SourceClock> *> (clock);
      });
}

gboolean
setup_rtpbin (GstRTSPMedia *media, GstElement *rtpbin) noexcept
{
  g_signal_connect_object (
      rtpbin, "pad-added", G_CALLBACK (on_pad_added), media, GConnectFlags (0));
  return TRUE;
}

void
unprepared (GstRTSPMedia *media) noexcept
{
  GST_SPREADIT_MEDIA (media)->priv->unlink ();
}

void
get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec) noexcept
{
  if (id == PROP_ENDED)
    g_value_set_boolean (
        value, GST_SPREADIT_MEDIA (object)->priv->has_ended ());
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

void
finalize (GObject *object) noexcept
{
  delete GST_SPREADIT_MEDIA (object)->priv;
  G_OBJECT_CLASS (gst_spreadit_media_parent_class)->finalize (object);
}

} // namespace

static void
gst_spreadit_media_class_init (GstSpreaditMediaClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = finalize;
  G_OBJECT_CLASS (klass)->get_property = get_property;
  g_object_class_install_property (G_OBJECT_CLASS (klass), PROP_ENDED,
      g_param_spec_boolean ("ended", "Ended",
          "There is nothing more to come: the stream has ended, or was left",
          FALSE, GParamFlags (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
  GST_RTSP_MEDIA_CLASS (klass)->setup_rtpbin = setup_rtpbin;
  GST_RTSP_MEDIA_CLASS (klass)->unprepared = unprepared;
}

static void
gst_spreadit_media_init (GstSpreaditMedia *self)
{
  self->priv = new Private;
}

namespace spreadit::rtsp_server {

void
link_media (GstSpreaditMedia *media, MediaLink link)
{
  media->priv->outlet = link.outlet;
  media->priv->link = std::move (link);
}

} // namespace spreadit::rtsp_server
