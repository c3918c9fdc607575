// gst-spreadit-sim: runs, and writes down what came of them.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <csignal>
#include <cstdio>
#include <iostream>

#include <glib.h>

#include "sim/cli/options.hpp"
#include "sim/cli/results.hpp"
#include "sim/world.hpp"

using namespace spreadit::sim;

namespace {

volatile std::sig_atomic_t interrupted = 0;

void
on_interrupt (int)
{
  // A second one ends it at once.
  std::signal (SIGINT, SIG_DFL);
  interrupted = 1;
}

void
write_file (const std::string &name, const std::string &text)
{
  if (name == "-") {
    std::cout << text;
    return;
  }
  GError *error = nullptr;
  if (!g_file_set_contents (name.c_str (), text.c_str (),
          static_cast<gssize> (text.size ()), &error)) {
    const std::string why = error->message;
    g_error_free (error);
    throw UsageError{"cannot write results: " + why};
  }
}

std::vector<Run>
run_all (const Options &options)
{
  std::vector<Run> runs;
  for (const auto add : options.add_policies)
    for (const auto leave : options.delete_policies)
      for (unsigned i = 0; i < options.seeds && !interrupted; ++i) {
        Scenario scenario = options.scenario;
        scenario.add_policy = add;
        scenario.delete_policy = leave;
        scenario.seed += i;
        const std::string title =
            policies_of (scenario) + ", seed " + std::to_string (scenario.seed);
        const gint64 started = g_get_monotonic_time ();
        gint64 told = started;
        World world (scenario);
        Measures measures = world.run ([&] (double done) {
          const gint64 now = g_get_monotonic_time ();
          if (!options.quiet && now - told > 2 * G_USEC_PER_SEC) {
            told = now;
            std::fprintf (stderr, "%s: %2.0f %%\n", title.c_str (), 100 * done);
          }
          return interrupted != 0;
        });
        if (!options.quiet) {
          const double seconds =
              static_cast<double> (g_get_monotonic_time () - started) / 1e6;
          std::fprintf (stderr, "%s: %llu events in %.1f s\n", title.c_str (),
              static_cast<unsigned long long> (measures.events), seconds);
        }
        runs.push_back ({std::move (scenario), std::move (measures)});
      }
  return runs;
}

void
write_all (const Options &options, const std::vector<Run> &runs,
    const std::string &command)
{
  if (!options.json.empty ())
    write_file (options.json, to_json (runs));
  if (!options.csv.empty ())
    write_file (options.csv, runs_csv (runs));
  if (!options.report.empty ()) {
    if (g_mkdir_with_parents (options.report.c_str (), 0755) != 0)
      throw UsageError{"cannot make the folder " + options.report};
    const std::string in = options.report + "/";
    write_file (in + "index.html", to_html (runs, command));
    write_file (in + "runs.json", to_json (runs));
    write_file (in + "runs.csv", runs_csv (runs));
    write_file (in + "points.csv", points_csv (runs));
  }
  if (!options.json.empty () || !options.csv.empty () ||
      !options.report.empty ())
    return;
  for (const Run &run : runs) {
    std::printf ("%s, seed %llu\n", policies_of (run.scenario).c_str (),
        static_cast<unsigned long long> (run.scenario.seed));
    for (const Figure &figure : figures (run.measures))
      std::printf ("  %-28s %.6g\n", figure.name, figure.value);
  }
}

} // namespace

int
main (int argc, char **argv)
{
  std::string command;
  for (int i = 0; i < argc; ++i) {
    char *name = i == 0 ? g_path_get_basename (argv[0]) : g_strdup (argv[i]);
    command.append (i == 0 ? "" : " ").append (name);
    g_free (name);
  }
  try {
    const Options options = parse_options (argc, argv);
    if (options.version) {
      std::cout << "gst-spreadit-sim " SPREADIT_VERSION "\n";
      return 0;
    }
    std::signal (SIGINT, on_interrupt);
    std::signal (SIGTERM, on_interrupt);
    write_all (options, run_all (options), command);
  } catch (const UsageError &error) {
    std::cerr << "gst-spreadit-sim: " << error.text << '\n';
    return 2;
  }
  return interrupted ? 130 : 0;
}
