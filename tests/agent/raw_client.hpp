// An RTSP speaker over a plain blocking socket: says what a test wants it to
// say, every wait with a deadline.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/tls_session.hpp"
#include "core/vocabulary.hpp"
#include "patience.hpp"
#include "rtsp/codec.hpp"
#include "rtsp/parser.hpp"

namespace spreadit::test {

class RawClient {
public:
  // Connects to the host at once. Not connected: is_open() is false.
  explicit RawClient (
      std::uint16_t port, const std::string &host = "127.0.0.1");
  // Takes a connected socket.
  static RawClient of_socket (int fd) { return RawClient (fd, Adopt{}); }
  RawClient (RawClient &&other) noexcept;
  RawClient &operator= (RawClient &&other) noexcept;
  ~RawClient ();

  [[nodiscard]] bool is_open () const { return fd_ >= 0; }
  [[nodiscard]] int fd () const { return fd_; }

  // Speaks TLS from here on, whoever the other side is; as a client, or as a
  // server. False: the other side does not.
  bool secure (std::shared_ptr<const agent::Identity> own,
      Clock::duration limit = patience);
  bool secure_as_server (std::shared_ptr<const agent::Identity> own,
      Clock::duration limit = patience);

  // All of it; false if the other side is gone or does not read.
  bool send (std::string_view bytes, Clock::duration limit = patience);
  // With the next CSeq, unless it has one.
  bool send (rtsp::Request request);
  bool send (rtsp::Response response, const rtsp::Request &to);

  // The next message; interleaved frames are put aside. Nothing: the other side
  // is gone, says something else than RTSP, or says nothing.
  std::optional<rtsp::Unit> receive (Clock::duration limit = patience);
  // Passes over requests. Status 0: there is none.
  rtsp::Response receive_response (Clock::duration limit = patience);
  rtsp::Request receive_request (Clock::duration limit = patience);
  // Sends and receives.
  rtsp::Response ask (const std::string &method, const std::string &url,
      rtsp::Headers headers = {}, std::string body = {});

  // Interleaved frames that came so far.
  std::deque<rtsp::Interleaved> frames;
  // Waits for one on that channel and takes it, with those before it.
  std::optional<rtsp::Interleaved> receive_frame (
      std::uint8_t channel, Clock::duration limit = patience);
  // Requests of the other side that were passed over.
  std::vector<rtsp::Request> passed_over;

  // Waits for the end of the connection, whatever comes before.
  enum class End { none, fin, reset };
  End wait_closed (Clock::duration limit = patience);

  void half_close (); // FIN, go on reading
  void close ();
  void reset (); // RST

private:
  struct Adopt {};
  RawClient (int fd, Adopt) : fd_ (fd) {}
  bool shake_hands (Clock::duration limit);
  // Reads once. False: the end, or nothing in time.
  bool fill (Clock::time_point deadline);

  int fd_ = -1;
  End end_ = End::none;
  rtsp::Parser parser_;
  std::unique_ptr<agent::TlsSession> tls_;
  std::uint32_t next_cseq_ = 1;
};

// DESCRIBE, SETUP and PLAY as a peer sends them, with CSeq 1 to 3.
std::vector<rtsp::Request> flight (const std::string &url,
    const core::message::Subscribe &ask, std::uint16_t udp_port = 9);
std::string to_text (const std::vector<rtsp::Request> &requests);
core::message::Subscribe subscribe_of (std::uint64_t low_id);

// A UDP socket of a player.
class RawUdp {
public:
  // Port 0: any.
  explicit RawUdp (std::uint16_t port = 0);
  RawUdp (RawUdp &&other) noexcept;
  RawUdp &operator= (RawUdp &&) = delete;
  ~RawUdp ();
  [[nodiscard]] std::uint16_t port () const { return port_; }
  [[nodiscard]] bool is_open () const { return fd_ >= 0; }
  // Empty: nothing came.
  std::vector<std::uint8_t> receive (Clock::duration limit = patience);
  void send (const std::vector<std::uint8_t> &bytes, std::uint16_t to) const;

private:
  int fd_ = -1;
  std::uint16_t port_ = 0;
};

// Even port for RTP, the next one for RTCP.
struct UdpPair {
  RawUdp rtp, rtcp;
  static UdpPair open ();
  [[nodiscard]] std::string client_port () const;
};

} // namespace spreadit::test
