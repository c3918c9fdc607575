// Begins, ends, reports.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "manager/application_session.hpp"

#include <chrono>
#include <utility>
#include <variant>

#include "agent/control_loop.hpp"
#include "agent/own_address.hpp"
#include "agent/stats.hpp"
#include "agent/tree_query.hpp"
#include "manager/failure.hpp"

namespace spreadit::manager {

void
ApplicationSession::change (const std::function<void (Wishes &)> &how) noexcept
{
  {
    const std::lock_guard guard (lock_);
    how (wishes_);
  }
  apply_wishes ();
}

Wishes
ApplicationSession::wishes () noexcept
{
  const std::lock_guard guard (lock_);
  return wishes_;
}

ApplicationSession::Facts
ApplicationSession::facts () noexcept
{
  const std::lock_guard guard (lock_);
  return facts_;
}

bool
ApplicationSession::start (bool as_source, GError **error) noexcept
{
  bool done = false;
  Remains remains;
  agent::ControlLoop::get ().call (
      [&] { done = start_now (as_source, &remains, error); });
  bury (std::move (remains));
  return done;
}

bool
ApplicationSession::start_now (bool as_source, Remains *remains, GError **error)
{
  {
    const std::lock_guard guard (lock_);
    if (!over_) {
      g_set_error_literal (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_BUSY,
          "already started; leave or close first");
      return false;
    }
  }
  *remains = stop_now ();
  const Wishes now = wishes ();
  agent::Settings settings;
  if (!read_settings (now, as_source, &settings, error))
    return false;

  media::DataPath::Config config;
  config.local = agent::data_address (settings.listen, as_source);
  config.ring_duration = std::chrono::milliseconds (now.ring_duration_ms);
  config.repair_share = now.repair_share / 100.0;
  const auto path = std::make_shared<media::DataPath> (config);
  if (const auto why = path->open (); !why.empty ()) {
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ_WRITE,
        "cannot open a UDP port: %s", why.c_str ());
    return false;
  }
  agent::Agent::Events &events = *this;
  const auto fresh = std::make_shared<agent::Agent> (settings, events, path);
  if (const auto why = fresh->listen (); !why.empty ()) {
    g_set_error_literal (
        error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_BUSY, why.c_str ());
    return false;
  }
  {
    const std::lock_guard guard (lock_);
    data_ = path;
    is_source_ = as_source;
    if (!as_source)
      path->unblock (flushing_);
    facts_.id = settings.core.id;
    facts_.sdp.clear ();
    facts_.port = fresh->stats ().port;
    over_ = false;
  }
  uri_ = settings.uri;
  node_ = fresh;
  if (as_source)
    service_ = std::thread ([path] {
      while (GstBufferList *list = path->receive ())
        gst_buffer_list_unref (list);
    });
  // Reports begin here, and a handler of them may end it all.
  if (as_source)
    fresh->become_source ();
  else
    fresh->subscribe ();
  return true;
}

ApplicationSession::Remains
ApplicationSession::stop_now ()
{
  Remains remains{std::move (node_), std::move (service_)};
  if (remains.node)
    remains.node->stop ();
  const std::lock_guard guard (lock_);
  if (data_)
    data_->unblock (true);
  data_.reset ();
  is_source_ = false;
  facts_.id = {}; // the SDP may still be read
  facts_.state = GST_SPREADIT_PEER_STATE_IDLE;
  facts_.port = 0;
  over_ = true;
  over_signal_.notify_all ();
  return remains;
}

void
ApplicationSession::bury (Remains remains)
{
  auto &loop = agent::ControlLoop::get ();
  const bool is_there = loop.is_current ();
  // The thread has been told to end and waits for nobody.
  if (remains.service.joinable ())
    remains.service.join ();
  if (!remains.node)
    return;
  if (is_there)
    loop.post ([node = std::move (remains.node)] {});
  else
    loop.call ([&] { remains.node.reset (); });
}

bool
ApplicationSession::set_description (const char *text, GError **error) noexcept
{
  auto parsed = agent::parse_description (text ? text : "");
  if (const auto *why = std::get_if<std::string> (&parsed))
    return set_settings_error (error, *why);
  bool done = false;
  agent::ControlLoop::get ().call ([&] {
    const auto source = node_; // a handler of a report may close us
    if (!source || !is_source_)
      return;
    source->set_description (std::move (std::get<agent::Description> (parsed)));
    done = true;
  });
  return done || set_settings_error (error, "publish first");
}

void
ApplicationSession::leave () noexcept
{
  agent::ControlLoop::get ().call ([this] {
    {
      const std::lock_guard guard (lock_);
      if (over_)
        return;
    }
    // A handler of the report may close us.
    if (const auto leaver = node_)
      leaver->unsubscribe ();
  });
}

bool
ApplicationSession::wait_left (GstClockTime timeout) noexcept
{
  if (agent::ControlLoop::get ().is_current ())
    return false;
  std::unique_lock guard (lock_);
  return over_signal_.wait_for (guard,
      std::chrono::nanoseconds (MIN (timeout, 3600 * GST_SECOND)),
      [this] { return over_; });
}

void
ApplicationSession::close () noexcept
{
  Remains remains;
  agent::ControlLoop::get ().call ([&] { remains = stop_now (); });
  bury (std::move (remains));
}

Owned<GstStructure>
ApplicationSession::stats () noexcept
{
  Owned<GstStructure> result;
  agent::ControlLoop::get ().call ([&] {
    result = agent::to_structure (node_ ? node_->stats () : agent::NodeStats{},
        node_ ? rtsp::to_string (uri_) : std::string ());
  });
  return result;
}

void
ApplicationSession::query_tree (Owned<GTask> task, const std::string &path,
    guint depth, guint max_peers) noexcept
{
  agent::ControlLoop::get ().call ([&] {
    const auto asked = node_; // the answer may come at once, and close us
    agent::query_tree (asked.get (), std::move (task), path, depth, max_peers);
  });
}

std::shared_ptr<media::DataPath>
ApplicationSession::data_path () noexcept
{
  const std::lock_guard guard (lock_);
  return data_;
}

std::shared_ptr<media::DataPath>
ApplicationSession::data_to_receive () noexcept
{
  const std::lock_guard guard (lock_);
  return is_source_ ? nullptr : data_;
}

void
ApplicationSession::set_flushing (bool on) noexcept
{
  const std::lock_guard guard (lock_);
  flushing_ = on;
  // A source's own service thread is not for others to stop.
  if (data_ && !is_source_)
    data_->unblock (on);
}

void
ApplicationSession::apply_wishes ()
{
  agent::ControlLoop::get ().call ([this] {
    const auto changed = node_; // a handler of a report may close us
    if (!changed)
      return;
    const Wishes now = wishes ();
    changed->set_children_max (manager::children_max (now));
    changed->set_upload_bps (now.upload_bandwidth);
    changed->set_add_policy (
        to_core (static_cast<GstSpreaditAddPolicy> (now.add_policy)));
    changed->set_second_add_policy (
        to_core (static_cast<GstSpreaditAddPolicy> (now.second_add_policy)));
    changed->set_delete_policy (
        to_core (static_cast<GstSpreaditDeletePolicy> (now.delete_policy)));
    changed->set_proximity (
        to_agent (static_cast<GstSpreaditProximity> (now.proximity)));
  });
}

void
ApplicationSession::set_over (bool now)
{
  const std::lock_guard guard (lock_);
  over_ = now;
  if (over_)
    over_signal_.notify_all ();
}

void
ApplicationSession::on_state (core::PeerState old, core::PeerState now)
{
  const auto state = static_cast<GstSpreaditPeerState> (now);
  {
    const std::lock_guard guard (lock_);
    facts_.state = state;
  }
  reports_.state_changed (static_cast<GstSpreaditPeerState> (old), state);
}

void
ApplicationSession::on_parent_changed (
    const core::Contact &parent, unsigned level)
{
  reports_.parent_changed (parent, level);
}

void
ApplicationSession::on_child_added (const core::Contact &child)
{
  reports_.child_added (child);
}

void
ApplicationSession::on_child_removed (const core::Contact &child, bool failed)
{
  reports_.child_removed (child, failed);
}

void
ApplicationSession::on_reach_changed (
    core::Reach reachable, const core::Contact &parent)
{
  reports_.reach_changed (reachable == core::Reach::yes, parent);
}

void
ApplicationSession::on_description (const std::string &text)
{
  {
    const std::lock_guard guard (lock_);
    facts_.sdp = text;
  }
  reports_.media_changed (text);
}

void
ApplicationSession::on_fail (
    const core::action::Fail &why, const std::string &detail)
{
  const auto error = to_error (why, uri_, detail);
  set_over (true);
  reports_.unavailable (error.get ());
}

void
ApplicationSession::on_ended ()
{
  reports_.ended ();
}

void
ApplicationSession::on_left ()
{
  set_over (true);
  reports_.left ();
}

} // namespace spreadit::manager
