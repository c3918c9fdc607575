// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay_stream.hpp"

#include <utility>

#include "http/moves.hpp"
#include "owned.hpp"
#include "stats_line.hpp"
#include "stream_check.hpp"

namespace spreadit::relay {

namespace {

// What a leave may take beyond `linger`: the farewell itself, and the answer of
// peers that are slow, and the 4 s in which plain players play what they hold.
constexpr guint leave_grace_ms = 5000;

// Errors of other elements say little ("Could not open resource."): the last
// line of the debug string has the reason, and of which input it is the user
// knows by what was to be published.
std::string
describe (GstMessage *message, const std::string &publish)
{
  GError *raw_error = nullptr;
  char *raw_debug = nullptr;
  gst_message_parse_error (message, &raw_error, &raw_debug);
  const Owned<GError> error (raw_error);
  const Text debug (raw_debug);
  std::string text = error->message;
  const char *type = G_OBJECT_TYPE_NAME (GST_MESSAGE_SRC (message));
  if (debug && !g_str_has_prefix (type, "GstSpreadit")) {
    g_strchomp (debug.get ());
    if (const char *reason = g_strrstr (debug.get (), "\n")) {
      if (text.ends_with ('.'))
        text.pop_back ();
      text += std::string (": ") + (reason + 1);
    }
    if (!publish.empty ())
      text = "cannot publish " + publish + ": " + text;
  }
  return g_strdelimit (text.data (), "\n", ' ');
}

std::string
text_field (const GstStructure *structure, const char *name)
{
  const char *text = gst_structure_get_string (structure, name);
  return text ? text : "";
}

} // namespace

struct RelayStream::Impl {
  StreamOptions options;
  Callbacks callbacks;
  Owned<GstElement> pipeline;
  std::unique_ptr<PublishInput> input; // of a source
  GstElement *element = nullptr;       // in the pipeline; not owned twice
  Owned<GstSpreaditPeeringManager> manager;
  guint bus_watch = 0;
  guint deadline = 0;
  bool leaving = false;
  bool over = false;
  bool unreachable = false; // and that was said

  ~Impl () { stop (); }

  InputProblem build ();
  void connect_manager ();
  void start ();
  void await_left ();
  void leave ();
  void stop ();
  void finish (const std::string &problem);
  void on_message (GstMessage *message);
  void on_event (const GstStructure *event);
  [[nodiscard]] std::string proof () const;
  void on_reach_changed (const GstStructure *event);
  void tell_move (const char *event, const std::string &what);
  void on_end ();
  void post (GstStructure *event);
  bool set (const Setting &row, const std::string &value);
};

// An empty `what` is no problem.
InputProblem
RelayStream::Impl::build ()
{
  pipeline.reset (GST_ELEMENT (gst_object_ref_sink (
      gst_pipeline_new (options.publish.empty () ? "relay" : "publish"))));
  if (options.publish.empty ()) {
    element = gst_element_factory_make ("spreaditrelay", nullptr);
    if (!element)
      return {exit_failed,
          "element spreaditrelay is not installed; set GST_PLUGIN_PATH to "
          "where the plugin is"};
    gst_bin_add (GST_BIN (pipeline.get ()), element);
  } else {
    auto made = PublishInput::make (GST_BIN (pipeline.get ()), options);
    if (auto *problem = std::get_if<InputProblem> (&made))
      return *problem;
    input = std::get<std::unique_ptr<PublishInput>> (std::move (made));
    element = input->sink ();
  }
  g_object_set (element, "uri", options.uri.c_str (), nullptr);
  for (const auto &[name, value] : options.settings)
    if (!set (*find_setting (name), value))
      return {exit_usage, "this build of SpreadIt has no " + name};
  GstSpreaditPeeringManager *found = nullptr;
  g_object_get (element, "manager", &found, nullptr);
  manager.reset (found);
  connect_manager ();
  const Owned<GstBus> bus (
      gst_pipeline_get_bus (GST_PIPELINE (pipeline.get ())));
  bus_watch = gst_bus_add_watch (
      bus.get (),
      [] (GstBus *, GstMessage *message, gpointer self) -> gboolean {
        static_cast<Impl *> (self)->on_message (message);
        return G_SOURCE_CONTINUE;
      },
      this);
  return {exit_left, ""};
}

bool
RelayStream::Impl::set (const Setting &row, const std::string &value)
{
  GParamSpec *spec =
      g_object_class_find_property (G_OBJECT_GET_CLASS (element), row.property);
  if (!spec)
    return false;
  if (value.empty ())
    g_object_set_property (G_OBJECT (element), row.property,
        g_param_spec_get_default_value (spec));
  else
    gst_util_set_object_arg (G_OBJECT (element), row.property, value.c_str ());
  return true;
}

// The manager speaks on the control thread; the bus brings it here, in order
// with everything else.
void
RelayStream::Impl::post (GstStructure *event)
{
  gst_element_post_message (pipeline.get (),
      gst_message_new_application (GST_OBJECT (pipeline.get ()), event));
}

void
RelayStream::Impl::connect_manager ()
{
  using Manager = GstSpreaditPeeringManager;
  g_signal_connect (manager.get (), "parent-changed",
      G_CALLBACK (+[] (Manager *, const char *, const char *address,
                       guint level, Impl *self) {
        self->post (gst_structure_new ("parent", "address", G_TYPE_STRING,
            address, "level", G_TYPE_UINT, level, nullptr));
      }),
      this);
  g_signal_connect (manager.get (), "child-added",
      G_CALLBACK (
          +[] (Manager *, const char *, const char *address, Impl *self) {
            self->post (gst_structure_new (
                "child", "address", G_TYPE_STRING, address, nullptr));
          }),
      this);
  g_signal_connect (manager.get (), "child-removed",
      G_CALLBACK (+[] (Manager *, const char *, const char *address,
                       gboolean failed, Impl *self) {
        self->post (gst_structure_new ("gone", "address", G_TYPE_STRING,
            address, "failed", G_TYPE_BOOLEAN, failed, nullptr));
      }),
      this);
  g_signal_connect (manager.get (), "state-changed",
      G_CALLBACK (+[] (Manager *, gint, gint now, Impl *self) {
        self->post (gst_structure_new ("state", "transient", G_TYPE_BOOLEAN,
            now == GST_SPREADIT_PEER_STATE_TRANSIENT, "source", G_TYPE_BOOLEAN,
            now == GST_SPREADIT_PEER_STATE_SOURCE, nullptr));
      }),
      this);
  g_signal_connect (manager.get (), "reach-changed",
      G_CALLBACK (
          +[] (Manager *, gboolean reachable, const char *by, Impl *self) {
            self->post (gst_structure_new ("reach", "reachable", G_TYPE_BOOLEAN,
                reachable, "by", G_TYPE_STRING, by, nullptr));
          }),
      this);
  g_signal_connect (manager.get (), "ended",
      G_CALLBACK (+[] (Manager *, Impl *self) {
        self->post (gst_structure_new_empty ("ended"));
      }),
      this);
  g_signal_connect (manager.get (), "left",
      G_CALLBACK (+[] (Manager *, Impl *self) {
        self->post (gst_structure_new_empty ("left"));
      }),
      this);
}

void
RelayStream::Impl::start ()
{
  if (options.publish.empty ())
    callbacks.say ("looking", "looking for a parent");
  if (gst_element_set_state (pipeline.get (), GST_STATE_PLAYING) !=
      GST_STATE_CHANGE_FAILURE)
    return;
  const Owned<GstBus> bus (
      gst_pipeline_get_bus (GST_PIPELINE (pipeline.get ())));
  const Owned<GstMessage> message (
      gst_bus_pop_filtered (bus.get (), GST_MESSAGE_ERROR));
  finish (message ? describe (message.get (), options.publish)
                  : "the pipeline did not start; GST_DEBUG=3 says more");
}

// "left" comes, or this time is over.
void
RelayStream::Impl::await_left ()
{
  if (deadline)
    return;
  guint linger_ms = 0;
  g_object_get (manager.get (), "linger", &linger_ms, nullptr);
  deadline = g_timeout_add (
      linger_ms + leave_grace_ms,
      [] (gpointer data) -> gboolean {
        auto *self = static_cast<Impl *> (data);
        self->deadline = 0;
        self->finish ("");
        return G_SOURCE_REMOVE;
      },
      this);
}

void
RelayStream::Impl::leave ()
{
  if (leaving || over)
    return;
  leaving = true;
  await_left ();
  // The source's leave ends the stream for everyone; a relay's moves its
  // children, who are fed on by the running pipeline meanwhile.
  gst_spreadit_peering_manager_leave (manager.get ());
}

void
RelayStream::Impl::stop ()
{
  if (manager) {
    g_signal_handlers_disconnect_by_data (manager.get (), this);
    // Otherwise the way down to NULL would leave once more.
    gst_spreadit_peering_manager_close (manager.get ());
  }
  if (deadline)
    g_source_remove (deadline);
  deadline = 0;
  if (bus_watch)
    g_source_remove (bus_watch);
  bus_watch = 0;
  if (pipeline)
    gst_element_set_state (pipeline.get (), GST_STATE_NULL);
}

void
RelayStream::Impl::finish (const std::string &problem)
{
  if (over)
    return;
  over = true;
  stop ();
  callbacks.over (leaving ? "" : problem);
}

void
RelayStream::Impl::on_message (GstMessage *message)
{
  switch (GST_MESSAGE_TYPE (message)) {
  case GST_MESSAGE_ERROR:
    finish (describe (message, options.publish));
    break;
  case GST_MESSAGE_EOS:
    on_end ();
    break;
  case GST_MESSAGE_APPLICATION:
    on_event (gst_message_get_structure (message));
    break;
  case GST_MESSAGE_LATENCY:
    gst_bin_recalculate_latency (GST_BIN (pipeline.get ()));
    break;
  case GST_MESSAGE_CLOCK_LOST:
    gst_element_set_state (pipeline.get (), GST_STATE_PAUSED);
    gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
    break;
  default:
    break;
  }
}

// How viewers know a source with TLS whose certificate nobody vouches for.
std::string
RelayStream::Impl::proof () const
{
  const std::string_view uri = options.uri;
  if (!uri.starts_with ("spreadits:"))
    return {};
  gchar *raw = nullptr;
  g_object_get (manager.get (), "id", &raw, nullptr);
  const Text id (raw);
  return std::string (", proved to viewers by ?id=") + (id ? id.get () : "") +
         " at the end of the URI";
}

void
RelayStream::Impl::tell_move (const char *event, const std::string &what)
{
  callbacks.say (event, what);
  callbacks.moved (what);
}

void
RelayStream::Impl::on_event (const GstStructure *event)
{
  const std::string address = text_field (event, "address");
  gboolean flag = FALSE;
  if (gst_structure_has_name (event, "parent")) {
    guint level = 0;
    gst_structure_get_uint (event, "level", &level);
    tell_move ("parent", http::parent_words (address, level));
  } else if (gst_structure_has_name (event, "child")) {
    tell_move ("child", http::child_words (address));
  } else if (gst_structure_has_name (event, "gone")) {
    gst_structure_get_boolean (event, "failed", &flag);
    tell_move (flag ? "child-vanished" : "child-left",
        http::gone_words (address, flag));
  } else if (gst_structure_has_name (event, "state")) {
    if (gst_structure_get_boolean (event, "transient", &flag) && flag)
      tell_move ("transient", http::transient_words);
    if (gst_structure_get_boolean (event, "source", &flag) && flag)
      callbacks.say ("publishing", "publishing " + options.publish + proof ());
  } else if (gst_structure_has_name (event, "reach")) {
    on_reach_changed (event);
  } else if (gst_structure_has_name (event, "ended")) {
    on_end ();
  } else if (gst_structure_has_name (event, "left-out")) {
    callbacks.say ("left-out",
        "left out, RTP cannot carry it: " + text_field (event, "format"));
  } else if (gst_structure_has_name (event, "note")) {
    callbacks.say ("input", text_field (event, "text"));
  } else if (gst_structure_has_name (event, "left")) {
    // Unasked: the input of a source is over.
    if (!leaving)
      callbacks.say ("ended", "the stream has ended");
    finish ("");
  }
}

// As the parent has found out. That all is well is news only after it was not.
void
RelayStream::Impl::on_reach_changed (const GstStructure *event)
{
  GstStructure *raw = nullptr;
  g_object_get (manager.get (), "stats", &raw, nullptr);
  const Owned<GstStructure> stats (raw);
  const std::string address = text_field (stats.get (), "address");
  gboolean reachable = TRUE;
  gst_structure_get_boolean (event, "reachable", &reachable);
  const bool was_unreachable = std::exchange (unreachable, !reachable);
  if (!reachable)
    callbacks.warn ("unreachable",
        "others " + describe_unreachable (address, text_field (event, "by")));
  else if (was_unreachable)
    callbacks.say ("reachable", "others can connect to " + address + " now");
}

// The stream is over: at a peer because the source said so, which the children
// have been told; at the source because its input is, and everybody has been
// told. What is left to do is to close the links.
void
RelayStream::Impl::on_end ()
{
  if (leaving)
    return;
  callbacks.say ("ended", "the stream has ended");
  leave ();
}

RelayStream::RelayStream (std::unique_ptr<Impl> impl) : impl_ (std::move (impl))
{
}

RelayStream::~RelayStream () = default;

std::variant<std::unique_ptr<RelayStream>, InputProblem>
RelayStream::make (StreamOptions options, Callbacks callbacks)
{
  auto impl = std::make_unique<Impl> ();
  impl->options = std::move (options);
  impl->callbacks = std::move (callbacks);
  InputProblem problem = impl->build ();
  if (!problem.what.empty ())
    return problem;
  return std::unique_ptr<RelayStream> (new RelayStream (std::move (impl)));
}

const std::string &
RelayStream::uri () const
{
  return impl_->options.uri;
}

bool
RelayStream::is_over () const
{
  return impl_->over;
}

void
RelayStream::start ()
{
  impl_->start ();
}

void
RelayStream::leave ()
{
  impl_->leave ();
}

void
RelayStream::drop ()
{
  impl_->over = true;
  impl_->stop ();
}

void
RelayStream::apply (
    const std::map<std::string, std::string, std::less<>> &changes)
{
  for (const auto &[name, value] : changes) {
    impl_->set (*find_setting (name), value);
    if (value.empty ())
      impl_->options.settings.erase (name);
    else
      impl_->options.settings[name] = value;
    impl_->callbacks.say ("setting",
        name + " is now " + (value.empty () ? "the default" : value));
  }
}

GstSpreaditPeeringManager *
RelayStream::manager () const
{
  return impl_->over ? nullptr : impl_->manager.get ();
}

std::string
RelayStream::stats () const
{
  if (impl_->over)
    return "";
  GstStructure *stats = nullptr;
  g_object_get (impl_->element, "stats", &stats, nullptr);
  const Owned<GstStructure> owned (stats);
  return stats ? stats_line (stats) : "";
}

} // namespace spreadit::relay
