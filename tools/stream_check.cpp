// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stream_check.hpp"

#include <array>
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>

#include <gio/gio.h>
#include <gst/sdp/gstsdpmessage.h>

#include "owned.hpp"

namespace spreadit::relay {

namespace {

using namespace std::chrono_literals;

// A join ends by itself: as no room after max-tries, as nobody there after some
// connects, as no packets. This is only in case it does not.
constexpr auto join_max = 90s;
// A report and an answer of RTCP each second: a round trip is known by then.
constexpr auto watch_time = 5s;
constexpr GstClockTime leave_max = 3 * GST_SECOND;
// Less than this is what the way and the encoder take.
constexpr double age_plausible_ms = 2000;

// What the control thread says.
struct Outcome {
  std::mutex lock;
  std::condition_variable changed;
  bool joined = false;
  bool over = false;
  std::string problem;
};

void
on_parent_changed (GstSpreaditPeeringManager *, const char *, const char *,
    guint, gpointer data) noexcept
{
  auto *outcome = static_cast<Outcome *> (data);
  const std::lock_guard guard (outcome->lock);
  outcome->joined = true;
  outcome->changed.notify_all ();
}

void
on_unavailable (
    GstSpreaditPeeringManager *, GError *error, gpointer data) noexcept
{
  auto *outcome = static_cast<Outcome *> (data);
  const std::lock_guard guard (outcome->lock);
  outcome->over = true;
  outcome->problem = error->message;
  outcome->changed.notify_all ();
}

void
on_ended (GstSpreaditPeeringManager *, gpointer data) noexcept
{
  auto *outcome = static_cast<Outcome *> (data);
  const std::lock_guard guard (outcome->lock);
  outcome->over = true;
  outcome->problem = "the stream has ended";
  outcome->changed.notify_all ();
}

struct FreeSdp {
  void operator() (GstSDPMessage *sdp) const noexcept
  {
    gst_sdp_message_free (sdp);
  }
};

// "video H264, audio MPEG4-GENERIC"
std::string
describe_media (const char *text)
{
  GstSDPMessage *raw = nullptr;
  if (!text || gst_sdp_message_new_from_text (text, &raw) != GST_SDP_OK)
    return "no description";
  const std::unique_ptr<GstSDPMessage, FreeSdp> sdp (raw);
  std::string all;
  for (guint i = 0; i < gst_sdp_message_medias_len (sdp.get ()); ++i) {
    const GstSDPMedia *media = gst_sdp_message_get_media (sdp.get (), i);
    all += (i ? ", " : "") + std::string (gst_sdp_media_get_media (media));
    if (const char *map = gst_sdp_media_get_attribute_val (media, "rtpmap")) {
      const std::string codec (map);
      const auto begin = codec.find (' ');
      if (begin != std::string::npos)
        all += codec.substr (begin, codec.find ('/') - begin);
    }
  }
  return all;
}

double
number (const GstStructure *stats, const char *name, double instead)
{
  gst_structure_get_double (stats, name, &instead);
  return instead;
}

guint64
count (const GstStructure *stats, const char *name)
{
  guint64 value = 0;
  gst_structure_get_uint64 (stats, name, &value);
  return value;
}

std::string
text (const GstStructure *stats, const char *name)
{
  const char *value = gst_structure_get_string (stats, name);
  return value ? value : "";
}

std::string
number_or_none (guint64 number)
{
  return number ? std::to_string (number) : "none";
}

std::string
line (const char *name, const std::string &what)
{
  std::array<char, 16> start{};
  std::snprintf (start.data (), start.size (), "  %-11s", name);
  return start.data () + what + "\n";
}

std::string
with_unit (double value, const char *unit)
{
  std::array<char, 64> out{};
  std::snprintf (out.data (), out.size (), value < 10 ? "%.1f %s" : "%.0f %s",
      value, unit);
  return out.data ();
}

// Of a node that has been receiving for watch_time.
std::string
report (const StreamOptions &options, GstSpreaditPeeringManager *manager,
    const GstStructure *before, const GstStructure *after)
{
  guint level = 0;
  gst_structure_get_uint (after, "level", &level);
  const double seconds = std::chrono::duration<double> (watch_time).count ();
  const auto packets =
      count (after, "packets-received") - count (before, "packets-received");
  const auto bits = 8.0 * static_cast<double> (count (after, "bytes-in") -
                                               count (before, "bytes-in"));
  const auto lost = count (after, "packets-lost");
  const auto repaired = count (after, "packets-repaired");
  const double round_trip = number (after, "rtt-ms", NAN);

  const Text sdp (gst_spreadit_peering_manager_get_sdp (manager));
  std::string all = options.uri + "\n";
  all += line ("reached",
      text (after, "parent") + ", level " + std::to_string (level) +
          ", found in " + with_unit (number (after, "discover-ms", 0), "ms"));
  all += line ("stream", describe_media (sdp.get ()) + "; " +
                             with_unit (bits / seconds / 1e3, "kbit/s"));
  const bool secure = options.uri.starts_with ("spreadits:");
  const bool over_tcp = text (after, "parent-transport") == "tcp";
  all += line (
      "packets", std::to_string (packets) + " in " + with_unit (seconds, "s") +
                     (secure        ? " over TLS"
                         : over_tcp ? " over TCP: UDP does not get through"
                                    : " over UDP") +
                     ", " + number_or_none (lost) + " lost, " +
                     number_or_none (repaired) + " sent again");
  if (!std::isnan (round_trip))
    all += line ("parent", "round trip " + with_unit (round_trip, "ms"));
  GstStructure *delay = nullptr;
  if (gst_structure_get (
          after, "delay-ms", GST_TYPE_STRUCTURE, &delay, nullptr)) {
    const Owned<GstStructure> owned (delay);
    all += line ("clocks", describe_clocks (number (delay, "p50", 0),
                               std::isnan (round_trip) ? 0 : round_trip));
  }
  gboolean reachable = FALSE;
  const bool was_tried =
      gst_structure_get_boolean (after, "reachable", &reachable);
  all += line (
      "others", describe_reach (text (after, "address"),
                    was_tried ? std::optional<bool> (reachable) : std::nullopt,
                    text (after, "parent")));
  return all;
}

bool
is_in (GInetAddress *address, const char *mask)
{
  GInetAddressMask *parsed =
      g_inet_address_mask_new_from_string (mask, nullptr);
  const bool yes = g_inet_address_mask_matches (parsed, address);
  g_object_unref (parsed);
  return yes;
}

} // namespace

std::string
describe_unreachable (const std::string &address, const std::string &parent)
{
  return "cannot connect to " + address + ", as " + parent +
         " has found out: this node feeds nobody; open that port for TCP and "
         "UDP, or behind NAT forward it and say --advertise=HOST:PORT";
}

std::string
describe_reach (const std::string &address, std::optional<bool> reachable,
    const std::string &parent)
{
  if (address.empty ())
    return "cannot reach this node: it feeds nobody";
  if (reachable == false)
    return describe_unreachable (address, parent);
  const auto colon = address.rfind (':');
  std::string host = address.substr (0, colon);
  if (host.starts_with ('['))
    host = host.substr (1, host.size () - 2);
  const std::string told =
      "are told to come to " + address +
      (reachable ? ", where " + parent + " has connected" : "");
  GInetAddress *parsed = g_inet_address_new_from_string (host.c_str ());
  if (!parsed)
    return told + (reachable ? "" : "; open that port for TCP and UDP");
  // RFC 6598: carrier-grade NAT; RFC 4193: unique local addresses.
  const bool is_ipv4 =
      g_inet_address_get_family (parsed) == G_SOCKET_FAMILY_IPV4;
  const bool is_shared =
      is_ipv4 ? is_in (parsed, "100.64.0.0/10") : is_in (parsed, "fc00::/7");
  const bool is_loopback = g_inet_address_get_is_loopback (parsed);
  const bool is_private = is_shared ||
                          g_inet_address_get_is_site_local (parsed) ||
                          g_inet_address_get_is_link_local (parsed);
  g_object_unref (parsed);
  if (is_loopback)
    return told + ", which is this machine for everyone: nobody else can";
  if (is_private && reachable)
    return told + ": a private address, so nobody outside this network can";
  if (is_private)
    return told +
           ", a private address: nobody outside this network can; forward "
           "a port, TCP and UDP, and say --advertise=HOST:PORT";
  if (reachable)
    return told;
  return told + "; open that port for TCP and UDP (not tried from outside)";
}

std::string
describe_clocks (double delay_ms, double round_trip_ms)
{
  if (delay_ms < -round_trip_ms)
    return "packets seem to come " + with_unit (-delay_ms, "ms") +
           " before they are sent: this clock is behind the source's";
  if (delay_ms > age_plausible_ms + round_trip_ms)
    return "packets seem to be " + with_unit (delay_ms, "ms") +
           " old: this clock is ahead of the source's, or the way is long";
  return "packets are " + with_unit (delay_ms, "ms") +
         " old, so this clock is about the source's";
}

CheckResult
check_stream (const StreamOptions &options)
{
  const Owned<GstSpreaditPeeringManager> manager (
      gst_spreadit_peering_manager_new ());
  g_object_set (manager.get (), "uri", options.uri.c_str (), nullptr);
  for (const auto &[name, value] : options.settings)
    gst_util_set_object_arg (G_OBJECT (manager.get ()),
        find_setting (name)->property, value.c_str ());
  Outcome outcome;
  g_signal_connect (manager.get (), "parent-changed",
      G_CALLBACK (on_parent_changed), &outcome);
  g_signal_connect (
      manager.get (), "unavailable", G_CALLBACK (on_unavailable), &outcome);
  g_signal_connect (manager.get (), "ended", G_CALLBACK (on_ended), &outcome);

  CheckResult result;
  GError *error = nullptr;
  if (!gst_spreadit_peering_manager_get_stream (manager.get (), &error)) {
    result.problem = Owned<GError> (error)->message;
    return result;
  }
  std::thread puller ([&] {
    while (GstBufferList *packets =
               gst_spreadit_peering_manager_pull (manager.get ()))
      gst_buffer_list_unref (packets);
  });

  const auto stats = [&] {
    return Owned<GstStructure> (
        gst_spreadit_peering_manager_get_stats (manager.get ()));
  };
  std::unique_lock guard (outcome.lock);
  bool done = outcome.changed.wait_for (
      guard, join_max, [&] { return outcome.joined || outcome.over; });
  if (done && !outcome.over) {
    guard.unlock ();
    const auto before = stats ();
    guard.lock ();
    if (!outcome.changed.wait_for (
            guard, watch_time, [&] { return outcome.over; })) {
      guard.unlock ();
      const auto after = stats ();
      if (count (after.get (), "packets-received") > 0) {
        result.status = exit_left;
        result.report =
            report (options, manager.get (), before.get (), after.get ());
      } else {
        result.problem = text (after.get (), "parent") +
                         " says yes, but no packet comes; does a firewall or "
                         "NAT on the way drop UDP?";
      }
      guard.lock ();
    }
  }
  if (!done)
    result.problem = "no parent found in time; is the source overloaded?";
  else if (outcome.over)
    result.problem = outcome.problem;
  guard.unlock ();
  gst_spreadit_peering_manager_leave_and_wait (manager.get (), leave_max);
  gst_spreadit_peering_manager_close (manager.get ());
  puller.join ();
  g_signal_handlers_disconnect_by_data (manager.get (), &outcome);
  return result;
}

} // namespace spreadit::relay
