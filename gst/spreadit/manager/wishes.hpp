// What the properties of a manager say, and the node that makes.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>

#include <gst/spreadit/gstspreaditenums.h>

#include "agent/agent.hpp"
#include "rtsp/uri.hpp"

namespace spreadit::manager {

constexpr unsigned ring_duration_default_ms = 3000;
constexpr unsigned repair_share_default = 10; // percent

template <class T>
unsigned
in_ms (T duration)
{
  return static_cast<unsigned> (
      std::chrono::duration_cast<std::chrono::milliseconds> (duration)
          .count ());
}

// What the properties say.
struct Wishes {
  std::string uri, listen_address, advertise_address;
  bool relay = true;
  guint max_children = core::limits::children_max_default;
  guint64 upload_bandwidth = 0;
  gint add_policy = GST_SPREADIT_ADD_POLICY_AUTO;
  gint second_add_policy = GST_SPREADIT_ADD_POLICY_ROUND_ROBIN;
  gint delete_policy = GST_SPREADIT_DELETE_POLICY_GRANDFATHER;
  gint proximity = GST_SPREADIT_PROXIMITY_TRACEROUTE;
  guint max_tries = core::limits::tries_max_default;
  guint alive_interval_ms = in_ms (core::limits::alive_interval_default);
  guint alive_misses = core::limits::alive_misses_default;
  guint ring_duration_ms = ring_duration_default_ms;
  guint repair_share = repair_share_default;
  bool standby = true;
  std::string tls_certificate, tls_ca; // files
  guint linger_ms = in_ms (core::limits::linger_max);
};

core::AddPolicyKind to_core (GstSpreaditAddPolicy policy);
core::DeletePolicyKind to_core (GstSpreaditDeletePolicy policy);
agent::Proximity to_agent (GstSpreaditProximity proximity);
unsigned children_max (const Wishes &wishes);

// False, with `why` as a GST_RESOURCE_ERROR_SETTINGS.
bool set_settings_error (GError **error, const std::string &why);
// A SpreadIt URI we can use, or false with `error`.
bool read_uri (const std::string &text, rtsp::Uri *uri, GError **error);
// With an id and a seed of its own each time. False with `error` where
// addresses or the URI cannot be used.
bool read_settings (const Wishes &wishes, bool as_source,
    agent::Settings *settings, GError **error);

} // namespace spreadit::manager
