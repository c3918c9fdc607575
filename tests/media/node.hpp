// A DataPath with its data thread, and a bare UDP socket to face it.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <mutex>
#include <optional>
#include <thread>

#include <poll.h>
#include <unistd.h>

#include "media/data_path.hpp"
#include "support.hpp"

namespace spreadit::media {

// As a relay does: what is received goes to the children at once. What came is
// kept for the test to see.
class Node {
public:
  // Passes packets on without making buffers, and so keeps none.
  static constexpr struct Straight {
  } straight{};
  explicit Node (Straight) : Node ()
  {
    stop ();
    is_straight_ = true;
    start ();
  }

  struct Repair {
    double share;
  };
  explicit Node (Repair repair) : Node ("127.0.0.1", {}, repair) {}

  explicit Node (
      const char *ip = "127.0.0.1", Offload offload = {}, Repair repair = {0.1})
      : ip_ (ip), data_ (config (ip, offload, repair))
  {
    EXPECT_EQ (data_.open (), "");
    data_.set_media (video_and_audio);
    start ();
  }
  ~Node () { stop (); }

  void start ()
  {
    data_.unblock (false);
    thread_ = std::thread ([this] { run (); });
  }
  void stop ()
  {
    data_.unblock (true);
    if (thread_.joinable ())
      thread_.join ();
  }

  DataPath &operator* () { return data_; }
  DataPath *operator->() { return &data_; }
  Address address () { return Address::from_ip (ip_, data_.port ()); }

  void feed (Node &child, unsigned key, std::vector<HeldPacket> held = {})
  {
    data_.start_feeding (
        LinkKey{key}, route::Bundled{child.address ()}, {std::move (held)});
  }
  void hear (Node &parent, unsigned key)
  {
    data_.receive_from (LinkKey{key}, parent.address ());
  }
  void send (const Datagram &packet)
  {
    GstBuffer *buffer = new_buffer (packet);
    data_.fan_out (buffer);
    gst_buffer_unref (buffer);
  }

  std::vector<Datagram> got () const
  {
    const std::lock_guard guard (lock_);
    return got_;
  }
  bool waits_for (std::size_t count) const
  {
    return eventually ([&] { return got ().size () >= count; });
  }

private:
  // A loaded machine may be slow, the ring still holds everything.
  static DataPath::Config config (
      const char *ip, Offload offload, Repair repair)
  {
    return {.ring_duration = 1h,
        .tcp_queue_max = 1h,
        .local = Address::from_ip (ip, 0),
        .offload = offload,
        .repair_share = repair.share};
  }
  void run ()
  {
    while (is_straight_ && data_.wait ())
      data_.relay ();
    while (GstBufferList *list = data_.receive ()) {
      data_.fan_out (list);
      keep (list);
      gst_buffer_list_unref (list);
    }
  }
  void keep (GstBufferList *list)
  {
    const std::lock_guard guard (lock_);
    for (guint i = 0; i < gst_buffer_list_length (list); ++i) {
      GstBuffer *buffer = gst_buffer_list_get (list, i);
      gpointer state = nullptr;
      EXPECT_EQ (gst_buffer_iterate_meta (buffer, &state), nullptr);
      EXPECT_FALSE (GST_BUFFER_PTS_IS_VALID (buffer));
      EXPECT_FALSE (GST_BUFFER_DTS_IS_VALID (buffer));
      got_.push_back (bytes_of (buffer));
    }
  }

  const char *const ip_;
  DataPath data_;
  bool is_straight_ = false;
  std::thread thread_;
  mutable std::mutex lock_;
  std::vector<Datagram> got_;
};

// Somebody else's program.
class Foreign {
public:
  explicit Foreign (const char *ip = "127.0.0.1")
      : fd_ (socket (AF_INET, SOCK_DGRAM, 0))
  {
    sockaddr_storage storage;
    socklen_t length = Address::from_ip (ip, 0).to_sockaddr (AF_INET, &storage);
    auto *sa = reinterpret_cast<sockaddr *> (&storage);
    EXPECT_EQ (bind (fd_, sa, length), 0);
    EXPECT_EQ (getsockname (fd_, sa, &length), 0);
    address_ = Address::from_sockaddr (sa, length);
  }
  ~Foreign () { close (fd_); }

  const Address &address () const { return address_; }

  void send (const Address &to, const Datagram &datagram)
  {
    sockaddr_storage storage;
    const socklen_t length = to.to_sockaddr (AF_INET, &storage);
    EXPECT_EQ (sendto (fd_, datagram.data (), datagram.size (), 0,
                   reinterpret_cast<sockaddr *> (&storage), length),
        static_cast<ssize_t> (datagram.size ()));
  }
  // Nothing if nothing comes for a long time.
  Datagram receive (int patience_ms = 30'000)
  {
    pollfd p{fd_, POLLIN, 0};
    if (poll (&p, 1, patience_ms) != 1)
      return {};
    Datagram datagram (65536);
    sockaddr_storage storage;
    socklen_t length = sizeof storage;
    auto *sa = reinterpret_cast<sockaddr *> (&storage);
    const ssize_t n =
        recvfrom (fd_, datagram.data (), datagram.size (), 0, sa, &length);
    last_from_ = Address::from_sockaddr (sa, length);
    datagram.resize (n < 0 ? 0 : static_cast<std::size_t> (n));
    return datagram;
  }
  // Past whatever else comes: signs of life do not end.
  bool receives (const Datagram &expected)
  {
    const auto bound = MonotonicTime::clock::now () + 30s;
    while (MonotonicTime::clock::now () < bound) {
      const Datagram datagram = receive ();
      if (datagram == expected)
        return true;
      if (datagram.empty ())
        return false;
    }
    return false;
  }
  // What is here already: an untouched buffer has room for some ninety.
  void drain ()
  {
    while (!receive (0).empty ())
      ;
  }
  const Address &last_from () const { return last_from_; }

private:
  int fd_;
  Address address_, last_from_;
};

} // namespace spreadit::media
