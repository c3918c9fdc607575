// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recode.hpp"

#include <array>
#include <vector>

#include "rtsp/codec.hpp"
#include "rtsp/parser.hpp"
#include "rtsp/writer.hpp"

namespace spreadit::simulation {

namespace {

using namespace spreadit::rtsp;

const Uri stream{Scheme::spreadit, "192.168.100.100", 8554, "/live", ""};
// As the agent offers it for one H.264 and one AAC stream.
const std::string sdp = "v=0\r\no=- 3961 1 IN IP4 192.168.100.100\r\ns=live\r\n"
                        "c=IN IP4 0.0.0.0\r\nt=0 0\r\na=control:*\r\n"
                        "m=video 0 RTP/AVPF 96\r\na=rtpmap:96 H264/90000\r\n"
                        "a=control:stream=0\r\n"
                        "m=audio 0 RTP/AVPF 97\r\n"
                        "a=rtpmap:97 MPEG4-GENERIC/48000/2\r\n"
                        "a=control:stream=1\r\n";

template <class T>
std::string
bytes_of (T message)
{
  set_cseq (message.headers, 12);
  const auto bytes = write (message);
  if (!bytes)
    throw std::runtime_error ("a message cannot be written");
  return *bytes;
}

// Without the answer to SETUP and PLAY, which carry no message.
std::string
answer (const Response &described)
{
  return bytes_of (described);
}

struct Encode {
  std::string operator() (const core::message::Subscribe &ask) const
  {
    const std::array transports{peer_transport_udp (40'000)};
    return bytes_of (encode_describe (ask, stream)) +
           bytes_of (encode_setup (stream, transports)) +
           bytes_of (encode_play (stream));
  }
  std::string operator() (const core::message::Accept &accept) const
  {
    const Session session{"9hXq2LpYd4", std::chrono::seconds (60)};
    return answer (encode_accept (
               accept, sdp, "rtsp://192.168.100.100:8554/live/")) +
           bytes_of (
               encode_setup_answer (session, peer_transport_udp (40'000))) +
           bytes_of (encode_play_answer (session));
  }
  std::string operator() (const core::message::Refuse &refuse) const
  {
    const std::string one = answer (encode_refuse (refuse));
    return one + one + one;
  }
  template <class Other> std::string operator() (const Other &other) const
  {
    const auto request = encode_request (other, stream, "9hXq2LpYd4");
    if (!request)
      throw std::runtime_error ("a message has no request");
    return bytes_of (*request);
  }
};

core::Message
decoded (const Unit &unit)
{
  if (const auto *response = std::get_if<Response> (&unit))
    return decode_describe_answer (*response, stream).message;
  const auto *request = std::get_if<Request> (&unit);
  auto message = request ? decode_request (*request) : NotOurs{};
  if (auto *ours = std::get_if<core::Message> (&message))
    return std::move (*ours);
  throw std::runtime_error ("a message cannot be decoded");
}

core::Message
first_of (const std::string &bytes)
{
  Parser parser;
  parser.push (bytes);
  const auto next = parser.next ();
  if (const auto *unit = std::get_if<Unit> (&next))
    return decoded (*unit);
  throw std::runtime_error ("a message cannot be parsed");
}

} // namespace

std::string
encoded (const core::Message &message)
{
  return std::visit (Encode{}, message);
}

core::Message
recoded (const core::Message &message)
{
  const auto *redirect = std::get_if<core::message::Redirect> (&message);
  if (redirect && redirect->provisional) // an answer to a Subscribe
    return first_of (bytes_of (encode_redirect (*redirect, stream)));
  const core::Message read = first_of (encoded (message));
  // An answer to a Subscribe has no scope; in a session there is one.
  if (redirect && redirect->scope == core::RedirectScope::self)
    if (first_of (bytes_of (encode_redirect (*redirect, stream))) != read)
      throw std::runtime_error ("302 and REDIRECT differ");
  return read;
}

} // namespace spreadit::simulation
