// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sim/cli/options.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <memory>

#include <glib.h>

#include "sim/audience.hpp"

namespace spreadit::sim {

namespace {

using core::AddPolicyKind;
using core::DeletePolicyKind;
using core::Duration;

template <class Kind> struct Named {
  std::string_view name;
  Kind kind;
};
constexpr std::array add_policies{
    Named<AddPolicyKind>{"random", AddPolicyKind::random},
    Named<AddPolicyKind>{"round-robin", AddPolicyKind::round_robin},
    Named<AddPolicyKind>{"smart-placement", AddPolicyKind::smart_placement},
    Named<AddPolicyKind>{"knock-downs", AddPolicyKind::knock_downs},
    Named<AddPolicyKind>{"smart-bandwidth", AddPolicyKind::smart_bandwidth},
    Named<AddPolicyKind>{"auto", AddPolicyKind::automatic},
};
constexpr std::array delete_policies{
    Named<DeletePolicyKind>{"grandfather", DeletePolicyKind::grandfather},
    Named<DeletePolicyKind>{"root", DeletePolicyKind::root},
    Named<DeletePolicyKind>{
        "grandfather-all", DeletePolicyKind::grandfather_all},
    Named<DeletePolicyKind>{"root-all", DeletePolicyKind::root_all},
};

struct Free {
  void operator() (char *text) const { g_free (text); }
  void operator() (GOptionContext *context) const
  {
    g_option_context_free (context);
  }
  void operator() (GError *error) const { g_error_free (error); }
};
template <class T> using Owned = std::unique_ptr<T, Free>;

[[noreturn]] void
bad (std::string_view option, std::string_view text, std::string_view wanted)
{
  throw UsageError{"bad " + std::string (option) + " \"" + std::string (text) +
                   "\": give " + std::string (wanted)};
}

double
number (std::string_view option, std::string_view text, double least,
    double most, std::string_view wanted)
{
  double value = 0;
  const char *end = text.data () + text.size ();
  auto [stop, error] = std::from_chars (text.data (), end, value);
  if (error == std::errc () && stop + 1 == end && std::strchr ("kMG", *stop)) {
    value *= *stop == 'k' ? 1e3 : *stop == 'M' ? 1e6 : 1e9;
    ++stop;
  }
  if (error != std::errc () || stop != end || !(value >= least) || value > most)
    bad (option, text, wanted);
  return value;
}

double
share (std::string_view option, std::string_view text)
{
  return number (option, text, 0, 1, "a share between 0 and 1");
}

// 50ms, 2.5s, 20min
Duration
duration (std::string_view option, std::string_view text)
{
  constexpr std::string_view wanted = "a time, as 50ms, 2.5s or 20min";
  double ns = 0;
  std::string_view value = text;
  const auto ends = [&] (std::string_view unit, double size) {
    if (ns > 0 || !value.ends_with (unit))
      return;
    value.remove_suffix (unit.size ());
    ns = size;
  };
  ends ("min", 60e9);
  ends ("ms", 1e6);
  ends ("us", 1e3);
  ends ("s", 1e9);
  ends ("h", 3600e9);
  if (ns == 0)
    bad (option, text, wanted);
  // Ten years fit in the clock.
  return Duration (
      std::llround (ns * number (option, value, 0, 3e17 / ns, wanted)));
}

Law
law (std::string_view option, std::string_view text)
{
  auto parsed = parse_law (text);
  if (!parsed)
    bad (option, text,
        "a law, as fixed:3, exponential:600, weibull:0.509,1161 or "
        "table:0=42,1=26,2=32");
  return std::move (*parsed);
}

std::string
contents (std::string_view option, const std::string &file)
{
  char *text = nullptr;
  gsize length = 0;
  GError *error = nullptr;
  if (!g_file_get_contents (file.c_str (), &text, &length, &error)) {
    const Owned<GError> owned (error);
    throw UsageError{
        "cannot read " + std::string (option) + ": " + owned->message};
  }
  const Owned<char> owned (text);
  return std::string (text, length);
}

template <class Kind, std::size_t size>
std::vector<Kind>
kinds (std::string_view option, std::string_view text,
    const std::array<Named<Kind>, size> &table)
{
  std::vector<Kind> chosen;
  std::string all;
  for (const auto &row : table)
    all.append (all.empty () ? "" : ", ").append (row.name);
  if (text == "all") {
    for (const auto &row : table)
      chosen.push_back (row.kind);
    return chosen;
  }
  for (;;) {
    const auto comma = text.find (',');
    const std::string_view word = text.substr (0, comma);
    bool found = false;
    for (const auto &row : table)
      if (row.name == word) {
        chosen.push_back (row.kind);
        found = true;
      }
    if (!found)
      bad (option, word, "all or some of " + all);
    if (comma == text.npos)
      return chosen;
    text.remove_prefix (comma + 1);
  }
}

// Values as text, so that each is checked in one place.
struct Row {
  const char *name;
  const char *value; // nullptr: a switch
  const char *help;
};
constexpr std::array rows{
    Row{"peers", "N", "Who come, at most (1000)"},
    Row{"duration", "TIME", "Of the simulated world (20min)"},
    Row{"arrivals", "LAW", "flash:TIME or poisson:PER_SECOND (flash:60s)"},
    Row{"stay", "LAW", "Seconds each stays (forever)"},
    Row{"trace", "FILE", "CSV: join_s,leave_s,... as in the man page"},
    Row{"crash-share", "SHARE", "Of those who go, unannounced (0.1)"},
    Row{"silent-share", "SHARE", "Of these, without a reset (0.5)"},
    Row{"children", "LAW",
        "Capacity, or \"uplink\": from the uplink (fixed:3)"},
    Row{"uplink", "LAW", "Bit/s each can send (not known)"},
    Row{"source-children", "N", "Capacity of the source (10)"},
    Row{"source-uplink", "RATE", "Bit/s the source can send (never short)"},
    Row{"rtt", "RTT",
        "constant:TIME, geography:SITES or matrix:FILE in ms "
        "(geography:256)"},
    Row{"access", "LAW", "One-way ms of each access link (uniform:2,15)"},
    Row{"jitter", "TIME", "At most, on each message (2ms)"},
    Row{"loss", "SHARE", "Of packets between two peers (0)"},
    Row{"stream-rate", "RATE", "Bit/s of the stream (1M)"},
    Row{"frame-rate", "N", "Pictures a second (25)"},
    Row{"packet-size", "BYTES", "Of a picture's packets (1200)"},
    Row{"queue", "TIME", "What an access link holds (200ms)"},
    Row{"ring", "TIME", "Stream kept for peers that resume (3s)"},
    Row{"no-resume", nullptr, "What was missed is not sent"},
    Row{"standby", nullptr, "Keep a connection for when the parent fails (so)"},
    Row{"no-standby", nullptr, "Orphans connect first"},
    Row{"repairs", "N", "Times a lost packet is asked for (1)"},
    Row{"deadline", "TIME", "Later packets are no use (600ms)"},
    Row{"add-policy", "LIST", "Policies, or \"all\" (auto)"},
    Row{"second-add-policy", "POLICY", "Of smart-bandwidth (round-robin)"},
    Row{"delete-policy", "LIST", "Policies, or \"all\" (grandfather)"},
    Row{"max-tries", "N", "Peers to ask before giving up (32)"},
    Row{"alive-interval", "TIME", "Time between heart-beats (1s)"},
    Row{"alive-misses", "N", "Heart-beats missed that mean dead (3)"},
    Row{"locate-after", "TIME", "Until a peer knows its way (0s)"},
    Row{"offer-dead-ends", nullptr, "As the paper does"},
    Row{"idle-beats", nullptr, "Simulate heart-beats that change nothing"},
    Row{"seed", "N", "Of everything that is drawn (1)"},
    Row{"seeds", "N", "Runs of each policy pair (1)"},
    Row{"points", "N", "Of each curve over time (60)"},
    Row{"json", "FILE", "Results, - for stdout"},
    Row{"csv", "FILE", "One row a run, - for stdout"},
    Row{"report", "DIR", "index.html, runs.json, runs.csv, points.csv"},
    Row{"quiet", nullptr, "No progress on stderr"},
    Row{"version", nullptr, "Show the version"},
};

// What was given, in the order of `rows`; the GLib side of it.
class Given {
public:
  Given (int argc, char **argv)
  {
    std::array<GOptionEntry, rows.size () + 1> entries{};
    for (std::size_t i = 0; i < rows.size (); ++i) {
      entries[i].long_name = rows[i].name;
      entries[i].description = rows[i].help;
      entries[i].arg_description = rows[i].value;
      entries[i].arg = rows[i].value ? G_OPTION_ARG_STRING : G_OPTION_ARG_NONE;
      entries[i].arg_data = rows[i].value ? static_cast<void *> (&texts_[i])
                                          : static_cast<void *> (&switches_[i]);
    }
    const Owned<GOptionContext> context (g_option_context_new (nullptr));
    g_option_context_set_summary (
        context.get (), "Simulates an audience with the peers that ship.");
    g_option_context_set_description (context.get (),
        "LAW is fixed:V, uniform:LOW,HIGH, exponential:MEAN, "
        "weibull:SHAPE,SCALE,\nlognormal:MU,SIGMA, pareto:SHAPE,SMALLEST, "
        "table:V=WEIGHT,V=WEIGHT... or forever.\n");
    g_option_context_add_main_entries (
        context.get (), entries.data (), nullptr);
    GError *error = nullptr;
    if (!g_option_context_parse (context.get (), &argc, &argv, &error)) {
      const Owned<GError> owned (error);
      throw UsageError{std::string (owned->message) + "; try --help"};
    }
    if (argc > 1)
      throw UsageError{
          "not understood: " + std::string (argv[1]) + "; try --help"};
  }
  ~Given ()
  {
    for (char *text : texts_)
      g_free (text);
  }
  Given (const Given &) = delete;
  Given &operator= (const Given &) = delete;

  template <class Use> void with (std::string_view name, Use use) const
  {
    if (const char *text = texts_[index (name)])
      use (std::string_view ("--" + std::string (name)), std::string (text));
  }
  [[nodiscard]] bool has (std::string_view name) const
  {
    return switches_[index (name)] || texts_[index (name)];
  }

private:
  static std::size_t index (std::string_view name)
  {
    for (std::size_t i = 0; i < rows.size (); ++i)
      if (name == rows[i].name)
        return i;
    g_assert_not_reached ();
  }
  std::array<char *, rows.size ()> texts_{};
  std::array<gboolean, rows.size ()> switches_{};
};

template <class Number>
void
set (const Given &given, std::string_view name, Number &field, double least,
    double most)
{
  given.with (name, [&] (auto option, const std::string &text) {
    field = static_cast<Number> (std::floor (number (option, text, least, most,
        "a number from " + std::to_string (static_cast<long> (least)) + " to " +
            std::to_string (static_cast<long> (most)))));
  });
}
void
set_share (const Given &given, std::string_view name, double &field)
{
  given.with (name, [&] (auto option, const std::string &text) {
    field = share (option, text);
  });
}
void
set_time (const Given &given, std::string_view name, Duration &field)
{
  given.with (name, [&] (auto option, const std::string &text) {
    field = duration (option, text);
  });
}
void
set_law (const Given &given, std::string_view name, Law &field)
{
  given.with (name, [&] (auto option, const std::string &text) {
    field = law (option, text);
  });
}

void
set_audience (const Given &given, Scenario &scenario)
{
  set (given, "peers", scenario.peers, 0, 10'000'000);
  given.with ("arrivals", [&] (auto option, const std::string &text) {
    if (text.starts_with ("flash:"))
      scenario.flash_crowd = duration (option, text.substr (6));
    else if (text.starts_with ("poisson:"))
      scenario.arrivals_per_s =
          number (option, text.substr (8), 1e-6, 1e6, "poisson:PER_SECOND");
    else
      bad (option, text, "flash:TIME or poisson:PER_SECOND");
  });
  set_law (given, "stay", scenario.stay);
  given.with ("trace", [&] (auto option, const std::string &file) {
    auto rows_read = parse_trace (contents (option, file));
    if (!rows_read)
      bad (option, file, "a CSV file with columns join_s and leave_s");
    scenario.trace = std::move (*rows_read);
  });
  set_share (given, "crash-share", scenario.crash_share);
  set_share (given, "silent-share", scenario.silent_share);
  given.with ("uplink", [&] (auto option, const std::string &text) {
    scenario.uplink = law (option, text);
  });
  given.with ("children", [&] (auto option, const std::string &text) {
    scenario.capacity_from_uplink = text == "uplink";
    if (!scenario.capacity_from_uplink)
      scenario.children = law (option, text);
  });
  if (scenario.capacity_from_uplink && !scenario.uplink &&
      scenario.trace.empty ())
    throw UsageError{"--children=uplink needs --uplink"};
  set (given, "source-children", scenario.source_children, 1,
      core::limits::children_max_max);
  set (given, "source-uplink", scenario.source_uplink_bps, 0, 1e13);
}

void
set_network (const Given &given, Scenario &scenario)
{
  scenario.access = Law{Law::Kind::uniform, {2, 15}, {}};
  scenario.jitter = 2ms;
  std::string rtt = "geography:256";
  given.with ("rtt", [&] (auto, const std::string &text) { rtt = text; });
  const std::string kind = rtt.substr (0, rtt.find (':'));
  const std::string value =
      rtt.substr (std::min (rtt.size (), kind.size () + 1));
  std::optional<Geography> geography;
  if (kind == "constant")
    geography = Geography::constant (duration ("--rtt", value));
  else if (kind == "geography")
    geography = Geography::generated (scenario.seed,
        static_cast<std::size_t> (
            number ("--rtt", value, 1, 5000, "geography:SITES, up to 5000")));
  else if (kind == "matrix")
    geography = Geography::matrix (contents ("--rtt", value));
  if (!geography)
    bad ("--rtt", rtt,
        "constant:TIME, geography:SITES or matrix:FILE, a square of ms");
  scenario.geography =
      std::make_shared<const Geography> (std::move (*geography));
  set_law (given, "access", scenario.access);
  set_time (given, "jitter", scenario.jitter);
  set_share (given, "loss", scenario.loss);
  set (given, "stream-rate", scenario.stream_bps, 1, 1e12);
  given.with ("frame-rate", [&] (auto option, const std::string &text) {
    scenario.frames_per_s =
        number (option, text, 0.1, 1000, "a number from 0.1 to 1000");
  });
  set (given, "packet-size", scenario.packet_bytes, 1, 65507);
  set_time (given, "queue", scenario.queue);
  set_time (given, "ring", scenario.ring);
  scenario.resume = !given.has ("no-resume");
  if (given.has ("standby") && given.has ("no-standby"))
    throw UsageError{"--standby and --no-standby: which of them?"};
  scenario.standby = !given.has ("no-standby");
  set (given, "repairs", scenario.repairs, 0, 10);
  set_time (given, "deadline", scenario.deadline);
}

} // namespace

Options
parse_options (int argc, char **argv)
{
  const Given given (argc, argv);
  Options options;
  Scenario &scenario = options.scenario;
  set (given, "seed", scenario.seed, 0, 9e15);
  set_time (given, "duration", scenario.duration);
  if (scenario.duration <= Duration::zero ())
    throw UsageError{"--duration: nothing happens in no time"};
  set_audience (given, scenario);
  set_network (given, scenario);

  options.add_policies = {AddPolicyKind::automatic};
  given.with ("add-policy", [&] (auto option, const std::string &text) {
    options.add_policies = kinds (option, text, add_policies);
  });
  given.with ("second-add-policy", [&] (auto option, const std::string &text) {
    scenario.second_add_policy = kinds (option, text, add_policies).front ();
  });
  options.delete_policies = {DeletePolicyKind::grandfather};
  given.with ("delete-policy", [&] (auto option, const std::string &text) {
    options.delete_policies = kinds (option, text, delete_policies);
  });
  set (given, "max-tries", scenario.tries_max, 1, 10'000);
  set_time (given, "alive-interval", scenario.alive_interval);
  if (scenario.alive_interval <= Duration::zero ())
    throw UsageError{"--alive-interval: give a time"};
  set (given, "alive-misses", scenario.alive_misses, 1, 1000);
  set_time (given, "locate-after", scenario.locate_after);
  scenario.offer_dead_ends = given.has ("offer-dead-ends");
  scenario.idle_beats = given.has ("idle-beats");
  set (given, "points", scenario.points, 1, 10'000);
  set (given, "seeds", options.seeds, 1, 100'000);
  const auto file = [&] (std::string_view name, std::string &field) {
    given.with (name, [&] (auto, const std::string &text) { field = text; });
  };
  file ("json", options.json);
  file ("csv", options.csv);
  file ("report", options.report);
  options.quiet = given.has ("quiet");
  options.version = given.has ("version");
  return options;
}

std::string_view
name_of (AddPolicyKind kind)
{
  for (const auto &row : add_policies)
    if (row.kind == kind)
      return row.name;
  return {};
}

std::string_view
name_of (DeletePolicyKind kind)
{
  for (const auto &row : delete_policies)
    if (row.kind == kind)
      return row.name;
  return {};
}

} // namespace spreadit::sim
