// Every bound and default of the core, with its reason and where it is from.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>

#include "core/vocabulary.hpp"

namespace spreadit::core::limits {

using namespace std::chrono_literals;

// IV-B "some specified number of tries". Height 15 is where the paper's own
// hop delay stops mattering (VI-B); twice that leaves room for dead targets.
inline constexpr unsigned tries_max_default = 32;

// IV-D "heart-beat". One a second is 1 kbit/s a link.
inline constexpr Duration alive_interval_default = 1s;
// IV-D "skipped a specified number of heart-beats". One late beat is common,
// three are not.
inline constexpr unsigned alive_misses_default = 3;

inline constexpr unsigned children_max_default = 3;

// A parent that has nothing to send still sends one RTCP packet this often, so
// that silence means death (ours; the paper has heart-beats only).
inline constexpr Duration data_idle = 50ms;
// This much silence on the data channel of a settled parent: perhaps dead. We
// look for another one but keep it, and stay if it comes back, so a wireless
// link that stalls costs some messages. Two packets for the idle may be lost
// or late.
inline constexpr Duration data_doubt = 3 * data_idle;
// This much: dead.
inline constexpr Duration data_silence_max = 10 * data_idle;
// The same where the packets come over TCP: what is lost is waited for. Linux
// sends a segment again after 200 ms and a round trip at least, and after twice
// that once more (RFC 6298 5.5; tcp_rto_min).
inline constexpr Duration data_doubt_tcp = 450ms;
inline constexpr Duration data_silence_max_tcp = 1500ms;
// First packet after an accept. Longer than the silence above: the way may be
// long, and the accepting peer starts only when its answer is written.
inline constexpr Duration first_data_max = 2s;

// TCP connect and the name resolution before it.
inline constexpr Duration connect_max = 3s;
// From the ask to the answer. Longer than verify_max on the other side.
inline constexpr Duration reply_max = 3s;
// How long an accepting peer waits for the word of the source that the asker
// is not above it.
inline constexpr Duration verify_max = 1500ms;
// Verify messages one peer keeps open for its descendants.
inline constexpr std::size_t verifies_max = 64;

// Wait before asking again somebody who was transient or busy: drawn from
// [min, max], doubled each time, capped.
inline constexpr Duration retry_min = 50ms;
inline constexpr Duration retry_max = 150ms;
inline constexpr Duration retry_cap = 1s;
// A search that only ever meets transient peers ends after this.
inline constexpr Duration search_max = 60s;

// Whoever is sent on in a session, and comes before the target has its first
// packet, asks it again so often; there is time, the old parent feeds.
inline constexpr unsigned early_max = 8;

// What a refusal may ask us to wait: longer is a mistake or an attack.
inline constexpr Duration retry_after_max = 10s;
// Connects and asks in a row that the source did not answer, in the first
// search: the address is wrong or the stream is down, say so quickly.
inline constexpr unsigned source_failures_max = 3;
// Times in a row that the source says "saturated" before those who refused or
// failed are asked again: a dead peer is offered for up to three heart-beats,
// and each way to it costs tries.
inline constexpr unsigned saturated_max = 2;
// A parent that sent us on and still feeds us after this is not leaving: if
// nobody took us by then, stay. Longer than linger_max.
inline constexpr Duration move_max = 5s;
// A parent that is up but transient is left after this, plus up to half of it
// at random, so that not all its descendants give up in the same moment.
inline constexpr Duration transient_max = 10s;

// A leaver feeds its children on until they have moved, at most this long.
inline constexpr Duration linger_max = 2s;
// A child that said it is leaving and stays is dropped after this.
inline constexpr Duration leaving_max = 2 * linger_max + 1s;
// A child that its own child says is silent is asked; no answer in this time
// and it is dead. The asker has waited data_doubt at least, and its
// descendants live on what the ring holds: do not be long. One TCP
// retransmission (200 ms at least on Linux, RFC 6298 2.4 says 1 s) and a round
// trip to the other side of the earth fit in.
inline constexpr Duration probe_max = 400ms;
// A child that was sent on lends its slot for so long: it gives up after
// move_max, and then stays.
inline constexpr Duration sent_on_max = move_max + 1s;
// A peer keeps its slot so long for the wider one it yields to.
inline constexpr Duration yield_max = move_max;
// Smart-Bandwidth: a peer gives its place away at most this often. Nobody can
// join it nor below it while it moves, and where its parent has no place for
// the wider peer it moves in vain.
inline constexpr Duration step_down_rest = 30s;
// Knock-Downs moves a child only when it has been here this long: it has its
// first packets by then, and is moved without a gap.
inline constexpr Duration settling_max = first_data_max;
// Knock-Downs: one peer moves a child for a newcomer at most this often.
// Whoever moves takes nobody in, and those below it that bring others along are
// told to wait: with more moves than ends a large tree is never at rest.
inline constexpr Duration take_instead_rest = 10s;
// Auto: the same, for children that have children. 30 a minute at the source,
// and the fewer the wider its children are.
inline constexpr Duration auto_rest = 2s;
// The way down the tree counts as another one if it differs by more than this
// and by more than an eighth: it is measured all the time, and each change is
// told to everybody below.
inline constexpr std::uint32_t tree_delay_step_ms = 5;
inline constexpr std::uint32_t tree_delay_max_ms = 60'000;
// Of a child that has not told yet: a hop between homes.
inline constexpr std::uint32_t hop_delay_ms = 25;
// Auto: whoever has been here for so long, or up to twice that, and could feed
// width_step more than its parent, asks the source for a higher place; again
// each time it is about twice as old, for who has stayed long stays long. 10
// times a day.
inline constexpr Duration rise_after = 60s;
// A place that is not higher by so many levels is not worth the move.
inline constexpr std::size_t rise_levels_min = 2;
// The source, whom it names, and whom that one names.
inline constexpr unsigned rise_tries_max = 3;
// Auto: a newcomer takes the slot of a child only if it can take so many
// children more than that one: it has to take that one in, and to be worth a
// move.
inline constexpr std::uint32_t width_step = 2;
// A child that vanished may for so long still believe that we are its parent:
// longer than it takes to miss our packets, our heart-beats or our answer.
// See docs/decisions/0001-no-cycle-ever.md.
inline constexpr Duration forgotten_max = 10s;
// A child that could not be connected to is dialled again after this, then
// twice that and so on, so that a port which is opened is found out about; it
// may also be the parent's own trouble. One connect in 10 minutes is nothing to
// anybody.
inline constexpr Duration dial_retry_min = 15s;
inline constexpr Duration dial_retry_max = 10min;
// One that could: ports are closed, addresses change. And whoever names it
// among those it wants to avoid may have failed to connect; not more often than
// dial_retry_min.
inline constexpr Duration dial_again = 5min;
// Newcomers that have got the slot of a child and are not known to be reachable
// yet: until that is known the child has it, too, for up to 3 s where a dial is
// swallowed. One for so many slots, one at least.
inline constexpr std::size_t moves_share = 4;
// An old parent's packets are taken along with the new one's at most this long.
inline constexpr Duration handover_max = 2s;

// Ids on a root path: a deeper tree is refused. The paper's largest has 10.
inline constexpr std::size_t levels_max = 64;
inline constexpr std::size_t avoid_max = 8;
// Routers on the way to the source. traceroute and tracepath stop at 30.
inline constexpr std::size_t routers_max = 32;
// Peers that one search remembers as refused or dead.
inline constexpr std::size_t excluded_max = 64;
inline constexpr std::size_t standby_max = 4;
// The connection to whom an orphan asks first is made anew so often, which
// shows that somebody is still there. What fell out of the tree in between
// costs a round trip more.
inline constexpr Duration standby_interval = 7s;
// What one peer tells its parent of: so many with free slots, so many that
// would make room. The source has as many times more to choose from as it has
// children. With half as many there is rarely one near a newcomer
// (decisions/0012).
inline constexpr std::size_t free_openings_max = 8;
inline constexpr std::size_t wide_openings_max = 2;
inline constexpr std::size_t openings_max =
    free_openings_max + wide_openings_max;
// An ask without descendants is from a peer that has been there for less than
// this, as long as nobody says more.
inline constexpr Duration new_max = 8s;
// A slot somebody was sent to counts as taken for so long, whatever is told of
// it meanwhile: until it has got there, was taken in and that was reported.
inline constexpr Duration spent_max = 1s;
// Host, colon, port: RFC 1035 allows 255 octets of name.
inline constexpr std::size_t address_max = 262;
// Larger counts from a child are cut to this.
inline constexpr std::uint32_t subtree_peers_max = 100'000'000;
// Loss is a part of a million.
inline constexpr std::uint32_t lost_ppm_max = 1'000'000;
// The first step of the loss that is told upwards, and of the delay
// (core/quality.hpp). One packet of 10 s of a stream of 1 Mbit/s is 1000 ppm;
// clocks that NTP keeps differ by milliseconds.
inline constexpr std::uint32_t quality_lost_step_ppm = 100;
inline constexpr std::chrono::milliseconds quality_delay_step{5};
// Later than any viewer would bear: clocks that do not agree.
inline constexpr std::chrono::milliseconds quality_delay_max{3'600'000};
// What one core accepts as capacity, whatever it is told.
inline constexpr unsigned children_max_max = 10'000;

// Changed reports go up at once, but not more often than this.
inline constexpr Duration report_interval_min = 100ms;

// A plain player that was accepted at DESCRIBE but never played.
inline constexpr Duration plain_reserve_max = 10s;

} // namespace spreadit::core::limits
