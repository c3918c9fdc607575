# A child of a node by its words: it joins, beats, and answers surveys with a
# tree of as many peers as is wanted, none of which is there. For the page with
# an audience that no one machine has. What it says goes through everything that
# real peers' answers go through.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import random
import re
import socket
import threading
import time

BEAT_SECONDS = 1
JOIN_SECONDS = 20


class Peer:
    def __init__(self, rng, number, level):
        self.id = f"{rng.getrandbits(128):032x}"
        self.address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}:8554"
        self.level = level
        self.children = []
        self.lossy = rng.random() < 0.03
        self.delay_us = 0
        self.began = time.monotonic()

    def size(self):
        return 1 + sum(child.size() for child in self.children)

    def levels(self):
        return 1 + max(child.levels() for child in self.children) \
            if self.children else 0

    def line(self, depth):
        received = int((time.monotonic() - self.began + 60) * 200)
        lost = received // 50 if self.lossy else 0
        return (f"peer: depth={depth}; id={self.id}; address=\"{self.address}\""
                f"; state=receiving; level={self.level}; peers={self.size()}; "
                f"levels={self.levels()}; free={max(0, 4 - len(self.children))}"
                f"; children={len(self.children)}; children-max=4; "
                f"received={received - lost}; lost={lost}; "
                f"bytes-in={received * 1100}; "
                f"bytes-out={received * 1100 * len(self.children)}; "
                f"moves={self.level % 3}; delay-us={self.delay_us}; "
                f"delay-p99-us={self.delay_us * 2}; rtt-us=20000\r\n")


def grow(rng, size, numbers, level):
    """Breadth first, up to four children each; many have none."""
    root = Peer(rng, next(numbers), level)
    row = [root]
    left = size - 1
    while left > 0:
        following = []
        for peer in row:
            wanted = rng.choice((0, 1, 2, 3, 4))
            if peer is row[-1] and not following:
                wanted = 4
            for _ in range(min(left, wanted)):
                child = Peer(rng, next(numbers), peer.level + 1)
                child.delay_us = peer.delay_us + rng.randrange(8000, 40000)
                peer.children.append(child)
                following.append(child)
                left -= 1
        row = following
    return root


class Crowd:
    # What the worst of it tells, deeper than anybody is asked one by one.
    quality = ("lost-worst-ppm=320000;lost-mean-ppm=600;delay-worst-ms=3200;"
               "delay-mean-ms=70")

    def __init__(self, port, size, seed, first_number):
        rng = random.Random(seed)
        self.root = grow(rng, size, iter(range(first_number, 1 << 24)), 1)
        self.url = f"rtsp://127.0.0.1:{port}/live"
        self.session = ""
        deadline = time.monotonic() + JOIN_SECONDS
        while not self._join(port):
            # 503: the source has nothing to give yet.
            if time.monotonic() > deadline:
                raise RuntimeError("the crowd may not join")
            time.sleep(0.1)
        self.socket.settimeout(BEAT_SECONDS / 2)
        self.over = False
        self.thread = threading.Thread(target=self._talk, daemon=True)
        self.thread.start()

    def close(self):
        self.over = True
        self.thread.join(10)
        self.socket.close()

    def _request(self, method, lines, body=""):
        self.cseq += 1
        text = f"{method} {self.url} RTSP/1.0\r\nCSeq: {self.cseq}\r\n"
        text += "".join(line + "\r\n" for line in lines)
        if body:
            text += f"Content-Length: {len(body)}\r\n"
        return (text + "\r\n" + body).encode()

    def _set(self, body):
        self.socket.sendall(self._request(
            "SET_PARAMETER", ["Content-Type: text/parameters",
                              f"Session: {self.session}"], body))

    def _beat(self):
        root = self.root
        self._set(f"message: alive\r\nid: {root.id}\r\n"
                  f"address: {root.address}\r\nchildren-max: 4\r\n"
                  f"peers: {root.size()}\r\nlevels: {root.levels()}\r\n"
                  "free: 500\r\nreceiving: yes\r\n"
                  f"quality: peers={root.size()};{self.quality}\r\n")

    def _join(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.cseq = 0
        self.data = b""
        root = self.root
        require = "Require: org.spreadit.1"
        self.socket.sendall(
            self._request("DESCRIBE", [
                require, "Accept: application/sdp",
                f"SpreadIt-Peer: id={root.id}; address=\"{root.address}\"; "
                "version=1; children-max=4; children-free=4; peers=1; levels=0"
            ]) + self._request("SETUP", [
                require, "Transport: RTP/AVPF;unicast;RTCP-mux;bundle;"
                "client_port=9"]) +
            self._request("PLAY", [require, "Range: npt=now-"]))
        for _ in range(3):
            head, _body = self._message()
            if not head.startswith("RTSP/1.0 200"):
                self.socket.close()
                return False
            found = re.search(r"Session: ([^;\r]+)", head)
            self.session = found.group(1) if found else self.session
        return True

    def _message(self):
        """The next one; nothing if it is not all there."""
        while True:
            head, end, rest = self.data.partition(b"\r\n\r\n")
            if end:
                length = re.search(rb"Content-Length: (\d+)", head)
                length = int(length.group(1)) if length else 0
                if len(rest) >= length:
                    self.data = rest[length:]
                    return head.decode(), rest[:length].decode()
            piece = self.socket.recv(65536)
            if not piece:
                raise ConnectionError("hung up on")
            self.data += piece

    def _talk(self):
        beaten = 0
        try:
            while not self.over:
                if time.monotonic() - beaten > BEAT_SECONDS:
                    beaten = time.monotonic()
                    self._beat()
                try:
                    head, body = self._message()
                except TimeoutError:
                    continue
                if head.startswith("RTSP/"):
                    continue
                cseq = re.search(r"CSeq: (\d+)", head).group(1)
                self.socket.sendall(
                    f"RTSP/1.0 200 OK\r\nCSeq: {cseq}\r\n\r\n".encode())
                if body.startswith("message: survey\r\n"):
                    self._answer(dict(line.split(": ", 1) for line in
                                      body.strip().split("\r\n")))
        except ConnectionError:
            pass

    def _answer(self, question):
        about = self.root
        for one in filter(None, question.get("path", "").split(",")):
            about = next((child for child in about.children
                          if child.id == one), None)
            if about is None:
                break
        lines = []
        self._tell(about, 0, int(question["depth"]), int(question["peers"]),
                   lines) if about else None
        head = f"message: surveyed\r\ntoken: {question['token']}\r\n"
        parts = ["".join(lines[i:i + 60]) for i in range(0, len(lines), 60)]
        for number, part in enumerate(parts or [""]):
            more = "yes" if number + 1 < len(parts) else "no"
            self._set(f"{head}more: {more}\r\n{part}")

    def _tell(self, peer, depth, deepest, most, lines):
        """As an agent does: each itself, and a fair share of the rest."""
        lines.append(peer.line(depth))
        most -= 1
        told = peer.children[:most] if depth < deepest else []
        most -= len(told)
        for number, child in enumerate(sorted(told, key=Peer.size)):
            share = min(most // (len(told) - number), child.size() - 1)
            self._tell(child, depth + 1, deepest, share + 1, lines)
            most -= share
