// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>

#include <gst/rtsp/rtsp.h>
#include <gst/sdp/sdp.h>

namespace spreadit::relay {

// A stream that this node is the source of and others publish, one after the
// other: an encoder that is stopped and started, ffmpeg run once more. The
// source stays, with its SSRCs, its sequence numbers and its time; so does the
// audience (docs/decisions/0020-publishers-come-and-go.md).
//
// Any thread.
class Publication : public std::enable_shared_from_this<Publication> {
public:
  struct Refusal {
    GstRTSPStatusCode status;
    std::string reason;
  };
  // What is put into a media that records: an element depay<i> for each medium
  // of the SDP. Floating.
  struct Admission {
    GstElement *element;
    unsigned publisher; // for end()
  };

  // `settings` as StreamOptions has them. `say` is called in any thread.
  Publication (std::string uri,
      std::map<std::string, std::string, std::less<>> settings,
      std::function<void (const std::string &)> say);
  ~Publication ();
  Publication (const Publication &) = delete;
  Publication &operator= (const Publication &) = delete;

  [[nodiscard]] const std::string &uri () const;
  // Of one publisher at a time; one that has been silent for a while gives way.
  std::variant<Admission, Refusal> begin (const GstSDPMessage *sdp);
  void end (unsigned publisher);
  // A setting that may change while it runs; an empty value is the default.
  void apply (const std::string &name, const std::string &value);
  // Where players get it: the port of the node, 0 while there is none.
  unsigned port ();
  // JSON; empty while there is none.
  std::string stats ();
  // Ends the stream for all.
  void leave ();
  bool has_left ();

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace spreadit::relay
