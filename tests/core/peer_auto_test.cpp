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
  return {contact (who), depth, free, 0, age};
}

Opening
for_the_wide (std::uint64_t who, std::uint32_t depth, std::uint32_t width)
{
  return {contact (who), depth, 0, width, 10min};
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
  PeerId sent (std::uint32_t width, std::vector<PeerId> avoid = {})
  {
    auto asker = ask (next_++);
    asker.children_max = asker.subtree.free = width;
    asker.avoid = std::move (avoid);
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
  child.openings = {{{{}, "host"}, 0, 3, 0, 1s},
      {{id_of (20), ""}, 0, 3, 0, 1s}, opening (Bench::self, 1),
      opening (21, 1'000'000), {contact (22), 1, 0, 0, 1s}};
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
