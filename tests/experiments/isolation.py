#!/usr/bin/env python3
# What do children notice of a brother that is slow, stuck or gone? Prints JSON:
# the others' packet delay and loss without it and beside it.
#
#   meson devenv -C build ../tests/experiments/isolation.py [--seconds 20]
#       [--rounds 3] [--what slow stuck closed]
#
# A source of 5 Mbit/s (x264, all packets of a frame at once) feeds four relays
# on a bridge, each a node of its own, and the troublesome one:
#
#   slow    a relay behind a token bucket (tbf) of 1 Mbit/s
#   stuck   an RTSP player over TCP that stops reading
#   closed  an RTSP player over UDP whose ports are closed, its link open
#
# Each round measures the four alone and beside it, one after the other, so that
# what the machine does otherwise is in both. Times are the kernel's, of
# captures. Needs root (network namespaces) and tc.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import argparse
import json
import os
import re
import shutil
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "netlab"))
import netlab  # noqa: E402
from figures import first_times, percentile  # noqa: E402
from trees import Tree  # noqa: E402

STREAM = ("videotestsrc is-live=true pattern=snow ! "
          "video/x-raw,width=320,height=240,framerate=30/1 ! "
          "x264enc bitrate=5000 tune=zerolatency speed-preset=ultrafast "
          "key-int-max=60 ! h264parse")
OTHERS = 4
SLOW_BITS = 1_000_000
ANSWER_SECONDS = 10


class Player:
    """The least of an RTSP player: it asks, then does nothing."""

    def __init__(self, node, uri, transport):
        self.uri = uri.replace("spreadit:", "rtsp:")
        host, port = re.search(r"//(.*):(\d+)/", self.uri).groups()
        self.number = 0
        self.socket = node.socket(socket.socket)
        # Stuck when it has not read so much.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.socket.settimeout(ANSWER_SECONDS)
        self.socket.connect((host, int(port)))
        description = self.ask("DESCRIBE", self.uri,
                               "Accept: application/sdp\r\n")
        control = re.search(r"m=.*?a=control:(\S+)", description,
                            re.S).group(1)
        answer = self.ask("SETUP", f"{self.uri}/{control}",
                          f"Transport: {transport}\r\n")
        session = re.search(r"Session: ([^;\r]+)", answer).group(1)
        self.ask("PLAY", self.uri, f"Session: {session}\r\n")

    def ask(self, method, uri, headers):
        self.number += 1
        self.socket.sendall(f"{method} {uri} RTSP/1.0\r\n"
                            f"CSeq: {self.number}\r\n{headers}\r\n".encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._receive()
        length = re.search(rb"Content-Length: (\d+)", answer, re.I)
        if length:
            end = answer.index(b"\r\n\r\n") + 4 + int(length.group(1))
            while len(answer) < end:
                answer += self._receive()
        if not answer.startswith(b"RTSP/1.0 200"):
            raise netlab.Failure(f"{method}: {answer[:200]}")
        return answer.decode(errors="replace")

    def _receive(self):
        got = self.socket.recv(4096)
        if not got:
            raise netlab.Failure("the source has hung up")
        return got

    def close(self):
        self.socket.close()


class Slow:
    seconds = None

    def __init__(self, tree):
        node = tree.lab.add_node()
        netlab.run("ip", "netns", "exec", tree.lab.bridge, "tc", "qdisc",
                   "add", "dev", f"p{node.number}", "root", "tbf", "rate",
                   f"{SLOW_BITS}bit", "burst", "16kb", "latency", "100ms")
        # Whether it ever says that it receives is its own affair.
        self.relay = tree.lab.relay(tree.source.uri, node=node, wait=False)
        tree.source.wait_stats(
            "the slow one is a child",
            lambda stats: len(stats["children"]) > OTHERS)

    def close(self):
        self.relay.kill()


class Stuck(Player):
    seconds = 4  # TCP_USER_TIMEOUT ends it after 5

    def __init__(self, tree):
        super().__init__(tree.lab.add_node(), tree.source.uri,
                         "RTP/AVP/TCP;unicast;interleaved=0-1")


class Closed(Player):
    seconds = None

    def __init__(self, tree):
        super().__init__(tree.lab.add_node(), tree.source.uri,
                         "RTP/AVP;unicast;client_port=40000-40001")


WHAT = {"slow": Slow, "stuck": Stuck, "closed": Closed}


def watch(tree, seconds):
    """Packet delays from the source to the four, and what is missing there."""
    began = time.monotonic()
    time.sleep(seconds)
    ended = time.monotonic()
    time.sleep(0.5)
    # First, then of this time: what the slow one is sent again has been sent
    # to the others before.
    sent = {key: when
            for key, when in first_times(tree.source_capture.sent()).items()
            if began <= when < ended}
    delays, missing = [], 0
    for peer in tree.peers:
        got = first_times(tree.received(peer, began))
        delays += [got[key] - when for key, when in sent.items() if key in got]
        missing += sum(key not in got for key in sent)
    return delays, missing


def result(delays, missing):
    return {"packets": len(delays), "missing": missing,
            "delay-ms": {name: round(percentile(delays, percent) * 1e3, 3)
                         for name, percent in (("p50", 50), ("p99", 99),
                                               ("max", 100))}}


def measure(what, options):
    alone, beside, theirs = [[], 0], [[], 0], []
    with netlab.Lab() as lab:
        tree = Tree(lab, OTHERS + 1, publish=STREAM)
        tree.grow(*[0] * OTHERS)
        time.sleep(2)
        seconds = WHAT[what].seconds or options.seconds
        for number in range(round(options.rounds * options.seconds / seconds)):
            for sums in (alone, beside):
                trouble = WHAT[what](tree) if sums is beside else None
                delays, missing = watch(tree, seconds)
                sums[0] += delays
                sums[1] += missing
                if trouble:
                    known = {peer.stats()["id"] for peer in tree.peers}
                    theirs += [child for child in
                               tree.source.fresh_stats()["children"]
                               if child["id"] not in known]
                    trouble.close()
                    tree.source.wait_stats(
                        "it is gone",
                        lambda stats: len(stats["children"]) == OTHERS)
            print(f"{what}: round {number + 1}", file=sys.stderr)
    return {"alone": result(*alone), "beside": result(*beside),
            "the-troublesome": theirs}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--what", nargs="+", choices=WHAT, default=list(WHAT))
    options = parser.parse_args()
    netlab.require_rights()
    if not shutil.which("tc"):
        netlab.skip("no tc command (package iproute2)")
    print(json.dumps({"seconds": options.seconds, "rounds": options.rounds,
                      "each": {what: measure(what, options)
                               for what in options.what}}, indent=1))


main()
