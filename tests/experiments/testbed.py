#!/usr/bin/env python3
# The paper's testbed (VI-A) done over: Star, Local Tree and Chain of six peers,
# the source beside them or across the country. Prints JSON.
#
#   meson devenv -C build ../tests/experiments/testbed.py [--runs 5]
#       [--seconds 60] [--clip FILE] [--rtt MS] [--loss SHARE] [--no-repair]
#       [--plot FILE.svg [--of FILE.json]]
#
# Each node is a network namespace on the delay switch. Peers are 0.2 ms of round
# trip apart, as in one intranet; so is the near source, and from and to the far
# one it is --rtt, with --loss of the packets either way. Add policy random, delete
# policy root, as in the paper. A clip of the paper's parameters in a loop: 37 s,
# 240x180, 180 kbit/s, 11 kHz mono; made here, or --clip.
#
# Figures by level, over all runs: packet delay (as captured on the interfaces, by
# the kernel's clock), time to discover parent (as the peers have it), packets
# dropped on the way (that came only when asked for again, or not at all) and
# missing in the end. Needs root (network namespaces).
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import argparse
import collections
import json
import os
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "netlab"))
import netlab  # noqa: E402
from figures import first_times, percentile  # noqa: E402
from trees import Tree  # noqa: E402

PEERS = 6
NEAR_MS = 0.1  # one way
CLIP_SECONDS = 37
VIDEO_RATE = 15
# Children of the source, then of each peer, by the order they join in.
TOPOLOGIES = {"star": (PEERS, [[0] * PEERS]),
              "local-tree": (1, [[2], [2, 1], [0, 0, 0]]),
              "chain": (1, [[1]] * PEERS)}
LEVELS = {"star": [1] * PEERS, "local-tree": [1, 2, 2, 3, 3, 3],
          "chain": list(range(1, PEERS + 1))}
ATTEMPTS = 5
PAPER_HOP_MS = 20  # Figure 7: 0.1 s at five hops, linear


failed = []  # runs that were made anew


def make_clip(path):
    frames = CLIP_SECONDS * VIDEO_RATE
    samples = 1024
    buffers = CLIP_SECONDS * 11025 // samples
    netlab.run(
        "gst-launch-1.0", "-q", "mp4mux", "name=mux", "!", "filesink",
        f"location={path}",
        "videotestsrc", "pattern=ball", f"num-buffers={frames}", "!",
        f"video/x-raw,width=240,height=180,framerate={VIDEO_RATE}/1", "!",
        "timeoverlay", "!", "x264enc", "bitrate=150", "key-int-max=30",
        "bframes=0", "!", "h264parse", "!", "mux.",
        "audiotestsrc", f"num-buffers={buffers}",
        f"samplesperbuffer={samples}", "wave=pink-noise", "!",
        "audio/x-raw,rate=11025,channels=1", "!", "avenc_aac",
        "bitrate=24000", "!", "mux.")


def set_distances(lab, source, peers, options, far):
    for number, peer in enumerate(peers):
        for other in peers[:number]:
            lab.switch.set_delay(peer, other, NEAR_MS)
        lab.switch.set_delay(source, peer,
                             options.rtt / 2 if far else NEAR_MS)
        if far:
            lab.switch.set_loss(source, peer, options.loss)
            lab.switch.set_loss(peer, source, options.loss)


def run(topology, far, clip, options):
    source_children, waves = TOPOLOGIES[topology]
    with netlab.Lab(delay=True) as lab:
        lab.prepare(PEERS + 1, NEAR_MS)
        source, *peers = lab.unused
        set_distances(lab, source, peers, options, far)
        policy = ["--add-policy=random", "--delete-policy=root"]
        if options.no_repair:
            policy.append("--repair-share=0")
        tree = Tree(lab, source_children, clip, ["--loop", *policy])
        for wave in waves:
            tree.grow(*wave, arguments=policy)
        names = ("packets-lost", "packets-repaired")
        before = {peer: peer.fresh_stats() for peer in tree.peers}
        began = time.monotonic()
        time.sleep(options.seconds)
        ended = time.monotonic()
        time.sleep(1)
        after = {peer: peer.fresh_stats() for peer in tree.peers}
        sent = {key: when for key, when in
                first_times(tree.source_capture.sent()).items()
                if began <= when < ended}
        shape = sorted(stats["level"] for stats in after.values())
        if shape != LEVELS[topology] or any(
                after[peer]["switches"] != before[peer]["switches"]
                for peer in tree.peers):
            raise netlab.Failure(f"levels are {shape}")
        levels = collections.defaultdict(lambda: {
            "delays": [], "sent": 0, "missing": 0, "dropped": 0,
            "discover": []})
        for peer in tree.peers:
            level = levels[after[peer]["level"]]
            got = first_times(tree.received(peer, began))
            level["delays"] += [got[key] - when for key, when in sent.items()
                                if key in got]
            level["sent"] += len(sent)
            level["missing"] += sum(key not in got for key in sent)
            level["dropped"] += sum(after[peer][name] - before[peer][name]
                                    for name in names)
            level["discover"].append(after[peer]["discover-ms"])
        return levels


def steady_run(topology, far, clip, options):
    """Where the machine stalls for half a second, silent parents are left and
    the tree is another: that is no run of this topology."""
    for _ in range(ATTEMPTS):
        try:
            return run(topology, far, clip, options)
        except netlab.Failure as failure:
            failed.append(f"{topology}, {'far' if far else 'near'}: {failure}")
            print(failed[-1], file=sys.stderr)
    raise netlab.Failure(f"{ATTEMPTS} times")


def summary(values):
    return {"mean": round(sum(values) / len(values), 3),
            "p50": round(percentile(values, 50), 3),
            "p99": round(percentile(values, 99), 3),
            "max": round(max(values), 3)}


def measure(topology, far, clip, options):
    whole = {}
    for number in range(options.runs):
        for level, one in steady_run(topology, far, clip, options).items():
            known = whole.setdefault(level, {})
            for name, value in one.items():
                known[name] = known[name] + value if name in known else value
        print(f"{topology}, {'far' if far else 'near'}: run {number + 1}",
              file=sys.stderr)
    return [{"level": level, "packets": one["sent"],
             "dropped": one["dropped"], "missing": one["missing"],
             "delay-ms": summary([1e3 * delay for delay in one["delays"]]),
             "discover-ms": summary(one["discover"])}
            for level, one in sorted(whole.items())]


def plot(result, path):
    import matplotlib
    matplotlib.use("svg")
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(figsize=(6, 4))
    for where in ("near", "far"):
        levels = result["each"]["chain"][where]
        axes.plot([one["level"] for one in levels],
                  [one["delay-ms"]["mean"] for one in levels], "o-",
                  label=f"chain, {where} source, mean")
    axes.plot(range(1, PEERS), [PAPER_HOP_MS * hop for hop in range(1, PEERS)],
              "x--", label="the paper, Figure 7 (near)")
    axes.set_yscale("log")
    axes.set_xlabel("level")
    axes.set_ylabel("packet delay from the source, ms")
    axes.grid(True, which="both", alpha=0.3)
    axes.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clip")
    parser.add_argument("--rtt", type=float, default=72, metavar="MS")
    parser.add_argument("--loss", type=float, default=0.005, metavar="SHARE")
    parser.add_argument("--no-repair", action="store_true")
    parser.add_argument("--topologies", nargs="+", choices=TOPOLOGIES,
                        default=list(TOPOLOGIES))
    parser.add_argument("--plot", metavar="FILE.svg")
    parser.add_argument("--of", metavar="FILE.json")
    options = parser.parse_args()
    if options.of:
        with open(options.of, encoding="utf-8") as file:
            return plot(json.load(file), options.plot)
    netlab.require_rights()
    with tempfile.TemporaryDirectory() as directory:
        clip = options.clip
        if not clip:
            clip = os.path.join(directory, "clip.mp4")
            make_clip(clip)
        each = {topology: {
            where: measure(topology, where == "far", clip, options)
            for where in ("near", "far")} for topology in options.topologies}
    result = {"runs": options.runs, "seconds": options.seconds,
              "far-rtt-ms": options.rtt, "far-loss": options.loss,
              "repair": not options.no_repair, "failed-runs": failed,
              "each": each}
    print(json.dumps(result, indent=1))
    if options.plot:
        plot(result, options.plot)


main()
