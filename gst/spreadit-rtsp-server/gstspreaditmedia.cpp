// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstspreaditmedia.h"

#include <cstdio>
#include <optional>
#include <utility>

#include "media_link.hpp"

using namespace spreadit::rtsp_server;

namespace {

constexpr guint64 report_interval_ns = 1 * GST_SECOND; // as spreaditsink does

struct Private {
  std::optional<MediaLink> link;

  ~Private () { unlink (); }
  void unlink ()
  {
    if (link && link->outlet)
      link->feed->detach (std::exchange (link->outlet, 0));
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
  media->priv->link = std::move (link);
}

} // namespace spreadit::rtsp_server
