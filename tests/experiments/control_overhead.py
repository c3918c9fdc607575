#!/usr/bin/env python3
# What does the control link between two peers cost beside the stream? Prints
# JSON.
#
#   meson devenv -C build ../tests/experiments/control_overhead.py
#       [--peers 14] [--seconds 30] [--moves 3]
#
# Relays on 127.0.0.1, two children each. Bytes are RTSP's, both ways, without
# TCP's and IP's headers, as the nodes count them: of a join (until the first
# second is over), of a link in which nothing changes, by level, and of the whole
# tree when a peer with descendants leaves. RTCP on the data path is in repair.py's
# overhead. Needs no rights.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import argparse
import collections
import json
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "netlab"))
import netlab  # noqa: E402
from figures import percentile  # noqa: E402

CHILDREN = 2
SETTLE_SECONDS = 3


def control(stats):
    return stats["control-bytes-in"] + stats["control-bytes-out"]


def summary(values):
    return {"p50": round(percentile(values, 50), 1),
            "max": round(max(values), 1)}


def steady(nodes, seconds):
    """Bytes a second of each node's link to its parent. A node's own figure has
    the links to its children too; they are counted once from the leaves up."""
    before = {node: node.fresh_stats() for node in nodes}
    began = time.monotonic()
    time.sleep(seconds)
    after = {node: node.fresh_stats() for node in nodes}
    passed = time.monotonic() - began
    rates = {node: (control(after[node]) - control(before[node])) / passed
             for node in nodes}
    by_id = {after[node]["id"]: node for node in nodes}
    upward = {}
    for node in sorted(nodes, key=lambda one: -after[one]["level"]):
        below = [by_id[child["id"]] for child in after[node]["children"]]
        upward[node] = rates[node] - sum(upward[child] for child in below)
    stream = [(after[node]["bytes-in"] - before[node]["bytes-in"]) / passed
              for node in nodes if after[node]["level"]]
    levels = collections.defaultdict(list)
    for node in nodes:
        if after[node]["level"]:
            levels[after[node]["level"]].append(upward[node])
    return {"stream-bytes-per-second": round(percentile(stream, 50)),
            "link-bytes-per-second": {level: summary(values) for level, values
                                      in sorted(levels.items())}}


def move(lab, source, peers):
    """An inner peer leaves and another comes; what that costs beyond a quiet
    time of the same length."""
    leaver = next(peer for peer in peers
                  if len(peer.fresh_stats()["children"]) == CHILDREN)
    rest = [source] + [peer for peer in peers if peer is not leaver]

    def spent(act):
        before = {node: control(node.fresh_stats()) for node in rest}
        act()
        time.sleep(SETTLE_SECONDS)
        return sum(control(node.fresh_stats()) - before[node] for node in rest)

    def leave():
        leaver.signal(signal.SIGTERM)
        leaver.wait(20)

    quiet = spent(lambda: None)
    beyond = spent(leave) - quiet
    peers.remove(leaver)
    peers.append(lab.relay(source.uri, f"--max-children={CHILDREN}"))
    return beyond


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers", type=int, default=14)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--moves", type=int, default=3)
    options = parser.parse_args()
    with netlab.Lab(loopback=True) as lab:
        source = lab.publish("test", f"--max-children={CHILDREN}")
        peers, joins = [], []
        for _ in range(options.peers):
            peers.append(lab.relay(source.uri, f"--max-children={CHILDREN}"))
            joins.append(control(peers[-1].stats()))
        time.sleep(SETTLE_SECONDS)
        result = {"peers": len(peers), "join-bytes": summary(joins),
                  **steady([source] + peers, options.seconds),
                  "leave-bytes-of-all": summary(
                      [move(lab, source, peers)
                       for _ in range(options.moves)])}
    print(json.dumps(result, indent=1))


main()
