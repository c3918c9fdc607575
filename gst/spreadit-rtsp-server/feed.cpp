// SPDX-License-Identifier: LGPL-2.1-or-later
#include "feed.hpp"

#include <algorithm>
#include <utility>

#include "offered_caps.hpp"

GST_DEBUG_CATEGORY_EXTERN (gst_spreadit_media_factory_debug);
#define GST_CAT_DEFAULT gst_spreadit_media_factory_debug

using namespace std::chrono_literals;

namespace spreadit::rtsp_server {

namespace {

// Between two attempts to join what is to stay joined.
constexpr auto retry_time = 2s;

GstRTSPStatusCode
status_of (const GError *error)
{
  if (error->domain != GST_RESOURCE_ERROR)
    return GST_RTSP_STS_SERVICE_UNAVAILABLE;
  switch (error->code) {
  case GST_RESOURCE_ERROR_NOT_FOUND:
    return GST_RTSP_STS_NOT_FOUND;
  case GST_RESOURCE_ERROR_NO_SPACE_LEFT:
    return GST_RTSP_STS_NOT_ENOUGH_BANDWIDTH;
  case GST_RESOURCE_ERROR_NOT_AUTHORIZED:
    return GST_RTSP_STS_FORBIDDEN;
  default:
    return GST_RTSP_STS_SERVICE_UNAVAILABLE;
  }
}

Owned<gchar>
source_sdp (GstElement *source)
{
  GObject *manager = nullptr;
  gchar *sdp = nullptr;
  g_object_get (source, "manager", &manager, nullptr);
  if (manager) {
    g_object_get (manager, "sdp", &sdp, nullptr);
    g_object_unref (manager);
  }
  return Owned<gchar> (sdp);
}

// A packet that an appsrc may put its own times on.
GstBuffer *
without_times (GstBuffer *packet)
{
  GstBuffer *copy = gst_buffer_copy (packet); // of the header; memory is shared
  GST_BUFFER_PTS (copy) = GST_BUFFER_DTS (copy) = GST_CLOCK_TIME_NONE;
  return copy;
}

} // namespace

Feed::Feed (Owned<GstElement> source, Reports reports)
    : source_ (std::move (source)), reports_ (std::move (reports))
{
  thread_ = std::thread ([this] { run (); });
}

Feed::~Feed ()
{
  {
    const Guard guard (lock_);
    quit_ = true;
  }
  changed_.notify_all ();
  thread_.join ();
}

void
Feed::set_idle_time (Clock::duration time)
{
  const Guard guard (lock_);
  idle_time_ = time;
  changed_.notify_all ();
}

void
Feed::join ()
{
  const Guard guard (lock_);
  joined_ = true;
  changed_.notify_all ();
}

void
Feed::leave ()
{
  const Guard guard (lock_);
  joined_ = false;
  dismissed_ = state_ == State::joining || state_ == State::ready;
  changed_.notify_all ();
}

unsigned
Feed::session ()
{
  const Guard guard (lock_);
  return state_ == State::ready ? sessions_ : 0;
}

// What players do.

Offer
Feed::offer () const
{
  Offer offer{sessions_, {}, cname_};
  for (const auto &stream : streams_)
    offer.media.push_back (
        {Owned<GstCaps> (gst_caps_ref (stream->caps.get ())), stream->clock});
  return offer;
}

Refusal
Feed::refusal () const
{
  if (failure_)
    return {status_of (failure_.get ()), failure_->message};
  return {GST_RTSP_STS_SERVICE_UNAVAILABLE,
      "No peer has given this node a place yet; it is looking on, try again"};
}

std::variant<Offer, Refusal>
Feed::open (Clock::duration wait)
{
  const auto deadline = Clock::now () + wait;
  Guard guard (lock_);
  const unsigned before = attempts_;
  ++openers_;
  changed_.notify_all ();
  changed_.wait_until (guard, deadline, [&] {
    return quit_ || (state_ == State::ready && !over_) || joined_ ||
           attempts_ > before;
  });
  --openers_;
  idle_since_ = Clock::now ();
  changed_.notify_all ();
  if (state_ == State::ready && !over_)
    return offer ();
  return refusal ();
}

unsigned
Feed::attach (unsigned session, std::vector<Owned<GstAppSrc>> media)
{
  const Guard guard (lock_);
  if (state_ != State::ready || over_ || session != sessions_ ||
      media.size () > streams_.size ())
    return 0;
  for (std::size_t i = 0; i < media.size (); ++i)
    for (const auto &packet : backlog_.of (i))
      gst_app_src_push_buffer (media[i].get (), without_times (packet.get ()));
  outlets_.push_back ({++outlets_made_, std::move (media)});
  return outlets_made_;
}

void
Feed::detach (unsigned id)
{
  const Guard guard (lock_);
  if (std::erase_if (
          outlets_, [id] (const Outlet &outlet) { return outlet.id == id; }))
    idle_since_ = Clock::now ();
  changed_.notify_all ();
}

bool
Feed::feeds (unsigned id) const
{
  const Guard guard (lock_);
  return std::ranges::any_of (
      outlets_, [id] (const Outlet &outlet) { return outlet.id == id; });
}

// What comes out of the source.

void
Feed::on_pad_added (GstElement *, GstPad *pad, gpointer self) noexcept
{
  static_cast<Feed *> (self)->add_pad (pad);
}

// Media that come to life when there is an offer already are not in it.
void
Feed::add_pad (GstPad *pad)
{
  auto *sink = gst_element_factory_make ("appsink", nullptr);
  if (!sink) {
    GST_ELEMENT_ERROR (pipeline_.get (), CORE, MISSING_PLUGIN,
        ("The element appsink is needed"), ("install the plugin set \"base\""));
    return;
  }
  g_object_set (sink, "sync", FALSE, "async", FALSE, nullptr);
  const Owned<GstCaps> caps (gst_pad_get_current_caps (pad));
  const Owned<gchar> sdp (source_sdp (source_.get ()));
  {
    const Guard guard (lock_);
    if (state_ == State::joining && caps) {
      auto stream = std::make_unique<Stream> ();
      stream->feed = this;
      stream->index = streams_.size ();
      auto offered = offered_caps (caps.get (), sdp.get ());
      stream->caps = std::move (offered.caps);
      if (!offered.cname.empty ())
        cname_ = offered.cname;
      stream->clock = std::make_shared<SourceClock> ();
      backlog_.add_medium (caps.get ());
      GstAppSinkCallbacks callbacks = {};
      callbacks.new_sample = on_sample;
      gst_app_sink_set_callbacks (
          GST_APP_SINK (sink), &callbacks, stream.get (), nullptr);
      streams_.push_back (std::move (stream));
    } else {
      g_object_set (sink, "max-buffers", 1u, "drop", TRUE, nullptr);
    }
  }
  gst_bin_add (GST_BIN (pipeline_.get ()), sink);
  gst_element_sync_state_with_parent (sink);
  const Owned<GstPad> to (gst_element_get_static_pad (sink, "sink"));
  gst_pad_link (pad, to.get ());
}

void
Feed::on_no_more_pads (GstElement *, gpointer data) noexcept
{
  auto &self = *static_cast<Feed *> (data);
  {
    const Guard guard (self.lock_);
    if (self.state_ != State::joining || self.streams_.empty ())
      return;
    self.state_ = State::ready;
    self.failure_.reset ();
    self.idle_since_ = Clock::now ();
    self.changed_.notify_all ();
  }
  self.reports_.joined ();
}

GstFlowReturn
Feed::on_sample (GstAppSink *sink, gpointer data) noexcept
{
  const Owned<GstSample> sample (gst_app_sink_pull_sample (sink));
  auto &stream = *static_cast<Stream *> (data);
  if (sample)
    stream.feed->hand_on (stream, gst_sample_get_buffer (sample.get ()));
  return GST_FLOW_OK;
}

// Under the lock, or else what attach() hands on of the past could come after:
// to push into an appsrc that drops is to put it into a queue.
void
Feed::hand_on (Stream &stream, GstBuffer *packet)
{
  stream.clock->learn (packet);
  const Guard guard (lock_);
  backlog_.add (stream.index, packet);
  for (const Outlet &outlet : outlets_)
    if (stream.index < outlet.media.size ())
      gst_app_src_push_buffer (
          outlet.media[stream.index].get (), without_times (packet));
}

GstBusSyncReply
Feed::on_message (GstBus *, GstMessage *message, gpointer data) noexcept
{
  auto &self = *static_cast<Feed *> (data);
  const bool is_error = GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR;
  if (is_error || GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS) {
    GError *error = nullptr;
    if (is_error)
      gst_message_parse_error (message, &error, nullptr);
    Owned<GError> failure (error);
    const Guard guard (self.lock_);
    if (!self.over_)
      self.failure_ = std::move (failure);
    self.over_ = true;
    self.changed_.notify_all ();
  }
  gst_message_unref (message);
  return GST_BUS_DROP;
}

// The thread of its own.

bool
Feed::wanted () const
{
  return joined_ || openers_ > 0;
}

Feed::Clock::time_point
Feed::idle_at () const
{
  // A search ends by itself, and with a reason for whoever comes again.
  if (joined_ || openers_ > 0 || !outlets_.empty () || state_ == State::joining)
    return Clock::time_point::max ();
  return idle_since_ + idle_time_;
}

void
Feed::run ()
{
  Guard guard (lock_);
  while (!quit_) {
    if (!wanted ()) {
      changed_.wait (guard);
      continue;
    }
    start (guard);
    hold (guard);
    stop (guard);
    if (joined_)
      changed_.wait_for (
          guard, retry_time, [this] { return quit_ || !joined_; });
  }
}

void
Feed::start (Guard &guard)
{
  state_ = State::joining;
  over_ = false;
  ++sessions_;
  idle_since_ = Clock::now ();
  guard.unlock ();
  pipeline_.reset (
      GST_ELEMENT (gst_object_ref_sink (gst_pipeline_new (nullptr))));
  gst_bin_add (GST_BIN (pipeline_.get ()), source_.get ());
  const Owned<GstBus> bus (
      gst_pipeline_get_bus (GST_PIPELINE (pipeline_.get ())));
  gst_bus_set_sync_handler (bus.get (), on_message, this, nullptr);
  g_signal_connect (
      source_.get (), "pad-added", G_CALLBACK (on_pad_added), this);
  g_signal_connect (
      source_.get (), "no-more-pads", G_CALLBACK (on_no_more_pads), this);
  const auto result =
      gst_element_set_state (pipeline_.get (), GST_STATE_PLAYING);
  guard.lock ();
  over_ |= result == GST_STATE_CHANGE_FAILURE;
}

void
Feed::hold (Guard &guard)
{
  while (!quit_ && !over_ && !dismissed_) {
    const auto idle = idle_at ();
    if (Clock::now () >= idle)
      return;
    if (idle == Clock::time_point::max ())
      changed_.wait (guard);
    else
      changed_.wait_until (guard, idle);
  }
}

// Players hear of the end, and go.
void
Feed::end_outlets ()
{
  for (const Outlet &outlet : outlets_)
    for (const auto &medium : outlet.media)
      gst_app_src_end_of_stream (medium.get ());
}

void
Feed::stop (Guard &guard)
{
  state_ = State::leaving;
  end_outlets ();
  outlets_.clear ();
  if (over_ && !failure_)
    failure_.reset (g_error_new_literal (GST_RESOURCE_ERROR,
        GST_RESOURCE_ERROR_NOT_FOUND, "The stream has ended"));
  ++attempts_; // who waits need not wait for the leave
  changed_.notify_all ();
  guard.unlock ();
  g_signal_handlers_disconnect_by_data (source_.get (), this);
  gst_element_set_state (pipeline_.get (), GST_STATE_NULL);
  // To be taken out it has to be NULL, and it is; the next session adds it to
  // another pipeline, for appsinks that have ended stay so.
  gst_bin_remove (GST_BIN (pipeline_.get ()), source_.get ());
  pipeline_.reset ();
  guard.lock ();
  streams_.clear ();
  backlog_ = {};
  state_ = State::idle;
  dismissed_ = false;
  const Owned<GError> why (failure_ ? g_error_copy (failure_.get ()) : nullptr);
  guard.unlock ();
  reports_.left (why.get ());
  guard.lock ();
}

} // namespace spreadit::rtsp_server
