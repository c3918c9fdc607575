// SPDX-License-Identifier: LGPL-2.1-or-later
#include "origin.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

#include <gst/app/app.h>

#include "media_slots.hpp"
#include "origin_source.hpp"
#include "owned.hpp"
#include "slate.hpp"

namespace spreadit::relay {

namespace {

// What is late to a relay's children anyway need not wait here.
constexpr GstClockTime latency = 200 * GST_MSECOND;
// A camera sends something all the time; rtspsrc itself waits for a link that
// is dead for as long as TCP does.
constexpr gint64 silence_max_us = 5 * G_USEC_PER_SEC;
// Until the first packet: a picture that can be decoded from may be 10 s away.
constexpr gint64 beginning_max_us = 30 * G_USEC_PER_SEC;
constexpr guint look_ms = 250;
constexpr guint retry_min_ms = 500;
constexpr guint retry_max_ms = 5000;

bool
is_rtsp (const std::string &url)
{
  return g_str_has_prefix (url.c_str (), "rtsp");
}

// What is fetched has an end, and then it is over; who sends comes back.
bool
has_an_end (const std::string &url)
{
  return g_str_has_prefix (url.c_str (), "http");
}

// Waits for somebody to send, however long that takes.
bool
is_listener (const std::string &url)
{
  return url.find ("mode=listener") != std::string::npos ||
         g_str_has_prefix (url.c_str (), "srt://:") ||
         g_str_has_prefix (url.c_str (), "udp");
}

} // namespace

bool
is_origin (const std::string &text)
{
  const Text scheme (g_uri_parse_scheme (text.c_str ()));
  if (!scheme || !gst_uri_is_valid (text.c_str ()) ||
      text.find ("://") == std::string::npos)
    return false;
  for (const char *other : {"file", "v4l2", "spreadit"})
    if (g_str_equal (scheme.get (), other))
      return false;
  return true;
}

struct Origin::Impl {
  // One connection.
  struct Session {
    Impl *origin;
    std::unique_ptr<OriginSource> source; // goes when its pipeline has stopped
    Owned<GstElement> pipeline;
    guint bus_watch = 0;
    gint64 since_us = 0;
    std::mutex lock; // guards what follows
    std::vector<std::pair<std::string, MediaSlots::Slot *>> free; // by format
    bool refused = false;
    std::string why;

    ~Session ()
    {
      if (bus_watch)
        g_source_remove (bus_watch);
      gst_element_set_state (pipeline.get (), GST_STATE_NULL);
    }
  };
  struct Input {
    Session *session;
    MediaSlots::Slot *slot;
    bool is_sound;
    bool first = true;
    GstClockTime newest = 0;
  };

  GstBin *pipeline;
  MediaSlots slots;
  std::unique_ptr<Slate> slate; // or null
  OriginOptions options;
  std::unique_ptr<Session> session;
  guint timer = 0;
  guint watchdog = 0;
  guint retry_ms = retry_min_ms;
  std::atomic<gint64> heard_us{0}; // 0: nothing in this session
  bool was_there = false;
  bool is_away = false;

  Impl (GstBin *bin, GstElement *sink, OriginOptions what)
      : pipeline (bin), slots (bin, sink), options (std::move (what))
  {
    if (options.always_on)
      slate = std::make_unique<Slate> (
          slots, latency, [this] (const std::string &text) { note (text); });
  }
  ~Impl ();
  std::string connect ();
  void connect_in (guint ms);
  void add_slates (const std::vector<Owned<GstCaps>> &media,
      const std::vector<MediaSlots::Slot *> &taken);
  void end ();
  void lose (const std::string &why, GstMessage *message);
  void note (const std::string &text);
  void look ();

  void expect (Session &session, std::vector<Owned<GstCaps>> media);
  static void take (Session &session, GstPad *pad, const GstCaps *caps);
  static GstFlowReturn on_sample (GstAppSink *sink, gpointer input) noexcept;
  static gboolean on_message (
      GstBus *, GstMessage *message, gpointer self) noexcept;
};

void
Origin::Impl::note (const std::string &text)
{
  gst_element_post_message (GST_ELEMENT (pipeline),
      gst_message_new_application (
          GST_OBJECT (pipeline), gst_structure_new ("note", "text",
                                     G_TYPE_STRING, text.c_str (), nullptr)));
}

void
Origin::Impl::add_slates (const std::vector<Owned<GstCaps>> &media,
    const std::vector<MediaSlots::Slot *> &taken)
{
  if (!slate)
    return;
  for (std::size_t i = 0; i < taken.size (); ++i)
    if (const std::string why = slate->add (*taken[i], media[i].get ());
        !why.empty ())
      note ("not always on: " + why);
}

// The first time it makes the stream, later it has to fit.
void
Origin::Impl::expect (Session &of, std::vector<Owned<GstCaps>> media)
{
  const bool is_first = slots.empty ();
  if (is_first)
    std::erase_if (media, [this] (const auto &caps) {
      const std::string why = slots.add (caps.get ());
      if (!why.empty ())
        note ("left out: " + why);
      return !why.empty ();
    });
  auto taken = slots.take (media);
  if (auto *all = std::get_if<std::vector<MediaSlots::Slot *>> (&taken);
      all && is_first)
    add_slates (media, *all);
  const std::lock_guard guard (of.lock);
  of.free.clear ();
  if (auto *wrong = std::get_if<std::string> (&taken)) {
    of.refused = true;
    of.why = *wrong;
    return;
  }
  const auto &all = std::get<std::vector<MediaSlots::Slot *>> (taken);
  if (all.empty ()) {
    of.refused = true;
    of.why = "it has nothing that RTP can carry";
  }
  for (std::size_t i = 0; i < all.size (); ++i)
    of.free.emplace_back (format_of (media[i].get ()), all[i]);
}

void
Origin::Impl::take (Session &from, GstPad *pad, const GstCaps *caps)
{
  GstElement *appsink = gst_element_factory_make ("appsink", nullptr);
  g_object_set (appsink, "sync", FALSE, "async", FALSE, nullptr);
  {
    const std::string format = caps ? format_of (caps) : "";
    const std::lock_guard guard (from.lock);
    const auto found = std::find_if (from.free.begin (), from.free.end (),
        [&format] (const auto &one) { return one.first == format; });
    if (found != from.free.end ()) {
      GstAppSinkCallbacks callbacks = {};
      callbacks.new_sample = on_sample;
      gst_app_sink_set_callbacks (GST_APP_SINK (appsink), &callbacks,
          new Input{&from, found->second, format.starts_with ("audio/")},
          [] (gpointer input) { delete static_cast<Input *> (input); });
      from.free.erase (found);
    } else {
      g_object_set (appsink, "max-buffers", 1u, "drop", TRUE, nullptr);
    }
  }
  gst_bin_add (GST_BIN (from.pipeline.get ()), appsink);
  gst_element_sync_state_with_parent (appsink);
  const Owned<GstPad> to (gst_element_get_static_pad (appsink, "sink"));
  gst_pad_link (pad, to.get ());
}

GstFlowReturn
Origin::Impl::on_sample (GstAppSink *appsink, gpointer data) noexcept
{
  GstSample *sample = gst_app_sink_pull_sample (appsink);
  if (!sample)
    return GST_FLOW_OK;
  auto &input = *static_cast<Input *> (data);
  Impl &self = *input.session->origin;
  self.heard_us = g_get_monotonic_time ();
  GstBuffer *packet = gst_sample_get_buffer (sample);
  const GstClockTime due =
      gst_segment_to_running_time (gst_sample_get_segment (sample),
          GST_FORMAT_TIME, GST_BUFFER_PTS (packet));
  GstClockTime time = self.slots.time_of (
      due, gst_element_get_base_time (GST_ELEMENT (appsink)));
  // A demuxer that learns the sender's clock goes back at times. Pictures may
  // be out of order for another reason.
  if (input.is_sound)
    time = input.newest = std::max (input.newest, time);
  const bool first = std::exchange (input.first, false);
  if (self.slate)
    self.slate->pass (*input.slot, sample, time, first);
  else
    self.slots.push (*input.slot, packet, time,
        first ? gst_sample_get_caps (sample) : nullptr);
  gst_sample_unref (sample);
  return GST_FLOW_OK;
}

gboolean
Origin::Impl::on_message (GstBus *, GstMessage *message, gpointer data) noexcept
{
  auto &self = *static_cast<Impl *> (data);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS) {
    self.end ();
  } else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    GError *error = nullptr;
    gst_message_parse_error (message, &error, nullptr);
    const Owned<GError> owned (error);
    // souphttpsrc 1.22 knows why it cannot connect, but does not tell.
    if (g_error_matches (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED) &&
        GST_IS_URI_HANDLER (GST_MESSAGE_SRC (message)))
      self.lose ("it cannot be reached, or has hung up", nullptr);
    else
      self.lose (error->message, message);
  } else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_LATENCY) {
    gst_bin_recalculate_latency (GST_BIN (self.session->pipeline.get ()));
  }
  return G_SOURCE_CONTINUE; // or removed with the session
}

// Empty, or why not.
std::string
Origin::Impl::connect ()
{
  session = std::make_unique<Session> ();
  Session &now = *session;
  now.origin = this;
  now.since_us = g_get_monotonic_time ();
  now.pipeline.reset (
      GST_ELEMENT (gst_object_ref_sink (gst_pipeline_new ("origin"))));
  OriginSource::Callbacks callbacks{
      [this, &now] (auto media) { expect (now, std::move (media)); },
      [&now] (GstPad *pad, const GstCaps *caps) { take (now, pad, caps); },
      [this] (const std::string &text) { note (text); }};
  now.source = is_rtsp (options.url)
                   ? make_rtsp_source (std::move (callbacks), latency)
                   : make_uri_source (std::move (callbacks));
  if (std::string why =
          now.source->add_to (GST_BIN (now.pipeline.get ()), options.url);
      !why.empty ()) {
    session.reset ();
    return why;
  }
  const Owned<GstBus> bus (
      gst_pipeline_get_bus (GST_PIPELINE (now.pipeline.get ())));
  now.bus_watch = gst_bus_add_watch (bus.get (), on_message, this);
  heard_us = 0;
  return "";
}

// Playing from the main loop on: what it needs there is up by then.
void
Origin::Impl::connect_in (guint ms)
{
  timer = g_timeout_add (
      ms,
      [] (gpointer self) -> gboolean {
        auto &impl = *static_cast<Impl *> (self);
        impl.timer = 0;
        if (!impl.session)
          impl.connect ();
        if (impl.session) {
          impl.session->since_us = g_get_monotonic_time ();
          gst_element_set_state (
              impl.session->pipeline.get (), GST_STATE_PLAYING);
        }
        return G_SOURCE_REMOVE;
      },
      this);
}

void
Origin::Impl::end ()
{
  if (!has_an_end (options.url)) {
    lose ("it has ended the stream", nullptr);
    return;
  }
  session.reset ();
  if (options.loop)
    connect_in (0);
  else
    slots.end ();
}

// What was never there is an error, a typo most likely; what was comes back.
void
Origin::Impl::lose (const std::string &why, GstMessage *message)
{
  if (!was_there && message) {
    gst_element_post_message (
        GST_ELEMENT (pipeline), gst_message_ref (message));
    return;
  }
  if (!was_there) {
    GST_ELEMENT_ERROR (
        pipeline, RESOURCE, READ, ("%s", why.c_str ()), (nullptr));
    return;
  }
  if (!std::exchange (is_away, true))
    note (options.url + " is away (" + why +
          "); the audience stays, trying again");
  session.reset ();
  if (slate)
    slate->begin ();
  connect_in (retry_ms);
  retry_ms = MIN (2 * retry_ms, retry_max_ms);
}

// Some times a second.
void
Origin::Impl::look ()
{
  if (slate)
    slate->look ();
  if (!session)
    return;
  session->source->look ();
  std::string refused;
  {
    const std::lock_guard guard (session->lock);
    if (session->refused)
      refused = session->why;
  }
  const gint64 heard = heard_us;
  const gint64 now = g_get_monotonic_time ();
  if (!refused.empty ()) {
    lose (refused, nullptr);
  } else if (heard && !was_there) {
    was_there = true;
  } else if (heard && is_away) {
    is_away = false;
    retry_ms = retry_min_ms;
    note (options.url + " is back");
  } else if (heard && now - heard > silence_max_us) {
    lose ("it is silent", nullptr);
  } else if (!heard && !timer && now - session->since_us > beginning_max_us &&
             !is_listener (options.url)) {
    lose ("it has sent nothing for " +
              std::to_string (beginning_max_us / G_USEC_PER_SEC) + " s",
        nullptr);
  }
}

Origin::Impl::~Impl ()
{
  for (const guint source : {timer, watchdog})
    if (source)
      g_source_remove (source);
  session.reset ();
}

Origin::Origin (GstBin *pipeline, GstElement *sink, OriginOptions options)
    : impl_ (std::make_unique<Impl> (pipeline, sink, std::move (options)))
{
}

Origin::~Origin () = default;

std::string
Origin::start ()
{
  if (std::string why = impl_->connect (); !why.empty ())
    return why;
  impl_->connect_in (0);
  if (is_listener (impl_->options.url))
    impl_->note ("waiting for somebody to send to " + impl_->options.url);
  impl_->watchdog = g_timeout_add (
      look_ms,
      [] (gpointer self) -> gboolean {
        static_cast<Impl *> (self)->look ();
        return G_SOURCE_CONTINUE;
      },
      impl_.get ());
  return "";
}

} // namespace spreadit::relay
