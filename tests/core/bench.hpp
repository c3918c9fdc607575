// One peer on the bench: the test plays everybody else, message by message.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <utility>

#include <gtest/gtest.h>

#include "core/peer.hpp"

namespace spreadit::core {

using namespace std::chrono_literals;

inline PeerId
id_of (std::uint64_t low)
{
  return {0xbe9c, low};
}

inline Contact
contact (std::uint64_t low)
{
  return {id_of (low), "host" + std::to_string (low)};
}

constexpr LinkId
incoming (std::uint64_t number)
{
  return LinkId{incoming_link | number};
}

class Bench {
public:
  static constexpr std::uint64_t self = 1;
  static constexpr std::uint64_t source = 2;

  static Config config_of (unsigned children_max)
  {
    Config config;
    config.id = id_of (self);
    config.address = "host1";
    config.children_max = children_max;
    return config;
  }

  explicit Bench (unsigned children_max = 3) : peer (config_of (children_max))
  {
  }
  explicit Bench (Config config) : peer (std::move (config)) {}

  // Drains; what came out stays in `actions` until the next verb.
  void drain ()
  {
    actions.clear ();
    while (auto action = peer.poll_action ()) {
      if (const auto *dial = std::get_if<action::DialBack> (&*action))
        dials.push_back (*dial);
      actions.push_back (std::move (*action));
    }
    peer.check_invariants ();
    if (!dials_are_answered)
      return;
    for (const action::DialBack &dial : std::exchange (dials, {})) {
      auto before = std::exchange (actions, {});
      peer.dialed_back (now, dial.link, dial.peer.address, Reach::yes);
      drain ();
      before.insert (before.end (), actions.begin (), actions.end ());
      actions = std::move (before);
    }
  }

  void hear (LinkId link, Message message)
  {
    peer.handle_message (now, link, message);
    drain ();
  }
  void become_source ()
  {
    peer.become_source (now);
    peer.set_stream_ready (now, true);
    drain ();
  }
  void subscribe ()
  {
    peer.subscribe (now, {{}, "host2"});
    drain ();
  }
  void open (LinkId link)
  {
    peer.link_opened (now, link);
    drain ();
  }
  void close (LinkId link)
  {
    peer.link_closed (now, link);
    drain ();
  }
  void packet (LinkId link)
  {
    peer.data_seen (now, link, now);
    drain ();
  }
  void unsubscribe ()
  {
    peer.unsubscribe (now);
    drain ();
  }

  // Runs the clock; the parent's packets and heart-beats, and the children's,
  // come as they should. Collects the actions.
  void pass (Duration duration, bool neighbours_live = true)
  {
    const Instant end = now + duration;
    std::vector<Action> all;
    while (peer.next_timeout () <= end) {
      now = std::max (now, peer.next_timeout ());
      if (neighbours_live)
        live ();
      peer.handle_timeout (now);
      EXPECT_GT (peer.next_timeout (), now);
      drain (); // what came of live () as well
      all.insert (all.end (), actions.begin (), actions.end ());
    }
    now = end;
    actions = std::move (all);
  }

  // Settles below `parent`, whose own root path is given, and gets a packet.
  LinkId settle (Contact parent, RootPath root_path)
  {
    const LinkId link = asked ();
    hear (link, message::Accept{std::move (parent), std::move (root_path), {}});
    packet (link);
    return link;
  }
  // Subscribed, settled, fed by the source itself.
  LinkId settle ()
  {
    subscribe ();
    return settle (contact (source), {});
  }
  // The same, at level 3: source (2), 3, 4.
  LinkId settle_deep ()
  {
    subscribe ();
    return settle (contact (4), {contact (3), contact (source)});
  }

  // Opens the link of the Connect among the actions.
  LinkId asked ()
  {
    const auto *connect = find<action::Connect> ();
    EXPECT_TRUE (connect) << "nobody is asked";
    const LinkId link = connect ? connect->link : LinkId{};
    open (link);
    return link;
  }

  message::Subscribe ask (std::uint64_t who, std::uint32_t peers = 1) const
  {
    message::Subscribe subscribe;
    subscribe.self = contact (who);
    subscribe.children_max = 3;
    subscribe.subtree = {peers, peers > 1 ? 1u : 0u, 3};
    return subscribe;
  }
  LinkId join (std::uint64_t who, std::uint32_t peers = 1)
  {
    hear (incoming (who), ask (who, peers));
    return incoming (who);
  }

  // The first of its kind among the actions.
  template <class Wanted> const Wanted *find () const
  {
    for (const Action &action : actions)
      if (const auto *wanted = std::get_if<Wanted> (&action))
        return wanted;
    return nullptr;
  }
  // The first message of its kind, to anyone or on that link.
  template <class Wanted>
  const Wanted *said (std::optional<LinkId> link = std::nullopt) const
  {
    for (const Action &action : actions)
      if (const auto *send = std::get_if<action::Send> (&action))
        if (const auto *wanted = std::get_if<Wanted> (&send->message))
          if (!link || send->link == *link)
            return wanted;
    return nullptr;
  }
  template <class Wanted> const Wanted *reported () const
  {
    for (const Action &action : actions)
      if (const auto *report = std::get_if<action::Report> (&action))
        if (const auto *wanted = std::get_if<Wanted> (&report->what))
          return wanted;
    return nullptr;
  }
  template <class Wanted> bool did (LinkId link) const
  {
    for (const Action &action : actions)
      if (const auto *wanted = std::get_if<Wanted> (&action))
        if (wanted->link == link)
          return true;
    return false;
  }
  bool refused (LinkId link, RefuseReason reason) const
  {
    const auto *refuse = said<message::Refuse> (link);
    return refuse && refuse->reason == reason;
  }

  message::Alive alive (std::uint64_t who, RootPath root_path = {}) const
  {
    message::Alive alive;
    alive.self = contact (who);
    alive.children_max = 3;
    alive.subtree.free = 3;
    alive.root_path = std::move (root_path);
    return alive;
  }

  // What is dialled back answers at once, unless a test wants to see to it.
  bool dials_are_answered = true;
  std::vector<action::DialBack> dials; // not answered
  void dialed (std::uint64_t who, Reach reach)
  {
    const auto dial = std::find_if (dials.begin (), dials.end (),
        [who] (const auto &one) { return one.peer.id == id_of (who); });
    ASSERT_TRUE (dial != dials.end ()) << who << " is not dialled";
    const action::DialBack about = *dial;
    dials.erase (dial);
    peer.dialed_back (now, about.link, about.peer.address, reach);
    drain ();
  }

  Peer peer;
  std::uint32_t parents_children_max = 3;
  Instant now{};
  std::vector<Action> actions;

private:
  void live ()
  {
    for (const LinkId link : peer.data_links ())
      peer.data_seen (now, link, now);
    if (const auto link = peer.parent_link ()) {
      message::Alive beat = alive (peer.parent ()->id.low);
      beat.root_path = peer.root_path ().above ();
      beat.children_max = parents_children_max;
      peer.handle_message (now, *link, beat);
    }
    for (const ChildInfo &child : peer.children ())
      if (!child.plain_player) {
        message::Alive beat = alive (child.contact.id.low);
        beat.subtree = child.subtree;
        peer.handle_message (now, child.link, beat);
      }
  }
};

} // namespace spreadit::core
