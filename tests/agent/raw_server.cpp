// SPDX-License-Identifier: LGPL-2.1-or-later
#include "raw_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace spreadit::test {

namespace {

// A listening socket on a free port of a loopback address.
int
listen_on_loopback (std::uint16_t *port, const char *host = "127.0.0.1")
{
  const int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  inet_pton (AF_INET, host, &address.sin_addr);
  auto *sa = reinterpret_cast<sockaddr *> (&address);
  socklen_t length = sizeof address;
  if (bind (fd, sa, length) < 0 || listen (fd, 1024) < 0 ||
      getsockname (fd, sa, &length) < 0)
    return -1;
  *port = ntohs (address.sin_port);
  return fd;
}

} // namespace

RawServer::RawServer (Script script, std::string host)
    : script_ (std::move (script)), host_ (std::move (host))
{
  fd_ = listen_on_loopback (&port_, host_.c_str ());
  acceptor_ = std::thread ([this] { accept_all (); });
}

RawServer::~RawServer ()
{
  {
    const std::lock_guard guard (lock_);
    closing_ = true;
    shutdown (fd_, SHUT_RDWR);
    for (const auto &session : sessions_)
      shutdown (session.fd, SHUT_RDWR);
  }
  acceptor_.join ();
  close (fd_);
  for (auto &session : sessions_) {
    session.thread.join ();
    close (session.fd);
  }
}

void
RawServer::accept_all ()
{
  for (;;) {
    const int fd = accept4 (fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0)
      return;
    const std::lock_guard guard (lock_);
    if (closing_) {
      close (fd);
      return;
    }
    ++connections_;
    ring_bell ();
    // The session keeps a descriptor of its own, to end the script's waits.
    const int own = fcntl (fd, F_DUPFD_CLOEXEC, 0);
    fcntl (fd, F_SETFL, O_NONBLOCK);
    sessions_.push_back ({own, std::thread ([this, fd, own] {
                            auto client = RawClient::of_socket (fd);
                            script_ (client);
                            shutdown (own, SHUT_RDWR);
                          })});
  }
}

std::string
RawServer::address () const
{
  return host_ + ":" + std::to_string (port_);
}

unsigned
RawServer::connections () const
{
  const std::lock_guard guard (lock_);
  return connections_;
}

std::uint16_t
free_port ()
{
  std::uint16_t port = 0;
  close (listen_on_loopback (&port));
  return port;
}

} // namespace spreadit::test
