// SPDX-License-Identifier: LGPL-2.1-or-later
#include "node.hpp"

#include <algorithm>
#include <atomic>

#include <gtest/gtest.h>

#include "agent/control_loop.hpp"
#include "agent/own_address.hpp"

namespace spreadit::test {

namespace {

core::PeerId
new_id ()
{
  static std::atomic<std::uint64_t> last = 0;
  return {0x7e57, ++last};
}

template <class F>
void
on_control_thread (F what)
{
  agent::ControlLoop::get ().call (what);
}

} // namespace

rtsp::Uri
uri_of (const std::string &host, std::uint16_t port, const std::string &path,
    rtsp::Scheme scheme)
{
  return {scheme, host, port, path, {}};
}

Node::Node (NodeOptions options, rtsp::Uri uri)
    : options_ (std::move (options)), uri_ (std::move (uri)),
      id_ (options_.identity ? options_.identity->id () : new_id ()),
      generator_ (static_cast<std::uint32_t> (id_.low))
{
}

std::unique_ptr<Node>
Node::source (NodeOptions options, std::string *why_not)
{
  const auto uri = uri_of (options.host, options.port, options.path,
      options.identity ? rtsp::Scheme::spreadits : rtsp::Scheme::spreadit);
  std::unique_ptr<Node> node (new Node (std::move (options), uri));
  const auto why = node->open (/* as_source */ true);
  if (why_not)
    *why_not = why;
  else
    EXPECT_EQ (why, "");
  return why.empty () ? std::move (node) : nullptr;
}

std::unique_ptr<Node>
Node::peer (const Node &source, NodeOptions options)
{
  options.path = source.uri_.path;
  if (!options.trust && !options.source_id)
    options.source_id = source.id ();
  return peer (source.uri (), std::move (options));
}

std::unique_ptr<Node>
Node::peer (const rtsp::Uri &uri, NodeOptions options)
{
  auto node = idle_peer (uri, std::move (options));
  node->subscribe ();
  return node;
}

std::unique_ptr<Node>
Node::idle_peer (const rtsp::Uri &uri, NodeOptions options)
{
  options.path = uri.path;
  std::unique_ptr<Node> node (new Node (std::move (options), uri));
  EXPECT_EQ (node->open (/* as_source */ false), "");
  return node;
}

Node::~Node ()
{
  stop_publishing ();
  crash ();
}

// The agent lives on the control thread.
std::string
Node::open (bool as_source)
{
  agent::Settings settings;
  settings.uri = uri_;
  if (!options_.host.empty ())
    settings.listen = rtsp::HostPort{options_.host, options_.port};
  media::DataPath::Config config;
  config.local = agent::data_address (settings.listen, as_source);
  data_ = std::make_shared<media::DataPath> (config);
  EXPECT_EQ (data_->open (), "");

  settings.advertise = options_.advertise;
  settings.upload_bps = options_.upload_bps;
  settings.patience = options_.patience;
  settings.proximity = options_.proximity;
  settings.core.id = id_;
  settings.core.seed = id_.low;
  settings.core.children_max = options_.children_max;
  settings.core.tries_max = options_.tries_max;
  settings.core.linger = options_.linger;
  settings.core.delete_policy = options_.delete_policy;
  settings.standby = options_.standby;
  settings.identity = options_.identity;
  settings.source_id = options_.source_id;
  settings.trust = options_.trust;

  std::string why_not;
  on_control_thread ([&] {
    Events &events = *this;
    agent_ = std::make_unique<agent::Agent> (settings, events, data_);
    why_not = agent_->listen ();
    if (!why_not.empty ()) {
      agent_.reset ();
      return;
    }
    port_ = agent_->stats ().port;
    if (!as_source)
      return;
    agent_->become_source ();
    auto description = agent::parse_description (stream_sdp);
    agent_->set_description (
        std::move (std::get<agent::Description> (description)));
  });
  if (why_not.empty ())
    pump_ = std::thread ([this] { pump (); });
  return why_not;
}

void
Node::pump ()
{
  while (GstBufferList *raw = data_->receive ()) {
    const Owned<GstBufferList> list (raw);
    data_->fan_out (list.get ());
    {
      const std::lock_guard guard (lock_);
      for (guint i = 0; i < gst_buffer_list_length (list.get ()); ++i)
        record_.add (bytes_of (gst_buffer_list_get (list.get (), i)));
    }
    ring_bell ();
  }
}

void
Node::stop_pump ()
{
  if (!pump_.joinable ())
    return;
  data_->unblock (true);
  pump_.join ();
}

// Verbs.

void
Node::subscribe ()
{
  on_control_thread ([this] { agent_->subscribe (); });
}

void
Node::leave ()
{
  on_control_thread ([this] { agent_->unsubscribe (); });
}

bool
Node::leave_and_wait ()
{
  leave ();
  return eventually ([this] { return count ("left") > 0; });
}

void
Node::set_children_max (unsigned children_max)
{
  on_control_thread ([&] { agent_->set_children_max (children_max); });
}

void
Node::set_upload_bps (std::uint64_t upload_bps)
{
  on_control_thread ([&] { agent_->set_upload_bps (upload_bps); });
}

bool
Node::survey (std::uint32_t depth, std::uint32_t peers_max,
    std::vector<core::PeerId> path, agent::SurveyDone done)
{
  bool asked = false;
  on_control_thread ([&] {
    asked =
        agent_->survey (depth, peers_max, std::move (path), std::move (done));
  });
  return asked;
}

void
Node::crash ()
{
  stop_pump ();
  on_control_thread ([this] { agent_.reset (); });
}

void
Node::freeze ()
{
  stop_pump ();
}

void
Node::publish_burst ()
{
  const std::lock_guard guard (lock_);
  const auto burst = generator_.next_burst ();
  const auto list = to_list (burst);
  for (const auto &packet : burst)
    record_.add (packet);
  data_->fan_out (list.get ());
}

void
Node::publish_bursts (unsigned count)
{
  while (count-- > 0)
    publish_burst ();
}

void
Node::start_publishing (Clock::duration interval)
{
  publishing_ = true;
  publisher_ = std::thread ([this, interval] {
    auto next = Clock::now ();
    for (;;) {
      publish_burst ();
      next += interval;
      std::unique_lock guard (lock_);
      if (publishing_signal_.wait_until (
              guard, next, [this] { return !publishing_; }))
        return;
    }
  });
}

void
Node::stop_publishing ()
{
  if (!publisher_.joinable ())
    return;
  {
    const std::lock_guard guard (lock_);
    publishing_ = false;
    publishing_signal_.notify_all ();
  }
  publisher_.join ();
}

// What is going on.

rtsp::Uri
Node::uri () const
{
  auto uri = uri_;
  if (uri.port == 0) // the source's own
    uri.port = port_;
  return uri;
}

std::string
Node::url () const
{
  return "rtsp://" + rtsp::join_host_port (options_.host, port_) +
         options_.path;
}

agent::NodeStats
Node::stats () const
{
  agent::NodeStats stats;
  on_control_thread ([&] {
    if (agent_)
      stats = agent_->stats ();
  });
  return stats;
}

core::PeerState
Node::state () const
{
  const std::lock_guard guard (lock_);
  return state_;
}

bool
Node::is_receiving () const
{
  return state () == core::PeerState::receiving;
}

std::string
Node::parent_address () const
{
  const std::lock_guard guard (lock_);
  return parent_address_;
}

bool
Node::is_child_of (const Node &parent) const
{
  const std::lock_guard guard (lock_);
  return state_ == core::PeerState::receiving &&
         parent_address_ ==
             rtsp::join_host_port (parent.options_.host, parent.port_);
}

std::string
Node::sdp () const
{
  const std::lock_guard guard (lock_);
  return sdp_;
}

std::vector<std::string>
Node::events () const
{
  const std::lock_guard guard (lock_);
  return events_;
}

unsigned
Node::count (const std::string &event) const
{
  const std::lock_guard guard (lock_);
  return static_cast<unsigned> (
      std::count (events_.begin (), events_.end (), event));
}

std::vector<core::action::Fail>
Node::fails () const
{
  const std::lock_guard guard (lock_);
  return fails_;
}

std::string
Node::fail_detail () const
{
  const std::lock_guard guard (lock_);
  return fail_detail_;
}

Record
Node::record () const
{
  const std::lock_guard guard (lock_);
  return record_;
}

std::size_t
Node::packets () const
{
  const std::lock_guard guard (lock_);
  return record_.size ();
}

bool
Node::has_all (const std::vector<Datagram> &packets) const
{
  const std::lock_guard guard (lock_);
  return std::all_of (packets.begin (), packets.end (),
      [this] (const auto &packet) { return record_.has (packet); });
}

std::string
Node::faults_of (const Node &other) const
{
  const auto got = other.record (); // first: ours goes on
  return record ().faults (got);
}

bool
Node::reaches (const Node &other)
{
  publish_burst ();
  const auto newest = record ().newest ();
  return eventually ([&] { return other.has_all (newest); });
}

// Events.

void
Node::add_event (std::string event)
{
  {
    const std::lock_guard guard (lock_);
    events_.push_back (std::move (event));
  }
  ring_bell ();
}

void
Node::on_state (core::PeerState, core::PeerState now)
{
  {
    const std::lock_guard guard (lock_);
    state_ = now;
  }
  ring_bell ();
}

void
Node::on_parent_changed (const core::Contact &parent, unsigned)
{
  {
    const std::lock_guard guard (lock_);
    parent_address_ = parent.address;
  }
  add_event ("parent changed");
}

void
Node::on_child_added (const core::Contact &)
{
  add_event ("child added");
}

void
Node::on_child_removed (const core::Contact &, bool failed)
{
  add_event (failed ? "child failed" : "child removed");
}

void
Node::on_reach_changed (core::Reach reachable, const core::Contact &)
{
  add_event (reachable == core::Reach::yes ? "reachable" : "unreachable");
}

void
Node::on_description (const std::string &sdp)
{
  {
    const std::lock_guard guard (lock_);
    sdp_ = sdp;
  }
  add_event ("description");
}

void
Node::on_fail (const core::action::Fail &why, const std::string &detail)
{
  {
    const std::lock_guard guard (lock_);
    fails_.push_back (why);
    fail_detail_ = detail;
  }
  add_event ("failed");
}

void
Node::on_ended ()
{
  add_event ("ended");
}

void
Node::on_left ()
{
  add_event ("left");
}

std::vector<std::unique_ptr<Node>>
chain (const Node &source, std::size_t length, NodeOptions options)
{
  options.children_max = 1;
  std::vector<std::unique_ptr<Node>> nodes;
  const Node *above = &source;
  for (std::size_t i = 0; i < length; ++i) {
    nodes.push_back (Node::peer (source, options));
    const Node &newest = *nodes.back ();
    EXPECT_TRUE (eventually ([&] { return newest.is_child_of (*above); }))
        << "level " << i + 1;
    above = &newest;
  }
  return nodes;
}

} // namespace spreadit::test
