// The tree on demand, over real links: whole, in part, with those who do not
// answer, who lie, who ask too much.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <future>
#include <set>

#include <gtest/gtest.h>

#include "agent/control_loop.hpp"
#include "agent/stats.hpp"
#include "node.hpp"
#include "raw_client.hpp"
#include "raw_server.hpp"
#include "rtsp/limits.hpp"
#include "rtsp/writer.hpp"

namespace spreadit::test {

namespace {

using agent::SurveyedPeers;

struct Ask {
  std::uint32_t depth = core::limits::levels_max;
  std::uint32_t peers_max = 1000;
  std::vector<core::PeerId> path = {};
};

SurveyedPeers
survey (Node &node, const Ask &ask = {})
{
  std::promise<SurveyedPeers> answer;
  auto future = answer.get_future ();
  if (!node.survey (
          ask.depth, ask.peers_max, ask.path, [&answer] (SurveyedPeers peers) {
            answer.set_value (std::move (peers));
          }))
    return {};
  // The bound of a survey, and then some.
  EXPECT_EQ (future.wait_for (patience), std::future_status::ready);
  return future.get ();
}

const rtsp::SurveyedPeer *
find (const SurveyedPeers &peers, core::PeerId id)
{
  for (const auto &peer : peers)
    if (peer.self.id == id)
      return &peer;
  return nullptr;
}

// A source with two children, of which the first has two of its own.
struct SmallTree {
  std::unique_ptr<Node> source = Node::source (room (2));
  std::unique_ptr<Node> upper = Node::peer (*source, room (2));
  std::unique_ptr<Node> other, left, right;

  static NodeOptions room (unsigned children_max)
  {
    NodeOptions options;
    options.children_max = children_max;
    return options;
  }
  SmallTree ()
  {
    source->start_publishing ();
    EXPECT_TRUE (eventually ([&] { return upper->is_child_of (*source); }));
    other = Node::peer (*source, room (0));
    EXPECT_TRUE (eventually ([&] { return other->is_child_of (*source); }));
    left = Node::peer (*source, room (0));
    right = Node::peer (*source, room (0));
    EXPECT_TRUE (eventually ([&] {
      return left->is_child_of (*upper) && right->is_child_of (*upper);
    }));
    EXPECT_TRUE (
        eventually ([&] { return source->stats ().subtree.peers == 5; }));
  }
};

// A child of `parent` by its words: joins, and answers surveys with `say`.
class Storyteller {
public:
  using Say = std::function<std::string (const rtsp::Survey &)>;
  Storyteller (Node &parent, std::uint64_t low_id, Say say)
      : client_ (parent.port ()), say_ (std::move (say))
  {
    client_.send (to_text (flight (parent.url (), subscribe_of (low_id))));
    for (int i = 0; i < 3; ++i)
      EXPECT_EQ (client_.receive_response ().status, 200u);
    talk_ = std::thread ([this] { talk (); });
  }
  ~Storyteller ()
  {
    client_.half_close ();
    talk_.join ();
  }
  Storyteller (const Storyteller &) = delete;
  Storyteller &operator= (const Storyteller &) = delete;

private:
  void talk ()
  {
    for (;;) {
      const auto request = client_.receive_request ();
      if (request.method.empty ())
        return;
      client_.send (rtsp::make_response (200), request);
      const auto decoded = rtsp::decode_request (request);
      const auto *survey = std::get_if<rtsp::Survey> (&decoded);
      if (!survey)
        continue;
      rtsp::Request tale;
      tale.method = "SET_PARAMETER";
      tale.uri = request.uri;
      tale.headers.push_back ({"Content-Type", "text/parameters"});
      tale.body = say_ (*survey);
      if (!tale.body.empty ())
        client_.send (tale);
    }
  }

  RawClient client_;
  Say say_;
  std::thread talk_;
};

// As subscribe_of() has it.
core::PeerId
told_id (std::uint64_t low)
{
  return subscribe_of (low).self.id;
}

std::string
id_of (std::uint64_t low)
{
  return rtsp::to_string (told_id (low));
}

std::string
told (const rtsp::Survey &survey, const std::string &lines, bool more = false)
{
  return "message: surveyed\r\ntoken: " + std::to_string (survey.token) +
         "\r\nmore: " + (more ? "yes" : "no") + "\r\n" + lines;
}

std::string
line (unsigned depth, std::uint64_t low)
{
  return "peer: depth=" + std::to_string (depth) + "; id=" + id_of (low) +
         "; state=receiving\r\n";
}

} // namespace

TEST (Survey, TellsOfTheWholeTree)
{
  SmallTree tree;
  ASSERT_TRUE (eventually ([&] { return tree.left->packets () > 100; }));
  const auto peers = survey (*tree.source);
  ASSERT_EQ (peers.size (), 5u);
  EXPECT_EQ (peers[0].self.id, tree.source->id ());
  EXPECT_EQ (peers[0].state, core::PeerState::source);
  EXPECT_EQ (peers[0].subtree.peers, 5u);
  const auto *upper = find (peers, tree.upper->id ());
  const auto *left = find (peers, tree.left->id ());
  ASSERT_TRUE (upper && left);
  EXPECT_EQ (upper->depth, 1u);
  EXPECT_EQ (upper->children, 2u);
  EXPECT_EQ (upper->self.address, tree.left->parent_address ());
  EXPECT_EQ (left->depth, 2u);
  EXPECT_EQ (left->level, 2u);
  // Only itself knows this.
  EXPECT_FALSE (left->stale);
  EXPECT_GT (left->packets_received, 0u);
  EXPECT_TRUE (left->rtt.has_value ());
  EXPECT_LT (upper - peers.data (), left - peers.data ());
}

// Found out by the parent, told to the child, who says so itself. Nobody is
// sent to who takes nobody, so nobody has tried.
TEST (Survey, TellsWhomOthersCanConnectTo)
{
  SmallTree tree;
  std::vector<rtsp::SurveyedPeer> peers;
  const auto reach_of = [&] (const Node &peer) {
    const auto *one = find (peers, peer.id ());
    return one ? one->reach : core::Reach::no;
  };
  // Who is asked too often lets its parent answer, who leaves those below out.
  EXPECT_TRUE (eventually ([&] {
    peers = survey (*tree.source);
    return reach_of (*tree.upper) == core::Reach::yes && peers.size () == 5;
  }));
  EXPECT_EQ (reach_of (*tree.left), core::Reach::unknown);
  EXPECT_EQ (reach_of (*tree.source), core::Reach::unknown);
}

// Without a survey; and in one, of those who have somebody below them.
TEST (Survey, HowTheStreamFaresIsKnownWithoutAsking)
{
  SmallTree tree;
  ASSERT_TRUE (
      eventually ([&] { return tree.source->stats ().quality.peers == 4; }));
  const auto quality = tree.source->stats ().quality;
  EXPECT_EQ (quality.lost_worst_ppm, 0u);
  EXPECT_EQ (quality.delay_worst_ms, 0u); // by this source's clock it is 2023
  const auto peers = survey (*tree.source);
  ASSERT_EQ (peers.size (), 5u);
  EXPECT_EQ (peers[0].quality, quality);
  EXPECT_EQ (find (peers, tree.upper->id ())->quality.peers, 3u);
  EXPECT_EQ (find (peers, tree.left->id ())->quality, core::Quality{});

  const auto structure =
      agent::to_structure (tree.source->stats (), "spreadit://h/live");
  const auto *subtree = gst_value_get_structure (
      gst_structure_get_value (structure.get (), "subtree"));
  guint measured = 0;
  gdouble worst = -1;
  EXPECT_TRUE (gst_structure_get_uint (subtree, "measured", &measured));
  EXPECT_EQ (measured, 4u);
  EXPECT_TRUE (
      gst_structure_get_double (subtree, "worst-lost-fraction", &worst));
  EXPECT_EQ (worst, 0);
  EXPECT_FALSE (gst_structure_has_field (subtree, "worst-delay-ms"));
}

TEST (Survey, FiguresAreShownWithinReason)
{
  rtsp::SurveyedPeer liar;
  liar.self.id = {0, 1};
  liar.subtree = {3, 1, 0};
  liar.quality = {1000, 20'000, 500'000, 80, 100};
  const auto structure = agent::to_structure ({liar});
  const auto *subtree = gst_value_get_structure (
      gst_structure_get_value (structure.get (), "subtree"));
  guint measured = 0;
  EXPECT_TRUE (gst_structure_get_uint (subtree, "measured", &measured));
  EXPECT_EQ (measured, 3u);
  const std::pair<const char *, double> figures[] = {
      {"worst-lost-fraction", 0.02}, {"mean-lost-fraction", 0.02},
      {"worst-delay-ms", 80}, {"mean-delay-ms", 80}};
  for (const auto &[name, figure] : figures) {
    gdouble value = -1;
    EXPECT_TRUE (gst_structure_get_double (subtree, name, &value)) << name;
    EXPECT_EQ (value, figure) << name;
  }
}

TEST (Survey, TellsOfNoMoreThanIsAsked)
{
  SmallTree tree;
  EXPECT_EQ (survey (*tree.source, {0, 1000}).size (), 1u);
  const auto shallow = survey (*tree.source, {1, 1000});
  ASSERT_EQ (shallow.size (), 3u);
  EXPECT_EQ (find (shallow, tree.upper->id ())->subtree.peers, 3u);
  EXPECT_FALSE (find (shallow, tree.upper->id ())->stale);
  for (std::uint32_t max = 1; max <= 6; ++max)
    EXPECT_EQ (survey (*tree.source, {64, max}).size (), std::min (max, 5u));
}

TEST (Survey, TellsOfABranch)
{
  SmallTree tree;
  const auto peers = survey (*tree.source, {64, 10, {tree.upper->id ()}});
  ASSERT_EQ (peers.size (), 3u);
  EXPECT_EQ (peers[0].self.id, tree.upper->id ());
  EXPECT_EQ (peers[0].depth, 0u);
  EXPECT_EQ (peers[0].level, 1u);
  const auto leaf =
      survey (*tree.source, {64, 10, {tree.upper->id (), tree.left->id ()}});
  ASSERT_EQ (leaf.size (), 1u);
  EXPECT_EQ (leaf[0].self.id, tree.left->id ());
  EXPECT_TRUE (survey (*tree.source, {64, 10, {{1, 2}}}).empty ());
  EXPECT_TRUE (
      survey (*tree.source, {64, 10, {tree.upper->id (), {1, 2}}}).empty ());
}

TEST (Survey, WhoDoesNotAnswerIsShownAsItsParentKnowsIt)
{
  const auto source = Node::source ();
  source->publish_burst ();
  Storyteller silent (*source, 7, [] (const auto &) { return ""; });
  const auto before = Clock::now ();
  const auto peers = survey (*source);
  EXPECT_LT (Clock::now () - before, rtsp::limits::survey_wait_max);
  ASSERT_EQ (peers.size (), 2u);
  EXPECT_EQ (peers[1].self.id, told_id (7));
  EXPECT_TRUE (peers[1].stale);
  EXPECT_EQ (peers[1].depth, 1u);
}

TEST (Survey, WhoKnowsNoSurveysIsNotWaitedFor)
{
  const auto source = Node::source ();
  source->publish_burst ();
  RawClient older (source->port ());
  older.send (to_text (flight (source->url (), subscribe_of (7))));
  for (int i = 0; i < 3; ++i)
    ASSERT_EQ (older.receive_response ().status, 200u);
  std::thread answers ([&] {
    for (;;) {
      const auto request = older.receive_request ();
      if (request.method.empty ())
        return;
      const bool known = request.body.find ("survey") == std::string::npos;
      older.send (rtsp::make_response (known ? 200 : 451), request);
    }
  });
  const auto before = Clock::now ();
  const auto peers = survey (*source);
  EXPECT_LT (Clock::now () - before, 400ms); // less than surveys wait
  older.half_close ();
  answers.join ();
  ASSERT_EQ (peers.size (), 2u);
  EXPECT_TRUE (peers[1].stale);
}

TEST (Survey, LiarsHarmNobody)
{
  const auto source = Node::source (SmallTree::room (8));
  source->publish_burst ();
  const auto honest = Node::peer (*source, SmallTree::room (0));
  ASSERT_TRUE (eventually ([&] { return honest->is_receiving (); }));
  Storyteller another (*source, 21, [] (const auto &ask) {
    return told (ask, line (0, 99)); // tells of somebody else
  });
  Storyteller deep (*source, 22, [] (const auto &ask) {
    return told (ask, line (0, 22) + line (2, 23)); // a step is missing
  });
  Storyteller two_roots (*source, 24,
      [] (const auto &ask) { return told (ask, line (0, 24) + line (0, 25)); });
  Storyteller twice (*source, 26, [] (const auto &ask) {
    return told (ask, line (0, 26) + line (1, 26) + line (2, 26));
  });
  Storyteller crowd (*source, 27, [] (const auto &ask) {
    std::string lines = line (0, 27);
    for (std::uint64_t i = 0; i < 600; ++i)
      lines += line (1, 1000 + i);
    return told (ask, lines, true); // and never ends
  });
  Storyteller nonsense (*source, 28,
      [] (const auto &ask) { return told (ask, "peer: depth=0\r\n"); });
  const auto peers = survey (*source, {64, 100});
  EXPECT_LE (peers.size (), 100u);
  const auto *good = find (peers, honest->id ());
  ASSERT_NE (good, nullptr);
  EXPECT_FALSE (good->stale);
  EXPECT_EQ (find (peers, told_id (99)), nullptr);
  for (const std::uint64_t low : {21, 28}) {
    const auto *liar = find (peers, told_id (low));
    EXPECT_TRUE (liar && liar->stale) << low;
  }
  EXPECT_EQ (find (peers, told_id (23)), nullptr);
  EXPECT_EQ (find (peers, told_id (25)), nullptr);
  // Whatever came in, it is a tree.
  ASSERT_FALSE (peers.empty ());
  for (std::size_t i = 1; i < peers.size (); ++i) {
    EXPECT_GE (peers[i].depth, 1u);
    EXPECT_LE (peers[i].depth, peers[i - 1].depth + 1);
  }
  const auto structure = agent::to_structure (peers);
  const Owned<gchar> text (gst_structure_to_string (structure.get ()));
  std::string_view rest = text.get ();
  unsigned times = 0;
  for (auto at = rest.find (id_of (26)); at != std::string_view::npos;
       at = rest.find (id_of (26), at + 1))
    ++times;
  EXPECT_EQ (times, 1u) << text.get ();
}

TEST (Survey, StrangersMayNotAsk)
{
  const auto source = Node::source ();
  source->publish_burst ();
  RawClient child (source->port ());
  child.send (to_text (flight (source->url (), subscribe_of (7))));
  for (int i = 0; i < 3; ++i)
    ASSERT_EQ (child.receive_response ().status, 200u);
  const auto uri = std::get<rtsp::Uri> (rtsp::parse_uri (source->url ()));
  child.send (rtsp::encode_survey ({1, 64, 100, 1s, {}}, uri, ""));
  EXPECT_EQ (child.receive_response ().status, 455u);
}

// A parent by its words that asks and asks: the peer answers as often as it can
// bear, refuses the rest at once, and stays.
TEST (Survey, WhoAsksTooMuchIsRefused)
{
  std::promise<std::pair<unsigned, unsigned>> result;
  RawServer parent ([&] (RawClient &asker) {
    const core::message::Accept accept{{{0, 1}, "127.0.0.1:9"}, {}, {}};
    auto transport = rtsp::peer_transport_udp (9);
    transport.server_port = rtsp::PortRange{9, 9};
    const std::vector<rtsp::Response> answers{
        rtsp::encode_accept (accept, stream_sdp, "rtsp://127.0.0.1/live/"),
        rtsp::encode_setup_answer ({"1234567890", 60s}, transport),
        rtsp::encode_play_answer ({"1234567890", 60s})};
    rtsp::Request asked;
    for (const auto &answer : answers) {
      asked = asker.receive_request ();
      asker.send (answer, asked);
    }
    const auto url = std::get<rtsp::Uri> (rtsp::parse_uri (asked.uri));
    unsigned good = 0, refused = 0;
    for (unsigned i = 0; i < 40; ++i) {
      asker.send (rtsp::encode_survey ({i, 64, 100, 1s, {}}, url, ""));
      const auto status = asker.receive_response ().status;
      ++(status == 200 ? good : refused);
      EXPECT_TRUE (status == 200 || status == 503) << status;
    }
    result.set_value ({good, refused});
    asker.wait_closed ();
  });
  const auto peer = Node::peer (uri_of ("127.0.0.1", parent.port ()));
  auto future = result.get_future ();
  ASSERT_EQ (future.wait_for (patience), std::future_status::ready);
  const auto [good, refused] = future.get ();
  EXPECT_GE (good, 5u);
  EXPECT_GE (refused, 10u);
}

TEST (Survey, IsGivenUpWithTheNode)
{
  const auto source = Node::source ();
  source->publish_burst ();
  auto silent = std::make_unique<Storyteller> (
      *source, 7, [] (const auto &) { return ""; });
  auto held = std::make_shared<int> (1);
  ASSERT_TRUE (source->survey (
      64, 10, {}, [held] (const SurveyedPeers &) { ADD_FAILURE (); }));
  source->crash ();
  EXPECT_EQ (held.use_count (), 1);
}

TEST (Survey, SharesAreFair)
{
  using agent::share_out;
  using Shares = std::vector<std::uint32_t>;
  EXPECT_EQ (share_out (10, {}), Shares{});
  EXPECT_EQ (share_out (0, {5}), Shares{0});
  EXPECT_EQ (share_out (2, {5, 5, 5}), (Shares{1, 1, 0}));
  // What the small one does not need is for the others.
  EXPECT_EQ (share_out (21, {1, 100, 100}), (Shares{1, 10, 10}));
  // And what nobody needs is for newcomers.
  const auto roomy = share_out (100, {3, 3});
  EXPECT_EQ (roomy[0] + roomy[1], 100u);
  EXPECT_GE (std::min (roomy[0], roomy[1]), 3u);
}

} // namespace spreadit::test
