// gst-spreadit-relay: joins the trees of streams and relays them, or is their
// source. Signals, exit status and what is printed live here.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <iterator>

#include <glib-unix.h>

#include "http/site.hpp"
#ifdef SPREADIT_GATEWAY
#include "gateway.hpp"
#endif
#include "log.hpp"
#include "owned.hpp"
#include "relay_options.hpp"
#include "relay_stream.hpp"
#include "stream_check.hpp"

namespace spreadit::relay {

namespace {

constexpr gint64 same_signal_us = 300'000;

// Where the stats lines go.
class StatsFile {
public:
  // Empty, or why not.
  std::string open (const std::string &name)
  {
    name_ = name;
    if (name == "-" || name.empty ()) {
      file_ = name.empty () ? nullptr : stdout;
      return "";
    }
    FILE *opened = std::fopen (name.c_str (), "ae");
    if (!opened)
      return "cannot write stats to " + name + ": " + std::strerror (errno);
    close ();
    file_ = opened;
    return "";
  }
  ~StatsFile () { close (); }

  [[nodiscard]] bool is_open () const { return file_; }

  // Empty, or why there are no more.
  std::string write (const std::string &line)
  {
    if (!file_ || line.empty ())
      return "";
    if (std::fprintf (file_, "%s\n", line.c_str ()) >= 0 &&
        std::fflush (file_) == 0)
      return "";
    std::string why = "no more stats: cannot write to " + name_ + ": " +
                      std::strerror (errno);
    close ();
    return why;
  }

private:
  void close ()
  {
    if (file_ && file_ != stdout)
      std::fclose (file_);
    file_ = nullptr;
  }

  std::string name_;
  FILE *file_ = nullptr;
};

class App {
public:
  App (Options options, std::vector<std::string> arguments)
      : options_ (std::move (options)), arguments_ (std::move (arguments)),
        // The stats own standard output if they were sent there.
        log_ (options_.log,
            options_.quiet ||
                (options_.stats == "-" && options_.log == Log::Format::text)),
        loop_ (g_main_loop_new (nullptr, FALSE))
  {
  }

  int run ();

private:
  bool prepare ();
  bool serve_http ();
  bool open_gateway ();
  void on_over (const std::string &uri, const std::string &problem);
  void on_stop_signal ();
  void reload ();
  void write_stats ();

  Options options_;
  std::vector<std::string> arguments_;
  Log log_;
  Owned<GMainLoop> loop_;
  std::vector<std::unique_ptr<RelayStream>> streams_;
#ifdef SPREADIT_GATEWAY
  std::unique_ptr<Gateway> gateway_;
#endif
  std::size_t running_ = 0; // streams, and the gateway
  StatsFile stats_;
  std::unique_ptr<http::Site> site_;
  bool leaving_ = false;
  gint64 leaving_since_us_ = 0;
  int status_ = exit_left;
};

void
App::on_over (const std::string &uri, const std::string &problem)
{
  if (!problem.empty ()) {
    log_.complain (uri, problem);
    status_ = exit_failed;
  } else {
    log_.say ("left", uri, "left");
  }
  if (--running_ == 0)
    g_main_loop_quit (loop_.get ());
}

bool
App::prepare ()
{
  if (const std::string why = stats_.open (options_.stats); !why.empty ()) {
    log_.complain ("", why);
    status_ = exit_usage;
    return false;
  }
  for (const StreamOptions &stream : options_.streams) {
    const std::string &uri = stream.uri;
    auto made = RelayStream::make (
        stream, {[this, uri] (const char *event, const std::string &what) {
                   log_.say (event, uri, what);
                 },
                    [this, uri] (const char *event, const std::string &what) {
                      log_.warn (event, uri, what);
                    },
                    [this, uri] (const std::string &what) {
                      if (site_)
                        site_->moved (uri, what);
                    },
                    [this, uri] (const std::string &problem) {
                      on_over (uri, problem);
                    }});
    if (auto *problem = std::get_if<InputProblem> (&made)) {
      log_.complain (uri, problem->what);
      status_ = problem->status;
      return false;
    }
    streams_.push_back (
        std::get<std::unique_ptr<RelayStream>> (std::move (made)));
  }
  return open_gateway ();
}

#ifdef SPREADIT_GATEWAY
bool
App::open_gateway ()
{
  if (options_.gateway.host.empty ())
    return true;
  auto made = Gateway::make (options_.gateway,
      {[this] (const std::string &uri, const std::string &what) {
        log_.say ("gateway", uri, what);
      }});
  if (auto *problem = std::get_if<std::string> (&made)) {
    log_.complain ("", *problem);
    status_ = exit_failed;
    return false;
  }
  gateway_ = std::get<std::unique_ptr<Gateway>> (std::move (made));
  log_.say ("gateway", gateway_->address (),
      "the gateway, for players on this machine");
  ++running_;
  return true;
}
#else
bool
App::open_gateway ()
{
  if (options_.gateway.host.empty ())
    return true;
  log_.complain (
      "", "built without --gateway, because gst-rtsp-server was not there");
  status_ = exit_usage;
  return false;
}
#endif

// Before the streams begin, so that a port that is taken is no surprise later.
bool
App::serve_http ()
{
  if (!options_.http)
    return true;
  auto opened = http::Site::open (*options_.http, [this] {
    std::vector<http::Stream> there;
    for (const auto &stream : streams_)
      if (auto *manager = stream->manager ())
        there.push_back ({stream->uri (), manager});
    return there;
  });
  if (auto *why = std::get_if<std::string> (&opened)) {
    log_.complain ("", *why);
    status_ = exit_failed;
    return false;
  }
  site_ = std::get<std::unique_ptr<http::Site>> (std::move (opened));
  log_.say ("http", "http", site_->url ());
  return true;
}

void
App::on_stop_signal ()
{
  if (leaving_) {
    // timeout(1) and shells signal the process and its group: that is one.
    if (g_get_monotonic_time () - leaving_since_us_ < same_signal_us)
      return;
    log_.complain (
        "", "left at once; the children have to find a parent themselves");
    status_ = exit_failed;
    for (auto &stream : streams_)
      stream->drop ();
    g_main_loop_quit (loop_.get ());
    return;
  }
  leaving_ = true;
  leaving_since_us_ = g_get_monotonic_time ();
  write_stats ();
#ifdef SPREADIT_GATEWAY
  if (gateway_)
    gateway_->leave ([this] { on_over (gateway_->address (), ""); });
#endif
  for (auto &stream : streams_)
    stream->leave ();
}

void
App::reload ()
{
  // A rotated log gets its new file.
  if (const std::string why = stats_.open (options_.stats); !why.empty ())
    log_.complain ("", why);
  if (options_.config.empty ())
    return;
  auto parsed = parse_options (arguments_);
  if (auto *wrong = std::get_if<Exit> (&parsed)) {
    log_.complain ("", wrong->text);
    log_.complain ("", "keeping the options as they were");
    return;
  }
  const Reload reload = compare (options_, std::get<Options> (parsed));
  for (std::size_t i = 0; i < streams_.size (); ++i) {
    streams_[i]->apply (reload.changes[i]);
    for (const auto &[name, value] : reload.changes[i]) {
      auto &settings = options_.streams[i].settings;
      if (value.empty ())
        settings.erase (name);
      else
        settings[name] = value;
    }
  }
#ifdef SPREADIT_GATEWAY
  if (gateway_)
    gateway_->apply (reload.gateway);
#endif
  for (const auto &[name, value] : reload.gateway) {
    if (value.empty ())
      options_.gateway.settings.erase (name);
    else
      options_.gateway.settings[name] = value;
  }
  for (const std::string &message : reload.needs_restart)
    log_.complain ("", message);
}

void
App::write_stats ()
{
  std::vector<std::string> lines;
  for (auto &stream : streams_)
    lines.push_back (stream->stats ());
#ifdef SPREADIT_GATEWAY
  if (gateway_)
    std::ranges::move (gateway_->stats (), std::back_inserter (lines));
#endif
  for (const std::string &line : lines)
    if (const std::string why = stats_.write (line); !why.empty ())
      log_.complain ("", why);
}

int
App::run ()
{
  if (!prepare () || !serve_http ())
    return status_;

  // A reader of the stats that went away is no reason to go as well.
  std::signal (SIGPIPE, SIG_IGN);
  const auto on_stop = [] (gpointer app) -> gboolean {
    static_cast<App *> (app)->on_stop_signal ();
    return G_SOURCE_CONTINUE;
  };
  std::vector<guint> sources{
      g_unix_signal_add (SIGINT, on_stop, this),
      g_unix_signal_add (SIGTERM, on_stop, this),
      g_unix_signal_add (
          SIGHUP,
          [] (gpointer app) -> gboolean {
            static_cast<App *> (app)->reload ();
            return G_SOURCE_CONTINUE;
          },
          this),
  };
  if (stats_.is_open ())
    sources.push_back (g_timeout_add (
        1000,
        [] (gpointer app) -> gboolean {
          static_cast<App *> (app)->write_stats ();
          return G_SOURCE_CONTINUE;
        },
        this));

  running_ += streams_.size ();
  for (auto &stream : streams_)
    stream->start ();
  if (running_ > 0)
    g_main_loop_run (loop_.get ());
  for (const guint source : sources)
    g_source_remove (source);
  site_.reset ();
  return status_;
}

// One after the other; the worst counts.
int
check (const Options &options)
{
  int status = exit_left;
  for (const StreamOptions &stream : options.streams) {
    const CheckResult result = check_stream (stream);
    std::fputs (result.report.c_str (), stdout);
    std::fflush (stdout);
    if (!result.problem.empty ())
      Log (options.log, false).complain (stream.uri, result.problem);
    status = std::max (status, result.status);
  }
  return status;
}

} // namespace

} // namespace spreadit::relay

int
main (int argc, char **argv)
{
  using namespace spreadit::relay;
  const std::vector<std::string> arguments (argv + 1, argv + argc);
  gst_init (nullptr, nullptr);
  auto parsed = parse_options (arguments);
  if (auto *done = std::get_if<Exit> (&parsed)) {
    if (done->status)
      Log ().complain ("", done->text);
    else
      std::fputs (done->text.c_str (), stdout);
    return done->status;
  }
  auto &options = std::get<Options> (parsed);
  if (options.check)
    return check (options);
  return App (std::move (options), arguments).run ();
}
