// SPDX-License-Identifier: LGPL-2.1-or-later
#include "loopback.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace loopback {

namespace {

constexpr int skipped = 77; // as meson has it

bool
is_installed (const char *factory)
{
  GstElementFactory *found = gst_element_factory_find (factory);
  if (found)
    gst_object_unref (found);
  return found != nullptr;
}

std::string
first_installed (const char *what,
    const std::vector<std::pair<const char *, const char *>> &choices)
{
  for (const auto &[factory, description] : choices)
    if (is_installed (factory))
      return description;
  std::printf ("skipped: no %s is installed\n", what);
  std::exit (skipped);
}

template <class Predicate>
void
wait_until (std::unique_lock<std::mutex> &guard, std::condition_variable &cond,
    const std::string &what, Predicate predicate)
{
  const bool ok =
      cond.wait_for (guard, std::chrono::nanoseconds (patience), predicate);
  guard.unlock ();
  fail_unless (ok, "waited in vain for %s", what.c_str ());
}

} // namespace

std::string
h264_encoder ()
{
  return first_installed ("H.264 encoder",
      {{"x264enc",
           "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 "
           "bitrate=300"},
          {"openh264enc", "openh264enc gop-size=15 bitrate=300000"},
          {"avenc_h264_omx", "avenc_h264_omx"}});
}

std::string
audio_encoder ()
{
  return first_installed ("audio encoder",
      {{"avenc_aac", "avenc_aac ! aacparse"},
          {"voaacenc", "voaacenc ! aacparse"}, {"opusenc", "opusenc"}});
}

Pipeline::Pipeline (const std::string &description)
{
  GError *error = nullptr;
  pipeline_ = gst_parse_launch (description.c_str (), &error);
  fail_if (error, "%s: %s", description.c_str (), error ? error->message : "");
  if (!GST_IS_PIPELINE (pipeline_)) { // a single element has no bus
    GstElement *alone = pipeline_;
    pipeline_ = gst_pipeline_new (nullptr);
    gst_bin_add (GST_BIN (pipeline_), alone);
  }
}

Pipeline::~Pipeline ()
{
  fail_unless_equals_int (gst_element_set_state (pipeline_, GST_STATE_NULL),
      GST_STATE_CHANGE_SUCCESS);
  for (gpointer held : held_)
    gst_object_unref (held);
  // A bin goes on with a state change on a thread of GStreamer's, which may let
  // go of it only now; a leak stays.
  const gint64 until =
      g_get_monotonic_time () + gint64 (patience / GST_USECOND);
  while (GST_OBJECT_REFCOUNT_VALUE (pipeline_) > 1 &&
         g_get_monotonic_time () < until)
    std::this_thread::yield ();
  ASSERT_OBJECT_REFCOUNT (pipeline_, "pipeline", 1);
  gst_object_unref (pipeline_);
}

GstElement *
Pipeline::operator[] (const char *name)
{
  GstElement *found = g_strcmp0 (GST_OBJECT_NAME (pipeline_), name)
                          ? gst_bin_get_by_name (GST_BIN (pipeline_), name)
                          : GST_ELEMENT (gst_object_ref (pipeline_));
  fail_unless (found, "there is no element %s", name);
  held_.push_back (found);
  return found;
}

GstSpreaditPeeringManager *
Pipeline::manager (const char *name)
{
  GstSpreaditPeeringManager *manager = nullptr;
  g_object_get ((*this)[name], "manager", &manager, nullptr);
  fail_unless (manager);
  held_.push_back (manager);
  return manager;
}

GstStateChangeReturn
Pipeline::set_state (GstState state)
{
  return gst_element_set_state (pipeline_, state);
}

void
Pipeline::play ()
{
  if (set_state (GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE) {
    GError *error = wait_error ();
    fail ("cannot play: %s", error->message);
  }
}

GstMessage *
Pipeline::wait (const char *what, const Match &match)
{
  GstBus *bus = gst_element_get_bus (pipeline_);
  const gint64 deadline = g_get_monotonic_time () + patience / 1000;
  GstMessage *found = nullptr;
  std::string error;
  while (!found && error.empty ()) {
    const gint64 left = deadline - g_get_monotonic_time ();
    GstMessage *message =
        left > 0 ? gst_bus_timed_pop (bus, left * 1000) : nullptr;
    if (!message)
      break;
    if (match (message)) {
      found = message;
      continue;
    }
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
      GError *reason = nullptr;
      gchar *debug = nullptr;
      gst_message_parse_error (message, &reason, &debug);
      error = std::string (reason->message) + " (" + (debug ? debug : "") + ")";
      g_error_free (reason);
      g_free (debug);
    }
    gst_message_unref (message);
  }
  gst_object_unref (bus);
  fail_unless (error.empty (), "waiting for %s: %s", what, error.c_str ());
  fail_unless (found, "waited in vain for %s", what);
  return found;
}

void
Pipeline::wait_eos ()
{
  gst_message_unref (wait ("EOS", [] (GstMessage *message) {
    return GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS;
  }));
}

GError *
Pipeline::wait_error ()
{
  GstMessage *message = wait ("an error",
      [] (GstMessage *m) { return GST_MESSAGE_TYPE (m) == GST_MESSAGE_ERROR; });
  GError *error = nullptr;
  gst_message_parse_error (message, &error, nullptr);
  gst_message_unref (message);
  return error;
}

void
Pipeline::wait_warning (const char *part)
{
  gst_message_unref (wait ("a warning", [part] (GstMessage *message) {
    if (GST_MESSAGE_TYPE (message) != GST_MESSAGE_WARNING)
      return false;
    GError *error = nullptr;
    gst_message_parse_warning (message, &error, nullptr);
    const bool found = std::strstr (error->message, part);
    g_error_free (error);
    return found;
  }));
}

GstStructure *
Pipeline::wait_element_message (const char *name)
{
  GstMessage *message = wait (
      name, [name] (GstMessage *m) { return gst_message_has_name (m, name); });
  GstStructure *structure =
      gst_structure_copy (gst_message_get_structure (message));
  gst_message_unref (message);
  return structure;
}

bool
Pipeline::none (const Match &match)
{
  GstBus *bus = gst_element_get_bus (pipeline_);
  bool found = false;
  while (GstMessage *message = gst_bus_pop (bus)) {
    found |= match (message);
    gst_message_unref (message);
  }
  gst_object_unref (bus);
  return !found;
}

Tap::Tap (GstElement *element, const char *name)
    : Tap (gst_element_get_static_pad (element, name))
{
  gst_object_unref (pad_); // two references: the look-up's and ours
}

Tap::Tap (GstPad *pad) : pad_ (GST_PAD (gst_object_ref (pad)))
{
  probe_ = gst_pad_add_probe (pad_,
      GstPadProbeType (GST_PAD_PROBE_TYPE_BUFFER |
                       GST_PAD_PROBE_TYPE_BUFFER_LIST |
                       GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
      on_data, this, nullptr);
}

Tap::~Tap ()
{
  gst_pad_remove_probe (pad_, probe_);
  // A callback may be running.
  GST_PAD_STREAM_LOCK (pad_);
  GST_PAD_STREAM_UNLOCK (pad_);
  gst_object_unref (pad_);
}

GstPadProbeReturn
Tap::on_data (GstPad *, GstPadProbeInfo *info, gpointer data)
{
  auto *self = static_cast<Tap *> (data);
  const std::lock_guard guard (self->lock_);
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
    self->take (GST_PAD_PROBE_INFO_BUFFER (info));
  } else if (info->type & GST_PAD_PROBE_TYPE_BUFFER_LIST) {
    GstBufferList *list = GST_PAD_PROBE_INFO_BUFFER_LIST (info);
    for (guint i = 0; i < gst_buffer_list_length (list); ++i)
      self->take (gst_buffer_list_get (list, i));
  } else if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) ==
             GST_EVENT_EOS) {
    self->eos_ = true;
  }
  self->changed_.notify_all ();
  return GST_PAD_PROBE_OK;
}

void
Tap::take (GstBuffer *buffer)
{
  ++buffers_;
  std::uint8_t header[12];
  if (gst_buffer_extract (buffer, 0, header, 12) != 12 || header[0] >> 6 != 2 ||
      (header[1] >= 192 && header[1] <= 223))
    return;
  const std::uint32_t ssrc = GST_READ_UINT32_BE (header + 8);
  sequences_[ssrc].push_back (GST_READ_UINT16_BE (header + 2));
}

void
Tap::wait_for (unsigned buffers)
{
  std::unique_lock guard (lock_);
  const unsigned wanted = buffers_ + buffers;
  wait_until (guard, changed_,
      std::to_string (buffers) + " buffers on " + GST_PAD_NAME (pad_),
      [&] { return buffers_ >= wanted; });
}

void
Tap::wait_for_eos ()
{
  std::unique_lock guard (lock_);
  wait_until (guard, changed_, std::string ("EOS on ") + GST_PAD_NAME (pad_),
      [&] { return eos_; });
}

unsigned
Tap::buffers ()
{
  const std::lock_guard guard (lock_);
  return buffers_;
}

unsigned
Tap::missing ()
{
  const std::lock_guard guard (lock_);
  unsigned missing = 0;
  for (auto &[ssrc, numbers] : sequences_) {
    // Relative to the first, so that a wrap does not matter.
    std::vector<std::int16_t> offsets;
    for (const std::uint16_t number : numbers)
      offsets.push_back (std::int16_t (number - numbers.front ()));
    std::sort (offsets.begin (), offsets.end ());
    offsets.erase (
        std::unique (offsets.begin (), offsets.end ()), offsets.end ());
    missing += unsigned (offsets.back () - offsets.front ()) + 1 -
               unsigned (offsets.size ());
  }
  return missing;
}

std::vector<std::uint32_t>
Tap::ssrcs ()
{
  const std::lock_guard guard (lock_);
  std::vector<std::uint32_t> found;
  for (const auto &[ssrc, numbers] : sequences_)
    found.push_back (ssrc);
  return found;
}

Signal::Signal (GstSpreaditPeeringManager *manager, const char *name)
    : manager_ (GST_SPREADIT_PEERING_MANAGER (gst_object_ref (manager))),
      name_ (name)
{
  // Swapped: the arguments of the signals differ, the data then comes first.
  handler_ =
      g_signal_connect_swapped (manager_, name, G_CALLBACK (on_signal), this);
}

Signal::~Signal ()
{
  g_signal_handler_disconnect (manager_, handler_);
  // A handler may be running; whoever emits is done when this is answered.
  GstStructure *stats = gst_spreadit_peering_manager_get_stats (manager_);
  gst_structure_free (stats);
  gst_object_unref (manager_);
}

void
Signal::on_signal (gpointer data)
{
  auto *self = static_cast<Signal *> (data);
  const std::lock_guard guard (self->lock_);
  ++self->count_;
  self->changed_.notify_all ();
}

void
Signal::wait (unsigned times)
{
  std::unique_lock guard (lock_);
  wait_until (
      guard, changed_, "signal " + name_, [&] { return count_ >= times; });
}

unsigned
Signal::count ()
{
  const std::lock_guard guard (lock_);
  return count_;
}

Viewer::Viewer (const std::string &uri, const std::string &properties)
    : pipeline_ ("spreaditsrc name=v uri=" + uri + " " + properties)
{
  GstElement *source = pipeline_["v"];
  g_signal_connect (source, "pad-added", G_CALLBACK (on_pad_added), this);
  g_signal_connect (source, "no-more-pads", G_CALLBACK (on_no_more_pads), this);
}

void
Viewer::on_pad_added (GstElement *, GstPad *pad, gpointer data)
{
  auto *self = static_cast<Viewer *> (data);
  GstElement *sink = gst_element_factory_make ("fakesink", nullptr);
  g_object_set (sink, "sync", TRUE, "async", FALSE, nullptr);
  gst_bin_add (GST_BIN (self->pipeline_.get ()), sink);
  gst_element_sync_state_with_parent (sink);
  GstPad *target = gst_element_get_static_pad (sink, "sink");
  fail_unless_equals_int (gst_pad_link (pad, target), GST_PAD_LINK_OK);
  gst_object_unref (target);

  Pad seen;
  seen.name = GST_PAD_NAME (pad);
  if (GstCaps *caps = gst_pad_get_current_caps (pad)) {
    const gchar *media =
        gst_structure_get_string (gst_caps_get_structure (caps, 0), "media");
    seen.media = media ? media : "";
    gst_caps_unref (caps);
  }
  if (GstEvent *start =
          gst_pad_get_sticky_event (pad, GST_EVENT_STREAM_START, 0)) {
    const gchar *id = nullptr;
    gst_event_parse_stream_start (start, &id);
    seen.stream_id = id;
    gst_event_parse_group_id (start, &seen.group_id);
    gst_event_unref (start);
  }
  seen.tap = std::make_unique<Tap> (pad);
  const std::lock_guard guard (self->lock_);
  self->pads_.push_back (std::move (seen));
}

void
Viewer::on_no_more_pads (GstElement *, gpointer data)
{
  auto *self = static_cast<Viewer *> (data);
  const std::lock_guard guard (self->lock_);
  self->no_more_ = true;
  self->changed_.notify_all ();
}

void
Viewer::stop ()
{
  pipeline_.set_state (GST_STATE_READY);
  const std::lock_guard guard (lock_);
  pads_.clear ();
  no_more_ = false;
}

const std::vector<Viewer::Pad> &
Viewer::wait_pads ()
{
  std::unique_lock guard (lock_);
  wait_until (guard, changed_, "no-more-pads", [this] { return no_more_; });
  return pads_;
}

void
Viewer::wait_for (unsigned buffers)
{
  for (const auto &pad : wait_pads ())
    pad.tap->wait_for (buffers);
}

unsigned
Viewer::missing ()
{
  unsigned missing = 0;
  for (const auto &pad : wait_pads ())
    missing += pad.tap->missing ();
  return missing;
}

std::string
Viewer::parent ()
{
  GstStructure *stats = nullptr;
  g_object_get (pipeline_["v"], "stats", &stats, nullptr);
  const std::string parent = gst_structure_get_string (stats, "parent");
  gst_structure_free (stats);
  return parent;
}

OtherProcess::OtherProcess (int port)
{
  const gchar *program = g_getenv ("SPREADIT_TEST_SOURCE");
  fail_unless (program, "SPREADIT_TEST_SOURCE is not set");
  std::string number = std::to_string (port);
  gchar *arguments[] = {const_cast<gchar *> (program), number.data (), nullptr};
  int out = -1;
  fail_unless (g_spawn_async_with_pipes (nullptr, arguments, nullptr,
      G_SPAWN_DO_NOT_REAP_CHILD, nullptr, nullptr, &pid_, nullptr, &out,
      nullptr, nullptr));
  pollfd ready{out, POLLIN, 0};
  fail_unless_equals_int (poll (&ready, 1, int (patience / GST_MSECOND)), 1);
  char line[32] = {};
  fail_unless (read (out, line, sizeof line - 1) > 0);
  port_ = std::atoi (line);
  close (out);
}

OtherProcess::~OtherProcess ()
{
  kill (pid_, SIGKILL);
  waitpid (pid_, nullptr, 0);
  g_spawn_close_pid (pid_);
}

std::string
OtherProcess::uri () const
{
  return "spreadit://127.0.0.1:" + std::to_string (port_) + "/live";
}

std::string
uri_of (GstSpreaditPeeringManager *manager)
{
  guint port = 0;
  g_object_get (manager, "port", &port, nullptr);
  fail_unless (port != 0, "nobody listens");
  return "spreadit://127.0.0.1:" + std::to_string (port) + "/live";
}

std::string
test_source (const std::string &properties, bool with_audio, int port)
{
  return "spreaditsink name=s uri=spreadit://127.0.0.1:" +
         std::to_string (port) + "/live " + properties +
         "  videotestsrc is-live=true pattern=ball !"
         " video/x-raw,width=160,height=120,framerate=15/1 ! " +
         h264_encoder () + " ! queue ! s." +
         (with_audio ? "  audiotestsrc is-live=true !"
                       " audio/x-raw,rate=48000,channels=1 ! " +
                           audio_encoder () + " ! queue ! s."
                     : "");
}

TestSource::TestSource (
    const std::string &properties, bool with_audio, int port)
    : pipeline_ (test_source (properties, with_audio, port))
{
  Signal described (manager (), "media-changed");
  pipeline_.play ();
  described.wait ();
  uri_ = uri_of (manager ());
}

int
TestSource::port ()
{
  guint port = 0;
  g_object_get (manager (), "port", &port, nullptr);
  return int (port);
}

void
TestSource::end ()
{
  gst_element_send_event (pipeline_.get (), gst_event_new_eos ());
}

BusyPort::BusyPort ()
{
  fd_ = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  fail_if (bind (fd_, reinterpret_cast<sockaddr *> (&address), sizeof address));
  fail_if (listen (fd_, 1));
  socklen_t size = sizeof address;
  getsockname (fd_, reinterpret_cast<sockaddr *> (&address), &size);
  port_ = ntohs (address.sin_port);
}

BusyPort::~BusyPort ()
{
  release ();
}

void
BusyPort::release ()
{
  if (fd_ >= 0)
    close (fd_);
  fd_ = -1;
}

FakeServer::FakeServer (std::string answer)
    : answer_ (std::move (answer)), thread_ ([this] { run (); })
{
}

FakeServer::~FakeServer ()
{
  shutdown (listener_.fd (), SHUT_RDWR); // ends accept ()
  thread_.join ();
}

void
FakeServer::run ()
{
  for (;;) {
    const int connection = accept (listener_.fd (), nullptr, nullptr);
    if (connection < 0)
      return;
    serve (connection);
    close (connection);
  }
}

// Until the client closes.
void
FakeServer::serve (int connection)
{
  std::string received;
  char chunk[4096];
  for (;;) {
    const ssize_t n = recv (connection, chunk, sizeof chunk, 0);
    if (n <= 0)
      return;
    received.append (chunk, std::size_t (n));
    for (;;) {
      const auto end = received.find ("\r\n\r\n");
      if (end == std::string::npos)
        break;
      const auto at = received.find ("CSeq: ");
      const std::string number =
          at < end ? received.substr (at + 6, received.find ('\r', at) - at - 6)
                   : "0";
      received.erase (0, end + 4);
      std::string answer = answer_;
      if (const auto place = answer.find ("CSEQ"); place != std::string::npos)
        answer.replace (place, 4, number);
      send (connection, answer.data (), answer.size (), MSG_NOSIGNAL);
    }
  }
}

} // namespace loopback
