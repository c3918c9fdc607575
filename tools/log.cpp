// SPDX-License-Identifier: LGPL-2.1-or-later
#include "log.hpp"

#include <cstdio>

#include "http/json.hpp"
#include "owned.hpp"

namespace spreadit::relay {

namespace {

// RFC 3339, UTC, with milliseconds.
std::string
time_now ()
{
  GDateTime *now = g_date_time_new_now_utc ();
  const Text seconds (g_date_time_format (now, "%Y-%m-%dT%H:%M:%S"));
  const int ms = g_date_time_get_microsecond (now) / 1000;
  g_date_time_unref (now);
  const Text text (g_strdup_printf ("%s.%03dZ", seconds.get (), ms));
  return text.get ();
}

// json-glib takes UTF-8 only; a path or what a peer says may be anything.
std::string
valid (const std::string &text)
{
  const Text made (
      g_utf8_make_valid (text.c_str (), static_cast<gssize> (text.size ())));
  return made.get ();
}

} // namespace

void
Log::write_json (const char *level, const char *event, const std::string &of,
    const std::string &what) const
{
  const Owned<JsonBuilder> builder (json_builder_new ());
  const auto add = [&builder] (const char *name, const std::string &text) {
    json_builder_set_member_name (builder.get (), name);
    json_builder_add_string_value (builder.get (), valid (text).c_str ());
  };
  json_builder_begin_object (builder.get ());
  add ("time", time_now ());
  add ("level", level);
  add ("event", event);
  if (!of.empty ())
    add ("stream", of);
  add ("message", what);
  json_builder_end_object (builder.get ());
  // One write a line: several processes may share the file.
  const std::string line = http::to_text (builder.get ()) + "\n";
  std::fwrite (line.data (), 1, line.size (), stderr);
}

void
Log::say (
    const char *event, const std::string &of, const std::string &what) const
{
  if (silent_)
    return;
  if (format_ == Format::json) {
    write_json ("info", event, of, what);
    return;
  }
  std::printf ("%s: %s\n", of.c_str (), what.c_str ());
  std::fflush (stdout);
}

void
Log::warn (
    const char *event, const std::string &of, const std::string &what) const
{
  if (silent_)
    return;
  if (format_ == Format::json) {
    write_json ("warning", event, of, what);
    return;
  }
  std::fprintf (
      stderr, "gst-spreadit-relay: %s: %s\n", of.c_str (), what.c_str ());
}

void
Log::complain (const std::string &of, const std::string &what) const
{
  if (format_ == Format::json) {
    write_json ("error", "error", of, what);
    return;
  }
  const std::string text = of.empty () ? what : of + ": " + what;
  std::fprintf (stderr, "gst-spreadit-relay: %s\n", text.c_str ());
}

} // namespace spreadit::relay
