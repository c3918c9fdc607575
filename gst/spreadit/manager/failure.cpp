// One line for each way to fail.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "manager/failure.hpp"

namespace spreadit::manager {

Owned<GError>
to_error (const core::action::Fail &fail, const rtsp::Uri &uri,
    const std::string &detail)
{
  const std::string who =
      fail.address.empty () ? rtsp::address_of (uri) : fail.address;
  const std::string stream = rtsp::to_string (uri);
  const std::string why = detail.empty () ? "" : " (" + detail + ")";
  switch (fail.reason) {
  case core::FailReason::no_room:
    return Owned<GError> (g_error_new (GST_RESOURCE_ERROR,
        GST_RESOURCE_ERROR_NO_SPACE_LEFT,
        "no peer has room for another child after %u tries; try again later, "
        "raise max-children at a peer or start a relay for %s",
        fail.tries, stream.c_str ()));
  case core::FailReason::unreachable:
    return Owned<GError> (
        g_error_new (GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ,
            "nobody answers at %s%s; is the source of %s running, and the port "
            "open?",
            who.c_str (), why.c_str (), stream.c_str ()));
  case core::FailReason::no_packets:
    return Owned<GError> (
        g_error_new (GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
            "%s answers, but no packet of %s arrives; does a firewall or NAT "
            "on the "
            "way drop UDP?",
            who.c_str (), stream.c_str ()));
  case core::FailReason::no_stream:
    return Owned<GError> (
        g_error_new (GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND,
            "%s has no stream '%s'; check the path of the URI", who.c_str (),
            uri.path.c_str ()));
  case core::FailReason::not_allowed:
    return Owned<GError> (
        g_error_new (GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_AUTHORIZED,
            "%s does not let us have %s", who.c_str (), stream.c_str ()));
  case core::FailReason::not_trusted:
    return Owned<GError> (
        g_error_new (GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_AUTHORIZED,
            "%s does not prove to be the source of %s%s; name who signs for it "
            "with tls-ca, or its id with ?id=... at the end of the URI",
            who.c_str (), stream.c_str (), why.c_str ()));
  case core::FailReason::not_spreadit:
    break;
  }
  return Owned<GError> (
      g_error_new (GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ,
          "%s answers, but is not SpreadIt%s; use an rtsp:// URI and rtspsrc "
          "for it",
          who.c_str (), why.c_str ()));
}

} // namespace spreadit::manager
