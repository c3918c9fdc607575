// The streams of spreaditsrc: rtpbin and the pads that come of it.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gstspreaditsplit.h"
#include "media_description.hpp"
#include "owned.hpp"
#include "timer.hpp"

namespace spreadit {

//   queue ! split -+- RTP  -+- rtpbin (one session) - stream_%u ...
//                  `- RTCP -'
//
// Pads are exposed together when every medium of the SDP has had a packet, or
// some seconds after the first had one: video first, then in the order of the
// SDP. What comes later is added. A medium keeps its pad when the source
// changes the SSRC.
//
// Buffers carry no GstNetAddressMeta, so that rtpbin sees one sender, whoever
// is the parent.
//
// Thread-safe. The element that owns this outlives it.
class SrcStreams {
public:
  // `element` is borrowed; `upstream` gives the bundle.
  SrcStreams (GstBin *element, GstElement *upstream, GstPadTemplate *templ);
  ~SrcStreams ();
  SrcStreams (const SrcStreams &) = delete;
  SrcStreams &operator= (const SrcStreams &) = delete;

  // Before READY->PAUSED. False: an error has been posted.
  bool start (unsigned latency_ms);
  // After PAUSED->READY.
  void stop ();

  void set_latency (unsigned latency_ms);
  // Of pads that are exposed from now on: whether video begins with a key frame
  // and not wherever the source happens to be.
  void set_wait_for_key_frame (bool wait) { wait_for_key_frame_ = wait; }
  // From the next start on: buffers carry the source's NTP time as a meta.
  void set_reference_time (bool add) { reference_time_ = add; }
  // Answers whether there is a stream in it that can be received.
  bool set_description (const char *sdp);
  // Packets the player was too slow for.
  [[nodiscard]] std::uint64_t dropped ();

private:
  // One medium of the SDP.
  struct Stream {
    SrcStreams *streams;
    unsigned index;
    std::string stream_id;
    unsigned payload_type;
    bool is_video;
    Owned<GstCaps> caps;
    Owned<GstPad> source; // rtpbin's; blocked until there is a pad for it
    gulong block = 0;
    GstPad *pad = nullptr; // the element's, once exposed
  };

  bool make_elements ();
  void sort_media (std::vector<ReceivedMedia> media);
  Stream *find (unsigned payload_type);
  void on_pad (GstPad *pad);
  void expose_together ();
  void expose (Stream &stream);
  Owned<GstEvent> stream_start (const Stream &stream);
  void on_bye (unsigned ssrc);
  void end_left ();

  static void on_pad_added (GstElement *, GstPad *pad, gpointer data) noexcept;
  static GstCaps *on_request_pt_map (
      GstElement *, guint session, guint pt, gpointer data) noexcept;
  static void on_new_jitterbuffer (GstElement *, GstElement *jitterbuffer,
      guint session, guint ssrc, gpointer data) noexcept;
  static void on_bye_ssrc (
      GstElement *, guint session, guint ssrc, gpointer data) noexcept;
  static gboolean on_event (
      GstPad *pad, GstObject *parent, GstEvent *event) noexcept;

  GstBin *element_;
  GstElement *upstream_;
  GstPadTemplate *template_;

  std::mutex exposing_; // held while pads are added; taken before lock_
  std::mutex lock_;     // guards what follows
  GstElement *queue_ = nullptr, *rtpbin_ = nullptr; // borrowed from element_
  GstSpreaditSplit *split_ = nullptr;
  std::vector<std::unique_ptr<Stream>> streams_;        // as they are exposed
  std::map<unsigned, Owned<GstElement>> jitterbuffers_; // by SSRC
  std::vector<unsigned> left_;                          // SSRCs that said BYE
  std::string session_id_;
  guint group_id_ = 0;
  bool exposed_ = false; // together; from now on one by one
  Timer silent_timer_;
  Timer bye_timer_;
  std::atomic<std::uint64_t> packets_in_{0};
  std::atomic<bool> wait_for_key_frame_{true};
  std::atomic<bool> reference_time_{false};
};

} // namespace spreadit
