// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>

#include <gst/spreadit/spreadit.h>

#include "publish_input.hpp"
#include "relay_options.hpp"

namespace spreadit::relay {

// One stream of gst-spreadit-relay: a pipeline around spreaditrelay, or around
// an input and spreaditsink, from its start until it has left or failed.
//
// Everything happens in the default main context.
class RelayStream {
public:
  struct Callbacks {
    // What the user may want to know, without the stream's name; `event` is a
    // word for it.
    std::function<void (const char *event, const std::string &what)> say;
    // The same of what is not as it should be.
    std::function<void (const char *event, const std::string &what)> warn;
    // The tree has changed at this node: who, and how.
    std::function<void (const std::string &)> moved;
    // The end. Empty: left or ended as it should; else what went wrong.
    std::function<void (const std::string &)> over;
  };

  static std::variant<std::unique_ptr<RelayStream>, InputProblem> make (
      StreamOptions options, Callbacks callbacks);
  ~RelayStream ();
  RelayStream (const RelayStream &) = delete;
  RelayStream &operator= (const RelayStream &) = delete;

  [[nodiscard]] const std::string &uri () const;
  [[nodiscard]] bool is_over () const;

  void start ();
  // Moves the children first; over() follows within `linger` and leave_grace.
  void leave ();
  // At once; over() is not called any more.
  void drop ();
  // One of Reload::changes.
  void apply (const std::map<std::string, std::string, std::less<>> &changes);
  // Borrowed; nullptr once it is over.
  [[nodiscard]] GstSpreaditPeeringManager *manager () const;
  // JSON, without the line's end. Empty once it is over.
  [[nodiscard]] std::string stats () const;

private:
  struct Impl;
  explicit RelayStream (std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

} // namespace spreadit::relay
