// What a relay costs: CPU time of its process for each packet that comes in and
// each copy that goes out. All contenders take turns, so that they share what
// else the machine does. Prints JSON, and a table to standard error. Asserts
// nothing about time.
//
//   relay-cost [--seconds=3] [--rounds=3] [--only=NAME,...] [--udp=1,4,16,64]
//              [--tcp=4,16] [--shapes=bursts,even] [--plain-sockets]
//              [--unwoken-children] RELAY BARE_RELAY [RTSP_SERVER_RELAY]
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sstream>

#include <sys/utsname.h>

#include "contender.hpp"
#include "patience.hpp"

using namespace spreadit;
using namespace spreadit::benchmark;
using namespace std::chrono_literals;

namespace {

struct Options {
  double seconds = 3;
  unsigned rounds = 3;
  bool coalesce = true;
  Receivers::Waiting waiting = Receivers::Waiting::woken;
  std::vector<std::string> names = {"spreadit", "multiudpsink", "rtsp-server",
      "bare-mmsg", "bare-gso", "bare-keep"};
  std::vector<std::string> udp = {"1", "4", "16", "64"}, tcp = {"4", "16"};
  std::vector<std::string> shapes = {"bursts", "even"};
  Programs programs;
};

std::vector<std::string>
split (const std::string &text)
{
  std::vector<std::string> parts;
  std::istringstream stream (text);
  for (std::string part; std::getline (stream, part, ',');)
    parts.push_back (part);
  return parts;
}

bool
parse (int argc, char **argv, Options &options)
{
  std::vector<std::string> programs;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const auto equals = argument.find ('=');
    const std::string name = argument.substr (0, equals);
    const std::string value =
        equals == std::string::npos ? "" : argument.substr (equals + 1);
    if (name == "--seconds")
      options.seconds = std::atof (value.c_str ());
    else if (name == "--rounds")
      options.rounds = static_cast<unsigned> (std::atoi (value.c_str ()));
    else if (name == "--only")
      options.names = split (value);
    else if (name == "--udp")
      options.udp = split (value);
    else if (name == "--tcp")
      options.tcp = split (value);
    else if (name == "--shapes")
      options.shapes = split (value);
    else if (name == "--plain-sockets")
      options.coalesce = false;
    else if (name == "--unwoken-children")
      options.waiting = Receivers::Waiting::unwoken;
    else if (name.starts_with ("--"))
      return false;
    else
      programs.push_back (argument);
  }
  if (programs.size () < 2 || !options.rounds)
    return false;
  options.programs = {
      programs[0], programs[1], programs.size () > 2 ? programs[2] : ""};
  return true;
}

struct Row {
  Transport transport;
  unsigned children;
  Shape shape;
};

// What a contender did in one turn, or in the median one.
struct Cost {
  std::string why_not; // empty: it did
  double cpu_seconds = 0, data_cpu_seconds = 0;
  std::uint64_t sent = 0, delivered = 0;

  [[nodiscard]] double us_per_packet () const
  {
    return sent ? cpu_seconds * 1e6 / static_cast<double> (sent) : 0;
  }
  [[nodiscard]] double data_us_per_packet () const
  {
    return sent ? data_cpu_seconds * 1e6 / static_cast<double> (sent) : 0;
  }
  [[nodiscard]] double us_per_copy () const
  {
    return delivered ? cpu_seconds * 1e6 / static_cast<double> (delivered) : 0;
  }
  [[nodiscard]] double delivered_fraction (unsigned children) const
  {
    return sent ? static_cast<double> (delivered) /
                      static_cast<double> (sent * children)
                : 0;
  }
};

// Until nothing more arrives.
void
settle (const Receivers &receivers)
{
  std::uint64_t before;
  do {
    before = receivers.packets ();
    test::steadily ([] { return true; }, 150ms);
  } while (receivers.packets () != before);
}

Cost
run (Contender &contender, Receivers &receivers, const Row &row,
    const Options &options)
{
  Cost cost;
  Pacer pacer (row.shape,
      [&] (const std::vector<Datagram> &packets) { contender.send (packets); });
  pacer.resume ();
  cost.why_not = contender.join (receivers);
  if (!cost.why_not.empty ())
    return cost;
  if (!test::eventually ([&] { return receivers.each_has_some (); }, 15s)) {
    cost.why_not = "not every child gets packets";
    return cost;
  }
  // Past what starting costs: also until memory that keeps the last seconds has
  // been written to once: the first touch of a page takes seven times the copy.
  test::steadily ([] { return true; }, 4s);
  pacer.pause ();
  settle (receivers);
  const std::uint64_t sent = pacer.sent (), delivered = receivers.packets ();
  const double cpu = contender.cpu_seconds ();
  const double data_cpu = contender.data_cpu_seconds ();
  pacer.resume ();
  test::steadily ([] { return true; },
      std::chrono::duration_cast<Clock::duration> (
          std::chrono::duration<double> (options.seconds)));
  pacer.pause ();
  settle (receivers);
  cost.cpu_seconds = contender.cpu_seconds () - cpu;
  cost.data_cpu_seconds = contender.data_cpu_seconds () - data_cpu;
  cost.sent = pacer.sent () - sent;
  cost.delivered = receivers.packets () - delivered;
  if (!contender.is_running ())
    cost.why_not = "it has ended";
  return cost;
}

Cost
measure (const std::string &name, const Row &row, const Options &options)
{
  Cost none;
  Receivers receivers (options.waiting);
  const auto contender = make_contender (
      name, options.programs, row.transport, receivers, options.coalesce);
  none.why_not = contender ? contender->start (
                                 options.programs, row.transport, row.children)
                           : "no such contender here";
  return none.why_not.empty () ? run (*contender, receivers, row, options)
                               : none;
}

Cost
median (std::vector<Cost> costs)
{
  const auto failed = std::ranges::find_if (
      costs, [] (const Cost &cost) { return !cost.why_not.empty (); });
  if (failed != costs.end ())
    return *failed;
  std::ranges::sort (costs, {}, &Cost::us_per_packet);
  Cost middle = costs[costs.size () / 2];
  return middle;
}

std::vector<Row>
rows (const Options &options)
{
  std::vector<Row> all;
  for (const std::string &shape_name : options.shapes) {
    const Shape shape = shape_name == "even" ? Shape::even : Shape::bursts;
    for (const std::string &n : options.udp)
      all.push_back ({Transport::udp,
          static_cast<unsigned> (std::atoi (n.c_str ())), shape});
    for (const std::string &n : options.tcp)
      all.push_back ({Transport::tcp,
          static_cast<unsigned> (std::atoi (n.c_str ())), shape});
  }
  return all;
}

const char *
to_string (Transport transport)
{
  return transport == Transport::udp ? "udp" : "tcp";
}

void
print_json (const std::string &name, const Row &row, const Cost &cost)
{
  std::printf ("    {\"contender\": \"%s\", \"transport\": \"%s\", "
               "\"children\": %u, \"traffic\": \"%s\", ",
      name.c_str (), to_string (row.transport), row.children,
      benchmark::to_string (row.shape));
  if (!cost.why_not.empty ())
    std::printf ("\"skipped\": \"%s\"}", cost.why_not.c_str ());
  else
    std::printf ("\"packets\": %llu, \"delivered\": %.4f, "
                 "\"us-per-packet\": %.2f, \"us-per-packet-data\": %.2f, "
                 "\"us-per-copy\": %.3f}",
        static_cast<unsigned long long> (cost.sent),
        cost.delivered_fraction (row.children), cost.us_per_packet (),
        cost.data_us_per_packet (), cost.us_per_copy ());
}

void
print_table_row (const Row &row, const std::vector<Cost> &costs)
{
  std::fprintf (stderr, "| %s | %u %s |", benchmark::to_string (row.shape),
      row.children, to_string (row.transport));
  for (const Cost &cost : costs) {
    if (!cost.why_not.empty ())
      std::fprintf (stderr, " - |");
    else if (const double all = cost.delivered_fraction (row.children);
             all < 0.9999)
      std::fprintf (
          stderr, " %.1f (%.1f %% arrive) |", cost.us_per_packet (), 100 * all);
    else if (cost.data_us_per_packet () < 0.99 * cost.us_per_packet ())
      std::fprintf (stderr, " %.1f, data %.1f |", cost.us_per_packet (),
          cost.data_us_per_packet ());
    else
      std::fprintf (stderr, " %.1f |", cost.us_per_packet ());
  }
  std::fprintf (stderr, "\n");
}

} // namespace

int
main (int argc, char **argv)
{
  Options options;
  if (!parse (argc, argv, options)) {
    std::fprintf (stderr, "see the head of relay_cost.cpp\n");
    return 2;
  }
  if (options.programs.rtsp_server.empty ())
    std::fprintf (stderr, "without gst-rtsp-server: it was not there when this "
                          "was built\n");
  std::fprintf (stderr, "CPU us per packet in:\n\n| traffic | children |");
  for (const std::string &name : options.names)
    std::fprintf (stderr, " %s |", name.c_str ());
  std::fprintf (stderr, "\n");

  utsname machine{};
  uname (&machine);
  std::printf ("{\n  \"kernel\": \"%s\", \"cpus\": %ld, \"seconds\": %g, "
               "\"rounds\": %u, \"children-coalesce\": %s, "
               "\"children-woken\": %s,\n  \"rows\": [",
      machine.release, sysconf (_SC_NPROCESSORS_ONLN), options.seconds,
      options.rounds, options.coalesce ? "true" : "false",
      options.waiting == Receivers::Waiting::woken ? "true" : "false");
  const char *separator = "\n";
  for (const Row &row : rows (options)) {
    std::vector<std::vector<Cost>> turns (options.names.size ());
    for (unsigned round = 0; round < options.rounds; ++round)
      for (std::size_t i = 0; i < options.names.size (); ++i)
        turns[i].push_back (measure (options.names[i], row, options));
    std::vector<Cost> costs;
    for (std::size_t i = 0; i < options.names.size (); ++i) {
      costs.push_back (median (std::move (turns[i])));
      std::printf ("%s", separator);
      separator = ",\n";
      print_json (options.names[i], row, costs.back ());
    }
    std::fflush (stdout);
    print_table_row (row, costs);
  }
  std::printf ("\n  ]\n}\n");
}
