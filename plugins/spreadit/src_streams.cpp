// SPDX-License-Identifier: LGPL-2.1-or-later
#include "src_streams.hpp"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <utility>

#include "key_frames.hpp"

GST_DEBUG_CATEGORY_EXTERN (gst_spreadit_src_debug);
#define GST_CAT_DEFAULT gst_spreadit_src_debug

namespace spreadit {

namespace {

// How long the first pads wait for the last ones: subtitles may come once in a
// minute, the picture is not to wait for them.
constexpr GstClockTime silent_medium_wait = 3 * GST_SECOND;
// BYE may overtake the last packets, or they have to be asked for again.
constexpr GstClockTime last_packets_wait = 200 * GST_MSECOND;
// What a player may lag behind by (hung up in a state change, say) before it
// loses packets; beyond that it had better see what is live.
constexpr guint64 lag_max = 5 * GST_SECOND;
constexpr guint lag_bytes_max = 16 * 1024 * 1024;
// The intake has dropped all duplicates, so what is late is a repair, however
// late, and never a source that began again (which rtpbin would take anything
// older than 2 s for, and flush).
constexpr guint misorder_max_ms = 20000;

GstElement *
make (const char *factory)
{
  return gst_element_factory_make (factory, nullptr);
}

void
discard (GstBin *bin, GstElement *element)
{
  gst_element_set_locked_state (element, TRUE);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_bin_remove (bin, element);
}

GstPadProbeReturn
hold (GstPad *, GstPadProbeInfo *, gpointer) noexcept
{
  return GST_PAD_PROBE_OK; // a blocking probe: stay blocked
}

GstPadProbeReturn
count (GstPad *, GstPadProbeInfo *info, gpointer data) noexcept
{
  auto &packets = *static_cast<std::atomic<std::uint64_t> *> (data);
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER_LIST)
    packets += gst_buffer_list_length (GST_PAD_PROBE_INFO_BUFFER_LIST (info));
  else
    ++packets;
  return GST_PAD_PROBE_OK;
}

} // namespace

SrcStreams::SrcStreams (
    GstBin *element, GstElement *upstream, GstPadTemplate *templ)
    : element_ (element), upstream_ (upstream), template_ (templ)
{
}

SrcStreams::~SrcStreams () = default;

// rtpbin keeps a pad for every SSRC it has seen, so each session has its own.
bool
SrcStreams::make_elements ()
{
  GstElement *queue = make ("queue");
  GstElement *rtpbin = make ("rtpbin");
  if (!queue || !rtpbin) {
    if (queue)
      gst_object_unref (queue);
    if (rtpbin)
      gst_object_unref (rtpbin);
    GST_ELEMENT_ERROR (element_, CORE, MISSING_PLUGIN,
        ("The elements queue and rtpbin are needed"),
        ("install the plugin sets \"good\" and the core elements"));
    return false;
  }
  auto *split = static_cast<GstElement *> (
      g_object_new (GST_TYPE_SPREADIT_SPLIT, "name", "split", nullptr));
  gst_util_set_object_arg (G_OBJECT (queue), "leaky", "downstream");
  g_object_set (queue, "max-size-time", lag_max, "max-size-bytes",
      lag_bytes_max, "max-size-buffers", 0u, "silent", TRUE, nullptr);
  // Lost events let decoders conceal; late packets are dropped by the sinks, if
  // at all.
  g_object_set (
      rtpbin, "do-lost", TRUE, "max-misorder-time", misorder_max_ms, nullptr);
  g_object_set (rtpbin, "add-reference-timestamp-meta",
      gboolean (reference_time_), nullptr);
  g_signal_connect (rtpbin, "pad-added", G_CALLBACK (on_pad_added), this);
  g_signal_connect (
      rtpbin, "request-pt-map", G_CALLBACK (on_request_pt_map), this);
  g_signal_connect (
      rtpbin, "new-jitterbuffer", G_CALLBACK (on_new_jitterbuffer), this);
  g_signal_connect (rtpbin, "on-bye-ssrc", G_CALLBACK (on_bye_ssrc), this);

  gst_bin_add_many (element_, queue, split, rtpbin, nullptr);
  const bool linked =
      gst_element_link_many (queue, split, nullptr) &&
      gst_element_link_pads (split, "rtp", rtpbin, "recv_rtp_sink_0") &&
      gst_element_link_pads (split, "rtcp", rtpbin, "recv_rtcp_sink_0") &&
      gst_element_link (upstream_, queue);
  g_assert (linked);

  // The first packet is as good as any: it has passed the intake.
  GObject *session = nullptr;
  g_signal_emit_by_name (rtpbin, "get-internal-session", 0u, &session);
  const Owned<GObject> owned (session);
  if (session)
    g_object_set (session, "probation", 0u, nullptr);

  packets_in_ = 0;
  const Owned<GstPad> pad (gst_element_get_static_pad (queue, "sink"));
  gst_pad_add_probe (pad.get (),
      GstPadProbeType (
          GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST),
      count, &packets_in_, nullptr);

  const std::lock_guard guard (lock_);
  queue_ = queue;
  split_ = GST_SPREADIT_SPLIT (split);
  rtpbin_ = rtpbin;
  return true;
}

bool
SrcStreams::start (unsigned latency_ms)
{
  if (!make_elements ())
    return false;
  set_latency (latency_ms);
  gchar *uuid = g_uuid_string_random ();
  const std::lock_guard guard (lock_);
  session_id_ = uuid;
  g_free (uuid);
  group_id_ = gst_util_group_id_next ();
  exposed_ = false;
  return true;
}

void
SrcStreams::stop ()
{
  GstElement *elements[3];
  {
    const std::lock_guard guard (lock_);
    silent_timer_.cancel ();
    bye_timer_.cancel ();
    elements[0] = std::exchange (queue_, nullptr);
    elements[1] = GST_ELEMENT (std::exchange (split_, nullptr));
    elements[2] = std::exchange (rtpbin_, nullptr);
    left_.clear ();
    jitterbuffers_.clear ();
  }
  // Whoever is exposing pads sees from here on that it is over.
  const std::lock_guard nobody_exposes (exposing_);
  std::vector<std::unique_ptr<Stream>> streams;
  {
    const std::lock_guard guard (lock_);
    streams.swap (streams_);
  }
  for (const auto &stream : streams) {
    if (stream->pad) {
      gst_pad_set_active (stream->pad, FALSE);
      gst_element_remove_pad (GST_ELEMENT (element_), stream->pad);
    }
    if (stream->block)
      gst_pad_remove_probe (stream->source.get (), stream->block);
  }
  for (GstElement *element : elements)
    if (element)
      discard (element_, element);
}

void
SrcStreams::set_latency (unsigned latency_ms)
{
  const std::lock_guard guard (lock_);
  if (rtpbin_)
    g_object_set (rtpbin_, "latency", latency_ms, nullptr);
}

std::uint64_t
SrcStreams::dropped ()
{
  const std::lock_guard guard (lock_);
  if (!queue_)
    return 0;
  guint queued = 0;
  g_object_get (queue_, "current-level-buffers", &queued, nullptr);
  const std::uint64_t kept = gst_spreadit_split_get_packets (split_) + queued;
  const std::uint64_t in = packets_in_;
  return in > kept ? in - kept : 0;
}

// What is to come.

bool
SrcStreams::set_description (const char *sdp)
{
  auto media = parse_description (sdp);
  if (media.empty ())
    return false;
  gint clock_rates[128];
  std::fill_n (clock_rates, std::size (clock_rates), -1);
  for (const auto &m : media) {
    gint rate = 0;
    gst_structure_get_int (
        gst_caps_get_structure (m.caps.get (), 0), "clock-rate", &rate);
    clock_rates[m.payload_type] = std::max (rate, 0);
  }

  Owned<GstElement> rtpbin;
  Owned<GstElement> split;
  {
    const std::lock_guard guard (lock_);
    if (!rtpbin_)
      return true;
    rtpbin = ref (rtpbin_);
    split = ref (GST_ELEMENT (split_));
    sort_media (std::move (media));
  }
  g_signal_emit_by_name (rtpbin.get (), "clear-pt-map");
  gst_spreadit_split_set_clock_rates (
      GST_SPREADIT_SPLIT (split.get ()), clock_rates);
  return true;
}

// Streams that are there already stay as they are, with caps that may be new.
void
SrcStreams::sort_media (std::vector<ReceivedMedia> media)
{
  std::stable_sort (media.begin (), media.end (),
      [] (const ReceivedMedia &a, const ReceivedMedia &b) {
        return a.is_video > b.is_video;
      });
  for (auto &m : media) {
    if (Stream *known = find (m.payload_type)) {
      known->caps = std::move (m.caps);
      continue;
    }
    auto stream = std::make_unique<Stream> ();
    stream->streams = this;
    stream->index = m.index;
    stream->stream_id = session_id_ + "/" + std::to_string (m.index);
    stream->payload_type = m.payload_type;
    stream->is_video = m.is_video;
    stream->caps = std::move (m.caps);
    streams_.push_back (std::move (stream));
  }
}

SrcStreams::Stream *
SrcStreams::find (unsigned payload_type)
{
  for (const auto &stream : streams_)
    if (stream->payload_type == payload_type)
      return stream.get ();
  return nullptr;
}

GstCaps *
SrcStreams::on_request_pt_map (
    GstElement *, guint, guint pt, gpointer data) noexcept
{
  auto &self = *static_cast<SrcStreams *> (data);
  const std::lock_guard guard (self.lock_);
  const Stream *stream = self.find (pt);
  return stream ? gst_caps_ref (stream->caps.get ()) : nullptr;
}

// Pads.

// "recv_rtp_src_<session>_<ssrc>_<payload type>"
void
SrcStreams::on_pad_added (GstElement *, GstPad *pad, gpointer data) noexcept
{
  if (GST_PAD_IS_SRC (pad) &&
      g_str_has_prefix (GST_PAD_NAME (pad), "recv_rtp_src_"))
    static_cast<SrcStreams *> (data)->on_pad (pad);
}

void
SrcStreams::on_pad (GstPad *pad)
{
  guint session, ssrc, payload_type;
  if (std::sscanf (GST_PAD_NAME (pad), "recv_rtp_src_%u_%u_%u", &session, &ssrc,
          &payload_type) != 3)
    return;
  GST_DEBUG_OBJECT (
      element_, "SSRC %08x has payload type %u", ssrc, payload_type);
  GstPad *retargeted = nullptr;
  bool expose_all = false;
  {
    const std::lock_guard guard (lock_);
    Stream *stream = rtpbin_ ? find (payload_type) : nullptr;
    if (!stream)
      return;
    if (stream->pad) {
      retargeted = stream->pad; // the source has begun again
    } else if (stream->source) {
      GST_WARNING_OBJECT (element_,
          "two SSRCs with payload type %u, the first has it", payload_type);
      return;
    } else {
      stream->source = ref (pad);
      stream->block = gst_pad_add_probe (
          pad, GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM, hold, nullptr, nullptr);
      expose_all =
          exposed_ || std::all_of (streams_.begin (), streams_.end (),
                          [] (const auto &s) { return s->source != nullptr; });
      if (!expose_all && !silent_timer_.started ())
        silent_timer_.start (
            GST_ELEMENT (element_), silent_medium_wait,
            [] (GstElement *, gpointer data) noexcept {
              static_cast<SrcStreams *> (data)->expose_together ();
            },
            this);
    }
  }
  if (retargeted)
    gst_ghost_pad_set_target (GST_GHOST_PAD (retargeted), pad);
  if (expose_all)
    expose_together ();
}

// All that have a source and no pad yet, in order.
void
SrcStreams::expose_together ()
{
  const std::lock_guard one_at_a_time (exposing_);
  std::vector<Stream *> ready; // stay until stop(), which waits for us
  bool first_time;
  {
    const std::lock_guard guard (lock_);
    if (!rtpbin_)
      return;
    silent_timer_.cancel ();
    first_time = !std::exchange (exposed_, true);
    for (const auto &stream : streams_)
      if (stream->source && !stream->pad)
        ready.push_back (stream.get ());
  }
  for (Stream *stream : ready)
    expose (*stream);
  if (first_time)
    gst_element_no_more_pads (GST_ELEMENT (element_));
}

// rtpbin of 1.22 gives pads of different SSRCs the same stream id.
Owned<GstEvent>
SrcStreams::stream_start (const Stream &stream)
{
  Owned<GstEvent> event (
      gst_event_new_stream_start (stream.stream_id.c_str ()));
  gst_event_set_group_id (event.get (), group_id_);
  return event;
}

gboolean
SrcStreams::on_event (GstPad *pad, GstObject *parent, GstEvent *event) noexcept
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_STREAM_START) {
    auto *stream = static_cast<Stream *> (gst_pad_get_element_private (pad));
    gst_event_unref (event);
    event = stream->streams->stream_start (*stream).release ();
  }
  return gst_pad_event_default (pad, parent, event);
}

void
SrcStreams::expose (Stream &stream)
{
  GstPad *source = stream.source.get ();
  const std::string name = "stream_" + std::to_string (stream.index);
  GstPad *pad =
      gst_ghost_pad_new_from_template (name.c_str (), source, template_);
  auto *inner = GST_PAD (gst_proxy_pad_get_internal (GST_PROXY_PAD (pad)));
  gst_pad_set_element_private (inner, &stream);
  gst_pad_set_event_function (inner, on_event);
  gst_object_unref (inner);
  gst_pad_set_active (pad, TRUE);

  // So that whoever hears of the pad knows at once what it is.
  gst_pad_store_sticky_event (pad, stream_start (stream).get ());
  gst_pad_sticky_events_foreach (
      source,
      [] (GstPad *, GstEvent **event, gpointer data) noexcept -> gboolean {
        if (GST_EVENT_TYPE (*event) != GST_EVENT_STREAM_START)
          gst_pad_store_sticky_event (static_cast<GstPad *> (data), *event);
        return TRUE;
      },
      pad);
  gulong block;
  {
    const std::lock_guard guard (lock_);
    stream.pad = pad;
    block = std::exchange (stream.block, 0);
    if (wait_for_key_frame_)
      begin_with_key_frame (pad, stream.caps.get ());
  }
  GST_DEBUG_OBJECT (element_, "exposing %" GST_PTR_FORMAT, pad);
  gst_element_add_pad (GST_ELEMENT (element_), pad);
  gst_pad_remove_probe (source, block);
}

// The end of streams.

void
SrcStreams::on_new_jitterbuffer (GstElement *, GstElement *jitterbuffer, guint,
    guint ssrc, gpointer data) noexcept
{
  auto &self = *static_cast<SrcStreams *> (data);
  const std::lock_guard guard (self.lock_);
  if (!self.rtpbin_)
    return;
  self.jitterbuffers_[ssrc] = ref (jitterbuffer);
  // The parent sends in order from a place where a decoder can begin: there is
  // no earlier packet to wait for, which it would for the whole latency.
  g_object_set (jitterbuffer, "faststart-min-packets", 2u, nullptr);
}

void
SrcStreams::on_bye_ssrc (
    GstElement *, guint, guint ssrc, gpointer data) noexcept
{
  static_cast<SrcStreams *> (data)->on_bye (ssrc);
}

// Only the source's RTCP gets here: what BYE a parent says when it leaves stays
// between the two.
void
SrcStreams::on_bye (unsigned ssrc)
{
  GST_INFO_OBJECT (element_, "BYE from SSRC %08x", ssrc);
  const std::lock_guard guard (lock_);
  if (!rtpbin_)
    return;
  left_.push_back (ssrc);
  bye_timer_.start (
      GST_ELEMENT (element_), last_packets_wait,
      [] (GstElement *, gpointer data) noexcept {
        static_cast<SrcStreams *> (data)->end_left ();
      },
      this);
}

// The jitterbuffer gives what it has, then EOS.
void
SrcStreams::end_left ()
{
  std::vector<Owned<GstElement>> ended;
  {
    const std::lock_guard guard (lock_);
    for (const unsigned ssrc : std::exchange (left_, {})) {
      const auto found = jitterbuffers_.find (ssrc);
      if (found != jitterbuffers_.end ())
        ended.push_back (ref (found->second.get ()));
    }
  }
  for (const auto &jitterbuffer : ended) {
    const Owned<GstPad> pad (
        gst_element_get_static_pad (jitterbuffer.get (), "sink"));
    gst_pad_send_event (pad.get (), gst_event_new_eos ());
  }
}

} // namespace spreadit
