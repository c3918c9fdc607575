// SPDX-License-Identifier: LGPL-2.1-or-later
#include "source_clock.hpp"

#include <gst/rtp/rtp.h>

namespace spreadit::rtsp_server {

void
SourceClock::learn (GstBuffer *rtp_packet)
{
  static GstStaticCaps ntp_caps = GST_STATIC_CAPS ("timestamp/x-ntp");
  GstCaps *caps = gst_static_caps_get (&ntp_caps);
  const GstReferenceTimestampMeta *meta =
      gst_buffer_get_reference_timestamp_meta (rtp_packet, caps);
  gst_caps_unref (caps);
  if (!meta)
    return;
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  if (!gst_rtp_buffer_map (rtp_packet, GST_MAP_READ, &rtp))
    return;
  const Pair pair{gst_util_uint64_scale (meta->timestamp,
                      G_GUINT64_CONSTANT (1) << 32, GST_SECOND),
      gst_rtp_buffer_get_timestamp (&rtp)};
  gst_rtp_buffer_unmap (&rtp);
  const std::lock_guard guard (lock_);
  last_ = pair;
}

GstBuffer *
SourceClock::correct (GstBuffer *compound) const
{
  std::optional<Pair> last;
  {
    const std::lock_guard guard (lock_);
    last = last_;
  }
  GstRTCPBuffer rtcp = GST_RTCP_BUFFER_INIT;
  compound = gst_buffer_make_writable (compound);
  if (!gst_rtcp_buffer_map (compound, GST_MAP_READWRITE, &rtcp))
    return compound;
  GstRTCPPacket packet;
  const bool is_report = gst_rtcp_buffer_get_first_packet (&rtcp, &packet) &&
                         gst_rtcp_packet_get_type (&packet) == GST_RTCP_TYPE_SR;
  if (is_report && last) {
    guint32 ssrc = 0, packets = 0, octets = 0;
    gst_rtcp_packet_sr_get_sender_info (
        &packet, &ssrc, nullptr, nullptr, &packets, &octets);
    gst_rtcp_packet_sr_set_sender_info (
        &packet, ssrc, last->ntp, last->rtp_time, packets, octets);
  }
  gst_rtcp_buffer_unmap (&rtcp);
  if (!is_report || last)
    return compound;
  gst_buffer_unref (compound);
  return nullptr;
}

} // namespace spreadit::rtsp_server
