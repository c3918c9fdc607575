#!/usr/bin/env python3
# http-address of the elements, in gst-launch-1.0: the node of a pipeline serves
# what gst-spreadit-relay --http does; what is in the way is said; and who does
# not ask for it has no libsoup in the process.
#
#   elements_test.py LIBSOUP-2-STUB
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from nodes import (END_SECONDS, HOST, START_SECONDS, Relay, Site, check, end,
                   eventually, free_port, skip)  # noqa: E402
import sanitizer  # noqa: E402

try:
    import websocket
except ImportError as missing:
    skip(f"{missing.name} is not installed")

PICTURES = ("videotestsrc is-live=true ! video/x-raw,framerate=25/1 ! x264enc "
            "tune=zerolatency key-int-max=25 ! h264parse ! s. ")
LAUNCH = "gst-launch-1.0"


def launch(description):
    return Relay(LAUNCH, *description.split())


def source(uri, address):
    return launch(f"spreaditsink name=s uri={uri} http-address={address} " +
                  PICTURES)


def peer(uri, *properties):
    return launch(f"spreaditsrc uri={uri} {' '.join(properties)} ! "
                  "fakesink async=false")


def has_libsoup(relay):
    with open(f"/proc/{relay.process.pid}/maps", encoding="utf-8") as file:
        return "libsoup" in file.read()


def node(site):
    """Of the one stream; nothing before there is one."""
    try:
        streams = site.json("/api/v1/node")["streams"]
    except OSError:
        return None
    return streams[0] if streams else None


def is_in(site, state):
    return eventually(lambda: (node(site) or {}).get("state") == state)


def ends(relay):
    """As gst-launch-1.0 does on Ctrl-C."""
    relay.process.send_signal(signal.SIGINT)
    return relay.process.wait(START_SECONDS)


def both_ends_of_a_stream():
    uri = f"spreadit://{HOST}:{free_port()}/live"
    above, below = (Site(f"http://{HOST}:{free_port()}") for _ in range(2))
    with source(uri, above.netloc) as top:
        check("a sink serves", is_in(above, "source"), top.lines + top.errors)
        for path in ("/", "/page.js", "/metrics", "/api/v1/tree", "/healthz"):
            status, _headers, body = above.get(path)
            check(f"{path} is there", status == 200 and body, body[:200])
        feed = websocket.create_connection(
            f"ws://{above.netloc}/api/v1/events", timeout=START_SECONDS)
        check("and tells of its tree",
              json.loads(feed.recv())["type"] == "tree")
        with peer(uri, f"http-address={below.port}") as viewer:
            check("a source element serves", is_in(below, "receiving"),
                  viewer.lines + viewer.errors)
            check("and knows its place", node(below)["level"] == 1)
            check("what uses it has libsoup", has_libsoup(viewer))
            moved = None
            while not moved:
                message = json.loads(feed.recv())
                moved = message["what"] if message["type"] == "moved" else None
            check("what moves is told at once", moved.startswith("feeding "),
                  moved)
            check("the tree has both", eventually(lambda: len(
                above.tree()["children"]) == 1), above.tree())
            with peer(uri) as other:
                check("who does not ask for it",
                      eventually(lambda: node(above)["subtree"]["peers"] == 3))
                check("has no libsoup", not has_libsoup(other))
            watching = below.raw()
            watching.sendall(b"GET /watch HTTP/1.1\r\nHost: localhost\r\n\r\n")
            data = b""
            while len(data) < 30_000 and (piece := watching.recv(65536)):
                data += piece
            check("the stream can be watched at it",
                  b"video/mp4" in data and b"moof" in data, data[:300])
            check("it ends with viewers", ends(viewer) == 0,
                  viewer.lines + viewer.errors)
            watching.close()
        check("and with a WebSocket open", ends(top) == 0,
              top.lines + top.errors)
        check("which is closed", eventually(lambda: is_closed(feed)))


def is_closed(feed):
    try:
        return feed.recv() == ""
    except websocket.WebSocketException:
        return True


def any_port():
    uri = f"spreadit://{HOST}:{free_port()}/live"
    with launch(f"-m spreaditsink name=s uri={uri} http-address=0 " +
                PICTURES) as top:
        found = top.line(r"spreadit-http, url=\(string\)(http://[^/]+/)")
        check("the port it got is told", found, top.lines + top.errors)
        if found:
            check("and right", is_in(Site(found.group(1)), "source"))


def says(what, address, expected, **environment):
    """gst-launch-1.0 fails, with one error that has the words."""
    uri = f"spreadit://{HOST}:{free_port()}/live"
    done = subprocess.run(
        [LAUNCH, "spreaditsrc", f"uri={uri}", f"http-address={address}", "!",
         "fakesink"], env={**os.environ, **environment}, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=START_SECONDS + END_SECONDS)
    check(what, done.returncode == 255 and all(
        one in done.stdout for one in expected) and
        "ERROR: from element" in done.stdout, f"{done.returncode} {done.stdout}")


def what_is_in_the_way():
    says("an address that is none", "here:there",
         ["http-address is 'here:there'", "127.0.0.1:8080"])
    with socket.create_server((HOST, 0)) as other:
        address = f"{HOST}:{other.getsockname()[1]}"
        says("a port in use", address,
             [f"cannot serve HTTP at {address}", "give another"])
    with tempfile.TemporaryDirectory(prefix="spreadit-http-") as folder:
        says("no module", "0", ["cannot serve HTTP", "libspreadit-http.so",
                                "install", "leave http-address unset"],
             GST_SPREADIT_MODULE_PATH=folder)
        broken = os.path.join(folder, "libspreadit-http.so")
        os.symlink(sys.argv[1], broken)
        says("another module", "0",
             [f"{broken} is of another version", "install both"],
             GST_SPREADIT_MODULE_PATH=folder)
    preload = os.environ.get("LD_PRELOAD", "")
    says("libsoup 2", "0", ["libsoup 2", "gst-spreadit-relay --http"],
         LD_PRELOAD=f"{preload}:{sys.argv[1]}".strip(":"))


if why := sanitizer.why_not():
    skip(why)
# gst-launch-1.0 and nothing of ours is started here.
os.environ.update(sanitizer.environment())
for part in (both_ends_of_a_stream, any_port, what_is_in_the_way):
    print(f"--- {part.__name__}", flush=True)
    part()
end()
