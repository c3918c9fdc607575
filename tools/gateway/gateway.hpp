// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "gateway_options.hpp"

namespace spreadit::relay {

// The RTSP server that lets players and publishers of this machine, which know
// nothing of SpreadIt, take part: rtsp://127.0.0.1:8555/HOST[:PORT]/PATH is
// spreadit://HOST[:PORT]/PATH, joined when the first player asks for it.
//
// Everything happens in the default main context, but what serves a client,
// which has a thread of its own: it may wait for a stream.
class Gateway {
public:
  struct Callbacks {
    // What the user may want to know, of a stream.
    std::function<void (const std::string &uri, const std::string &what)> say;
  };

  // Listens. The other answer says why not.
  static std::variant<std::unique_ptr<Gateway>, std::string> make (
      GatewayOptions options, Callbacks callbacks);
  // At once: children have to find parents themselves.
  ~Gateway ();
  Gateway (const Gateway &) = delete;
  Gateway &operator= (const Gateway &) = delete;

  // Where players reach it, rtsp://HOST:PORT.
  [[nodiscard]] std::string address () const;
  // No more players; `left` follows when all streams have been left, with the
  // children moved, or after some seconds.
  void leave (std::function<void ()> left);
  // Reload::gateway.
  void apply (const std::map<std::string, std::string, std::less<>> &changes);
  // JSON, a line each, of the streams that are joined or published.
  [[nodiscard]] std::vector<std::string> stats () const;

private:
  struct Impl;
  explicit Gateway (std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

} // namespace spreadit::relay
