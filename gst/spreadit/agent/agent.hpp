// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/control_loop.hpp"
#include "agent/dial_back.hpp"
#include "agent/description.hpp"
#include "agent/farewell.hpp"
#include "agent/identity.hpp"
#include "agent/limits.hpp"
#include "agent/link.hpp"
#include "agent/listener.hpp"
#include "agent/peer_route.hpp"
#include "agent/reception_window.hpp"
#include "agent/route_probe.hpp"
#include "agent/standby.hpp"
#include "agent/survey.hpp"
#include "core/peer.hpp"
#include "media/data_path.hpp"
#include "rtsp/uri.hpp"

namespace spreadit::agent {

// How long somebody may hold a connection and do nothing with it.
struct Patience {
  core::Duration unused = limits::unused_connection_max;    // became no child
  core::Duration reserve = core::limits::plain_reserve_max; // does not play
  std::chrono::seconds session = limits::session_timeout;   // plays, is silent
};

// How a node finds out where in the network it is, for the policies that go by
// it (V-A.3).
enum class Proximity {
  none,
  rtt,        // the round trip to the source
  traceroute, // that, and the routers on the way
};

struct Settings {
  rtsp::Uri uri; // the stream: the source's host, port and path
  // Where to listen; none: nobody can ask us.
  std::optional<rtsp::HostPort> listen;
  std::string advertise;        // "host:port" for others; empty: found out
  core::Config core;            // its `address` is set by the agent
  std::uint64_t upload_bps = 0; // 0: unknown, children_max holds
  bool standby = true; // keep a link to whom we ask when the parent fails
  // With TLS: who we are, and how the source is known: by an id that somebody
  // has told us, or by who vouches for its name.
  std::shared_ptr<const Identity> identity; // core.id is its id
  std::optional<core::PeerId> source_id;
  std::shared_ptr<const Trust> trust;
  Patience patience;
  Proximity proximity = Proximity::traceroute;
};

struct NodeStats {
  core::PeerState state = core::PeerState::idle;
  core::Contact self;
  std::optional<core::Contact> parent;
  unsigned level = 0;
  core::RootPath root_path;
  core::Subtree subtree;
  core::Quality quality;                        // of the subtree
  core::Reach reachable = core::Reach::unknown; // our address, from outside
  struct Child {
    core::ChildInfo info;
    std::optional<core::Duration> round_trip;
    bool is_over_tcp = false;
    media::ChildStats data;
  };
  bool is_parent_over_tcp = false;
  std::string standby; // address; empty: no link is ready
  std::vector<Child> children;
  media::DataStats data;
  std::uint64_t control_bytes_in = 0, control_bytes_out = 0;
  std::optional<core::Duration> discover, first_packet;
  unsigned switches = 0;
  core::Duration transience_last{}, transience_max{}, transience_total{};
  std::optional<core::NetworkPath> path; // nothing: not measured (yet)
  core::AddPolicyKind add_policy{}, second_add_policy{};
  core::DeletePolicyKind delete_policy{};
  std::uint16_t port = 0;
};

// The I/O around one core::Peer: obeys its actions, tells it what happens.
// Decides nothing. Control thread only.
class Agent final : private Listener::Stream {
public:
  // Called from within the agent's work; the verbs below and stop() may be
  // called from there, destroying the agent may not.
  struct Events {
    virtual void on_state (core::PeerState old, core::PeerState now) = 0;
    virtual void on_parent_changed (
        const core::Contact &parent, unsigned level) = 0;
    virtual void on_child_added (const core::Contact &child) = 0;
    virtual void on_child_removed (const core::Contact &child, bool failed) = 0;
    // As `parent` found out; never unknown.
    virtual void on_reach_changed (
        core::Reach reachable, const core::Contact &parent) = 0;
    virtual void on_description (const std::string &sdp) = 0;
    // `detail`: why nobody could be connected to, in the system's words, or
    // what was not right about who answered; may be empty.
    virtual void on_fail (
        const core::action::Fail &why, const std::string &detail) = 0;
    virtual void on_ended () = 0;
    virtual void on_left () = 0;

  protected:
    ~Events () = default;
  };

  Agent (Settings settings, Events &events,
      std::shared_ptr<media::DataPath> data_path);
  ~Agent ();
  Agent (const Agent &) = delete;
  Agent &operator= (const Agent &) = delete;

  // Opens the listening port, if any. Empty, or one line that says why not.
  std::string listen ();
  // Hangs up on everybody at once. Nothing is reported any more, and nothing
  // but stats() and the end of this object may follow.
  void stop ();

  void become_source ();
  // The source's SDP; joins are answered from now on.
  void set_description (Description description);
  void subscribe ();
  void unsubscribe ();
  void set_children_max (unsigned children_max);
  void set_upload_bps (std::uint64_t upload_bps);
  void set_add_policy (core::AddPolicyKind kind);
  void set_second_add_policy (core::AddPolicyKind kind);
  void set_delete_policy (core::DeletePolicyKind kind);
  void set_proximity (Proximity proximity); // from the next connection on

  // Asks the tree below for what it knows, at most so many levels and peers, of
  // whoever is at the end of `path` (ids of children, from here down). `done`
  // is called once, within rtsp::limits::survey_wait_max, perhaps at once; not
  // if the agent is stopped before. False: too many questions are open.
  bool survey (std::uint32_t depth, std::uint32_t peers_max,
      std::vector<core::PeerId> path, SurveyDone done);

  [[nodiscard]] NodeStats stats () const;
  [[nodiscard]] const std::string &sdp () const { return description_.text; }

private:
  friend struct Link;
  using Verb = std::function<void (core::Peer &, core::Instant)>;

  // The run loop: one mutation, drain, arm the timer.
  void act (Verb verb);
  void tell_round_trip (core::LinkId id, core::Duration round_trip);
  void perform (const core::action::Connect &action);
  void perform (const core::action::Send &action);
  void perform (const core::action::Close &action);
  void perform (const core::action::StartFeeding &action);
  void perform (const core::action::StopFeeding &action);
  void perform (const core::action::ReceiveFrom &action);
  void perform (const core::action::Report &action);
  void perform (const core::action::Fail &action);
  void perform (const core::action::DialBack &action);
  void report (const core::action::Report::State &what);
  void report (const core::action::Report::ParentChanged &what);
  void report (const core::action::Report::ChildAdded &what);
  void report (const core::action::Report::ChildRemoved &what);
  void report (const core::action::Report::ReachChanged &what);
  void report (const core::action::Report::Ended &what);
  void report (const core::action::Report::Left &what);
  void on_timer ();
  void arm ();
  void await_packet ();
  void poll_data ();
  void measure_stream ();
  void measure_rate (core::Instant now, std::uint64_t bytes);
  void apply_capacity ();

  // Links (agent_links.cpp).
  Link *find (core::LinkId id);
  void part_with (Link &link);
  void on_farewell_over ();
  void drop (Link &link); // no more of it; the core knows or is told after
  void on_unit (Link &link, rtsp::Unit unit);
  void on_broken (Link &link, Connection::Break how, const std::string &why);
  void give_up (Link &link, const std::string &why);
  void send_request (Link &link, rtsp::Request request, Outstanding::Kind kind,
      std::optional<std::uint64_t> survey = std::nullopt);
  void send_answer (
      Link &link, const rtsp::Request &request, rtsp::Response response);
  void expire_links ();
  [[nodiscard]] core::Instant deadline (
      const Link &link, std::optional<media::DataStats> &data) const;
  bool make_room () override;
  enum class Seen { by_parent, by_child };
  void learn_address (const Connection &connection, Seen by);

  // Asking (agent_asking.cpp).
  void connect (core::LinkId id, const core::Contact &target);
  bool connect_by_standby (Link &link);
  void open_connection (Link &link);
  std::shared_ptr<Connection> adopt (
      GSocketConnection *connection, const core::Contact &target) const;
  bool connect_anew (Link &link);
  void on_connected (core::LinkId id, GSocketConnection *connection,
      const std::string &why_not);
  void ask (Link &link, const core::message::Subscribe &subscribe);
  void on_answer (Link &link, const rtsp::Response &response);
  void on_describe_answer (Link &link, const rtsp::Response &response);
  void on_setup_answer (Link &link, const rtsp::Response &response);
  void on_play_answer (Link &link, const rtsp::Response &response);
  void answered (Link &link, core::Message message);
  void refuse_answer (Link &link, const std::string &why);
  void adopt_description (Description description);

  // Where we are (agent_proximity.cpp).
  void locate (GSocketConnection *connection, const Link &link);
  void on_located (core::NetworkPath path);

  // Whether others can connect to our children (agent_dialing.cpp).
  [[nodiscard]] bool may_dial (const DialBack::Question &question);
  void begin_dials ();
  void dialed_back (
      core::LinkId id, const core::Contact &peer, core::Reach reach);

  // Over UDP or TCP (agent_transport.cpp).
  [[nodiscard]] static Lowers lowers_of (const Link &link);
  [[nodiscard]] std::vector<rtsp::Transport> offers (Link &link) const;
  void receive (Link &link);
  void turn_to_tcp ();
  void ask_for_tcp (Link &link);
  void on_tcp_setup_answer (Link &link, const rtsp::Response &response);
  void on_tcp_play_answer (Link &link, const rtsp::Response &response);
  void learn_from_first_packet (const Link &link);
  void on_other_transport (Link &link, const rtsp::Request &request);
  rtsp::Response other_setup (Link &link, const rtsp::Request &request);
  rtsp::Response other_play (Link &link, const rtsp::Request &request);
  [[nodiscard]] rtsp::Transport transport_of (
      const Link &link, const media::Route &route) const;

  // Serving (agent_serving.cpp).
  void on_incoming (
      std::shared_ptr<Connection> connection, rtsp::Request first) override;
  void on_request (Link &link, rtsp::Request request);
  void on_frame (Link &link, const rtsp::Interleaved &frame);
  void on_flight (Link &link);
  void give_verdict (Link &link, core::Message verdict);
  void answer_by_verdict (Link &link, const rtsp::Request &request);
  void answer_redirected (Link &link, const rtsp::Request &request);
  void answer_accepted (Link &link, const rtsp::Request &request);
  void refuse_flight (Link &link, const rtsp::Reason &reason);
  void on_session_request (Link &link, const rtsp::Request &request);
  [[nodiscard]] std::string data_source (const Link &link) const;
  void start_feeding_when_ready (Link &link);

  // The tree on demand (agent_survey.cpp).
  void on_survey (
      Link &link, const rtsp::Request &request, rtsp::Survey survey);
  void on_surveyed (
      Link &link, const rtsp::Request &request, rtsp::Surveyed surveyed);
  void on_survey_answer (
      Link &link, std::uint64_t token, const rtsp::Response &response);
  void begin_survey (rtsp::Survey survey,
      std::optional<SurveyQuestion::Asker> asker, SurveyDone done);
  void ask_children (SurveyQuestion &question, const rtsp::Survey &survey,
      const NodeStats &stats);
  void ask_child (SurveyQuestion &question, const NodeStats::Child &child,
      rtsp::Survey survey, std::uint32_t peers_max, unsigned level);
  void forget_in_surveys (core::LinkId id);
  void finish_surveys ();
  void answer_survey (SurveyQuestion &question);

  // Serving plain players (agent_players.cpp).
  void on_player_request (Link &link, rtsp::Request request);
  void admit_player (Link &link, rtsp::Request request);
  [[nodiscard]] rtsp::Session session_of (const Link &link) const;
  rtsp::Response player_setup (Link &link, const rtsp::Request &request);
  rtsp::Response player_play (Link &link, const rtsp::Request &request);
  rtsp::Response player_pause (Link &link);

  Settings settings_;
  Events &events_;
  std::shared_ptr<media::DataPath> data_path_;
  core::Peer peer_;
  std::shared_ptr<Listener> listener_;
  unsigned address_worth_ = 0; // of the one we found out
  Description description_;

  std::deque<Verb> verbs_;
  bool busy_ = false;
  bool stopped_ = false;
  Farewell farewell_{[this] { on_farewell_over (); }};
  // What the core does not know of the last fault of that kind.
  struct Fault {
    core::FailReason reason{};
    std::string detail;
  };
  Fault fault_;
  Standby standby_{
      [this] (GSocketConnection *connection, const core::Contact &target) {
        return adopt (connection, target);
      }};
  bool left_ = false; // and to be reported when the farewell is over
  Owned<GSource> timer_;
  std::map<core::LinkId, std::unique_ptr<Link>> links_;
  // Dropped while one of their calls may be running; freed from the loop.
  std::vector<std::unique_ptr<Link>> dropped_;
  Owned<GSource> sweep_timer_;
  // Incoming links that are no child (yet): by age.
  std::set<core::LinkId> strangers_;
  Owned<GSource> patience_timer_;
  std::uint64_t next_incoming_ = 1;
  std::map<std::uint64_t, SurveyQuestion> questions_; // by our token
  std::uint64_t next_question_ = 1;
  Owned<GSource> survey_timer_;
  // For callbacks that may come when we are gone.
  std::shared_ptr<Agent *> alive_ = std::make_shared<Agent *> (this);

  struct Dial {
    core::action::DialBack wanted;
    DialBack::Question question;
    std::unique_ptr<DialBack> call; // once it has begun
  };
  std::deque<Dial> dials_; // those that have begun first
  core::Instant next_foreign_dial_{};

  std::unique_ptr<RouteProbe> route_probe_; // while it measures
  std::optional<core::Instant> located_at_; // when it last began

  // Parents in a row that UDP did not get through from, the last one then.
  unsigned udp_failures_ = 0;
  core::Instant udp_failed_at_{};

  // Figures.
  core::PeerState state_ = core::PeerState::idle;
  std::uint64_t dropped_bytes_in_ = 0, dropped_bytes_out_ = 0;
  std::optional<core::Instant> subscribed_at_;
  std::optional<core::Duration> discover_, first_packet_;
  unsigned parents_ = 0;
  // The last packet before the stream went missing.
  std::optional<media::MonotonicTime> missing_since_;
  core::Duration transience_last_{}, transience_max_{}, transience_total_{};
  core::Instant measured_at_{};
  ReceptionWindow reception_;
  core::Instant polled_at_{};
  core::Instant poll_at_ = core::Instant::max ();
  bool awaits_packet_ = false;
  std::uint64_t measured_bytes_ = 0;
  double stream_bps_ = 0;
};

} // namespace spreadit::agent
