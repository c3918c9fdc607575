// SPDX-License-Identifier: LGPL-2.1-or-later
#include "slate.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

#include <gst/app/app.h>

#include "media/random_access.hpp"
#include "owned.hpp"
#include "slate_codecs.hpp"

namespace spreadit::relay {

namespace {

// Longer than a picture of a slow camera takes, and than a hitch of its
// network.
constexpr gint64 silence_max_us = 3 * G_USEC_PER_SEC / 2;
// Between the last picture of one and the first of the other.
constexpr GstClockTime step = 10 * GST_MSECOND;

// What the key frame that the camera is back with may be put off by. Of one
// that was frozen the pictures from before come first, in a rush.
constexpr GstClockTime shift_max = GST_SECOND;
constexpr gint64 rush_max_us = 10 * G_USEC_PER_SEC;
// Of sound there is more at once. But if it stays too late: in a transport
// stream it comes some frames at a time.
constexpr gint64 sound_wait_us = G_USEC_PER_SEC;

struct Packet {
  guint32 timestamp = 0;
  bool begins = false; // something that can be decoded from here on
};

Packet
read (GstBuffer *buffer, media::BeginsRandomAccess begins)
{
  constexpr std::size_t header = 12;
  Packet packet;
  GstMapInfo map;
  if (!gst_buffer_map (buffer, &map, GST_MAP_READ))
    return packet;
  if (map.size >= header) {
    packet.timestamp = GST_READ_UINT32_BE (map.data + 4);
    packet.begins =
        !begins || begins (media::rtp_payload ({map.data, map.size}));
  }
  gst_buffer_unmap (buffer, &map);
  return packet;
}

} // namespace

struct Slate::Impl {
  struct Channel {
    Impl *slate;
    MediaSlots::Slot *slot;
    Owned<GstCaps> rtp_caps;
    Owned<GstCaps> slate_caps; // null: what the payloader says
    media::BeginsRandomAccess random_access = nullptr;
    gint64 heard_us = 0; // of the camera; 0: never
    bool is_on = false;  // the slate's packets go out, not the camera's
    bool joins = false;  // the next packet is the first of who sends now
    GstClockTime last = 0;
    guint32 newest = 0; // RTP timestamp of the camera
    gint64 rush_us =
        0; // since when its key frames are too old; 0: they are not
  };

  MediaSlots &slots;
  const GstClockTime latency;
  std::function<void (const std::string &)> note;
  Owned<GstElement> pipeline; // while it runs
  guint bus_watch = 0;

  std::mutex lock; // guards what follows; a channel's address stays
  std::vector<std::unique_ptr<Channel>> channels;
  // The camera's time is behind the slate's by so much: sound and picture are
  // put off alike.
  GstClockTime shift = 0;
  bool gave_up = false;

  Impl (MediaSlots &where, GstClockTime late,
      std::function<void (const std::string &)> say)
      : slots (where), latency (late), note (std::move (say))
  {
  }
  ~Impl () { stop (); }
  void turn_on (Channel &channel);
  std::vector<Channel *> channels_now ();
  void start_or_stop ();
  void start ();
  void stop ();
  void give_up (const std::string &why);
  std::string add_to_pipeline (Channel &channel);
  void push (Channel &channel, GstSample *packet, GstClockTime time,
      const GstCaps *caps);
  GstClockTime time_of (GstElement *of, GstClockTime running_time) const;
  bool take_over (Channel &channel, const Packet &packet, GstClockTime &time);

  static GstPadProbeReturn on_raw (
      GstPad *pad, GstPadProbeInfo *info, gpointer channel) noexcept;
  static GstFlowReturn on_sample (GstAppSink *sink, gpointer channel) noexcept;
  static gboolean on_message (
      GstBus *, GstMessage *message, gpointer self) noexcept;
};

// With the lock.
void
Slate::Impl::turn_on (Channel &channel)
{
  if (gave_up || channel.is_on)
    return;
  channel.is_on = true;
  channel.joins = true;
  channel.rush_us = 0;
}

// With the lock.
void
Slate::Impl::push (
    Channel &channel, GstSample *sample, GstClockTime time, const GstCaps *caps)
{
  channel.last = std::max (channel.last, time);
  slots.push (*channel.slot, gst_sample_get_buffer (sample), time,
      std::exchange (channel.joins, false) ? caps : nullptr);
}

// As late as the camera's, which then goes on where this ends.
GstClockTime
Slate::Impl::time_of (GstElement *of, GstClockTime running_time) const
{
  const GstClockTime time =
      slots.time_of (running_time, gst_element_get_base_time (of));
  return time > latency ? time - latency : 0;
}

// Nothing from before the camera's last. Left out in front of the encoder:
// behind it that would be its key frame.
GstPadProbeReturn
Slate::Impl::on_raw (GstPad *pad, GstPadProbeInfo *info, gpointer data) noexcept
{
  auto &channel = *static_cast<Channel *> (data);
  Impl &self = *channel.slate;
  const Owned<GstElement> source (gst_pad_get_parent_element (pad));
  // A live test source's own time is its running time.
  const GstClockTime time = self.time_of (
      source.get (), GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info)));
  const std::lock_guard guard (self.lock);
  return time < channel.last + step ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_REMOVE;
}

GstFlowReturn
Slate::Impl::on_sample (GstAppSink *appsink, gpointer data) noexcept
{
  GstSample *sample = gst_app_sink_pull_sample (appsink);
  if (!sample)
    return GST_FLOW_OK;
  auto &channel = *static_cast<Channel *> (data);
  Impl &self = *channel.slate;
  // Not the time of the buffer: x264enc counts from 1000 hours on.
  const GstClockTime time = self.time_of (GST_ELEMENT (appsink),
      gst_segment_to_running_time (gst_sample_get_segment (sample),
          GST_FORMAT_TIME, GST_BUFFER_PTS (gst_sample_get_buffer (sample))));
  {
    const std::lock_guard guard (self.lock);
    const GstCaps *caps = channel.slate_caps ? channel.slate_caps.get ()
                                             : gst_sample_get_caps (sample);
    if (channel.is_on && time >= channel.last)
      self.push (channel, sample, time, caps);
  }
  gst_sample_unref (sample);
  return GST_FLOW_OK;
}

// With the lock. Whether the camera goes on with this packet, and when.
bool
Slate::Impl::take_over (
    Channel &channel, const Packet &packet, GstClockTime &time)
{
  if (!packet.begins)
    return false;
  const GstClockTime earliest = channel.last + step;
  if (time < earliest) {
    const gint64 now = g_get_monotonic_time ();
    if (!channel.rush_us)
      channel.rush_us = now;
    const gint64 rushed_us = now - channel.rush_us;
    if (!channel.random_access && rushed_us < sound_wait_us)
      return false;
    if (time + shift_max < earliest && rushed_us < rush_max_us)
      return false;
    shift += earliest - time;
    time = earliest;
  }
  channel.is_on = false;
  channel.joins = true;
  return true;
}

gboolean
Slate::Impl::on_message (GstBus *, GstMessage *message, gpointer data) noexcept
{
  if (GST_MESSAGE_TYPE (message) != GST_MESSAGE_ERROR)
    return G_SOURCE_CONTINUE;
  GError *error = nullptr;
  gst_message_parse_error (message, &error, nullptr);
  const Owned<GError> owned (error);
  static_cast<Impl *> (data)->give_up (error->message);
  return G_SOURCE_CONTINUE; // removed by stop()
}

std::vector<Slate::Impl::Channel *>
Slate::Impl::channels_now ()
{
  const std::lock_guard guard (lock);
  std::vector<Channel *> all;
  for (const auto &channel : channels)
    all.push_back (channel.get ());
  return all;
}

// Empty, or why not.
std::string
Slate::Impl::add_to_pipeline (Channel &channel)
{
  const Owned<GstCaps> coded (MediaSlots::coded_caps (*channel.slot));
  SlateMaker maker = make_slate_maker (channel.rtp_caps.get (), coded.get ());
  if (!maker.problem.empty ())
    return maker.problem;
  GError *error = nullptr;
  GstElement *bin =
      gst_parse_bin_from_description_full (maker.description.c_str (), FALSE,
          nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &error);
  if (!bin) {
    const Owned<GError> owned (error);
    return error->message;
  }
  GstElement *appsink = gst_element_factory_make ("appsink", nullptr);
  g_object_set (appsink, "sync", FALSE, "async", FALSE, nullptr);
  GstAppSinkCallbacks callbacks = {};
  callbacks.new_sample = on_sample;
  gst_app_sink_set_callbacks (
      GST_APP_SINK (appsink), &callbacks, &channel, nullptr);
  channel.slate_caps = std::move (maker.caps);
  gst_bin_add_many (GST_BIN (pipeline.get ()), bin, appsink, nullptr);
  // Not all that is unlinked: textoverlay would wait for text.
  const Owned<GstPad> rtp (
      gst_bin_find_unlinked_pad (GST_BIN (bin), GST_PAD_SRC));
  gst_element_add_pad (bin, gst_ghost_pad_new ("src", rtp.get ()));
  gst_element_link (bin, appsink);
  const Owned<GstElement> raw (gst_bin_get_by_name (GST_BIN (bin), "raw"));
  const Owned<GstPad> pad (gst_element_get_static_pad (raw.get (), "src"));
  gst_pad_add_probe (
      pad.get (), GST_PAD_PROBE_TYPE_BUFFER, on_raw, &channel, nullptr);
  return "";
}

void
Slate::Impl::start ()
{
  pipeline.reset (
      GST_ELEMENT (gst_object_ref_sink (gst_pipeline_new ("slate"))));
  const Owned<GstBus> bus (
      gst_pipeline_get_bus (GST_PIPELINE (pipeline.get ())));
  bus_watch = gst_bus_add_watch (bus.get (), on_message, this);
  for (Channel *channel : channels_now ())
    if (const std::string why = add_to_pipeline (*channel); !why.empty ()) {
      give_up (why);
      return;
    }
  note ("the slate is shown");
  gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
}

void
Slate::Impl::stop ()
{
  if (bus_watch)
    g_source_remove (std::exchange (bus_watch, 0));
  if (pipeline)
    gst_element_set_state (pipeline.get (), GST_STATE_NULL);
  pipeline.reset ();
}

void
Slate::Impl::start_or_stop ()
{
  bool any = false;
  for (const Channel *channel : channels_now ()) {
    const std::lock_guard guard (lock);
    any = any || channel->is_on;
  }
  if (any && !pipeline) {
    start ();
  } else if (!any && pipeline) {
    stop ();
    note ("the slate is over");
  }
}

// It is as without one.
void
Slate::Impl::give_up (const std::string &why)
{
  stop ();
  note ("no slate any more: " + why);
  const std::lock_guard guard (lock);
  gave_up = true;
  for (const auto &channel : channels)
    channel->is_on = false;
}

Slate::Slate (MediaSlots &slots, GstClockTime latency,
    std::function<void (const std::string &)> note)
    : impl_ (std::make_unique<Impl> (slots, latency, std::move (note)))
{
}

Slate::~Slate () = default;

std::string
Slate::add (MediaSlots::Slot &slot, const GstCaps *rtp_caps)
{
  if (std::string why = make_slate_maker (rtp_caps, nullptr).problem;
      !why.empty ())
    return why;
  auto channel = std::make_unique<Impl::Channel> ();
  channel->slate = impl_.get ();
  channel->slot = &slot;
  channel->rtp_caps.reset (gst_caps_copy (rtp_caps));
  const char *encoding = gst_structure_get_string (
      gst_caps_get_structure (rtp_caps, 0), "encoding-name");
  channel->random_access = media::random_access_of (encoding ? encoding : "");
  const std::lock_guard guard (impl_->lock);
  impl_->channels.push_back (std::move (channel));
  return "";
}

void
Slate::pass (
    MediaSlots::Slot &slot, GstSample *sample, GstClockTime time, bool first)
{
  Impl &self = *impl_;
  GstBuffer *packet = gst_sample_get_buffer (sample);
  const GstCaps *caps = gst_sample_get_caps (sample);
  const std::lock_guard guard (self.lock);
  const auto found = std::find_if (self.channels.begin (), self.channels.end (),
      [&slot] (const auto &channel) { return channel->slot == &slot; });
  if (found == self.channels.end ()) {
    self.slots.push (slot, packet, time + self.shift, first ? caps : nullptr);
    return;
  }
  Impl::Channel &channel = **found;
  channel.heard_us = g_get_monotonic_time ();
  channel.joins = channel.joins || first;
  const Packet read = relay::read (packet, channel.random_access);
  const auto ahead =
      first ? 1 : static_cast<gint32> (read.timestamp - channel.newest);
  if (ahead > 0)
    channel.newest = read.timestamp;
  time += self.shift;
  if (channel.is_on) {
    if (!self.take_over (channel, read, time))
      return;
  } else if (ahead >= 0 && time < channel.last) {
    // No picture out of order, but the receiver's idea of the camera's clock.
    if (!channel.random_access)
      return;
    time = channel.last + (ahead > 0 ? GST_MSECOND : 0);
  }
  self.push (channel, sample, time, caps);
}

void
Slate::begin ()
{
  {
    const std::lock_guard guard (impl_->lock);
    impl_->shift = 0;
    for (const auto &channel : impl_->channels)
      impl_->turn_on (*channel);
  }
  impl_->start_or_stop ();
}

void
Slate::look ()
{
  {
    const std::lock_guard guard (impl_->lock);
    const gint64 now = g_get_monotonic_time ();
    for (const auto &channel : impl_->channels)
      if (channel->heard_us && now - channel->heard_us > silence_max_us)
        impl_->turn_on (*channel);
  }
  impl_->start_or_stop ();
}

} // namespace spreadit::relay
