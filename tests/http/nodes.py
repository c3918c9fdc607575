# A small tree of gst-spreadit-relay on the loopback, and what its HTTP says.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "common"))
from ports import HOST, free_port  # noqa: E402

START_SECONDS = 30
END_SECONDS = 10

failures = []


def check(what, condition, details=""):
    print(f"{'ok' if condition else 'FAILED'}: {what}", flush=True)
    if not condition:
        failures.append(what)
        print(details, flush=True)
    return condition


def end():
    sys.exit(1 if failures else 0)


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def eventually(condition, seconds=START_SECONDS):
    """The condition's value once it is true, or its last one."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > deadline:
            return value
        time.sleep(0.05)


class Relay:
    """One gst-spreadit-relay; killed when the block ends."""

    def __init__(self, program, *arguments):
        self.lines, self.errors = [], []
        self.process = subprocess.Popen(
            [program, *arguments], stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for stream, kept in ((self.process.stdout, self.lines),
                             (self.process.stderr, self.errors)):
            threading.Thread(target=self._read, args=(stream, kept),
                             daemon=True).start()

    @staticmethod
    def _read(stream, kept):
        for line in stream:
            kept.append(line.rstrip("\n"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def kill(self, number=signal.SIGKILL):
        if self.process.poll() is None:
            self.process.send_signal(number)
            if number != signal.SIGSTOP:
                self.process.wait()

    def line(self, pattern, seconds=START_SECONDS):
        def search():
            return next(filter(None, (re.search(pattern, line)
                                      for line in list(self.lines))), None)
        return eventually(lambda: search() or self.process.poll(), seconds
                          ) and search()

    def resident_kib(self):
        with open(f"/proc/{self.process.pid}/status",
                  encoding="ascii") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))


class Site:
    """A node's HTTP."""

    def __init__(self, url):
        self.url = url.rstrip("/")
        self.netloc = urllib.parse.urlsplit(url).netloc
        self.port = int(self.netloc.rsplit(":", 1)[1])

    def get(self, path, method="GET", body=None, headers=None):
        """Status, headers and body."""
        connection = http.client.HTTPConnection(self.netloc, timeout=20)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()

    def json(self, path):
        status, _headers, body = self.get(path)
        value = json.loads(body)
        if status != 200:
            raise RuntimeError(f"{path}: {status} {value}")
        return value

    def tree(self, **query):
        return self.json("/api/v1/tree?" +
                         urllib.parse.urlencode(query))["tree"]

    def raw(self):
        return socket.create_connection((HOST, self.port), timeout=20)


def walk(peer, parent=None):
    """Pairs of a peer and its parent, from the top."""
    yield peer, parent
    for child in peer["children"]:
        yield from walk(child, peer)


class Tree:
    """A source that serves HTTP and peers below it, by their addresses."""

    def __init__(self, program, peers, max_children=2, publish="test",
                 peer_children=2):
        self.program = program
        self.port = free_port()
        self.uri = f"spreadit://{HOST}:{self.port}/live"
        self.peer_children = peer_children
        self.peers = {}
        self.source = Relay(
            program, f"--publish={publish}", "--http=0",
            f"--max-children={max_children}", self.uri)
        found = self.source.line(r"^http: (http://\S+)")
        if not found:
            raise RuntimeError(f"no HTTP: {self.source.errors}")
        self.site = Site(found.group(1))
        if not self.source.line(r"publishing"):
            raise RuntimeError(f"no source: {self.source.errors}")
        self.folder = tempfile.TemporaryDirectory(prefix="spreadit-http-")
        for _ in range(peers):
            self.add_peer()
        if not eventually(self.is_complete, START_SECONDS + peers):
            raise RuntimeError(f"not everybody receives: {self.absent()}")

    def add_peer(self, *arguments):
        # Its port says in the tree which process it is.
        port = free_port()
        self.peers[f"{HOST}:{port}"] = Relay(
            self.program, f"--listen={HOST}:{port}", "--quiet",
            f"--max-children={self.peer_children}", *arguments, self.uri)
        return f"{HOST}:{port}"

    def is_complete(self):
        try:
            return not self.absent()
        except RuntimeError:
            return False

    def absent(self):
        """Peers that are not told of as receiving, and what they said."""
        receiving = {peer["address"] for peer, _ in walk(self.site.tree())
                     if peer["state"] == "receiving" and not peer["stale"]}
        return {address: (relay.process.poll(), relay.errors)
                for address, relay in self.peers.items()
                if address not in receiving}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for relay in [*self.peers.values(), self.source]:
            relay.kill()
        self.folder.cleanup()


def program():
    return os.path.abspath(sys.argv[1])
