// What a decoder answers: a value, or why there is none.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <variant>

namespace spreadit::rtsp {

struct Reason {
  unsigned status = 400; // what an RTSP answer about it would say
  std::string text;      // one line for a human, without a full stop
  bool operator== (const Reason &) const = default;
};

// Hostile input never asserts and never logs, it becomes a Reason.
template <class T> using Result = std::variant<T, Reason>;

} // namespace spreadit::rtsp
