// SPDX-License-Identifier: LGPL-2.1-or-later
#include "key_frames.hpp"

#include <gst/rtp/gstrtpbuffer.h>

#include "media/random_access.hpp"

GST_DEBUG_CATEGORY_EXTERN (gst_spreadit_src_debug);
#define GST_CAT_DEFAULT gst_spreadit_src_debug

namespace spreadit {

namespace {

// x264's default distance is 250 frames.
constexpr GstClockTime wait_max = 10 * GST_SECOND;

struct Gate {
  BeginsKeyFrame begins;
  GstClockTime closed_at = GST_CLOCK_TIME_NONE; // of the stream's time
  unsigned dropped = 0;
};

bool
begins_key_frame (const Gate &gate, GstBuffer *buffer)
{
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  if (!gst_rtp_buffer_map (buffer, GST_MAP_READ, &rtp))
    return false;
  const auto *payload =
      static_cast<const std::uint8_t *> (gst_rtp_buffer_get_payload (&rtp));
  const bool begins =
      gate.begins ({payload, gst_rtp_buffer_get_payload_len (&rtp)});
  gst_rtp_buffer_unmap (&rtp);
  return begins;
}

GstPadProbeReturn
on_buffer (GstPad *pad, GstPadProbeInfo *info, gpointer data) noexcept
{
  Gate &gate = *static_cast<Gate *> (data);
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  const GstClockTime now = GST_BUFFER_PTS (buffer);
  if (!GST_CLOCK_TIME_IS_VALID (gate.closed_at))
    gate.closed_at = now;
  if (begins_key_frame (gate, buffer)) {
    GST_DEBUG_OBJECT (pad, "key frame after %u packets", gate.dropped);
    return GST_PAD_PROBE_REMOVE;
  }
  if (GST_CLOCK_TIME_IS_VALID (now) && now > gate.closed_at + wait_max) {
    GST_WARNING_OBJECT (pad, "no key frame among %u packets", gate.dropped);
    return GST_PAD_PROBE_REMOVE;
  }
  ++gate.dropped;
  return GST_PAD_PROBE_DROP;
}

} // namespace

BeginsKeyFrame
key_frames_of (const GstCaps *caps)
{
  const gchar *name = gst_structure_get_string (
      gst_caps_get_structure (caps, 0), "encoding-name");
  return name ? media::random_access_of (name) : nullptr;
}

// rtpbin gives packets one by one, never in lists.
void
begin_with_key_frame (GstPad *pad, const GstCaps *caps)
{
  if (const BeginsKeyFrame begins = key_frames_of (caps))
    gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_buffer,
        new Gate{begins},
        [] (gpointer gate) noexcept { delete static_cast<Gate *> (gate); });
}

} // namespace spreadit
