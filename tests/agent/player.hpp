// A plain RTSP player: what ffmpeg or rtspsrc say, step by step.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>

#include "node.hpp"
#include "raw_client.hpp"

namespace spreadit::test {

class Player {
public:
  explicit Player (const Node &node) : rtsp (node.port ()), url (node.url ()) {}

  rtsp::Response describe ();
  // Sets up the medium; keeps the session that is named.
  rtsp::Response setup_udp (unsigned medium, const UdpPair &ports);
  rtsp::Response setup_tcp (unsigned medium);
  rtsp::Response setup (unsigned medium, const std::string &transport);
  rtsp::Response play ();
  rtsp::Response ask (const std::string &method, rtsp::Headers headers = {});
  // All of the above for both media, over TCP.
  bool plays_over_tcp ();

  // The sequence number that RTP-Info has for a medium, after play().
  [[nodiscard]] int promised_seq (unsigned medium) const;

  RawClient rtsp;
  const std::string url;
  std::string session; // id

private:
  std::string rtp_info_;
};

int seq_of (const std::vector<std::uint8_t> &packet);
// A compound with an RTCP BYE of that SSRC.
bool is_goodbye (const std::vector<std::uint8_t> &packet, std::uint32_t ssrc);
std::vector<std::uint8_t> receiver_report ();

} // namespace spreadit::test
