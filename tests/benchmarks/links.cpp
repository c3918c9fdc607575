// SPDX-License-Identifier: LGPL-2.1-or-later
#include "links.hpp"

#include "rtsp/writer.hpp"

namespace spreadit::benchmark {

using namespace std::chrono_literals;

Links::Links () : thread_ ([this] { run (); }) {}

Links::~Links ()
{
  {
    const std::lock_guard guard (lock_);
    is_over_ = true;
  }
  over_.notify_all ();
  thread_.join ();
}

std::string
Links::add (std::uint16_t port, std::uint16_t udp_port)
{
  unsigned status = 503; // it is about to get the stream itself
  test::eventually ([&] {
    status = try_to_add (port, udp_port);
    return status != 503;
  });
  return status == 200 ? "" : "a join is answered " + std::to_string (status);
}

unsigned
Links::try_to_add (std::uint16_t port, std::uint16_t udp_port)
{
  const std::string url = "rtsp://127.0.0.1:" + std::to_string (port) + "/live";
  Link link{test::RawClient (port), {},
      std::get<rtsp::Uri> (rtsp::parse_uri (url)), {}};
  auto ask = test::subscribe_of (udp_port);
  ask.self.address.clear (); // nobody can connect to it
  link.alive.self = ask.self;
  link.rtsp.send (test::to_text (test::flight (url, ask, udp_port)));
  for (unsigned i = 0; i < 3; ++i) {
    const auto response = link.rtsp.receive_response ();
    if (response.status != 200)
      return response.status;
    if (const auto *session = rtsp::find (response.headers, "Session"))
      link.session = session->substr (0, session->find (';'));
  }
  const std::lock_guard guard (lock_);
  links_.push_back (std::move (link));
  return 200;
}

void
Links::run ()
{
  std::unique_lock guard (lock_);
  while (!over_.wait_for (guard, 1s, [this] { return is_over_; }))
    for (Link &link : links_)
      serve (link);
}

void
Links::serve (Link &link)
{
  if (auto beat = rtsp::encode_request (link.alive, link.uri, link.session)) {
    // The flight had 1 to 3; RawClient does not know of it.
    static std::uint32_t next_cseq = 100;
    rtsp::set_cseq (beat->headers, next_cseq++);
    link.rtsp.send (*beat);
  }
  while (const auto unit = link.rtsp.receive (0ms))
    if (const auto *request = std::get_if<rtsp::Request> (&*unit))
      link.rtsp.send (rtsp::make_response (200), *request);
}

} // namespace spreadit::benchmark
