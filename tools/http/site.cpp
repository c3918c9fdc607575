// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http/site.hpp"

#include <algorithm>

#include "http/limits.hpp"
#include "http/metrics.hpp"
#include "http/server.hpp"
#include "json.hpp"

namespace spreadit::http {

namespace {

using relay::Owned;

// A JSON object of the members that `build` adds.
template <class Build>
Reply
object (const Build &build)
{
  const Owned<JsonBuilder> builder (json_builder_new ());
  json_builder_begin_object (builder.get ());
  build (builder.get ());
  json_builder_end_object (builder.get ());
  return {200, "application/json", relay::to_text (builder.get ()) + "\n"};
}

} // namespace

struct Site::Impl {
  Streams streams;
  std::unique_ptr<Server> server;

  std::string open (const Address &address);
  void get (const Asked &asked);
  Reply health () const;
  Reply node () const;
  Reply prometheus () const;
  [[nodiscard]] std::vector<Owned<GstStructure>> all_stats () const;
};

std::vector<Owned<GstStructure>>
Site::Impl::all_stats () const
{
  std::vector<Owned<GstStructure>> all;
  for (const Stream &stream : streams ())
    all.emplace_back (gst_spreadit_peering_manager_get_stats (stream.manager));
  return all;
}

// 200 while every stream is there or looked for, so that a supervisor does not
// restart a node that looks for a parent.
Reply
Site::Impl::health () const
{
  unsigned well = 0, looking = 0;
  for (const auto &stats : all_stats ()) {
    const char *state = gst_structure_get_string (stats.get (), "state");
    const bool has_it =
        g_strcmp0 (state, "receiving") == 0 || g_strcmp0 (state, "source") == 0;
    ++(has_it ? well : looking);
  }
  Reply reply = object ([&] (JsonBuilder *builder) {
    json_builder_set_member_name (builder, "status");
    json_builder_add_string_value (builder, well + looking == 0 ? "over"
                                            : looking           ? "looking"
                                                                : "ok");
    json_builder_set_member_name (builder, "streams");
    json_builder_add_int_value (builder, well + looking);
    json_builder_set_member_name (builder, "without-stream");
    json_builder_add_int_value (builder, looking);
  });
  reply.status = well + looking == 0 ? 503 : 200;
  return reply;
}

Reply
Site::Impl::node () const
{
  return object ([&] (JsonBuilder *builder) {
    json_builder_set_member_name (builder, "version");
    json_builder_add_string_value (builder, SPREADIT_VERSION);
    json_builder_set_member_name (builder, "streams");
    json_builder_begin_array (builder);
    for (const auto &stats : all_stats ())
      relay::add_structure (builder, stats.get ());
    json_builder_end_array (builder);
  });
}

Reply
Site::Impl::prometheus () const
{
  const auto all = all_stats ();
  std::vector<const GstStructure *> borrowed;
  for (const auto &stats : all)
    borrowed.push_back (stats.get ());
  Load load;
  load.connections = server->connections ();
  return {200, "text/plain; version=0.0.4; charset=utf-8",
      metrics (borrowed, load)};
}

void
Site::Impl::get (const Asked &asked)
{
  const std::string &path = asked.path ();
  if (path == "/healthz")
    asked.answer (health ());
  else if (path == "/metrics")
    asked.answer (prometheus ());
  else if (path == "/api/v1/node")
    asked.answer (node ());
  else
    asked.answer (
        refuse (404, "nothing here; there are /, /api/v1/node, /api/v1/tree, "
                     "/api/v1/events, /metrics and /healthz"));
}

std::string
Site::Impl::open (const Address &address)
{
  auto opened = Server::open (address,
      {[this] (const Asked &asked) { get (asked); },
          [] (SoupWebsocketConnection *connection, const Query &) {
            soup_websocket_connection_close (connection, 1013, nullptr);
          }});
  if (auto *why = std::get_if<std::string> (&opened))
    return std::move (*why);
  server = std::get<std::unique_ptr<Server>> (std::move (opened));
  return "";
}

Site::Site (std::unique_ptr<Impl> impl) : impl_ (std::move (impl)) {}

Site::~Site () = default;

std::variant<std::unique_ptr<Site>, std::string>
Site::open (const Address &address, Streams streams)
{
  auto impl = std::make_unique<Impl> ();
  impl->streams = std::move (streams);
  if (std::string why = impl->open (address); !why.empty ())
    return why;
  return std::unique_ptr<Site> (new Site (std::move (impl)));
}

std::string
Site::url () const
{
  Address address = impl_->server->address ();
  if (address.host == "0.0.0.0")
    address.host = "127.0.0.1";
  else if (address.host == "::")
    address.host = "::1";
  return "http://" + to_string (address) + "/";
}

void
Site::moved (const std::string &, const std::string &)
{
}

} // namespace spreadit::http
