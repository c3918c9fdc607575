#!/usr/bin/env python3
# How long does a newcomer wait for a parent, a packet, a picture, by level?
# Prints JSON.
#
#   meson devenv -C build ../tests/experiments/join.py [--levels 5] [--plays 20]
#       [--delay MS] [--gop SECONDS]
#
# A chain of relays, each as far from every other (one way); a newcomer below
# each of them asks the source first and is sent down from peer to peer, so on
# level n it asks n peers, each for a connection and one flight: 2 n round trips,
# and half a one for the first packet. It joins anywhere in a group of pictures of
# the given length. Times are from PLAYING: until a parent said yes
# ("discover-ms"), the first packet came, spreaditsrc gave out the first one, and a
# decoder the first picture; "beyond-round-trips-ms" is the last one less 2 n round
# trips. Needs root (network namespaces) and Python's GStreamer bindings.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import argparse
import json
import os
import random
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "netlab"))
import netlab  # noqa: E402
from figures import percentile, python_with_gstreamer  # noqa: E402
from trees import Tree  # noqa: E402

RATE = 25
STREAM = ("videotestsrc is-live=true pattern=ball ! "
          f"video/x-raw,width=640,height=360,framerate={RATE}/1 ! "
          "x264enc bitrate=2000 tune=zerolatency speed-preset=ultrafast "
          "key-int-max={} ! h264parse")
NAMES = ("discover-ms", "first-packet-ms", "first-out-ms", "decoded-ms",
         "beyond-round-trips-ms")


def one_play(lab, node, uri, level, options):
    path = os.path.join(lab.directory, f"join{next(lab.counter)}.json")
    player = node.spawn(python_with_gstreamer(),
                        os.path.join(HERE, "join_player.py"), uri, path)
    player.wait(60)
    with open(path, encoding="utf-8") as file:
        result = json.load(file)
    if result["error"]:
        raise netlab.Failure(result["error"])
    if result["level"] != level:
        raise netlab.Failure(f"on level {result['level']}, not {level}")
    result["beyond-round-trips-ms"] = (
        result["decoded-ms"] - 2 * level * 2 * options.delay)
    return result


def summary(plays):
    return {name: {"p50": round(percentile([p[name] for p in plays], 50), 1),
                   "p95": round(percentile([p[name] for p in plays], 95), 1),
                   "max": round(max(p[name] for p in plays), 1)}
            for name in NAMES}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--levels", type=int, default=5)
    parser.add_argument("--plays", type=int, default=20)
    parser.add_argument("--delay", type=float, default=10, metavar="MS")
    parser.add_argument("--gop", type=float, default=4, metavar="SECONDS")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    netlab.require_rights()
    chance = random.Random(options.seed)
    levels = []
    with netlab.Lab(delay=True) as lab:
        lab.prepare(options.levels + 1, options.delay)
        tree = Tree(lab, 1, publish=STREAM.format(int(options.gop * RATE)))
        newcomer = lab.add_node()
        for level in range(1, options.levels + 1):
            plays = []
            time.sleep(options.gop)
            for number in range(options.plays):
                time.sleep(chance.uniform(0.3, 0.3 + options.gop))
                plays.append(one_play(lab, newcomer, tree.source.uri, level,
                                      options))
                print(f"level {level}, play {number + 1}", file=sys.stderr)
            levels.append({"level": level, "summary": summary(plays),
                           "plays": plays})
            if level < options.levels:
                tree.grow(1, capture=False)
    print(json.dumps({"delay-ms": options.delay, "gop-seconds": options.gop,
                      "seed": options.seed, "levels": levels}, indent=1))


main()
