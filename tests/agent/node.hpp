// One node of a tree: an agent, its data path and the thread that pumps
// packets, as an element has them. Keeps what it got and what it was told.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "agent/agent.hpp"
#include "patience.hpp"
#include "stream.hpp"

namespace spreadit::test {

struct NodeOptions {
  unsigned children_max = 3;
  // Listens there; empty: nowhere.
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  std::string path = "/live";
  std::string advertise;
  std::uint64_t upload_bps = 0;
  unsigned tries_max = core::limits::tries_max_default;
  core::Duration linger = core::limits::linger_max;
  core::DeletePolicyKind delete_policy = core::DeletePolicyKind::grandfather;
  bool standby = true;
  agent::Patience patience = {};
  agent::Proximity proximity = agent::Proximity::traceroute;
  // With TLS, and the id that goes with it; a peer that names neither of the
  // others knows the source it is given by its id.
  std::shared_ptr<const agent::Identity> identity = {};
  std::shared_ptr<const agent::Trust> trust = {};
  std::optional<core::PeerId> source_id = {};
};

class Node final : private agent::Agent::Events {
public:
  // Listens at once; `why_not` instead of an expectation that it can.
  static std::unique_ptr<Node> source (
      NodeOptions options = {}, std::string *why_not = nullptr);
  // Begins to look for a parent at once.
  static std::unique_ptr<Node> peer (
      const Node &source, NodeOptions options = {});
  static std::unique_ptr<Node> peer (
      const rtsp::Uri &uri, NodeOptions options = {});
  // The same, but waits for subscribe().
  static std::unique_ptr<Node> idle_peer (
      const rtsp::Uri &uri, NodeOptions options = {});
  ~Node ();

  // What an application does.
  void subscribe ();
  void leave ();
  bool leave_and_wait ();
  void set_children_max (unsigned children_max);
  void set_upload_bps (std::uint64_t upload_bps);
  // `done` comes on the control thread.
  bool survey (std::uint32_t depth, std::uint32_t peers_max,
      std::vector<core::PeerId> path, agent::SurveyDone done);

  // What happens to a host.
  void crash ();  // gone, without a word
  void freeze (); // there, but moves no packet any more

  // The source's side.
  void publish_burst ();
  void publish_bursts (unsigned count);
  // Bursts until stop_publishing().
  void start_publishing (Clock::duration interval = 10ms);
  void stop_publishing ();

  // What is going on.
  [[nodiscard]] std::uint16_t port () const { return port_; }
  [[nodiscard]] core::PeerId id () const { return id_; }
  [[nodiscard]] rtsp::Uri uri () const;   // spreadit://
  [[nodiscard]] std::string url () const; // rtsp://, for players
  [[nodiscard]] agent::NodeStats stats () const;
  [[nodiscard]] core::PeerState state () const;
  [[nodiscard]] bool is_receiving () const;
  [[nodiscard]] std::string parent_address () const;
  [[nodiscard]] bool is_child_of (const Node &parent) const;
  [[nodiscard]] std::string sdp () const;

  // What was told.
  [[nodiscard]] std::vector<std::string> events () const;
  [[nodiscard]] unsigned count (const std::string &event) const;
  [[nodiscard]] std::vector<core::action::Fail> fails () const;
  [[nodiscard]] std::string fail_detail () const; // of the last one

  // What came, or was published.
  [[nodiscard]] Record record () const;
  [[nodiscard]] std::size_t packets () const;
  [[nodiscard]] bool has_all (const std::vector<Datagram> &packets) const;
  // What is wrong with what `other` got of our stream.
  [[nodiscard]] std::string faults_of (const Node &other) const;
  // Publishes a burst more and waits until `other` has it.
  [[nodiscard]] bool reaches (const Node &other);

private:
  explicit Node (NodeOptions options, rtsp::Uri uri);
  std::string open (bool as_source);
  void pump ();
  void stop_pump ();
  void add_event (std::string event);

  void on_state (core::PeerState old, core::PeerState now) override;
  void on_parent_changed (const core::Contact &parent, unsigned level) override;
  void on_child_added (const core::Contact &child) override;
  void on_child_removed (const core::Contact &child, bool failed) override;
  void on_reach_changed (
      core::Reach reachable, const core::Contact &parent) override;
  void on_description (const std::string &sdp) override;
  void on_fail (
      const core::action::Fail &why, const std::string &detail) override;
  void on_ended () override;
  void on_left () override;

  const NodeOptions options_;
  const rtsp::Uri uri_;
  core::PeerId id_;
  std::uint16_t port_ = 0;
  std::shared_ptr<media::DataPath> data_;
  std::unique_ptr<agent::Agent> agent_; // control thread only
  std::thread pump_;

  mutable std::mutex lock_; // guards what follows
  core::PeerState state_ = core::PeerState::idle;
  std::string parent_address_, sdp_;
  std::vector<std::string> events_;
  std::vector<core::action::Fail> fails_;
  std::string fail_detail_;
  Record record_;
  Generator generator_;

  std::thread publisher_;
  bool publishing_ = false;
  std::condition_variable publishing_signal_;
};

rtsp::Uri uri_of (const std::string &host, std::uint16_t port,
    const std::string &path = "/live",
    rtsp::Scheme scheme = rtsp::Scheme::spreadit);

// A chain below `source`, which has room for one: each is the child of the one
// before and receives.
std::vector<std::unique_ptr<Node>> chain (
    const Node &source, std::size_t length, NodeOptions options = {});

} // namespace spreadit::test
