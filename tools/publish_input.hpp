// What gst-spreadit-relay publishes: a file, a camera or server elsewhere, a
// device, a test picture or a pipeline description, brought to a spreaditsink.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>
#include <variant>

#include <gst/gst.h>

#include "relay_options.hpp"

namespace spreadit::relay {

enum class InputKind { file, uri, device, test, description };

// What `text`, as given to --publish, is. Looks at the file system and at the
// element factories, since "clip.mp4" and "videotestsrc" look alike.
InputKind classify_input (const std::string &text);

// Nothing is to be published: `what` says what and why, `status` is for exit().
struct InputProblem {
  int status;
  std::string what;
};

class PublishInput {
public:
  // Builds the input of options.publish and a spreaditsink in `pipeline`, which
  // has to outlive it. Pads that come later are linked as they come; what goes
  // wrong then is an error message on the pipeline's bus.
  static std::variant<std::unique_ptr<PublishInput>, InputProblem> make (
      GstBin *pipeline, const StreamOptions &options);

  ~PublishInput ();
  PublishInput (const PublishInput &) = delete;
  PublishInput &operator= (const PublishInput &) = delete;

  [[nodiscard]] GstElement *sink () const; // borrowed

private:
  struct Impl;
  explicit PublishInput (std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

} // namespace spreadit::relay
