// One Transport header.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fuzz.hpp"
#include "rtsp/limits.hpp"
#include "rtsp/text.hpp"
#include "rtsp/transport.hpp"

using namespace spreadit;
using namespace spreadit::rtsp;
using fuzz::require;

extern "C" int
LLVMFuzzerTestOneInput (const std::uint8_t *data, std::size_t size)
{
  auto parsed = parse_transports (fuzz::as_text (data, size));
  auto *list = std::get_if<std::vector<Transport>> (&parsed);
  if (!list)
    return 0;
  require (list->size () <= limits::transports_max, "the list is bounded");
  // The one thing that is read and not written: a mode we do not offer.
  for (Transport &transport : *list)
    if (transport.mode == Transport::Mode::other)
      transport.mode = Transport::Mode::unset;
  if (list->empty ())
    return 0;
  const std::string written = to_string (*list);
  require (text::is_printable (written), "a Transport is clean text");
  require (parse_transports (written) == parsed, "a Transport comes back");
  return 0;
}
