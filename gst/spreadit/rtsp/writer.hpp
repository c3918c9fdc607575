// From messages to bytes.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "rtsp/message.hpp"

namespace spreadit::rtsp {

// The bytes of a message, or nothing if they would not read back as the same
// message: a CR, LF, NUL or other control character anywhere but in the body,
// white space around a value, a name or method that is no token, a request
// without CSeq, anything beyond rtsp/limits.hpp.
// Content-Length is ours: one in `headers` is left out, the right one is added
// when there is a body.
[[nodiscard]] std::optional<std::string> write (const Request &request);
[[nodiscard]] std::optional<std::string> write (const Response &response);

// '$', channel, length: what precedes an interleaved packet, for a vectored
// write.
[[nodiscard]] std::array<std::uint8_t, 4> interleaved_header (
    std::uint8_t channel, std::uint16_t length);

// Nothing if the payload is too long.
[[nodiscard]] std::optional<std::string> write (const Interleaved &packet);

} // namespace spreadit::rtsp
