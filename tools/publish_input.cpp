// SPDX-License-Identifier: LGPL-2.1-or-later
#include "publish_input.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elements.hpp"
#include "file_loop.hpp"
#include "origin.hpp"
#include "owned.hpp"
#include "relay_options.hpp"

namespace spreadit::relay {

namespace {

constexpr const char *no_encoder =
    "no live encoder is installed (gstreamer1.0-plugins-ugly has x264enc, "
    "gstreamer1.0-libav avenc_aac)";

std::string
path_of (const std::string &text)
{
  if (!g_str_has_prefix (text.c_str (), "file://"))
    return text;
  const Text path (g_filename_from_uri (text.c_str (), nullptr, nullptr));
  return path ? path.get () : text;
}

// Of v4l2:///dev/video0 or /dev/video0; empty if it is something else.
std::string
device_of (const std::string &text)
{
  constexpr std::string_view scheme = "v4l2://";
  if (text.starts_with (scheme))
    return text.substr (scheme.size ());
  struct stat status = {};
  return !stat (text.c_str (), &status) && S_ISCHR (status.st_mode) ? text : "";
}

// Empty when it can be read.
std::string
why_unreadable (const std::string &path)
{
  const int fd = open (path.c_str (), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return std::strerror (errno);
  struct stat status = {};
  const bool directory = !fstat (fd, &status) && S_ISDIR (status.st_mode);
  close (fd);
  return directory ? "it is a directory" : "";
}

bool
can_carry (GstPad *sink, GstPad *source)
{
  const Owned<GstCaps> offered (gst_pad_query_caps (source, nullptr));
  const Owned<GstCaps> common (gst_pad_query_caps (sink, offered.get ()));
  return !gst_caps_is_empty (common.get ());
}

// Of the elements themselves: gst_bin_find_unlinked_pad() would give those of a
// decodebin's inside.
std::vector<Owned<GstPad>>
unlinked_pads (GstBin *bin)
{
  std::vector<Owned<GstPad>> pads;
  const Owned<GstIterator> all (gst_bin_iterate_sorted (bin));
  GValue item = G_VALUE_INIT;
  while (gst_iterator_next (all.get (), &item) == GST_ITERATOR_OK) {
    auto *element = GST_ELEMENT (g_value_get_object (&item));
    for (GList *i = element->srcpads; i; i = i->next)
      if (auto *pad = GST_PAD (i->data); !gst_pad_is_linked (pad))
        pads.emplace_back (GST_PAD (gst_object_ref (pad)));
    g_value_reset (&item);
  }
  g_value_unset (&item);
  return pads;
}

bool
has_sometimes_pads (GstElement *element)
{
  GList *templates =
      gst_element_class_get_pad_template_list (GST_ELEMENT_GET_CLASS (element));
  for (GList *i = templates; i; i = i->next) {
    auto *pad_template = GST_PAD_TEMPLATE (i->data);
    if (GST_PAD_TEMPLATE_DIRECTION (pad_template) == GST_PAD_SRC &&
        GST_PAD_TEMPLATE_PRESENCE (pad_template) == GST_PAD_SOMETIMES)
      return true;
  }
  return false;
}

// A camera of this machine. What it gives is what the encoder can take, as JPEG
// if that is the only way to have it.
std::string
device_description (const std::string &path, const std::string &video)
{
  const Text quoted (g_strescape (path.c_str (), nullptr));
  return std::string ("v4l2src device=\"") + quoted.get () +
         "\" ! decodebin ! videoconvert ! video/x-raw,format=I420 ! queue ! " +
         video;
}

// The clock in the picture and the tick on each full second are the same
// time: whoever looks and listens notices streams that are out of sync.
std::string
test_description (const std::string &video, const std::string &audio)
{
  const char *clock = has_element ("timeoverlay")
                          ? "! timeoverlay valignment=center halignment=center "
                            "font-desc=\"Sans Bold 32\" "
                          : "";
  return std::string ("videotestsrc is-live=true pattern=smpte "
                      "horizontal-speed=2 "
                      "! video/x-raw,format=I420,width=640,height=360,"
                      "framerate=25/1 ") +
         clock + "! queue ! " + video +
         " audiotestsrc is-live=true wave=ticks "
         "! audio/x-raw,rate=48000,channels=2 ! audioconvert ! queue ! " +
         audio;
}

} // namespace

struct PublishInput::Impl {
  GstBin *pipeline;
  GstElement *sink = nullptr;       // owned by the pipeline
  GstElement *multiqueue = nullptr; // of a file; owned by the pipeline
  std::unique_ptr<FileLoop> loop;
  std::unique_ptr<Origin> origin;
  std::atomic<unsigned> streams = 0; // linked to the sink

  bool add_sink ();
  GstElement *add (const char *factory, const char *name);
  bool link (GstPad *pad);
  bool link_queued (GstPad *pad);
  void discard (GstPad *pad);
  void link_or_discard (GstPad *pad);
  void wait_for_pads (GstElement *element);

  bool watch_elements (GstBin *bin);
  std::string open_file (const std::string &path, bool looped);
  std::string open_origin (OriginOptions options);
  std::string open_device (const std::string &path);
  std::string open_description (const std::string &text);
};

GstElement *
PublishInput::Impl::add (const char *factory, const char *name)
{
  GstElement *element = gst_element_factory_make (factory, name);
  if (element)
    gst_bin_add (pipeline, element);
  return element;
}

bool
PublishInput::Impl::add_sink ()
{
  sink = add ("spreaditsink", "sink");
  return sink != nullptr;
}

// Whatever bin `pad` is in.
bool
PublishInput::Impl::link (GstPad *pad)
{
  const Owned<GstPad> to (gst_element_request_pad_simple (sink, "sink_%u"));
  if (!to)
    return false;
  if (gst_pad_link_maybe_ghosting (pad, to.get ()))
    return true;
  gst_element_release_request_pad (sink, to.get ());
  return false;
}

// A demuxer has one thread for all its pads: each needs a queue, and one that
// grows while another is empty, since files are interleaved as they please.
bool
PublishInput::Impl::link_queued (GstPad *pad)
{
  const QueuePads queue = request_queue (multiqueue);
  // Asked beforehand: behind a queue a link says yes to anything.
  const Owned<GstPad> to (gst_element_request_pad_simple (sink, "sink_%u"));
  if (to && can_carry (to.get (), pad) &&
      !GST_PAD_LINK_FAILED (gst_pad_link (queue.out.get (), to.get ())) &&
      !GST_PAD_LINK_FAILED (gst_pad_link (pad, queue.in.get ())))
    return true;
  if (to)
    gst_element_release_request_pad (sink, to.get ());
  gst_element_release_request_pad (multiqueue, queue.in.get ());
  return false;
}

// Subtitles and the like that RTP has no payload format for. Data flows once
// all pads are there: if none is of use, that is when we know.
void
PublishInput::Impl::discard (GstPad *pad)
{
  gst_pad_add_probe (
      pad, GST_PAD_PROBE_TYPE_BUFFER,
      [] (GstPad *, GstPadProbeInfo *, gpointer data) {
        auto *self = static_cast<Impl *> (data);
        if (self->streams == 0)
          GST_ELEMENT_ERROR (self->pipeline, STREAM, FORMAT,
              ("the input has no stream that RTP can carry"), (nullptr));
        return GST_PAD_PROBE_REMOVE;
      },
      this, nullptr);
  discard_all_of (pipeline, pad);
}

void
PublishInput::Impl::link_or_discard (GstPad *pad)
{
  if (gst_pad_is_linked (pad) || !GST_PAD_IS_SRC (pad))
    return;
  if (loop)
    loop->add_pad (pad);
  if (multiqueue ? link_queued (pad) : link (pad)) {
    ++streams;
    return;
  }
  const Owned<GstCaps> caps (gst_pad_query_caps (pad, nullptr));
  const char *name =
      gst_structure_get_name (gst_caps_get_structure (caps.get (), 0));
  gst_element_post_message (GST_ELEMENT (pipeline),
      gst_message_new_application (
          GST_OBJECT (pipeline), gst_structure_new ("left-out", "format",
                                     G_TYPE_STRING, name, nullptr)));
  discard (pad);
}

void
PublishInput::Impl::wait_for_pads (GstElement *element)
{
  g_signal_connect (element, "pad-added",
      G_CALLBACK (+[] (GstElement *, GstPad *pad, Impl *self) {
        self->link_or_discard (pad);
      }),
      this);
}

std::string
PublishInput::Impl::open_file (const std::string &path, bool looped)
{
  const std::string why = why_unreadable (path);
  if (!why.empty ())
    return "cannot read " + path + ": " + why;
  GstElement *source = add ("filesrc", nullptr);
  GstElement *parser = add ("parsebin", nullptr);
  multiqueue = add ("multiqueue", nullptr);
  if (!source || !parser || !multiqueue)
    return "cannot play " + path +
           ": GStreamer's core and base plugins are not installed";
  g_object_set (source, "location", path.c_str (), nullptr);
  g_object_set (multiqueue, "sync-by-running-time", TRUE, "use-interleave",
      TRUE, nullptr);
  gst_element_link (source, parser);
  if (looped)
    loop = std::make_unique<FileLoop> (GST_ELEMENT (pipeline));
  wait_for_pads (parser);
  return "";
}

std::string
PublishInput::Impl::open_origin (OriginOptions options)
{
  const std::string url = options.url;
  origin = std::make_unique<Origin> (pipeline, sink, std::move (options));
  if (const std::string why = origin->start (); !why.empty ())
    return "cannot play " + url + ": " + why;
  return "";
}

std::string
PublishInput::Impl::open_device (const std::string &path)
{
  if (const std::string why = why_unreadable (path); !why.empty ())
    return "cannot read " + path + ": " + why;
  if (!has_element ("v4l2src"))
    return "cannot read " + path +
           ": element v4l2src is not installed (gstreamer1.0-plugins-good)";
  const std::string video = find_video_encoder ();
  if (video.empty ())
    return "cannot publish " + path + ": " + no_encoder;
  return open_description (device_description (path, video));
}

// Takes a spreaditsink of the description's own. Whether pads may come late.
bool
PublishInput::Impl::watch_elements (GstBin *bin)
{
  bool may_get_pads = false;
  const Owned<GstIterator> all (gst_bin_iterate_elements (bin));
  GValue item = G_VALUE_INIT;
  while (gst_iterator_next (all.get (), &item) == GST_ITERATOR_OK) {
    auto *element = GST_ELEMENT (g_value_get_object (&item));
    GstElementFactory *factory = gst_element_get_factory (element);
    if (factory && g_str_equal (GST_OBJECT_NAME (factory), "spreaditsink"))
      sink = element;
    if (has_sometimes_pads (element)) {
      may_get_pads = true;
      // Behind the handlers that the description itself links such pads with.
      wait_for_pads (element);
    }
    g_value_reset (&item);
  }
  g_value_unset (&item);
  return may_get_pads;
}

std::string
PublishInput::Impl::open_description (const std::string &text)
{
  GError *error = nullptr;
  GstElement *bin = gst_parse_bin_from_description_full (
      text.c_str (), FALSE, nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &error);
  if (!bin) {
    const std::string why = error ? error->message : "not a description";
    g_clear_error (&error);
    return "cannot build \"" + text + "\": " + why;
  }
  gst_bin_add (pipeline, bin);
  const bool may_get_pads = watch_elements (GST_BIN (bin));
  const bool brings_a_sink = sink != nullptr;
  if (!sink && !add_sink ())
    return "element spreaditsink is not installed";
  for (const auto &pad : unlinked_pads (GST_BIN (bin))) {
    if (!link (pad.get ())) {
      const Text name (gst_object_get_path_string (GST_OBJECT (pad.get ())));
      return "cannot publish \"" + text + "\": " + name.get () +
             " gives nothing that RTP can carry";
    }
    ++streams;
  }
  if (streams == 0 && !brings_a_sink && !may_get_pads)
    return "cannot publish \"" + text + "\": it has no unlinked source pad";
  return "";
}

PublishInput::PublishInput (std::unique_ptr<Impl> impl)
    : impl_ (std::move (impl))
{
}

PublishInput::~PublishInput () = default;

GstElement *
PublishInput::sink () const
{
  return impl_->sink;
}

InputKind
classify_input (const std::string &text)
{
  if (text == "test")
    return InputKind::test;
  if (const std::string device = device_of (text); !device.empty ())
    return InputKind::device;
  if (is_origin (text))
    return InputKind::uri;
  if (g_str_has_prefix (text.c_str (), "file://") ||
      g_file_test (text.c_str (), G_FILE_TEST_EXISTS))
    return InputKind::file;
  if (text.find ('!') != std::string::npos ||
      has_element (text.substr (0, text.find (' '))))
    return InputKind::description;
  return InputKind::file;
}

std::variant<std::unique_ptr<PublishInput>, InputProblem>
PublishInput::make (GstBin *pipeline, const StreamOptions &options)
{
  const std::string &text = options.publish;
  auto impl = std::make_unique<Impl> ();
  impl->pipeline = pipeline;
  const InputKind kind = classify_input (text);
  const bool is_built = kind == InputKind::file || kind == InputKind::uri;
  if (is_built && !impl->add_sink ())
    return InputProblem{exit_failed,
        "element spreaditsink is not installed; set GST_PLUGIN_PATH to where "
        "the plugin is"};
  std::string wrong;
  switch (kind) {
  case InputKind::file:
    wrong = impl->open_file (path_of (text), options.loop);
    break;
  case InputKind::uri:
    wrong = impl->open_origin ({text, options.always_on, options.loop});
    break;
  case InputKind::device:
    wrong = impl->open_device (device_of (text));
    break;
  case InputKind::description:
    wrong = impl->open_description (text);
    break;
  case InputKind::test: {
    const std::string video = find_video_encoder ();
    const std::string audio = find_audio_encoder ();
    wrong = video.empty () || audio.empty ()
                ? std::string ("cannot publish a test: ") + no_encoder
                : impl->open_description (test_description (video, audio));
    break;
  }
  }
  if (!wrong.empty ())
    return InputProblem{
        kind == InputKind::description ? exit_usage : exit_failed, wrong};
  return std::unique_ptr<PublishInput> (new PublishInput (std::move (impl)));
}

} // namespace spreadit::relay
