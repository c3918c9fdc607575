// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backlog.hpp"

#include <gst/rtp/rtp.h>

namespace spreadit::rtsp_server {

namespace {

// 4 s of 8 Mbit/s. Who has more between key frames waits for the next one.
constexpr std::size_t bytes_max = 4 * 1024 * 1024;

} // namespace

void
Backlog::add_medium (const GstCaps *caps)
{
  const gchar *name = gst_structure_get_string (
      gst_caps_get_structure (caps, 0), "encoding-name");
  media_.push_back (
      {name ? media::random_access_of (name) : nullptr, std::nullopt, {}});
}

// The first packet of one: parameter sets and picture have the same time.
bool
Backlog::begins_key_frame (Medium &medium, GstBuffer *packet)
{
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  if (!medium.begins || !gst_rtp_buffer_map (packet, GST_MAP_READ, &rtp))
    return false;
  const auto *payload =
      static_cast<const std::uint8_t *> (gst_rtp_buffer_get_payload (&rtp));
  const std::uint32_t time = gst_rtp_buffer_get_timestamp (&rtp);
  const bool begins =
      medium.begins ({payload, gst_rtp_buffer_get_payload_len (&rtp)}) &&
      medium.key_frame_time != time;
  gst_rtp_buffer_unmap (&rtp);
  if (begins)
    medium.key_frame_time = time;
  return begins;
}

void
Backlog::begin_again ()
{
  for (Medium &medium : media_)
    while (medium.packets.size () > 1)
      medium.packets.pop_front ();
  bytes_ = 0;
}

void
Backlog::add (std::size_t index, GstBuffer *packet)
{
  Medium &medium = media_[index];
  if (begins_key_frame (medium, packet)) {
    begin_again ();
    medium.packets.clear ();
    complete_ = true;
  }
  const std::size_t size = gst_buffer_get_size (packet);
  if (complete_ && bytes_ + size > bytes_max) {
    begin_again ();
    complete_ = false;
  }
  if (!complete_)
    medium.packets.clear ();
  bytes_ += size;
  medium.packets.emplace_back (gst_buffer_ref (packet));
}

} // namespace spreadit::rtsp_server
