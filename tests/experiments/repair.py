#!/usr/bin/env python3
# Of what the source sends, how much is at each level of a chain in time when
# every link loses packets at random, and what does repair cost? Prints JSON.
#
#   meson devenv -C build ../tests/experiments/repair.py [--loss PERCENT]...
#       [--seconds 60] [--levels 5] [--delay MS] [--latency MS]
#       [--repair on|off|both] [--plot FILE.svg [--of FILE.json]]
#
# Every link has the one-way delay and loses, each way, that share of all
# packets: media, feedback and control. In time is what is captured on a node's
# interface within the latency after the source has sent it. Overhead is what
# passes a link, IP headers included, beyond packets of the stream that come for
# the first time: feedback and reports both ways, control, packets twice; as a
# share of the stream. The plot needs python3-matplotlib; with --of it is of what was
# printed before. Needs root (network namespaces).
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import argparse
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "netlab"))
import netlab  # noqa: E402
from figures import first_times, percentile  # noqa: E402
from trees import Tree  # noqa: E402

# Noise at 2 Mbit/s: as large as x264 is told, whatever it costs.
STREAM = ("videotestsrc is-live=true pattern=snow ! "
          "video/x-raw,width=320,height=240,framerate=30/1 ! "
          "x264enc bitrate=2000 tune=zerolatency speed-preset=ultrafast "
          "key-int-max=60 ! h264parse")
UDP_HEADERS = 28
SETTLE_SECONDS = 3
TARGET_PERCENT = 0.05  # not in time


def figures(tree, peer, level, began, ended, options):
    """What reached this peer of what was sent between the two times."""
    sent = first_times(packet for packet in tree.source_capture.sent()
                       if began <= packet.time < ended)
    got = first_times(tree.received(peer))
    delays = [(got[key] - when) * 1e3
              for key, when in sent.items() if key in got]
    in_time = sum(delay <= options.latency for delay in delays)
    return {
        "level": level,
        "sent": len(sent),
        "never": len(sent) - len(delays),
        "in-time": in_time / len(sent),
        "delay-ms": {name: percentile(delays, percent) for name, percent in
                     (("p50", 50), ("p99", 99), ("max", 100))},
    }


def traffic(capture, node):
    """Bytes of RTP that came, first and again."""
    kinds = {"first": 0, "again": 0}
    seen = set()
    for packet in capture.received():
        if packet.destination != node.ipv4:
            continue
        size = len(packet.data) + UDP_HEADERS
        kinds["again" if packet.key in seen else "first"] += size
        seen.add(packet.key)
    return kinds


def one_play(loss, repair, options):
    with netlab.Lab(delay=True) as lab:
        lab.prepare(options.levels + 1, options.delay)
        share = [] if repair else ["--repair-share=0"]
        tree = Tree(lab, 1, publish=STREAM, arguments=share)
        for _ in range(options.levels):
            tree.grow(1, arguments=share)
        nodes = [tree.source.node] + [peer.node for peer in tree.peers]
        for a, b in zip(nodes, nodes[1:]):
            lab.switch.set_loss(a, b, loss / 100)
            lab.switch.set_loss(b, a, loss / 100)
        time.sleep(1)
        before = [peer.fresh_stats() for peer in tree.peers]
        other_before = [tree.captures[peer].other_bytes()
                        for peer in tree.peers]
        again_before = [traffic(tree.captures[peer], peer.node)
                        for peer in tree.peers]
        began = time.monotonic()
        time.sleep(options.seconds)
        ended = time.monotonic()
        other_after = [tree.captures[peer].other_bytes()
                       for peer in tree.peers]
        again_after = [traffic(tree.captures[peer], peer.node)
                       for peer in tree.peers]
        time.sleep(SETTLE_SECONDS)
        after = [peer.fresh_stats() for peer in tree.peers]
        levels = []
        for i, peer in enumerate(tree.peers):
            parent = tree.peers[i - 1].node if i else tree.source.node
            one = figures(tree, peer, i + 1, began, ended, options)
            for name in ("packets-repaired", "packets-lost", "packets-late",
                         "repairs-asked", "packets-duplicate"):
                one[name] = after[i][name] - before[i][name]
            one["switches"] = after[i]["switches"] - before[i]["switches"]
            stream = again_after[i]["first"] - again_before[i]["first"]
            again = again_after[i]["again"] - again_before[i]["again"]
            other = (other_after[i].get(parent.ipv4, 0) -
                     other_before[i].get(parent.ipv4, 0))
            one["stream-bytes"] = stream
            one["twice-bytes"] = again
            one["feedback-and-control-bytes"] = other
            one["overhead"] = (again + other) / stream
            levels.append(one)
        return {"loss-percent": loss, "repair": repair, "levels": levels}


def plot(plays, path):
    import matplotlib
    matplotlib.use("svg")
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(figsize=(7, 4))
    colours = {}
    for play in plays:
        colour = colours.setdefault(play["loss-percent"],
                                    f"C{len(colours)}")
        axes.plot([one["level"] for one in play["levels"]],
                  [max((1 - one["in-time"]) * 100, 1e-4)
                   for one in play["levels"]],
                  "o-" if play["repair"] else "x--", color=colour,
                  label=f"{play['loss-percent']:g} % loss a link, repair "
                  f"{'on' if play['repair'] else 'off'}")
    axes.axhline(TARGET_PERCENT, color="grey", linestyle=":",
                 label=f"aim: {TARGET_PERCENT} %")
    axes.set_yscale("log")
    axes.set_xticks([one["level"] for one in plays[0]["levels"]])
    axes.set_xlabel("level")
    axes.set_ylabel("not in time, % (0 at the bottom)")
    axes.grid(True, which="major", alpha=0.3)
    axes.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--loss", type=float, action="append",
                        metavar="PERCENT")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--levels", type=int, default=5)
    parser.add_argument("--delay", type=float, default=10, metavar="MS")
    parser.add_argument("--latency", type=float, default=600, metavar="MS")
    parser.add_argument("--repair", default="both",
                        choices=("on", "off", "both"))
    parser.add_argument("--plot", metavar="FILE.svg")
    parser.add_argument("--of", metavar="FILE.json")
    options = parser.parse_args()
    if options.of:
        with open(options.of, encoding="utf-8") as file:
            return plot(json.load(file)["plays"], options.plot)
    netlab.require_rights()
    wanted = {"on": (True,), "off": (False,), "both": (True, False)}
    plays = []
    for loss in options.loss or (1, 3, 5):
        for repair in wanted[options.repair]:
            plays.append(one_play(loss, repair, options))
            print(f"{loss:g} %, repair {'on' if repair else 'off'}: done",
                  file=sys.stderr)
    print(json.dumps({"delay-ms": options.delay,
                      "latency-ms": options.latency,
                      "seconds": options.seconds, "plays": plays}, indent=1))
    if options.plot:
        plot(plays, options.plot)


main()
