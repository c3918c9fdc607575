// Pipelines on the loopback interface, and waiting for what they do. Every wait
// is bounded; one that is not fulfilled fails the test.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gst/check/gstcheck.h>
#include <gst/spreadit/spreadit.h>

namespace loopback {

constexpr GstClockTime patience = 20 * GST_SECOND;

// The first of these that is installed; skips the rest of the test program if
// none is.
std::string h264_encoder (); // "x264enc ..."
std::string audio_encoder ();

class Pipeline {
public:
  explicit Pipeline (const std::string &description);
  ~Pipeline (); // to NULL
  Pipeline (const Pipeline &) = delete;
  Pipeline &operator= (const Pipeline &) = delete;

  [[nodiscard]] GstElement *get () const { return pipeline_; }
  // Borrowed.
  GstElement *operator[] (const char *name);
  GstSpreaditPeeringManager *manager (const char *name);

  GstStateChangeReturn set_state (GstState state);
  void play (); // and fail if that fails

  using Match = std::function<bool (GstMessage *)>;
  // Errors that are not matched fail the test. Transfer full.
  GstMessage *wait (const char *what, const Match &match);
  void wait_eos ();
  GError *wait_error (); // transfer full
  void wait_warning (const char *part);
  GstStructure *wait_element_message (const char *name); // transfer full
  // True when nothing that `match` matches is on the bus.
  bool none (const Match &match);

private:
  GstElement *pipeline_;
  std::vector<gpointer> held_;
};

// What passes a pad.
class Tap {
public:
  Tap (GstElement *element, const char *pad);
  explicit Tap (GstPad *pad);
  ~Tap ();
  Tap (const Tap &) = delete;
  Tap &operator= (const Tap &) = delete;

  void wait_for (unsigned buffers); // more than now
  void wait_for_eos ();
  unsigned buffers ();
  // RTP only: packets missing between the lowest and the highest sequence
  // number of each SSRC.
  unsigned missing ();
  std::vector<std::uint32_t> ssrcs ();

private:
  static GstPadProbeReturn on_data (
      GstPad *pad, GstPadProbeInfo *info, gpointer data);
  void take (GstBuffer *buffer);

  GstPad *pad_;
  gulong probe_;
  std::mutex lock_;
  std::condition_variable changed_;
  unsigned buffers_ = 0;
  bool eos_ = false;
  std::map<std::uint32_t, std::vector<std::uint16_t>> sequences_;
};

// A signal of a manager, counted.
class Signal {
public:
  Signal (GstSpreaditPeeringManager *manager, const char *name);
  ~Signal ();
  Signal (const Signal &) = delete;
  Signal &operator= (const Signal &) = delete;

  void wait (unsigned times = 1); // since the start
  unsigned count ();

private:
  static void on_signal (gpointer data);

  GstSpreaditPeeringManager *manager_;
  gulong handler_;
  std::string name_;
  std::mutex lock_;
  std::condition_variable changed_;
  unsigned count_ = 0;
};

// Test picture and tone into a spreaditsink `s`.
std::string test_source (
    const std::string &properties, bool with_audio, int port);

// A source with that, published.
class TestSource {
public:
  // `properties` of the spreaditsink.
  explicit TestSource (
      const std::string &properties = "", bool with_audio = true, int port = 0);

  [[nodiscard]] std::string uri () const { return uri_; }
  [[nodiscard]] int port ();
  Pipeline &pipeline () { return pipeline_; }
  GstSpreaditPeeringManager *manager () { return pipeline_.manager ("s"); }
  void end (); // EOS

private:
  Pipeline pipeline_;
  std::string uri_;
};

// A spreaditsrc with a fakesink on every pad.
class Viewer {
public:
  struct Pad {
    std::string name, media, stream_id; // as they were in pad-added
    guint group_id = 0;
    std::unique_ptr<Tap> tap;
  };

  // `properties` of the spreaditsrc.
  explicit Viewer (const std::string &uri, const std::string &properties = "");

  Pipeline &pipeline () { return pipeline_; }
  GstSpreaditPeeringManager *manager () { return pipeline_.manager ("v"); }
  void play () { pipeline_.play (); }
  void stop (); // to READY, where it can be played from again
  // Waits for no-more-pads; the pads in the order they came.
  const std::vector<Pad> &wait_pads ();
  void wait_for (unsigned buffers); // on each pad
  unsigned missing ();              // on all pads
  std::string parent ();            // "host:port" of now

private:
  static void on_pad_added (GstElement *, GstPad *pad, gpointer data);
  static void on_no_more_pads (GstElement *, gpointer data);

  std::mutex lock_;
  std::condition_variable changed_;
  std::vector<Pad> pads_;
  bool no_more_ = false;
  Pipeline pipeline_; // last: it goes first
};

// A TestSource in another process.
class OtherProcess {
public:
  explicit OtherProcess (int port = 0);
  ~OtherProcess (); // kills it
  OtherProcess (const OtherProcess &) = delete;
  OtherProcess &operator= (const OtherProcess &) = delete;

  [[nodiscard]] int port () const { return port_; }
  [[nodiscard]] std::string uri () const;

private:
  GPid pid_ = 0;
  int port_ = 0;
};

// The address of a source of ours.
std::string uri_of (GstSpreaditPeeringManager *manager);

// A TCP port of 127.0.0.1 that somebody listens on and accepts nobody, or that
// nobody listens on.
class BusyPort {
public:
  BusyPort ();
  ~BusyPort ();
  BusyPort (const BusyPort &) = delete;
  BusyPort &operator= (const BusyPort &) = delete;

  [[nodiscard]] int port () const { return port_; }
  [[nodiscard]] int fd () const { return fd_; }
  void release (); // nobody listens any more

private:
  int fd_;
  int port_;
};

// Answers every request with `answer`, in which "CSEQ" stands for the number of
// the request. One connection at a time.
class FakeServer {
public:
  explicit FakeServer (std::string answer);
  ~FakeServer ();
  FakeServer (const FakeServer &) = delete;
  FakeServer &operator= (const FakeServer &) = delete;

  [[nodiscard]] int port () const { return listener_.port (); }

private:
  void run ();
  void serve (int connection);

  BusyPort listener_;
  std::string answer_;
  std::thread thread_;
};

} // namespace loopback
