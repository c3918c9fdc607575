// What is to happen later, in the main context of the thread that asks for it
// (g_main_context_push_thread_default(); the process's own if it pushed none).
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include <glib.h>

namespace spreadit::http {

struct DestroySource {
  void operator() (GSource *source) const noexcept
  {
    g_source_destroy (source); // unref alone would leave it live
    g_source_unref (source);
  }
};
using Source = std::unique_ptr<GSource, DestroySource>;

struct UnrefContext {
  void operator() (GMainContext *context) const noexcept
  {
    g_main_context_unref (context);
  }
};
using Context = std::unique_ptr<GMainContext, UnrefContext>;

inline Context
own_context ()
{
  return Context (g_main_context_ref_thread_default ());
}

// Again and again until it is destroyed or says G_SOURCE_REMOVE.
inline Source
add_timeout (
    unsigned ms, GSourceFunc what, gpointer data, GDestroyNotify drop = nullptr)
{
  Source source (g_timeout_source_new (ms));
  g_source_set_callback (source.get (), what, data, drop);
  g_source_attach (source.get (), own_context ().get ());
  return source;
}

// Once, soon, in `context`; any thread. Where that comes to its end first,
// `drop` is all that happens.
inline void
post (GMainContext *context, GSourceFunc what, gpointer data,
    GDestroyNotify drop = nullptr)
{
  GSource *source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, what, data, drop);
  g_source_attach (source, context);
  g_source_unref (source);
}

} // namespace spreadit::http
