// From a byte stream to requests, answers and interleaved packets.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "rtsp/limits.hpp"
#include "rtsp/message.hpp"

namespace spreadit::rtsp {

// Push what came in, of any size, then take next() until it says NeedMore. Who
// stops taking before, to slow the other side down, stops pushing too. After
// NeedMore at most limits::unit_max bytes are kept. Every byte is looked at a
// bounded number of times, however the stream was cut.
//
// The grammar is RFC 2326's, read strictly: lines end with CR LF (a lone CR or
// LF is an error: every player sends both, and one reading only leaves nothing
// to argue about), no folded headers, no control characters, exactly one space
// between the words of a first line, version RTSP/1.0, no white space before a
// colon. Up to limits::empty_lines_max empty lines may precede a message.
// Requests carry one good CSeq; answers may lack it.
class Parser {
public:
  struct NeedMore {
    bool operator== (const NeedMore &) const = default;
  };
  // The stream cannot be read on: answer if there is something to answer,
  // then close.
  struct Error {
    unsigned status = 400; // 400, 413, 414 or 505. 0: nothing to answer, what
                           // is broken is an answer itself
    std::string text;      // one line for a human
    std::optional<std::uint32_t> cseq; // of the broken request, where known
    bool operator== (const Error &) const = default;
  };
  using Next = std::variant<NeedMore, Unit, Error>;

  void push (std::string_view bytes);
  void push (std::span<const std::uint8_t> bytes);

  // After an Error always that same Error.
  [[nodiscard]] Next next ();

  // Pushed and not yet taken.
  [[nodiscard]] std::size_t buffered () const { return buffer_.size () - pos_; }

private:
  using Message = std::variant<Request, Response>;
  struct Idle { // between two units
    // By hand: a default one does not exist yet where State needs it.
    Idle () {}
    unsigned empty_lines = 0;
  };
  struct Head { // after the first line
    Message message;
    std::size_t bytes = 0;        // of header lines so far
    std::optional<Error> verdict; // kept back until the CSeq is known
  };
  struct Body {
    Message message;
    std::size_t length = 0;
  };
  struct Packet {
    std::uint8_t channel = 0;
    std::size_t length = 0;
  };
  using State = std::variant<Idle, Head, Body, Packet, Error>;

  struct Line {
    std::string_view text; // without CR LF; valid until the next push ()
  };
  struct Incomplete {};
  struct TooLong {};
  struct BadEnd {};
  std::variant<Line, Incomplete, TooLong, BadEnd> take_line (std::size_t max);

  // Nothing: the state has changed, go on.
  using Step = std::optional<Next>;
  Step step (Idle &idle);
  Step step (Head &head);
  Step step (Body &body);
  Step step (Packet &packet);
  Step step (Error &error);
  Step first_line (std::string_view line);
  Step request_line (std::string_view line);
  Step status_line (std::string_view line);
  Step header_line (Head &head, std::string_view line);
  Step end_of_head (Head &head);
  Step fail (Error error);
  Step fail_head (Head &head, unsigned status, std::string text);
  Step need_more ();
  void skip (std::size_t bytes);

  std::string buffer_;
  std::size_t pos_ = 0;  // taken up to here
  std::size_t scan_ = 0; // no LF between pos_ and here
  State state_;
};

} // namespace spreadit::rtsp
