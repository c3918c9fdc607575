// The application session of the paper (III): what goes on while parents come
// and go.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include <gst/gst.h>

#include "agent/agent.hpp"
#include "manager/wishes.hpp"
#include "util/owned.hpp"

namespace spreadit::manager {

// Everything behind the GObject. Outlives it when that goes during a signal.
// Any thread, unless a function says otherwise.
//
// What begins and ends a session runs on the control thread, so that of two
// callers one comes first. A call from there may be one from within a report of
// the node: it is stopped then, and destroyed when that is over.
class ApplicationSession final : agent::Agent::Events {
public:
  // What the application hears. Control thread, no lock held; may call anything
  // of the session but what waits.
  struct Reports {
    virtual void state_changed (
        GstSpreaditPeerState old, GstSpreaditPeerState now) = 0;
    virtual void parent_changed (
        const core::Contact &parent, unsigned level) = 0;
    virtual void child_added (const core::Contact &child) = 0;
    virtual void child_removed (const core::Contact &child, bool failed) = 0;
    virtual void reach_changed (bool reachable, const core::Contact &by) = 0;
    virtual void media_changed (const std::string &sdp) = 0;
    virtual void unavailable (const GError *why) = 0;
    virtual void ended () = 0;
    virtual void left () = 0;

  protected:
    ~Reports () = default;
  };

  // What the properties read.
  struct Facts {
    core::PeerId id; // all zero: not started
    std::string sdp;
    GstSpreaditPeerState state = GST_SPREADIT_PEER_STATE_IDLE;
    guint port = 0;
  };

  // `reports` outlives this.
  explicit ApplicationSession (Reports &reports) : reports_ (reports) {}

  // They count from the next start on, those that may change at once.
  void change (const std::function<void (Wishes &)> &how) noexcept;
  Wishes wishes () noexcept;
  Facts facts () noexcept;
  // Never null.
  Owned<GstStructure> stats () noexcept;
  // agent/tree_query.hpp
  void query_tree (Owned<GTask> task, const std::string &path, guint depth,
      guint max_peers) noexcept;

  bool start (bool as_source, GError **error) noexcept;
  bool set_description (const char *text, GError **error) noexcept;
  void leave () noexcept;
  // False at once on the control thread.
  bool wait_left (GstClockTime timeout) noexcept;
  // Nothing is reported any more when this returns.
  void close () noexcept;

  // Null when not started.
  std::shared_ptr<media::DataPath> data_path () noexcept;
  // Null for a source: it gets no packets, and what its sockets get is for its
  // own thread.
  std::shared_ptr<media::DataPath> data_to_receive () noexcept;
  void set_flushing (bool on) noexcept;

private:
  // What is left of a session, to be destroyed when no lock is held and no
  // report of the node is in progress.
  struct Remains {
    std::shared_ptr<agent::Agent> node;
    std::thread service;
  };

  void on_state (core::PeerState old, core::PeerState now) override;
  void on_parent_changed (const core::Contact &parent, unsigned level) override;
  void on_child_added (const core::Contact &child) override;
  void on_child_removed (const core::Contact &child, bool failed) override;
  void on_reach_changed (
      core::Reach reachable, const core::Contact &parent) override;
  void on_description (const std::string &text) override;
  void on_fail (
      const core::action::Fail &why, const std::string &detail) override;
  void on_ended () override;
  void on_left () override;

  bool start_now (bool as_source, Remains *remains, GError **error);
  Remains stop_now ();
  static void bury (Remains remains);
  void apply_wishes ();
  void set_over (bool now);

  Reports &reports_;

  std::mutex lock_; // guards what follows; not held while reporting
  Wishes wishes_;
  Facts facts_;
  std::shared_ptr<media::DataPath> data_; // while started
  bool flushing_ = false;
  bool is_source_ = false;
  bool over_ = true; // left, failed or never begun: nothing to wait for
  std::condition_variable over_signal_;

  // Control thread only.
  std::shared_ptr<agent::Agent> node_;
  rtsp::Uri uri_;
  // A source has nobody to pull packets, but its sockets need service.
  std::thread service_;
};

} // namespace spreadit::manager
