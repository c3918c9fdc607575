// Questions for the tree below this node that wait for the children's answers.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "core/vocabulary.hpp"
#include "rtsp/survey.hpp"

namespace spreadit::agent {

using SurveyedPeers = std::vector<rtsp::SurveyedPeer>;

// What came back: a tree in the order of a walk through it, the peer asked
// about first. Empty: there is none at the end of the path.
using SurveyDone = std::function<void (SurveyedPeers)>;

struct SurveyQuestion {
  // One child's part of it.
  struct Part {
    std::uint32_t peers_max = 0; // it may tell of
    SurveyedPeers told;
    std::size_t messages = 0;
    bool over = false;
    // What is known of it here, should it say nothing.
    rtsp::SurveyedPeer known;
  };
  struct Asker {
    core::LinkId link;
    std::uint64_t token;
  };

  std::optional<Asker> asker; // nobody: `done` is of this process
  SurveyDone done;
  core::Instant deadline{};
  std::uint32_t depth_max = 0; // of what a child may tell
  bool is_passed_on = false; // about somebody further down: one part, as it is
  rtsp::SurveyedPeer self;
  std::vector<core::LinkId> order; // of the children, as they are told of
  std::map<core::LinkId, Part> parts;

  [[nodiscard]] bool is_over () const;
  // All parts in one, those of children one level deeper.
  [[nodiscard]] SurveyedPeers take ();

private:
  SurveyedPeers take_passed_on ();
};

// One more message of an answer. What does not fit the question ends it: a peer
// that tells of more than it was asked for is believed up to there.
void add_to_part (SurveyQuestion::Part &part, rtsp::Surveyed message,
    std::uint32_t depth_max);

// How many peers each child may tell of, of `peers_max` in all: each itself,
// and below it as many as it has, or an equal share. `subtrees` are their
// sizes, themselves included. Children that are not even told of have 0.
std::vector<std::uint32_t> share_out (
    std::uint32_t peers_max, const std::vector<std::uint32_t> &subtrees);

} // namespace spreadit::agent
