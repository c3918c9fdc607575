// SPDX-License-Identifier: LGPL-2.1-or-later
#include "publication.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

#include <gst/app/app.h>

#include "media_slots.hpp"
#include "owned.hpp"
#include "relay_settings.hpp"
#include "stats_line.hpp"

namespace spreadit::relay {

namespace {

// A publisher that died without a word is not to keep the next one out.
constexpr gint64 silence_max_us = 2 * G_USEC_PER_SEC;
constexpr std::size_t media_max = 8;

} // namespace

struct Publication::Impl {
  // What one publisher sends of one medium.
  struct Input {
    std::shared_ptr<Publication> publication;
    unsigned publisher;
    MediaSlots::Slot *slot;
    bool first = true;
  };

  std::string uri;
  std::map<std::string, std::string, std::less<>> settings;
  std::function<void (const std::string &)> say;

  std::mutex lock; // guards what follows
  Owned<GstElement> pipeline;
  Owned<GstElement> sink;
  Owned<GstSpreaditPeeringManager> manager;
  std::unique_ptr<MediaSlots> slots;
  guint bus_watch = 0;
  unsigned publisher = 0; // of now; 0: none
  unsigned publishers = 0;
  gint64 heard_us = 0;
  bool leaving = false;
  std::atomic<bool> left{false}; // set on the control thread: no lock there

  std::string start (const std::vector<Owned<GstCaps>> &media);
  void stop ();
  static void on_failed (gpointer self);
  static GstFlowReturn on_sample (GstAppSink *sink, gpointer data) noexcept;
  static gboolean on_message (
      GstBus *, GstMessage *message, gpointer self) noexcept;
};

std::string
Publication::Impl::start (const std::vector<Owned<GstCaps>> &media)
{
  pipeline.reset (
      GST_ELEMENT (gst_object_ref_sink (gst_pipeline_new ("publication"))));
  GstElement *made = gst_element_factory_make ("spreaditsink", nullptr);
  if (!made)
    return "The element spreaditsink is not installed";
  sink.reset (GST_ELEMENT (gst_object_ref (made)));
  gst_bin_add (GST_BIN (pipeline.get ()), made);
  g_object_set (made, "uri", uri.c_str (), nullptr);
  for (const auto &[name, value] : settings)
    gst_util_set_object_arg (
        G_OBJECT (made), find_setting (name)->property, value.c_str ());
  GstSpreaditPeeringManager *found = nullptr;
  g_object_get (made, "manager", &found, nullptr);
  manager.reset (found);
  slots = std::make_unique<MediaSlots> (GST_BIN (pipeline.get ()), made);
  for (const auto &caps : media)
    if (std::string why = slots->add (caps.get ()); !why.empty ())
      return why;
  const Owned<GstBus> bus (
      gst_pipeline_get_bus (GST_PIPELINE (pipeline.get ())));
  bus_watch = gst_bus_add_watch (bus.get (), on_message, this);
  if (gst_element_set_state (pipeline.get (), GST_STATE_PLAYING) !=
      GST_STATE_CHANGE_FAILURE)
    return "";
  const Owned<GstMessage> message (
      gst_bus_pop_filtered (bus.get (), GST_MESSAGE_ERROR));
  if (!message)
    return "The source does not start";
  GError *error = nullptr;
  gst_message_parse_error (message.get (), &error, nullptr);
  const Owned<GError> owned (error);
  return error->message;
}

void
Publication::Impl::stop ()
{
  if (manager)
    gst_spreadit_peering_manager_close (manager.get ());
  if (bus_watch)
    g_source_remove (std::exchange (bus_watch, 0));
  if (pipeline)
    gst_element_set_state (pipeline.get (), GST_STATE_NULL);
  slots.reset ();
  sink.reset ();
  manager.reset ();
  pipeline.reset ();
  publisher = 0;
}

// In the default main context.
gboolean
Publication::Impl::on_message (
    GstBus *, GstMessage *message, gpointer data) noexcept
{
  auto &self = *static_cast<Impl *> (data);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_LATENCY) {
    gst_bin_recalculate_latency (GST_BIN (self.pipeline.get ()));
    return G_SOURCE_CONTINUE;
  }
  if (GST_MESSAGE_TYPE (message) != GST_MESSAGE_ERROR)
    return G_SOURCE_CONTINUE;
  GError *error = nullptr;
  gst_message_parse_error (message, &error, nullptr);
  const Owned<GError> owned (error);
  self.say (std::string (error->message) + "; the next publisher begins anew");
  const std::lock_guard guard (self.lock);
  self.bus_watch = 0; // removed by the answer
  self.stop ();
  return G_SOURCE_REMOVE;
}

GstFlowReturn
Publication::Impl::on_sample (GstAppSink *appsink, gpointer data) noexcept
{
  GstSample *sample = gst_app_sink_pull_sample (appsink);
  if (!sample)
    return GST_FLOW_OK;
  auto &input = *static_cast<Input *> (data);
  Impl &self = *input.publication->impl_;
  const std::lock_guard guard (self.lock);
  if (self.publisher == input.publisher && self.pipeline) {
    self.heard_us = g_get_monotonic_time ();
    GstBuffer *packet = gst_sample_get_buffer (sample);
    self.slots->push (*input.slot, packet,
        self.slots->time_of (GST_BUFFER_PTS (packet),
            gst_element_get_base_time (GST_ELEMENT (appsink))),
        std::exchange (input.first, false) ? gst_sample_get_caps (sample)
                                           : nullptr);
  }
  gst_sample_unref (sample);
  return GST_FLOW_OK;
}

Publication::Publication (std::string uri,
    std::map<std::string, std::string, std::less<>> settings,
    std::function<void (const std::string &)> say)
    : impl_ (std::make_unique<Impl> ())
{
  impl_->uri = std::move (uri);
  impl_->settings = std::move (settings);
  impl_->say = std::move (say);
}

Publication::~Publication ()
{
  impl_->stop ();
}

const std::string &
Publication::uri () const
{
  return impl_->uri;
}

std::variant<Publication::Admission, Publication::Refusal>
Publication::begin (const GstSDPMessage *sdp)
{
  const auto media = rtp_caps_of (sdp);
  if (media.empty () || media.size () > media_max ||
      std::any_of (media.begin (), media.end (),
          [] (const auto &caps) { return !caps; }))
    return Refusal{GST_RTSP_STS_UNSUPPORTED_MEDIA_TYPE,
        "The SDP has no media, too many, or some that are not RTP"};

  Impl &self = *impl_;
  const std::lock_guard guard (self.lock);
  if (self.leaving)
    return Refusal{GST_RTSP_STS_SERVICE_UNAVAILABLE, "The gateway is leaving"};
  const gint64 now = g_get_monotonic_time ();
  if (self.publisher && now - self.heard_us < silence_max_us)
    return Refusal{GST_RTSP_STS_FORBIDDEN, "Somebody else is publishing this"};
  if (!self.pipeline)
    if (const std::string why = self.start (media); !why.empty ()) {
      self.stop ();
      return Refusal{GST_RTSP_STS_UNSUPPORTED_MEDIA_TYPE, why};
    }
  auto taken = self.slots->take (media);
  if (auto *why = std::get_if<std::string> (&taken))
    return Refusal{GST_RTSP_STS_UNSUPPORTED_MEDIA_TYPE, *why};
  const auto &slots = std::get<std::vector<MediaSlots::Slot *>> (taken);

  self.publisher = ++self.publishers;
  self.heard_us = now;
  GstElement *bin = gst_bin_new (nullptr);
  for (std::size_t i = 0; i < slots.size (); ++i) {
    const std::string name = "depay" + std::to_string (i); // what it looks for
    GstElement *appsink = gst_element_factory_make ("appsink", name.c_str ());
    g_object_set (appsink, "sync", FALSE, "async", FALSE, nullptr);
    GstAppSinkCallbacks callbacks = {};
    callbacks.new_sample = Impl::on_sample;
    gst_app_sink_set_callbacks (GST_APP_SINK (appsink), &callbacks,
        new Impl::Input{shared_from_this (), self.publisher, slots[i]},
        [] (gpointer input) { delete static_cast<Impl::Input *> (input); });
    gst_bin_add (GST_BIN (bin), appsink);
  }
  self.say (self.publisher == 1 ? "published" : "published again");
  return Admission{bin, self.publisher};
}

void
Publication::end (unsigned publisher)
{
  const std::lock_guard guard (impl_->lock);
  if (impl_->publisher != publisher)
    return;
  impl_->publisher = 0;
  impl_->say ("the publisher has gone, the audience stays for the next");
}

void
Publication::apply (const std::string &name, const std::string &value)
{
  const std::lock_guard guard (impl_->lock);
  if (value.empty ())
    impl_->settings.erase (name);
  else
    impl_->settings[name] = value;
  if (impl_->sink)
    set_or_reset (impl_->sink.get (), find_setting (name)->property, value);
}

unsigned
Publication::port ()
{
  const std::lock_guard guard (impl_->lock);
  guint port = 0;
  if (impl_->manager)
    g_object_get (impl_->manager.get (), "port", &port, nullptr);
  return port;
}

std::string
Publication::stats ()
{
  Owned<GstElement> sink;
  {
    const std::lock_guard guard (impl_->lock);
    if (!impl_->sink)
      return "";
    sink.reset (GST_ELEMENT (gst_object_ref (impl_->sink.get ())));
  }
  GstStructure *stats = nullptr;
  g_object_get (sink.get (), "stats", &stats, nullptr);
  const Owned<GstStructure> owned (stats);
  return stats ? stats_line (stats) : "";
}

void
Publication::leave ()
{
  Owned<GstSpreaditPeeringManager> manager;
  {
    const std::lock_guard guard (impl_->lock);
    impl_->leaving = true;
    impl_->publisher = 0;
    if (impl_->manager)
      manager.reset (static_cast<GstSpreaditPeeringManager *> (
          gst_object_ref (impl_->manager.get ())));
  }
  if (!manager) {
    impl_->left = true;
    return;
  }
  // Closed before this goes.
  g_signal_connect (manager.get (), "left",
      G_CALLBACK (
          +[] (GstSpreaditPeeringManager *, Impl *self) { self->left = true; }),
      impl_.get ());
  gst_spreadit_peering_manager_leave (manager.get ());
}

bool
Publication::has_left ()
{
  return impl_->left;
}

} // namespace spreadit::relay
