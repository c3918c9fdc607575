// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sink_streams.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

#include <gst/rtp/rtp.h>

#include "payloaders.hpp"

GST_DEBUG_CATEGORY_EXTERN (gst_spreadit_sink_debug);
#define GST_CAT_DEFAULT gst_spreadit_sink_debug

namespace spreadit {

namespace {

// A pad without data must not keep the others from being published for ever.
constexpr GstClockTime silent_pad_wait = 5 * GST_SECOND;
// rtpbin sends BYE at once; without a packet on a session, never.
constexpr GstClockTime bye_wait = 1 * GST_SECOND;
// A newcomer cannot play sound and picture in step before it has seen a sender
// report of both. RFC 3550 6.2 asks for 5 s on average, for the sake of large
// multicast groups; here nobody else reports, and RFC 4585 drops the minimum.
constexpr guint64 report_interval_ns = 1 * GST_SECOND;

// RFC 3551 6. Numbers 64 to 95 collide with RTCP packet types on one port
// (RFC 5761 4).
constexpr unsigned payload_type_dynamic_min = 96, payload_type_max = 127;
constexpr unsigned payload_type_rtcp_min = 64, payload_type_rtcp_max = 95;

struct FirstPacket {
  unsigned payload_type;
  std::uint32_t ssrc;
};

std::optional<FirstPacket>
parse_packet (GstBuffer *packet)
{
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  if (!gst_rtp_buffer_map (packet, GST_MAP_READ, &rtp))
    return std::nullopt;
  const FirstPacket first{
      gst_rtp_buffer_get_payload_type (&rtp), gst_rtp_buffer_get_ssrc (&rtp)};
  gst_rtp_buffer_unmap (&rtp);
  return first;
}

std::string
numbered (const char *stem, unsigned index)
{
  return stem + std::to_string (index);
}

bool
has_property (GstElement *element, const char *name)
{
  return g_object_class_find_property (G_OBJECT_GET_CLASS (element), name);
}

void
set_up_session (GstElement *rtpbin, unsigned index)
{
  GObject *session = nullptr;
  g_signal_emit_by_name (rtpbin, "get-internal-session", index, &session);
  const Owned<GObject> owned (session);
  if (session)
    g_object_set (
        session, "rtcp-min-interval", guint64 (report_interval_ns), nullptr);
}

void
discard (GstBin *bin, GstElement *element)
{
  gst_element_set_locked_state (element, TRUE);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_bin_remove (bin, element);
}

} // namespace

struct SinkStreams::Stream {
  SinkStreams *streams;
  unsigned index;
  GstSpreaditSinkPad *pad; // borrowed: the element removes us with it

  // Set by build, reset by dismantle.
  bool built = false;
  bool payloader_is_ours = false;
  bool refused = false; // its caps: said once, they come again and again
  Owned<GstElement> payloader;
  Owned<GstElement> clocksync;
  Owned<GstPad> send_sink, send_rtcp;    // requested of rtpbin
  Owned<GstPad> funnel_rtp, funnel_rtcp; // requested of the funnel

  // Guarded by lock_.
  Owned<GstCaps> caps;
  std::optional<FirstPacket> first;
  bool ended_without_caps = false;
  bool rtp_ended = false;
  bool rtcp_ended = false;
  std::atomic<bool> seen{false}; // first is set: no more to learn of packets

  bool is_described () const
  {
    return caps && first && is_complete (caps.get ());
  }
  bool is_quiet () const { return built ? rtp_ended : ended_without_caps; }
  bool is_over () const { return is_quiet () && (!built || rtcp_ended); }
};

SinkStreams::SinkStreams (
    GstBin *bin, GstElement *fanout, GstSpreaditSession *session)
    : bin_ (bin), fanout_ (fanout), session_ (session)
{
}

SinkStreams::~SinkStreams () = default;

bool
SinkStreams::start ()
{
  GstElement *rtpbin = gst_element_factory_make ("rtpbin", nullptr);
  GstElement *funnel = gst_element_factory_make ("funnel", nullptr);
  if (!rtpbin || !funnel) {
    if (rtpbin)
      gst_object_unref (rtpbin);
    if (funnel)
      gst_object_unref (funnel);
    GST_ELEMENT_ERROR (bin_, CORE, MISSING_PLUGIN,
        ("The elements rtpbin and funnel are needed"),
        ("install the plugin sets \"good\" and the core elements"));
    return false;
  }
  g_object_set (funnel, "forward-sticky-events", FALSE, nullptr);
  gst_bin_add_many (bin_, rtpbin, funnel, nullptr);
  gst_element_link (funnel, fanout_);

  const std::lock_guard guard (lock_);
  rtpbin_ = rtpbin;
  funnel_ = funnel;
  description_.id = g_random_int ();
  description_.version = 0;
  description_.cname.clear ();
  published_.clear ();
  stop_waiting_ = false;
  ended_ = false;
  return true;
}

void
SinkStreams::stop ()
{
  std::vector<StreamPtr> streams;
  GstElement *rtpbin, *funnel;
  {
    const std::lock_guard guard (lock_);
    wait_timer_.cancel ();
    end_timer_.cancel ();
    streams = streams_;
    rtpbin = std::exchange (rtpbin_, nullptr);
    funnel = std::exchange (funnel_, nullptr);
  }
  for (const auto &stream : streams)
    dismantle (*stream);
  if (funnel)
    discard (bin_, funnel);
  if (rtpbin)
    discard (bin_, rtpbin);
}

void
SinkStreams::add (unsigned index, GstSpreaditSinkPad *pad)
{
  auto stream = std::make_shared<Stream> ();
  stream->streams = this;
  stream->index = index;
  stream->pad = pad;
  const std::lock_guard guard (lock_);
  streams_.insert (std::upper_bound (streams_.begin (), streams_.end (), stream,
                       [] (const StreamPtr &a, const StreamPtr &b) {
                         return a->index < b->index;
                       }),
      stream);
}

void
SinkStreams::remove (GstSpreaditSinkPad *pad)
{
  const StreamPtr stream = find (pad);
  if (!stream)
    return;
  dismantle (*stream);
  {
    const std::lock_guard guard (lock_);
    streams_.erase (std::remove (streams_.begin (), streams_.end (), stream),
        streams_.end ());
  }
  consider_description ();
  consider_end ();
}

SinkStreams::StreamPtr
SinkStreams::find (GstSpreaditSinkPad *pad)
{
  const std::lock_guard guard (lock_);
  for (const auto &stream : streams_)
    if (stream->pad == pad)
      return stream;
  return nullptr;
}

// What hangs on a pad.

bool
SinkStreams::set_caps (GstSpreaditSinkPad *pad, const GstCaps *caps)
{
  const StreamPtr stream = find (pad);
  if (!stream || stream->refused)
    return false;
  GstElement *clocksync = gst_element_factory_make ("clocksync", nullptr);
  if (!clocksync) {
    GST_ELEMENT_ERROR (bin_, CORE, MISSING_PLUGIN,
        ("The element clocksync is needed"), ("part of the core elements"));
    return false;
  }
  g_object_set (clocksync, "sync", TRUE, nullptr);
  stream->clocksync.reset (GST_ELEMENT (gst_object_ref_sink (clocksync)));

  bool ok;
  if (gst_structure_has_name (
          gst_caps_get_structure (caps, 0), "application/x-rtp")) {
    ok = check_rtp (*stream, caps) && link (stream, clocksync, nullptr);
  } else {
    GstElement *payloader = choose_payloader (*stream, caps);
    ok = payloader && set_payload_type (*stream, payloader) &&
         link (stream, payloader, payloader);
  }
  if (!ok) {
    dismantle (*stream);
    stream->refused = true;
  }
  return ok;
}

GstElement *
SinkStreams::choose_payloader (Stream &stream, const GstCaps *caps)
{
  GstElement *payloader = gst_spreadit_sink_pad_get_payloader (stream.pad);
  if (payloader) {
    stream.payloader.reset (payloader);
    return payloader;
  }
  payloader = make_payloader (caps);
  if (!payloader) {
    const Owned<gchar> text (gst_caps_to_string (caps));
    GST_ELEMENT_ERROR (bin_, STREAM, CODEC_NOT_FOUND,
        ("There is no RTP payloader for %s",
            gst_structure_get_name (gst_caps_get_structure (caps, 0))),
        ("pad %s has caps %s; encode to something else, set the payloader "
         "property of the pad, or give it application/x-rtp",
            GST_PAD_NAME (stream.pad), text.get ()));
    return nullptr;
  }
  stream.payloader.reset (GST_ELEMENT (gst_object_ref_sink (payloader)));
  stream.payloader_is_ours = true;
  gst_spreadit_sink_pad_set_payloader (stream.pad, payloader);
  GST_INFO_OBJECT (bin_, "%s payloads with %" GST_PTR_FORMAT,
      GST_PAD_NAME (stream.pad), payloader);
  return payloader;
}

bool
SinkStreams::claim_payload_type (Stream &stream, unsigned payload_type)
{
  const std::lock_guard guard (lock_);
  if (payload_type > payload_type_max ||
      (payload_type >= payload_type_rtcp_min &&
          payload_type <= payload_type_rtcp_max))
    return false;
  const auto [owner, is_new] =
      payload_types_.emplace (payload_type, stream.index);
  return is_new || owner->second == stream.index;
}

// One that is the payloader's own, as the static ones of RFC 3551, stays.
bool
SinkStreams::set_payload_type (Stream &stream, GstElement *payloader)
{
  if (!has_property (payloader, "pt"))
    return true; // a bin of the user's; its packets will tell
  guint payload_type = 0;
  g_object_get (payloader, "pt", &payload_type, nullptr);
  if (claim_payload_type (stream, payload_type))
    return true;
  for (payload_type = payload_type_dynamic_min;
       payload_type <= payload_type_max; ++payload_type) {
    if (!claim_payload_type (stream, payload_type))
      continue;
    g_object_set (payloader, "pt", payload_type, nullptr);
    return true;
  }
  GST_ELEMENT_ERROR (
      bin_, STREAM, FORMAT, ("All dynamic payload types are taken"), (nullptr));
  return false;
}

bool
SinkStreams::check_rtp (Stream &stream, const GstCaps *caps)
{
  const GstStructure *s = gst_caps_get_structure (caps, 0);
  int payload_type = -1, clock_rate = 0;
  gst_structure_get_int (s, "payload", &payload_type);
  if (!gst_structure_get_string (s, "media") ||
      !gst_structure_get_int (s, "clock-rate", &clock_rate) ||
      (payload_type >= int (payload_type_dynamic_min) &&
          !gst_structure_get_string (s, "encoding-name"))) {
    const Owned<gchar> text (gst_caps_to_string (caps));
    GST_ELEMENT_ERROR (bin_, STREAM, FORMAT,
        ("RTP caps have to say media, clock-rate and, for a dynamic payload "
         "type, encoding-name"),
        ("pad %s has caps %s", GST_PAD_NAME (stream.pad), text.get ()));
    return false;
  }
  if (payload_type < 0 || claim_payload_type (stream, payload_type))
    return true;
  GST_ELEMENT_ERROR (bin_, STREAM, FORMAT,
      ("Payload type %d cannot be used on pad %s", payload_type,
          GST_PAD_NAME (stream.pad)),
      ("each pad needs one of its own, and 64 to 95 would look like RTCP; set "
       "another one where the RTP is made"));
  return false;
}

// `first` is the payloader or, without one, the clocksync. All that is added is
// linked and running before the pad gets its target.
bool
SinkStreams::link (
    const StreamPtr &stream, GstElement *first, GstElement *payloader)
{
  GstElement *rtpbin, *funnel;
  {
    const std::lock_guard guard (lock_);
    rtpbin = rtpbin_;
    funnel = funnel_;
  }
  if (!rtpbin)
    return false;
  Stream &s = *stream;
  GstElement *clocksync = s.clocksync.get ();
  gst_bin_add (bin_, clocksync);
  if (payloader)
    gst_bin_add (bin_, payloader);

  const auto request = [] (GstElement *element, const std::string &name) {
    return Owned<GstPad> (
        gst_element_request_pad_simple (element, name.c_str ()));
  };
  s.send_sink = request (rtpbin, numbered ("send_rtp_sink_", s.index));
  s.send_rtcp = request (rtpbin, numbered ("send_rtcp_src_", s.index));
  s.funnel_rtp = request (funnel, "sink_%u");
  s.funnel_rtcp = request (funnel, "sink_%u");
  set_up_session (rtpbin, s.index);
  const Owned<GstPad> send_src (gst_element_get_static_pad (
      rtpbin, numbered ("send_rtp_src_", s.index).c_str ()));
  const Owned<GstPad> paced (gst_element_get_static_pad (clocksync, "src"));
  const Owned<GstPad> target (gst_element_get_static_pad (first, "sink"));
  if (!send_src || !target ||
      gst_pad_link (paced.get (), s.send_sink.get ()) != GST_PAD_LINK_OK ||
      (payloader && !gst_element_link (payloader, clocksync))) {
    GST_ELEMENT_ERROR (bin_, CORE, PAD,
        ("Pad %s: the payloader does not make RTP", GST_PAD_NAME (s.pad)),
        ("it needs the pads sink and src, and application/x-rtp on src"));
    return false;
  }
  const auto free_data = [] (gpointer data) noexcept {
    delete static_cast<StreamPtr *> (data);
  };
  gst_pad_add_probe (send_src.get (),
      GstPadProbeType (
          GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST |
          GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM | GST_PAD_PROBE_TYPE_EVENT_FLUSH),
      on_rtp, new StreamPtr (stream), free_data);
  gst_pad_add_probe (s.send_rtcp.get (), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
      on_rtcp, new StreamPtr (stream), free_data);
  gst_pad_link (send_src.get (), s.funnel_rtp.get ());
  gst_pad_link (s.send_rtcp.get (), s.funnel_rtcp.get ());
  {
    const std::lock_guard guard (lock_);
    s.built = true;
  }
  gst_element_sync_state_with_parent (clocksync);
  if (payloader)
    gst_element_sync_state_with_parent (payloader);
  gst_ghost_pad_set_target (GST_GHOST_PAD (s.pad), target.get ());
  // Now that live input has a way to the fan-out.
  gst_element_post_message (
      GST_ELEMENT (bin_), gst_message_new_latency (GST_OBJECT (bin_)));
  return true;
}

void
SinkStreams::dismantle (Stream &stream)
{
  gst_ghost_pad_set_target (GST_GHOST_PAD (stream.pad), nullptr);
  // The clocksync first: it may hold up the thread that is in the payloader.
  for (Owned<GstElement> *element : {&stream.clocksync, &stream.payloader}) {
    if (*element && GST_OBJECT_PARENT (element->get ()) == GST_OBJECT (bin_))
      discard (bin_, element->get ());
    element->reset ();
  }
  for (Owned<GstPad> *pad : {&stream.send_sink, &stream.send_rtcp,
           &stream.funnel_rtp, &stream.funnel_rtcp}) {
    const Owned<GstElement> element (
        *pad ? gst_pad_get_parent_element (pad->get ()) : nullptr);
    if (element)
      gst_element_release_request_pad (element.get (), pad->get ());
    pad->reset ();
  }
  stream.refused = false;
  if (std::exchange (stream.payloader_is_ours, false))
    gst_spreadit_sink_pad_set_payloader (stream.pad, nullptr);

  const std::lock_guard guard (lock_);
  stream.built = false;
  stream.caps.reset ();
  stream.first.reset ();
  stream.seen = false;
  stream.ended_without_caps = stream.rtp_ended = stream.rtcp_ended = false;
  for (auto i = payload_types_.begin (); i != payload_types_.end ();)
    i = i->second == stream.index ? payload_types_.erase (i) : std::next (i);
}

// What comes out of rtpbin (streaming threads).

GstPadProbeReturn
SinkStreams::on_rtp (GstPad *, GstPadProbeInfo *info, gpointer data) noexcept
{
  Stream &stream = **static_cast<StreamPtr *> (data);
  SinkStreams &self = *stream.streams;
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
  if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) != GST_EVENT_EOS)
    return GST_PAD_PROBE_OK;
  stream.streams->on_eos (stream, true);
  return GST_PAD_PROBE_DROP;
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
    stream.caps.reset (gst_caps_ref (caps));
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
