// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtsp/parameters.hpp"

#include <gtest/gtest.h>

#include "core/limits.hpp"

using namespace spreadit;
using namespace spreadit::rtsp;
using namespace std::chrono_literals;

namespace {

const std::string id = "0123456789abcdeffedcba9876543210";

// Every line of an alive message but one that begins with `without`.
std::string
alive_body (std::string_view without = "nothing")
{
  std::string body;
  for (const std::string &line : {std::string ("message: alive"), "id: " + id,
           std::string ("address: 10.0.0.7:8554"),
           std::string ("children-max: 3"), std::string ("peers: 5"),
           std::string ("levels: 2"), std::string ("free: 4"),
           std::string ("receiving: yes")})
    if (!line.starts_with (without))
      body += line + "\r\n";
  return body;
}

unsigned
status_of (const std::string &body)
{
  const auto result = parse_parameters (body);
  const auto *reason = std::get_if<Reason> (&result);
  return reason ? reason->status : 200;
}

} // namespace

TEST (Parameters, OfAHeartBeat)
{
  core::message::Alive alive;
  alive.self = {{0x0123456789abcdef, 0xfedcba9876543210}, "10.0.0.7:8554"};
  alive.children_max = 3;
  alive.subtree = {5, 2, 4};
  EXPECT_EQ (write_parameters (alive), alive_body ());
  EXPECT_EQ (std::get<core::Message> (parse_parameters (alive_body ())),
      core::Message (alive));

  alive.receiving = false;
  alive.root_path = {{{0, 1}, "[::1]:1"}};
  alive.standby = {{{0, 2}, "h:2"}, {{0, 3}, "h:3"}};
  EXPECT_EQ (write_parameters (alive),
      alive_body ("receiving") +
          "receiving: no\r\n"
          "root-path: 00000000000000000000000000000001@\"[::1]:1\"\r\n"
          "standby: 00000000000000000000000000000002@\"h:2\", "
          "00000000000000000000000000000003@\"h:3\"\r\n");
  EXPECT_EQ (
      std::get<core::Message> (parse_parameters (write_parameters (alive))),
      core::Message (alive));
}

TEST (Parameters, OfAHeartBeatWithOpenings)
{
  core::message::Alive alive;
  alive.self = {{0x0123456789abcdef, 0xfedcba9876543210}, "10.0.0.7:8554"};
  alive.children_max = 3;
  alive.subtree = {5, 2, 4};
  alive.openings = {
      {{{0, 1}, "[::1]:1"}, 0, 2, 0, 0, std::chrono::seconds (64)},
      {{{0, 2}, "h:2"}, 3, 0, 7, 120, std::chrono::milliseconds (1500),
          {{0x0a000001, 0x0a000002}}}};
  const std::string written =
      alive_body () +
      "opening: 00000000000000000000000000000001@\"[::1]:1\";depth=0;free=2;"
      "width=0;age=64\r\n"
      "opening: "
      "00000000000000000000000000000002@\"h:2\";depth=3;free=0;width=7;"
      "age=1;delay=120;via=000000000a000001,000000000a000002\r\n";
  EXPECT_EQ (write_parameters (alive), written);
  alive.openings[1].age = std::chrono::seconds (1);
  EXPECT_EQ (std::get<core::Message> (parse_parameters (written)),
      core::Message (alive));

  const std::string contact = "opening: " + id + "@\"h:1\"";
  std::string many = alive_body ();
  for (int i = 0; i < 20; ++i)
    many += contact + "; free=1; hat=green\r\n";
  EXPECT_EQ (std::get<core::message::Alive> (
                 std::get<core::Message> (parse_parameters (many)))
                 .openings.size (),
      core::limits::openings_max);
  EXPECT_EQ (status_of (alive_body () + contact + "\r\n"), 200u);
  for (const std::string &bad : {std::string ("opening: h:1"),
           "opening: " + id + "@\"\"; free=1", contact + " free=1",
           contact + "; free=one", contact + "; free=1; free=1",
           contact + "; depth=65", contact + "; free=10001",
           contact + "; width=10003", contact + "; age=100000001",
           contact + "; delay=60001", contact + "; via=tyne",
           contact + "; via=0000000000000001,0000000000000002,"
                     "0000000000000003,0000000000000004"})
    EXPECT_EQ (status_of (alive_body () + bad + "\r\n"), 400u) << bad;
}

TEST (Parameters, OfAHeartBeatWithQuality)
{
  core::message::Alive alive;
  alive.self = {{0x0123456789abcdef, 0xfedcba9876543210}, "10.0.0.7:8554"};
  alive.children_max = 3;
  alive.subtree = {5, 2, 4};
  alive.quality = {4, 20'000, 350, 80, 33};
  const std::string written =
      alive_body () + "quality: peers=4;lost-worst-ppm=20000;lost-mean-ppm=350;"
                      "delay-worst-ms=80;delay-mean-ms=33\r\n";
  EXPECT_EQ (write_parameters (alive), written);
  EXPECT_EQ (std::get<core::Message> (parse_parameters (written)),
      core::Message (alive));

  alive.quality = {4, 0, 0, 5, 1};
  EXPECT_EQ (write_parameters (alive),
      alive_body () + "quality: peers=4;delay-worst-ms=5;delay-mean-ms=1\r\n");

  const auto read = [] (const std::string &line) {
    return std::get<core::message::Alive> (
        std::get<core::Message> (parse_parameters (alive_body () + line)))
        .quality;
  };
  EXPECT_EQ (read (""), core::Quality{});
  EXPECT_EQ (read ("Quality: hat=green; Peers = 2 \r\n"),
      (core::Quality{2, 0, 0, 0, 0}));
  const std::string good = "quality: peers=1";
  for (const std::string &bad : {std::string ("quality:"),
           std::string ("quality: peers=0"), std::string ("quality: peers=-1"),
           std::string ("quality: lost-worst-ppm=1"),
           std::string ("quality: peers=100000001"), std::string ("quality: 1"),
           good + "; peers=1", good + " lost-worst-ppm=1",
           good + "; lost-worst-ppm=1000001", good + "; lost-mean-ppm=1000001",
           good + "; delay-worst-ms=3600001", good + "; delay-mean-ms=3600001",
           good + "; delay-mean-ms=0.5", good + "; delay-mean-ms=",
           good + "; lost-mean-ppm=1; lost-mean-ppm=1", good + "\r\n" + good})
    EXPECT_EQ (status_of (alive_body () + bad + "\r\n"), 400u) << bad;
}

TEST (Parameters, OfAHeartBeatThatSaysWhetherOthersGetThere)
{
  core::message::Alive alive;
  alive.self = {{0x0123456789abcdef, 0xfedcba9876543210}, "10.0.0.7:8554"};
  alive.children_max = 3;
  alive.subtree = {5, 2, 4};
  for (const auto &[reach, word] :
      {std::pair (core::Reach::yes, "yes"), {core::Reach::no, "no"}}) {
    alive.reachable = reach;
    const auto body = alive_body () + "reachable: " + word + "\r\n";
    EXPECT_EQ (write_parameters (alive), body);
    EXPECT_EQ (std::get<core::Message> (parse_parameters (body)),
        core::Message (alive));
  }
}

TEST (Parameters, OfTheShortOnes)
{
  EXPECT_EQ (
      write_parameters (core::message::Leaving{}), "message: leaving\r\n");
  EXPECT_EQ (write_parameters (core::message::Ended{}), "message: ended\r\n");
  EXPECT_EQ (write_parameters (core::message::Probe{}), "message: probe\r\n");
  EXPECT_EQ (write_parameters (core::message::Verify{{0, 1}, 7}),
      "message: verify\r\n"
      "mover: 00000000000000000000000000000001\r\n"
      "token: 7\r\n");
  EXPECT_EQ (write_parameters (core::message::Verified{7, true}),
      "message: verified\r\ntoken: 7\r\nok: yes\r\n");
  EXPECT_EQ (write_parameters (core::message::Yield{{0, 1}}),
      "message: yield\r\n"
      "to: 00000000000000000000000000000001\r\n");
  EXPECT_EQ (write_parameters (core::message::Located{{{}, 7us}}),
      "message: located\r\nrtt-us: 7\r\nrouters: \r\n");
  EXPECT_EQ (write_parameters (core::message::Located{{{1, 2}, 7us}}),
      "message: located\r\nrtt-us: 7\r\n"
      "routers: 0000000000000001,0000000000000002\r\n");
  EXPECT_EQ (write_parameters (core::message::Subscribe{}), "");
}

TEST (Parameters, AreOursByTheirFirstLine)
{
  EXPECT_TRUE (has_message ("Message: x\r\n"));
  EXPECT_TRUE (has_message ("message:"));
  EXPECT_FALSE (has_message (""));
  EXPECT_FALSE (has_message ("barparam: barstuff\r\n"));
  EXPECT_FALSE (has_message ("messages: x\r\n"));
}

TEST (Parameters, ALaterVersionMaySayMore)
{
  EXPECT_EQ (status_of (alive_body () + "temperature: 21\r\n"
                                        "temperature: 22\r\n"),
      200u);
  EXPECT_EQ (status_of ("message: leaving\r\nwhy: \r\n"), 200u);
  EXPECT_EQ (status_of ("MESSAGE:ENDED\r\n"), 200u);
  EXPECT_EQ (status_of ("message: dance\r\n"), 451u);
}

TEST (Parameters, StandbyIsAHintTheRootPathIsNot)
{
  const std::string contact = id + "@\"h:1\"";
  std::string list = contact;
  for (std::size_t i = 1; i < core::limits::levels_max; ++i)
    list += ", " + contact;
  const auto result =
      parse_parameters (alive_body () + "standby: " + list + "\r\n");
  EXPECT_EQ (std::get<core::message::Alive> (std::get<core::Message> (result))
                 .standby.size (),
      core::limits::standby_max);
  EXPECT_EQ (status_of (alive_body () + "root-path: " + list + "\r\n"), 200u);
  EXPECT_EQ (status_of (alive_body () + "root-path: " + list + "\r\n" +
                        "root-path: " + contact + "\r\n"),
      400u);
}

TEST (Parameters, RefusesBadBodies)
{
  for (const char *line :
      {"id", "address", "children-max", "peers", "levels", "free", "receiving"})
    EXPECT_EQ (status_of (alive_body (line)), 400u) << line;
  for (const std::string &bad : {
           std::string (),
           std::string ("message: leaving"),
           std::string ("message: leaving\n"),
           std::string ("message : leaving\r\n"),
           std::string ("x: y\r\nmessage: leaving\r\n"),
           std::string ("message: leaving\r\nmessage: leaving\r\n"),
           std::string ("message: leaving\r\n\r\n"),
           std::string ("message: leaving\r\nx\r\n"),
           std::string ("message: leaving\r\n x: y\r\n"),
           std::string ("message: leaving\r\nx: \x01\r\n"),
           std::string ("message: yield\r\n"),
           std::string ("message: yield\r\nto: 1\r\n"),
           std::string ("message: located\r\nrtt-us: 7\r\n"),
           std::string ("message: located\r\nrtt-us: 7\r\nrouters: x\r\n"),
           alive_body () + "peers: 5\r\n",
           alive_body ("peers") + "peers: 0\r\n",
           alive_body ("peers") + "peers: 100000001\r\n",
           alive_body ("peers") + "peers: five\r\n",
           alive_body ("levels") + "levels: 65\r\n",
           alive_body ("free") + "free: 1000000001\r\n",
           alive_body ("children-max") + "children-max: 10001\r\n",
           alive_body ("receiving") + "receiving: true\r\n",
           alive_body () + "reachable: \r\n",
           alive_body () + "reachable: perhaps\r\n",
           alive_body () + "reachable: yes\r\nreachable: yes\r\n",
           alive_body ("address") + "address: \"h:1\"\r\n",
           alive_body ("id") + "id: " + std::string (32, '0') + "\r\n",
           alive_body () + "root-path: nobody\r\n",
           alive_body () + "standby: nobody\r\n",
           std::string ("message: verify\r\ntoken: 1\r\n"),
           "message: verify\r\nmover: " + id + "\r\n",
           "message: verify\r\ntoken: 18446744073709551616\r\nmover: " + id +
               "\r\n",
           std::string ("message: verified\r\ntoken: 1\r\n"),
           std::string ("message: verified\r\nok: yes\r\n"),
           std::string ("message: verified\r\ntoken: 1\r\nok: 1\r\n"),
       })
    EXPECT_EQ (status_of (bad), 400u) << bad;
}
