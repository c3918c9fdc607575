// Frames and text on one connection, whatever its other end takes.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <random>

#include <netinet/in.h>
#include <sys/socket.h>

#include "agent/connection.hpp"
#include "agent/control_loop.hpp"
#include "agent/limits.hpp"
#include "raw_client.hpp"

namespace spreadit::test {
namespace {

using agent::Connection;
using agent::ControlLoop;
using Packet = std::vector<std::uint8_t>;

// A Connection, and the other end of it.
class ConnectionTest : public testing::Test {
protected:
  ConnectionTest ()
  {
    const int listener = socket (AF_INET, SOCK_STREAM, 0);
    // Small ones, so that what is written comes in pieces.
    const int bytes = 8192;
    setsockopt (listener, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    auto *sa = reinterpret_cast<sockaddr *> (&address);
    socklen_t length = sizeof address;
    EXPECT_EQ (bind (listener, sa, length), 0);
    EXPECT_EQ (getsockname (listener, sa, &length), 0);
    EXPECT_EQ (listen (listener, 1), 0);
    far_.emplace (ntohs (address.sin_port));
    EXPECT_TRUE (far_->is_open ());
    const int fd = accept (listener, nullptr, nullptr);
    close (listener);
    const Owned<GSocket> near (g_socket_new_from_fd (fd, nullptr));
    const Owned<GSocketConnection> connection (
        g_socket_connection_factory_create_connection (near.get ()));
    connection_ = Connection::adopt (connection.get ());
  }
  ~ConnectionTest () override
  {
    ControlLoop::get ().call ([this] { connection_->abort (); });
  }

  // The next frame that comes has to be this.
  void expect (std::uint8_t channel, const Packet &packet)
  {
    const auto frame = far_->receive_frame (channel);
    ASSERT_TRUE (frame);
    ASSERT_EQ (frame->payload, packet);
  }

  std::optional<RawClient> far_;
  std::shared_ptr<Connection> connection_;
};

std::vector<Packet>
packets (unsigned count, std::size_t size_max)
{
  std::mt19937 random (count);
  std::vector<Packet> all (count);
  for (Packet &packet : all) {
    packet.resize (random () % size_max);
    for (auto &byte : packet)
      byte = static_cast<std::uint8_t> (random ());
  }
  return all;
}

std::uint8_t
channel_of (std::size_t i)
{
  return static_cast<std::uint8_t> (i % 4);
}

std::vector<Connection::Frame>
frames_of (const std::vector<Packet> &packets)
{
  std::vector<Connection::Frame> frames;
  for (const Packet &packet : packets)
    frames.push_back ({channel_of (frames.size ()), packet});
  return frames;
}

TEST_F (ConnectionTest, WhatIsTakenArrivesWholeAndInOrder)
{
  const auto sent = packets (2000, 1500);
  const auto frames = frames_of (sent);
  std::size_t written = 0, read = 0;
  while (read < sent.size ()) {
    // In batches of all sizes, until it takes no more.
    for (std::size_t batch = 1; written < sent.size (); ++batch) {
      const auto left = std::span (frames).subspan (written);
      const auto some = left.first (std::min (left.size (), 1 + batch % 100));
      const std::size_t taken = connection_->write_frames (some);
      written += taken;
      if (taken < some.size ())
        break;
    }
    ASSERT_GT (written, read) << "room was made, and nothing is taken";
    for (; read < written; ++read)
      ASSERT_NO_FATAL_FAILURE (expect (channel_of (read), sent[read])) << read;
  }
}

TEST_F (ConnectionTest, HoldsNoMoreThanItMust)
{
  const auto sent = packets (2000, 1500);
  const std::size_t taken = connection_->write_frames (frames_of (sent));
  EXPECT_LT (taken, sent.size ());
  const Packet more (100);
  EXPECT_FALSE (connection_->write_frame (0, more.data (), more.size ()));
}

TEST_F (ConnectionTest, TextDoesNotBreakFrames)
{
  const auto sent = packets (300, 1500);
  const auto frames = frames_of (sent);
  const std::string text = "RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n";
  std::thread reader ([&] {
    for (std::size_t i = 0; i < sent.size (); ++i)
      expect (channel_of (i), sent[i]);
  });
  for (std::size_t written = 0; written < frames.size ();) {
    const auto left = std::span (frames).subspan (written);
    const std::size_t taken = connection_->write_frames (
        left.first (std::min<std::size_t> (left.size (), 7)));
    // Whose other end reads too little text is hung up on.
    if (taken == 0) {
      std::this_thread::yield ();
      continue;
    }
    written += taken;
    ControlLoop::get ().call ([&] { connection_->write (text); });
  }
  reader.join ();
}

TEST_F (ConnectionTest, TheLongestFrameGoesALongerOneIsDropped)
{
  const std::vector<Packet> sent = {
      Packet (0xffff, 1), Packet (0x10000, 2), Packet (10, 3), Packet ()};
  const auto frames = frames_of (sent);
  std::size_t written = 0;
  for (const std::size_t i : {0, 2, 3}) {
    ASSERT_TRUE (eventually ([&] {
      written +=
          connection_->write_frames (std::span (frames).subspan (written));
      return written > i;
    }));
    expect (channel_of (i), sent[i]);
  }
  EXPECT_EQ (written, sent.size ());
}

TEST_F (ConnectionTest, OneThatIsGoneTakesEverything)
{
  far_->reset ();
  const auto sent = packets (5000, 1500);
  const auto frames = frames_of (sent);
  // The reset is known at the second write at the latest.
  EXPECT_TRUE (eventually (
      [&] { return connection_->write_frames (frames) == frames.size (); }));
}

} // namespace
} // namespace spreadit::test
