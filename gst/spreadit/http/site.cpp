// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http/site.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "http/events.hpp"
#include "http/limits.hpp"
#include "http/metrics.hpp"
#include "http/server.hpp"
#include "http/tree.hpp"
#include "http/watch.hpp"
#include "http/json.hpp"

extern "C" { // what glib-compile-resources writes is C
#include "page-resources.h"
}

namespace spreadit::http {

namespace {

// A JSON object of the members that `build` adds.
template <class Build>
Reply
object (const Build &build)
{
  const Owned<JsonBuilder> builder (json_builder_new ());
  json_builder_begin_object (builder.get ());
  build (builder.get ());
  json_builder_end_object (builder.get ());
  return {200, "application/json", to_text (builder.get ()) + "\n"};
}

// A whole number in the query, or `otherwise`; nothing if it is none, or none
// within the bounds.
std::optional<unsigned>
number (const Query &query, std::string_view name, unsigned min, unsigned max,
    unsigned otherwise)
{
  const auto it = query.find (name);
  if (it == query.end ())
    return otherwise;
  unsigned value = 0;
  const char *end = it->second.data () + it->second.size ();
  const auto [stop, error] = std::from_chars (it->second.data (), end, value);
  if (error != std::errc () || stop != end || value < min || value > max)
    return std::nullopt;
  return value;
}

std::string
text (const Query &query, std::string_view name)
{
  const auto it = query.find (name);
  return it == query.end () ? "" : it->second;
}

Reply
bad_number (std::string_view name, unsigned min, unsigned max)
{
  return refuse (400, std::string (name) + " is a whole number from " +
                          std::to_string (min) + " to " + std::to_string (max));
}

// A name that is not known is a mistake, and not one to be passed over.
std::optional<Reply>
check_names (const Query &query, std::initializer_list<std::string_view> known)
{
  for (const auto &[name, value] : query)
    if (std::find (known.begin (), known.end (), name) == known.end ()) {
      std::string all;
      for (const auto one : known)
        all.append (all.empty () ? "" : ", ").append (one);
      return refuse (400,
          "no such parameter: " + name.substr (0, 40) +
              (all.empty () ? "; there are none here" : "; there are " + all));
    }
  return std::nullopt;
}

} // namespace

struct Site::Impl {
  Streams streams;
  std::unique_ptr<Server> server;
  TreeDesk trees;
  std::optional<Events> events;
  std::optional<Watch> shows;

  ~Impl ()
  {
    // Its answers go through the server.
    shows.reset ();
    events.reset ();
    server.reset ();
  }

  std::string open (const Address &address);
  void get (const Asked &asked);
  void tree (const Asked &asked);
  void watch (const Asked &asked);
  void listen (
      SoupWebsocketConnection *connection, GSocket *socket, const Query &query);
  std::variant<Stream, Reply> find (const Query &query) const;
  std::optional<Reply> file (const std::string &path) const;
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
      add_structure (builder, stats.get ());
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
  load.viewers = shows->viewers ();
  load.listeners = events->listeners ();
  return {200, "text/plain; version=0.0.4; charset=utf-8",
      metrics (borrowed, load)};
}

// The stream that is asked about. One that is alone need not be named.
std::variant<Stream, Reply>
Site::Impl::find (const Query &query) const
{
  const auto all = streams ();
  const std::string uri = text (query, "stream");
  for (const Stream &stream : all)
    if (uri == stream.uri || (uri.empty () && all.size () == 1))
      return stream;
  if (all.empty ())
    return refuse (503, "every stream here is over");
  if (uri.empty ())
    return refuse (400, "there are several streams here; name one of "
                        "/api/v1/node with stream=URI");
  return refuse (404, "no such stream here; /api/v1/node has them");
}

void
Site::Impl::tree (const Asked &asked)
{
  const Query &query = asked.query ();
  if (auto wrong = check_names (query, {"stream", "from", "depth", "peers"})) {
    asked.answer (*wrong);
    return;
  }
  const auto found = find (query);
  if (const auto *refusal = std::get_if<Reply> (&found)) {
    asked.answer (*refusal);
    return;
  }
  const auto depth =
      number (query, "depth", 0, limits::depth_max, limits::depth_max);
  const auto peers =
      number (query, "peers", 1, limits::peers_max, limits::peers_default);
  if (!depth || !peers) {
    asked.answer (!depth ? bad_number ("depth", 0, limits::depth_max)
                         : bad_number ("peers", 1, limits::peers_max));
    return;
  }
  const Stream &stream = std::get<Stream> (found);
  trees.ask (stream.uri, stream.manager, {text (query, "from"), *depth, *peers},
      false,
      [asked, uri = stream.uri] (
          const std::shared_ptr<const GstStructure> &tree,
          const Reply &problem) {
        if (!tree) {
          asked.answer (problem);
          return;
        }
        asked.answer (object ([&] (JsonBuilder *builder) {
          json_builder_set_member_name (builder, "stream");
          json_builder_add_string_value (builder, uri.c_str ());
          json_builder_set_member_name (builder, "time");
          json_builder_add_int_value (builder, g_get_real_time ());
          json_builder_set_member_name (builder, "tree");
          add_structure (builder, tree.get ());
        }));
      });
}

void
Site::Impl::watch (const Asked &asked)
{
  if (auto wrong = check_names (asked.query (), {"stream"})) {
    asked.answer (*wrong);
    return;
  }
  const auto found = find (asked.query ());
  if (const auto *refusal = std::get_if<Reply> (&found))
    asked.answer (*refusal);
  else
    shows->add (std::get<Stream> (found), asked);
}

// The page is a resource of the program.
std::optional<Reply>
Site::Impl::file (const std::string &path) const
{
  struct Type {
    std::string_view suffix;
    const char *type;
  };
  static constexpr std::array types{
      Type{".html", "text/html; charset=utf-8"},
      Type{".js", "text/javascript; charset=utf-8"},
      Type{".css", "text/css; charset=utf-8"},
      Type{".svg", "image/svg+xml"},
  };
  const std::string name = path == "/" ? "/index.html" : path;
  const auto *type = std::find_if (types.begin (), types.end (),
      [&] (const Type &one) { return name.ends_with (one.suffix); });
  if (type == types.end ())
    return std::nullopt;
  GBytes *bytes = g_resource_lookup_data (spreadit_page_get_resource (),
      ("/org/spreadit/page" + name).c_str (), G_RESOURCE_LOOKUP_FLAGS_NONE,
      nullptr);
  if (!bytes)
    return std::nullopt;
  gsize size = 0;
  const auto *data =
      static_cast<const char *> (g_bytes_get_data (bytes, &size));
  Reply reply{200, type->type, std::string (data, size)};
  g_bytes_unref (bytes);
  return reply;
}

// A WebSocket has no status to refuse with; the reason of its end says why.
void
Site::Impl::listen (
    SoupWebsocketConnection *connection, GSocket *socket, const Query &query)
{
  const auto wrong = check_names (query, {"stream", "from", "depth", "peers"});
  const auto found = find (query);
  const auto depth =
      number (query, "depth", 0, limits::depth_max, limits::depth_max);
  const auto peers = number (
      query, "peers", 1, limits::told_peers_max, limits::told_peers_default);
  if (wrong || !depth || !peers || std::holds_alternative<Reply> (found)) {
    soup_websocket_connection_close (connection,
        SOUP_WEBSOCKET_CLOSE_POLICY_VIOLATION,
        "ask for stream, from, depth, peers as of /api/v1/tree");
    return;
  }
  events->add (connection, socket, std::get<Stream> (found).uri,
      {text (query, "from"), *depth, *peers});
}

void
Site::Impl::get (const Asked &asked)
{
  const std::string &path = asked.path ();
  if (path == "/api/v1/tree") {
    tree (asked);
    return;
  }
  if (path == "/watch") {
    watch (asked);
    return;
  }
  if (auto wrong = check_names (asked.query (), {})) {
    asked.answer (*wrong);
    return;
  }
  if (const auto page = file (path)) {
    asked.answer (*page);
    return;
  }
  if (path == Server::websocket_path) {
    asked.answer (refuse (426, "this is for a WebSocket"));
    return;
  }
  if (path == "/healthz")
    asked.answer (health ());
  else if (path == "/metrics")
    asked.answer (prometheus ());
  else if (path == "/api/v1/node")
    asked.answer (node ());
  else
    asked.answer (
        refuse (404, "nothing here; there are /, /api/v1/node, /api/v1/tree, "
                     "/api/v1/events, /watch, /metrics and /healthz"));
}

std::string
Site::Impl::open (const Address &address)
{
  auto opened = Server::open (address,
      {[this] (const Asked &asked) { get (asked); },
          [this] (SoupWebsocketConnection *connection, GSocket *socket,
              const Query &query) { listen (connection, socket, query); }});
  if (auto *why = std::get_if<std::string> (&opened))
    return std::move (*why);
  server = std::get<std::unique_ptr<Server>> (std::move (opened));
  shows.emplace ();
  events.emplace (trees, [this] (const std::string &uri) {
    for (const Stream &stream : streams ())
      if (stream.uri == uri)
        return std::optional (stream);
    return std::optional<Stream> ();
  });
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
Site::moved (const std::string &uri, const std::string &what)
{
  impl_->events->moved (uri, what);
}

} // namespace spreadit::http
