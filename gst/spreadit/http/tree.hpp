// The tree of one stream as it was told last, asked for again when it is old.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>

#include <gst/spreadit/spreadit.h>

#include "http/reply.hpp"

namespace spreadit::http {

// Which part of it.
struct TreeQuestion {
  std::string path; // ids with "/" between them; empty: from this node down
  unsigned depth = 0;
  unsigned peers_max = 1;
  auto operator<=> (const TreeQuestion &) const = default;
};

// nullptr with a refusal, or the tree.
using TreeDone =
    std::function<void (std::shared_ptr<const GstStructure>, const Reply &)>;

// Asks the tree. However many want the same, it is asked once; an answer that
// is younger than limits::tree_fresh_us is given again. Main context only.
class TreeDesk {
public:
  TreeDesk ();
  ~TreeDesk (); // who still waits is not answered
  TreeDesk (const TreeDesk &) = delete;
  TreeDesk &operator= (const TreeDesk &) = delete;

  // `fresh`: not one that was there before.
  void ask (const std::string &uri, GstSpreaditPeeringManager *manager,
      const TreeQuestion &question, bool fresh, TreeDone done);

private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

} // namespace spreadit::http
