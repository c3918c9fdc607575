#!/usr/bin/env python3
# What does a viewer see of the death of its parent? Prints JSON: breaks in what
# spreaditsrc's stream decodes to, picture and sound, at a parent's descendants.
#
#   meson devenv -C build ../tests/experiments/continuity.py [--rounds 5]
#       [--how kill freeze cut leave] [--latency 1000] [--delay MS]
#
# source -> victim -> relay -> viewer, and a viewer right below the victim. Both
# decode H.264 of 30 frames a second and Opus (continuity_player.py). Needs root
# (network namespaces) and Python's GStreamer bindings.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import argparse
import json
import os
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "netlab"))
import netlab  # noqa: E402
from figures import lose, python_with_gstreamer  # noqa: E402
from trees import Tree  # noqa: E402

STREAM = ("videotestsrc is-live=true pattern=ball ! "
          "video/x-raw,width=640,height=360,framerate=30/1 ! "
          "x264enc bitrate=2000 tune=zerolatency speed-preset=ultrafast "
          "key-int-max=60 ! h264parse "
          "audiotestsrc is-live=true wave=ticks samplesperbuffer=960 ! "
          "audio/x-raw,rate=48000,channels=1 ! opusenc")
BEFORE_SECONDS = 4  # latency and a start that settles
AFTER_SECONDS = 5


def start_viewer(lab, node, uri, latency):
    path = os.path.join(lab.directory, f"view{next(lab.counter)}.json")
    player = node.spawn(python_with_gstreamer(),
                        os.path.join(HERE, "continuity_player.py"), uri, path,
                        str(latency))
    return player, path


def finish(viewer):
    player, path = viewer
    player.signal(signal.SIGTERM)
    player.wait(20)
    with open(path, encoding="utf-8") as file:
        result = json.load(file)
    if result["error"]:
        raise netlab.Failure(result["error"])
    return result


def one_round(how, options):
    with netlab.Lab(delay=bool(options.delay)) as lab:
        if options.delay:
            lab.prepare(5, options.delay)
        tree = Tree(lab, 1, publish=STREAM)
        (victim,) = tree.grow(1, capture=False)
        (relay,) = tree.grow(0, capture=False)
        viewers = []
        for parent, room in ((relay, 1), (victim, 2)):
            tree.set_children(parent, room)
            viewers.append(start_viewer(lab, lab.add_node(), tree.source.uri,
                                        options.latency))
            parent.wait_stats(
                "the viewer is there",
                lambda stats, room=room: len(stats["children"]) == room)
        tree.set_children(tree.source, 3)
        time.sleep(BEFORE_SECONDS)
        lost_at = time.monotonic()
        lose(how, lab, victim)
        time.sleep(AFTER_SECONDS)
        results = [finish(viewer) for viewer in viewers]
        for result in results:
            for stream in result["streams"].values():
                breaks = stream["breaks"]
                stream["breaks"] = [one for one in breaks
                                    if one["at"] > lost_at - 1]
                stream["breaks-before"] = len(breaks) - len(stream["breaks"])
        if not any(result["switches"] for result in results):
            raise netlab.Failure("nobody has moved")
        return results


def summary(rounds):
    results = [result for one in rounds for result in one]
    whole = {"viewers": len(results),
             "packets-lost": sum(one["packets-lost"] for one in results)}
    for kind in ("video", "audio"):
        streams = [one["streams"][kind] for one in results]
        whole[kind] = {name: sum(stream[name] for stream in streams)
                       for name in ("buffers", "corrupted", "late",
                                    "breaks-before")}
        whole[kind]["breaks"] = sum(len(stream["breaks"])
                                    for stream in streams)
    return whole


def main():
    parser = argparse.ArgumentParser()
    hows = ("kill", "freeze", "cut", "leave")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--how", nargs="+", choices=hows, default=hows)
    parser.add_argument("--latency", type=int, default=1000, metavar="MS")
    parser.add_argument("--delay", type=float, default=0, metavar="MS")
    options = parser.parse_args()
    if options.delay and "cut" in options.how:
        parser.error("--how cut is not for --delay")
    netlab.require_rights()
    each = {}
    for how in options.how:
        rounds = []
        for number in range(options.rounds):
            rounds.append(one_round(how, options))
            print(f"{how}: round {number + 1}", file=sys.stderr)
        each[how] = {"summary": summary(rounds), "rounds": rounds}
    print(json.dumps({"latency-ms": options.latency, "delay-ms": options.delay,
                      "each": each}, indent=1))


main()
