// Every bound of the HTTP server, with its reason.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>

namespace spreadit::http::limits {

// Sockets. A browser opens six to one host, a scraper one.
inline constexpr std::size_t connections_max = 128;
// One that asks nothing makes way for a new one, and goes on its own then.
inline constexpr std::int64_t idle_max_us = 15'000'000;
// A request that is not read or answered by then: who asks does not read.
inline constexpr std::int64_t busy_max_us = 30'000'000;
// Nothing here takes a body.
inline constexpr std::size_t query_max = 4096;

// WebSockets. What a page says to us is nothing.
inline constexpr std::size_t listeners_max = 32;
inline constexpr std::size_t listener_says_max = 256;
inline constexpr unsigned short try_again_later =
    1013; // IANA; libsoup has no name
// Takes nothing for so long: gone. Until then it is left out, and gets the
// whole once it reads again.
inline constexpr std::int64_t listener_stalls_max_us = 10'000'000;
// What the system may hold for one that is slow.
inline constexpr int listener_send_buffer = 256 * 1024;

// How often they are told, and how often it is looked whether it is time. A
// large tree is told of less often, so that the links in it carry 75 kB/s of
// this at most. After a move it is soon, but not at once: others are on their
// way.
inline constexpr std::int64_t tell_interval_us = 1'000'000;
inline constexpr std::int64_t tell_us_a_peer = 4000;
inline constexpr std::int64_t tell_soon_us = 200'000;
inline constexpr unsigned tell_tick_ms = 100;
inline constexpr unsigned told_peers_max = 1000;
inline constexpr unsigned told_peers_default = 400;

// The tree: levels asked for at most, peers told at most. 5000 peers are 1.5 MB
// of JSON; beyond that a part of the tree is asked for.
inline constexpr unsigned depth_max = 64;
inline constexpr unsigned peers_max = 5000;
inline constexpr unsigned peers_default = 1000;
// How old an answer may be that another one is given as well.
inline constexpr std::int64_t tree_fresh_us = 900'000;
// Questions to the tree that wait for their answer, and how soon one follows
// another: a peer answers five a second (agent/limits.hpp), and who asks too
// much must not have the others see a tree that does not answer.
inline constexpr std::size_t questions_max = 16;
inline constexpr std::int64_t question_interval_us = 220'000;
inline constexpr std::int64_t question_burst_us = 3 * question_interval_us;

// Viewers of the stream in the page, and how far one may lag behind: a key
// frame and what came since, of 20 Mbit/s for 6 s; who has more waiting is hung
// up on, and so is who takes nothing for so long although there is something.
inline constexpr unsigned viewers_max = 16;
inline constexpr int viewer_send_buffer =
    512 * 1024;                          // what the system may hold
inline constexpr unsigned shows_max = 4; // pipelines
inline constexpr std::uint64_t viewer_lag_max_bytes = 16 * 1024 * 1024;
inline constexpr std::int64_t viewer_stalls_max_us = 20'000'000;
inline constexpr unsigned viewer_look_ms = 1000;
// A pipeline that nobody watches any more ends after so long: a page that is
// loaded anew finds it running.
inline constexpr unsigned unwatched_max_ms = 5000;
// The stream has to begin by then, or the page is told why not.
inline constexpr unsigned begin_max_ms = 15000;

} // namespace spreadit::http::limits
