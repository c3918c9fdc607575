// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/plain_player.hpp"

#include <algorithm>

namespace spreadit::agent {

namespace {

template <class T>
T
route_of (const std::optional<media::Route> &route)
{
  const auto *mine = route ? std::get_if<T> (&*route) : nullptr;
  return mine ? *mine : T{};
}

std::variant<SetupResult, rtsp::Reason>
over_udp (const rtsp::Transport &asked, std::size_t media,
    const std::optional<media::Route> &route, const media::Address &player,
    media::DataPath &data_path)
{
  const auto ports = data_path.plain_ports ();
  if (!ports)
    return rtsp::Reason{461, "no pair of UDP ports is free"};
  const auto client = *asked.client_port;
  const auto rtcp_port = client.last != client.first
                             ? client.last
                             : static_cast<std::uint16_t> (client.first + 1);
  auto pairs = route_of<media::route::PortPairs> (route);
  std::erase_if (
      pairs.pairs, [&] (const auto &pair) { return pair.media == media; });
  pairs.pairs.push_back (
      {media, player.with_port (client.first), player.with_port (rtcp_port)});

  rtsp::Transport answer;
  answer.profile = asked.profile;
  answer.unicast = true;
  answer.client_port = asked.client_port;
  answer.server_port = rtsp::PortRange{ports->first, ports->second};
  return SetupResult{std::move (pairs), std::move (answer)};
}

std::variant<SetupResult, rtsp::Reason>
over_tcp (const rtsp::Transport &asked, std::size_t media,
    const std::optional<media::Route> &route,
    const std::shared_ptr<media::InterleavedSink> &sink)
{
  auto interleaved = route_of<media::route::Interleaved> (route);
  interleaved.sink = sink;
  std::erase_if (interleaved.channels,
      [&] (const auto &channel) { return channel.media == media; });
  rtsp::ChannelRange channels{static_cast<std::uint8_t> (2 * media),
      static_cast<std::uint8_t> (2 * media + 1)};
  if (asked.interleaved)
    channels = *asked.interleaved;
  if (channels.last == channels.first) {
    if (channels.first == 255)
      return rtsp::Reason{461, "no channel for RTCP"};
    channels.last = static_cast<std::uint8_t> (channels.first + 1);
  }
  for (const auto &other : interleaved.channels)
    if (other.rtp == channels.first || other.rtcp == channels.first ||
        other.rtp == channels.last || other.rtcp == channels.last)
      return rtsp::Reason{461, "the channel is in use"};
  interleaved.channels.push_back ({media, channels.first, channels.last});

  rtsp::Transport answer;
  answer.profile = asked.profile;
  answer.lower = rtsp::Lower::tcp;
  answer.unicast = true;
  answer.interleaved = channels;
  return SetupResult{std::move (interleaved), std::move (answer)};
}

} // namespace

rtsp::Response
options_answer ()
{
  auto response = rtsp::make_response (200);
  rtsp::set (response.headers, rtsp::header::public_methods,
      "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN, GET_PARAMETER, "
      "SET_PARAMETER");
  return response;
}

bool
is_below (const std::string &path, const std::string &folder)
{
  return path.starts_with (folder) &&
         (path.size () == folder.size () || path[folder.size ()] == '/');
}

std::optional<std::size_t>
media_of_setup (const Description &description, const std::string &stream_path,
    const rtsp::Uri &asked)
{
  std::string tail = asked.path.substr (stream_path.size ());
  if (tail.starts_with ('/'))
    tail.erase (0, 1);
  const auto &media = description.media;
  if (tail.empty ()) {
    // The aggregate URL: unambiguous only with one medium.
    if (media.size () == 1)
      return 0;
    return std::nullopt;
  }
  const auto it = std::find_if (media.begin (), media.end (),
      [&] (const auto &one) { return one.control == tail; });
  if (it == media.end ())
    return std::nullopt;
  return static_cast<std::size_t> (it - media.begin ());
}

std::variant<SetupResult, rtsp::Reason>
set_up_medium (const rtsp::SetupRequest &request, std::size_t media,
    const Description &description, const std::optional<media::Route> &route,
    Lowers lowers, const std::shared_ptr<media::InterleavedSink> &sink,
    const media::Address &player, media::DataPath &data_path)
{
  const bool has_pairs =
      route && std::holds_alternative<media::route::PortPairs> (*route);
  const bool has_channels =
      route && std::holds_alternative<media::route::Interleaved> (*route);
  rtsp::Reason refusal{461,
      "offer RTP/AVP;unicast;client_port=... or "
      "RTP/AVP/TCP;interleaved=..., the same for every medium"};
  for (const auto &asked : request.alternatives) {
    if (asked.bundle || asked.mode == rtsp::Transport::Mode::other)
      continue;
    std::variant<SetupResult, rtsp::Reason> result = refusal;
    if (asked.lower == rtsp::Lower::tcp && !has_pairs)
      result = over_tcp (asked, media, route, sink);
    else if (asked.lower == rtsp::Lower::udp && asked.unicast &&
             asked.client_port && !has_channels && lowers == Lowers::udp_or_tcp)
      result = over_udp (asked, media, route, player, data_path);
    if (auto *good = std::get_if<SetupResult> (&result)) {
      good->transport.ssrc = description.media[media].data.ssrc;
      return result;
    }
    refusal = std::get<rtsp::Reason> (result);
  }
  return refusal;
}

std::vector<rtsp::RtpInfo>
rtp_info (const Description &description, const std::string &base,
    const media::Route &route, const std::vector<media::NextPacket> &next)
{
  std::vector<std::size_t> set_up;
  if (const auto *pairs = std::get_if<media::route::PortPairs> (&route))
    for (const auto &pair : pairs->pairs)
      set_up.push_back (pair.media);
  else if (const auto *tcp = std::get_if<media::route::Interleaved> (&route))
    for (const auto &channel : tcp->channels)
      set_up.push_back (channel.media);
  std::sort (set_up.begin (), set_up.end ());

  std::vector<rtsp::RtpInfo> result;
  for (const std::size_t index : set_up) {
    const auto &media = description.media[index];
    const auto it = std::find_if (next.begin (), next.end (),
        [&] (const auto &one) { return one.ssrc == media.data.ssrc; });
    // A medium that has sent nothing yet has no next packet: players take what
    // comes. A wrong number here makes them drop or wait.
    if (it == next.end ())
      continue;
    result.push_back ({base + media.control, it->seq, it->rtp_time});
  }
  return result;
}

} // namespace spreadit::agent
