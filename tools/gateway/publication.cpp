// SPDX-License-Identifier: LGPL-2.1-or-later
#include "publication.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

#include <gst/app/app.h>

#include "owned.hpp"
#include "relay_settings.hpp"
#include "stats_line.hpp"

namespace spreadit::relay {

namespace {

// A publisher that died without a word is not to keep the next one out.
constexpr gint64 silence_max_us = 2 * G_USEC_PER_SEC;
// What a source that cannot keep up loses; seconds.
constexpr guint64 queue_bytes_max = 16 * 1024 * 1024;
constexpr guint media_max = 8;

// "video/H264"
std::string
format_of (const GstCaps *caps)
{
  const GstStructure *s = gst_caps_get_structure (caps, 0);
  const gchar *media = gst_structure_get_string (s, "media");
  const gchar *encoding = gst_structure_get_string (s, "encoding-name");
  return std::string (media ? media : "?") + "/" + (encoding ? encoding : "?");
}

Owned<GstCaps>
caps_of (const GstSDPMedia *media)
{
  guint64 payload_type = 0;
  const gchar *format = gst_sdp_media_get_format (media, 0);
  if (!format ||
      !g_ascii_string_to_unsigned (format, 10, 0, 127, &payload_type, nullptr))
    return nullptr;
  GstCaps *caps = gst_sdp_media_get_caps_from_media (
      media, static_cast<gint> (payload_type));
  if (!caps)
    return nullptr;
  gst_structure_set_name (
      gst_caps_get_structure (caps, 0), "application/x-rtp");
  gst_sdp_media_attributes_to_caps (media, caps);
  return Owned<GstCaps> (caps);
}

// The depayloader of the highest rank, and for video a parser behind it: it
// tells the payloader of parameter sets that change with the publisher. What is
// not there is not needed, or null is answered.
GstElement *
make_best (GstElementFactoryListType type, const GstCaps *caps)
{
  GList *all = gst_element_factory_list_get_elements (type, GST_RANK_MARGINAL);
  GList *fitting =
      gst_element_factory_list_filter (all, caps, GST_PAD_SINK, FALSE);
  fitting = g_list_sort (fitting, gst_plugin_feature_rank_compare_func);
  GstElement *made = fitting ? gst_element_factory_create (
                                   GST_ELEMENT_FACTORY (fitting->data), nullptr)
                             : nullptr;
  gst_plugin_feature_list_free (fitting);
  gst_plugin_feature_list_free (all);
  return made;
}

GstElement *
make_parser (const std::string &format)
{
  if (format == "video/H264" || format == "video/H265") {
    GstElement *parser = gst_element_factory_make (
        format == "video/H264" ? "h264parse" : "h265parse", nullptr);
    if (parser) // with each key frame, for whoever has heard others before
      g_object_set (parser, "config-interval", -1, nullptr);
    return parser;
  }
  return gst_element_factory_make ("identity", nullptr);
}

} // namespace

struct Publication::Impl {
  // A medium of the stream, from the first publisher on.
  struct Slot {
    std::string format;
    Owned<GstElement> source; // an appsrc
    bool taken = false;       // by the publisher that is being admitted
  };
  // What one publisher sends of one medium.
  struct Input {
    std::shared_ptr<Publication> publication;
    unsigned publisher;
    Slot *slot;
    bool first = true;
  };

  std::string uri;
  std::map<std::string, std::string, std::less<>> settings;
  std::function<void (const std::string &)> say;

  std::mutex lock; // guards what follows
  Owned<GstElement> pipeline;
  Owned<GstElement> sink;
  Owned<GstSpreaditPeeringManager> manager;
  std::vector<std::unique_ptr<Slot>> slots;
  guint bus_watch = 0;
  unsigned publisher = 0; // of now; 0: none
  unsigned publishers = 0;
  gint64 heard_us = 0;
  bool leaving = false;
  std::atomic<bool> left{false}; // set on the control thread: no lock there

  std::string start (const std::vector<Owned<GstCaps>> &media);
  std::string add_slot (const GstCaps *caps);
  std::string take_slots (
      const std::vector<Owned<GstCaps>> &media, std::vector<Slot *> &taken);
  void stop ();
  static void on_failed (gpointer self);
  static GstFlowReturn on_sample (GstAppSink *sink, gpointer data) noexcept;
  static gboolean on_message (
      GstBus *, GstMessage *message, gpointer self) noexcept;
};

// appsrc ! depayloader ! parser ! the sink, which makes RTP of it.
std::string
Publication::Impl::add_slot (const GstCaps *caps)
{
  auto slot = std::make_unique<Slot> ();
  slot->format = format_of (caps);
  GstElement *source = gst_element_factory_make ("appsrc", nullptr);
  GstElement *depayloader =
      make_best (GST_ELEMENT_FACTORY_TYPE_DEPAYLOADER, caps);
  GstElement *parser = make_parser (slot->format);
  const bool complete = source && depayloader && parser;
  for (GstElement *element : {source, depayloader, parser})
    if (element)
      gst_bin_add (GST_BIN (pipeline.get ()), element);
  if (!complete)
    return "There is no element here that takes " + slot->format +
           " out of RTP";
  g_object_set (source, "caps", caps, "format", GST_FORMAT_TIME, "is-live",
      TRUE, "max-bytes", queue_bytes_max, nullptr);
  gst_util_set_object_arg (G_OBJECT (source), "leaky-type", "downstream");
  if (!gst_element_link_many (
          source, depayloader, parser, sink.get (), nullptr))
    return slot->format + " cannot be published";
  slot->source.reset (GST_ELEMENT (gst_object_ref (source)));
  slots.push_back (std::move (slot));
  return "";
}

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
  for (const auto &caps : media)
    if (std::string why = add_slot (caps.get ()); !why.empty ())
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
  slots.clear ();
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

// Each medium to the one of the same format that the stream has already.
std::string
Publication::Impl::take_slots (
    const std::vector<Owned<GstCaps>> &media, std::vector<Slot *> &taken)
{
  for (const auto &slot : slots)
    slot->taken = false;
  for (const auto &caps : media) {
    const auto fits = std::find_if (slots.begin (), slots.end (),
        [format = format_of (caps.get ())] (const auto &slot) {
          return !slot->taken && slot->format == format;
        });
    if (fits == slots.end ()) {
      std::string all;
      for (const auto &slot : slots)
        all += (all.empty () ? "" : " and ") + slot->format;
      return format_of (caps.get ()) + " does not fit the stream, which is " +
             all + " from its first publisher on";
    }
    (*fits)->taken = true;
    taken.push_back (fits->get ());
  }
  return "";
}

// The running time of the publisher's pipeline becomes that of ours: both go by
// the system's clock. So time goes on as it does, whoever publishes.
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
    GstBuffer *packet = gst_buffer_copy (gst_sample_get_buffer (sample));
    const GstClockTime theirs =
        gst_element_get_base_time (GST_ELEMENT (appsink));
    const GstClockTime ours = gst_element_get_base_time (self.pipeline.get ());
    if (GST_BUFFER_PTS_IS_VALID (packet) && GST_CLOCK_TIME_IS_VALID (theirs) &&
        GST_BUFFER_PTS (packet) + theirs >= ours)
      GST_BUFFER_PTS (packet) += theirs - ours;
    else
      GST_BUFFER_PTS (packet) = 0;
    GST_BUFFER_DTS (packet) = GST_CLOCK_TIME_NONE;
    auto *source = GST_APP_SRC (input.slot->source.get ());
    if (std::exchange (input.first, false)) {
      GST_BUFFER_FLAG_SET (packet, GST_BUFFER_FLAG_DISCONT);
      gst_app_src_set_caps (source, gst_sample_get_caps (sample));
    }
    gst_app_src_push_buffer (source, packet);
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
  std::vector<Owned<GstCaps>> media;
  const guint n = gst_sdp_message_medias_len (sdp);
  for (guint i = 0; i < n && i < media_max; ++i) {
    auto caps = caps_of (gst_sdp_message_get_media (sdp, i));
    if (!caps)
      return Refusal{GST_RTSP_STS_UNSUPPORTED_MEDIA_TYPE,
          "Medium " + std::to_string (i) + " of the SDP is not RTP"};
    media.push_back (std::move (caps));
  }
  if (media.empty () || n > media_max)
    return Refusal{GST_RTSP_STS_UNSUPPORTED_MEDIA_TYPE,
        "The SDP has no media, or too many"};

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
  std::vector<Impl::Slot *> slots;
  if (const std::string why = self.take_slots (media, slots); !why.empty ())
    return Refusal{GST_RTSP_STS_UNSUPPORTED_MEDIA_TYPE, why};

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
