// What an RTSP player that is not SpreadIt is told (RFC 2326). Functions; the
// agent owns the links.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "agent/description.hpp"
#include "agent/peer_route.hpp"
#include "media/data_path.hpp"
#include "rtsp/codec.hpp"

namespace spreadit::agent {

// 200 with Public.
rtsp::Response options_answer ();

// `path` is `folder` or lies in it.
bool is_below (const std::string &path, const std::string &folder);

// Index of the medium a SETUP names, by a=control; nothing: no such medium.
std::optional<std::size_t> media_of_setup (const Description &description,
    const std::string &stream_path, const rtsp::Uri &asked);

// One medium more on `route`, as the SETUP wants it: the transport to answer
// with, or why not (461).
struct SetupResult {
  media::Route route;
  rtsp::Transport transport;
};
std::variant<SetupResult, rtsp::Reason> set_up_medium (
    const rtsp::SetupRequest &request, std::size_t media,
    const Description &description, const std::optional<media::Route> &route,
    Lowers lowers, const std::shared_ptr<media::InterleavedSink> &sink,
    const media::Address &player, media::DataPath &data_path);

// For the answer to PLAY.
std::vector<rtsp::RtpInfo> rtp_info (const Description &description,
    const std::string &base, const media::Route &route,
    const std::vector<media::NextPacket> &next);

} // namespace spreadit::agent
