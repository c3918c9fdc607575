// Text and numbers of an application, checked.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "manager/wishes.hpp"

#include <sys/random.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <utility>
#include <variant>

#include "agent/own_address.hpp"
#include "rtsp/headers.hpp"

namespace spreadit::manager {

namespace {

std::uint64_t
random_u64 ()
{
  std::uint64_t value = 0;
  if (getentropy (&value, sizeof value) != 0)
    value = (std::uint64_t{g_random_int ()} << 32) | g_random_int ();
  return value;
}

bool
read_address (const char *property, const std::string &text,
    rtsp::HostPort *address, GError **error)
{
  auto parsed = rtsp::split_host_port (text);
  if (const auto *reason = std::get_if<rtsp::Reason> (&parsed))
    return set_settings_error (error, std::string (property) + " '" + text +
                                          "' is no HOST:PORT: " + reason->text);
  *address = std::move (std::get<rtsp::HostPort> (parsed));
  return true;
}

// One for all streams at one address, where the listener is one, too; for any
// free port, one of its own.
std::variant<std::shared_ptr<const agent::Identity>, std::string>
make_identity (const std::optional<rtsp::HostPort> &listen)
{
  if (!listen || listen->port == 0)
    return agent::Identity::make ();
  static std::mutex lock;
  static auto *at =
      new std::map<std::string, std::weak_ptr<const agent::Identity>>;
  const std::lock_guard guard (lock);
  auto &known = (*at)[rtsp::join_host_port (
      agent::bind_host (listen->host), listen->port)];
  if (auto identity = known.lock ())
    return identity;
  auto made = agent::Identity::make ();
  if (const auto *good =
          std::get_if<std::shared_ptr<const agent::Identity>> (&made))
    known = *good;
  return made;
}

// Those of the system are many and do not change: read once.
std::variant<std::shared_ptr<const agent::Trust>, std::string>
read_trust (const std::string &file)
{
  if (!file.empty ())
    return agent::Trust::load (file);
  static const auto *system = new auto(agent::Trust::load ({}));
  return *system;
}

// The value of `id` in the query, if there is one.
bool
read_source_id (
    const rtsp::Uri &uri, std::optional<core::PeerId> *id, GError **error)
{
  constexpr std::string_view name = "id=";
  std::string_view rest = uri.query;
  while (!rest.empty ()) {
    const auto one = rest.substr (0, rest.find ('&'));
    rest.remove_prefix (std::min (one.size () + 1, rest.size ()));
    if (!one.starts_with (name))
      continue;
    *id = rtsp::parse_id (one.substr (name.size ()));
    if (!*id)
      return set_settings_error (error,
          "'" + rtsp::to_string (uri) +
              "': an id is 32 hexadecimal digits, as the source says it");
  }
  return true;
}

bool
read_tls (const Wishes &wishes, bool as_source, agent::Settings *settings,
    GError **error)
{
  auto identity = wishes.tls_certificate.empty ()
                      ? make_identity (settings->listen)
                      : agent::Identity::load (wishes.tls_certificate);
  if (const auto *why = std::get_if<std::string> (&identity))
    return set_settings_error (error, "tls-certificate: " + *why);
  settings->identity =
      std::get<std::shared_ptr<const agent::Identity>> (std::move (identity));
  if (!read_source_id (settings->uri, &settings->source_id, error))
    return false;
  if (as_source) {
    if (settings->source_id && settings->source_id != settings->identity->id ())
      return set_settings_error (error,
          "'" + wishes.uri + "' names another id than this source's, " +
              rtsp::to_string (settings->identity->id ()) +
              "; leave ?id= out here, or give the tls-certificate it is of");
    return true;
  }
  if (settings->source_id && wishes.tls_ca.empty ())
    return true;
  auto trust = read_trust (wishes.tls_ca);
  if (const auto *why = std::get_if<std::string> (&trust))
    return set_settings_error (error, "tls-ca: " + *why);
  settings->trust =
      std::get<std::shared_ptr<const agent::Trust>> (std::move (trust));
  return true;
}

// Where the source of `uri` listens unless told otherwise.
rtsp::HostPort
listen_address_of (const rtsp::Uri &uri)
{
  const bool numeric = g_hostname_is_ip_address (uri.host.c_str ());
  // A name may be that of a gateway in front of us: listen everywhere.
  return {numeric || uri.host == "localhost" ? uri.host : "", uri.port};
}

} // namespace

core::AddPolicyKind
to_core (GstSpreaditAddPolicy policy)
{
  switch (policy) {
  case GST_SPREADIT_ADD_POLICY_RANDOM:
    return core::AddPolicyKind::random;
  case GST_SPREADIT_ADD_POLICY_SMART_PLACEMENT:
    return core::AddPolicyKind::smart_placement;
  case GST_SPREADIT_ADD_POLICY_KNOCK_DOWNS:
    return core::AddPolicyKind::knock_downs;
  case GST_SPREADIT_ADD_POLICY_SMART_BANDWIDTH:
    return core::AddPolicyKind::smart_bandwidth;
  case GST_SPREADIT_ADD_POLICY_AUTO:
    return core::AddPolicyKind::automatic;
  case GST_SPREADIT_ADD_POLICY_ROUND_ROBIN:
    break;
  }
  return core::AddPolicyKind::round_robin;
}

core::DeletePolicyKind
to_core (GstSpreaditDeletePolicy policy)
{
  switch (policy) {
  case GST_SPREADIT_DELETE_POLICY_ROOT:
    return core::DeletePolicyKind::root;
  case GST_SPREADIT_DELETE_POLICY_GRANDFATHER_ALL:
    return core::DeletePolicyKind::grandfather_all;
  case GST_SPREADIT_DELETE_POLICY_ROOT_ALL:
    return core::DeletePolicyKind::root_all;
  case GST_SPREADIT_DELETE_POLICY_GRANDFATHER:
    break;
  }
  return core::DeletePolicyKind::grandfather;
}

agent::Proximity
to_agent (GstSpreaditProximity proximity)
{
  switch (proximity) {
  case GST_SPREADIT_PROXIMITY_NONE:
    return agent::Proximity::none;
  case GST_SPREADIT_PROXIMITY_RTT:
    return agent::Proximity::rtt;
  case GST_SPREADIT_PROXIMITY_TRACEROUTE:
    break;
  }
  return agent::Proximity::traceroute;
}

unsigned
children_max (const Wishes &wishes)
{
  return wishes.relay ? wishes.max_children : 0;
}

bool
set_settings_error (GError **error, const std::string &why)
{
  g_set_error_literal (
      error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, why.c_str ());
  return false;
}

bool
read_uri (const std::string &text, rtsp::Uri *uri, GError **error)
{
  if (text.empty ())
    return set_settings_error (
        error, "no URI set: give one of the form spreadit://HOST[:PORT]/PATH");
  auto parsed = rtsp::parse_uri (text);
  if (const auto *reason = std::get_if<rtsp::Reason> (&parsed))
    return set_settings_error (
        error, "'" + text + "' is no SpreadIt URI: " + reason->text);
  *uri = std::move (std::get<rtsp::Uri> (parsed));
  if (uri->scheme != rtsp::Scheme::spreadit &&
      uri->scheme != rtsp::Scheme::spreadits)
    return set_settings_error (error, "'" + text +
                                          "' is no SpreadIt URI: it begins "
                                          "with spreadit:// or spreadits://");
  std::optional<core::PeerId> id;
  if (!read_source_id (*uri, &id, error))
    return false;
  if (id && !rtsp::is_secure (uri->scheme))
    return set_settings_error (error,
        "'" + text +
            "' names an id, which proves nothing without TLS; begin with "
            "spreadits://");
  return true;
}

bool
read_settings (const Wishes &wishes, bool as_source, agent::Settings *settings,
    GError **error)
{
  if (!read_uri (wishes.uri, &settings->uri, error))
    return false;
  if (!as_source && settings->uri.port == 0)
    return set_settings_error (
        error, "port 0 in '" + wishes.uri + "': name the source's port");
  if (!wishes.listen_address.empty ()) {
    settings->listen.emplace ();
    if (!read_address (
            "listen-address", wishes.listen_address, &*settings->listen, error))
      return false;
    const auto host = agent::bind_host (settings->listen->host);
    if (!g_hostname_is_ip_address (host.c_str ()))
      return set_settings_error (error,
          "listen-address '" + wishes.listen_address +
              "': give a numeric address of this host, such as 0.0.0.0:8554");
  } else if (as_source) {
    settings->listen = listen_address_of (settings->uri);
  } else if (children_max (wishes) > 0) {
    settings->listen = rtsp::HostPort{};
  }
  if (!wishes.advertise_address.empty ()) {
    rtsp::HostPort address;
    if (!read_address (
            "advertise-address", wishes.advertise_address, &address, error))
      return false;
    if (address.host.empty () || address.port == 0)
      return set_settings_error (
          error, "advertise-address '" + wishes.advertise_address +
                     "': others need a host and a port to connect to");
    settings->advertise = wishes.advertise_address;
  } else if (as_source && settings->uri.port != 0 &&
             settings->uri.host != "0.0.0.0" && settings->uri.host != "::") {
    settings->advertise = rtsp::address_of (settings->uri);
  }
  if (rtsp::is_secure (settings->uri.scheme) &&
      !read_tls (wishes, as_source, settings, error))
    return false;
  settings->upload_bps = wishes.upload_bandwidth;
  settings->standby = wishes.standby;
  settings->proximity =
      to_agent (static_cast<GstSpreaditProximity> (wishes.proximity));
  core::Config &config = settings->core;
  config.id = settings->identity
                  ? settings->identity->id ()
                  : core::PeerId{random_u64 (), random_u64 () | 1};
  config.seed = random_u64 ();
  config.children_max = children_max (wishes);
  config.add_policy =
      to_core (static_cast<GstSpreaditAddPolicy> (wishes.add_policy));
  config.second_add_policy =
      to_core (static_cast<GstSpreaditAddPolicy> (wishes.second_add_policy));
  config.uplink_bps = wishes.upload_bandwidth;
  config.delete_policy =
      to_core (static_cast<GstSpreaditDeletePolicy> (wishes.delete_policy));
  config.tries_max = wishes.max_tries;
  config.alive_interval = std::chrono::milliseconds (wishes.alive_interval_ms);
  config.alive_misses = wishes.alive_misses;
  config.linger = std::chrono::milliseconds (wishes.linger_ms);
  return true;
}

} // namespace spreadit::manager
