// A switch between network namespaces with a delay and a loss for every pair
// of nodes and an uplink rate for every node, for kernels that have no netem.
//
//   delay-switch NAMESPACE=IPV4[,IPV6]...
//
// gives each namespace (of `ip netns`) a TUN device "switch0" without
// addresses, and forwards between them by destination address. Nodes are
// numbered from 1 in the order of the arguments. Commands on standard input, a
// line each, each answered by "ok" or "error: ...", the start too:
//
//   delay FROM TO MILLISECONDS    one way
//   loss FROM TO FRACTION         0 to 1
//   rate NODE BITS_PER_SECOND     uplink; 0 is no limit
//
// Ends with standard input.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <map>
#include <memory>
#include <queue>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr const char *interface_name = "switch0";
constexpr std::size_t packet_bytes_max = 2048; // TUN devices have MTU 1500
// What waits longer than this for the uplink is dropped: a home router's queue.
constexpr auto uplink_queue_max = 200ms;
// While packets are on their way, what comes within this is taken at once: to
// wake for each costs about twice as much, and the nodes share the cores.
constexpr auto round_pause = 500us;
// Packets read from one node before the others get their turn.
constexpr int burst_max = 64;

using Address = std::array<std::uint8_t, 16>; // IPv4 as a mapped one

[[noreturn]] void
fail (const std::string &what)
{
  throw std::system_error (errno, std::generic_category (), what);
}

class Fd {
public:
  explicit Fd (int fd) : fd_ (fd) {}
  Fd (Fd &&other) noexcept : fd_ (std::exchange (other.fd_, -1)) {}
  Fd (const Fd &) = delete;
  Fd &operator= (const Fd &) = delete;
  Fd &operator= (Fd &&) = delete;
  ~Fd ()
  {
    if (fd_ >= 0)
      close (fd_);
  }
  [[nodiscard]] int get () const { return fd_; }

private:
  int fd_;
};

Fd
open_namespace (const std::string &path)
{
  Fd fd (open (path.c_str (), O_RDONLY | O_CLOEXEC));
  if (fd.get () < 0)
    fail (path);
  return fd;
}

// Made inside the namespace, it stays there; its other end stays here.
Fd
open_tun (const std::string &name)
{
  const Fd home = open_namespace ("/proc/self/ns/net");
  const Fd there = open_namespace ("/run/netns/" + name);
  if (setns (there.get (), CLONE_NEWNET))
    fail ("enter namespace " + name);
  Fd tun (open ("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (tun.get () < 0)
    fail ("/dev/net/tun");
  ifreq request = {};
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  std::strncpy (request.ifr_name, interface_name, IFNAMSIZ - 1);
  if (ioctl (tun.get (), TUNSETIFF, &request))
    fail ("TUN device in " + name);
  if (setns (home.get (), CLONE_NEWNET))
    fail ("leave namespace " + name);
  return tun;
}

Address
mapped (const std::uint8_t *ipv4)
{
  Address address = {};
  address[10] = address[11] = 0xff;
  std::memcpy (&address[12], ipv4, 4);
  return address;
}

Address
parse_address (const std::string &text)
{
  Address address;
  if (inet_pton (AF_INET6, text.c_str (), address.data ()) == 1)
    return address;
  in_addr ipv4;
  if (inet_pton (AF_INET, text.c_str (), &ipv4) != 1)
    throw std::runtime_error ("no address: " + text);
  return mapped (reinterpret_cast<const std::uint8_t *> (&ipv4));
}

struct Packet {
  Clock::time_point due;
  std::uint64_t number = 0; // keeps the order of packets due at one time
  std::size_t to = 0;
  std::size_t size = 0;
  std::array<std::uint8_t, packet_bytes_max> data;

  // False: not IP.
  bool destination (Address *out) const
  {
    if (size >= 20 && data[0] >> 4 == 4) {
      *out = mapped (&data[16]);
      return true;
    }
    if (size >= 40 && data[0] >> 4 == 6) {
      std::memcpy (out->data (), &data[24], 16);
      return true;
    }
    return false;
  }
};
using PacketPtr = std::unique_ptr<Packet>;

struct Later {
  bool operator() (const PacketPtr &a, const PacketPtr &b) const
  {
    return std::tie (a->due, a->number) > std::tie (b->due, b->number);
  }
};

class Switch {
public:
  void add_node (const std::string &argument);
  void run ();

private:
  struct Path {
    Clock::duration delay = 0ms;
    double loss = 0;
  };
  struct Node {
    Fd tun;
    std::vector<Path> paths; // by destination
    double bytes_per_second = 0;
    Clock::time_point uplink_free;
  };

  void obey (std::istringstream &command);
  std::size_t read_node (std::istringstream &command) const;
  bool read_commands ();
  void take_in (std::size_t from);
  void deliver ();
  void forward (std::size_t from, PacketPtr packet);

  std::vector<Node> nodes_;
  std::map<Address, std::size_t> by_address_;
  std::priority_queue<PacketPtr, std::vector<PacketPtr>, Later> queue_;
  std::vector<PacketPtr> spare_;
  std::uint64_t next_number_ = 0;
  std::mt19937_64 random_{1};
  std::string input_;
};

void
Switch::add_node (const std::string &argument)
{
  const auto equals = argument.find ('=');
  if (equals == std::string::npos)
    throw std::runtime_error ("not NAMESPACE=ADDRESS: " + argument);
  nodes_.push_back ({open_tun (argument.substr (0, equals)), {}, 0, {}});
  std::istringstream addresses (argument.substr (equals + 1));
  for (std::string text; std::getline (addresses, text, ',');)
    by_address_[parse_address (text)] = nodes_.size () - 1;
}

std::size_t
Switch::read_node (std::istringstream &command) const
{
  std::size_t number = 0;
  if (!(command >> number) || number < 1 || number > nodes_.size ())
    throw std::runtime_error ("no such node");
  return number - 1;
}

void
Switch::obey (std::istringstream &command)
{
  std::string verb;
  command >> verb;
  const std::size_t from = read_node (command);
  double value = 0;
  if (verb == "rate") {
    if (!(command >> value) || value < 0)
      throw std::runtime_error ("no rate");
    nodes_[from].bytes_per_second = value / 8;
    return;
  }
  Path &path = nodes_[from].paths[read_node (command)];
  if (!(command >> value) || value < 0)
    throw std::runtime_error ("no number");
  if (verb == "delay")
    path.delay = std::chrono::duration_cast<Clock::duration> (
        std::chrono::duration<double, std::milli> (value));
  else if (verb == "loss")
    path.loss = value;
  else
    throw std::runtime_error ("no command: " + verb);
}

// False at the end of the input.
bool
Switch::read_commands ()
{
  std::array<char, 4096> buffer;
  const ssize_t size = read (STDIN_FILENO, buffer.data (), buffer.size ());
  if (size <= 0)
    return false;
  input_.append (buffer.data (), static_cast<std::size_t> (size));
  for (auto end = input_.find ('\n'); end != std::string::npos;
       end = input_.find ('\n')) {
    std::istringstream command (input_.substr (0, end));
    input_.erase (0, end + 1);
    try {
      obey (command);
      std::cout << "ok" << std::endl;
    } catch (const std::runtime_error &error) {
      std::cout << "error: " << error.what () << std::endl;
    }
  }
  return true;
}

void
Switch::forward (std::size_t from, PacketPtr packet)
{
  Address address;
  auto found = packet->destination (&address) ? by_address_.find (address)
                                              : by_address_.end ();
  Node &node = nodes_[from];
  const Path *path =
      found == by_address_.end () ? nullptr : &node.paths[found->second];
  if (!path || (path->loss > 0 && std::uniform_real_distribution<> () (
                                      random_) < path->loss)) {
    spare_.push_back (std::move (packet));
    return;
  }
  auto leaves = Clock::now ();
  if (node.bytes_per_second > 0) {
    const auto now = leaves;
    leaves = std::max (now, node.uplink_free);
    if (leaves - now > uplink_queue_max) {
      spare_.push_back (std::move (packet));
      return;
    }
    leaves += std::chrono::duration_cast<Clock::duration> (
        std::chrono::duration<double> (
            static_cast<double> (packet->size) / node.bytes_per_second));
    node.uplink_free = leaves;
  }
  packet->due = leaves + path->delay;
  packet->number = next_number_++;
  packet->to = found->second;
  queue_.push (std::move (packet));
}

void
Switch::take_in (std::size_t from)
{
  for (int i = 0; i < burst_max; ++i) {
    PacketPtr packet;
    if (spare_.empty ()) {
      packet = std::make_unique<Packet> ();
    } else {
      packet = std::move (spare_.back ());
      spare_.pop_back ();
    }
    const ssize_t size =
        read (nodes_[from].tun.get (), packet->data.data (), packet_bytes_max);
    if (size <= 0) {
      spare_.push_back (std::move (packet));
      return;
    }
    packet->size = static_cast<std::size_t> (size);
    forward (from, std::move (packet));
  }
}

void
Switch::deliver ()
{
  const auto now = Clock::now ();
  while (!queue_.empty () && queue_.top ()->due <= now) {
    // top() is const for the sake of the order, which ends here.
    PacketPtr packet = std::move (const_cast<PacketPtr &> (queue_.top ()));
    queue_.pop ();
    // A device that is down or full drops it, as a link would.
    if (write (nodes_[packet->to].tun.get (), packet->data.data (),
            packet->size) < 0)
      errno = 0;
    spare_.push_back (std::move (packet));
  }
}

void
Switch::run ()
{
  const Fd epoll (epoll_create1 (EPOLL_CLOEXEC));
  const auto watch = [&epoll] (int fd, std::size_t index) {
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.u64 = index;
    if (epoll_ctl (epoll.get (), EPOLL_CTL_ADD, fd, &event))
      fail ("epoll_ctl");
  };
  for (std::size_t i = 0; i < nodes_.size (); ++i) {
    nodes_[i].paths.resize (nodes_.size ());
    watch (nodes_[i].tun.get (), i);
  }
  const std::size_t commands = nodes_.size ();
  watch (STDIN_FILENO, commands);
  std::cout << "ok" << std::endl;

  std::array<epoll_event, 64> events;
  while (true) {
    timespec wait = {};
    if (!queue_.empty ()) {
      const auto left =
          std::max<Clock::duration> (queue_.top ()->due - Clock::now (), 0ns);
      wait.tv_sec = std::chrono::floor<std::chrono::seconds> (left).count ();
      wait.tv_nsec = (left % 1s).count ();
    }
    const int n = epoll_pwait2 (epoll.get (), events.data (), events.size (),
        queue_.empty () ? nullptr : &wait, nullptr);
    if (n < 0 && errno != EINTR)
      fail ("epoll_pwait2");
    for (int i = 0; i < n; ++i) {
      const std::size_t index = events[i].data.u64;
      if (index != commands)
        take_in (index);
      else if (!read_commands ())
        return;
    }
    deliver ();
    if (!queue_.empty ())
      std::this_thread::sleep_for (round_pause);
  }
}

// Of a hundred nodes that wake at once each waits for a core; what lies between
// them does not. Best effort: it takes rights.
void
go_before_nodes ()
{
  sched_param param = {};
  param.sched_priority = sched_get_priority_min (SCHED_FIFO);
  sched_setscheduler (0, SCHED_FIFO, &param);
}

} // namespace

int
main (int argc, char **argv)
{
  try {
    Switch network;
    for (int i = 1; i < argc; ++i)
      network.add_node (argv[i]);
    go_before_nodes ();
    network.run ();
  } catch (const std::exception &error) {
    std::cout << "error: " << error.what () << std::endl;
    return 1;
  }
}
