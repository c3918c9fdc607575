// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay_options.hpp"

#include <set>

#include "gateway_settings.hpp"
#include "origin.hpp"
#include "owned.hpp"

namespace spreadit::relay {

namespace {

constexpr const char *summary =
    "Passes live streams on: joins the tree of each URI, relays what it gets "
    "to\n"
    "its children and serves ordinary RTSP players. With --publish it is the\n"
    "source.";

constexpr const char *description =
    R"(INPUT is one of
  FILE          anything GStreamer can take apart; with --loop for ever
  rtsp://...    a camera or server, asked for again whenever it is away; with
                --always-on a slate and silence are in the stream meanwhile
  srt://, rtmp://, udp://, http://...
                likewise, whatever there is an element for; srt://:PORT waits
                to be called, http:// is HLS or a file
  v4l2:///dev/video0
                a camera of this machine, coded here
  test          a test picture with a clock in it, and a tick each second
  DESCRIPTION   as for gst-launch-1.0; its unlinked pads become the stream,
                unless it has a spreaditsink of its own

Add policies, when this node has no room for a newcomer:
  random, round-robin              one of the children
  smart-placement                  the child nearest to it
  knock-downs                      a farther child makes room for a nearer one
  smart-bandwidth                  one with less upload makes room
  auto (default)                   a peer with room that has been reported
Delete policies, when a node leaves or is lost:
  grandfather, root                its children go to its parent, to the source
  grandfather-all, root-all        all its descendants do

With --gateway no URI is needed: rtsp://127.0.0.1:8555/HOST[:PORT]/PATH is the
stream spreadit://HOST[:PORT]/PATH, joined when a player asks for it and left
10 s after the last one is gone. What is published by RTSP to a path that is
allowed, rtsp://127.0.0.1:8555/PATH, has this node as its source.

A config file has the long options as keys in [relay], and uri=A;B there.
A group [stream "NAME"] with a uri= has what differs for one stream, a group
[mount "NAME"] with a uri= is a stream at rtsp://.../NAME of the gateway. SIGHUP
reads it again: max-children, upload-bandwidth and the policies change at once.

spreadits://HOST[:PORT]/PATH, port 8322, goes through TLS from peer to peer. The
source proves to be it by its certificate, or by its id where viewers say
spreadits://HOST/PATH?id=ID; the source says the id as it begins to publish.

--check says whether a stream can be reached, what it is, how it comes, and how
others reach this node; status 0 if packets came.

--http=8080 serves http://127.0.0.1:8080/: a page with the tree, the figures and
the stream, JSON in /api/v1/, Prometheus in /metrics. Another host as in
--http=0.0.0.0:8080 shows the addresses of the peers to whoever asks there.

Ctrl-C or SIGTERM leaves as soon as the children have moved, a second one at
once. Exit status: 0 left or stream ended, 1 a stream failed, 2 wrong usage.

Examples:
  gst-spreadit-relay --publish=test spreadit://0.0.0.0:8554/live
  gst-spreadit-relay spreadit://source.example:8554/live --max-children=8
  gst-spreadit-relay --check spreadit://source.example:8554/live
  ffplay rtsp://source.example:8554/live
  gst-spreadit-relay --gateway &
  ffplay rtsp://127.0.0.1:8555/source.example:8554/live
)";

// What a user wrote, by long option name; not looked at yet.
using Raw = std::map<std::string, std::string, std::less<>>;

bool
is_one_of (std::string_view name, std::initializer_list<const char *> names)
{
  for (const char *candidate : names)
    if (name == candidate)
      return true;
  return false;
}

bool
checked_flag (const std::string &name, const std::string &text)
{
  if (is_one_of (text, {"true", "yes", "1"}))
    return true;
  if (is_one_of (text, {"false", "no", "0"}))
    return false;
  throw UsageError{"bad " + name + " \"" + text + "\": give true or false"};
}

http::Address
checked_http (const std::string &text)
{
  if (const auto address = http::parse_address (text))
    return *address;
  throw UsageError{"bad http \"" + text +
                   "\": give a port of this host, as 8080, or a numeric "
                   "address and a port, as 0.0.0.0:8080"};
}

Log::Format
checked_log (const std::string &text)
{
  if (text == "text")
    return Log::Format::text;
  if (text == "json")
    return Log::Format::json;
  throw UsageError{"bad log \"" + text + "\": choose one of text, json"};
}

StreamOptions
make_stream (const std::string &uri, const Raw &raw)
{
  GError *error = nullptr;
  if (!gst_spreadit_peering_manager_check_uri (uri.c_str (), &error)) {
    const Owned<GError> owned (error);
    throw UsageError{owned->message};
  }
  StreamOptions stream;
  stream.uri = uri;
  for (const auto &[name, text] : raw) {
    if (name == "publish")
      stream.publish = text;
    else if (name == "loop")
      stream.loop = checked_flag (name, text);
    else if (name == "always-on")
      stream.always_on = checked_flag (name, text);
    else if (const Setting *row = find_setting (name))
      stream.settings[name] = checked_value (*row, text);
  }
  return stream;
}

// --- The command line -------------------------------------------------------

struct CommandLine {
  Raw raw;
  std::vector<std::string> uris;
  bool help = false;
  bool version = false;
  bool check = false;
};

gboolean
on_value (const char *name, const char *value, void *data, GError **) noexcept
{
  auto *line = static_cast<CommandLine *> (data);
  line->raw[std::string (name).substr (2)] = value ? value : "true";
  return TRUE;
}

// The entries point into `table` and to literals.
std::vector<GOptionEntry>
option_entries (
    gboolean *help, gboolean *version, gboolean *check, char ***uris)
{
  auto *callback = reinterpret_cast<void *> (
      +[] (const char *name, const char *value, void *data, GError **error) {
        return on_value (name, value, data, error);
      });
  const auto value = [callback] (const char *name, const char *text,
                         const char *argument) {
    return GOptionEntry{name, 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_CALLBACK,
        callback, text, argument};
  };
  const auto flag = [callback] (const char *name, const char *text) {
    return GOptionEntry{name, 0, G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK,
        callback, text, nullptr};
  };
  std::vector<GOptionEntry> entries;
  for (const Setting &row : settings ())
    entries.push_back (value (row.name, row.help, row.argument));
  entries.push_back (
      value ("publish", "Be the source of URI; see below", "INPUT"));
  entries.push_back (flag ("loop", "Start a published file over at its end"));
  entries.push_back (flag ("always-on", "Show a slate while a camera is away"));
  entries.push_back (
      value ("config", "Read options from a key file; see below", "FILE"));
  entries.push_back (
      value ("stats", "Write JSON lines each second; - is stdout", "FILE|-"));
  entries.push_back (
      value ("http", "Serve a live page and figures; see below", "HOST:PORT"));
  for (const GatewaySetting &row : gateway_settings ()) {
    entries.push_back (value (row.name, row.help, row.argument));
    if (row.argument_is_optional)
      entries.back ().flags = G_OPTION_FLAG_OPTIONAL_ARG;
  }
  entries.push_back (value (
      "log", "Lines for people, or JSON on standard error", "text|json"));
  entries.push_back (flag ("quiet", "Say nothing but errors"));
  entries.push_back ({"check", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, check,
      "Join for some seconds and say how it is", nullptr});
  entries.push_back ({"version", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE,
      version, "Print the version and exit", nullptr});
  entries.push_back ({"help", 'h', G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, help,
      "Print this and exit", nullptr});
  entries.push_back ({G_OPTION_REMAINING, 0, G_OPTION_FLAG_NONE,
      G_OPTION_ARG_STRING_ARRAY, uris, nullptr, "URI..."});
  entries.push_back ({});
  return entries;
}

CommandLine
parse_command_line (
    const std::vector<std::string> &arguments, std::string *help_text)
{
  CommandLine line;
  gboolean help = FALSE;
  gboolean version = FALSE;
  gboolean check = FALSE;
  char **uris = nullptr;

  const Owned<GOptionContext> context (g_option_context_new (nullptr));
  // Ours does not exit() from inside the parser.
  g_option_context_set_help_enabled (context.get (), FALSE);
  g_option_context_set_summary (context.get (), summary);
  g_option_context_set_description (context.get (), description);
  GOptionGroup *group = g_option_group_new ("main", "", "", &line, nullptr);
  const auto entries = option_entries (&help, &version, &check, &uris);
  g_option_group_add_entries (group, entries.data ());
  g_option_context_set_main_group (context.get (), group);

  char **copy = g_new0 (char *, arguments.size () + 2);
  copy[0] = g_strdup ("gst-spreadit-relay");
  for (std::size_t i = 0; i < arguments.size (); ++i)
    copy[i + 1] = g_strdup (arguments[i].c_str ());
  GError *error = nullptr;
  const bool ok = g_option_context_parse_strv (context.get (), &copy, &error);
  const Strv owned_copy (copy);
  const Strv owned_uris (uris);
  if (!ok) {
    const Owned<GError> owned (error);
    throw UsageError{std::string (owned->message) + "; try --help"};
  }
  for (char **uri = uris; uri && *uri; ++uri)
    line.uris.emplace_back (*uri);
  line.help = help;
  line.version = version;
  line.check = check;
  if (help)
    *help_text =
        Text (g_option_context_get_help (context.get (), TRUE, nullptr)).get ();
  return line;
}

// --- The config file --------------------------------------------------------

struct ConfigFile {
  Raw defaults;
  std::vector<std::string> uris;
  std::vector<std::pair<std::string, Raw>> streams; // uri, what differs
  std::map<std::string, std::string> mounts;        // of the gateway: name, uri
};

Raw
read_group (GKeyFile *file, const char *group, const std::string &path)
{
  Raw raw;
  const Strv keys (g_key_file_get_keys (file, group, nullptr, nullptr));
  for (char **key = keys.get (); key && *key; ++key) {
    const bool process_wide =
        is_one_of (*key, {"stats", "quiet", "log", "http"}) ||
        is_gateway_setting (*key);
    if (!find_setting (*key) && !process_wide &&
        !is_one_of (*key, {"uri", "publish", "loop", "always-on"}))
      throw UsageError{path + ": unknown key \"" + *key + "\" in [" + group +
                       "]; the keys are the long options of --help"};
    if (process_wide && std::string_view (group) != "relay")
      throw UsageError{path + ": \"" + *key + "\" belongs in [relay]"};
    GError *error = nullptr;
    const Text value (g_key_file_get_string (file, group, *key, &error));
    if (!value) {
      const Owned<GError> owned (error);
      throw UsageError{path + ": " + owned->message};
    }
    raw[*key] = value.get ();
  }
  return raw;
}

std::vector<std::string>
split_uris (const std::string &text)
{
  std::vector<std::string> uris;
  const Strv parts (g_strsplit (text.c_str (), ";", -1));
  for (char **part = parts.get (); *part; ++part)
    if (*g_strstrip (*part))
      uris.emplace_back (*part);
  return uris;
}

ConfigFile
read_config (const std::string &path)
{
  const Owned<GKeyFile> file (g_key_file_new ());
  GError *error = nullptr;
  if (!g_key_file_load_from_file (
          file.get (), path.c_str (), G_KEY_FILE_NONE, &error)) {
    const Owned<GError> owned (error);
    throw UsageError{"cannot read config " + path + ": " + owned->message};
  }
  ConfigFile config;
  const Strv groups (g_key_file_get_groups (file.get (), nullptr));
  for (char **group = groups.get (); *group; ++group) {
    Raw raw = read_group (file.get (), *group, path);
    const auto uri = raw.extract ("uri");
    if (g_str_equal (*group, "relay")) {
      config.defaults = std::move (raw);
      if (!uri.empty ())
        config.uris = split_uris (uri.mapped ());
    } else if (g_str_has_prefix (*group, "stream \"") &&
               g_str_has_suffix (*group, "\"")) {
      if (uri.empty ())
        throw UsageError{path + ": [" + *group + "] has no uri"};
      config.streams.emplace_back (uri.mapped (), std::move (raw));
    } else if (g_str_has_prefix (*group, "mount \"") &&
               g_str_has_suffix (*group, "\"")) {
      if (uri.empty () || !raw.empty ())
        throw UsageError{path + ": [" + *group + "] has a uri, nothing else"};
      const std::string_view name (*group);
      config.mounts.emplace (name.substr (7, name.size () - 8), uri.mapped ());
    } else {
      throw UsageError{path + ": unknown group [" + *group +
                       "]; there are [relay], [stream \"NAME\"] and [mount "
                       "\"NAME\"]"};
    }
  }
  return config;
}

// --- Both together ----------------------------------------------------------

Raw
merged (const Raw &low, const Raw &high)
{
  Raw raw = high;
  raw.insert (low.begin (), low.end ());
  return raw;
}

void
check_together (const Options &options, bool publish_is_default)
{
  if (options.streams.empty () &&
      (options.check || options.gateway.host.empty ()))
    throw UsageError{
        "no stream: give a URI, as spreadit://source.example:8554/live; "
        "try --help"};
  if (publish_is_default && options.streams.size () != 1)
    throw UsageError{"publish needs exactly one URI; for more, use "
                     "[stream \"NAME\"] groups in a config file"};
  std::set<std::string> seen;
  for (const StreamOptions &stream : options.streams) {
    if (!seen.insert (stream.uri).second)
      throw UsageError{stream.uri + " is there twice; once is enough"};
    if (stream.loop && stream.publish.empty ())
      throw UsageError{"loop needs --publish=FILE"};
    if (stream.always_on && !is_origin (stream.publish))
      throw UsageError{
          "always-on needs an INPUT that can be away, as rtsp://..."};
    if (options.check && !stream.publish.empty ())
      throw UsageError{
          "check joins a stream; it does not go with publish, start the "
          "source first"};
  }
}

Options
combine (const CommandLine &line)
{
  Options options;
  ConfigFile config;
  if (auto path = line.raw.find ("config"); path != line.raw.end ()) {
    options.config = path->second;
    config = read_config (options.config);
  }
  const Raw defaults = merged (config.defaults, line.raw);
  for (const auto &[uri, own] : config.streams)
    options.streams.push_back (
        make_stream (uri, merged (merged (config.defaults, own), line.raw)));
  config.uris.insert (config.uris.end (), line.uris.begin (), line.uris.end ());
  for (const std::string &uri : config.uris)
    options.streams.push_back (make_stream (uri, defaults));
  if (auto stats = defaults.find ("stats"); stats != defaults.end ())
    options.stats = stats->second;
  if (auto quiet = defaults.find ("quiet"); quiet != defaults.end ())
    options.quiet = checked_flag ("quiet", quiet->second);
  if (auto log = defaults.find ("log"); log != defaults.end ())
    options.log = checked_log (log->second);
  options.check = line.check;
  if (auto http = defaults.find ("http"); http != defaults.end ())
    options.http = checked_http (http->second);
  options.gateway = checked_gateway (defaults, config.mounts);
  check_together (options, defaults.contains ("publish"));
  return options;
}

using Settings = std::map<std::string, std::string, std::less<>>;

void
compare_settings (const std::string &whose, const Settings &now,
    const Settings &next, Settings &changes, Reload &reload)
{
  for (const Setting &row : settings ()) {
    const auto before = now.find (row.name);
    const auto after = next.find (row.name);
    const std::string old = before == now.end () ? "" : before->second;
    const std::string fresh = after == next.end () ? "" : after->second;
    if (old == fresh)
      continue;
    if (row.live)
      changes[row.name] = fresh;
    else
      reload.needs_restart.push_back (
          whose + ": another " + row.name + " needs a restart");
  }
}

} // namespace

std::variant<Options, Exit>
parse_options (const std::vector<std::string> &arguments)
{
  try {
    std::string help;
    const CommandLine line = parse_command_line (arguments, &help);
    if (line.help)
      return Exit{exit_left, help};
    if (line.version)
      return Exit{exit_left,
          "gst-spreadit-relay " SPREADIT_VERSION "\n"
          "GStreamer " SPREADIT_GST_VERSION " or later, LGPL 2.1 or later\n"};
    return combine (line);
  } catch (const UsageError &error) {
    return Exit{exit_usage, error.what};
  }
}

Reload
compare (const Options &running, const Options &wanted)
{
  Reload reload;
  const auto find = [] (const Options &options, const std::string &uri) {
    for (const StreamOptions &stream : options.streams)
      if (stream.uri == uri)
        return &stream;
    return static_cast<const StreamOptions *> (nullptr);
  };
  for (const StreamOptions &now : running.streams) {
    auto &changes = reload.changes.emplace_back ();
    const StreamOptions *next = find (wanted, now.uri);
    if (!next) {
      reload.needs_restart.push_back (
          now.uri + " is gone from the config; restart to leave it");
      continue;
    }
    if (next->publish != now.publish || next->loop != now.loop ||
        next->always_on != now.always_on)
      reload.needs_restart.push_back (
          now.uri + ": another publish, loop or always-on needs a restart");
    compare_settings (now.uri, now.settings, next->settings, changes, reload);
  }
  for (const StreamOptions &stream : wanted.streams)
    if (!find (running, stream.uri))
      reload.needs_restart.push_back (
          stream.uri + " is new in the config; restart to join it");
  if (!running.gateway.host.empty () || !wanted.gateway.host.empty ()) {
    GatewayOptions gateway = wanted.gateway;
    gateway.settings = running.gateway.settings;
    if (!(gateway == running.gateway))
      reload.needs_restart.push_back ("another gateway needs a restart");
    compare_settings ("the gateway", running.gateway.settings,
        wanted.gateway.settings, reload.gateway, reload);
  }
  if (running.stats != wanted.stats)
    reload.needs_restart.push_back ("another stats file needs a restart");
  if (running.log != wanted.log)
    reload.needs_restart.push_back ("another log needs a restart");
  if (running.http != wanted.http)
    reload.needs_restart.push_back ("another http address needs a restart");
  return reload;
}

} // namespace spreadit::relay
