// The first byte says where to cut; the rest is a stream. However it is cut,
// the same must come out, and what came out must survive being written.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <string>
#include <vector>

#include "fuzz.hpp"
#include "rtsp/parser.hpp"
#include "rtsp/writer.hpp"

using namespace spreadit;
using namespace spreadit::rtsp;
using fuzz::require;

namespace {

// Cuts of 1 to `longest` bytes; 0: none.
std::vector<Parser::Next>
read_all (std::string_view stream, unsigned longest)
{
  Parser parser;
  std::vector<Parser::Next> out;
  for (unsigned cut = 0; !stream.empty (); ++cut) {
    const std::size_t piece =
        longest == 0
            ? stream.size ()
            : std::min<std::size_t> (stream.size (), 1 + (cut * 7 % longest));
    parser.push (stream.substr (0, piece));
    stream.remove_prefix (piece);
    for (;;) {
      auto next = parser.next ();
      if (std::holds_alternative<Parser::NeedMore> (next))
        break;
      out.push_back (std::move (next));
      if (std::holds_alternative<Parser::Error> (out.back ()))
        return out;
    }
    require (parser.buffered () <= limits::unit_max, "memory is bounded");
  }
  return out;
}

template <class T>
void
write_and_read_back (T message)
{
  // Written when there is a body, and then last.
  std::erase_if (message.headers, [] (const Header &header) {
    return find ({header}, "Content-Length") != nullptr;
  });
  const auto bytes = write (message);
  // What was read may be a few bytes longer once written: "a:b" is "a: b".
  if (!bytes)
    return;
  Parser parser;
  parser.push (*bytes);
  const auto next = parser.next ();
  const auto *unit = std::get_if<Unit> (&next);
  require (unit && parser.buffered () == 0, "what is written is one unit");
  const auto *again = std::get_if<T> (unit);
  require (again != nullptr, "of the same kind");
  if (!message.body.empty ())
    set (message.headers, "Content-Length",
        std::to_string (message.body.size ()));
  require (*again == message, "what is written reads back the same");
}

void
write_and_read_back (const Interleaved &packet)
{
  const auto bytes = write (packet);
  require (bytes.has_value (), "every packet read can be written");
  Parser parser;
  parser.push (*bytes);
  require (parser.next () == Parser::Next (Unit (packet)),
      "a packet reads back the same");
}

} // namespace

extern "C" int
LLVMFuzzerTestOneInput (const std::uint8_t *data, std::size_t size)
{
  if (size == 0)
    return 0;
  const auto stream = fuzz::as_text (data + 1, size - 1);
  const auto whole = read_all (stream, 0);
  require (read_all (stream, 1 + data[0]) == whole, "cuts do not matter");
  require (read_all (stream, 1) == whole, "nor does byte by byte");
  for (const auto &next : whole)
    if (const auto *unit = std::get_if<Unit> (&next))
      std::visit (
          [] (const auto &message) { write_and_read_back (message); }, *unit);
  return 0;
}
