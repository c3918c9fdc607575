// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtsp/transport.hpp"

#include <limits>
#include <utility>

#include "rtsp/limits.hpp"
#include "rtsp/text.hpp"
#include "rtsp/uri.hpp"

namespace spreadit::rtsp {

namespace {

Reason
bad (std::string_view what)
{
  return {400, "Transport: " + std::string (what)};
}

// NUMBER [ "-" NUMBER ], both from `min` and in order.
template <class Range>
std::optional<Range>
parse_range (std::string_view text, unsigned min)
{
  using Number = decltype (Range::first);
  constexpr auto max = std::numeric_limits<Number>::max ();
  const auto dash = text.find ('-');
  const auto first = text::parse_decimal<Number> (text.substr (0, dash), max);
  auto last = first;
  if (dash != std::string_view::npos)
    last = text::parse_decimal<Number> (text.substr (dash + 1), max);
  if (!first || !last || *first < min || *last < *first)
    return std::nullopt;
  return Range{*first, *last};
}

template <class Range>
void
append_range (std::string &out, std::string_view name, const Range &range)
{
  out.append (";").append (name).append ("=");
  out += std::to_string (range.first);
  if (range.last != range.first)
    out.append ("-").append (std::to_string (range.last));
}

// A name, an IPv4 or an IPv6 address with or without brackets.
bool
is_host (std::string_view text)
{
  const bool bare_ipv6 =
      text.find (':') != std::string_view::npos && !text.starts_with ('[');
  const std::string address =
      bare_ipv6 ? join_host_port (text, 1) : std::string (text) + ":1";
  return std::holds_alternative<HostPort> (parse_address (address));
}

// RTP/AVP[/UDP|/TCP] or RTP/AVPF[/UDP|/TCP]; false for any other transport.
bool
parse_spec (std::string_view spec, Transport &transport)
{
  const auto take_prefix = [&spec] (std::string_view prefix) {
    if (!text::iequals (spec.substr (0, prefix.size ()), prefix))
      return false;
    spec.remove_prefix (prefix.size ());
    return true;
  };
  if (take_prefix ("RTP/AVPF"))
    transport.profile = Profile::avpf;
  else if (take_prefix ("RTP/AVP"))
    transport.profile = Profile::avp;
  else
    return false;
  if (take_prefix ("/TCP"))
    transport.lower = Lower::tcp;
  else
    take_prefix ("/UDP");
  return spec.empty ();
}

bool
parse_mode (std::string_view value, Transport::Mode &mode)
{
  if (value.starts_with ('"')) {
    const auto inner = text::unquote (value);
    if (!inner)
      return false;
    value = text::trim (*inner);
  }
  mode = text::iequals (value, "PLAY") ? Transport::Mode::play
                                       : Transport::Mode::other;
  return true;
}

// Nothing, or what is wrong.
std::optional<std::string_view>
parse_parameter (const text::Parameter &parameter, Transport &transport)
{
  const std::string_view value = parameter.value;
  const auto is = [&parameter] (std::string_view known) {
    return text::iequals (parameter.name, known);
  };
  constexpr std::string_view twice = "a parameter comes twice";
  if (is ("unicast")) {
    transport.unicast = true;
  } else if (is ("RTCP-mux")) {
    transport.rtcp_mux = true;
  } else if (is ("bundle")) {
    transport.bundle = true;
  } else if (is ("client_port")) {
    if (transport.client_port)
      return twice;
    if (!(transport.client_port = parse_range<PortRange> (value, 1)))
      return "client_port is not PORT[-PORT]";
  } else if (is ("server_port")) {
    if (transport.server_port)
      return twice;
    if (!(transport.server_port = parse_range<PortRange> (value, 1)))
      return "server_port is not PORT[-PORT]";
  } else if (is ("interleaved")) {
    if (transport.interleaved)
      return twice;
    if (!(transport.interleaved = parse_range<ChannelRange> (value, 0)))
      return "interleaved is not CHANNEL[-CHANNEL]";
  } else if (is ("source")) {
    if (!transport.source.empty ())
      return twice;
    if (!is_host (value))
      return "source is not a host";
    transport.source = value;
  } else if (is ("ssrc")) {
    const auto ssrc = text::parse_hex (value, 8);
    if (transport.ssrc)
      return twice;
    if (!ssrc)
      return "ssrc is not 8 hexadecimal digits";
    transport.ssrc = static_cast<std::uint32_t> (*ssrc);
  } else if (is ("mode")) {
    if (transport.mode != Transport::Mode::unset)
      return twice;
    if (!parse_mode (value, transport.mode))
      return "mode is not a word or a quoted string";
  }
  return std::nullopt;
}

} // namespace

Result<std::vector<Transport>>
parse_transports (std::string_view value)
{
  const auto alternatives = text::split (value, ',');
  if (!alternatives)
    return bad ("a quoted string is not closed");
  if (alternatives->size () > limits::transports_max)
    return bad ("too many alternatives");

  std::vector<Transport> known;
  for (std::string_view alternative : *alternatives) {
    const auto spec_end = alternative.find (';');
    const std::string_view spec = text::trim (alternative.substr (0, spec_end));
    if (spec.empty ())
      return bad ("an alternative names no transport");
    Transport transport;
    if (!parse_spec (spec, transport))
      continue;
    if (spec_end != std::string_view::npos) {
      const auto parameters =
          text::parse_parameter_list (alternative.substr (spec_end));
      if (!parameters)
        return bad ("a parameter has no good name");
      bool multicast = false;
      for (const text::Parameter &parameter : *parameters) {
        if (auto wrong = parse_parameter (parameter, transport))
          return bad (*wrong);
        multicast = multicast || text::iequals (parameter.name, "multicast");
      }
      if (multicast && transport.unicast)
        return bad ("both unicast and multicast");
    }
    known.push_back (std::move (transport));
  }
  return known;
}

std::string
to_string (const Transport &transport)
{
  std::string out = transport.profile == Profile::avpf ? "RTP/AVPF" : "RTP/AVP";
  if (transport.lower == Lower::tcp)
    out += "/TCP";
  if (transport.unicast)
    out += ";unicast";
  if (transport.rtcp_mux)
    out += ";RTCP-mux";
  if (transport.bundle)
    out += ";bundle";
  if (!transport.source.empty ())
    out.append (";source=").append (transport.source);
  if (transport.interleaved)
    append_range (out, "interleaved", *transport.interleaved);
  if (transport.client_port)
    append_range (out, "client_port", *transport.client_port);
  if (transport.server_port)
    append_range (out, "server_port", *transport.server_port);
  if (transport.ssrc)
    out.append (";ssrc=").append (text::to_hex (*transport.ssrc, 8));
  if (transport.mode == Transport::Mode::play)
    out += ";mode=\"PLAY\"";
  return out;
}

std::string
to_string (std::span<const Transport> alternatives)
{
  std::string out;
  for (const Transport &transport : alternatives) {
    if (!out.empty ())
      out += ", ";
    out += to_string (transport);
  }
  return out;
}

Transport
peer_transport_udp (std::uint16_t client_port)
{
  Transport transport;
  transport.profile = Profile::avpf;
  transport.unicast = true;
  transport.rtcp_mux = true;
  transport.bundle = true;
  transport.client_port = PortRange{client_port, client_port};
  return transport;
}

Transport
peer_transport_tcp (std::uint8_t channel)
{
  Transport transport;
  transport.profile = Profile::avpf;
  transport.lower = Lower::tcp;
  transport.unicast = true;
  transport.rtcp_mux = true;
  transport.bundle = true;
  transport.interleaved = ChannelRange{channel, channel};
  return transport;
}

} // namespace spreadit::rtsp
