// What WebSockets are told: a stream's node and its tree, whole at first, then
// what has changed.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <libsoup/soup.h>

#include "http/stream.hpp"
#include "http/tree.hpp"

namespace spreadit::http {

// In the main context of one thread. Listeners that want the same share one
// feed: the tree is asked once a second for all of them, less often when it is
// large, and not at all when nobody listens.
class Events {
public:
  // The stream by its URI, while it is there.
  using Find = std::function<std::optional<Stream> (const std::string &uri)>;

  Events (TreeDesk &trees, Find find);
  ~Events (); // hangs up on everybody
  Events (const Events &) = delete;
  Events &operator= (const Events &) = delete;

  // `socket` is the one under `connection`.
  void add (SoupWebsocketConnection *connection, GSocket *socket,
      const std::string &uri, const TreeQuestion &question);
  // Said at once to who listens to that stream; the tree is asked soon.
  void moved (const std::string &uri, const std::string &what);
  [[nodiscard]] std::size_t listeners () const;

private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

} // namespace spreadit::http
