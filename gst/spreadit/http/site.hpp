// What is served: the page, the figures, the tree, the stream.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "http/address.hpp"
#include "http/stream.hpp"

namespace spreadit::http {

// In the main context of the thread that opens it (source.hpp), which alone may
// use it.
class Site {
public:
  using Streams = std::function<std::vector<Stream> ()>;

  // Why not, if it cannot listen there.
  static std::variant<std::unique_ptr<Site>, std::string> open (
      const Address &address, Streams streams);
  ~Site ();
  Site (const Site &) = delete;
  Site &operator= (const Site &) = delete;

  [[nodiscard]] std::string url () const; // where a browser finds it
  // Something has moved in the tree of that stream: who listens is told at
  // once, and of the tree as soon as it is known.
  void moved (const std::string &uri, const std::string &what);

private:
  struct Impl;
  explicit Site (std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

} // namespace spreadit::http
