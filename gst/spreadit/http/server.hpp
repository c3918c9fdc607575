// The sockets of the HTTP server: who may connect, how long, with what request.
// What is answered is not decided here.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>

#include "http/address.hpp"
#include "http/object.hpp"
#include "http/reply.hpp"

namespace spreadit::http {

using Query = std::map<std::string, std::string, std::less<>>;

// One GET that is to be answered, now or later, once.
class Asked {
public:
  using Take = std::function<Object<GSocket> (SoupServerMessage *)>;
  Asked (SoupServerMessage *message, std::string path, Query query, Take take);

  [[nodiscard]] const std::string &path () const { return path_; }
  [[nodiscard]] const Query &query () const { return query_; }

  void answer (const Reply &reply) const;
  // Instead of an answer: the connection, to write to as one likes. Nothing if
  // it is gone. What ends it is up to who takes it.
  struct Connection {
    Object<GSocket> socket;
    Object<GIOStream> stream; // has it open
  };
  [[nodiscard]] Connection take_connection () const;
  [[nodiscard]] bool is_head () const;

private:
  // Of the connection a message came on; it may be gone before the answer.
  std::shared_ptr<SoupServerMessage> message_;
  std::string path_;
  Query query_;
  Take take_;
};

// All of it in the main context of the thread that opens it.
class Server {
public:
  struct Handlers {
    std::function<void (Asked)> get;
    // A WebSocket at websocket_path, from a page of ours or a program.
    std::function<void (SoupWebsocketConnection *, GSocket *, Query)> listen;
  };
  static constexpr const char *websocket_path = "/api/v1/events";

  // Why not, if it cannot listen there.
  static std::variant<std::unique_ptr<Server>, std::string> open (
      const Address &address, Handlers handlers);
  ~Server ();
  Server (const Server &) = delete;
  Server &operator= (const Server &) = delete;

  [[nodiscard]] const Address &address () const; // with the port it got
  [[nodiscard]] std::size_t connections () const;

private:
  struct Impl;
  explicit Server (std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

} // namespace spreadit::http
