// The relays that are compared, each as a process of its own, and how packets
// get into it and children to it.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "receivers.hpp"
#include "traffic.hpp"

namespace spreadit::benchmark {

struct Programs {
  std::string relay;       // gst-spreadit-relay
  std::string bare;        // bare-relay
  std::string rtsp_server; // rtsp-server-relay; empty: not built
};

enum class Transport { udp, tcp };

class Contender {
public:
  virtual ~Contender () = default;

  // Starts it. Empty, or why not. Packets may be sent from then on.
  virtual std::string start (
      const Programs &programs, Transport transport, unsigned children) = 0;
  // As a parent or source sends.
  virtual void send (const std::vector<Datagram> &packets) = 0;
  // Blocks until `receivers` are its children; packets are being sent. Empty,
  // or why not.
  virtual std::string join (Receivers &) { return {}; }
  [[nodiscard]] virtual double cpu_seconds () const = 0;
  // Of that, what moves packets; all of it where that is not known.
  [[nodiscard]] virtual double data_cpu_seconds () const
  {
    return cpu_seconds ();
  }
  [[nodiscard]] virtual bool is_running () const = 0;

protected:
  explicit Contender (Receivers &receivers) : receivers_ (receivers) {}
  Receivers &receivers_;
};

// "spreadit", "multiudpsink", "rtsp-server", "bare-mmsg", "bare-gso" or
// "bare-keep". Null: there is no such contender for that transport, or it is
// not installed.
// `coalesce`: the children are sockets with UDP_GRO.
std::unique_ptr<Contender> make_contender (const std::string &name,
    const Programs &programs, Transport transport, Receivers &receivers,
    bool coalesce);

} // namespace spreadit::benchmark
