// The simulated worlds talk through the wire code that ships, and nothing
// changes; what the simulator reckons a message to take is what it takes.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include "recode.hpp"
#include "rtsp/codec.hpp"
#include "rtsp/headers.hpp"
#include "rtsp/writer.hpp"
#include "sim_scenarios.hpp"
#include "storm.hpp"
#include "sim/wire_size.hpp"

using namespace spreadit::core;
using namespace spreadit::simulation;
using spreadit::sim::wire_size;

namespace {

TEST (WireCode, StormsAreTheSameThroughIt)
{
  std::uint64_t messages = 0;
  for (int add = 0; add < 6; ++add)
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
      Weather weather;
      weather.seed = seed;
      weather.add_policy = static_cast<AddPolicyKind> (add);
      weather.delete_policy = static_cast<DeletePolicyKind> (seed % 4);
      // Not shuffled: that sends peers to others who have no address, which no
      // message can say.
      weather.kind = static_cast<unsigned> (seed) % kind::shuffled;
      SCOPED_TRACE (replay_line (weather));
      const Outcome plain = run (weather);
      weather.tamper = [&] (Place, Place, Message &message) {
        const Message read = recoded (message);
        EXPECT_EQ (read, message) << describe (message);
        message = read;
        ++messages;
        return !testing::Test::HasFailure ();
      };
      EXPECT_EQ (run (weather).digest, plain.digest);
      ASSERT_FALSE (HasFailure ());
    }
  EXPECT_GT (messages, 100'000u);
}

TEST (WireCode, TheSimulatorIsTheSameThroughIt)
{
  for (const AddPolicyKind add : {AddPolicyKind::knock_downs,
           AddPolicyKind::smart_bandwidth, AddPolicyKind::automatic}) {
    auto scenario = spreadit::sim::churn (7, 300);
    scenario.add_policy = add;
    const auto plain = spreadit::sim::World (scenario).run ();
    spreadit::sim::World world (scenario);
    world.recode = [] (Message message) { return recoded (message); };
    EXPECT_EQ (world.run ().digest, plain.digest);
  }
}

// TCP/IP headers and the other side's 200 come on top of the bytes.
std::size_t
on_the_wire (const Message &message)
{
  constexpr std::size_t ok = 40 + 30;
  const bool is_answered = message.index () >= 4; // from Unsubscribe on
  return 40 + encoded (message).size () + (is_answered ? ok : 0);
}

// Its handshake, and FIN and ACK from both sides, on top of what is said.
TEST (WireSize, OfAStandbyLinkAndADialBack)
{
  using namespace spreadit::rtsp;
  Request request;
  request.method = "OPTIONS";
  request.uri = "*";
  set_cseq (request.headers, 1);
  Response answer = make_response (200);
  set_cseq (answer.headers, 1);
  set (answer.headers, header::public_methods,
      "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN, GET_PARAMETER, "
      "SET_PARAMETER");
  const auto asked = write (request), answered = write (answer);
  ASSERT_TRUE (asked && answered);
  EXPECT_EQ (spreadit::sim::options_size,
      (3 + 1 + 1 + 4) * 40 + asked->size () + answered->size ());
}

TEST (WireSize, OfAHeartBeatThatSaysNothingNew)
{
  using namespace spreadit::rtsp;
  Request request = encode_alive_again (
      {Scheme::spreadit, "192.168.100.100", 8554, "/live", ""},
      "1039612877760651149");
  set_cseq (request.headers, 1000);
  const auto beat = write (request);
  ASSERT_TRUE (beat);
  EXPECT_EQ (spreadit::sim::alive_again_size, 40 + beat->size () + 40 + 30);
}

TEST (WireSize, IsWithinATenthOfTheRealThing)
{
  const Contact somebody{{0xfeed, 0xbeef}, "192.168.100.100:8554"};
  const RootPath path (std::vector<Contact> (7, somebody));
  message::Subscribe ask;
  ask.self = somebody;
  ask.children_max = 3;
  ask.subtree.free = 3;
  message::Subscribe orphan = ask;
  orphan.reason = JoinReason::parent_lost;
  orphan.avoid = {somebody.id};
  orphan.lost = somebody.id;
  orphan.uplink_bps = 2'000'000;
  orphan.path = NetworkPath{{1, 2, 3, 4, 5, 6}, 20ms};
  message::Alive up;
  up.self = somebody;
  up.children_max = 3;
  message::Alive down = up;
  down.root_path = path;
  down.standby = {somebody, somebody};
  down.tree_delay_ms = 150;
  message::Alive full = up;
  full.openings.assign (
      limits::openings_max, Opening{somebody, 7, 2, 0, 150, 64s});
  message::Alive located = full;
  for (Opening &opening : located.openings)
    opening.vicinity = {{4, 5, 6}};
  message::Alive watched = up;
  watched.quality = {1234, 20'000, 350, 80, 33};
  message::Alive well = up;
  well.quality = {1234, 0, 0, 80, 33};
  message::Subscribe riser = ask;
  riser.reason = JoinReason::rising;
  riser.level = 7;
  const std::initializer_list<Message> messages{full, located, watched, well,
      ask, riser, orphan, message::Accept{somebody, path, {somebody}},
      message::Refuse{}, message::Redirect{somebody, RedirectScope::self},
      message::Unsubscribe{}, message::Leaving{}, up, down,
      message::Verify{somebody.id, 41}, message::Verified{41, true},
      message::Yield{somebody.id},
      message::Located{{{1, 2, 3, 4, 5, 6}, 20ms}}};
  for (const Message &message : messages) {
    // A redirect is three answers while joining, one request in a session.
    if (std::holds_alternative<message::Redirect> (message))
      continue;
    const auto real = static_cast<double> (on_the_wire (message));
    EXPECT_NEAR (static_cast<double> (wire_size (message)), real, real / 10)
        << "message " << message.index ();
  }
}

} // namespace
