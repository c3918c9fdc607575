// What a message takes on the wire, TCP/IP headers and answers included, by
// docs/protocol.md. Reckoned and not encoded: the simulator links the core
// only. tests/simulation/wire_test.cpp holds it against the real thing.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "core/vocabulary.hpp"

namespace spreadit::sim {

std::size_t wire_size (const core::Message &message);
// Of an address in these sums.
inline constexpr std::size_t address_size = 20;   // "192.168.100.100:8554"
inline constexpr std::size_t packet_headers = 40; // IPv4, TCP
inline constexpr std::size_t handshake_size = 3 * packet_headers;
// A heart-beat that says nothing new has no body (docs/protocol.md, 4): a
// SET_PARAMETER with an URL of `address_size`, CSeq and Session; its answer.
inline constexpr std::size_t alive_again_size =
    packet_headers + 14 + 43 + 12 + 30 + 2 + (packet_headers + 30);
// A connection, OPTIONS and its answer on it, and its end: a standby link, and
// a dial back.
inline constexpr std::size_t options_size =
    handshake_size + (packet_headers + 31) + (packet_headers + 115) +
    4 * packet_headers;

} // namespace spreadit::sim
