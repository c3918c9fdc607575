// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sink_streams.hpp"

#include <algorithm>
#include <utility>

#include "payloaders.hpp"
#include "sink_stream.hpp"

GST_DEBUG_CATEGORY_EXTERN (gst_spreadit_sink_debug);
#define GST_CAT_DEFAULT gst_spreadit_sink_debug

namespace spreadit {

namespace {

// A newcomer cannot play sound and picture in step before it has seen a sender
// report of both. RFC 3550 6.2 asks for 5 s on average, for the sake of large
// multicast groups; here nobody else reports, and RFC 4585 drops the minimum.
constexpr guint64 report_interval_ns = 1 * GST_SECOND;

// RFC 3551 6. Numbers 64 to 95 collide with RTCP packet types on one port
// (RFC 5761 4).
constexpr unsigned payload_type_dynamic_min = 96, payload_type_max = 127;
constexpr unsigned payload_type_rtcp_min = 64, payload_type_rtcp_max = 95;

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
  // Sender reports by running time, the same for all pads. By time of sending
  // they would need a latency to be configured, for which there is no sink here
  // that waits for the clock.
  g_object_set (rtpbin, "rtcp-sync-send-time", FALSE, nullptr);
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
  gst_pad_add_probe (s.send_rtcp.get (),
      GstPadProbeType (
          GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
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
  // Live input has a way to the fan-out now.
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
  stream.marks.reset ();
  stream.first.reset ();
  stream.seen = false;
  stream.ended_without_caps = stream.rtp_ended = stream.rtcp_ended = false;
  for (auto i = payload_types_.begin (); i != payload_types_.end ();)
    i = i->second == stream.index ? payload_types_.erase (i) : std::next (i);
}

} // namespace spreadit
