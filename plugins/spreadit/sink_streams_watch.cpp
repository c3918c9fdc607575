// What comes out of rtpbin, and what follows: the description and the end.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sink_streams.hpp"

#include <utility>

#include <gst/rtp/rtp.h>

#include "sink_stream.hpp"

GST_DEBUG_CATEGORY_EXTERN (gst_spreadit_sink_debug);
#define GST_CAT_DEFAULT gst_spreadit_sink_debug

namespace spreadit {

namespace {

// A pad without data must not keep the others from being published for ever.
constexpr GstClockTime silent_pad_wait = 5 * GST_SECOND;
// rtpbin sends BYE at once; without a packet on a session, never.
constexpr GstClockTime bye_wait = 1 * GST_SECOND;

} // namespace

std::optional<SinkStreams::FirstPacket>
SinkStreams::parse_packet (GstBuffer *packet)
{
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  if (!gst_rtp_buffer_map (packet, GST_MAP_READ, &rtp))
    return std::nullopt;
  const FirstPacket first{
      gst_rtp_buffer_get_payload_type (&rtp), gst_rtp_buffer_get_ssrc (&rtp)};
  gst_rtp_buffer_unmap (&rtp);
  return first;
}

// What comes out of rtpbin (streaming threads).

GstPadProbeReturn
SinkStreams::on_rtp (GstPad *, GstPadProbeInfo *info, gpointer data) noexcept
{
  Stream &stream = **static_cast<StreamPtr *> (data);
  SinkStreams &self = *stream.streams;
  if (info->type & (GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST))
    self.mark (stream, info);
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
    if (!stream.seen)
      self.on_packet (stream, GST_PAD_PROBE_INFO_BUFFER (info));
    return GST_PAD_PROBE_OK;
  }
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER_LIST) {
    GstBufferList *list = GST_PAD_PROBE_INFO_BUFFER_LIST (info);
    if (!stream.seen && gst_buffer_list_length (list))
      self.on_packet (stream, gst_buffer_list_get (list, 0));
    return GST_PAD_PROBE_OK;
  }
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_CAPS: {
    GstCaps *caps = nullptr;
    gst_event_parse_caps (event, &caps);
    self.on_caps (stream, caps);
    return GST_PAD_PROBE_OK;
  }
  case GST_EVENT_FLUSH_STOP:
    self.on_flush (stream);
    return GST_PAD_PROBE_OK;
  case GST_EVENT_EOS:
    self.on_eos (stream, false);
    return GST_PAD_PROBE_DROP;
  default:
    return GST_PAD_PROBE_OK;
  }
}

GstPadProbeReturn
SinkStreams::on_rtcp (GstPad *, GstPadProbeInfo *info, gpointer data) noexcept
{
  Stream &stream = **static_cast<StreamPtr *> (data);
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
    stream.streams->on_report (stream, GST_PAD_PROBE_INFO_BUFFER (info));
    return GST_PAD_PROBE_OK;
  }
  if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) != GST_EVENT_EOS)
    return GST_PAD_PROBE_OK;
  stream.streams->on_eos (stream, true);
  return GST_PAD_PROBE_DROP;
}

void
SinkStreams::mark (Stream &stream, GstPadProbeInfo *info)
{
  std::shared_ptr<PacketMarks> marks;
  {
    const std::lock_guard guard (lock_);
    marks = stream.marks;
  }
  if (!marks)
    return;
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
    info->data = marks->mark (GST_PAD_PROBE_INFO_BUFFER (info));
    return;
  }
  GstBufferList *list =
      gst_buffer_list_make_writable (GST_PAD_PROBE_INFO_BUFFER_LIST (info));
  gst_buffer_list_foreach (
      list,
      [] (GstBuffer **packet, guint, gpointer data) noexcept -> gboolean {
        *packet = static_cast<PacketMarks *> (data)->mark (*packet);
        return TRUE;
      },
      marks.get ());
  info->data = list;
}

void
SinkStreams::on_report (Stream &stream, GstBuffer *compound)
{
  std::shared_ptr<PacketMarks> marks;
  {
    const std::lock_guard guard (lock_);
    marks = stream.marks;
  }
  GstRTCPBuffer rtcp = GST_RTCP_BUFFER_INIT;
  if (!marks || !gst_rtcp_buffer_map (compound, GST_MAP_READ, &rtcp))
    return;
  GstRTCPPacket packet;
  if (gst_rtcp_buffer_get_first_packet (&rtcp, &packet) &&
      gst_rtcp_packet_get_type (&packet) == GST_RTCP_TYPE_SR) {
    guint64 ntp = 0;
    guint32 rtp_time = 0;
    gst_rtcp_packet_sr_get_sender_info (
        &packet, nullptr, &ntp, &rtp_time, nullptr, nullptr);
    marks->reported (ntp, rtp_time);
  }
  gst_rtcp_buffer_unmap (&rtcp);
}

void
SinkStreams::on_packet (Stream &stream, GstBuffer *packet)
{
  const auto first = parse_packet (packet);
  if (!first)
    return;
  stream.seen = true;
  // Caps need not name the payload type, and a user's bin may make any.
  if (!claim_payload_type (stream, first->payload_type)) {
    GST_ELEMENT_ERROR (bin_, STREAM, FORMAT,
        ("Payload type %u cannot be used on pad %s", first->payload_type,
            GST_PAD_NAME (stream.pad)),
        ("packets have it; each pad needs one of its own, and 64 to 95 would "
         "look like RTCP"));
    return;
  }
  bool is_taken = false;
  {
    const std::lock_guard guard (lock_);
    for (const auto &other : streams_)
      is_taken |= other.get () != &stream && other->first &&
                  other->first->ssrc == first->ssrc;
    stream.first = first;
  }
  if (is_taken)
    GST_ELEMENT_ERROR (bin_, STREAM, FORMAT,
        ("Two pads have RTP with the SSRC %08x", first->ssrc),
        ("pad %s is the second; each source of RTP needs one of its own",
            GST_PAD_NAME (stream.pad)));
  else
    consider_description ();
}

void
SinkStreams::on_caps (Stream &stream, GstCaps *caps)
{
  {
    const std::lock_guard guard (lock_);
    stream.caps.reset (gst_caps_copy (caps));
    stream.marks = std::make_shared<PacketMarks> (caps);
    stream.marks->describe (stream.caps.get ());
  }
  consider_description ();
}

void
SinkStreams::on_eos (Stream &stream, bool rtcp)
{
  {
    const std::lock_guard guard (lock_);
    (rtcp ? stream.rtcp_ended : stream.rtp_ended) = true;
  }
  consider_end ();
}

void
SinkStreams::on_flush (Stream &stream)
{
  const std::lock_guard guard (lock_);
  stream.rtp_ended = false;
  end_timer_.cancel ();
}

void
SinkStreams::end_without_caps (GstSpreaditSinkPad *pad)
{
  const StreamPtr stream = find (pad);
  if (!stream)
    return;
  {
    const std::lock_guard guard (lock_);
    stream->ended_without_caps = true;
  }
  consider_description ();
  consider_end ();
}

// The SDP.

// Of the bin, so the same for all sessions (RFC 3550 6.5.1): that is what tells
// players to keep them in step.
std::string
SinkStreams::cname ()
{
  GstStructure *sdes = nullptr;
  g_object_get (rtpbin_, "sdes", &sdes, nullptr);
  const Owned<GstStructure> owned (sdes);
  const gchar *name = sdes ? gst_structure_get_string (sdes, "cname") : nullptr;
  return name ? name : "spreadit";
}

void
SinkStreams::consider_description ()
{
  const std::lock_guard one_at_a_time (publishing_);
  std::string sdp;
  {
    const std::lock_guard guard (lock_);
    if (!rtpbin_)
      return;
    std::vector<SentMedia> media;
    std::size_t expected = 0;
    for (const auto &stream : streams_) {
      expected += !stream->ended_without_caps;
      if (stream->is_described ())
        media.push_back (
            {stream->index, Owned<GstCaps> (gst_caps_ref (stream->caps.get ())),
                stream->first->payload_type, stream->first->ssrc});
    }
    if (media.empty ())
      return;
    if (media.size () < expected && !stop_waiting_) {
      if (!wait_timer_.started ())
        wait_timer_.start (
            GST_ELEMENT (bin_), silent_pad_wait,
            [] (GstElement *, gpointer data) noexcept {
              static_cast<SinkStreams *> (data)->on_described_long_enough ();
            },
            this);
      return;
    }
    wait_timer_.cancel ();
    stop_waiting_ = true;
    if (description_.cname.empty ())
      description_.cname = cname ();
    sdp = make_description (description_, media);
    if (sdp == published_)
      return;
    ++description_.version;
    sdp = published_ = make_description (description_, media);
  }
  GST_INFO_OBJECT (bin_, "publishing\n%s", sdp.c_str ());
  const Owned<GstSpreaditPeeringManager> manager (
      gst_spreadit_session_get_manager (session_));
  GError *failure = nullptr;
  if (gst_spreadit_peering_manager_set_sdp (
          manager.get (), sdp.c_str (), &failure))
    return;
  const Owned<GError> error (failure);
  GST_ELEMENT_ERROR (bin_, STREAM, FAILED,
      ("The stream cannot be published: %s", error->message),
      ("the SDP is\n%s", sdp.c_str ()));
}

void
SinkStreams::on_described_long_enough ()
{
  std::string silent;
  {
    const std::lock_guard guard (lock_);
    if (!rtpbin_ || stop_waiting_)
      return;
    stop_waiting_ = true;
    for (const auto &stream : streams_)
      if (!stream->is_described ())
        silent += std::string (silent.empty () ? "" : ", ") +
                  GST_PAD_NAME (stream->pad);
  }
  GST_ELEMENT_WARNING (bin_, STREAM, FAILED,
      ("The stream is published without %s", silent.c_str ()),
      ("no packet or no complete caps %" GST_TIME_FORMAT
       " after the first pad had them",
          GST_TIME_ARGS (silent_pad_wait)));
  consider_description ();
}

// The end.

void
SinkStreams::consider_end ()
{
  {
    const std::lock_guard guard (lock_);
    if (!rtpbin_ || ended_ || streams_.empty ())
      return;
    bool quiet = true, over = true;
    for (const auto &stream : streams_) {
      quiet &= stream->is_quiet ();
      over &= stream->is_over ();
    }
    if (!quiet)
      return;
    if (!over) {
      if (!end_timer_.started ())
        end_timer_.start (
            GST_ELEMENT (bin_), bye_wait,
            [] (GstElement *, gpointer data) noexcept {
              static_cast<SinkStreams *> (data)->end ();
            },
            this);
      return;
    }
  }
  end ();
}

void
SinkStreams::end ()
{
  {
    const std::lock_guard guard (lock_);
    if (!rtpbin_ || ended_)
      return;
    for (const auto &stream : streams_)
      if (!stream->is_quiet ())
        return; // flushed meanwhile
    ended_ = true;
    end_timer_.cancel ();
  }
  const Owned<GstPad> pad (gst_element_get_static_pad (fanout_, "sink"));
  const Owned<GstEvent> started (
      gst_pad_get_sticky_event (pad.get (), GST_EVENT_STREAM_START, 0));
  if (!started) { // never a packet
    GstSegment segment;
    gst_segment_init (&segment, GST_FORMAT_TIME);
    gst_pad_send_event (pad.get (), gst_event_new_stream_start ("nothing"));
    gst_pad_send_event (pad.get (), gst_event_new_segment (&segment));
  }
  gst_pad_send_event (pad.get (), gst_event_new_eos ());
}

} // namespace spreadit
