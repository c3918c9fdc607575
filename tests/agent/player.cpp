// SPDX-License-Identifier: LGPL-2.1-or-later
#include "player.hpp"

#include <charconv>

namespace spreadit::test {

rtsp::Response
Player::describe ()
{
  return rtsp.ask ("DESCRIBE", url, {{"Accept", "application/sdp"}});
}

rtsp::Response
Player::setup (unsigned medium, const std::string &transport)
{
  rtsp::Headers headers = {{"Transport", transport}};
  if (!session.empty ())
    headers.push_back ({"Session", session});
  auto response =
      rtsp.ask ("SETUP", url + "/stream=" + std::to_string (medium), headers);
  if (const auto *value = rtsp::find (response.headers, "Session"))
    session = value->substr (0, value->find (';'));
  return response;
}

rtsp::Response
Player::setup_udp (unsigned medium, const UdpPair &ports)
{
  return setup (medium, "RTP/AVP;unicast;" + ports.client_port ());
}

rtsp::Response
Player::setup_tcp (unsigned medium)
{
  return setup (
      medium, "RTP/AVP/TCP;unicast;interleaved=" + std::to_string (2 * medium) +
                  "-" + std::to_string (2 * medium + 1));
}

rtsp::Response
Player::ask (const std::string &method, rtsp::Headers headers)
{
  if (!session.empty ())
    headers.push_back ({"Session", session});
  return rtsp.ask (method, url + "/", std::move (headers));
}

rtsp::Response
Player::play ()
{
  auto response = ask ("PLAY", {{"Range", "npt=0.000-"}});
  const auto *info = rtsp::find (response.headers, "RTP-Info");
  rtp_info_ = info ? *info : "";
  return response;
}

bool
Player::plays_over_tcp ()
{
  return describe ().status == 200 && setup_tcp (0).status == 200 &&
         setup_tcp (1).status == 200 && play ().status == 200;
}

int
Player::promised_seq (unsigned medium) const
{
  const auto at = rtp_info_.find ("stream=" + std::to_string (medium));
  const auto seq = rtp_info_.find ("seq=", at);
  if (at == std::string::npos || seq == std::string::npos)
    return -1;
  int value = -1;
  std::from_chars (rtp_info_.data () + seq + 4,
      rtp_info_.data () + rtp_info_.size (), value);
  return value;
}

int
seq_of (const std::vector<std::uint8_t> &packet)
{
  return packet.size () < 4 ? -1 : packet[2] << 8 | packet[3];
}

bool
is_goodbye (const std::vector<std::uint8_t> &packet, std::uint32_t ssrc)
{
  // RR without blocks, then BYE.
  return packet.size () == 16 && packet[1] == media::rtcp_rr &&
         packet[9] == media::rtcp_bye &&
         media::ssrc_of (media::RtcpHeader{media::rtcp_bye,
             static_cast<std::uint32_t> (packet[12] << 24 | packet[13] << 16 |
                                         packet[14] << 8 | packet[15])}) ==
             ssrc;
}

std::vector<std::uint8_t>
receiver_report ()
{
  return media::write_receiver_report (0x77777777);
}

} // namespace spreadit::test
