// Sockets that the control thread looks at, and who stops looking when.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/watch.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/control_loop.hpp"
#include "patience.hpp"

namespace spreadit::agent {

namespace {

using namespace std::chrono_literals;

// What happens on the control thread.
void
there (const std::function<void ()> &what)
{
  ControlLoop::get ().call (what);
}

// All that was ready has been called when this is over: each turn of the loop
// looks at the sockets, and only then at what was posted during it.
void
let_it_turn ()
{
  for (int i = 0; i < 3; ++i)
    there ([] {});
}

class Pair {
public:
  Pair ()
  {
    EXPECT_EQ (
        socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_.data ()), 0);
  }
  ~Pair () { hang_up (), close (ends_[0]); }

  int ours () const { return ends_[0]; }
  void say () { EXPECT_EQ (write (ends_[1], "x", 1), 1); }
  void hear ()
  {
    char byte;
    EXPECT_EQ (read (ends_[0], &byte, 1), 1);
  }
  void hang_up ()
  {
    if (ends_[1] >= 0)
      close (std::exchange (ends_[1], -1));
  }

private:
  std::array<int, 2> ends_{-1, -1};
};

void
start (Watch &watch, const Pair &pair, const Watch::Callback &what)
{
  there ([&] { EXPECT_TRUE (watch.start (pair.ours (), what)); });
}

TEST (Watch, CallsAsLongAsThereIsSomething)
{
  Pair pair;
  Watch watch;
  std::atomic<int> inputs = 0;
  start (watch, pair, [&] (Watch::Ready ready) {
    EXPECT_TRUE (ready.input);
    EXPECT_FALSE (ready.output);
    pair.hear ();
    ++inputs;
  });
  let_it_turn ();
  EXPECT_EQ (inputs, 0);
  pair.say ();
  pair.say ();
  EXPECT_TRUE (test::eventually ([&] { return inputs == 2; }, 10s));
  there ([&] { watch.stop (); });
  pair.say ();
  let_it_turn ();
  EXPECT_EQ (inputs, 2);
}

TEST (Watch, LooksForOutputOnlyWhenAsked)
{
  Pair pair;
  Watch watch;
  std::atomic<int> outputs = 0;
  start (watch, pair, [&] (Watch::Ready ready) {
    EXPECT_TRUE (ready.output);
    EXPECT_FALSE (ready.input);
    if (++outputs == 3)
      watch.want_output (false);
  });
  let_it_turn ();
  EXPECT_EQ (outputs, 0);
  there ([&] { watch.want_output (true); });
  EXPECT_TRUE (test::eventually ([&] { return outputs == 3; }, 10s));
  let_it_turn ();
  EXPECT_EQ (outputs, 3);
  there ([&] { watch.stop (); });
}

TEST (Watch, SaysThatTheOtherSideHasGone)
{
  Pair pair;
  Watch watch;
  std::atomic<bool> is_told = false;
  start (watch, pair, [&] (Watch::Ready ready) {
    is_told = ready.input;
    watch.stop ();
  });
  pair.hang_up ();
  EXPECT_TRUE (test::eventually ([&] { return is_told.load (); }, 10s));
  there ([&] { EXPECT_FALSE (watch.is_on ()); });
}

// Both are ready in one turn; whoever is called first ends the other, closes
// its descriptor, and somebody new gets the same number.
TEST (Watch, WhoIsStoppedInTheSameTurnIsNotCalled)
{
  std::array<Pair, 2> pairs;
  Pair newcomer;
  std::array<std::unique_ptr<Watch>, 2> watches;
  Watch heir;
  int calls = 0, calls_of_heir = 0;
  for (Pair &pair : pairs)
    pair.say ();
  there ([&] {
    for (std::size_t i = 0; i < 2; ++i) {
      watches[i] = std::make_unique<Watch> ();
      EXPECT_TRUE (watches[i]->start (pairs[i].ours (), [&, i] (Watch::Ready) {
        ++calls;
        pairs[i].hear ();
        const int other = pairs[1 - i].ours ();
        watches[1 - i].reset ();
        EXPECT_EQ (dup2 (newcomer.ours (), other), other);
        EXPECT_TRUE (
            heir.start (other, [&] (Watch::Ready) { ++calls_of_heir; }));
      }));
    }
  });
  let_it_turn ();
  there ([&] {
    EXPECT_EQ (calls, 1);
    EXPECT_EQ (calls_of_heir, 0);
    heir.stop ();
    watches = {};
  });
}

TEST (Watch, MayBeDestroyedByItsOwnCall)
{
  Pair pair;
  auto watch = std::make_unique<Watch> ();
  std::atomic<int> calls = 0;
  pair.say ();
  there ([&] {
    // Owned by the callback as well: it is not to vanish while it runs.
    const auto alive = std::make_shared<int> (7);
    EXPECT_TRUE (watch->start (pair.ours (), [&, alive] (Watch::Ready) {
      watch.reset ();
      EXPECT_EQ (*alive, 7);
      ++calls;
    }));
  });
  EXPECT_TRUE (test::eventually ([&] { return calls == 1; }, 10s));
  let_it_turn ();
  EXPECT_EQ (calls, 1);
}

TEST (Watch, MoreThanAreTakenAtOnce)
{
  constexpr std::size_t many = 200;
  std::vector<Pair> pairs (many);
  std::vector<std::unique_ptr<Watch>> watches;
  std::atomic<std::size_t> calls = 0;
  for (Pair &pair : pairs)
    pair.say ();
  there ([&] {
    for (Pair &pair : pairs) {
      watches.push_back (std::make_unique<Watch> ());
      EXPECT_TRUE (watches.back ()->start (pair.ours (), [&] (Watch::Ready) {
        pair.hear ();
        ++calls;
      }));
    }
  });
  EXPECT_TRUE (test::eventually ([&] { return calls == many; }, 10s));
  there ([&] { watches.clear (); });
}

TEST (Watch, SaysWhyItCannot)
{
  Watch watch;
  there ([&] {
    EXPECT_FALSE (watch.start (-1, [] (Watch::Ready) {}));
    EXPECT_EQ (errno, EBADF);
    EXPECT_FALSE (watch.is_on ());
    watch.want_output (true); // of nothing
  });
}

} // namespace

} // namespace spreadit::agent
