#!/usr/bin/env python3
# The HTTP of a live small tree: what docs/openapi.yaml says is what comes, what
# is wrong is said, and whoever floods it or does not read costs nothing.
#
#   api_test.py RELAY OPENAPI.YAML
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import json
import os
import signal
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from nodes import (END_SECONDS, HOST, Relay, Site, Tree, check, end,
                   eventually, free_port, program, skip, walk)

try:
    import jsonschema
    import websocket
    import yaml
    from prometheus_client.parser import text_string_to_metric_families
except ImportError as missing:
    skip(f"{missing.name} is not installed")

with open(sys.argv[2], encoding="utf-8") as file:
    OPENAPI = yaml.safe_load(file)


# Of a stream that is encoded on the way: a sanitizer takes three times as long.
VIEWER_SECONDS = 60 if "quarantine" in os.environ.get("ASAN_OPTIONS", "") else 20


def json_schema(node):
    """OpenAPI 3.0 has a word of its own for null."""
    if isinstance(node, list):
        return [json_schema(one) for one in node]
    if not isinstance(node, dict):
        return node
    node = {key: json_schema(value) for key, value in node.items()}
    if node.pop("nullable", False):
        node["type"] = [node["type"], "null"]
    return node


def is_as_said(what, value, schema):
    whole = {"$ref": f"#/components/schemas/{schema}",
             "components": json_schema(OPENAPI["components"])}
    errors = list(jsonschema.Draft4Validator(whole).iter_errors(value))
    check(f"{what} is a {schema} of openapi.yaml", not errors,
          "\n".join(f"{list(error.path)}: {error.message}"
                    for error in errors[:5]))


def schema_of(path, status):
    answer = OPENAPI["paths"][path]["get"]["responses"][str(status)]
    if "$ref" in answer:
        return "Error"
    return answer["content"]["application/json"]["schema"]["$ref"].split(
        "/")[-1]


def answers(tree):
    for path in ("/healthz", "/api/v1/node", "/api/v1/tree"):
        status, headers, body = tree.site.get(path)
        check(f"{path} answers", status == 200 and
              headers["Content-Type"] == "application/json" and
              headers["Cache-Control"] == "no-store" and
              "Access-Control-Allow-Origin" not in headers,
              f"{status} {headers} {body}")
        is_as_said(path, json.loads(body), schema_of(path, 200))
    node = tree.site.json("/api/v1/node")["streams"][0]
    told = list(walk(tree.site.tree()))
    check("the whole tree is told of", len(told) == 7 and
          told[0][0]["id"] == node["id"] and
          {peer["address"] for peer, _ in told[1:]} == set(tree.peers))
    check("each peer by itself", all(
        peer["packets-received"] > 0 and not peer["stale"] and
        peer["level"] == (parent["level"] + 1)
        for peer, parent in told[1:]))
    middle = tree.site.tree(depth=1)
    check("to a depth", [len(one["children"]) for one in
                         middle["children"]] == [0, 0] and
          middle["subtree"]["peers"] == 7)
    deep = next((peer, parent) for peer, parent in told
                if peer["level"] == 2)
    branch = tree.site.tree(**{"from": f"{deep[1]['id']}/{deep[0]['id']}"})
    check("a branch of it", branch["id"] == deep[0]["id"] and
          branch["level"] == 2)
    for path, kind in (("/", "text/html"), ("/page.js", "text/javascript"),
                       ("/style.css", "text/css"), ("/icon.svg", "image/svg")):
        status, headers, body = tree.site.get(path)
        check(f"{path} is there", status == 200 and body and
              headers["Content-Type"].startswith(kind) and
              "default-src 'none'" in headers["Content-Security-Policy"] and
              "unsafe" not in headers["Content-Security-Policy"])


def aggregates(tree):
    """How the stream fares everywhere, without asking anybody."""
    def whole():
        told = tree.site.json("/api/v1/node")["streams"][0]["subtree"]
        return told["measured"] == 6 and "worst-delay-ms" in told and told
    told = eventually(whole)
    check("each peer but the source tells how it fares", told and
          0 <= told["mean-lost-fraction"] <= told["worst-lost-fraction"] <= 1
          and 0 < told["mean-delay-ms"] <= told["worst-delay-ms"],
          tree.site.json("/api/v1/node")["streams"][0]["subtree"])
    # The tree may be of a moment before: who asks soon after another is told the
    # same.
    def one_by_one():
        return [peer for peer, parent in walk(tree.site.tree()) if parent]
    check("as in the tree", told and eventually(lambda: all(
        (peer["subtree"]["measured"] > 0) == bool(peer["children"])
        for peer in one_by_one())), one_by_one())
    families = {one.name: one.samples[0].value for one in
                text_string_to_metric_families(tree.site.get("/metrics")[2])
                if one.name.startswith("spreadit_tree_")}
    check("and for Prometheus", set(families) == {
        "spreadit_tree_" + name for name in (
            "peers", "levels", "free_slots", "measured_peers",
            "lost_ratio_max", "lost_ratio_mean", "delay_max_seconds",
            "delay_mean_seconds")} and families[
                "spreadit_tree_measured_peers"] == 6 and 0 < families[
                    "spreadit_tree_delay_mean_seconds"] < 20, families)


def refusals(tree):
    site = tree.site
    nobody = "0" * 31 + "1"
    for path, expected in (
            ("/nothing", 404), ("/api/v1/", 404), ("/../tools/main.cpp", 404),
            ("/org/spreadit/page/page.js", 404),
            ("/api/v1/tree?depth=65", 400), ("/api/v1/tree?depth=-1", 400),
            ("/api/v1/tree?depth=", 400), ("/api/v1/tree?depth=1x", 400),
            ("/api/v1/tree?depht=1", 400), ("/api/v1/tree?peers=0", 400),
            ("/api/v1/tree?peers=5001", 400),
            ("/api/v1/tree?peers=99999999999999999999", 400),
            ("/api/v1/tree?from=me", 400),
            (f"/api/v1/tree?from={'/'.join([nobody] * 65)}", 400),
            (f"/api/v1/tree?from={nobody}", 404),
            ("/api/v1/tree?stream=spreadit://elsewhere/live", 404),
            ("/api/v1/node?x=1", 400), ("/metrics?x=1", 400),
            ("/api/v1/events", 426), ("/watch?stream=x", 404),
            (f"/healthz?{'x' * 5000}", 414)):
        status, headers, body = site.get(path)
        good = check(f"{path[:60]} is {expected}", status == expected and
                     headers["Content-Type"] == "application/json",
                     f"{status} {body}")
        if good:
            is_as_said("it", json.loads(body), "Error")
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"):
        status, headers, body = site.get("/api/v1/node", method)
        check(f"{method} is 405", status == 405 and
              headers["Allow"] == "GET, HEAD", f"{status} {body}")
    status, _headers, _body = site.get("/healthz", "GET", body="x=1")
    check("a body is 413", status == 413)
    status, _headers, body = site.get("/healthz", "HEAD")
    check("HEAD is a GET without its body", status == 200 and not body)
    for host, expected in (
            ("evil.example", 403), (f"evil.example:{site.port}", 403),
            ("127.0.0.1.evil.example", 403), ("127.0.0.1@evil", 403),
            ("", 403), ("10.0.0.1", 403),
            ("localhost", 200), ("LOCALHOST:1", 200), ("[::1]:80", 200),
            (f"127.0.0.1:{site.port}", 200), ("127.0.0.2", 200)):
        status, _headers, _body = site.get("/healthz", headers={"Host": host})
        check(f"Host: {host} is {expected}", status == expected)
    for origin, expected in (("http://evil.example", 403), ("null", 403),
                             (f"https://{site.netloc}", 403),
                             (f"http://{site.netloc}", 200)):
        status, _headers, _body = site.get("/api/v1/node",
                                           headers={"Origin": origin})
        check(f"Origin: {origin} is {expected}", status == expected)


def prometheus(tree):
    status, headers, body = tree.site.get("/metrics")
    check("/metrics is text", status == 200 and headers["Content-Type"] ==
          "text/plain; version=0.0.4; charset=utf-8")
    families = {one.name: one for one in text_string_to_metric_families(body)}
    check("each has its help and type", families and all(
        one.documentation and one.type in ("counter", "gauge")
        for one in families.values()))
    check("counters say so, and nothing else does", all(
        ("_total" in sample.name) == (one.type == "counter")
        for one in families.values() for sample in one.samples))
    check("base units", not any(
        word in name for name in families
        for word in ("_ms", "milli", "kb", "bits")))
    peers = families["spreadit_tree_peers"].samples[0]
    check("they are of the stream", peers.value == 7 and
          peers.labels == {"stream": tree.uri}, peers)
    state = {sample.labels["state"]: sample.value
             for sample in families["spreadit_state"].samples}
    check("one state it is in", state["source"] == 1 and
          sum(state.values()) == 1)


def listen(tree, **options):
    return websocket.create_connection(
        f"ws://{tree.site.netloc}/api/v1/events", timeout=20, **options)


def events(tree):
    schemas = {kind: one["$ref"].split("/")[-1] for kind, one in
               OPENAPI["paths"]["/api/v1/events"]["get"]["x-messages"].items()}
    feed = listen(tree, origin=f"http://{tree.site.netloc}")
    first = json.loads(feed.recv())
    is_as_said("the first event", first, schemas["tree"])
    check("it is the whole tree", first["type"] == "tree" and
          len(first["peers"]) == 7)
    # An inner peer goes without a word; who is below it moves.
    victim = next(peer for peer in first["peers"]
                  if peer["feeds"] and peer["level"] == 1)
    orphans = {peer["id"] for peer in first["peers"]
               if peer["parent"] == victim["id"]}
    tree.peers.pop(victim["address"]).kill()
    began = time.monotonic()
    moved, gone, at_once = {}, False, None
    while time.monotonic() - began < 20 and (
            not gone or not orphans <= moved.keys()):
        message = json.loads(feed.recv())
        is_new = message["type"] not in ("tree",)
        if is_new and message["type"] in schemas:
            is_as_said("an event", message, schemas.pop(message["type"]))
        if message["type"] == "moved" and at_once is None:
            at_once = message["what"]
        if message["type"] == "update":
            gone = gone or victim["id"] in message["gone"]
            for move in message["moves"]:
                moved[move["id"]] = move["to"]
    check("a killed peer goes", gone)
    check("its children move", orphans and orphans <= moved.keys() and
          all(moved[one] not in ("", victim["id"]) for one in orphans), moved)
    check("what happens at the node is told at once", at_once, at_once)
    feed.close()
    tree.add_peer()
    for origin in ("http://evil.example", f"https://{tree.site.netloc}"):
        try:
            listen(tree, origin=origin).close()
            check(f"a page of {origin} may not listen", False)
        except websocket.WebSocketBadStatusException as error:
            check(f"a page of {origin} may not listen",
                  error.status_code == 403, error)
    refused = websocket.create_connection(
        f"ws://{tree.site.netloc}/api/v1/events?depth=x", timeout=20)
    opcode, _data = refused.recv_data()
    check("a wrong question ends it", opcode == websocket.ABNF.OPCODE_CLOSE)


def one_that_freezes(tree):
    eventually(tree.is_complete)
    leaf = next(peer for peer, _ in walk(tree.site.tree())
                if peer["level"] and not peer["feeds"])
    frozen = tree.peers.pop(leaf["address"])
    frozen.kill(signal.SIGSTOP)
    began = time.monotonic()
    told = {peer["id"]: peer for peer, _ in walk(tree.site.tree(peers=998))}
    took = time.monotonic() - began
    check("who does not answer is shown as its parent knows it",
          leaf["id"] in told and told[leaf["id"]]["stale"] and
          not any(peer["stale"] for peer in told.values()
                  if peer["id"] != leaf["id"]),
          json.dumps(told.get(leaf["id"])))
    check("and waited for no longer than said", took < 5, took)
    frozen.kill()
    tree.add_peer()


def floods(tree):
    site = tree.site
    before = tree.source.resident_kib()
    idle = [site.raw() for _ in range(300)]
    check("300 that say nothing keep nobody out",
          site.get("/healthz")[0] == 200)
    connections = int(next(
        line for line in site.get("/metrics")[2].split("\n")
        if line.startswith("spreadit_http_connections ")).split()[1])
    check("connections are bounded", connections <= 256, connections)
    for one in idle:
        one.close()

    endless = site.raw()
    endless.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
    sent = 0
    try:
        while sent < 64 << 20:
            sent += endless.send(b"x" * 65536)
    except OSError:
        pass
    check("an endless header is cut off", sent < 64 << 20, sent)
    body = site.raw()
    body.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\n"
                 b"Content-Length: 1000000000\r\n\r\n")
    sent = 0
    try:
        while sent < 64 << 20:
            sent += body.send(b"x" * 65536)
    except OSError:
        pass
    check("so is an endless body, or it is not kept",
          tree.source.resident_kib() - before < 40_000,
          f"{before} {tree.source.resident_kib()}")
    for garbage in (b"\0" * 1000, b"GET\r\n\r\n", b"\x16\x03\x01" * 40,
                    b"GET / HTTP/9.9\r\n\r\n", b"GET  / HTTP/1.1\r\n\r\n"):
        with site.raw() as one:
            one.sendall(garbage)
            one.shutdown(socket.SHUT_WR)
            while one.recv(4096):
                pass
    check("garbage is answered or hung up on", site.get("/healthz")[0] == 200)

    # Many who ask for the tree at once are one question.
    results = []

    def ask():
        results.append(site.get("/api/v1/tree")[0])
    threads = [threading.Thread(target=ask) for _ in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    check("60 at once get the tree", results == [200] * 60, results)


def many_questions(tree):
    """Each another one, so that none is answered with what another was."""
    answers = []

    def ask(peers):
        status, _headers, body = tree.site.get(f"/api/v1/tree?peers={peers}")
        answers.append((status, body))
    threads = [threading.Thread(target=ask, args=(100 + number,))
               for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    good = [json.loads(body)["tree"] for status, body in answers
            if status == 200]
    check("some get the tree, the others are told to ask again",
          len(answers) == 40 and len(good) >= 10 and all(
              status in (200, 503) for status, _body in answers),
          [status for status, _body in answers])
    check("and nobody in it is taken for one that does not answer", not any(
        peer["stale"] for one in good for peer, _ in walk(one)))


def slow_listeners(tree):
    """They take the first message and no more."""
    site = tree.site
    slow = []
    for _ in range(32):
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.connect((HOST, site.port))
        one.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n"
                    b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
                    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                    b"Sec-WebSocket-Version: 13\r\n\r\n")
        slow.append(one)

    def listeners():
        return int(next(line for line in site.get("/metrics")[2].split("\n")
                        if line.startswith("spreadit_http_listeners ")
                        ).split()[1])
    check("32 may listen", eventually(lambda: listeners() == 32), listeners())
    late = listen(tree)
    opcode, _data = late.recv_data()
    check("one more may not", opcode == websocket.ABNF.OPCODE_CLOSE)
    before = tree.source.resident_kib()
    # Bounded by their sockets: 7 peers are 5 kB a second.
    check("who does not read is hung up on",
          eventually(lambda: listeners() < 32, 120), listeners())
    grown = tree.source.resident_kib() - before
    check("nothing grows meanwhile", grown < 20_000, grown)
    for one in slow:
        one.close()
    check("and the places are free again",
          eventually(lambda: listeners() == 0), listeners())


def viewers(tree):
    site = tree.site
    watching = []
    for _ in range(3):
        one = site.raw()
        one.sendall(b"GET /watch HTTP/1.1\r\nHost: localhost\r\n\r\n")
        watching.append(one)
    heads = []
    for one in watching:
        data = b""
        while len(data) < 60_000:
            piece = one.recv(65536)
            if not piece:
                break
            data += piece
        heads.append(data)
    check("viewers get what a browser plays", all(
        b"200 OK" in data and b'video/mp4; codecs="avc1.' in data and
        b"ftyp" in data[:1000] and data.count(b"moof") > 1
        for data in heads), heads[0][:300])
    def leaves():
        return [peer for peer, _ in walk(site.tree()) if not peer["address"]]
    check("together they are one child of the tree",
          eventually(lambda: len(leaves()) == 1, 5), leaves())
    for one in watching:
        one.close()
    check("which leaves when nobody watches",
          eventually(lambda: not leaves(), 30), leaves())


def slow_viewers(tree):
    """Sixteen that do not read, and one that does."""
    site = tree.site

    def metric(name):
        return int(next(line for line in site.get("/metrics")[2].split("\n")
                        if line.startswith(name + " ")).split()[1])

    def watch(buffer):
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        one.settimeout(20)
        one.connect((HOST, site.port))
        one.sendall(b"GET /watch HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return one
    slow = [watch(4096) for _ in range(15)]
    reader = watch(1 << 20)
    check("16 may watch", eventually(
        lambda: metric("spreadit_http_viewers") == 16, 20),
        metric("spreadit_http_viewers"))
    status, _headers, body = site.get("/watch")
    check("one more may not", status == 503 and "16" in body, body)
    before = tree.source.resident_kib()
    got = [0]

    def read():
        try:
            while piece := reader.recv(1 << 20):
                got[0] += len(piece)
        except OSError:
            pass
    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    check("who does not read is hung up on", eventually(
        lambda: metric("spreadit_http_viewers") <= 1, 120),
        metric("spreadit_http_viewers"))
    so_far = got[0]
    check("the one that reads gets the stream all the while",
          so_far > 500_000 and eventually(
              lambda: got[0] > so_far + 100_000, VIEWER_SECONDS), f"{so_far} {got[0]}")
    grown = tree.source.resident_kib() - before
    check("nothing grows meanwhile", grown < 40_000, grown)
    for one in slow:
        one.close()
    reader.shutdown(socket.SHUT_RDWR)
    reading.join(10)
    reader.close()


def leaving(tree):
    feed = listen(tree)
    feed.recv()
    tree.source.process.send_signal(signal.SIGTERM)
    status = tree.source.process.wait(END_SECONDS + 10)
    check("the node leaves with pages open", status == 0, status)


def several_streams(relay):
    """Two streams of one process, one of which a peer has not found."""
    ports = [free_port(), free_port()]
    uris = [f"spreadit://{HOST}:{port}/live" for port in ports]
    with Relay(relay, "--http=localhost:0", *uris) as node:
        site = Site(node.line(r"^http: (http://\S+)").group(1))
        health = site.json("/healthz")
        check("it looks for two streams", health == {
            "status": "looking", "streams": 2, "without-stream": 2}, health)
        check("both are told of", [one["uri"] for one in site.json(
            "/api/v1/node")["streams"]] == uris)
        status, _headers, body = site.get("/api/v1/tree")
        check("which one has to be said", status == 400 and
              "stream=" in body, body)
        tree = site.tree(stream=uris[1])
        check("then there is a tree, of itself alone",
              tree["state"] == "discovering" and tree["children"] == [])
        status, _headers, body = site.get(f"/watch?stream={uris[0]}")
        check("and nothing to watch", status == 503, body)


def where_it_cannot_listen(relay):
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]
        for address, why in (
                (str(port), "the port is in use; end what uses it or give "
                 "another"),
                ("192.0.2.1:80", "Error binding to address 192.0.2.1:80: "
                 "Cannot assign requested address")):
            with Relay(relay, f"--http={address}",
                       f"spreadit://{HOST}:{free_port()}/live") as node:
                status = node.process.wait(END_SECONDS)
                eventually(lambda: node.errors, 5)
                shown = (f"{HOST}:{port}" if address == str(port)
                         else address)
                check(f"{why[:20]}... is said", status == 1 and node.errors ==
                      [f"gst-spreadit-relay: cannot serve HTTP at {shown}: "
                       + why], node.errors)


with Tree(program(), 6) as small:
    for part in (answers, aggregates, prometheus, refusals, events, one_that_freezes,
                 viewers, floods, many_questions, slow_listeners,
                 slow_viewers, leaving):
        print(f"--- {part.__name__}", flush=True)
        part(small)
several_streams(program())
where_it_cannot_listen(program())
end()
