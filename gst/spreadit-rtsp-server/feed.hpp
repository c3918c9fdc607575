// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include <gst/rtsp/rtsp.h>

#include "backlog.hpp"
#include "owned.hpp"
#include "source_clock.hpp"

namespace spreadit::rtsp_server {

// Why a player cannot have the stream, as RTSP answers.
struct Refusal {
  GstRTSPStatusCode status;
  std::string reason; // for people, a line
};

// What there is to offer: all media, with what becomes SDP.
struct Offer {
  struct Medium {
    Owned<GstCaps> caps;
    std::shared_ptr<SourceClock> clock;
  };
  unsigned session; // of the feed: another join, another offer
  std::vector<Medium> media;
  std::string cname; // the source's; empty: not known
};

// A stream that is joined once, however many players there are: a spreaditsrc
// in a pipeline of its own, and outlets that get its packets.
//
// It is joined while somebody wants it, that is from join() to leave(), or from
// the first open() until nobody has had an outlet for the idle time. While
// join() holds, it is tried again when it is over.
//
// Any thread. A thread of its own starts and stops the pipeline, which takes
// time: leaving waits for children to have moved.
class Feed {
public:
  using Clock = std::chrono::steady_clock;
  struct Reports {
    std::function<void ()> joined;
    std::function<void (const GError *)> left; // null: as it should
  };

  // `source` is a spreaditsrc.
  Feed (Owned<GstElement> source, Reports reports);
  // Leaves first.
  ~Feed ();
  Feed (const Feed &) = delete;
  Feed &operator= (const Feed &) = delete;

  void set_idle_time (Clock::duration time);
  void join ();
  void leave ();

  // Joins if need be, and waits until there is something to offer, it fails or
  // the time is over. Does not wait while join() holds.
  std::variant<Offer, Refusal> open (Clock::duration wait);
  // The packets of an offer's media, from the last key frame on, into as many
  // appsrcs; then EOS. Answers a number for close(), 0 if the offer is over.
  unsigned attach (unsigned session, std::vector<Owned<GstAppSrc>> outlet);
  void detach (unsigned outlet);
  // Neither detached nor at its end.
  [[nodiscard]] bool feeds (unsigned outlet) const;
  // 0 while it is not joined. Never the same again.
  unsigned session ();

private:
  enum class State { idle, joining, ready, leaving };
  struct Stream {
    Feed *feed;
    std::size_t index;
    Owned<GstCaps> caps;
    std::shared_ptr<SourceClock> clock;
  };
  struct Outlet {
    unsigned id;
    std::vector<Owned<GstAppSrc>> media;
  };
  using Guard = std::unique_lock<std::mutex>;

  static void on_pad_added (GstElement *, GstPad *pad, gpointer self) noexcept;
  static void on_no_more_pads (GstElement *, gpointer self) noexcept;
  static GstFlowReturn on_sample (GstAppSink *sink, gpointer stream) noexcept;
  static GstBusSyncReply on_message (
      GstBus *, GstMessage *message, gpointer self) noexcept;

  void run ();
  [[nodiscard]] bool wanted () const;
  [[nodiscard]] Offer offer () const;
  Clock::time_point idle_at () const;
  void add_pad (GstPad *pad);
  void start (Guard &guard);
  void hold (Guard &guard);
  void stop (Guard &guard);
  void hand_on (Stream &stream, GstBuffer *packet);
  void end_outlets ();
  Refusal refusal () const;

  const Owned<GstElement> source_;
  const Reports reports_;

  mutable std::mutex lock_; // guards what follows; not held while calling out
  std::condition_variable changed_;
  State state_ = State::idle;
  Clock::duration idle_time_ = std::chrono::seconds (10);
  Clock::time_point idle_since_{};
  bool quit_ = false;
  bool joined_ = false;   // join() holds
  unsigned openers_ = 0;  // in open()
  unsigned attempts_ = 0; // ended: a failed one ends open()
  unsigned sessions_ = 0;
  bool over_ = false;      // the stream has ended or failed
  bool dismissed_ = false; // leave(), whoever watches
  Owned<GError> failure_;  // of the last attempt
  std::vector<std::unique_ptr<Stream>> streams_;
  std::string cname_;
  Backlog backlog_;
  std::vector<Outlet> outlets_;
  unsigned outlets_made_ = 0;
  Owned<GstElement> pipeline_; // of run()

  std::thread thread_;
};

} // namespace spreadit::rtsp_server
