// A flash crowd at one source: joins that are sent on, answered per second by
// one core, while it feeds a child; and what the child notices.
// Prints one JSON object; asserts nothing about time.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <deque>
#include <map>
#include <vector>

#include "agent/control_loop.hpp"
#include "node.hpp"
#include "raw_client.hpp"

using namespace spreadit;
using namespace spreadit::test;

namespace {

constexpr unsigned joins = 10000;
constexpr std::size_t open_max = 100; // at any time

// Of the control thread, which does all the work of a source.
double
control_cpu_seconds ()
{
  timespec spent{};
  agent::ControlLoop::get ().call (
      [&] { clock_gettime (CLOCK_THREAD_CPUTIME_ID, &spent); });
  return static_cast<double> (spent.tv_sec) +
         static_cast<double> (spent.tv_nsec) / 1e9;
}

// All three answers of a flight say where to go.
bool
is_sent_on (RawClient &client)
{
  for (unsigned i = 0; i < 3; ++i)
    if (client.receive_response ().status != 302)
      return false;
  return true;
}

// From the source's hand to the child's, of the packets published from the
// `from`th on, in ms.
std::vector<double>
delays (const Node &source, const Node &child, std::size_t from)
{
  const Record sent = source.record (), got = child.record ();
  std::map<Datagram, Clock::time_point> arrived;
  for (std::size_t i = 0; i < got.size (); ++i)
    arrived.emplace (got.packets ()[i], got.times ()[i]);
  std::vector<double> result;
  for (std::size_t i = from; i < sent.size (); ++i)
    if (const auto it = arrived.find (sent.packets ()[i]); it != arrived.end ())
      result.push_back (std::chrono::duration<double, std::milli> (
          it->second - sent.times ()[i])
                            .count ());
  std::sort (result.begin (), result.end ());
  return result;
}

void
print_delays (const char *name, const std::vector<double> &sorted)
{
  const auto at = [&] (std::size_t percent) {
    return sorted.empty () ? 0 : sorted[(sorted.size () - 1) * percent / 100];
  };
  std::printf ("\"%s\": {\"packets\": %zu, \"p50\": %.3f, \"p99\": %.3f, "
               "\"max\": %.3f}",
      name, sorted.size (), at (50), at (99), at (100));
}

} // namespace

int
main ()
{
  NodeOptions options;
  options.children_max = 1;
  const auto source = Node::source (options);
  options.children_max = 1000;
  const auto child = Node::peer (*source, options);
  if (!eventually ([&] { return child->is_child_of (*source); }))
    return 1;

  constexpr auto frame_interval = 10ms;
  constexpr std::size_t quiet_packets = 800;
  source->start_publishing (frame_interval);
  if (!eventually ([&] { return source->packets () >= quiet_packets; }))
    return 1;
  source->stop_publishing ();
  if (!source->reaches (*child))
    return 1;
  const auto quiet = delays (*source, *child, 0);
  const auto published = source->packets ();

  source->start_publishing (frame_interval);
  unsigned sent_on = 0;
  std::deque<RawClient> open;
  const auto cpu_before = control_cpu_seconds ();
  const auto before = Clock::now ();
  for (unsigned i = 0; i < joins || !open.empty ();) {
    while (i < joins && open.size () < open_max) {
      open.emplace_back (source->port ());
      open.back ().send (to_text (flight (source->url (), subscribe_of (++i))));
    }
    sent_on += is_sent_on (open.front ());
    open.pop_front ();
  }
  const double seconds =
      std::chrono::duration<double> (Clock::now () - before).count ();
  const double cpu = control_cpu_seconds () - cpu_before;
  source->stop_publishing ();
  const bool is_whole =
      source->reaches (*child) && source->faults_of (*child).empty ();
  std::printf ("{\"joins\": %u, \"sent-on\": %u, \"seconds\": %.3f, "
               "\"joins-per-second\": %.0f, \"control-cpu-seconds\": %.3f, "
               "\"joins-per-core-second\": %.0f, \"child-has-all\": %s, ",
      joins, sent_on, seconds, joins / seconds, cpu, joins / cpu,
      is_whole ? "true" : "false");
  print_delays ("delay-ms-before", quiet);
  std::printf (", ");
  print_delays ("delay-ms-beside", delays (*source, *child, published));
  std::printf ("}\n");
  return sent_on == joins && is_whole ? 0 : 1;
}
