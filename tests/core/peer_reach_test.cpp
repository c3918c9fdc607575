// Whether others can connect to a child: dialled back once it is fed, offered
// to nobody if not (docs/decisions/0023).
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench.hpp"
#include "world.hpp"

using namespace spreadit::core;
using spreadit::simulation::Place;
using spreadit::simulation::World;

namespace {

constexpr AddPolicyKind every_policy[] = {AddPolicyKind::random,
    AddPolicyKind::round_robin, AddPolicyKind::smart_placement,
    AddPolicyKind::knock_downs, AddPolicyKind::smart_bandwidth,
    AddPolicyKind::automatic};

Config
with_policy (AddPolicyKind policy, unsigned children_max)
{
  Config config = Bench::config_of (children_max);
  config.add_policy = policy;
  return config;
}

// A peer below another one, or the source; the test answers what is dialled.
struct Dialing : Bench {
  explicit Dialing (unsigned children_max = 2,
      AddPolicyKind policy = AddPolicyKind::round_robin)
      : Dialing (with_policy (policy, children_max))
  {
  }
  explicit Dialing (Config config) : Bench (std::move (config))
  {
    dials_are_answered = false;
  }
  LinkId join_and_dial (std::uint64_t who, Reach reach)
  {
    const LinkId link = join (who);
    dialed (who, reach);
    return link;
  }
  // Where a newcomer is sent; all zero: nowhere.
  PeerId sent (std::vector<PeerId> avoid = {})
  {
    auto asker = ask (next_++);
    asker.avoid = std::move (avoid);
    asker.children_max = asker.subtree.free = 0; // nobody is moved for it
    hear (incoming (asker.self.id.low), asker);
    const auto *redirect = said<message::Redirect> ();
    return redirect ? redirect->target.id : PeerId{};
  }
  std::size_t count_dials (Duration duration)
  {
    pass (duration);
    return static_cast<std::size_t> (
        std::count_if (actions.begin (), actions.end (), [] (const auto &one) {
          return std::holds_alternative<action::DialBack> (one);
        }));
  }

private:
  std::uint64_t next_ = 100;
};

TEST (Reach, AChildIsDialledBackOnceItIsFed)
{
  Dialing bench;
  bench.become_source ();
  const LinkId child = bench.join (10);
  const auto at = [&] (auto is) {
    return std::find_if (bench.actions.begin (), bench.actions.end (), is);
  };
  const auto fed = at ([] (const Action &one) {
    return std::holds_alternative<action::StartFeeding> (one);
  });
  const auto dialed = at ([] (const Action &one) {
    return std::holds_alternative<action::DialBack> (one);
  });
  ASSERT_TRUE (dialed != bench.actions.end ());
  EXPECT_LT (fed - bench.actions.begin (), dialed - bench.actions.begin ());
  EXPECT_EQ (std::get<action::DialBack> (*dialed).link, child);
  EXPECT_EQ (std::get<action::DialBack> (*dialed).peer, contact (10));
  EXPECT_EQ (bench.peer.children ()[0].reach, Reach::unknown);
  bench.dialed (10, Reach::yes);
  EXPECT_EQ (bench.peer.children ()[0].reach, Reach::yes);
}

TEST (Reach, WhoFeedsNobodyIsNotDialled)
{
  Dialing bench (4);
  bench.become_source ();
  auto leaf = bench.ask (10);
  leaf.children_max = leaf.subtree.free = 0;
  bench.hear (incoming (10), leaf);
  auto nowhere = bench.ask (11);
  nowhere.self.address.clear ();
  bench.hear (incoming (11), nowhere);
  auto player = bench.ask (12);
  player.plain_player = true;
  bench.hear (incoming (12), player);
  auto endless = bench.ask (13);
  endless.self.address.assign (limits::address_max + 1, 'x');
  bench.hear (incoming (13), endless);
  EXPECT_EQ (bench.peer.children ().size (), 4u);
  EXPECT_TRUE (bench.dials.empty ());

  // Until it has room.
  bench.hear (incoming (10), bench.alive (10));
  ASSERT_EQ (bench.dials.size (), 1u);
  EXPECT_EQ (bench.dials[0].peer, contact (10));
}

// What is bad at once, what is good with the next heart-beat.
TEST (Reach, TheChildIsTold)
{
  Dialing bench;
  bench.become_source ();
  const LinkId good = bench.join_and_dial (10, Reach::yes);
  EXPECT_FALSE (bench.said<message::Alive> (good));
  const LinkId bad = bench.join_and_dial (11, Reach::no);
  ASSERT_TRUE (bench.said<message::Alive> (bad));
  EXPECT_EQ (bench.said<message::Alive> (bad)->reachable, Reach::no);
  EXPECT_FALSE (bench.said<message::Alive> (good)) << "not its business";
  bench.pass (limits::alive_interval_default);
  EXPECT_EQ (bench.said<message::Alive> (good)->reachable, Reach::yes);
  EXPECT_EQ (bench.said<message::Alive> (bad)->reachable, Reach::no);
}

class ReachOffers : public testing::TestWithParam<AddPolicyKind> {};

TEST_P (ReachOffers, NeverWhoCannotBeReached)
{
  Dialing bench (2, GetParam ());
  bench.become_source ();
  bench.join_and_dial (10, Reach::no);
  bench.join_and_dial (11, Reach::yes);
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ (bench.sent (), id_of (11));
  EXPECT_EQ (bench.sent ({id_of (11)}), PeerId{});
  EXPECT_TRUE (bench.said<message::Refuse> ());
}

// Or newcomers lose time for who is perhaps there.
TEST_P (ReachOffers, WhoMayNotBeReachedOnlyIfThereIsNobodyElse)
{
  Dialing bench (2, GetParam ());
  bench.become_source ();
  bench.join (10);
  bench.join_and_dial (11, Reach::yes);
  for (int i = 0; i < 3; ++i) // as many as it has slots
    EXPECT_EQ (bench.sent (), id_of (11));
  EXPECT_EQ (bench.sent ({id_of (11)}), id_of (10));
}

TEST_P (ReachOffers, AnybodyWhereNothingIsKnown)
{
  Dialing bench (1, GetParam ());
  bench.become_source ();
  bench.join (10);
  EXPECT_EQ (bench.sent (), id_of (10));
}

// There is no way to them but past it.
TEST_P (ReachOffers, ThoseBelowWhoCannotBeReached)
{
  Dialing bench (1, GetParam ());
  bench.become_source ();
  bench.join_and_dial (10, Reach::no);
  auto beat = bench.alive (10);
  beat.openings = {
      {contact (10), 0, 2, 0, 0, 1min}, {contact (30), 1, 1, 0, 0, 1min}};
  bench.hear (incoming (10), beat);
  EXPECT_EQ (bench.sent (), id_of (30));
  EXPECT_EQ (bench.sent ({id_of (30)}), PeerId{});
}

INSTANTIATE_TEST_SUITE_P (
    Policies, ReachOffers, testing::ValuesIn (every_policy));

TEST (Reach, SlotsThatNobodyGetsToAreNotCountedNorNamed)
{
  Dialing bench (1, AddPolicyKind::automatic);
  const LinkId parent = bench.settle_deep ();
  bench.join (10);
  EXPECT_EQ (bench.peer.subtree ().free, 3u) << "not known yet";
  const auto told = [&] {
    std::vector<PeerId> ids;
    bench.peer.beat (bench.now);
    bench.drain ();
    for (const Opening &opening : bench.said<message::Alive> (parent)->openings)
      if (opening.free > 0)
        ids.push_back (opening.contact.id);
    return ids;
  };
  EXPECT_EQ (told (), std::vector<PeerId>{}) << "nor is it named yet";
  bench.dialed (10, Reach::no);
  EXPECT_EQ (bench.peer.subtree ().free, 0u);
  EXPECT_EQ (told (), std::vector<PeerId>{});
  // Those below it are another matter.
  auto beat = bench.alive (10);
  beat.subtree = {3, 2, 7};
  beat.openings = {
      {contact (10), 0, 2, 0, 0, 1min}, {contact (30), 1, 4, 0, 0, 1min}};
  bench.hear (incoming (10), beat);
  EXPECT_EQ (bench.peer.subtree ().free, 4u);
  EXPECT_EQ (told (), std::vector<PeerId>{id_of (30)});
  ASSERT_EQ (bench.count_dials (limits::dial_retry_min), 1u);
  bench.dialed (10, Reach::yes);
  bench.hear (incoming (10), beat);
  EXPECT_EQ (bench.peer.subtree ().free, 7u);
  EXPECT_EQ (told (), (std::vector<PeerId>{id_of (10), id_of (30)}));
}

TEST (Reach, IsNoStandby)
{
  Dialing bench (3);
  bench.settle ();
  bench.join_and_dial (10, Reach::no);
  bench.join (11);
  bench.join_and_dial (12, Reach::yes);
  bench.hear (incoming (10), message::Unsubscribe{});
  bench.join_and_dial (10, Reach::yes); // now it can
  bench.peer.beat (bench.now);
  bench.drain ();
  EXPECT_EQ (bench.said<message::Alive> (incoming (11))->standby,
      (std::vector<Contact>{
          contact (Bench::source), contact (12), contact (10)}));
  EXPECT_EQ (bench.said<message::Alive> (incoming (12))->standby,
      (std::vector<Contact>{
          contact (Bench::source), contact (10), contact (11)}));
}

// A port that is opened is found out about, and nobody is bothered much.
TEST (Reach, WhoCannotBeReachedIsTriedAgainEverMoreSeldom)
{
  Dialing bench;
  bench.become_source ();
  bench.join_and_dial (10, Reach::no);
  Duration wait = limits::dial_retry_min;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ (bench.count_dials (wait - 1ns), 0u) << i;
    EXPECT_EQ (bench.count_dials (1ns), 1u) << i;
    bench.dialed (10, Reach::no);
    wait = std::min<Duration> (2 * wait, limits::dial_retry_max);
  }
  EXPECT_EQ (bench.count_dials (limits::dial_retry_max), 1u);
  bench.dialed (10, Reach::yes);
  ASSERT_TRUE (bench.said<message::Alive> (incoming (10)));
  EXPECT_EQ (bench.said<message::Alive> (incoming (10))->reachable, Reach::yes);
  EXPECT_EQ (bench.count_dials (limits::dial_again - 1ns), 0u);
  EXPECT_EQ (bench.count_dials (1ns), 1u);
  bench.dialed (10, Reach::no);
  EXPECT_EQ (bench.count_dials (limits::dial_retry_min), 1u)
      << "from the start";
}

TEST (Reach, WhatCouldNotBeTriedIsTriedLaterAndChangesNothing)
{
  Dialing bench;
  bench.become_source ();
  bench.join_and_dial (10, Reach::yes);
  bench.count_dials (limits::dial_again);
  bench.dialed (10, Reach::unknown);
  EXPECT_EQ (bench.peer.children ()[0].reach, Reach::yes);
  EXPECT_EQ (bench.count_dials (limits::dial_retry_min), 1u);
}

// It refused them, or they could not connect.
TEST (Reach, WhomAskersAvoidIsLookedAtButNotAllTheTime)
{
  Dialing bench (1);
  bench.become_source ();
  bench.join_and_dial (10, Reach::yes);
  bench.sent ({id_of (10)});
  EXPECT_TRUE (bench.dials.empty ()) << "just dialled";
  bench.now += limits::dial_retry_min;
  bench.sent ({id_of (99), id_of (10)});
  ASSERT_EQ (bench.dials.size (), 1u);
  bench.sent ({id_of (10)});
  EXPECT_EQ (bench.dials.size (), 1u) << "is under way";
  EXPECT_EQ (bench.sent (), id_of (10)) << "until it is known";
  bench.dialed (10, Reach::no);
  EXPECT_EQ (bench.sent (), PeerId{});
}

// Nobody makes us knock at many doors by naming them one after the other.
TEST (Reach, HoweverOftenTheAddressChangesDialsAreFew)
{
  Dialing bench;
  bench.become_source ();
  bench.join_and_dial (10, Reach::yes);
  std::size_t dials = 0;
  for (int second = 0; second < 60; ++second) {
    auto beat = bench.alive (10);
    beat.self.address = "victim" + std::to_string (second);
    bench.hear (incoming (10), beat);
    EXPECT_EQ (bench.peer.children ()[0].reach, Reach::unknown);
    bench.now += 1s;
    bench.peer.handle_timeout (bench.now);
    bench.drain ();
    dials += bench.dials.size ();
    for (const action::DialBack &dial : std::exchange (bench.dials, {}))
      bench.peer.dialed_back (
          bench.now, dial.link, dial.peer.address, Reach::no);
    bench.drain ();
  }
  EXPECT_GE (dials, 3u);
  EXPECT_LE (dials, 60s / limits::dial_retry_min);
}

TEST (Reach, AnAnswerIsAboutTheAddressThatWasDialled)
{
  Dialing bench;
  bench.become_source ();
  const LinkId link = bench.join (10);
  auto moved = bench.alive (10);
  moved.self.address = "elsewhere";
  bench.hear (link, moved);
  bench.dialed (10, Reach::yes);
  EXPECT_EQ (bench.peer.children ()[0].reach, Reach::unknown);
  const Instant again = bench.now + limits::dial_retry_min;
  while (bench.dials.empty () && bench.now < again) {
    bench.now += 1s;
    bench.hear (link, moved);
    bench.peer.handle_timeout (bench.now);
    bench.drain ();
  }
  EXPECT_EQ (bench.now, again);
  ASSERT_EQ (bench.dials.size (), 1u);
  EXPECT_EQ (bench.dials[0].peer.address, "elsewhere");
  // Nor about who is gone, or was never asked for.
  bench.hear (link, message::Unsubscribe{});
  bench.dialed (10, Reach::yes);
  bench.peer.dialed_back (bench.now, incoming (77), "host77", Reach::yes);
  bench.drain ();
  EXPECT_TRUE (bench.peer.children ().empty ());
}

// What it says against itself is believed at once, the contrary never.
TEST (Reach, WhoSaysThatItCannotBeReachedIsBelievedUntilItIsTried)
{
  Dialing bench (1);
  bench.become_source ();
  auto asker = bench.ask (10);
  asker.unreachable = true;
  bench.hear (incoming (10), asker);
  EXPECT_EQ (bench.sent (), PeerId{});
  bench.dialed (10, Reach::yes);
  EXPECT_TRUE (bench.said<message::Alive> (incoming (10)));
  EXPECT_EQ (bench.sent (), id_of (10));
}

// The newcomer does not wait, the child does not move for nothing.
struct Replacing : Dialing {
  Replacing () : Dialing (1, AddPolicyKind::automatic)
  {
    settle_deep ();
    auto leaf = ask (10);
    leaf.children_max = leaf.subtree.free = 0;
    hear (incoming (10), leaf);
    pass (limits::settling_max);
    auto beat = alive (10);
    beat.children_max = beat.subtree.free = 0;
    hear (incoming (10), beat);
    join (20);
  }
  bool leaf_is_sent_on () const
  {
    const auto *redirect = said<message::Redirect> (incoming (10));
    return redirect && redirect->target == contact (20);
  }
};

TEST (ReachMoves, AChildGoesBelowANewcomerOnceThatCanBeReached)
{
  Replacing bench;
  EXPECT_TRUE (bench.said<message::Accept> (incoming (20)));
  EXPECT_FALSE (bench.leaf_is_sent_on ());
  EXPECT_FALSE (bench.peer.feeds_too_many ()) << "it lends its slot";
  bench.dialed (20, Reach::yes);
  EXPECT_TRUE (bench.leaf_is_sent_on ());
}

TEST (ReachMoves, AndStaysIfItCannot)
{
  for (const Reach reach : {Reach::no, Reach::unknown}) {
    Replacing bench;
    bench.dialed (20, reach);
    EXPECT_FALSE (bench.leaf_is_sent_on ());
    EXPECT_TRUE (bench.peer.feeds_too_many ());
    // The newest makes way as soon as there is room elsewhere.
    auto beat = bench.alive (10);
    beat.openings = {{contact (30), 1, 1, 0, 0, 1min}};
    bench.hear (incoming (10), beat);
    bench.hear (incoming (20), bench.alive (20));
    const auto *redirect = bench.said<message::Redirect> (incoming (20));
    ASSERT_TRUE (redirect);
    EXPECT_EQ (redirect->target, contact (30));
  }
}

TEST (ReachMoves, WhoComesBackMeanwhileIsDialledAnew)
{
  Replacing bench;
  bench.hear (incoming (21), bench.ask (20)); // its first link broke
  EXPECT_TRUE (bench.said<message::Accept> (incoming (21)));
  bench.dialed (20, Reach::no); // of the first, which is nobody's any more
  EXPECT_TRUE (bench.peer.children ()[0].sent_on);
  bench.dialed (20, Reach::yes);
  EXPECT_TRUE (bench.leaf_is_sent_on ());
}

TEST (ReachMoves, AndStaysIfTheNewcomerIsGone)
{
  Replacing bench;
  bench.close (incoming (20));
  bench.dialed (20, Reach::yes);
  EXPECT_FALSE (bench.leaf_is_sent_on ());
  EXPECT_FALSE (bench.peer.children ()[0].sent_on);
  EXPECT_FALSE (bench.peer.feeds_too_many ());
}

TEST (ReachMoves, WhoSaysThatItCannotBeReachedGetsNobodysSlot)
{
  Replacing bench; // whose slot is taken by 20
  bench.dialed (20, Reach::yes);
  bench.hear (incoming (10), message::Unsubscribe{});
  bench.pass (limits::settling_max);
  auto wide = bench.ask (30);
  wide.children_max = wide.subtree.free = 9;
  wide.unreachable = true;
  bench.hear (incoming (30), wide);
  EXPECT_FALSE (bench.said<message::Accept> ());
  wide.unreachable = false;
  bench.hear (incoming (31), wide);
  EXPECT_TRUE (bench.said<message::Accept> ());
}

// Who cannot be reached is worth a leaf, however many it could feed.
TEST (ReachMoves, WhoCannotBeReachedGivesItsSlotToWhoCan)
{
  Dialing bench (1, AddPolicyKind::automatic);
  bench.become_source ();
  bench.join_and_dial (10, Reach::no);
  bench.pass (limits::settling_max);
  bench.hear (incoming (20), bench.ask (20));
  EXPECT_TRUE (bench.said<message::Accept> (incoming (20)));
  bench.dialed (20, Reach::yes);
  ASSERT_TRUE (bench.said<message::Redirect> (incoming (10)));
  EXPECT_EQ (
      bench.said<message::Redirect> (incoming (10))->target, contact (20));
}

// Source and viewers at home: whoever came first has the slots, and nobody can
// be put below. The first one that can be reached takes all of them in.
TEST (ReachMoves, WhoIsTooManyGoesBelowTheFirstThatCanBeReached)
{
  Dialing bench (2, AddPolicyKind::automatic);
  bench.become_source ();
  bench.join_and_dial (10, Reach::no);
  bench.join_and_dial (11, Reach::no);
  bench.pass (limits::settling_max);
  bench.join (12);
  EXPECT_TRUE (bench.said<message::Accept> (incoming (12)));
  bench.dialed (12, Reach::no);
  bench.pass (limits::settling_max);
  ASSERT_TRUE (bench.peer.feeds_too_many ());
  EXPECT_FALSE (bench.said<message::Redirect> (incoming (12))) << "where to?";

  auto leaf = bench.ask (13);
  leaf.children_max = leaf.subtree.free = 0;
  bench.hear (incoming (13), leaf);
  EXPECT_TRUE (bench.said<message::Refuse> (incoming (13)));
  bench.join (14);
  ASSERT_TRUE (bench.said<message::Accept> (incoming (14)));
  EXPECT_FALSE (bench.said<message::Redirect> ());
  bench.dialed (14, Reach::yes);
  std::size_t moved = 0;
  for (const std::uint64_t who : {10, 11, 12})
    if (const auto *redirect = bench.said<message::Redirect> (incoming (who))) {
      EXPECT_EQ (redirect->target, contact (14));
      ++moved;
    }
  EXPECT_EQ (moved, 2u);
  EXPECT_FALSE (bench.peer.feeds_too_many ());
}

// Or a crowd behind firewalls would have us feed twice as many for 3 s.
TEST (ReachMoves, FewAreTakenBeforeItIsKnownThatTheyCanBeReached)
{
  Dialing bench (8, AddPolicyKind::automatic);
  bench.become_source ();
  for (std::uint64_t who = 10; who < 18; ++who)
    bench.join_and_dial (who, Reach::no);
  bench.pass (limits::settling_max);
  std::size_t taken = 0;
  for (std::uint64_t who = 20; who < 28; ++who) {
    bench.join (who);
    taken += bench.said<message::Accept> (incoming (who)) ? 1 : 0;
  }
  EXPECT_EQ (taken, 8 / limits::moves_share);
}

// It feeds nobody, the newest may.
TEST (ReachMoves, WhoCannotBeReachedMakesWayFirst)
{
  Dialing bench (3);
  bench.become_source ();
  bench.join_and_dial (10, Reach::no);
  bench.join_and_dial (11, Reach::yes);
  bench.join_and_dial (12, Reach::yes);
  bench.peer.set_children_max (bench.now, 2);
  bench.drain ();
  bench.hear (incoming (12), bench.alive (12));
  EXPECT_FALSE (bench.said<message::Redirect> ());
  bench.hear (incoming (10), bench.alive (10));
  EXPECT_TRUE (bench.said<message::Redirect> (incoming (10)));
}

struct SteppingDown : Dialing {
  SteppingDown () : Dialing (narrow ())
  {
    dials_are_answered = true;
    parent = settle_deep ();
    join (10);
    dials_are_answered = false;
    auto wide = ask (20);
    wide.uplink_bps = 9'000'000;
    hear (incoming (20), wide);
  }
  LinkId parent;

private:
  static Config narrow ()
  {
    Config config = with_policy (AddPolicyKind::smart_bandwidth, 1);
    config.uplink_bps = 1'000'000;
    return config;
  }
};

TEST (ReachMoves, APeerStepsDownOnceTheWiderOneCanBeReached)
{
  SteppingDown bench;
  EXPECT_TRUE (bench.said<message::Yield> (bench.parent));
  EXPECT_TRUE (bench.said<message::Redirect> (incoming (20)));
  EXPECT_FALSE (bench.find<action::Connect> ());
  EXPECT_FALSE (bench.said<message::Redirect> (incoming (10)));
  bench.close (incoming (20)); // it asks our parent
  bench.dialed (20, Reach::yes);
  ASSERT_TRUE (bench.find<action::Connect> ());
  EXPECT_EQ (bench.find<action::Connect> ()->target, contact (20));
  EXPECT_TRUE (bench.said<message::Redirect> (incoming (10)));
}

TEST (ReachMoves, AndNotIfItCannot)
{
  SteppingDown bench;
  bench.dialed (20, Reach::no);
  EXPECT_FALSE (bench.find<action::Connect> ());
  EXPECT_FALSE (bench.said<message::Redirect> ());
}

TEST (ReachMoves, AndNotIfItsOwnParentWentMeanwhile)
{
  SteppingDown bench;
  bench.close (bench.parent);
  bench.dialed (20, Reach::yes);
  EXPECT_FALSE (bench.find<action::Connect> ());
  EXPECT_FALSE (bench.said<message::Redirect> (incoming (10)));
}

// The other side of it.

TEST (OwnReach, IsWhatTheParentSaysLast)
{
  Bench bench;
  const LinkId parent = bench.settle_deep ();
  EXPECT_EQ (bench.peer.reachable (), Reach::unknown);
  auto beat = bench.alive (4, bench.peer.root_path ().above ());
  const auto hear = [&] (Reach reach) {
    beat.reachable = reach;
    bench.hear (parent, beat);
    const auto *news = bench.reported<action::Report::ReachChanged> ();
    return news ? news->reachable : Reach::unknown;
  };
  EXPECT_EQ (hear (Reach::unknown), Reach::unknown);
  EXPECT_EQ (hear (Reach::no), Reach::no);
  EXPECT_EQ (
      bench.reported<action::Report::ReachChanged> ()->parent, contact (4));
  EXPECT_EQ (hear (Reach::no), Reach::unknown) << "no news";
  EXPECT_EQ (hear (Reach::unknown), Reach::unknown) << "has not tried";
  EXPECT_EQ (bench.peer.reachable (), Reach::no);

  // The next one is told.
  bench.close (parent);
  bench.asked ();
  ASSERT_TRUE (bench.said<message::Subscribe> ());
  EXPECT_TRUE (bench.said<message::Subscribe> ()->unreachable);
  bench.peer.set_address ("host1"); // the same
  EXPECT_EQ (bench.peer.reachable (), Reach::no);
  bench.peer.set_address ("elsewhere");
  EXPECT_EQ (bench.peer.reachable (), Reach::unknown);
}

TEST (OwnReach, OfNobodyButTheParent)
{
  Bench bench;
  bench.settle_deep ();
  const LinkId child = bench.join (10);
  auto beat = bench.alive (10);
  beat.reachable = Reach::no;
  bench.hear (child, beat);
  bench.hear (incoming (50), beat);
  EXPECT_EQ (bench.peer.reachable (), Reach::unknown);
}

// Whatever its policy: nobody can be sent down through it.
TEST (OwnReach, WhoCannotBeReachedTellsOfThoseBelow)
{
  Bench bench (2);
  const LinkId parent = bench.settle_deep ();
  bench.join (10);
  const auto told = [&] {
    bench.peer.beat (bench.now);
    bench.drain ();
    return bench.said<message::Alive> (parent)->openings;
  };
  EXPECT_TRUE (told ().empty ());
  auto beat = bench.alive (4, bench.peer.root_path ().above ());
  beat.reachable = Reach::no;
  bench.now += limits::report_interval_min;
  bench.hear (parent, beat);
  ASSERT_TRUE (bench.said<message::Alive> (parent)) << "at once";
  const auto openings = told ();
  const auto of = std::find_if (openings.begin (), openings.end (),
      [] (const Opening &opening) { return opening.contact == contact (10); });
  ASSERT_TRUE (of != openings.end ());
  EXPECT_EQ (of->depth, 1u);
  EXPECT_EQ (of->free, 3u);
}

// All of it: who comes later never knocks at a wall.
class ReachWorld : public testing::TestWithParam<AddPolicyKind> {};

TEST_P (ReachWorld, NewcomersAreNotSentBehindWalls)
{
  World world (7, {10ms, 10ms, 0ms});
  Config config;
  config.add_policy = GetParam ();
  config.children_max = 3;
  world.add (config);
  world.at (0).become_source (world.now ());
  world.set_stream_ready (0, true);
  const auto join = [&] (bool walled) {
    const Place place = world.add (config);
    world.set_walled (place, walled);
    world.subscribe (place);
    return place;
  };
  std::vector<Place> places;
  for (const bool walled : {true, true, false}) {
    places.push_back (join (walled));
    world.run_for (100ms);
  }
  world.run_for (limits::connect_max + 1s);
  for (int i = 0; i < 10; ++i) {
    places.push_back (join (/* walled */ i % 2 == 0));
    const Instant asked = world.now ();
    ASSERT_TRUE (
        world.run_until ([&] { return world.is_served (places.back ()); }, 2s));
    EXPECT_LT (world.now () - asked, 500ms);
    world.run_for (limits::connect_max + 1s);
  }
  EXPECT_EQ (world.connects_to_walls (), 0u);
  for (const Place place : places)
    EXPECT_TRUE (world.is_served (place));
  EXPECT_TRUE (world.violations ().empty ());
}

INSTANTIATE_TEST_SUITE_P (
    Policies, ReachWorld, testing::ValuesIn (every_policy));

} // namespace
