// A flash crowd at one source: joins that are sent on, answered per second by
// one core (DESIGN 11). Prints one JSON object; asserts nothing about time.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstdio>
#include <ctime>
#include <deque>

#include "agent/control_loop.hpp"
#include "node.hpp"
#include "raw_client.hpp"

using namespace spreadit;
using namespace spreadit::test;

namespace {

constexpr unsigned joins = 5000;
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
  std::printf ("{\"joins\": %u, \"sent-on\": %u, \"seconds\": %.3f, "
               "\"joins-per-second\": %.0f, \"control-cpu-seconds\": %.3f, "
               "\"joins-per-core-second\": %.0f}\n",
      joins, sent_on, seconds, joins / seconds, cpu, joins / cpu);
  return sent_on == joins ? 0 : 1;
}
