// SPDX-License-Identifier: LGPL-2.1-or-later
#include "origin_source.hpp"

#include <algorithm>
#include <mutex>

#include "elements.hpp"
#include "media_slots.hpp"

namespace spreadit::relay {

namespace {

// A medium that is announced may never have a packet: then the others begin.
constexpr gint64 patience_us = 5 * G_USEC_PER_SEC;
// One that is not announced shows with its first packet (FLV), soon after that
// of another.
constexpr gint64 settle_us = 400'000;
// But a picture may be as late as the next key frame.
constexpr gint64 sound_alone_us = 10 * G_USEC_PER_SEC;
// What is held until then, and longer than a keyframe of another is away.
constexpr guint64 held_max_ns = 15 * GST_SECOND;

bool
is_aac (const GstCaps *caps)
{
  const Owned<GstCaps> aac (
      gst_caps_from_string ("audio/mpeg, mpegversion=(int){ 2, 4 }"));
  return gst_caps_can_intersect (caps, aac.get ());
}

// What the payloader takes: transport streams have AAC with headers.
GstElement *
make_parser (const GstCaps *caps)
{
  return gst_element_factory_make (
      is_aac (caps) ? "aacparse" : "identity", nullptr);
}

// The one of the highest rank, but that LATM has no slate; or null.
GstElement *
make_payloader (const GstCaps *caps)
{
  return is_aac (caps) ? gst_element_factory_make ("rtpmp4gpay", nullptr)
                       : make_best (GST_ELEMENT_FACTORY_TYPE_PAYLOADER, caps);
}

// The element brings bytes, parsebin finds the media in them, and each becomes
// RTP that waits until all are there: the sender's clock is not ours, so what
// comes first is due when it has come, and the rest by the distance to that.
class UriSource final : public OriginSource {
public:
  explicit UriSource (Callbacks callbacks) : callbacks_ (std::move (callbacks))
  {
  }

  std::string add_to (GstBin *pipeline, const std::string &url) override;
  void look () override;

private:
  // One medium of those that are to begin together.
  struct Medium {
    UriSource *source;
    GstPad *out = nullptr;     // of the payloader; the pipeline's
    GstElement *end = nullptr; // what the packets come out of
    bool is_sound = false;
    gulong block = 0;
    GstClockTime first = GST_CLOCK_TIME_NONE; // running time; none: none yet
    GstClockTime came = 0;                    // that is when, by the clock
    GstClockTime begin = 0;                   // what is before is left out
  };

  void add (GstPad *pad);
  void discard (GstPad *pad, const GstCaps *caps);
  void begin ();
  bool is_complete () const;
  GstClockTime now () const;

  static GstPadProbeReturn on_useless (
      GstPad *pad, GstPadProbeInfo *info, gpointer self) noexcept;
  static GstPadProbeReturn on_first (
      GstPad *pad, GstPadProbeInfo *info, gpointer medium) noexcept;
  static GstPadProbeReturn on_early (
      GstPad *pad, GstPadProbeInfo *info, gpointer medium) noexcept;

  Callbacks callbacks_;
  GstBin *pipeline_ = nullptr;
  GstElement *multiqueue_ = nullptr;
  std::mutex lock_; // guards what follows
  std::vector<std::unique_ptr<Medium>> media_;
  std::vector<std::unique_ptr<Medium>> begun_;
  gint64 shown_us_ = 0; // when the last of media_ did
  gint64 first_us_ = 0; // when the first of media_ had a packet; 0: none has
};

GstBuffer *
first_buffer (GstPadProbeInfo *info)
{
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER_LIST)
    return gst_buffer_list_get (GST_PAD_PROBE_INFO_BUFFER_LIST (info), 0);
  return GST_PAD_PROBE_INFO_BUFFER (info);
}

GstClockTime
running_time (GstPad *pad, GstBuffer *buffer)
{
  GstEvent *event = gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0);
  if (!event)
    return GST_CLOCK_TIME_NONE;
  const GstSegment *segment = nullptr;
  gst_event_parse_segment (event, &segment);
  const GstClockTime time = gst_segment_to_running_time (
      segment, GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
  gst_event_unref (event);
  return time;
}

std::string
UriSource::add_to (GstBin *pipeline, const std::string &url)
{
  GError *error = nullptr;
  GstElement *source =
      gst_element_make_from_uri (GST_URI_SRC, url.c_str (), nullptr, &error);
  if (!source) {
    const Owned<GError> owned (error);
    return owned->message;
  }
  GstElement *parser = gst_element_factory_make ("parsebin", nullptr);
  multiqueue_ = gst_element_factory_make ("multiqueue", nullptr);
  if (!parser || !multiqueue_) {
    for (GstElement *element : {source, parser, multiqueue_})
      if (element)
        gst_object_unref (element);
    return "GStreamer's core and base plugins are not installed";
  }
  pipeline_ = pipeline;
  // Who calls and is not answered has to say so: the origin tries again.
  if (g_object_class_find_property (
          G_OBJECT_GET_CLASS (source), "auto-reconnect"))
    g_object_set (source, "auto-reconnect", FALSE, nullptr);
  g_object_set (multiqueue_, "sync-by-running-time", TRUE, "max-size-buffers",
      0u, "max-size-time", held_max_ns, nullptr);
  gst_bin_add_many (pipeline, source, parser, multiqueue_, nullptr);
  if (!gst_element_link (source, parser))
    return std::string ("what ") + GST_OBJECT_NAME (source) +
           " brings cannot be taken apart";
  g_signal_connect (parser, "pad-added",
      G_CALLBACK (+[] (GstElement *, GstPad *pad, UriSource *self) {
        self->add (pad);
      }),
      this);
  return "";
}

void
UriSource::discard (GstPad *pad, const GstCaps *caps)
{
  const char *name = gst_structure_get_name (gst_caps_get_structure (caps, 0));
  callbacks_.note (std::string ("left out, RTP cannot carry it: ") + name);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_useless, this, nullptr);
  discard_all_of (pipeline_, pad);
}

// Data flows once all pads are there: if none is of use, that is when we know.
GstPadProbeReturn
UriSource::on_useless (GstPad *, GstPadProbeInfo *, gpointer data) noexcept
{
  auto &self = *static_cast<UriSource *> (data);
  bool none = false;
  {
    const std::lock_guard guard (self.lock_);
    none = self.media_.empty () && self.begun_.empty ();
  }
  if (none)
    self.callbacks_.media ({});
  return GST_PAD_PROBE_REMOVE;
}

// pad ! multiqueue ! parser ! payloader ! clocksync
void
UriSource::add (GstPad *pad)
{
  const Owned<GstCaps> caps (gst_pad_query_caps (pad, nullptr));
  GstElement *parser = make_parser (caps.get ());
  GstElement *payloader = make_payloader (caps.get ());
  GstElement *clock = gst_element_factory_make ("clocksync", nullptr);
  if (!parser || !payloader || !clock) {
    for (GstElement *element : {parser, payloader, clock})
      if (element)
        gst_object_unref (element);
    discard (pad, caps.get ());
    return;
  }
  gst_bin_add_many (pipeline_, parser, payloader, clock, nullptr);
  gst_element_link (parser, payloader);
  const QueuePads queue = request_queue (multiqueue_);
  const Owned<GstPad> to (gst_element_get_static_pad (parser, "sink"));
  const Owned<GstPad> out (gst_element_get_static_pad (payloader, "src"));
  gst_pad_link (queue.out.get (), to.get ());
  {
    auto medium = std::make_unique<Medium> ();
    medium->source = this;
    medium->out = out.get ();
    medium->end = clock;
    medium->is_sound = g_str_has_prefix (
        gst_structure_get_name (gst_caps_get_structure (caps.get (), 0)),
        "audio/");
    const std::lock_guard guard (lock_);
    // After begin(): another variant of an HLS stream, what was there has
    // ended.
    medium->block = gst_pad_add_probe (out.get (),
        static_cast<GstPadProbeType> (GST_PAD_PROBE_TYPE_BLOCK |
                                      GST_PAD_PROBE_TYPE_BUFFER |
                                      GST_PAD_PROBE_TYPE_BUFFER_LIST),
        on_first, medium.get (), nullptr);
    media_.push_back (std::move (medium));
    shown_us_ = g_get_monotonic_time ();
  }
  gst_element_sync_state_with_parent (clock);
  gst_element_sync_state_with_parent (payloader);
  gst_element_sync_state_with_parent (parser);
  gst_pad_link (pad, queue.in.get ());
}

// It stays here until begin().
GstPadProbeReturn
UriSource::on_first (GstPad *pad, GstPadProbeInfo *info, gpointer data) noexcept
{
  auto &medium = *static_cast<Medium *> (data);
  UriSource &self = *medium.source;
  {
    const std::lock_guard guard (self.lock_);
    if (!GST_CLOCK_TIME_IS_VALID (medium.first)) {
      const GstClockTime time = running_time (pad, first_buffer (info));
      if (!GST_CLOCK_TIME_IS_VALID (time))
        return GST_PAD_PROBE_DROP; // nobody could say when it is due
      medium.first = time;
      medium.came = self.now ();
      if (!self.first_us_)
        self.first_us_ = g_get_monotonic_time ();
    }
  }
  self.begin ();
  return GST_PAD_PROBE_OK;
}

// With the lock.
bool
UriSource::is_complete () const
{
  if (!first_us_)
    return false;
  const gint64 time = g_get_monotonic_time ();
  if (std::all_of (media_.begin (), media_.end (),
          [] (const auto &medium) { return medium->is_sound; }))
    return time - shown_us_ > sound_alone_us;
  if (time - first_us_ > patience_us)
    return true;
  return time - shown_us_ > settle_us &&
         std::all_of (media_.begin (), media_.end (), [] (const auto &medium) {
           return GST_CLOCK_TIME_IS_VALID (medium->first);
         });
}

void
UriSource::look ()
{
  begin ();
}

GstClockTime
UriSource::now () const
{
  const Owned<GstClock> clock (gst_element_get_clock (GST_ELEMENT (pipeline_)));
  const GstClockTime base = gst_element_get_base_time (GST_ELEMENT (pipeline_));
  const GstClockTime time = clock ? gst_clock_get_time (clock.get ()) : 0;
  return time > base ? time - base : 0;
}

GstPadProbeReturn
UriSource::on_early (GstPad *pad, GstPadProbeInfo *info, gpointer data) noexcept
{
  const auto &medium = *static_cast<Medium *> (data);
  const GstClockTime time = running_time (pad, first_buffer (info));
  return !GST_CLOCK_TIME_IS_VALID (time) || time < medium.begin
             ? GST_PAD_PROBE_DROP
             : GST_PAD_PROBE_REMOVE;
}

// When all are there, the one that began last was due when it came. Sound from
// before the first picture that can be decoded is of no use, and would put off
// the rest.
void
UriSource::begin ()
{
  std::vector<Medium *> media;
  {
    const std::lock_guard guard (lock_);
    if (!is_complete ())
      return;
    for (auto &medium : media_) {
      media.push_back (medium.get ());
      begun_.push_back (std::move (medium));
    }
    media_.clear ();
    first_us_ = 0;
  }
  GstClockTime last = 0;
  GstClockTime due = 0;
  std::vector<Owned<GstCaps>> caps;
  for (const Medium *medium : media) {
    if (!GST_CLOCK_TIME_IS_VALID (medium->first))
      continue;
    if (medium->first >= last) {
      last = medium->first;
      due = medium->came;
    }
    caps.emplace_back (gst_pad_get_current_caps (medium->out));
  }
  callbacks_.media (std::move (caps));
  for (Medium *medium : media) {
    gst_pad_set_offset (medium->out, GST_CLOCK_DIFF (last, due));
    medium->begin = last;
    gst_pad_add_probe (medium->out,
        static_cast<GstPadProbeType> (
            GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST),
        on_early, medium, nullptr);
    const Owned<GstPad> in (gst_element_get_static_pad (medium->end, "sink"));
    gst_pad_link (medium->out, in.get ());
    const Owned<GstPad> out (gst_element_get_static_pad (medium->end, "src"));
    const Owned<GstCaps> caps_of_it (gst_pad_get_current_caps (medium->out));
    callbacks_.pad (out.get (), caps_of_it.get ());
  }
  for (const Medium *medium : media)
    gst_pad_remove_probe (medium->out, medium->block);
}

} // namespace

std::unique_ptr<OriginSource>
make_uri_source (OriginSource::Callbacks callbacks)
{
  return std::make_unique<UriSource> (std::move (callbacks));
}

} // namespace spreadit::relay
