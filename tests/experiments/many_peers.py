#!/usr/bin/env python3
# How many relays does one machine carry, what do they miss, and what memory does
# each take? Prints JSON.
#
#   meson devenv -C build ../tests/experiments/many_peers.py [--peers 200]
#       [--seconds 60] [--clip FILE] [--children 3]
#
# Processes of gst-spreadit-relay on 127.0.0.1 in one tree, each with room for so
# many children. All of them receive before the time counts. Memory: RSS as the
# system has it, and PSS, where what processes share is counted once. Bytes per
# child are those of one relay with 64 children beside the same without.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import argparse
import collections
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "netlab"))
import netlab  # noqa: E402
from figures import percentile  # noqa: E402

BATCH = 10
CROWD = 64
START_SECONDS = 120


def memory(relay):
    """RSS and PSS in KiB."""
    found = {}
    with open(f"/proc/{relay.popen.pid}/smaps_rollup",
              encoding="utf-8") as lines:
        for line in lines:
            name, _colon, rest = line.partition(":")
            if name in ("Rss", "Pss"):
                found[name.lower()] = int(rest.split()[0])
    return found


def cpu_seconds(relay):
    with open(f"/proc/{relay.popen.pid}/stat", encoding="utf-8") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def grow(lab, uri, count, children):
    peers = []
    for begin in range(0, count, BATCH):
        batch = [lab.relay(uri, f"--max-children={children}", wait=False)
                 for _ in range(min(BATCH, count - begin))]
        for peer in batch:
            peer.wait_state("receiving", START_SECONDS)
        peers += batch
        print(f"{len(peers)} peers", file=sys.stderr)
    return peers


def publish(lab, options):
    extra = ["--loop"] if options.clip != "test" else []
    return lab.publish(options.clip, "--max-children=3", *extra)


def many(options):
    with netlab.Lab(loopback=True) as lab:
        source = publish(lab, options)
        peers = grow(lab, source.uri, options.peers, options.children)
        time.sleep(2)
        names = ("packets-lost", "packets-received", "socket-drops", "switches",
                 "packets-repaired", "packets-duplicate", "bytes-in")
        before = [peer.fresh_stats() for peer in peers]
        used = [cpu_seconds(peer) for peer in peers]
        began = time.monotonic()
        time.sleep(options.seconds)
        seconds = time.monotonic() - began
        used = [cpu_seconds(peer) - was for peer, was in zip(peers, used)]
        after = [peer.fresh_stats() for peer in peers]
        kib = [memory(peer) for peer in peers]
        sums = {name: sum(a[name] - b[name] for a, b in zip(after, before))
                for name in names}
        levels = collections.Counter(stats["level"] for stats in after)
        return {
            "peers": len(peers),
            "seconds": round(seconds, 1),
            "levels": dict(sorted(levels.items())),
            "sums": sums,
            "mbit-per-second-each": round(
                sums["bytes-in"] * 8e-6 / seconds / len(peers), 3),
            "cpu-percent-of-a-core-each": round(
                100 * sum(used) / seconds / len(peers), 3),
            "rss-kib": {"p50": percentile([m["rss"] for m in kib], 50),
                        "max": max(m["rss"] for m in kib)},
            "pss-kib": {"p50": percentile([m["pss"] for m in kib], 50),
                        "max": max(m["pss"] for m in kib)},
        }


def per_child(options):
    with netlab.Lab(loopback=True) as lab:
        source = publish(lab, options)
        relay = lab.relay(source.uri, f"--max-children={CROWD}")
        lab.relay(source.uri, "--max-children=0", wait=True)
        lab.relay(source.uri, "--max-children=0", wait=True)
        time.sleep(8)  # the ring is full
        alone = memory(relay)
        grow(lab, source.uri, CROWD, 0)
        time.sleep(8)
        crowded = memory(relay)
        children = len(relay.fresh_stats()["children"])
        return {"children": children, "alone-rss-kib": alone["rss"],
                "crowded-rss-kib": crowded["rss"],
                "kib-per-child": round(
                    (crowded["rss"] - alone["rss"]) / children, 1)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--children", type=int, default=3)
    parser.add_argument("--clip", default="test")
    options = parser.parse_args()
    print(json.dumps({"clip": os.path.basename(options.clip),
                      "many": many(options), "per-child": per_child(options)},
                     indent=1))


main()
