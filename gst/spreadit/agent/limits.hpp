// Every bound of the agent, with its reason.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstddef>

namespace spreadit::agent::limits {

using namespace std::chrono_literals;

// Text not yet taken by the other side: it does not read, its link is dead.
inline constexpr std::size_t pending_text_max = 1024 * 1024;
// Where the system has no say in it (TLS): beyond this much unwritten output no
// frame is taken. About 100 ms of a 10 Mbit/s stream.
inline constexpr std::size_t pending_frame_max = 128 * 1024;

// What the system takes and has not sent (TCP_NOTSENT_LOWAT), so that the rest
// waits where it can be skipped (media::limits::tcp_queue_max). Enough for
// 128 Mbit/s at media::limits::pace_interval.
inline constexpr unsigned tcp_unsent_max = 64 * 1024;

// How long a closing connection waits for the other side's FIN, so that a reset
// does not destroy what it has not read yet.
inline constexpr auto close_linger_max = 1s;

// How long a plain player over UDP may take to end after RTCP BYE: rtspsrc's
// default latency is 2 s, and it ends when that is through.
inline constexpr auto farewell_max = 4s;
// BYE is said again so often: a datagram may be lost.
inline constexpr auto goodbye_interval = 500ms;
// What comes after a player's TEARDOWN comes at once.
inline constexpr auto torn_down_max = 500ms;
// Of those who have said TEARDOWN: who does that in a loop gets no more.
inline constexpr std::size_t farewells_max = 256;

// RFC 5482: data unacknowledged this long breaks the connection; keep-alive
// finds a dead host on a quiet one in about the same time.
inline constexpr unsigned tcp_user_timeout_ms = 5000;
inline constexpr int tcp_keepalive_idle_s = 3;
inline constexpr int tcp_keepalive_interval_s = 1;
inline constexpr int tcp_keepalive_probes = 3;

// A connection that became no child by then is closed.
inline constexpr auto unused_connection_max = 10s;
// Connections one listener holds that have not named a stream yet; the oldest
// go first.
inline constexpr std::size_t unused_connections_max = 1024;
// The same of those that have, but belong to no child: a fifth of a second of
// 20,000 joins a second that are sent on.
inline constexpr std::size_t strangers_max = 4096;
// How often those that outstay their welcome are looked for.
inline constexpr auto patience_interval = 1s;
// The kernel's queue of connections not accepted yet: flash crowds.
inline constexpr int listen_backlog = 4096;
// Accepts in one turn of the loop, so that links in being are not starved.
inline constexpr unsigned accepts_per_turn = 64;
// Out of descriptors: the listening socket stays readable, so look away.
inline constexpr auto accept_pause = 100ms;

// The data path is asked for signs of life from a parent whenever the core
// would do something about their absence, and this often for the rate of the
// stream.
inline constexpr auto measure_interval = 1s;
// The same when one has come that was awaited: not for each of a burst. Nobody
// looks again and again meanwhile: where many peers share a machine, that would
// take the time in which they could be fed.
inline constexpr auto data_poll_interval_eager = 5ms;
// The rate is measured earlier by as much if we are awake for something else:
// waking up, with all caches cold, costs more than measuring.
inline constexpr auto measure_early = 250ms;
// What a node says of its own reception is of the last so many seconds: loss is
// told of for so long after its end, and a packet is a part of many.
inline constexpr auto reception_window = 10s;

// Nothing came from a new parent over UDP for so long: it does not get through,
// ask for TCP. Twice the round trip of the flight, within these. A parent sends
// something at once and every 50 ms (core::limits::data_idle) then, so eight of
// them are lost; and TCP has to bring something before the core gives the
// parent up (core::limits::first_data_max).
inline constexpr auto udp_wait_min = 400ms;
inline constexpr auto udp_wait_max = 1000ms;
// At so many parents in a row UDP did not get through and TCP did: it is us,
// TCP is asked for at once. For a while: a host may come to another network.
inline constexpr unsigned udp_failures_max = 2;
inline constexpr auto udp_failures_remembered = 10min;

// A dial-back (dial_back.hpp), from the name to the answer: what a newcomer
// gives the connection alone (core::limits::connect_max), so who is found
// reachable costs nobody that.
inline constexpr auto dial_back_max = 3s;
// At once; the others wait. Where nobody answers, 20 children a second.
inline constexpr std::size_t dial_backs_max = 64;
// So many wait; the children of more are not known to be reachable.
inline constexpr std::size_t dials_waiting_max = 1024;
// To an address that is not the child's own, as its connection shows it: so
// often, and so many at once after a rest. A child may name anybody's.
inline constexpr auto foreign_dial_interval = 1s;
inline constexpr int foreign_dial_burst = 8;

// The tree on demand (survey.hpp): how long a question may take, and more for
// each level below. A hop has its share of it, so 200 ms at least: an answer
// across an ocean and a busy machine.
inline constexpr auto survey_wait_base = 500ms;
inline constexpr auto survey_wait_level = 300ms;
// How often a parent may ask: a page that watches asks each second, unfolding
// comes on top.
inline constexpr auto survey_interval = 200ms;
inline constexpr int survey_burst = 5;
// Questions that wait at once: from above (of a handover's two parents, too),
// and of this process.
inline constexpr int surveys_asked_max = 8;
inline constexpr int surveys_local_max = 16;

// RFC 2326 12.37. Plain players send something before it is over: a request, or
// RTCP. They are given half as much again before they lose their place.
inline constexpr auto session_timeout = 60s;
// What a plain player is told to wait while we do not get the stream ourselves.
inline constexpr auto player_retry_after = 1s;

// The traceroute to the source (route_probe.hpp). Beside the join, and over
// before it matters: a newcomer that was placed without it moves once.
inline constexpr auto route_probe_max = 2s;
// So many hops in flight at once: most ways are two or three such windows long,
// and a host answers about as many at once (icmp_ratelimit in icmp(7)).
inline constexpr unsigned route_window = 6;
// A window that is not answered is waited for this long: two round trips,
// within these.
inline constexpr auto route_round_min = 200ms;
inline constexpr auto route_round_max = 600ms;
// Answers that one traceroute reads. More than twice what was sent: somebody
// floods us.
inline constexpr unsigned route_errors_max = 128;
// The way is measured anew when the source is asked again, but not more often.
inline constexpr auto route_rest = 1min;

// A plain player is not redirected more often than this (Location query).
inline constexpr unsigned plain_hops_max = 16;

} // namespace spreadit::agent::limits
