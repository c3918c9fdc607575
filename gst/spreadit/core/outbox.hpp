// What the core wants done, oldest first.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "core/vocabulary.hpp"

namespace spreadit::core {

// A vector and an index, not a deque: an empty deque holds 576 bytes, and a
// simulation holds a million of these.
class Outbox {
public:
  void connect (LinkId link, Contact target)
  {
    push (action::Connect{link, std::move (target)});
  }
  void send (LinkId link, Message message)
  {
    push (action::Send{link, std::move (message)});
  }
  void close (LinkId link) { push (action::Close{link}); }
  void start_feeding (LinkId link) { push (action::StartFeeding{link}); }
  void stop_feeding (LinkId link) { push (action::StopFeeding{link}); }
  void receive_from (LinkId link) { push (action::ReceiveFrom{link}); }
  void dial_back (LinkId link, Contact peer)
  {
    push (action::DialBack{link, std::move (peer)});
  }
  template <class What> void report (What what)
  {
    push (action::Report{std::move (what)});
  }
  void fail (action::Fail fail) { push (std::move (fail)); }

  std::optional<Action> poll ()
  {
    if (next_ == queue_.size ())
      return std::nullopt;
    std::optional<Action> action = std::move (queue_[next_++]);
    if (next_ == queue_.size ()) {
      queue_ = std::vector<Action> (); // gives the memory back; {} does not
      next_ = 0;
    }
    return action;
  }

private:
  // In place: g++ 12 warns of uninitialised strings in a variant that moves.
  template <class Wanted> void push (Wanted wanted)
  {
    queue_.emplace_back (std::in_place_type<Wanted>, std::move (wanted));
  }

  std::vector<Action> queue_;
  std::size_t next_ = 0;
};

} // namespace spreadit::core
