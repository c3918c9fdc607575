// The question for the tree below a peer, and its answer: two more bodies of
// SET_PARAMETER. The core knows nothing of them, they decide nothing.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/vocabulary.hpp"
#include "rtsp/message.hpp"
#include "rtsp/result.hpp"
#include "rtsp/uri.hpp"

namespace spreadit::rtsp {

// Downwards. "Tell me of yourself and of those below you."
struct Survey {
  std::uint64_t token = 0; // the asker's; comes back in the answer
  std::uint32_t depth = 0; // levels below the one it is about; 0: it alone
  std::uint32_t peers = 1; // told of at most
  std::chrono::milliseconds wait{0}; // the answer is of no use after that
  // Whom it is about: the way there from the receiver, child by child. Empty:
  // the receiver itself.
  std::vector<core::PeerId> path;
  bool operator== (const Survey &) const = default;
};

// What there is to say of one peer or player.
struct SurveyedPeer {
  // Below the first one, which has 0. Never more than one deeper than the one
  // before: so the list is a tree, whatever somebody writes into it.
  std::uint32_t depth = 0;
  core::Contact self;
  core::PeerState state = core::PeerState::receiving;
  bool player = false; // not SpreadIt
  bool stale = false;  // did not answer: as its parent knows it
  bool over_tcp = false;
  core::Reach reach = core::Reach::unknown; // as its parent has found
  std::uint32_t level = 0;
  core::Subtree subtree;
  core::Quality quality; // of its subtree
  std::uint32_t children = 0, children_max = 0;
  std::uint64_t packets_received = 0, packets_lost = 0;
  std::uint64_t bytes_in = 0, bytes_out = 0;
  std::uint32_t lost_ppm = 0; // as it last reported to its parent
  std::uint32_t moves = 0;    // changes of parent
  std::optional<std::chrono::microseconds> delay, delay_p99, rtt;
  std::chrono::microseconds gap{0}; // the last time without the stream
  bool operator== (const SurveyedPeer &) const = default;
};

// Upwards, in as many parts as it takes. No peer at all: there is none at the
// end of that path.
struct Surveyed {
  std::uint64_t token = 0;
  bool more = false; // another part follows
  std::vector<SurveyedPeer> peers;
  bool operator== (const Surveyed &) const = default;
};

Request encode_survey (
    const Survey &survey, const Uri &stream, std::string_view session);
// The parts, within limits::body_max each and limits::survey_bytes_max
// together. What does not fit is left out from the end.
std::vector<Request> encode_surveyed (std::uint64_t token,
    const std::vector<SurveyedPeer> &peers, const Uri &stream,
    std::string_view session);

// Is a body with a message for parse_survey(), not for parse_parameters()?
bool is_survey (std::string_view body);
std::variant<Survey, Surveyed, Reason> parse_survey (std::string_view body);

} // namespace spreadit::rtsp
