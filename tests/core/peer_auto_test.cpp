// Auto: straight to an opening, and the wide ones above (beyond the paper).
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench.hpp"

using namespace spreadit::core;

namespace {

Config
going_by_openings (unsigned children_max)
{
  Config config = Bench::config_of (children_max);
  config.add_policy = AddPolicyKind::automatic;
  return config;
}

Opening
opening (std::uint64_t who, std::uint32_t depth, Duration age = 10min,
    std::uint32_t free = 1)
{
  return {contact (who), depth, free, 0, 0, age};
}

Opening
for_the_wide (std::uint64_t who, std::uint32_t depth, std::uint32_t width)
{
  return {contact (who), depth, 0, width, 0, 10min};
}

// A source with two children, 10 and 11, that can take three each.
struct Saturated : Bench {
  Saturated () : Bench (going_by_openings (2))
  {
    become_source ();
    join (10);
    join (11);
    pass (limits::settling_max);
  }
  void report (std::uint64_t child, std::vector<Opening> openings)
  {
    message::Alive beat = alive (child);
    beat.subtree = {9, 3, 5};
    beat.openings = std::move (openings);
    hear (incoming (child), beat);
  }
  // Where a newcomer is sent that can take so many children; all zero: nowhere.
  PeerId sent (std::uint32_t width, std::vector<PeerId> avoid = {},
      std::optional<NetworkPath> path = std::nullopt)
  {
    auto asker = ask (next_++);
    asker.children_max = asker.subtree.free = width;
    asker.avoid = std::move (avoid);
    asker.path = std::move (path);
    const LinkId link = incoming (asker.self.id.low);
    hear (link, asker);
    const auto *redirect = said<message::Redirect> (link);
    return redirect ? redirect->target.id : PeerId{};
  }

private:
  std::uint64_t next_ = 100;
};

TEST (Auto, SendsStraightToTheHighestOpening)
{
  Saturated bench;
  bench.report (10, {opening (21, 3), opening (20, 1)});
  bench.report (11, {opening (30, 2)});
  EXPECT_EQ (bench.sent (0), id_of (20));
}

TEST (Auto, PrefersWhoHasStayed)
{
  Saturated bench;
  bench.report (10, {opening (20, 2, 1s)});
  bench.report (11, {opening (30, 2, 1min + 4s)});
  EXPECT_EQ (bench.sent (0), id_of (30));
  bench.report (10, {opening (21, 1, 1s)});
  EXPECT_EQ (bench.sent (0), id_of (21)) << "a level counts for more";
}

TEST (Auto, PrefersTheShorterWayFromTheSource)
{
  const auto after = [] (Opening opening, std::uint32_t ms) {
    opening.tree_delay_ms = ms;
    return opening;
  };
  Saturated bench;
  bench.report (10, {after (opening (20, 2), 150)});
  bench.report (11, {after (opening (30, 2, 10min, 9), 149)});
  EXPECT_EQ (bench.sent (0), id_of (30));
  bench.report (11, {after (opening (30, 1, 10min, 9), 199)});
  EXPECT_EQ (bench.sent (0), id_of (30)) << "a level is worth 50 ms";
  bench.report (11, {after (opening (30, 1, 10min, 9), 201)});
  EXPECT_EQ (bench.sent (0), id_of (20));
}

// Two levels for each router between it and the one that both share, sixteen
// where none is shared.
TEST (Auto, PrefersWhoIsNear)
{
  const auto at = [] (Opening opening, std::uint64_t town, std::uint64_t land) {
    opening.vicinity = {{town, land}};
    return opening;
  };
  const NetworkPath way{{5, 1, 9}, 20ms}; // of the newcomer
  Saturated bench;
  bench.report (10, {at (opening (20, 2), 8, 2), at (opening (21, 6), 9, 1)});
  bench.report (11, {at (opening (30, 5), 7, 1), at (opening (31, 3), 7, 1)});
  EXPECT_EQ (bench.sent (0, {}, way), id_of (31))
      << "three levels count for more than a router";
  EXPECT_EQ (bench.sent (0, {id_of (31)}, way), id_of (21)) << "the same town";
  EXPECT_EQ (bench.sent (0, {id_of (31), id_of (21)}, way), id_of (30))
      << "the same land, although three levels further down";
  bench.report (10, {at (opening (20, 1), 8, 2)});
  bench.report (11, {at (opening (32, 16), 7, 1)});
  EXPECT_EQ (bench.sent (0, {}, way), id_of (20)) << "but not fifteen";
}

// Proximity is measured beside the join (decisions/0010).
TEST (Auto, AsksToComeAgainWhereTheWayWouldHaveCounted)
{
  Saturated bench;
  bench.report (10, {opening (20, 1, 10min, 9)});
  bench.sent (0);
  EXPECT_FALSE (bench.said<message::Redirect> ()->provisional);
  Opening known = opening (20, 1, 10min, 9);
  known.vicinity = {{8, 2}};
  bench.report (10, {known});
  bench.sent (0);
  EXPECT_TRUE (bench.said<message::Redirect> ()->provisional);
  bench.sent (0, {}, NetworkPath{{5, 1, 9}, 20ms});
  EXPECT_FALSE (bench.said<message::Redirect> ()->provisional);
}

// Whoever has stayed long, and is deep in the tree, gets a place that is two
// levels higher, or none.
TEST (Auto, WhoRisesGetsAHigherPlaceOrNone)
{
  Saturated bench;
  bench.report (10, {opening (20, 2)});
  auto riser = bench.ask (50, /* peers */ 4);
  riser.reason = JoinReason::rising;
  riser.level = 5; // the opening is on 3, below it is 4
  bench.hear (incoming (50), riser);
  ASSERT_TRUE (bench.said<message::Refuse> ());
  EXPECT_EQ (bench.said<message::Refuse> ()->reason, RefuseReason::saturated);
  riser.level = 6;
  bench.hear (incoming (51), riser);
  ASSERT_TRUE (bench.said<message::Redirect> ());
  EXPECT_EQ (bench.said<message::Redirect> ()->target, contact (20));
  // No other policy knows of a higher place.
  bench.peer.set_add_policy (AddPolicyKind::round_robin);
  riser.level = 60;
  bench.hear (incoming (52), riser);
  EXPECT_TRUE (bench.said<message::Refuse> ());
}

// Until it has got there and that was reported.
TEST (Auto, GivesASlotOnce)
{
  Saturated bench;
  bench.report (10, {opening (20, 1, 1h, 2)});
  bench.report (11, {opening (30, 2)});
  EXPECT_EQ (bench.sent (0), id_of (20));
  EXPECT_EQ (bench.sent (0), id_of (20));
  EXPECT_EQ (bench.sent (0), id_of (30));
  bench.report (10, {opening (20, 1, 1h, 2)}); // from before
  EXPECT_NE (bench.sent (0), id_of (20));
  bench.now += limits::spent_max;
  EXPECT_EQ (bench.sent (0), id_of (20));
}

TEST (Auto, GoesDownTheTreeWhereNobodyTells)
{
  Saturated bench;
  const PeerId first = bench.sent (0);
  EXPECT_TRUE (first == id_of (10) || first == id_of (11));
  const PeerId second = bench.sent (0, {first});
  EXPECT_TRUE (second == id_of (10) || second == id_of (11));
  EXPECT_NE (first, second);
}

TEST (Auto, AnAskIsAReport)
{
  Bench bench (going_by_openings (1));
  bench.become_source ();
  bench.join (10);
  bench.join (20);
  EXPECT_EQ (bench.said<message::Redirect> ()->target, contact (10));
}

TEST (Auto, NotToWhomTheAskerWantsToAvoid)
{
  Saturated bench;
  bench.report (10, {opening (20, 1), opening (21, 2)});
  bench.report (11, {});
  EXPECT_EQ (bench.sent (0, {id_of (20)}), id_of (21));
}

TEST (Auto, TheWideGetThePlaceOfANarrowChildAndTakeItIn)
{
  Saturated bench;
  message::Alive leaf = bench.alive (11);
  leaf.children_max = leaf.subtree.free = 0;
  bench.hear (incoming (11), leaf);
  auto wide = bench.ask (20);
  wide.children_max = wide.subtree.free = limits::width_step;
  bench.hear (incoming (20), wide);
  EXPECT_TRUE (bench.said<message::Accept> (incoming (20)));
  const auto *redirect = bench.said<message::Redirect> (incoming (11));
  ASSERT_TRUE (redirect);
  EXPECT_EQ (redirect->target.id, id_of (20));
}

// Hysteresis: a opening is not changed for next to nothing, nor all the time.
TEST (Auto, ALittleWiderIsNotEnoughAndOnceIsEnoughForAWhile)
{
  Saturated bench;
  bench.report (10, {}); // both have children
  bench.report (11, {});
  EXPECT_NE (bench.sent (3 + limits::width_step - 1), PeerId{});
  EXPECT_EQ (bench.sent (3 + limits::width_step), PeerId{}) << "taken";
  ASSERT_EQ (bench.peer.children ().size (), 3u);
  bench.hear (incoming (11), message::Unsubscribe{}); // who was sent on
  EXPECT_NE (bench.sent (9), PeerId{});
  bench.now += limits::auto_rest;
  EXPECT_EQ (bench.sent (9), PeerId{});
}

TEST (Auto, TheWideGoToWhoWouldMakeRoom)
{
  Saturated bench;
  bench.report (10, {opening (20, 4), for_the_wide (21, 1, 5)});
  bench.report (11, {});
  EXPECT_EQ (bench.sent (4), id_of (20));
  bench.pass (limits::auto_rest); // its own children are as they are
  EXPECT_EQ (bench.sent (4, {id_of (20)}), id_of (10)) << "too narrow";
}

// Somebody with children who lost its parent: the same, but the source has to
// say first that it is not above us.
TEST (Auto, WhoBringsOthersIsVerifiedBeforeAnybodyIsMoved)
{
  Bench bench (going_by_openings (1));
  const LinkId parent = bench.settle_deep ();
  auto leaf = bench.ask (10);
  leaf.children_max = leaf.subtree.free = 0;
  bench.hear (incoming (10), leaf);
  bench.pass (limits::settling_max);
  auto beat = bench.alive (10);
  beat.children_max = beat.subtree.free = 0;
  bench.hear (incoming (10), beat);
  auto orphan = bench.ask (20, /* peers */ 4);
  for (const bool is_good : {false, true}) {
    bench.hear (incoming (20), orphan);
    const auto *verify = bench.said<message::Verify> (parent);
    ASSERT_TRUE (verify);
    EXPECT_FALSE (bench.said<message::Redirect> ());
    EXPECT_FALSE (bench.peer.feeds_too_many ());
    bench.hear (parent, message::Verified{verify->token, is_good});
    EXPECT_EQ (bench.said<message::Accept> (incoming (20)) != nullptr, is_good);
    EXPECT_EQ (
        bench.said<message::Redirect> (incoming (10)) != nullptr, is_good);
  }
}

// At level 3, below 4, 3 and the source, which is 2. The parent feeds one.
constexpr unsigned wide = 1 + limits::width_step;

struct Rising : Bench {
  explicit Rising (Config config = going_by_openings (wide),
      std::uint32_t parent_children_max = 1)
      : Bench (std::move (config))
  {
    subscribe ();
    link = asked ();
    hear (link, message::Accept{contact (4), {contact (3), contact (source)},
                    {}, parent_children_max});
    packet (link);
    parents_children_max = parent_children_max;
  }
  void pass_until_it_asks ()
  {
    for (Duration longest = 2 * limits::rise_after;
         longest > 0s && !find<action::Connect> (); longest -= 1s)
      pass (1s);
  }
  LinkId link;
};

TEST (AutoRise, AsksTheSourceWhenItHasStayed)
{
  Rising bench;
  bench.pass (limits::rise_after - 1ns);
  EXPECT_FALSE (bench.find<action::Connect> ());
  bench.pass_until_it_asks ();
  ASSERT_TRUE (bench.find<action::Connect> ());
  EXPECT_EQ (bench.find<action::Connect> ()->target, contact (Bench::source));
  const LinkId asked = bench.asked ();
  const auto *ask = bench.said<message::Subscribe> (asked);
  ASSERT_TRUE (ask);
  EXPECT_EQ (ask->reason, JoinReason::rising);
  EXPECT_EQ (ask->level, 3u);
  EXPECT_EQ (ask->avoid, std::vector<PeerId>{id_of (4)});
  EXPECT_EQ (bench.peer.state (), PeerState::receiving);

  // None: all is as it was, and it asks again at about twice the age.
  bench.hear (asked, message::Refuse{RefuseReason::saturated, std::nullopt});
  EXPECT_EQ (bench.peer.parent_link (), bench.link);
  EXPECT_FALSE (bench.said<message::Unsubscribe> (bench.link));
  EXPECT_TRUE ((bench.join (10), bench.said<message::Accept> ()));
  bench.pass (limits::rise_after / 2 - 1ns);
  EXPECT_FALSE (bench.find<action::Connect> ());
  bench.pass (3 * limits::rise_after);
  EXPECT_TRUE (bench.find<action::Connect> ());
}

TEST (AutoRise, TakesAHigherPlaceWithoutAGap)
{
  Rising bench;
  bench.pass_until_it_asks ();
  const LinkId asked = bench.asked ();
  bench.hear (asked, message::Accept{contact (Bench::source), {}, {}});
  EXPECT_FALSE (bench.said<message::Unsubscribe> (bench.link));
  bench.packet (asked);
  EXPECT_TRUE (bench.said<message::Unsubscribe> (bench.link));
  EXPECT_EQ (bench.peer.parent_link (), asked);
  EXPECT_EQ (bench.peer.state (), PeerState::receiving);
}

TEST (AutoRise, DeclinesAPlaceThatIsNotWorthIt)
{
  Rising bench;
  bench.pass_until_it_asks ();
  bench.hear (bench.asked (), message::Redirect{contact (9)});
  const LinkId there = bench.asked ();
  bench.hear (
      there, message::Accept{contact (9), {contact (Bench::source)}, {}});
  EXPECT_TRUE (bench.said<message::Unsubscribe> (there));
  EXPECT_EQ (bench.peer.parent_link (), bench.link);
  EXPECT_EQ (bench.peer.state (), PeerState::receiving);
  EXPECT_FALSE (bench.find<action::Connect> ()) << "and asks nobody else";
}

// It is not the time to be choosy.
TEST (AutoRise, BecomesASearchWhenTheParentGoes)
{
  Rising bench;
  bench.pass_until_it_asks ();
  bench.hear (bench.asked (), message::Redirect{contact (9)});
  const LinkId there = bench.asked ();
  bench.close (bench.link);
  bench.hear (
      there, message::Accept{contact (9), {contact (Bench::source)}, {}});
  bench.packet (there);
  EXPECT_EQ (bench.peer.parent_link (), there);
}

TEST (AutoRise, IsForTheWideTheDeepAndTheFed)
{
  const auto rises = [] (Bench &bench) {
    bench.pass (2 * limits::rise_after);
    return bench.find<action::Connect> () != nullptr;
  };
  Rising below_a_narrow_one;
  EXPECT_TRUE (rises (below_a_narrow_one));
  Rising below_its_like (going_by_openings (wide), 2);
  EXPECT_FALSE (rises (below_its_like));
  Rising below_whom_it_knows_nothing_of (going_by_openings (wide), 0);
  EXPECT_FALSE (rises (below_whom_it_knows_nothing_of));
  Rising other (Bench::config_of (wide));
  EXPECT_FALSE (rises (other)) << "another policy";
  Bench high (going_by_openings (wide));
  high.settle ();
  EXPECT_FALSE (rises (high));
}

// Below a parent: what it is told.
struct Telling : Bench {
  Telling () : Bench (going_by_openings (2)) { link = settle_deep (); }
  const message::Alive *beat ()
  {
    peer.beat (now);
    drain ();
    return said<message::Alive> (link);
  }
  LinkId link;
};

TEST (AutoReport, ItsOwnSlotsAndThoseBelow)
{
  Telling bench;
  std::vector<Opening> openings = bench.beat ()->openings;
  ASSERT_EQ (openings.size (), 1u);
  EXPECT_EQ (openings[0].contact, contact (Bench::self));
  EXPECT_EQ (openings[0].free, 2u);
  EXPECT_EQ (openings[0].depth, 0u);

  auto child = bench.alive (10);
  bench.join (10);
  child.openings = {opening (10, 0, 1min, 3), opening (20, 1)};
  bench.hear (incoming (10), child);
  bench.join (11);
  openings = bench.beat ()->openings;
  ASSERT_EQ (openings.size (), 4u);
  EXPECT_EQ (openings[0].contact, contact (10));
  EXPECT_EQ (openings[0].depth, 1u);
  EXPECT_EQ (openings[1].contact, contact (11)) << "of its ask; younger";
  EXPECT_EQ (openings[2].contact, contact (20));
  EXPECT_EQ (openings[2].depth, 2u);
  EXPECT_EQ (openings[3].contact, contact (Bench::self)) << "for the wide";
  EXPECT_EQ (openings[3].width_min, 3 + limits::width_step);
}

// The parent's, and half a round trip to it.
struct Delayed : Bench {
  Delayed () : Bench (going_by_openings (2))
  {
    subscribe ();
    parent = asked ();
    hear (parent, message::Accept{contact (source), {}, {}, 0, 100});
    packet (parent);
    round_trip (40ms);
  }
  void round_trip (Duration took)
  {
    peer.round_trip_seen (now, parent, took);
    drain ();
  }
  std::uint32_t told ()
  {
    peer.beat (now);
    drain ();
    return said<message::Alive> (incoming (10))->tree_delay_ms;
  }
  LinkId parent;
};

TEST (TreeDelay, IsToldToChildrenAndWithOpenings)
{
  Delayed bench;
  bench.hear (incoming (10), bench.ask (10));
  EXPECT_EQ (bench.said<message::Accept> (incoming (10))->tree_delay_ms, 120u);
  EXPECT_EQ (bench.told (), 120u);
  const auto openings = bench.said<message::Alive> (bench.parent)->openings;
  ASSERT_EQ (openings.size (), 2u);
  EXPECT_EQ (openings[0].tree_delay_ms, 120u) << "its own";
  EXPECT_EQ (openings[1].tree_delay_ms, 120 + limits::hop_delay_ms)
      << "of a child that has not told";

  message::Alive above = bench.alive (Bench::source);
  above.tree_delay_ms = 200;
  bench.hear (bench.parent, above);
  EXPECT_EQ (bench.said<message::Alive> (incoming (10))->tree_delay_ms, 220u)
      << "at once, for those below reckon with it";
}

TEST (TreeDelay, IsNotToldAnewForNextToNothing)
{
  Delayed bench;
  bench.join (10);
  bench.round_trip (12ms);
  EXPECT_EQ (bench.told (), 120u) << "within an eighth";
  bench.round_trip (8ms);
  EXPECT_EQ (bench.told (), 104u);
  bench.round_trip (3s);
  EXPECT_EQ (bench.told (), 104u) << "one late answer";
  for (int i = 0; i < 60; ++i)
    bench.round_trip (80ms);
  EXPECT_GT (bench.told (), 120u) << "the way is another one";
}

TEST (TreeDelay, OfALiarStaysInBounds)
{
  Delayed bench;
  bench.join (10);
  message::Alive above = bench.alive (Bench::source);
  above.tree_delay_ms = 0xffffffff;
  bench.hear (bench.parent, above);
  EXPECT_EQ (bench.told (), limits::tree_delay_max_ms);
  bench.hear (incoming (11), bench.ask (11));
  bench.told ();
  for (const Opening &told :
      bench.said<message::Alive> (bench.parent)->openings)
    EXPECT_LE (told.tree_delay_ms, limits::tree_delay_max_ms)
        << "or who is told could not read it";
}

TEST (AutoReport, IsBounded)
{
  Telling bench;
  bench.join (10);
  auto child = bench.alive (10);
  for (std::uint64_t i = 0; i < 50; ++i) {
    child.openings.push_back (opening (20 + i, static_cast<std::uint32_t> (i)));
    child.openings.push_back (for_the_wide (120 + i, 1, 7));
  }
  bench.hear (incoming (10), child);
  EXPECT_LE (bench.beat ()->openings.size (), limits::openings_max);
}

TEST (AutoReport, NonsenseIsNotPassedOn)
{
  Telling bench;
  bench.join (10);
  bench.join (11); // full
  auto child = bench.alive (10);
  child.openings = {{{{}, "host"}, 0, 3, 0, 0, 1s},
      {{id_of (20), ""}, 0, 3, 0, 0, 1s}, opening (Bench::self, 1),
      opening (21, 1'000'000), {contact (22), 1, 0, 0, 0, 1s}};
  bench.hear (incoming (10), child);
  for (const Opening &told : bench.beat ()->openings)
    EXPECT_TRUE (told.contact.id == id_of (11) ||
                 (told.contact.id == id_of (Bench::self) && told.free == 0));
}

TEST (AutoReport, OnlyByWhoGoesByIt)
{
  Telling bench;
  bench.peer.set_add_policy (AddPolicyKind::round_robin);
  EXPECT_TRUE (bench.beat ()->openings.empty ());
  bench.peer.set_add_policy (AddPolicyKind::automatic);
  EXPECT_FALSE (bench.beat ()->openings.empty ());
}

TEST (AutoReport, ALeaverOffersNothing)
{
  Telling bench;
  bench.join (10);
  bench.unsubscribe ();
  EXPECT_TRUE (bench.beat ()->openings.empty ());
}

} // namespace
