// The text/parameters bodies of SET_PARAMETER: what peers tell each other in a
// session.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <string_view>

#include "core/vocabulary.hpp"
#include "rtsp/result.hpp"

namespace spreadit::rtsp {

// body   = "message" ":" SP kind CRLF *( name ":" SP value CRLF )
// kind   = "leaving" | "alive" | "verify" | "verified" | "ended"
//
// Answers the body of one of these five; empty for every other message.
std::string write_parameters (const core::Message &message);

// Does the body begin with a "message" line, so is it ours to judge?
bool has_message (std::string_view body);

// Unknown names are ignored, an unknown kind is a 451, known names must be
// right and, unless they are lists, come once.
Result<core::Message> parse_parameters (std::string_view body);

} // namespace spreadit::rtsp
