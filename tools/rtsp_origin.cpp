// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtsp_origin.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

#include <gst/app/app.h>

#include "media_slots.hpp"
#include "owned.hpp"
#include "slate.hpp"

namespace spreadit::relay {

namespace {

// What is late to a relay's children anyway need not wait here.
constexpr guint latency_ms = 200;
// A camera sends something all the time; rtspsrc itself waits for a link that
// is dead for as long as TCP does.
constexpr gint64 silence_max_us = 5 * G_USEC_PER_SEC;
// How fast the first sender reports may bring sound and picture together; at
// once, time would go back. A packet takes longer than that.
constexpr guint64 sync_step_ns = 5 * GST_MSECOND;
constexpr guint look_ms = 250;
constexpr guint retry_min_ms = 500;
constexpr guint retry_max_ms = 5000;

} // namespace

struct RtspOrigin::Impl {
  // One connection.
  struct Session {
    Impl *origin;
    Owned<GstElement> pipeline;
    guint bus_watch = 0;
    std::mutex lock; // guards what follows
    std::vector<std::pair<std::string, MediaSlots::Slot *>> free; // by format
    bool refused = false;
    std::string why;
  };
  struct Input {
    Session *session;
    MediaSlots::Slot *slot;
    bool first = true;
  };

  GstBin *pipeline;
  MediaSlots slots;
  std::unique_ptr<Slate> slate; // or null
  std::string url;
  std::unique_ptr<Session> session;
  guint timer = 0;
  guint watchdog = 0;
  guint retry_ms = retry_min_ms;
  std::atomic<gint64> heard_us{0}; // 0: nothing in this session
  bool was_there = false;
  bool is_away = false;

  Impl (GstBin *bin, GstElement *sink, std::string where, bool always_on)
      : pipeline (bin), slots (bin, sink), url (std::move (where))
  {
    if (always_on)
      slate = std::make_unique<Slate> (slots, latency_ms * GST_MSECOND,
          [this] (const std::string &text) { note (text); });
  }
  ~Impl ();
  bool connect ();
  void disconnect ();
  void add_slates (const std::vector<Owned<GstCaps>> &media,
      const std::vector<MediaSlots::Slot *> &taken);
  void lose (const std::string &why, GstMessage *message);
  void note (const std::string &text);
  void look ();

  static void on_sdp (
      GstElement *, GstSDPMessage *sdp, gpointer session) noexcept;
  static void on_pad (GstElement *, GstPad *pad, gpointer session) noexcept;
  static GstFlowReturn on_sample (GstAppSink *sink, gpointer input) noexcept;
  static gboolean on_message (
      GstBus *, GstMessage *message, gpointer self) noexcept;
};

void
RtspOrigin::Impl::note (const std::string &text)
{
  gst_element_post_message (GST_ELEMENT (pipeline),
      gst_message_new_application (
          GST_OBJECT (pipeline), gst_structure_new ("note", "text",
                                     G_TYPE_STRING, text.c_str (), nullptr)));
}

void
RtspOrigin::Impl::add_slates (const std::vector<Owned<GstCaps>> &media,
    const std::vector<MediaSlots::Slot *> &taken)
{
  if (!slate)
    return;
  for (std::size_t i = 0; i < taken.size (); ++i)
    if (const std::string why = slate->add (*taken[i], media[i].get ());
        !why.empty ())
      note ("not always on: " + why);
}

// All that is to come is known before the first packet: the first time it makes
// the stream, later it has to fit.
void
RtspOrigin::Impl::on_sdp (
    GstElement *, GstSDPMessage *sdp, gpointer data) noexcept
{
  auto &session = *static_cast<Session *> (data);
  MediaSlots &slots = session.origin->slots;
  auto media = rtp_caps_of (sdp);
  std::erase_if (media, [] (const auto &caps) { return !caps; });
  std::string why;
  const bool is_first = slots.empty ();
  if (is_first)
    for (auto i = media.begin (); i != media.end ();) {
      why = slots.add (i->get ());
      if (why.empty ()) {
        ++i;
        continue;
      }
      session.origin->note ("left out: " + why);
      i = media.erase (i);
    }
  auto taken = slots.take (media);
  if (auto *all = std::get_if<std::vector<MediaSlots::Slot *>> (&taken);
      all && is_first)
    session.origin->add_slates (media, *all);
  const std::lock_guard guard (session.lock);
  if (auto *wrong = std::get_if<std::string> (&taken)) {
    session.refused = true;
    session.why = *wrong;
    return;
  }
  const auto &all = std::get<std::vector<MediaSlots::Slot *>> (taken);
  for (std::size_t i = 0; i < all.size (); ++i)
    session.free.emplace_back (format_of (media[i].get ()), all[i]);
}

void
RtspOrigin::Impl::on_pad (GstElement *, GstPad *pad, gpointer data) noexcept
{
  auto &session = *static_cast<Session *> (data);
  GstElement *appsink = gst_element_factory_make ("appsink", nullptr);
  g_object_set (appsink, "sync", FALSE, "async", FALSE, nullptr);
  const Owned<GstCaps> caps (gst_pad_query_caps (pad, nullptr));
  {
    const std::lock_guard guard (session.lock);
    const auto found = std::find_if (session.free.begin (), session.free.end (),
        [format = format_of (caps.get ())] (
            const auto &one) { return one.first == format; });
    if (found != session.free.end ()) {
      GstAppSinkCallbacks callbacks = {};
      callbacks.new_sample = on_sample;
      gst_app_sink_set_callbacks (GST_APP_SINK (appsink), &callbacks,
          new Input{&session, found->second},
          [] (gpointer input) { delete static_cast<Input *> (input); });
      session.free.erase (found);
    } else {
      g_object_set (appsink, "max-buffers", 1u, "drop", TRUE, nullptr);
    }
  }
  gst_bin_add (GST_BIN (session.pipeline.get ()), appsink);
  gst_element_sync_state_with_parent (appsink);
  const Owned<GstPad> to (gst_element_get_static_pad (appsink, "sink"));
  gst_pad_link (pad, to.get ());
}

GstFlowReturn
RtspOrigin::Impl::on_sample (GstAppSink *appsink, gpointer data) noexcept
{
  GstSample *sample = gst_app_sink_pull_sample (appsink);
  if (!sample)
    return GST_FLOW_OK;
  auto &input = *static_cast<Input *> (data);
  Impl &self = *input.session->origin;
  self.heard_us = g_get_monotonic_time ();
  GstBuffer *packet = gst_sample_get_buffer (sample);
  const GstClockTime time = self.slots.time_of (GST_BUFFER_PTS (packet),
      gst_element_get_base_time (GST_ELEMENT (appsink)));
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
RtspOrigin::Impl::on_message (
    GstBus *, GstMessage *message, gpointer data) noexcept
{
  auto &self = *static_cast<Impl *> (data);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS) {
    self.lose ("it has ended the stream", message);
  } else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    GError *error = nullptr;
    gst_message_parse_error (message, &error, nullptr);
    const Owned<GError> owned (error);
    self.lose (error->message, message);
  }
  return G_SOURCE_CONTINUE; // or removed by disconnect()
}

bool
RtspOrigin::Impl::connect ()
{
  GstElement *source = gst_element_factory_make ("rtspsrc", nullptr);
  if (!source)
    return false;
  session = std::make_unique<Session> ();
  session->origin = this;
  session->pipeline.reset (
      GST_ELEMENT (gst_object_ref_sink (gst_pipeline_new ("origin"))));
  g_object_set (source, "location", url.c_str (), "latency", latency_ms,
      "max-ts-offset-adjustment", sync_step_ns, nullptr);
  g_signal_connect (source, "on-sdp", G_CALLBACK (on_sdp), session.get ());
  g_signal_connect (source, "pad-added", G_CALLBACK (on_pad), session.get ());
  gst_bin_add (GST_BIN (session->pipeline.get ()), source);
  const Owned<GstBus> bus (
      gst_pipeline_get_bus (GST_PIPELINE (session->pipeline.get ())));
  session->bus_watch = gst_bus_add_watch (bus.get (), on_message, this);
  heard_us = 0;
  gst_element_set_state (session->pipeline.get (), GST_STATE_PLAYING);
  return true;
}

void
RtspOrigin::Impl::disconnect ()
{
  if (!session)
    return;
  if (session->bus_watch)
    g_source_remove (session->bus_watch);
  gst_element_set_state (session->pipeline.get (), GST_STATE_NULL);
  session.reset ();
}

// What was never there is an error, a typo most likely; what was comes back.
void
RtspOrigin::Impl::lose (const std::string &why, GstMessage *message)
{
  if (!was_there) {
    gst_element_post_message (
        GST_ELEMENT (pipeline), gst_message_ref (message));
    return;
  }
  if (!std::exchange (is_away, true))
    note (url + " is away (" + why + "); the audience stays, trying again");
  disconnect ();
  if (slate)
    slate->begin ();
  timer = g_timeout_add (
      retry_ms,
      [] (gpointer self) -> gboolean {
        auto &impl = *static_cast<Impl *> (self);
        impl.timer = 0;
        impl.connect ();
        return G_SOURCE_REMOVE;
      },
      this);
  retry_ms = MIN (2 * retry_ms, retry_max_ms);
}

// Some times a second.
void
RtspOrigin::Impl::look ()
{
  if (slate)
    slate->look ();
  if (!session)
    return;
  std::string refused;
  {
    const std::lock_guard guard (session->lock);
    if (session->refused)
      refused = session->why;
  }
  const gint64 heard = heard_us;
  if (!refused.empty ()) {
    lose (refused, nullptr);
  } else if (heard && !was_there) {
    was_there = true;
  } else if (heard && is_away) {
    is_away = false;
    retry_ms = retry_min_ms;
    note (url + " is back");
  } else if (heard && g_get_monotonic_time () - heard > silence_max_us) {
    lose ("it is silent", nullptr);
  }
}

RtspOrigin::Impl::~Impl ()
{
  for (const guint source : {timer, watchdog})
    if (source)
      g_source_remove (source);
  disconnect ();
}

RtspOrigin::RtspOrigin (
    GstBin *pipeline, GstElement *sink, std::string url, bool always_on)
    : impl_ (
          std::make_unique<Impl> (pipeline, sink, std::move (url), always_on))
{
}

RtspOrigin::~RtspOrigin () = default;

std::string
RtspOrigin::start ()
{
  const Owned<GstElementFactory> factory (gst_element_factory_find ("rtspsrc"));
  if (!factory)
    return "element rtspsrc is not installed (gstreamer1.0-plugins-good)";
  impl_->timer = g_idle_add (
      [] (gpointer self) -> gboolean {
        auto &impl = *static_cast<Impl *> (self);
        impl.timer = 0;
        impl.connect ();
        return G_SOURCE_REMOVE;
      },
      impl_.get ());
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
