// SPDX-License-Identifier: LGPL-2.1-or-later
#include "managed.hpp"

#include <memory>

namespace spreadit::test {

struct Managed::Told {
  std::mutex lock;
  std::map<std::string, unsigned> counts;
  std::function<void (const std::string &)> what;
};

namespace {

std::string
text_of (bool done, GError *error)
{
  const Owned<GError> owned (error);
  if (done)
    return {};
  return error ? error->message : "no error set";
}

} // namespace

Managed::Managed (const std::string &uri)
    : manager (gst_spreadit_peering_manager_new ()),
      told_ (std::make_shared<Told> ())
{
  g_object_set (
      manager, "uri", uri.c_str (), "listen-address", "127.0.0.1:0", nullptr);
  for (const char *signal :
      {"parent-changed", "child-added", "child-removed", "state-changed",
          "reach-changed", "media-changed", "unavailable", "ended", "left"})
    watch (signal);
}

Managed::~Managed ()
{
  stop_pulling ();
  if (manager) {
    gst_spreadit_peering_manager_close (manager);
    gst_object_unref (manager);
  }
}

// The handler takes any arguments: it has a marshaller of its own.
void
Managed::watch (const char *signal)
{
  struct Watch {
    std::shared_ptr<Told> told;
    std::string name;
  };
  const auto marshal = [] (GClosure *closure, GValue *, guint, const GValue *,
                           gpointer, gpointer) {
    const Watch watch = *static_cast<Watch *> (closure->data);
    std::function<void (const std::string &)> what;
    {
      const std::lock_guard guard (watch.told->lock);
      ++watch.told->counts[watch.name];
      what = watch.told->what;
    }
    if (what)
      what (watch.name);
    ring_bell ();
  };
  auto *data = new Watch{told_, signal};
  GClosure *closure = g_closure_new_simple (sizeof (GClosure), data);
  g_closure_set_marshal (closure, marshal);
  g_closure_add_finalize_notifier (closure, data,
      [] (gpointer it, GClosure *) { delete static_cast<Watch *> (it); });
  g_signal_connect_closure (manager, signal, closure, FALSE);
}

void
Managed::on_signal (std::function<void (const std::string &)> what)
{
  const std::lock_guard guard (told_->lock);
  told_->what = std::move (what);
}

std::string
Managed::publish ()
{
  GError *error = nullptr;
  g_object_set (manager, "listen-address", nullptr, nullptr);
  if (!gst_spreadit_peering_manager_publish (manager, &error))
    return text_of (false, error);
  const bool done =
      gst_spreadit_peering_manager_set_sdp (manager, stream_sdp, &error);
  return text_of (done, error);
}

std::string
Managed::get_stream ()
{
  GError *error = nullptr;
  const bool done = gst_spreadit_peering_manager_get_stream (manager, &error);
  return text_of (done, error);
}

void
Managed::start_pulling ()
{
  pulling_ = true;
  puller_ = std::thread ([this, mine = manager] {
    while (pulling_) {
      const Owned<GstBufferList> list (
          gst_spreadit_peering_manager_pull (mine));
      if (!list)
        break;
      pulled_ += gst_buffer_list_length (list.get ());
      ring_bell ();
    }
  });
}

void
Managed::stop_pulling ()
{
  if (!puller_.joinable ())
    return;
  pulling_ = false;
  gst_spreadit_peering_manager_set_flushing (manager, TRUE);
  puller_.join ();
  gst_spreadit_peering_manager_set_flushing (manager, FALSE);
}

void
Managed::fan_out_burst ()
{
  const auto list = to_list (generator_.next_burst ());
  gst_spreadit_peering_manager_fan_out (manager, list.get ());
}

guint
Managed::port () const
{
  guint port = 0;
  g_object_get (manager, "port", &port, nullptr);
  return port;
}

GstSpreaditPeerState
Managed::state () const
{
  GstSpreaditPeerState state;
  g_object_get (manager, "state", &state, nullptr);
  return state;
}

bool
Managed::is_receiving () const
{
  return state () == GST_SPREADIT_PEER_STATE_RECEIVING;
}

std::string
Managed::uri () const
{
  return "spreadit://127.0.0.1:" + std::to_string (port ()) + "/live";
}

unsigned
Managed::told (const std::string &signal) const
{
  const std::lock_guard guard (told_->lock);
  const auto it = told_->counts.find (signal);
  return it == told_->counts.end () ? 0 : it->second;
}

} // namespace spreadit::test
