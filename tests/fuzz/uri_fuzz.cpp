// One URL or one address.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fuzz.hpp"
#include "rtsp/limits.hpp"
#include "rtsp/text.hpp"
#include "rtsp/uri.hpp"

using namespace spreadit;
using namespace spreadit::rtsp;
using fuzz::require;

namespace {

void
check_uri (std::string_view input)
{
  const auto parsed = parse_uri (input);
  if (const auto *reason = std::get_if<Reason> (&parsed)) {
    require (text::is_printable (reason->text), "a reason is one clean line");
    return;
  }
  const Uri &uri = std::get<Uri> (parsed);
  const std::string written = to_string (uri);
  require (text::is_visible (written), "a URL is clean text");
  if (written.size () <= limits::uri_max)
    require (parse_uri (written) == parsed, "a URL comes back");
  require (text::is_visible (wire_url (uri)), "the wire URL is clean text");

  const unsigned count = hops (uri);
  require (count <= limits::hops_max, "hops are bounded");
  require (hops (without_hops (uri)) == 0, "hops can be taken away");
  require (hops (with_hops (uri, count)) == count, "and set");
  require (without_hops (with_hops (uri, 3)) == without_hops (uri),
      "and leave no trace");
}

void
check_address (std::string_view input)
{
  const auto split = split_host_port (input);
  if (const auto *address = std::get_if<HostPort> (&split))
    require (split_host_port (join_host_port (address->host, address->port)) ==
                 split,
        "an address comes back");
  if (const auto contact = contact_address (input))
    require (contact_address (*contact) == contact,
        "a contact's address has one spelling");
}

} // namespace

extern "C" int
LLVMFuzzerTestOneInput (const std::uint8_t *data, std::size_t size)
{
  check_uri (fuzz::as_text (data, size));
  check_address (fuzz::as_text (data, size));
  return 0;
}
