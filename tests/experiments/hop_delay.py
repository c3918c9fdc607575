#!/usr/bin/env python3
# How much later is a packet at each level of a chain? Prints JSON.
#
#   meson devenv -C build ../tests/experiments/hop_delay.py [--levels 5]
#       [--seconds 30] [--plot FILE.svg [--of FILE.json]]
#
# Peers hang on one bridge, by veth. Times are the kernel's, of captures on their
# interfaces, so a hop is: a packet has reached one peer, and has reached the next.
# The stream is x264's at 5 Mbit/s, 30 frames a second, which leave the source one
# at a time, all packets at once. The plot has the paper's Figure 7 beside it and
# needs python3-matplotlib; with --of it is of what was printed before. Needs root
# (network namespaces).
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

STREAM = ("videotestsrc is-live=true pattern=snow ! "
          "video/x-raw,width=320,height=240,framerate=30/1 ! "
          "x264enc bitrate=5000 tune=zerolatency speed-preset=ultrafast "
          "key-int-max=60 ! h264parse")
PAPER_HOP_MS = 20  # Figure 7: 0.1 s at five hops, linear


def summary(delays):
    return {name: round(percentile(delays, percent) * 1e3, 4)
            for name, percent in (("p50-ms", 50), ("p90-ms", 90),
                                  ("p99-ms", 99), ("max-ms", 100))}


def measure(options):
    with netlab.Lab() as lab:
        tree = Tree(lab, 1, publish=STREAM)
        for _ in range(options.levels):
            tree.grow(1)
        time.sleep(2)
        began = time.monotonic()
        time.sleep(options.seconds)
        ended = time.monotonic()
        time.sleep(1)
        times = [first_times(tree.source_capture.sent(), began, ended)]
        times += [first_times(tree.received(peer), began, ended + 1)
                  for peer in tree.peers]
    levels = []
    for level in range(1, options.levels + 1):
        hop = [times[level][key] - when
               for key, when in times[level - 1].items()
               if key in times[level] and key in times[0]]
        whole = [times[level][key] - when for key, when in times[0].items()
                 if key in times[level]]
        levels.append({"level": level, "packets": len(whole),
                       "missing": len(times[0]) - len(whole),
                       "hop": summary(hop), "from-source": summary(whole)})
    return levels


def plot(levels, path):
    import matplotlib
    matplotlib.use("svg")
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(figsize=(6, 4))
    hops = [one["level"] for one in levels]
    for name in ("p50-ms", "p99-ms"):
        axes.plot(hops, [one["from-source"][name] for one in levels], "o-",
                  label=f"measured, {name[:-3]}")
    axes.plot(hops, [PAPER_HOP_MS * hop for hop in hops], "x--",
              label="the paper, Figure 7 (0.1 s at five hops)")
    axes.set_yscale("log")
    axes.set_xticks(hops)
    axes.set_xlabel("level")
    axes.set_ylabel("packet delay from the source, ms")
    axes.grid(True, which="both", alpha=0.3)
    axes.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--levels", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--plot", metavar="FILE.svg")
    parser.add_argument("--of", metavar="FILE.json")
    options = parser.parse_args()
    if options.of:
        with open(options.of, encoding="utf-8") as file:
            return plot(json.load(file)["levels"], options.plot)
    netlab.require_rights()
    levels = measure(options)
    print(json.dumps({"seconds": options.seconds, "levels": levels}, indent=1))
    if options.plot:
        plot(levels, options.plot)


main()
